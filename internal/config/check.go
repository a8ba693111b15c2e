package config

import (
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"ringback/internal/loopback"
	"ringback/internal/seal"
	"ringback/internal/secret"
	"ringback/internal/wording"

	"github.com/robfig/cron/v3"
)

// check checks each value, and the values against each other.
func (l *loader) check() {
	l.checkServer()
	l.checkDatabase()
	l.checkWorker()
	l.checkSecurity()
	l.checkShopify()
	l.checkRetention()
	l.checkIntegrations()
	l.checkAlerts()
	l.checkLog()
	l.checkStores()
}

func (l *loader) checkServer() {
	server := &l.config.Server
	if _, problem := listenHost(server.Listen); problem != "" {
		l.file.problem("server.listen", problem)
	}
	switch {
	case server.PublicURL == "" && len(l.config.Stores) > 0:
		l.file.problem("server.public_url", "is missing; write the https address under which Shopify and the voice "+
			"API reach this server, or http://127.0.0.1:8080 to try it out")
	case sameFreePort(server.Listen, server.PublicURL):
		// Both get the port that is chosen when the server starts.
	case server.PublicURL != "":
		l.checkURL(l.file, "server.public_url", &server.PublicURL)
	}
}

// sameFreePort reports whether both addresses leave the port to the system, which works on one machine only.
func sameFreePort(listen, public string) bool {
	host, port, err := net.SplitHostPort(listen)
	return err == nil && port == "0" && loopback.Host(host) && public == "http://"+listen
}

// checkURL checks a web address and removes a slash from its end.
func (l *loader) checkURL(s *scope, path string, address *string) {
	clean, problem := webURL(*address)
	if problem != "" {
		s.problem(path, problem)
		return
	}
	*address = clean
}

func (l *loader) checkDatabase() {
	database := l.config.Database
	if problem := databaseProblem(database.URL); problem != "" {
		l.file.problem("database.url", problem)
	}
	if database.URL == "" && database.DataDir == "" {
		l.file.problem("database.data_dir", "is empty, and there is no url; write a folder for the embedded "+
			"Postgres, or give the url of a server")
	}
	l.checkRange("database.max_conns", database.MaxConns, 2, 1000)
}

// mostJobsPerConn is how many jobs can share a connection: those about calls use it for a small part of their time.
const mostJobsPerConn = 10

func (l *loader) checkWorker() {
	jobs, conns := l.config.Worker.Concurrency, l.config.Database.MaxConns
	l.checkRange("worker.concurrency", jobs, 1, 10_000)
	if conns >= 2 && jobs > mostJobsPerConn*conns {
		l.file.warn("worker.concurrency", fmt.Sprintf("%d jobs at once would wait for each other on %d database "+
			"connections; write at most %d, or raise database.max_conns", jobs, conns, mostJobsPerConn*conns))
	}
}

func (l *loader) checkRange(path string, n, low, high int) {
	if problem := rangeProblem(n, low, high); problem != "" {
		l.file.problem(path, problem)
	}
}

func rangeProblem(n, low, high int) string {
	switch {
	case n < low:
		return fmt.Sprintf("%d is too low; write %d to %d", n, low, high)
	case n > high:
		return fmt.Sprintf("%d is too high; write %d to %d", n, low, high)
	}
	return ""
}

// shortToken is the length below which a token or password could be guessed.
const shortToken = 12

func (l *loader) checkSecurity() {
	security := l.config.Security
	if len(security.EncryptionKey) == 0 {
		l.file.problem("security.encryption_key", "is missing; make one with: openssl rand -base64 32")
	}
	first := map[string]int{}
	for i, text := range security.EncryptionKey {
		path := "security.encryption_key"
		if len(security.EncryptionKey) > 1 {
			path = fmt.Sprintf("%s[%d]", path, i)
		}
		key, err := seal.ParseKey(text.Reveal())
		if err != nil {
			l.file.problem(path, "is "+err.Error())
			continue
		}
		if at, twice := first[string(key)]; twice {
			l.file.problem(path, fmt.Sprintf("is the same key as number %d; write the new key first and "+
				"the old ones after it", at+1))
			continue
		}
		first[string(key)] = i
	}
	host, problem := listenHost(l.config.Server.Listen)
	if problem == "" && !security.DashboardPassword.Set() && !loopback.Host(host) {
		l.file.problem("security.dashboard_password", fmt.Sprintf("is missing; server.listen %q is open to other "+
			"machines: write a password, or listen on 127.0.0.1", l.config.Server.Listen))
	}
	for path, s := range map[string]secret.Secret{
		"security.api_token": security.APIToken, "security.dashboard_password": security.DashboardPassword,
	} {
		if s.Set() && len(s.Reveal()) < shortToken {
			l.file.warn(path, fmt.Sprintf("is short enough to be guessed; take at least %d characters, from: "+
				"openssl rand -hex 32", shortToken))
		}
	}
}

var (
	apiVersion = regexp.MustCompile(`^20\d\d-(01|04|07|10)$`)
	scopeName  = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)
)

func (l *loader) checkShopify() {
	shopify := l.config.Shopify
	if !apiVersion.MatchString(shopify.APIVersion) {
		l.file.problem("shopify.api_version", fmt.Sprintf("%q is not a version of Shopify's API; they come every "+
			"quarter, such as 2026-10 (01, 04, 07 or 10)", shopify.APIVersion))
	}
	for i, name := range shopify.Scopes {
		if !scopeName.MatchString(name) {
			l.file.problem(fmt.Sprintf("shopify.scopes[%d]", i),
				fmt.Sprintf("%q is not an access scope; write one such as read_orders", name))
		}
	}
	l.checkCron("shopify.reconcile_every", shopify.ReconcileEvery)
	l.checkCron("shopify.subscriptions_every", shopify.SubscriptionsEvery)
}

func (l *loader) checkCron(path, expression string) {
	if problem := cronProblem(expression); problem != "" {
		l.file.problem(path, problem)
	}
}

func cronProblem(expression string) string {
	const example = `write minute, hour, day, month and weekday, such as "*/10 * * * *", or "@every 10m"`
	if expression == "" {
		return "is empty; " + example
	}
	// Schedules are in UTC. Besides, the parser panics on a timezone that no schedule follows.
	if strings.HasPrefix(expression, "TZ=") || strings.HasPrefix(expression, "CRON_TZ=") {
		return fmt.Sprintf("%q names a timezone, but schedules are in UTC; %s", expression, example)
	}
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return fmt.Sprintf("%q is not a cron expression (%v); %s", expression, err, example)
	}
	if schedule.Next(time.Unix(0, 0).UTC()).IsZero() {
		return fmt.Sprintf("%q never comes; %s", expression, example)
	}
	return ""
}

// minRetention is long enough for a cart to keep its data until its calls are over, and for a payload to be looked
// into.
const minRetention = time.Hour

func (l *loader) checkRetention() {
	retention := l.config.Retention
	if retention.PersonalData < minRetention {
		l.file.problem("retention.personal_data", fmt.Sprintf("%s is too short; write at least %s",
			wording.Duration(retention.PersonalData), wording.Duration(minRetention)))
	}
	if retention.Payloads < minRetention {
		l.file.problem("retention.payloads", fmt.Sprintf("%s is too short; write at least %s",
			wording.Duration(retention.Payloads), wording.Duration(minRetention)))
	}
}

func (l *loader) checkIntegrations() {
	integrations := &l.config.Integrations
	switch {
	case integrations.WebhookURL == "" && integrations.WebhookSecret.Set():
		l.file.warn("integrations.webhook_secret", "is of no use without webhook_url")
	case integrations.WebhookURL != "":
		l.checkURL(l.file, "integrations.webhook_url", &integrations.WebhookURL)
		if !integrations.WebhookSecret.Set() {
			l.file.problem("integrations.webhook_secret", "is missing; what is sent to webhook_url is signed with "+
				"it: make one with: openssl rand -hex 32")
		}
	}
	l.checkEndpoints()
}

func (l *loader) checkAlerts() {
	smtp := l.config.Alerts.Mail
	if smtp.Host == "" {
		if smtp.From != "" || len(smtp.To) > 0 || smtp.Username != "" {
			l.file.problem("alerts.mail.host", "is missing; write the name of your mail server, such as smtp.example.com")
		}
		return
	}
	l.checkRange("alerts.mail.port", smtp.Port, 1, 65535)
	l.checkOneOf(l.file, "alerts.mail.tls", smtp.TLS, MailStartTLS, MailTLS, MailPlain)
	if smtp.TLS == MailPlain && !loopback.Host(smtp.Host) {
		l.file.problem("alerts.mail.tls", fmt.Sprintf("none would send unencrypted to %s; write starttls or tls", smtp.Host))
	}
	if smtp.Username != "" && !smtp.Password.Set() {
		l.file.problem("alerts.mail.password", "is missing; the server is told a username")
	}
	l.checkMailAddress("alerts.mail.from", smtp.From)
	if len(smtp.To) == 0 {
		l.file.problem("alerts.mail.to", "is missing; write a list of the mail addresses that are told")
	}
	for i, to := range smtp.To {
		l.checkMailAddress(fmt.Sprintf("alerts.mail.to[%d]", i), to)
	}
}

func (l *loader) checkMailAddress(path, text string) {
	if text == "" {
		l.file.problem(path, "is missing; write a mail address such as alerts@example.com")
		return
	}
	if _, err := mail.ParseAddress(text); err != nil {
		l.file.problem(path, fmt.Sprintf("%q is not a mail address; write one such as alerts@example.com", text))
	}
}

func (l *loader) checkLog() {
	l.checkOneOf(l.file, "log.level", l.config.Log.Level, "debug", "info", "warn", "error")
	l.checkOneOf(l.file, "log.format", l.config.Log.Format, "text", "json")
}

// checkOneOf reports a problem unless the value is one of the allowed words.
func (l *loader) checkOneOf(s *scope, path, value string, allowed ...string) {
	if problem := NotOneOf(value, allowed...); problem != "" {
		s.problem(path, problem)
	}
}
