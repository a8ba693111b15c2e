package lifecycle_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The calls of this file are ones that nobody should get.

func bought(s *story) cart.Event {
	return cart.OrderSeen{Order: cart.Order{ID: "9", CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchCheckout}
}

func TestAbort_StopsTheProvidersNextDial(t *testing.T) {
	t.Parallel()
	for name, heard := range map[string][]cart.ReportKind{
		"between two dials":            {cart.ReportRinging, cart.ReportNoAnswer},
		"put off on the line":          {cart.ReportRinging, cart.ReportTalking, cart.ReportRescheduled},
		"put off after hanging up":     {cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRescheduled},
		"put off before anybody spoke": {cart.ReportRinging, cart.ReportRescheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, event := range []func(*story) cart.Event{
				bought,
				func(*story) cart.Event { return cart.OptOut{Source: "api"} },
				func(*story) cart.Event { return cart.AppUninstalled{} },
				func(*story) cart.Event { return cart.ShopPaused{} },
			} {
				s := newStory(t)
				s.rules.Voice.OurRetries = false
				s.does(s.checkout())
				id := s.calls()
				s.hears(id, heard...)
				e := event(s)
				assert.Contains(t, s.does(e), lifecycle.Effect(lifecycle.Abort{CallID: id}), "%T", e)
				s.does(cart.AbortAnswered{CallID: id, Accepted: true})
				s.passes(3 * time.Minute)
				s.does(cart.CallSilent{CallID: id})
				assert.Equal(t, cart.Closed, s.cart.Call(id).State, "%T", e)
				assert.NotEqual(t, cart.Calling, s.cart.State, "%T", e)
			}
		})
	}
	t.Run("put off after the customer had bought", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking)
		s.does(bought(s))
		assert.Contains(t, s.does(report(id, cart.ReportRescheduled, s.now)), lifecycle.Effect(lifecycle.Abort{CallID: id}))
	})
	t.Run("a conversation that is over needs no abort", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp)
		assert.False(t, has[lifecycle.Abort](s.does(bought(s))))
	})
}

func TestAbort_IsRepeatedWhenTheProviderWasUnreachable(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging)
	require.True(t, has[lifecycle.Abort](s.does(report(id, cart.ReportNoAnswer, s.now))))
	s.does(cart.AbortAnswered{CallID: id, GaveUp: true})
	assert.Contains(t, s.does(bought(s)), lifecycle.Effect(lifecycle.Abort{CallID: id}))
}

func TestReport_CallbackInThePastIsNotACallAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.passes(time.Minute)
	s.hears(id, talked[:4]...)
	past := s.now.Add(-2 * time.Hour)
	s.does(cart.CallReported{CallID: id,
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{Callback: true, CallbackAt: &past}}})
	s.hears(id, cart.ReportFinished)
	require.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, cart.Callback, s.cart.Reason)
	assert.Equal(t, s.now.Add(24*time.Hour), *s.cart.WakeAt)
}

func TestReport_CallbackMadeByTheProviderIsNotRepeated(t *testing.T) {
	t.Parallel()
	at := start.Add(5 * time.Hour)
	promised := func() (*story, uuid.UUID) {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp)
		s.does(cart.CallReported{CallID: id,
			Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{Callback: true, CallbackAt: &at}}})
		s.does(report(id, cart.ReportRescheduled, s.now))
		return s, id
	}
	t.Run("spoken to again", func(t *testing.T) {
		t.Parallel()
		s, id := promised()
		s.now = at.Add(2 * time.Minute)
		for i, k := range talked[:3] {
			s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: k, At: s.now}, Digest: []byte{byte(i)}})
		}
		s.hears(id, cart.ReportFinished)
		assert.Equal(t, cart.Stopped, s.cart.State)
		assert.Equal(t, cart.Reached, s.cart.Reason)
	})
	t.Run("not heard of again", func(t *testing.T) {
		t.Parallel()
		s, id := promised()
		s.now = at.Add(2 * time.Hour)
		s.does(cart.CallSilent{CallID: id})
		assert.Equal(t, cart.Stopped, s.cart.State)
	})
	t.Run("given back before its time", func(t *testing.T) {
		t.Parallel()
		s, id := promised()
		s.passes(time.Minute)
		s.hears(id, cart.ReportFinished)
		assert.Equal(t, cart.Waiting, s.cart.State)
		assert.Equal(t, at, *s.cart.WakeAt)
	})
}

func TestConsentChanged_WithdrawalAbortsTheQueuedCall(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	consents := func(r *policy.Rules) { r.Consent = policy.On(policy.ConsentMarketing) }
	for name, withdrawal := range map[string]func(*story) cart.Event{
		"elsewhere": func(*story) cart.Event { return cart.ConsentChanged{Marketing: &no} },
		"at the checkout": func(s *story) cart.Event {
			return s.checkout(func(c *cart.Checkout) { c.AcceptsMarketing = &no })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, consents)
			s.does(s.checkout(func(c *cart.Checkout) { c.AcceptsMarketing = &yes }))
			id := s.calls()
			s.passes(time.Minute)
			assert.Contains(t, s.does(withdrawal(s)), lifecycle.Effect(lifecycle.Abort{CallID: id}))
			s.does(cart.AbortAnswered{CallID: id, Accepted: true})
			assert.Equal(t, cart.Watching, s.cart.State)
			assert.Equal(t, cart.NoConsent, s.cart.Reason)
		})
	}
	t.Run("nobody on the line is cut off", func(t *testing.T) {
		t.Parallel()
		s := newStory(t, consents)
		s.does(s.checkout(func(c *cart.Checkout) { c.AcceptsMarketing = &yes }))
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking)
		assert.False(t, has[lifecycle.Abort](s.does(cart.ConsentChanged{Marketing: &no})))
	})
}

func TestSendBegun_NumberCorrectedSinceTheLineIsNotDialled(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	id := uuid.Must(uuid.NewV7())
	s.does(cart.LineFree{CallID: id})
	s.passes(time.Second)
	s.does(s.checkout(func(c *cart.Checkout) { c.Phones[0].Number = "98765 43211" }))
	s.passes(time.Hour)
	assert.False(t, has[lifecycle.Send](s.does(cart.SendBegun{CallID: id})), "the line was given for the number before")
	assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
	second := s.calls()
	assert.Equal(t, "+919876543211", s.cart.Call(second).Phone)
	assert.Equal(t, 1, s.cart.Call(second).Attempt)
}

func TestWoken_RepeatedCheckDuringAPauseAddsNoLedgerEntry(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.facts.Shop.Paused = true
	s.wakes()
	require.Equal(t, cart.Paused, s.cart.Reason)
	told := len(s.ledger)
	for range 100 {
		s.wakes()
	}
	assert.Equal(t, cart.Paused, s.cart.Reason)
	assert.Len(t, s.ledger, told)
}
