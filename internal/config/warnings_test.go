package config_test

import (
	"strings"
	"testing"
	"time"

	"ringback/internal/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWarnings_DoNotStopAFile(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := config.Load("testdata/warnings.yml", config.TestEnv, vendors())
	require.NoError(t, err)
	require.NotNil(t, cfg)
	var lines []string
	for _, w := range warnings {
		lines = append(lines, w.String())
	}
	assert.Equal(t, []string{
		`testdata/warnings.yml:1:22: server.public_url: warning: "http://127.0.0.1:8080" cannot be reached by the voice API, so nothing is heard of calls; write an address that the internet reaches`,
		`testdata/warnings.yml:2:54: security.api_token: warning: is short enough to be guessed; take at least 12 characters, from: openssl rand -hex 32`,
		`testdata/warnings.yml:2:81: security.dashboard_password: warning: is short enough to be guessed; take at least 12 characters, from: openssl rand -hex 32`,
		`testdata/warnings.yml:5:32: integrations.webhook_secret: warning: is of no use without webhook_url`,
		`testdata/warnings.yml:17:14: stores.a.myshopify.com.voice.lines: warning: 11 is more than the 10 calls at once that Mirai documents for an assistant`,
		`testdata/warnings.yml:18:16: stores.a.myshopify.com.voice.silence: warning: 5s is shorter than timeout, 15s: a call could be given up while its request is under way`,
		`testdata/warnings.yml:19:15: stores.a.myshopify.com.voice.prompt: warning: is of no use to mirai; take it out`,
		`testdata/warnings.yml:20:17: stores.a.myshopify.com.voice.greeting: warning: is of no use to mirai; take it out`,
		`testdata/warnings.yml:21:14: stores.a.myshopify.com.voice.about: warning: is of no use to mirai; take it out`,
		`testdata/warnings.yml:22:5: stores.a.myshopify.com.policy.expires_after: warning: 72h is longer than retention.personal_data, 24h: numbers are erased before their calls are over`,
		`testdata/warnings.yml:27:5: stores.b.myshopify.com.voice.disclosure: warning: US wants said in the call: ` +
			`ai, caller, number, opt_out, recording. Write it by language, such as ` +
			`{en: "This is an automated call ..."}: it goes before the greeting`,
		`testdata/warnings.yml:27:105: stores.b.myshopify.com.voice.payload: warning: is of no use to mihu; take it out`,
		`testdata/warnings.yml:28:23: stores.b.myshopify.com.policy.consent: warning: US requires ` +
			`consent that names automated or AI voice calls ` +
			`(47 CFR 64.1200(a)(2)-(3) and (f)(9): prior express written consent that names an artificial or ` +
			`prerecorded voice), which not_required does not prove, so nobody there is called: let customers ` +
			`agree to automated voice calls in a checkbox of their own, and write ` +
			`{basis: attribute:<name>, proves: voice}`,
		`testdata/warnings.yml:33:5: stores.c.myshopify.com.voice.retries: warning: without public_key and private_key the provider's own redials cannot be called off: set its retryProtocol to none, or give the keys`,
	}, lines)
}

func TestWarnings_AreReturnedBesideProblems(t *testing.T) {
	t.Parallel()
	text := "security: {api_token: short}"
	_, warnings, err := config.Parse("x.yml", []byte(text), config.TestEnv, vendors())
	require.Error(t, err)
	require.Len(t, warnings, 1)
	assert.Equal(t, "security.api_token", warnings[0].Path)
}

func TestWarnings_TellOfJobsThatWaitForConnections(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{max_conns: 5}\nworker: {concurrency: 50}": "",
		"{max_conns: 5}\nworker: {concurrency: 51}": "51 jobs at once would wait for each other on 5 database connections; " +
			"write at most 50, or raise database.max_conns",
	} {
		_, warnings, err := config.Parse("x.yml", []byte("database: "+text), config.TestEnv, vendors())
		require.Error(t, err, "the rest is missing")
		var said []string
		for _, w := range warnings {
			if w.Path == "worker.concurrency" {
				said = append(said, w.Message)
			}
		}
		assert.Equal(t, want, strings.Join(said, " "), text)
	}
}

func TestWarnings_TellOfWindowsThatRunThroughTheNight(t *testing.T) {
	t.Parallel()
	for windows, want := range map[string]string{
		`{from: "19:00", to: "10:00"}`: "runs from 19:00 past midnight to 10:00, for 15h",
		`{from: "10:00", to: "09:59"}`: "for 23h59m",
		`{from: "20:00", to: "08:01"}`: "for 12h1m",
		`{from: "20:00", to: "08:00"}`: "",
		`{from: "22:00", to: "02:00"}`: "",
		`{from: "09:00", to: "24:00"}`: "",
	} {
		text := `
server: {public_url: "https://x.example"}
security: {encryption_key: "${TEST_KEY}", api_token: "a long enough token"}
shopify: {client_secrets: s}
stores:
  a.myshopify.com:
    timezone: UTC
    country: IN
    currency: INR
    voice: {provider: mirai, public_key: p, private_key: k, workspace: w, assistant: a}
    policy: {consent: not_required, accept_weaker_consent: [IN], windows: [` + windows + `]}
`
		cfg, warnings, err := config.Parse("x.yml", []byte(text), config.TestEnv, vendors())
		require.NoError(t, err, windows)
		assert.Equal(t, 10*time.Minute, cfg.Stores["a.myshopify.com"].PurchaseCheck, "the purchase check is on unless it is turned off")
		said := ""
		for _, w := range warnings {
			if w.Path == "stores.a.myshopify.com.policy.windows[0]" {
				said = w.Message
			}
		}
		if want == "" {
			assert.Empty(t, said, windows)
		} else {
			assert.Contains(t, said, want, windows)
		}
	}
}
