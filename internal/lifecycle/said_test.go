package lifecycle_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReport_WhatWasSaidIsKept(t *testing.T) {
	t.Parallel()
	yes := true
	told := cart.Report{
		Kind: cart.ReportAnalysed, Summary: "Wants size M.", Transcript: "agent: hello\ncustomer: hello",
		RecordingURL: "https://rec.example/1", RequiredActions: []string{"send_link"}, AbandonReason: "Shipping cost",
		Analysis: cart.Analysis{Success: &yes, Sentiment: "positive", Findings: []cart.Finding{{Name: "size", Value: `"M"`}}},
	}
	hears := func(t *testing.T, drop lifecycle.Drop) *cart.Call {
		s := newStory(t)
		s.rules.Voice.Drop = drop
		s.does(s.checkout())
		id := s.calls()
		s.does(cart.CallReported{CallID: id, Report: told, Digest: []byte("1")})
		again := told
		again.Analysis = cart.Analysis{
			Findings: []cart.Finding{{Name: "colour", Value: `"red"`}, {Name: "size", Value: `"L"`}},
		}
		again.Transcript = "agent: hello"
		s.does(cart.CallReported{CallID: id, Report: again, Digest: []byte("2")})
		return s.cart.Call(id)
	}
	t.Run("all of it", func(t *testing.T) {
		t.Parallel()
		call := hears(t, lifecycle.Drop{})
		assert.Equal(t, "Wants size M.", call.Summary)
		assert.Equal(t, told.Transcript, call.Transcript, "the longest transcript is kept")
		assert.Equal(t, told.RecordingURL, call.RecordingURL)
		assert.Equal(t, told.RequiredActions, call.RequiredActions)
		assert.Equal(t, "shipping_cost", call.AbandonReason)
		assert.Equal(t, &cart.Analysis{Success: &yes, Sentiment: "positive", Findings: []cart.Finding{
			{Name: "colour", Value: `"red"`}, {Name: "size", Value: `"L"`},
		}}, call.Analysis, "a later value of an insight replaces an earlier one")
	})
	t.Run("what the store keeps", func(t *testing.T) {
		t.Parallel()
		call := hears(t, lifecycle.Drop{Summary: true, Transcript: true, Recording: true})
		assert.Empty(t, call.Summary+call.Transcript+call.RecordingURL)
		assert.NotNil(t, call.Analysis, "insights are always kept")
	})
}

func TestReport_ReasonIsALabel(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]string{
		"price": "price", "Shipping cost": "shipping_cost", "just-looking": "just_looking", " Trust ": "trust",
		"महंगा": "महंगा",
		"":      "", "none": "", "N/A": "", "Unknown": "", "too expensive, and late": "other",
		"call +91 98765 43210": "other", "asha@example.com": "other",
		"She said that it is a lot of money for a kurta": "other",
	} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportAnalysed, AbandonReason: told}})
		assert.Equal(t, want, s.cart.Call(id).AbandonReason, "%q", told)
	}
}

func TestErased_OnlyAReasonThatIsNobodysOwnStays(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]string{"price": "price", "Rameshs wife": ""} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportAnalysed, AbandonReason: told}})
		s.does(cart.Erased{})
		assert.Equal(t, want, s.cart.Call(id).AbandonReason)
		s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportRecorded, AbandonReason: told}})
		assert.Equal(t, want, s.cart.Call(id).AbandonReason, "a late report brings nothing back")
	}
}

func TestOffer_SentIsNotMentioned(t *testing.T) {
	t.Parallel()
	// offered brings a cart to a second call, which carries an offer.
	offered := func(t *testing.T) (*story, uuid.UUID) {
		s := newStory(t)
		s.does(s.checkout())
		first := s.calls()
		assert.Empty(t, s.cart.Call(first).OfferFate, "no offer went out")
		s.talks(first, 9, cart.Insights{})
		id := s.calls()
		require.Equal(t, cart.OfferSent, s.cart.Call(id).OfferFate)
		return s, id
	}
	code, lower, other, nameless := "COMEBACK10", "comeback10", "WELCOME5", ""
	action := func(discount *string) func(*story, uuid.UUID) {
		return func(s *story, id uuid.UUID) {
			s.hears(id, cart.ReportRinging, cart.ReportTalking)
			e := report(id, cart.ReportAction, s.now)
			e.Report.Action, e.Report.Discount = "create_order", discount
			s.does(e)
		}
	}
	talk := func(said cart.Insights) func(*story, uuid.UUID) {
		return func(s *story, id uuid.UUID) { s.talks(id, 45, said) }
	}
	for name, c := range map[string]struct {
		then func(*story, uuid.UUID)
		want cart.OfferFate
	}{
		"nothing told":                {talk(cart.Insights{}), cart.OfferSent},
		"told that it was":            {talk(cart.Insights{OfferMentioned: true}), cart.OfferMentioned},
		"told that it was not":        {talk(cart.Insights{OfferUnmentioned: true}), cart.OfferUnmentioned},
		"told that it was taken":      {talk(cart.Insights{OfferAccepted: true}), cart.OfferAccepted},
		"the agent's order":           {action(&code), cart.OfferAccepted},
		"in another case":             {action(&lower), cart.OfferAccepted},
		"a discount without a name":   {action(&nameless), cart.OfferAccepted},
		"another discount":            {action(&other), cart.OfferSent},
		"an order without a discount": {action(nil), cart.OfferSent},
		"a mailbox may have heard it": {talk(cart.Insights{Voicemail: true}), cart.OfferSent},
		"hung up before it":           {hungUp, cart.OfferUnmentioned},
		"nobody picked up":            {unanswered, cart.OfferUnmentioned},
		"redeemed without being heard": {func(s *story, id uuid.UUID) {
			unanswered(s, id)
			s.buys(code)
		}, cart.OfferUnmentioned},
		"redeemed": {func(s *story, id uuid.UUID) {
			s.talks(id, 45, cart.Insights{Interested: true})
			s.buys(code)
		}, cart.OfferAccepted},
		"redeemed, then erased": {func(s *story, id uuid.UUID) {
			s.talks(id, 45, cart.Insights{Interested: true})
			s.buys(code)
			s.does(cart.Erased{})
		}, cart.OfferAccepted},
		"bought without it": {func(s *story, id uuid.UUID) {
			s.talks(id, 45, cart.Insights{Interested: true})
			s.buys()
		}, cart.OfferSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id := offered(t)
			s.passes(time.Second)
			c.then(s, id)
			assert.Equal(t, c.want, s.cart.Call(id).OfferFate)
		})
	}
}

// hungUp plays a call whose customer hangs up at once.
func hungUp(s *story, id uuid.UUID) { s.talks(id, 1, cart.Insights{}) }

// unanswered plays a call that nobody picks up.
func unanswered(s *story, id uuid.UUID) {
	s.hears(id, cart.ReportRinging, cart.ReportNoAnswer, cart.ReportFinished)
}
