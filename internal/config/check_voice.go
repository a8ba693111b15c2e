package config

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"ringback/internal/wording"
)

// The bounds of what a voice section may say. They are wide, so that a demonstration may run a day in a minute.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Minute
	minSilence = time.Second
	maxLines   = 1000
	// miraiLines is the most calls at once that Mirai documents (assistant call settings, concurrentCallCount).
	miraiLines = 10
	// maxAssistantName is Mirai's bound on an assistant's name, in characters.
	maxAssistantName = 40
)

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

// required is a key that a provider cannot do without.
type required struct{ key, value, what string }

// requirements lists what the provider needs to place a call; nil for a provider that is not known.
func (v *Voice) requirements() []required {
	switch v.Provider {
	case "mirai":
		return []required{
			{"public_key", v.PublicKey, "the account's public key (x-public-key)"},
			{"private_key", v.PrivateKey.Reveal(), "the account's private key (x-private-key), which also signs its callbacks"},
			{"workspace", v.Workspace, "the workspace's id"},
			{"assistant", v.Assistant, "the assistant's id"},
		}
	case "mirai_admin":
		return []required{
			{"token", v.Token.Reveal(), "the bearer token"},
			{"workspace", v.Workspace, "the workspace's id"},
			{"organization", v.Organization, "the organization's id"},
			{"assistant", v.Assistant, "the assistant's id"},
		}
	case "mihu":
		return []required{
			{"base_url", v.BaseURL, "the account's address, such as https://acme.mihu.ai/api/v1"},
			{"token", v.Token.Reveal(), "the bearer token"},
			{"assistant", v.Assistant, "the agent's UUID"},
		}
	}
	return nil
}

func (l *loader) checkVoice(s *scope, v *Voice) {
	if keys := v.CallbackKeys(); len(keys) > 0 {
		v.PrivateKey = keys[0]
	}
	if keys := v.AccountKeys(); len(keys) > 0 {
		v.PublicKey = keys[0]
	}
	if l.checkOneOf(s, "voice.provider", v.Provider, "mirai", "mirai_admin", "mihu") {
		if v.BaseURL == "" && v.Provider != "mihu" {
			v.BaseURL = miraiBaseURL
		}
		for _, need := range v.requirements() {
			if l.makes(s, v, need.key) {
				continue
			}
			if strings.TrimSpace(need.value) == "" {
				s.problem("voice."+need.key, fmt.Sprintf("is missing; %s needs %s", v.Provider, need.what))
			}
		}
		l.checkUnused(s, v)
	}
	if v.BaseURL != "" {
		l.checkURL(s, "voice.base_url", &v.BaseURL)
		if onLoopback(l.config.Server.PublicURL) && !onLoopback(v.BaseURL) {
			l.file.warn("server.public_url", fmt.Sprintf("%q cannot be reached by the voice API, so nothing is heard of calls; write an address that the internet reaches", l.config.Server.PublicURL))
		}
	}
	l.checkPace(s, v)
	l.checkTemplates(s, v)
	l.checkOnboarding(s, v)
}

// makes reports whether what a key names is about to be made by onboarding the store.
func (l *loader) makes(s *scope, v *Voice, key string) bool {
	onboarded := l.onboarding != "" && strings.EqualFold(s.prefix, join("stores", l.onboarding))
	return onboarded && v.Provider == "mirai" && (key == "workspace" || key == "assistant")
}

// checkPace looks at how many calls are made and how long they are waited for.
func (l *loader) checkPace(s *scope, v *Voice) {
	if problem := rangeProblem(v.Lines, 1, maxLines); problem != "" {
		s.problem("voice.lines", problem)
	} else if v.Lines > miraiLines && strings.HasPrefix(v.Provider, "mirai") {
		s.warn("voice.lines", fmt.Sprintf("%d is more than the %d calls at once that Mirai documents for an assistant", v.Lines, miraiLines))
	}
	if v.Timeout < minTimeout || v.Timeout > maxTimeout {
		s.problem("voice.timeout", fmt.Sprintf("%s is out of bounds; write %s to %s", wording.Duration(v.Timeout), wording.Duration(minTimeout), wording.Duration(maxTimeout)))
	}
	if v.Silence < minSilence {
		s.problem("voice.silence", fmt.Sprintf("%s is too short; write at least %s", wording.Duration(v.Silence), wording.Duration(minSilence)))
	} else if v.Silence < v.Timeout {
		s.warn("voice.silence", fmt.Sprintf("%s is shorter than timeout, %s: a call could be given up while its request is under way", wording.Duration(v.Silence), wording.Duration(v.Timeout)))
	}
	if l.checkOneOf(s, "voice.retries", v.Retries, "ours", "provider") && v.Retries == "provider" && v.Provider == "mihu" {
		s.problem("voice.retries", `"provider" leaves redialling to the provider, which mihu does not do; write ours`)
	}
	if v.Provider == "mirai_admin" && v.Retries == "ours" && (v.PublicKey == "" || !v.PrivateKey.Set()) {
		s.warn("voice.retries", "without public_key and private_key the provider's own redials cannot be called off: set its retryProtocol to none, or give the keys")
	}
}

// checkUnused warns of keys that the provider has no use for.
func (l *loader) checkUnused(s *scope, v *Voice) {
	unused := map[string]bool{
		"payload":  len(v.Payload) > 0 && v.Provider != "mirai",
		"prompt":   v.Prompt != "" && v.Provider != "mihu",
		"about":    v.About != "" && v.Provider != "mihu",
		"greeting": v.Greeting != "" && v.Provider != "mihu",
	}
	for key, set := range unused {
		if set {
			s.warn("voice."+key, fmt.Sprintf("is of no use to %s; take it out", v.Provider))
		}
	}
}

func (l *loader) checkTemplates(s *scope, v *Voice) {
	l.checkTemplate(s, "voice.prompt", v.Prompt)
	l.checkTemplate(s, "voice.about", v.About)
	l.checkTemplate(s, "voice.greeting", v.Greeting)
	for _, name := range slices.Sorted(maps.Keys(v.Payload)) {
		l.checkTemplate(s, "voice.payload."+name, v.Payload[name])
	}
}

func (l *loader) checkTemplate(s *scope, path, text string) {
	if _, err := template.New("").Parse(text); err != nil {
		s.problem(path, fmt.Sprintf("is not a template that Go's text/template can read: %s", strings.TrimPrefix(err.Error(), "template: :")))
	}
}

// The words that Mirai's onboarding documents allow.
var (
	assistantVariants = []string{"abandoned_cart", "custom"}
	genders           = []string{"male", "female"}
	ageGroups         = []string{"gen_z", "millennials", "gen_x", "boomers"}
	locationTiers     = []string{"metro_urban", "tier1", "tier2", "tier3", "rural"}
)

// checkOnboarding checks what is there; what the provider requires, `ringback onboard` asks for when it is run.
func (l *loader) checkOnboarding(s *scope, v *Voice) {
	const at = "voice.onboarding."
	o := &v.Onboarding
	o.FAQFile = l.beside(o.FAQFile)
	if n := utf8.RuneCountInString(o.Agent.AssistantName); n > maxAssistantName {
		s.problem(at+"agent.assistant_name", fmt.Sprintf("%q has %d characters; write at most %d", o.Agent.AssistantName, n, maxAssistantName))
	}
	if o.Agent.Variant != "" {
		l.checkOneOf(s, at+"agent.variant", o.Agent.Variant, assistantVariants...)
	}
	if o.Agent.Gender != "" {
		l.checkOneOf(s, at+"agent.gender", o.Agent.Gender, genders...)
	}
	for i, group := range o.Audience.AgeGroups {
		l.checkOneOf(s, fmt.Sprintf("%saudience.age_groups[%d]", at, i), group, ageGroups...)
	}
	for i, tier := range o.Audience.LocationTiers {
		l.checkOneOf(s, fmt.Sprintf("%saudience.location_tiers[%d]", at, i), tier, locationTiers...)
	}
	if o.Trust.Rating < 0 || o.Trust.Rating > 5 {
		s.problem(at+"trust.rating", fmt.Sprintf("%g is not a rating; write 0 to 5", o.Trust.Rating))
	}
	for key, n := range map[string]int{"trust.customers": o.Trust.Customers, "trust.orders": o.Trust.Orders, "max_call_seconds": o.MaxDuration} {
		if n < 0 {
			s.problem(at+key, fmt.Sprintf("%d is negative; write 0 or more", n))
		}
	}
	if o.SupportPhone != "" && !e164.MatchString(o.SupportPhone) {
		s.problem(at+"support_phone", "is not a phone number with its country; write it as +912212345678")
	}
	if _, err := mail.ParseAddress(o.SupportEmail); o.SupportEmail != "" && err != nil {
		s.problem(at+"support_email", "is not an email address; write one such as help@example.com")
	}
	for i, document := range o.Documents {
		if u, err := url.Parse(document); err != nil || u.Scheme != "https" || u.Host == "" {
			s.problem(fmt.Sprintf("%sdocuments[%d]", at, i), "is not an https address; the provider fetches documents from the web")
		}
	}
}
