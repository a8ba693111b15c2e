package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// talks plays a call that is picked up and lasts for some seconds, up to its last report. The analysis finds what is
// said.
func (s *story) talks(id uuid.UUID, seconds int, said cart.Insights) {
	s.t.Helper()
	s.hears(id, cart.ReportRinging, cart.ReportTalking)
	s.passes(time.Duration(seconds) * time.Second)
	s.hears(id, cart.ReportHungUp)
	recorded := report(id, cart.ReportRecorded, s.now)
	recorded.Report.DurationSeconds = &seconds
	s.does(recorded)
	s.analyses(id, said)
	s.hears(id, cart.ReportFinished)
}

// analyses tells what an analysis of a call finds.
func (s *story) analyses(id uuid.UUID, said cart.Insights) {
	s.t.Helper()
	e := report(id, cart.ReportAnalysed, s.now)
	e.Report.Insights = said
	e.Digest = fmt.Appendf(nil, "%v at %s", said, s.now)
	s.does(e)
}

// buys plays an order of the cart's customer.
func (s *story) buys(codes ...string) {
	s.t.Helper()
	s.does(cart.OrderSeen{
		Order: cart.Order{ID: "9", Codes: codes, CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchCheckout,
	})
	require.Equal(s.t, cart.Purchased, s.cart.State)
}

// nobodySpoken are the calls that are picked up by nobody who could be spoken to.
var nobodySpoken = []struct {
	name    string
	seconds int
	said    cart.Insights
	outcome cart.Outcome
	spacing time.Duration
	why     string
}{
	{"mailbox told", 45, cart.Insights{Voicemail: true}, cart.Voicemail, 4 * time.Hour, "by the call's analysis"},
	{"mailbox inferred", 9, cart.Insights{}, cart.Voicemail, 4 * time.Hour, "over after 9s and nothing was said"},
	{"screened", 25, cart.Insights{Screened: true}, cart.Voicemail, 4 * time.Hour, "the phone's assistant took the call"},
	{"hung up at once", 1, cart.Insights{Person: true}, cart.NoAnswer, 2 * time.Hour, "hung up after 1s"},
}

func TestMachine_NoConversationLeadsToTheNextAttempt(t *testing.T) {
	t.Parallel()
	for _, c := range nobodySpoken {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.does(s.checkout())
			first := s.calls()
			s.talks(first, c.seconds, c.said)
			call := s.cart.Call(first)
			assert.Equal(t, c.outcome, call.Outcome)
			assert.NotNil(t, call.PickedUpAt)
			assert.False(t, call.Answered())
			assert.Equal(t, 1, s.cart.Attempts, "it counts as an attempt")
			assert.Equal(t, cart.Waiting, s.cart.State)
			assert.Equal(t, cart.Spacing, s.cart.Reason)
			assert.Equal(t, call.EndedAt.Add(c.spacing), *s.cart.WakeAt)
			assert.Contains(t, sawIn(s.ledger), c.why)

			second := s.calls()
			assert.Equal(t, 2, s.cart.Call(second).Attempt)
			s.talks(second, c.seconds, c.said)
			s.passes(time.Minute)
			s.buys()
			assert.Equal(t, cart.Organic, s.cart.Attribution, "a mailbox sells nothing")
		})
	}
}

func TestMachine_ProvidersWordNeedsNoAnalysis(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging, cart.ReportVoicemail)
	assert.False(t, s.cart.Call(id).HoldsLine, "the connection is over")
	s.hears(id, cart.ReportFinished)
	assert.Equal(t, cart.Closed, s.cart.Call(id).State)
	assert.Equal(t, cart.Voicemail, s.cart.Call(id).Outcome)
	assert.Contains(t, sawIn(s.ledger), "by the voice API's word")
	assert.Equal(t, cart.Spacing, s.cart.Reason)
}

func TestMachine_CodeLeftOnAMailboxIsCreditedToTheOffer(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.talks(s.calls(), 45, cart.Insights{Voicemail: true})
	second := s.calls()
	require.NotNil(t, s.cart.Call(second).Offer)
	s.talks(second, 45, cart.Insights{Voicemail: true})
	s.passes(time.Hour)
	s.buys("COMEBACK10")
	assert.Equal(t, cart.ByOffer, s.cart.Attribution)
}

func TestMachine_MailboxesExhaustTheAttempts(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	for range 3 {
		s.talks(s.calls(), 9, cart.Insights{})
	}
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.Exhausted, s.cart.Reason)
}

func TestMachine_WhatOnlyAPersonSaysIsAConversation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seconds int
		said    cart.Insights
		reason  cart.Reason
		off     bool
	}{
		"long, and nothing said":     {45, cart.Insights{}, cart.Reached, false},
		"short, and interested":      {9, cart.Insights{Interested: true}, cart.Reached, false},
		"short, and declined":        {1, cart.Insights{Declined: true}, cart.Declined, false},
		"short, and opted out":       {1, cart.Insights{OptedOut: true}, cart.OptedOut, false},
		"short, and not clear":       {9, cart.Insights{DeclinedUnclear: true}, cart.UnclearAnswer, false},
		"short, and no mailbox":      {9, cart.Insights{Person: true}, cart.Reached, false},
		"told, and interested":       {45, cart.Insights{Voicemail: true, Interested: true}, cart.Reached, false},
		"as long as is short":        {12, cart.Insights{}, cart.Reached, false},
		"short, and no rules":        {9, cart.Insights{}, cart.Reached, true},
		"hung up, and no rules":      {1, cart.Insights{}, cart.Reached, true},
		"screened, then put through": {45, cart.Insights{Screened: true, Interested: true}, cart.Reached, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			if c.off {
				s.rules.Voice.Machine = lifecycle.Machine{}
			}
			s.does(s.checkout())
			id := s.calls()
			s.talks(id, c.seconds, c.said)
			assert.Equal(t, cart.Completed, s.cart.Call(id).Outcome)
			assert.True(t, s.cart.Call(id).Answered())
			assert.Equal(t, cart.Stopped, s.cart.State)
			assert.Equal(t, c.reason, s.cart.Reason)
		})
	}
}

func TestMachine_LengthThatTheProviderDidNotTellIsNotCompared(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportAnalysed, cart.ReportFinished)
	assert.Equal(t, cart.Completed, s.cart.Call(id).Outcome)
	assert.Equal(t, cart.Reached, s.cart.Reason)
}

func TestLateAnalysis_MailboxAfterAllGivesTheCartItsNextAttempt(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	first := s.calls()
	s.talks(first, 45, cart.Insights{})
	require.Equal(t, cart.Reached, s.cart.Reason)
	s.passes(10 * time.Minute)
	s.analyses(first, cart.Insights{Voicemail: true})
	call := s.cart.Call(first)
	assert.Equal(t, cart.Voicemail, call.Outcome)
	assert.False(t, call.Answered())
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, call.EndedAt.Add(4*time.Hour), *s.cart.WakeAt)

	s.analyses(first, cart.Insights{Person: true})
	assert.Equal(t, cart.Completed, s.cart.Call(first).Outcome)
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.Reached, s.cart.Reason)
}

func TestLateAnalysis_ConversationAfterAllEndsTheAttempts(t *testing.T) {
	t.Parallel()
	mailbox := func(t *testing.T) (*story, uuid.UUID) {
		s := newStory(t)
		s.does(s.checkout())
		first := s.calls()
		s.talks(first, 9, cart.Insights{})
		require.Equal(t, cart.Voicemail, s.cart.Call(first).Outcome)
		return s, first
	}
	stopped := func(t *testing.T, s *story, first uuid.UUID) {
		assert.Equal(t, cart.Completed, s.cart.Call(first).Outcome)
		assert.True(t, s.cart.Call(first).Answered())
		assert.Equal(t, cart.Stopped, s.cart.State)
		assert.Equal(t, cart.Reached, s.cart.Reason)
	}
	t.Run("before the next call", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		s.passes(time.Hour)
		s.analyses(first, cart.Insights{Interested: true})
		stopped(t, s, first)
	})
	t.Run("before the next request", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		s.wakes()
		next := uuid.Must(uuid.NewV7())
		s.does(cart.LineFree{CallID: next})
		s.analyses(first, cart.Insights{Interested: true})
		stopped(t, s, first)
		assert.Equal(t, cart.Rejected, s.cart.Call(next).State)
	})
	t.Run("while the next call rings", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		next := s.calls()
		s.hears(next, cart.ReportRinging)
		s.analyses(first, cart.Insights{Interested: true})
		stopped(t, s, first)
		assert.True(t, has[lifecycle.Abort](s.effects))
	})
	t.Run("while the customer is on the line again", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		next := s.calls()
		s.hears(next, cart.ReportRinging, cart.ReportTalking)
		s.analyses(first, cart.Insights{Interested: true})
		assert.Equal(t, cart.Calling, s.cart.State, "a conversation is not cut off")
		s.talks(next, 9, cart.Insights{})
		stopped(t, s, first)
	})
	t.Run("after the next call", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		s.talks(s.calls(), 9, cart.Insights{})
		require.Equal(t, cart.Waiting, s.cart.State)
		s.analyses(first, cart.Insights{Interested: true})
		stopped(t, s, first)
	})
	t.Run("with a callback", func(t *testing.T) {
		t.Parallel()
		s, first := mailbox(t)
		at := s.now.Add(6 * time.Hour)
		s.analyses(first, cart.Insights{Callback: true, CallbackAt: &at})
		assert.Equal(t, cart.Waiting, s.cart.State)
		assert.Equal(t, at, *s.cart.CallbackAt)
	})
}

func TestLateAnalysis_ChangesOnlyTheAttributionOnceTheCustomerHasBought(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.talks(id, 45, cart.Insights{})
	s.passes(time.Hour)
	s.buys()
	require.Equal(t, cart.ByCall, s.cart.Attribution)
	s.analyses(id, cart.Insights{Voicemail: true})
	assert.Equal(t, cart.Purchased, s.cart.State)
	assert.Equal(t, cart.Organic, s.cart.Attribution)
	s.analyses(id, cart.Insights{Person: true})
	assert.Equal(t, cart.Purchased, s.cart.State)
	assert.Equal(t, cart.ByCall, s.cart.Attribution)
}

func TestLateAnalysis_RevivesNoCartThatStoppedForAnotherReason(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]struct {
		how    func(*story)
		reason cart.Reason
	}{
		"opted out":           {func(s *story) { s.does(cart.OptOut{Source: "api"}) }, cart.OptedOut},
		"checkout deleted":    {func(s *story) { s.does(cart.CheckoutDeleted{}) }, cart.Deleted},
		"erased":              {func(s *story) { s.does(cart.Erased{}) }, cart.Reached},
		"a day and more past": {func(s *story) { s.passes(25 * time.Hour) }, cart.Reached},
		"checkout archived": {func(s *story) {
			s.passes(time.Second)
			s.does(s.checkout(func(c *cart.Checkout) { c.ClosedAt = &c.UpdatedAt }))
		}, cart.Reached},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.does(s.checkout())
			id := s.calls()
			s.talks(id, 45, cart.Insights{})
			ends.how(s)
			s.analyses(id, cart.Insights{Voicemail: true})
			assert.Equal(t, cart.Stopped, s.cart.State)
			assert.Equal(t, ends.reason, s.cart.Reason)
		})
	}
	t.Run("consent withdrawn", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.talks(id, 45, cart.Insights{})
		s.facts.Shop.Uninstalled = true
		s.analyses(id, cart.Insights{Voicemail: true})
		assert.Equal(t, cart.Stopped, s.cart.State)
		assert.Equal(t, cart.Uninstalled, s.cart.Reason, "every rule is checked again")
	})
}

// Whatever is heard of a cart's calls, and whenever: a purchase is credited to a call only if some call was answered,
// an unanswered outcome is never an answered call, and no cart is called again after a conversation without a callback.
func TestMachine_HoldsWhateverIsHeard(t *testing.T) {
	t.Parallel()
	test := t
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(test)
		s.does(s.checkout())
		s.calls()
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			s.passes(rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Minute, 3 * time.Hour}).Draw(t, "later"))
			before := len(s.cart.Calls)
			spoken := spokenTo(&s.cart)
			s.does(anyEvent(t, s))
			answered := false
			for _, c := range s.cart.Calls {
				answered = answered || c.Answered()
				if c.Outcome == cart.Voicemail {
					require.False(t, c.Answered(), "a mailbox is not the customer")
				}
				if c.Outcome == cart.Completed {
					require.True(t, c.Answered(), "a conversation is with the customer")
				}
			}
			if s.cart.Attribution == cart.ByCall {
				require.True(t, answered, "credited to a call that nobody answered")
			}
			if spoken && len(s.cart.Calls) > before {
				require.False(t, spokenTo(&s.cart), "called again after a conversation")
			}
		}
	})
}

// spokenTo reports whether the customer was spoken to and asked for no callback.
func spokenTo(c *cart.Cart) bool {
	for _, call := range c.Calls {
		if call.State == cart.Closed && call.Outcome == cart.Completed && !call.Insights.Callback {
			return !c.Forced
		}
	}
	return false
}

// sawIn is what the steps of a ledger saw.
func sawIn(ledger []cart.Entry) string {
	var all string
	for _, e := range ledger {
		for _, step := range e.Trace {
			all += step.Saw + "\n"
		}
	}
	return all
}
