package mirai_test

import (
	stdcontext "context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func context() stdcontext.Context { return stdcontext.Background() }

func insights() config.Insights { return account(config.Voice{}).Insights }

// one parses a body that holds one event.
func one(t *testing.T, body string) voice.Callback {
	t.Helper()
	all, err := mirai.Parse([]byte(body), insights())
	require.NoError(t, err, body)
	require.Len(t, all, 1)
	return all[0]
}

func TestParse_EndOfCall(t *testing.T) {
	t.Parallel()
	body := `{
		"metadata": {"call_id": "0195a1b2-0000-7000-8000-000000000001", "shop": "acme.myshopify.com"},
		"event": {"type": "end-of-call", "data": {
			"call": {"id": "c_1", "status": "completed", "startedAt": "2026-03-04T10:00:00Z", "endedAt": "2026-03-04T10:02:30.5+00:00",
				"durationSeconds": 150, "recordingUrl": "https://rec.example/c_1", "detailUrl": "https://x.example"},
			"analysis": {"success": true, "summary": "Asked for a call\ntomorrow.", "requiredActions": ["send-whatsapp", ""],
				"insights": {"do_not_call": false, "interested": "Yes", "callback_requested": true, "callback_at": "2026-03-05 18:30"}},
			"credits": {"used": 1.5, "available": "98.50"}
		}}}`
	c := one(t, body)
	digest := sha256.Sum256([]byte(body))
	seconds, success := 150, true
	used, left := decimal.RequireFromString("1.5"), decimal.RequireFromString("98.50")
	assert.Equal(t, voice.Callback{
		CallID:         uuid.MustParse("0195a1b2-0000-7000-8000-000000000001"),
		ProviderCallID: "c_1",
		CallbackText:   "2026-03-05 18:30",
		Digest:         digest[:],
		Report: cart.Report{
			Kind: cart.ReportAnalysed, ProviderType: "end-of-call", ProviderCallID: "c_1", At: time.Date(2026, 3, 4, 10, 2, 30, 500_000_000, time.UTC),
			DurationSeconds: &seconds, Summary: "Asked for a call tomorrow.", RecordingURL: "https://rec.example/c_1", RequiredActions: []string{"send-whatsapp"},
			Insights: cart.Insights{Interested: true, Callback: true},
			Analysis: cart.Analysis{Success: &success, Findings: []cart.Finding{
				{Name: "callback_at", Value: `"2026-03-05 18:30"`}, {Name: "callback_requested", Value: "true"},
				{Name: "do_not_call", Value: "false"}, {Name: "interested", Value: `"Yes"`},
			}},
			CreditsUsed: &used, CreditsLeft: &left,
		},
	}, c)
}

func TestParse_Kinds(t *testing.T) {
	t.Parallel()
	for typ, kind := range map[string]cart.ReportKind{
		"call.initiate": cart.ReportRinging, "call.in-progress": cart.ReportTalking, "call.ended": cart.ReportHungUp, "call.completed": cart.ReportRecorded,
		"call.timeout": cart.ReportTimeout, "end-of-call": cart.ReportAnalysed, "call.lifecycle-ended": cart.ReportFinished, "call.failed": cart.ReportFailed,
		"call.busy": cart.ReportBusy, "call.no-answer": cart.ReportNoAnswer, "call.validation-failed": cart.ReportInvalid, "call.skip": cart.ReportSkipped,
		"call.rescheduled": cart.ReportRescheduled, "call.aborted": cart.ReportAborted,
		"call.voicemail": cart.ReportVoicemail,
		"action":         cart.ReportAction,
		"CALL.NO_ANSWER": cart.ReportNoAnswer, "no-answer": cart.ReportNoAnswer, "call.transferred": cart.ReportOther, "x": cart.ReportOther,
	} {
		c := one(t, `{"event":{"type":"`+typ+`","data":{"call":{"id":"c_1"}}}}`)
		assert.Equal(t, kind, c.Report.Kind, typ)
		assert.Equal(t, typ, c.Report.ProviderType)
		assert.Equal(t, uuid.Nil, c.CallID)
		assert.Equal(t, "c_1", c.ProviderCallID)
	}
}

func TestParse_Envelopes(t *testing.T) {
	t.Parallel()
	id := "0195a1b2-0000-7000-8000-000000000001"
	for name, body := range map[string]string{
		"nested":            `{"metadata":{"call_id":"` + id + `"},"event":{"type":"call.ended","data":{"call":{"id":"c_1","durationSeconds":"45.4"}}}}`,
		"beside the type":   `{"metadata":{"call_id":"` + id + `"},"event":{"type":"call.ended","call":{"id":"c_1","durationSeconds":45}}}`,
		"repeated":          `{"metadata":{"call_id":"` + id + `"},"event":{"type":"call.ended","data":{"call":{"id":"c_1","durationSeconds":45}},"call":{"id":"c_1","durationSeconds":45}}}`,
		"metadata in event": `{"event":{"type":"call.ended","metadata":{"call_id":"` + id + `"},"data":{"call":{"id":"c_1","durationSeconds":45}}}}`,
		"metadata in call":  `{"event":{"type":"call.ended","data":{"call":{"id":"c_1","durationSeconds":45,"metadata":{"call_id":"` + id + `"}}}}}`,
		"flat":              `{"type":"call.ended","metadata":{"call_id":"` + id + `"},"data":{"call":{"id":"c_1","durationSeconds":45}}}`,
		"event as text":     `{"event":"call.ended","metadata":{"call_id":"` + id + `"},"data":{"callId":"c_1","call":{"durationSeconds":45}}}`,
	} {
		c := one(t, body)
		assert.Equal(t, id, c.CallID.String(), name)
		assert.Equal(t, "c_1", c.ProviderCallID, name)
		assert.Equal(t, cart.ReportHungUp, c.Report.Kind, name)
		require.NotNil(t, c.Report.DurationSeconds, name)
		assert.Equal(t, 45, *c.Report.DurationSeconds, name)
	}
	c := one(t, `{"metadata":{"call_id":"`+id+`"},"event":{"type":"end-of-call","data":{"analysis":{"summary":"no call here"}}}}`)
	assert.Empty(t, c.ProviderCallID)
	assert.Equal(t, id, c.CallID.String())
	c = one(t, `{"metadata":{"call_id":"not ours"},"event":{"type":"call.ended","data":null}}`)
	assert.Equal(t, uuid.Nil, c.CallID)
}

func TestParse_SeveralEvents(t *testing.T) {
	t.Parallel()
	all, err := mirai.Parse([]byte(`[{"event":{"type":"call.ended"}},5,{"event":{}},{"event":{"type":"call.completed"}}]`), insights())
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.NotEqual(t, all[0].Digest, all[1].Digest)
	for _, body := range []string{`{"event":{"type":""}}`, `[]`, `{"type":`, `{}`, `null`, `{"event":{"type":"x"}} {}`} {
		_, err := mirai.Parse([]byte(body), insights())
		require.Error(t, err, body)
	}
}

func TestParse_FinalStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]cart.Outcome{
		"completed": cart.Completed, "ended": cart.Completed, "no-answer": cart.NoAnswer, "NO_ANSWER": cart.NoAnswer, "busy": cart.Busy, "failed": cart.Failed,
		"timeout": cart.Timeout, "aborted": cart.Aborted, "skip": cart.Skipped, "validation-failed": cart.Invalid, "rescheduled": "", "initiate": "", "what": "",
	} {
		c := one(t, `{"event":{"type":"call.lifecycle-ended","data":{"report":{"reAttemptCount":1,"finalStatus":"`+status+`"}}}}`)
		assert.Equal(t, want, c.Report.FinalStatus, status)
		c = one(t, `{"event":{"type":"call.lifecycle-ended","data":{"call":{"status":"`+status+`"}}}}`)
		assert.Equal(t, want, c.Report.FinalStatus, status)
		c = one(t, `{"event":{"type":"call.ended","data":{"report":{"finalStatus":"`+status+`"}}}}`)
		assert.Empty(t, c.Report.FinalStatus, "only the last event has a last word")
	}
}

func TestParse_Action(t *testing.T) {
	t.Parallel()
	c := one(t, `{"event":{"type":"action","data":{"action":"send-whatsapp","reason":"missing_address","payload":{"number":"+91\u00009","n":1e400,"deep":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}}}}`)
	assert.Equal(t, cart.ReportAction, c.Report.Kind)
	assert.Equal(t, "send_whatsapp", c.Report.Action)
	assert.Equal(t, "missing_address", c.Report.ActionReason)
	var payload map[string]any
	require.NoError(t, json.Unmarshal(c.Report.ActionPayload, &payload))
	assert.Equal(t, "+919", payload["number"])
	assert.Equal(t, "1e400", payload["n"])
	c = one(t, `{"event":{"type":"action","data":{"action":"create_order","reason":null,"payload":null}}}`)
	assert.Empty(t, c.Report.ActionReason)
	assert.Nil(t, c.Report.ActionPayload)
}

func TestParse_Insights(t *testing.T) {
	t.Parallel()
	parse := func(insights string) voice.Callback {
		return one(t, `{"event":{"type":"end-of-call","data":{"analysis":{"insights":`+insights+`}}}}`)
	}
	for _, yes := range []string{`true`, `"true"`, `"YES"`, `1`, `{"value":true,"confidence":0.9}`, `"Yes, and please delete the number."`, `["yes"]`} {
		assert.Equal(t, cart.Insights{OptedOut: true, Declined: true}, parse(`{"do_not_call":`+yes+`,"not_interested":`+yes+`}`).Report.Insights, yes)
	}
	for _, no := range []string{`false`, `"no"`, `0`, `null`, `[]`, `{}`, `"No, she will order tomorrow."`, `{"value":"no"}`} {
		assert.Equal(t, cart.Insights{}, parse(`{"do_not_call":`+no+`,"callback_requested":`+no+`}`).Report.Insights, no)
	}
	for _, unclear := range []string{`"perhaps"`, `0.8`, `"The customer hung up angrily."`, `{"note":"angry"}`, `["?"]`} {
		got := parse(`{"do_not_call":` + unclear + `,"not_interested":` + unclear + `,"callback_requested":` + unclear + `}`).Report.Insights
		assert.Equal(t, cart.Insights{OptedOutUnclear: true, DeclinedUnclear: true}, got, unclear)
	}
	assert.True(t, parse(`{"Do-Not-Call":true}`).Report.Insights.OptedOut, "letter case and hyphens do not matter for an opt-out")
	assert.Empty(t, parse(`{"callback_requested":false,"callback_at":"18:30"}`).CallbackText, "no callback was wanted")
	assert.Equal(t, "18:30", parse(`{"callback_at":"18:30"}`).CallbackText)
	assert.Equal(t, "2026-03-05T13:00:00+00:00", parse(`{"callback_at":1772715600}`).CallbackText)
	c, err := mirai.Parse([]byte(`{"event":{"type":"end-of-call","data":{"analysis":{"insights":{"":true,"declined":true}}}}}`), config.Insights{Declined: "declined"})
	require.NoError(t, err)
	assert.Equal(t, cart.Insights{Declined: true}, c[0].Report.Insights, "insights that the store gives no name are not read")
}

func TestParse_DropsImpossibleValues(t *testing.T) {
	t.Parallel()
	c := one(t, `{"event":{"type":"call.completed","data":{"call":{"id":"c_1","durationSeconds":-4,"recordingUrl":"javascript:alert(1)","startedAt":"0001-01-01T00:00:00Z","endedAt":"soon"},
		"credits":{"used":"1e999999999","available":"NaN"}}}}`)
	assert.Nil(t, c.Report.DurationSeconds)
	assert.Empty(t, c.Report.RecordingURL)
	assert.True(t, c.Report.At.IsZero())
	assert.Nil(t, c.Report.CreditsUsed)
	assert.Nil(t, c.Report.CreditsLeft)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	p, err := mirai.New(account(config.Voice{BaseURL: "https://voice.example"}), voice.Network{})
	require.NoError(t, err)
	body := []byte(`{"event":{"type":"call.ended"}}`)
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	// Computed with: printf '%s' '{"event":{"type":"call.ended"}}' | openssl dgst -sha256 -hmac sk_f5e4d3c2b1a0
	const signature = "deb7d67607bdb87c561968dd6f56446355072e19456a55440889100284c246f1"
	good := map[string]http.Header{
		"signed":         header("x-public-key", publicKey, "x-signature", signature),
		"signature only": header("x-signature", signature),
		"with both keys": header("x-public-key", publicKey, "x-private-key", privateKey),
	}
	for name, h := range good {
		require.NoError(t, p.Verify(h, body), name)
	}
	bad := map[string]http.Header{
		"nothing":                      header(),
		"no public key":                header("x-private-key", privateKey),
		"another public key":           header("x-public-key", "pk_other", "x-signature", signature),
		"another signature":            header("x-public-key", publicKey, "x-signature", strings.Repeat("0", 64)),
		"upper case":                   header("x-public-key", publicKey, "x-signature", strings.ToUpper(signature)),
		"a bad signature and the keys": header("x-public-key", publicKey, "x-private-key", privateKey, "x-signature", "00"),
		"another private key":          header("x-public-key", publicKey, "x-private-key", "sk_other"),
		"no private key":               header("x-public-key", publicKey),
	}
	for name, h := range bad {
		err := p.Verify(h, body)
		require.ErrorIs(t, err, voice.ErrSignature, name)
		assert.NotContains(t, err.Error(), "sk_", name)
		assert.NotContains(t, err.Error(), signature, name)
	}
	require.ErrorIs(t, p.Verify(good["signed"], append(body, ' ')), voice.ErrSignature, "another body")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"metadata":{"call_id":"0195a1b2-0000-7000-8000-000000000001"},"event":{"type":"end-of-call","data":{"call":{"id":"c_1","durationSeconds":45},"analysis":{"summary":"x","insights":{"do_not_call":true,"callback_at":"18:30"}},"credits":{"used":1.5}}}}`,
		`{"event":{"type":"action","data":{"action":"create_order","payload":{"a":[1,{"b":"\u0000"}]}}}}`,
		`{"event":{"type":"call.lifecycle-ended","report":{"finalStatus":"busy"}}}`,
		`[{"type":"call.ended"},{"type":"x"}]`, `{"event":"call.busy"}`, `null`, `{"event":{"type":1e999}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := mirai.Parse(body, insights())
		if (err == nil) == (len(all) == 0) {
			t.Fatalf("%d events and the error %v", len(all), err)
		}
		seen := map[string]bool{}
		for _, c := range all {
			r := c.ReportIn(time.UTC, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))
			for _, text := range append([]string{r.ProviderType, r.ProviderCallID, r.Summary, r.RecordingURL, r.Action, r.ActionReason, c.CallbackText}, r.RequiredActions...) {
				if !utf8.ValidString(text) || strings.Contains(text, "\x00") || utf8.RuneCountInString(text) > 8000 {
					t.Fatalf("%q cannot be stored", text)
				}
			}
			if r.ActionPayload != nil {
				var decoded any
				if err := json.Unmarshal(r.ActionPayload, &decoded); err != nil || strings.Contains(fmt.Sprint(decoded), "\x00") {
					t.Fatalf("%q is no jsonb: %v", r.ActionPayload, err)
				}
			}
			if r.Kind == "" || r.ProviderType == "" || len(c.Digest) != sha256.Size || seen[string(c.Digest)] {
				t.Fatalf("%+v", c)
			}
			seen[string(c.Digest)] = true
		}
	})
}
