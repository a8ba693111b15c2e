package lifecycle_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// personal stands in every text of an event that could say something of a person.
const personal = "zq7personal"

// everyText lists events that bring personal data in every field that can hold some.
func everyText(s *story, id uuid.UUID) []cart.Event {
	later := s.now.Add(time.Second)
	events := []cart.Event{
		s.checkout(func(c *cart.Checkout) {
			c.Email, c.UpdatedAt, c.Customer.FirstName = personal+"@example.com", later, personal
		}),
		cart.OrderSeen{Match: cart.MatchCheckout, Order: cart.Order{
			ID: "9", Email: personal + "@example.com", CustomerID: personal, Codes: []string{personal}, CreatedAt: later,
			UpdatedAt: later,
			Emails:    []string{personal + "@example.com"}, Phones: []cart.RawPhone{{Number: personal}}, Country: "IN",
		}},
		cart.PlaceAccepted{CallID: id, ProviderCallID: "p"},
		cart.PlaceFailed{CallID: id, Error: personal},
		cart.PlaceRefused{CallID: id, Error: personal, Invalid: true},
		cart.PlaceUncertain{CallID: id, Error: personal},
		cart.AbortAnswered{CallID: id, Accepted: true, Error: personal},
		cart.ConsentChanged{SMSPhone: personal},
		cart.OptOut{Source: "api"},
		cart.OperatorCancelled{},
		cart.Erased{},
	}
	for _, k := range append([]cart.ReportKind{cart.ReportAction, cart.ReportOther, cart.ReportRescheduled,
		cart.ReportNoAnswer}, talked...) {
		r := report(id, k, s.now)
		r.Digest = []byte(s.now.String() + string(k))
		r.Report.Summary, r.Report.RecordingURL = personal, "https://rec.example/"+personal
		r.Report.RequiredActions = []string{personal}
		r.Report.Transcript, r.Report.AbandonReason = personal, personal
		r.Report.Analysis = cart.Analysis{Sentiment: personal, Findings: []cart.Finding{{Name: "who", Value: personal}}}
		r.Report.Action, r.Report.ActionReason = "send_sms", personal
		r.Report.Insights.OptedOut = k == cart.ReportAnalysed
		events = append(events, r)
	}
	return events
}

func TestErased_LateEventsBringNoPersonalDataBack(t *testing.T) {
	t.Parallel()
	test := t
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(test)
		s.does(s.checkout())
		var id uuid.UUID
		if rapid.Bool().Draw(t, "placed") {
			id = s.calls()
		} else {
			s.wakes()
			id = s.sends()
		}
		s.does(cart.Erased{})
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			s.passes(time.Second)
			events := everyText(s, id)
			s.does(events[rapid.IntRange(0, len(events)-1).Draw(t, "event")])
			for _, kept := range []any{s.cart, s.ledger} {
				text, err := json.Marshal(kept)
				require.NoError(t, err)
				require.NotContains(t, string(text), personal)
				require.NotContains(t, string(text), "asha@example.com")
			}
		}
	})
}

func TestErased_LateOptOutCounts(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"on the line", "over"} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking)
		if state == "over" {
			s.hears(id, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished)
		}
		s.does(cart.Erased{})
		s.passes(time.Minute)
		r := report(id, cart.ReportAnalysed, s.now)
		r.Digest, r.Report.Insights = []byte("late"), cart.Insights{OptedOut: true, Declined: true}
		assert.Contains(t, s.does(r), lifecycle.Effect(lifecycle.Suppress{Source: "call"}), state)
		assert.True(t, s.cart.Call(id).Insights.Declined, state)
		assert.Equal(t, cart.Stopped, s.cart.State, state)
	}
}

func TestErased_PurchaseKeepsItsAttribution(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	id := uuid.Must(uuid.NewV7())
	s.does(cart.LineFree{CallID: id})
	s.does(cart.SendBegun{CallID: id, Offer: &cart.Offer{Code: "ASHA-1", Unique: true}})
	s.does(cart.PlaceAccepted{CallID: id, ProviderCallID: "p"})
	s.hears(id, cart.ReportRinging, cart.ReportTalking)
	order := cart.Order{ID: "9", Codes: []string{"asha-1"}, CreatedAt: s.now, UpdatedAt: s.now}
	s.does(cart.OrderSeen{Order: order, Match: cart.MatchCode})
	require.Equal(t, cart.ByOffer, s.cart.Attribution)
	s.does(cart.Erased{})
	assert.Empty(t, s.cart.Order.Codes)
	s.hears(id, cart.ReportHungUp, cart.ReportFinished)
	assert.Equal(t, cart.ByOffer, s.cart.Attribution)
}

func TestAction_LedgerHasOnlyItsName(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]string{
		"send_whatsapp":             "send_whatsapp",
		"Transfer-Call":             "transfer_call",
		"sms.send:v2":               "sms_send_v2",
		"":                          "other",
		"Asha Rao wants a call":     "other",
		"asha@example.com":          "other",
		"call_919876543210":         "other",
		"+919876543210":             "other",
		"आशा":                       "other",
		strings.Repeat("a", 60):     strings.Repeat("a", 40),
		"  hand_over \n":            "hand_over",
		"send_whatsapp\x00Asha Rao": "other",
	} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		r := report(id, cart.ReportAction, s.now)
		r.Report.Action, r.Report.ActionReason = told, "Asha Rao of 12 MG Road wants +919876543210"
		s.does(r)
		trace := s.ledger[len(s.ledger)-1].Trace
		require.Len(t, trace, 1)
		assert.Equal(t, cart.Step{Rule: "action", Saw: want, Verdict: cart.VerdictOK}, trace[0])
	}
}
