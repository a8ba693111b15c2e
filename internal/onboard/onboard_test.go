package onboard_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ringback/internal/config"
	"ringback/internal/onboard"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/sim/simvoice"
	"ringback/internal/voice/providers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const shop = "acme.myshopify.com"

// mirai is a configuration of a store that has nothing at Mirai but its keys; %s is the API's address.
const mirai = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:0"}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
shopify: {client_id: id, client_secrets: [shh]}
stores:
  acme.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice:
      provider: mirai
      base_url: %s
      public_key: pk_1
      private_key: sk_private
      lines: 7
      onboarding:
        brand: Acme Teas
        support_phone: "+918000000000"
        trust: {one_liner: Tea from the garden}
        policies: {return: {window_days: "7"}}
        agent: {name: Priya, gender: female, voice: priya, language: hinglish}
        faq_file: faq.yaml
    policy:
      consent: not_required
      accept_weaker_consent: [IN]
      timezone: store
      windows: [{days: [mon], from: "10:00", to: "13:00"}, {days: [sat], from: "12:00", to: "19:00"}]
`

const faq = `
- question: Is it organic?
  answer: Yes, all of it.
- {question: "Do you ship abroad?", answer: Not yet.}
`

// desk is a folder with a configuration, and what came out of the command.
type desk struct {
	t    *testing.T
	file string
	text string
}

func newDesk(t *testing.T, text string) *desk {
	t.Helper()
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "config.yaml"), text: text}
	d.write("faq.yaml", faq)
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(filepath.Join(filepath.Dir(d.file), name), []byte(text), 0o600))
}

func (d *desk) run(dry bool) (out string, err error) {
	d.t.Helper()
	d.write("config.yaml", d.text)
	cfg, _, err := config.Load(d.file, func(string) (string, bool) { return "", false }, providers.Config(), config.ToOnboard(shop))
	require.NoError(d.t, err)
	var b strings.Builder
	err = onboard.Run(d.t.Context(), onboard.Request{File: d.file, Config: cfg, Shop: shop, DryRun: dry, Out: &b, Log: slog.New(slog.DiscardHandler)})
	return b.String(), err
}

func newMirai(t *testing.T) (*simvoice.Server, *desk) {
	t.Helper()
	sim, err := simvoice.New(simvoice.Options{PublicKey: "pk_1", PrivateKey: "sk_private", Workspace: "ws_1", Assistant: "as_1"})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	return sim, newDesk(t, fmt.Sprintf(mirai, api.URL))
}

func TestRun_SecondRunUpdates(t *testing.T) {
	t.Parallel()
	sim, d := newMirai(t)
	out, err := d.run(false)
	require.NoError(t, err)
	assert.Contains(t, out, "made the workspace ws_1\nmade the assistant as_1\n")
	assert.Contains(t, out, "stores:\n  acme.myshopify.com:\n    voice:\n      workspace: \"ws_1\"\n      assistant: \"as_1\"\n")
	require.Len(t, sim.Assistants(), 1)
	made := sim.Assistants()[0]
	settings := made["callSettings"].(map[string]any)
	assert.Equal(t, []any{map[string]any{"startTime": "10:00", "endTime": "19:00"}}, settings["slots"], "the windows of all days together")
	assert.EqualValues(t, 7, settings["concurrentCallCount"])
	assert.EqualValues(t, 0, settings["retryProtocol"].(map[string]any)["maxAttemptsNoPickup"], "we redial")
	assert.Equal(t, []any{
		map[string]any{"question": "Is it organic?", "answer": "Yes, all of it."}, map[string]any{"question": "Do you ship abroad?", "answer": "Not yet."},
	}, made["knowledgeBase"].(map[string]any)["faq"])

	d.text = strings.Replace(d.text, "      lines: 7\n", "      lines: 3\n      workspace: ws_1\n      assistant: as_1\n      retries: provider\n", 1)
	d.text = strings.Replace(d.text, "timezone: store", "timezone: customer", 1)
	out, err = d.run(false)
	require.NoError(t, err)
	assert.Equal(t, "updated the assistant as_1\n", out, "nothing is left to put into the configuration")
	require.Len(t, sim.Assistants(), 1)
	settings = sim.Assistants()[0]["callSettings"].(map[string]any)
	assert.EqualValues(t, 3, settings["concurrentCallCount"])
	assert.NotEqualValues(t, 0, settings["retryProtocol"].(map[string]any)["maxAttemptsNoPickup"], "the provider redials")
	assert.Equal(t, []any{map[string]any{"startTime": "00:00", "endTime": "23:59"}}, settings["slots"], "no slots where windows follow the customer's clock")
	assert.Empty(t, sim.Refusals(), "every request is as published")
}

func TestRun_TellsWhatWasMadeEvenAfterAnError(t *testing.T) {
	t.Parallel()
	sim, d := newMirai(t)
	keepRefusing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		sim.ServeHTTP(w, r)
	})
	api := httptest.NewServer(keepRefusing)
	t.Cleanup(api.Close)
	d.text = fmt.Sprintf(mirai, api.URL)
	out, err := d.run(false)
	require.ErrorContains(t, err, "stores.acme.myshopify.com: look for the assistant")
	assert.Contains(t, out, `workspace: "ws_1"`)
	assert.NotContains(t, out, "assistant")

	_, err = d.run(false)
	require.ErrorContains(t, err, "set voice.workspace", "a workspace is never made twice")
}

func TestRun_DryRunSendsNothingAndHidesSecrets(t *testing.T) {
	t.Parallel()
	sim, d := newMirai(t)
	out, err := d.run(true)
	require.NoError(t, err)
	assert.Empty(t, sim.Assistants())
	for _, part := range []string{"POST http://", "/v2/workspace/onboard/shopify", "GET http://", "/v1/admin/assistant/create", `"currencyCode": "INR"`, "do_not_call", "Is it organic?"} {
		assert.Contains(t, out, part)
	}
	assert.NotContains(t, out, "sk_private")
	assert.NotContains(t, out, "pk_1")
}

func TestRun_TellsEverythingMissing(t *testing.T) {
	t.Parallel()
	_, d := newMirai(t)
	d.text = d.text[:strings.Index(d.text, "        brand:")] + "        agent: {variant: custom}\n        faq_file: faq.yaml\n" + d.text[strings.Index(d.text, "    policy:"):]
	d.write("faq.yaml", "- {question: \"Why?\"}\n- just text\n- question: [a]\n  answer: b\n- {question: q, answer: a, about: x}\n")
	_, err := d.run(false)
	for _, part := range []string{
		"stores.acme.myshopify.com.voice.onboarding.brand: missing", "voice.onboarding.support_phone", "voice.onboarding.trust.one_liner",
		"stores.acme.myshopify.com.voice.onboarding.agent.name", "agent.gender", "agent.voice", "agent.language", "agent.system_prompt",
		"faq.yaml:1: answer: is missing", "faq.yaml:2: is not a question", "faq.yaml:3: question: is not a text", "faq.yaml:5: about: there is no such key",
	} {
		require.ErrorContains(t, err, part)
	}
	assert.Equal(t, 1, strings.Count(err.Error(), "onboarding.brand:"), "each once")
}

func TestRun_UnreadableFileOfQuestionsIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "faq.yaml:1: is empty",
		"question: q\n":                "faq.yaml:1: holds no questions",
		"- question: q\n\t- answer: a": "faq.yaml:2: not readable as YAML",
	} {
		_, d := newMirai(t)
		d.write("faq.yaml", text)
		_, err := d.run(true)
		require.ErrorContains(t, err, want)
	}
	_, d := newMirai(t)
	d.text = strings.Replace(d.text, "faq_file: faq.yaml", "faq_file: none.yaml", 1)
	_, err := d.run(true)
	require.ErrorContains(t, err, "none.yaml")
}

func TestRun_UnknownStoreIsAnError(t *testing.T) {
	t.Parallel()
	_, d := newMirai(t)
	d.text = strings.Replace(d.text, "acme.myshopify.com:", "other.myshopify.com:", 1)
	d.text = strings.Replace(d.text, "lines: 7", "lines: 7\n      workspace: w\n      assistant: a", 1)
	_, err := d.run(true)
	require.ErrorContains(t, err, "it has other.myshopify.com")
}

func TestRun_MiraiAdminCannotBeOnboarded(t *testing.T) {
	t.Parallel()
	_, d := newMirai(t)
	d.text = strings.Replace(d.text, "provider: mirai", "provider: mirai_admin\n      token: t\n      workspace: w\n      organization: o\n      assistant: a", 1)
	_, err := d.run(false)
	require.ErrorContains(t, err, "voice.provider: mirai_admin cannot be onboarded")
}

// agent is an agent at Mihu with its webhooks.
type agent struct {
	mu    sync.Mutex
	hooks []map[string]any
}

func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer mihu-token" || !strings.HasPrefix(r.URL.Path, "/api/v1/agents/3f0c9a3e-6d0a-4a43-9b1c-0b6d6a0f7d11/webhooks") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPost {
		var hook map[string]any
		_ = json.NewDecoder(r.Body).Decode(&hook)
		hook["uuid"] = fmt.Sprint(len(a.hooks) + 1)
		a.hooks = append(a.hooks, hook)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": a.hooks})
}

func TestRun_MihuWebhookIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	a := &agent{}
	api := httptest.NewServer(a)
	t.Cleanup(api.Close)
	d := newDesk(t, fmt.Sprintf(`
server: {listen: "127.0.0.1:8080", public_url: "https://calls.example.com"}
database: {url: %q}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", dashboard_password: "a password for the pages"}
shopify: {client_id: id, client_secrets: [shh]}
stores:
  acme.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mihu, base_url: %q, token: mihu-token, assistant: 3f0c9a3e-6d0a-4a43-9b1c-0b6d6a0f7d11}
    policy: {consent: not_required, accept_weaker_consent: [IN], windows: [{from: "10:00", to: "19:00"}]}
`, pgtest.New(t).Config().ConnString(), api.URL+"/api/v1"))
	out, err := d.run(true)
	require.NoError(t, err)
	assert.Contains(t, out, "/api/v1/agents/3f0c9a3e-6d0a-4a43-9b1c-0b6d6a0f7d11/webhooks")
	assert.Contains(t, out, "https://calls.example.com/webhooks/voice/mihu/(the token of this installation)")
	assert.Empty(t, a.hooks)

	out, err = d.run(false)
	require.NoError(t, err)
	assert.Contains(t, out, "registered the webhook")
	require.Len(t, a.hooks, 1)
	address := a.hooks[0]["url"].(string)
	token, ok := strings.CutPrefix(address, "https://calls.example.com/webhooks/voice/mihu/")
	require.True(t, ok)
	assert.NotContains(t, out, token)

	out, err = d.run(false)
	require.NoError(t, err)
	assert.Contains(t, out, "kept the webhook")
	assert.Len(t, a.hooks, 1)
}
