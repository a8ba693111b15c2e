package mihu_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/contract"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/voicetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newProvider(t *testing.T, base string, change func(*config.Voice)) *mihu.Provider {
	t.Helper()
	cfg := account(config.Voice{BaseURL: base, Timeout: 30 * time.Second})
	if change != nil {
		change(&cfg)
	}
	p, err := mihu.New(cfg, voice.Network{})
	require.NoError(t, err)
	return p
}

func TestPlace_SendsTheTemplates(t *testing.T) {
	t.Parallel()
	success := `{"success":true,"data":{"id":"call-1"}}`
	place := func(t *testing.T, change func(*config.Voice)) string {
		lab := voicetest.NewLab(t, voicetest.Answer(200, success))
		p := newProvider(t, lab.URL+"/api/v1/", change)
		_, err := p.Place(t.Context(), voicetest.Request())
		require.NoError(t, err)
		seen := lab.Requests()[0]
		assert.Equal(t, "/api/v1/call", seen.Request.URL.Path, "a base URL with the path is the same as one without")
		assert.Equal(t, "Bearer mihu-bearer-token", seen.Request.Header.Get("Authorization"))
		return string(seen.Body)
	}
	t.Run("the store's words", func(t *testing.T) {
		t.Parallel()
		assert.JSONEq(t, `{
			"agentId": "32d8fc98-be1e-4d32-a12e-146f397fb1cb",
			"prompt": {"overwrite": true, "content": "Win Asha back with COMEBACK10."},
			"participant": {"number": "+919000012345", "about": "2 × Darjeeling (100 g), Cup"},
			"message": {"start": "Hello Asha"}
		}`, place(t, func(c *config.Voice) {
			s := settings(c)
			s.Prompt, s.About, s.Greeting = "Win {{.FirstName}} back{{with .Offer}} with {{.Code}}{{end}}.", "{{.ItemList}}", "Hello {{.FirstName}}"
		}))
	})
	t.Run("our words", func(t *testing.T) {
		t.Parallel()
		var body struct {
			Prompt struct {
				Overwrite bool
				Content   string
			}
			Participant struct{ About string }
			Message     any
		}
		require.NoError(t, json.Unmarshal([]byte(place(t, nil)), &body))
		assert.False(t, body.Prompt.Overwrite, "the agent's own prompt stays")
		assert.Contains(t, body.Prompt.Content, "COMEBACK10 (ten per cent off)")
		assert.Contains(t, body.Participant.About, "1895.00 INR")
		assert.Nil(t, body.Message)
	})
	t.Run("an empty prompt is not sent", func(t *testing.T) {
		t.Parallel()
		lab := voicetest.NewLab(t, voicetest.Answer(200, success))
		p := newProvider(t, lab.URL, func(c *config.Voice) { settings(c).Prompt = `{{if eq .Currency "XXX"}}hello{{end}}` })
		_, err := p.Place(t.Context(), voicetest.Request())
		var refused *voice.RefusedError
		require.ErrorAs(t, err, &refused)
		assert.Contains(t, refused.Message, "voice.prompt")
		assert.Zero(t, lab.Conns())
	})
}

func TestNew_NamesTheKeyAtFault(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*config.Voice){
		"voice.prompt":   func(c *config.Voice) { settings(c).Prompt = "{{.Nobody}}" },
		"voice.about":    func(c *config.Voice) { settings(c).About = "{{.Nobody}}" },
		"voice.greeting": func(c *config.Voice) { settings(c).Greeting = "{{.Nobody}}" },
	} {
		cfg := account(config.Voice{BaseURL: "https://acme.mihu.example"})
		spoil(&cfg)
		_, err := mihu.New(cfg, voice.Network{})
		require.ErrorContains(t, err, key)
	}
}

func TestParse_EndReport(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "https://acme.mihu.example", nil)
	body := `{"event":"conversation_end_report","data":{"call_id":"m_1","conversation_uuid":"u_1","duration":45,"number":"+91 90000 12345","timestamp":"2026-03-04T10:00:00Z",
		"record_url":"https://rec.example/m_1","sentiment_analysis":{"not_interested":{"value":true,"confidence":0.8}},
		"call_end_analysis":{"summary":"Does not want tea.","do_not_call":"yes","callback_requested":{"value":true},"callback_at":"18:30"}}}`
	all, err := p.Parse([]byte(body))
	require.NoError(t, err)
	require.Len(t, all, 2)
	said, over := all[0], all[1]
	assert.Equal(t, cart.ReportAnalysed, said.Report.Kind)
	assert.Equal(t, cart.ReportFinished, over.Report.Kind)
	assert.Equal(t, cart.Completed, over.Report.FinalStatus)
	assert.NotEqual(t, said.Digest, over.Digest)
	for _, c := range all {
		assert.Equal(t, "m_1", c.ProviderCallID)
		assert.Equal(t, "+919000012345", c.Phone)
		assert.Equal(t, "18:30", c.CallbackText)
		assert.Equal(t, "Does not want tea.", c.Report.Summary)
		assert.Equal(t, cart.Insights{OptedOut: true, Declined: true, Callback: true}, c.Report.Insights)
		assert.Equal(t, 45, *c.Report.DurationSeconds)
		assert.Equal(t, "https://rec.example/m_1", c.Report.RecordingURL)
		assert.Equal(t, time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC), c.Report.At)
	}
	again, err := p.Parse([]byte(body))
	require.NoError(t, err)
	assert.Equal(t, all, again, "a delivery that is repeated is the same to the digest")
}

func TestParse_Unanswered(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "https://acme.mihu.example", nil)
	for data, want := range map[string]cart.Outcome{
		`"duration":0`:                   cart.NoAnswer,
		`"duration":"0"`:                 cart.NoAnswer,
		`"status":"BUSY"`:                cart.Busy,
		`"status":"no_answer"`:           cart.NoAnswer,
		`"status":"failed","duration":0`: cart.Failed,
		`"status":"cancelled"`:           cart.Aborted,
	} {
		all, err := p.Parse([]byte(`{"event":"conversation_end_report","data":{"conversation_uuid":"u_1",` + data + `}}`))
		require.NoError(t, err)
		require.Len(t, all, 1, data)
		assert.Equal(t, cart.ReportFinished, all[0].Report.Kind)
		assert.Equal(t, want, all[0].Report.FinalStatus, data)
		assert.Equal(t, "u_1", all[0].ProviderCallID)
	}
}

func TestParse_OtherEvents(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "https://acme.mihu.example", nil)
	one := func(body string) voice.Callback {
		all, err := p.Parse([]byte(body))
		require.NoError(t, err, body)
		require.Len(t, all, 1)
		return all[0]
	}
	for status, kind := range map[string]cart.ReportKind{
		"ringing": cart.ReportRinging, "in_progress": cart.ReportTalking, "Answered": cart.ReportTalking, "completed": cart.ReportHungUp,
		"no-answer": cart.ReportNoAnswer, "busy": cart.ReportBusy, "failed": cart.ReportFailed, "pondering": cart.ReportOther, "": cart.ReportOther,
	} {
		assert.Equal(t, kind, one(`{"event":"conversation_status","data":{"call_id":"m_1","status":"`+status+`"}}`).Report.Kind, status)
	}
	assert.Equal(t, cart.ReportOther, one(`{"event":"conversation_update","data":{"call_id":"m_1","status":"completed"}}`).Report.Kind)
	assert.Equal(t, cart.ReportOther, one(`{"event":"brand_new"}`).Report.Kind)
	c := one(`{"event":"intent_call","data":{"call_id":"m_1","intent":{"name":"send_link"},"x":1}}`)
	assert.Equal(t, cart.ReportAction, c.Report.Kind)
	assert.Equal(t, "send_link", c.Report.Action)
	assert.JSONEq(t, `{"call_id":"m_1","intent":{"name":"send_link"},"x":1}`, string(c.Report.ActionPayload))
	c = one(`{"event":"text_evaluation","call_id":"m_1","call_end_analysis":[{"name":"do_not_call","value":true},{"question":"?"}],"contact_info":{"phone_number":"00919000012345"},"number":"12"}`)
	assert.True(t, c.Report.Insights.OptedOut)
	assert.Equal(t, "+919000012345", c.Phone)
	for number, want := range map[string]string{"": "", "12": "", "+1 (415) 555-0100": "+14155550100", "1234567890123456": ""} {
		assert.Equal(t, want, one(`{"event":"x","data":{"number":"`+number+`"}}`).Phone, number)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"event":"conversation_end_report","data":{"call_id":"m_1","duration":45,"call_end_analysis":[{"name":"a","value":"b"}]}}`))
	f.Add([]byte(`{"event":"intent_call","data":{"intent":"x"}}`))
	f.Add([]byte(`{"event":"conversation_status","status":"busy"}`))
	p, err := mihu.New(account(config.Voice{BaseURL: "https://acme.mihu.example"}), voice.Network{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := p.Parse(body)
		if (err == nil) == (len(all) == 0) {
			t.Fatalf("%d events and the error %v", len(all), err)
		}
		for _, c := range all {
			if c.Report.Kind == "" || len(c.Digest) == 0 || strings.Contains(c.Report.Summary, "\x00") {
				t.Fatalf("%+v", c)
			}
		}
	})
}

const hook = "https://calls.example.com/webhooks/voice/mihu/token-2"

// hooks is Mihu as far as webhooks go.
func hooks(t *testing.T, list string, listStatus int) (*mihu.Provider, *[]string) {
	t.Helper()
	p, _, did := hooksAt(t, list, listStatus)
	return p, did
}

// hooksAt is hooks with the server's address.
func hooksAt(t *testing.T, list string, listStatus int) (p *mihu.Provider, address string, calls *[]string) {
	t.Helper()
	doc, err := contract.Load("mihu")
	require.NoError(t, err)
	var did []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		if r.Method == http.MethodPost {
			assert.NoError(t, doc.Request(r, body))
		}
		if r.Method == http.MethodGet {
			w.WriteHeader(listStatus)
			fmt.Fprint(w, list)
			return
		}
		did = append(did, r.Method+" "+r.URL.Path+" "+string(body))
		fmt.Fprint(w, `{"success":true}`)
	}))
	t.Cleanup(server.Close)
	return newProvider(t, server.URL, nil), server.URL, &did
}

func TestRegisterWebhook(t *testing.T) {
	t.Parallel()
	base := "/api/v1/agents/" + agent + "/webhooks"
	body := ` {"url":"` + hook + `","events":["conversation_status","conversation_end_report","intent_call"],"is_active":true}`
	entry := func(url string, active bool, events string) string {
		return fmt.Sprintf(`{"webhook_uuid":"w_1","url":%q,"is_active":%t,"events":[%s]}`, url, active, events)
	}
	all := `"conversation_status","conversation_end_report","intent_call","conversation_update"`
	foreign := entry("https://elsewhere.example/x", true, all)
	tests := map[string]struct {
		list   string
		status int
		did    []string
		done   string
	}{
		"none yet":           {`{"success":true,"data":[]}`, 200, []string{"POST " + base + body}, "registered"},
		"no list to be had":  {`{"message":"nope"}`, 404, []string{"POST " + base + body}, "registered"},
		"somebody else's":    {`{"data":[` + foreign + `]}`, 200, []string{"POST " + base + body}, "registered"},
		"as it should be":    {`{"data":[` + foreign + `,` + entry(hook, true, all) + `]}`, 200, nil, "kept"},
		"in pages":           {`{"data":{"data":[` + entry(hook, true, all) + `]}}`, 200, nil, "kept"},
		"bare list":          {`[` + entry(hook, true, all) + `]`, 200, nil, "kept"},
		"switched off":       {`{"data":[` + entry(hook, false, all) + `]}`, 200, []string{"PATCH " + base + "/w_1" + body}, "changed"},
		"too few events":     {`{"data":[` + entry(hook, true, `"intent_call"`) + `]}`, 200, []string{"PATCH " + base + "/w_1" + body}, "changed"},
		"with another token": {`{"data":[` + entry(strings.Replace(hook, "token-2", "token-1", 1), true, all) + `]}`, 200, []string{"PATCH " + base + "/w_1" + body}, "changed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, did := hooks(t, test.list, test.status)
			done, err := p.RegisterWebhook(t.Context(), hook)
			require.NoError(t, err)
			assert.Equal(t, test.done, done)
			assert.Equal(t, test.did, *did)
		})
	}
}

func TestRegisterWebhook_Fails(t *testing.T) {
	t.Parallel()
	p, did := hooks(t, `{"message":"bad token"}`, 401)
	_, err := p.RegisterWebhook(t.Context(), hook)
	require.ErrorContains(t, err, "keys")
	assert.Empty(t, *did)
	_, err = p.RegisterWebhook(t.Context(), "/relative")
	require.ErrorContains(t, err, "server.public_url")
	lab := voicetest.NewLab(t, func(l *voicetest.Lab, conn net.Conn) { voicetest.Reset(conn) })
	_, err = newProvider(t, lab.URL, nil).RegisterWebhook(t.Context(), hook)
	var temporary *voice.TemporaryError
	require.ErrorAs(t, err, &temporary)
}

func TestOnboarder_ShowsTheRequestAndRegistersTheWebhook(t *testing.T) {
	t.Parallel()
	_, address, did := hooksAt(t, `{"data":[]}`, 200)
	brief := voice.Brief{
		Voice:       account(config.Voice{BaseURL: address + "/api/v1/"}),
		CallbackURL: func(context.Context) (string, error) { return hook, nil },
	}
	o, err := mihu.NewOnboarder(brief, voice.Network{})
	require.NoError(t, err)
	steps, err := o.Steps(t.Context())
	require.NoError(t, err)
	require.Len(t, steps, 1)
	assert.Equal(t, "POST "+address+"/api/v1/agents/"+agent+"/webhooks", steps[0].Method+" "+steps[0].URL)
	assert.Contains(t, string(steps[0].Body), hook)
	assert.Empty(t, *did, "nothing is sent")

	done, err := o.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, voice.Onboarded{Done: []string{"registered the webhook of the agent " + agent}}, done)
	assert.Len(t, *did, 1)
}
