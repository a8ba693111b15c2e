package mirai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/script"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// brief is a store that has nothing at Mirai but its keys.
func brief(base string) voice.Brief {
	cfg := account(config.Voice{BaseURL: base, Timeout: 10 * time.Second, Lines: 25, Retries: "ours"})
	cfg.Workspace, cfg.Assistant = "", ""
	cfg.Onboarding = config.Onboarding{
		Brand: "Acme Teas", SupportPhone: "+918000000000", SupportEmail: "help@acme.example",
		Trust:    config.Trust{OneLiner: "Tea from the garden.", Customers: 1200, Rating: 4.8},
		Policies: config.Policies{Return: map[string]string{"window_days": "7", "processing_fee.amount": "50.5"}, COD: map[string]string{"enabled": "true"}},
		Agent:    config.Agent{Name: "Priya", Gender: "female", Voice: "priya", Language: "hinglish"},
		Audience: config.Audience{AgeGroups: []string{"millennials"}},

		MaxDuration: 240,
		Documents:   []string{"https://acme.example/teas.pdf?v=2"},
	}
	return voice.Brief{
		Voice: cfg, Currency: "INR", Timezone: "Asia/Kolkata",
		Slots: []voice.Span{{From: "10:00", To: "13:00"}, {From: "12:00", To: "19:00"}, {From: "22:00", To: "01:00"}},
		FAQ:   []voice.Question{{Question: "Is it organic?", Answer: "Yes."}},
	}
}

// mirror is Mirai as far as onboarding goes.
type mirror struct {
	mu         sync.Mutex
	requests   []string
	assistants []map[string]any
	workspace  string
	// answers overrides the answer to a path: a status and a body.
	answers map[string]func() (int, string)
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	m.requests = append(m.requests, r.Method+" "+r.URL.Path)
	if r.Header.Get("x-private-key") != privateKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if answer := m.answers[r.URL.Path]; answer != nil {
		status, text := answer()
		w.WriteHeader(status)
		fmt.Fprint(w, text)
		return
	}
	if r.URL.Path != "/v2/workspace/onboard/shopify" && r.Header.Get("workspace") != m.workspace {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /v2/workspace/onboard/shopify":
		m.workspace = "ws_new"
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"workspace":"ws_new","status":"active","billing":{"type":"prepaid","creditBalance":100}}`)
	case "GET /v1/admin/assistant/list":
		_ = json.NewEncoder(w).Encode(map[string]any{"message": "ok", "data": m.assistants})
	case "POST /v1/admin/assistant/create":
		body["_id"] = fmt.Sprintf("a_%d", len(m.assistants)+1)
		m.assistants = append(m.assistants, body)
		fmt.Fprintf(w, `{"message":"created","data":{"_id":%q}}`, body["_id"])
	default:
		id, isUpdate := strings.CutPrefix(r.URL.Path, "/v1/admin/assistant/update/")
		for _, a := range m.assistants {
			if isUpdate && a["_id"] == id {
				for key, value := range body {
					if key != "variant" {
						a[key] = value
					}
				}
				a["updated"] = body["variant"]
				fmt.Fprint(w, `{"message":"updated"}`)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	}
}

func newMirror(t *testing.T) (*mirror, voice.Brief) {
	t.Helper()
	m := &mirror{answers: map[string]func() (int, string){}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, brief(server.URL)
}

func onboard(t *testing.T, b voice.Brief) (voice.Onboarded, error) {
	t.Helper()
	o, err := mirai.NewOnboarder(b, voice.Network{})
	require.NoError(t, err)
	return o.Run(t.Context())
}

func TestOnboarder_SecondRunUpdates(t *testing.T) {
	t.Parallel()
	m, b := newMirror(t)
	done, err := onboard(t, b)
	require.NoError(t, err)
	assert.Equal(t, voice.Onboarded{
		Done: []string{"made the workspace ws_new", "made the assistant a_1"},
		Keys: []voice.Assignment{{Key: "workspace", Value: "ws_new"}, {Key: "assistant", Value: "a_1"}},
	}, done)
	assert.Equal(t, []string{"POST /v2/workspace/onboard/shopify", "GET /v1/admin/assistant/list", "POST /v1/admin/assistant/create"}, m.requests)

	b.Voice.Workspace = "ws_new"
	b.Voice.Onboarding.Agent.Name = "Asha"
	again, err := onboard(t, b)
	require.NoError(t, err)
	assert.Equal(t, voice.Onboarded{
		Done: []string{"updated the assistant a_1"},
		Keys: []voice.Assignment{{Key: "workspace", Value: "ws_new"}, {Key: "assistant", Value: "a_1"}},
	}, again, "the assistant is found by its name")
	require.Len(t, m.assistants, 1)
	assert.Equal(t, "Asha", m.assistants[0]["agent"].(map[string]any)["identity"].(map[string]any)["name"])
	assert.NotContains(t, m.assistants[0]["updated"], "type", "the variant's type cannot be changed and is not sent")

	b.Voice.Assistant = "a_1"
	b.Voice.Onboarding.Agent.AssistantName = "A new name"
	third, err := onboard(t, b)
	require.NoError(t, err)
	assert.Equal(t, voice.Onboarded{Done: []string{"updated the assistant a_1"}}, third, "the configuration has both ids")
	assert.Equal(t, "A new name", m.assistants[0]["name"], "known by its id, it may be renamed")
}

func TestOnboarder_StepsAreTheRequests(t *testing.T) {
	t.Parallel()
	o, err := mirai.NewOnboarder(brief("https://voice.example"), voice.Network{})
	require.NoError(t, err)
	steps, err := o.Steps(context())
	require.NoError(t, err)
	require.Len(t, steps, 3)
	assert.JSONEq(t, `{
		"name": "Acme Teas", "currencyCode": "INR", "timezone": "Asia/Kolkata",
		"supportContacts": {"phoneNumber": "+918000000000", "email": "help@acme.example"},
		"trustSignals": {"valuePropositionOneLiner": "Tea from the garden.", "customersTillDate": 1200, "storeRating": 4.8},
		"policyFramework": {"returnPolicy": {"windowDays": 7, "processingFee": {"amount": 50.5}}, "shippingPolicy": {}, "codPolicy": {"enabled": true}}
	}`, string(steps[0].Body))
	assert.Equal(t, "GET https://voice.example/v1/admin/assistant/list", steps[1].Method+" "+steps[1].URL)
	assert.Nil(t, steps[1].Body)

	var assistant map[string]any
	require.NoError(t, json.Unmarshal(steps[2].Body, &assistant))
	plan := assistant["analysisPlan"].(map[string]any)["callInsightPlan"].(map[string]any)
	for _, name := range []string{"do_not_call", "not_interested", "interested", "callback_requested", "callback_at"} {
		assert.Contains(t, plan, name, "every insight that the policy reads is asked for")
	}
	delete(assistant, "analysisPlan")
	raw, err := json.Marshal(assistant)
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"name": "Acme Teas cart recovery",
		"variant": {"type": "abandoned_cart", "config": {"abandoned_cart": {"paymentPlan": {"mode": "both"}}}},
		"agent": {"identity": {"name": "Priya", "gender": "female", "voice": "priya"}},
		"icpContext": {"language": "hinglish", "targetAgeGroups": ["millennials"]},
		"callSettings": {
			"slots": [{"startTime": "00:00", "endTime": "01:00"}, {"startTime": "10:00", "endTime": "19:00"}, {"startTime": "22:00", "endTime": "23:59"}],
			"maxCallDuration": 240, "concurrentCallCount": 10,
			"retryProtocol": {"maxAttemptsNoPickup": 0, "maxAttemptsLowEngagement": 0, "reAttemptPeriod": 300, "maxRescheduleCount": 0}
		},
		"knowledgeBase": {"faq": [{"question": "Is it organic?", "answer": "Yes."}], "documents": [{"url": "https://acme.example/teas.pdf?v=2", "title": "teas", "type": "pdf"}]}
	}`, string(raw))
	for _, step := range steps {
		assert.NotContains(t, string(step.Body), privateKey)
	}
}

func TestOnboarder_CustomAssistant(t *testing.T) {
	t.Parallel()
	b := brief("https://voice.example")
	b.Slots, b.FAQ = nil, nil
	b.Voice.Workspace, b.Voice.Assistant, b.Voice.Retries = "ws", "a/1", "provider"
	b.Voice.Lines = 0
	settings(&b.Voice).Payload = map[string]script.Text{"name": "{{.Name}}", "items": "{{.ItemList}}"}
	b.Voice.Onboarding.Agent.Variant, b.Voice.Onboarding.Agent.SystemPrompt = "custom", "Call {{name}}."
	b.Voice.Onboarding.Agent.AssistantName = strings.Repeat("é", 50)
	b.Voice.Onboarding.Documents = nil
	o, err := mirai.NewOnboarder(b, voice.Network{})
	require.NoError(t, err)
	steps, err := o.Steps(context())
	require.NoError(t, err)
	require.Len(t, steps, 2, "the workspace exists")
	assert.Equal(t, "PUT https://voice.example/v1/admin/assistant/update/a%2F1", steps[1].Method+" "+steps[1].URL)
	var body struct {
		Name    string
		Variant struct {
			Type   string
			Config map[string]any
		}
		Agent         struct{ SystemPrompt string }
		CallSettings  map[string]any
		KnowledgeBase any
	}
	require.NoError(t, json.Unmarshal(steps[1].Body, &body))
	assert.Equal(t, strings.Repeat("é", 40), body.Name)
	assert.Equal(t, "Call {{name}}.", body.Agent.SystemPrompt)
	assert.Equal(t, "Call {{name}}.", body.Variant.Config["systemPrompt"])
	assert.Len(t, body.Variant.Config["inputSchema"], 2)
	assert.Equal(t, []any{map[string]any{"startTime": "00:00", "endTime": "23:59"}}, body.CallSettings["slots"])
	assert.EqualValues(t, 1, body.CallSettings["concurrentCallCount"])
	assert.EqualValues(t, 2, body.CallSettings["retryProtocol"].(map[string]any)["maxAttemptsNoPickup"])
	assert.Nil(t, body.KnowledgeBase)
}

func TestOnboarder_ListsEveryMissingKey(t *testing.T) {
	t.Parallel()
	_, err := mirai.NewOnboarder(voice.Brief{
		Voice: config.Voice{Onboarding: config.Onboarding{Agent: config.Agent{Variant: "custom"}, Documents: []string{"https://x.example/logo.png"}}},
		Slots: []voice.Span{{From: "9 am", To: "17:00"}},
	}, voice.Network{})
	for _, key := range []string{
		"voice.public_key", "voice.private_key", "currency", "timezone", "voice.onboarding.brand", "voice.onboarding.support_phone", "voice.onboarding.trust.one_liner",
		"agent.name", "agent.gender", "agent.voice", "agent.language", "agent.system_prompt", "documents[0]", "slot 1",
	} {
		require.ErrorContains(t, err, key)
	}
}

func TestOnboarder_ErrorsNameTheFix(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) func() (int, string) {
		return func() (int, string) { return status, body }
	}
	list, create := "/v1/admin/assistant/list", "/v1/admin/assistant/create"
	tests := map[string]struct {
		path   string
		answer func() (int, string)
		change func(*voice.Brief)
		want   string
	}{
		"workspace exists":     {path: "/v2/workspace/onboard/shopify", answer: answer(409, `{"message":"Workspace already exists"}`), want: "set voice.workspace"},
		"workspace without id": {path: "/v2/workspace/onboard/shopify", answer: answer(201, `{"status":"active"}`), want: "holds no id"},
		"workspace unreadable": {path: "/v2/workspace/onboard/shopify", answer: answer(201, `<html>`), want: "read the answer"},
		"no list":              {path: list, answer: answer(500, `{}`), want: "look for the assistant"},
		"name taken unseen":    {path: create, answer: answer(409, `{"code":409,"message":"exists"}`), want: "assistant_name"},
		"bad voice":            {path: create, answer: answer(400, `{"code":400,"message":"agent.identity.voice is not known"}`), want: "agent.identity.voice is not known"},
		"assistant without id": {path: create, answer: answer(200, `{"message":"created"}`), want: "holds no id"},
		"no such assistant":    {change: func(b *voice.Brief) { b.Voice.Assistant = "a_9" }, want: `no assistant "a_9"`},
		"another variant":      {path: list, answer: answer(200, `{"data":[{"_id":"a_5","name":"acme teas cart recovery","variant":{"type":"custom"}}]}`), want: "a_5 is of the variant custom"},
		"wrong key":            {change: func(b *voice.Brief) { settings(&b.Voice).PrivateKey = "sk_wrong" }, want: "keys"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, b := newMirror(t)
			if test.answer != nil {
				m.answers[test.path] = test.answer
			}
			if test.change != nil {
				test.change(&b)
			}
			_, err := onboard(t, b)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), privateKey)
		})
	}
}

func TestOnboarder_ReadsEveryFormOfAnswer(t *testing.T) {
	t.Parallel()
	found := `{"_id":"a_7","name":"Acme Teas cart recovery","variant":{"type":"abandoned_cart"},"archivedAt":null}`
	archived := `{"_id":"a_6","name":"Acme Teas cart recovery","archivedAt":"2026-01-01T00:00:00Z"}`
	for _, list := range []string{`{"data":[` + archived + `,` + found + `]}`, `{"data":{"assistants":[` + found + `]}}`, `[` + found + `]`, `{"assistants":[` + found + `]}`} {
		m, b := newMirror(t)
		m.answers["/v2/workspace/onboard/shopify"] = func() (int, string) { return 201, `{"message":"ok","data":{"_id":"ws_7"}}` }
		m.answers["/v1/admin/assistant/list"] = func() (int, string) { return 200, list }
		m.answers["/v1/admin/assistant/update/a_7"] = func() (int, string) { return 200, `{}` }
		done, err := onboard(t, b)
		require.NoError(t, err, list)
		assert.Equal(t, voice.Onboarded{
			Done: []string{"made the workspace ws_7", "updated the assistant a_7"},
			Keys: []voice.Assignment{{Key: "workspace", Value: "ws_7"}, {Key: "assistant", Value: "a_7"}},
		}, done, list)
	}
	m, b := newMirror(t)
	m.answers["/v1/admin/assistant/list"] = func() (int, string) { return 200, `{"data":[]}` }
	m.answers["/v1/admin/assistant/create"] = func() (int, string) { return 200, `{"data":{"assistantId":"a_8"}}` }
	done, err := onboard(t, b)
	require.NoError(t, err)
	assert.Contains(t, done.Keys, voice.Assignment{Key: "assistant", Value: "a_8"})
}

func TestOnboarder_DeadProviderIsATemporaryError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := onboard(t, brief(server.URL))
	var temporary *voice.TemporaryError
	require.ErrorAs(t, err, &temporary)
}

// Slots cover exactly the minutes of the spans, whatever these are.
func TestOnboarder_SlotsCoverTheSpans(t *testing.T) {
	t.Parallel()
	minute := rapid.IntRange(0, 24*60-1)
	text := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
	rapid.Check(t, func(t *rapid.T) {
		b := brief("https://voice.example")
		b.Slots = nil
		var want [24 * 60]bool
		for range rapid.IntRange(1, 5).Draw(t, "spans") {
			from, to := minute.Draw(t, "from"), minute.Draw(t, "to")
			b.Slots = append(b.Slots, voice.Span{From: text(from), To: text(to)})
			for m := from; ; {
				want[m] = true
				if m = (m + 1) % len(want); m == to {
					break
				}
			}
		}
		o, err := mirai.NewOnboarder(b, voice.Network{})
		if err != nil {
			t.Fatal(err)
		}
		steps, err := o.Steps(context())
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			CallSettings struct {
				Slots []struct{ StartTime, EndTime string }
			}
		}
		if err := json.Unmarshal(steps[len(steps)-1].Body, &body); err != nil {
			t.Fatal(err)
		}
		var got [24 * 60]bool
		last := -1
		for _, s := range body.CallSettings.Slots {
			var h1, m1, h2, m2 int
			if _, err := fmt.Sscanf(s.StartTime+" "+s.EndTime, "%d:%d %d:%d", &h1, &m1, &h2, &m2); err != nil {
				t.Fatal(err)
			}
			from, to := h1*60+m1, h2*60+m2
			if from <= last {
				t.Fatalf("slots overlap or touch: %v", body.CallSettings.Slots)
			}
			last = to
			for m := from; m < to; m++ {
				got[m] = true
			}
		}
		// The last minute of the day cannot be written as a slot's end.
		got[len(got)-1], want[len(want)-1] = false, false
		if got != want {
			t.Fatalf("%v gave %v", b.Slots, body.CallSettings.Slots)
		}
	})
}
