package lifecycle_test

import (
	"slices"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var talked = []cart.ReportKind{
	cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished,
}

func TestApply_CartIsCalledAfterItsDelayAndRecovered(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	require.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, cart.Delay, s.cart.Reason)
	assert.Equal(t, "+919876543210", s.cart.Phone)
	assert.Equal(t, start.Add(45*time.Minute), *s.cart.WakeAt)

	id := s.calls()
	assert.Equal(t, cart.Calling, s.cart.State)
	assert.Equal(t, 1, s.cart.Attempts)
	s.passes(time.Minute)
	s.hears(id, talked...)
	require.Equal(t, cart.Closed, s.cart.Call(id).State)
	assert.Equal(t, cart.Completed, s.cart.Call(id).Outcome)
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.Reached, s.cart.Reason)

	s.passes(time.Hour)
	s.does(cart.OrderSeen{Order: cart.Order{ID: "9", CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchCheckout})
	assert.Equal(t, cart.Purchased, s.cart.State)
	assert.Equal(t, cart.ByCall, s.cart.Attribution)
}

func TestCheckoutSeen_FiftyUpdatesMoveTheDelayToTheLast(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for range 50 {
		s.passes(20 * time.Second)
		s.does(s.checkout())
	}
	assert.Equal(t, s.now.Add(45*time.Minute), *s.cart.WakeAt)
	assert.Equal(t, 50, s.cart.Updates)
	assert.Len(t, s.ledger, 1, "an update that only moves the delay adds nothing to the ledger")
}

func TestCheckoutSeen_OlderAndRepeatedVersionsChangeNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	same := s.checkout()
	s.does(same)
	before := s.cart
	s.passes(time.Minute)
	assert.Empty(t, s.does(same))
	assert.Empty(t, s.does(s.checkout(func(c *cart.Checkout) { c.UpdatedAt = start.Add(-time.Hour); c.Phones = nil })))
	assert.Equal(t, before, s.cart)
}

func TestCheckoutSeen_VersionsOfOneSecondAreOrderedBySending(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	told := func(ms int) func(*cart.Checkout) {
		return func(c *cart.Checkout) { c.ToldAt = start.Add(time.Duration(ms) * time.Millisecond) }
	}
	s.does(s.checkout(told(100), func(c *cart.Checkout) { c.Phones = nil }))
	require.Equal(t, cart.Watching, s.cart.State)
	s.does(s.checkout(told(300)))
	require.Equal(t, cart.Waiting, s.cart.State)
	assert.Empty(t, s.does(s.checkout(told(200), func(c *cart.Checkout) { c.Phones = nil })))
	assert.Equal(t, cart.Waiting, s.cart.State)

	untold := newStory(t)
	untold.does(untold.checkout(func(c *cart.Checkout) { c.Phones = nil }))
	untold.does(untold.checkout())
	assert.Equal(t, cart.Waiting, untold.cart.State, "without that, the one that comes later counts")
}

func TestCheckoutSeen_ClockAheadDoesNotDelayTheCall(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout(func(c *cart.Checkout) { c.UpdatedAt = start.Add(5 * time.Hour) }))
	assert.Equal(t, start.Add(45*time.Minute), *s.cart.WakeAt)
}

func TestCheckoutSeen_UpdateMakesAWatchedCartCallable(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout(func(c *cart.Checkout) { c.Phones = nil }))
	assert.Equal(t, cart.Watching, s.cart.State)
	assert.Equal(t, cart.NoPhone, s.cart.Reason)
	assert.False(t, has[lifecycle.Wake](s.effects))
	s.passes(time.Minute)
	s.does(s.checkout())
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.True(t, has[lifecycle.SupersedeOlder](s.effects))
}

func TestOrderSeen_StopsACartInEveryState(t *testing.T) {
	t.Parallel()
	order := func(s *story) cart.Event {
		return cart.OrderSeen{Order: cart.Order{ID: "9", CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchCheckout}
	}
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		assert.True(t, has[lifecycle.Unwake](s.does(order(s))))
		assert.Equal(t, cart.Organic, s.cart.Attribution)
	})
	t.Run("ready", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.wakes()
		require.Equal(t, cart.Ready, s.cart.State)
		s.does(order(s))
		assert.Empty(t, s.does(cart.LineFree{CallID: uuid.Must(uuid.NewV7())}))
		assert.Equal(t, cart.Purchased, s.cart.State)
	})
	t.Run("between line and request", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.wakes()
		id := uuid.Must(uuid.NewV7())
		s.does(cart.LineFree{CallID: id})
		s.does(order(s))
		assert.False(t, has[lifecycle.Send](s.does(cart.SendBegun{CallID: id})))
		assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
		assert.Zero(t, s.cart.Attempts)
	})
	t.Run("request under way", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.wakes()
		id := s.sends()
		assert.False(t, has[lifecycle.Abort](s.does(order(s))), "there is no id yet to abort by")
		assert.Contains(t, s.does(cart.PlaceAccepted{CallID: id, ProviderCallID: "p"}),
			lifecycle.Effect(lifecycle.Abort{CallID: id}))
	})
	t.Run("ringing", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging)
		assert.Contains(t, s.does(order(s)), lifecycle.Effect(lifecycle.Abort{CallID: id}))
		s.does(cart.AbortAnswered{CallID: id, Accepted: true})
		assert.Equal(t, cart.Aborted, s.cart.Call(id).Outcome)
		assert.Equal(t, cart.Purchased, s.cart.State)
		assert.Equal(t, cart.Organic, s.cart.Attribution)
	})
	t.Run("talking", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking)
		s.passes(time.Minute)
		assert.False(t, has[lifecycle.Abort](s.does(order(s))), "a customer who is on the line is not cut off")
		assert.Equal(t, cart.ByCall, s.cart.Attribution)
		s.hears(id, talked[2:]...)
		assert.Equal(t, cart.Completed, s.cart.Call(id).Outcome)
		assert.Equal(t, cart.Purchased, s.cart.State)
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.does(cart.OperatorCancelled{})
		s.does(order(s))
		assert.Equal(t, cart.Purchased, s.cart.State)
	})
	t.Run("completed checkout, then its order", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		done := s.now
		s.passes(time.Minute)
		s.does(s.checkout(func(c *cart.Checkout) { c.CompletedAt = &done }))
		assert.Equal(t, cart.Purchased, s.cart.State)
		s.does(order(s))
		require.NotNil(t, s.cart.Order)
		assert.Equal(t, "9", s.cart.Order.ID)
	})
	t.Run("completion told by an older version", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		done := s.now
		s.does(s.checkout(func(c *cart.Checkout) { c.UpdatedAt = start.Add(-time.Minute); c.CompletedAt = &done }))
		assert.Equal(t, cart.Purchased, s.cart.State)
	})
}

func TestPurchased_IsFinal(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.does(cart.OrderSeen{Order: cart.Order{ID: "9", CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchCart})
	s.passes(time.Hour)
	for _, e := range []cart.Event{
		s.checkout(), cart.Woken{}, cart.OperatorCalled{}, cart.OperatorCancelled{}, cart.ShopResumed{}, cart.AppUninstalled{},
		cart.CheckoutDeleted{}, cart.NewerCart{}, cart.LineFree{CallID: uuid.Must(uuid.NewV7())},
		cart.OrderSeen{Order: cart.Order{ID: "10", CreatedAt: s.now, UpdatedAt: s.now}, Match: cart.MatchEmail},
	} {
		s.does(e)
		assert.Equal(t, cart.Purchased, s.cart.State, "%T", e)
		assert.Equal(t, "9", s.cart.Order.ID, "%T", e)
	}
}

func TestStopped_NoEventReopensTheCart(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.does(cart.CheckoutDeleted{})
	s.passes(time.Hour)
	for _, e := range []cart.Event{s.checkout(), cart.Woken{}, cart.OperatorCalled{}, cart.ShopResumed{},
		cart.ConsentChanged{}} {
		s.does(e)
		assert.Equal(t, cart.Stopped, s.cart.State, "%T", e)
		assert.Equal(t, cart.Deleted, s.cart.Reason, "%T", e)
	}
}

func TestReport_UnansweredCallAbortsRedialsBeforeTheNextAttempt(t *testing.T) {
	t.Parallel()
	for _, k := range []cart.ReportKind{cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.does(s.checkout())
			id := s.calls()
			s.hears(id, cart.ReportRinging)
			effects := s.does(report(id, k, s.now))
			assert.Contains(t, effects, lifecycle.Effect(lifecycle.Abort{CallID: id}))
			assert.Equal(t, cart.Calling, s.cart.State, "the provider may still dial again")
			assert.True(t, s.cart.Call(id).HoldsLine)
			s.does(cart.AbortAnswered{CallID: id, Accepted: true})
			assert.Equal(t, cart.Outcome(k), s.cart.Call(id).Outcome)
			assert.Equal(t, cart.Waiting, s.cart.State)
			assert.Equal(t, cart.Spacing, s.cart.Reason)

			second := s.calls()
			call := s.cart.Call(second)
			assert.Equal(t, 2, call.Attempt)
			require.NotNil(t, call.Offer)
			assert.Equal(t, "COMEBACK10", call.Offer.Code)
		})
	}
}

func TestReport_ProvidersOwnRedialsKeepTheCartCalling(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.rules.Voice.OurRetries = false
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging)
	assert.False(t, has[lifecycle.Abort](s.does(report(id, cart.ReportNoAnswer, s.now))))
	s.does(report(id, cart.ReportRescheduled, s.now))
	assert.Equal(t, cart.Calling, s.cart.State)
	assert.False(t, s.cart.Call(id).HoldsLine, "a call put off to later frees its line")
	s.hears(id, cart.ReportFinished)
	assert.Equal(t, cart.NoAnswer, s.cart.Call(id).Outcome)
	assert.Equal(t, cart.Waiting, s.cart.State)
}

func TestCallSilent_RescheduledCallIsLeftAlone(t *testing.T) {
	t.Parallel()
	putOff := func(said cart.Insights) (*story, uuid.UUID) {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp)
		s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportAnalysed, Insights: said}})
		s.does(report(id, cart.ReportRescheduled, s.now))
		return s, id
	}
	t.Run("no time told", func(t *testing.T) {
		t.Parallel()
		s, id := putOff(cart.Insights{})
		s.passes(23 * time.Hour)
		assert.Empty(t, s.does(cart.CallSilent{CallID: id}))
		s.passes(time.Hour)
		s.does(cart.CallSilent{CallID: id})
		assert.Equal(t, cart.Closed, s.cart.Call(id).State)
	})
	t.Run("a time told", func(t *testing.T) {
		t.Parallel()
		at := start.Add(50 * time.Hour)
		s, id := putOff(cart.Insights{Callback: true, CallbackAt: &at})
		s.now = at.Add(59 * time.Minute)
		assert.Empty(t, s.does(cart.CallSilent{CallID: id}))
		s.passes(time.Minute)
		s.does(cart.CallSilent{CallID: id})
		assert.Equal(t, cart.Closed, s.cart.Call(id).State)
	})
	t.Run("dialled again", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.does(report(id, cart.ReportRescheduled, s.now))
		s.passes(3 * time.Hour)
		effects := s.does(report(id, cart.ReportRinging, s.now))
		watch := s.now.Add(s.rules.Voice.Silence)
		assert.Contains(t, effects, lifecycle.Effect(lifecycle.Watch{CallID: id, At: watch}),
			"the look that waits for tomorrow would be too late")
		assert.Equal(t, watch, *s.cart.Call(id).WatchAt)
	})
}

func TestReport_OptOutStopsAtOnceAndSuppresses(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, talked[:4]...)
	effects := s.does(cart.CallReported{CallID: id,
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{OptedOut: true}}})
	assert.Contains(t, effects, lifecycle.Effect(lifecycle.Suppress{Source: "call"}))
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.OptedOut, s.cart.Reason)
	s.hears(id, cart.ReportFinished)
	assert.Equal(t, cart.Completed, s.cart.Call(id).Outcome)
	assert.Equal(t, cart.OptedOut, s.cart.Reason)
}

func TestReport_WordsOfAnOptOutStopUntilAnOperatorDecides(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, talked[:3]...)
	effects := s.does(cart.CallReported{CallID: id, Digest: []byte("words"),
		Report: cart.Report{Kind: cart.ReportRecorded, Insights: cart.Insights{OptOutSuspected: true}}})
	assert.Contains(t, effects, lifecycle.Effect(lifecycle.Suppress{Source: "suspected"}))
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.OptOutSuspected, s.cart.Reason)
	// The analysis settles it.
	effects = s.does(cart.CallReported{CallID: id, Digest: []byte("analysis"),
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{OptedOut: true}}})
	assert.Contains(t, effects, lifecycle.Effect(lifecycle.Suppress{Source: "call"}))
	assert.Equal(t, cart.OptedOut, s.cart.Reason)
}

func TestReport_NoIsForGoodWhereTheLawSaysSo(t *testing.T) {
	t.Parallel()
	for number, country := range map[string]string{"+819012345678": "JP", "+919876543210": "IN"} {
		s := newStory(t)
		s.does(s.checkout(func(c *cart.Checkout) { c.Phones[0].Number = number }))
		id := s.calls()
		s.hears(id, talked[:4]...)
		effects := s.does(cart.CallReported{CallID: id,
			Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{Declined: true}}})
		suppress := lifecycle.Effect(lifecycle.Suppress{Source: "call"})
		assert.Equal(t, country == "JP", slices.Contains(effects, suppress), country)
		assert.Equal(t, cart.Declined, s.cart.Reason)
	}
}

func TestReport_UnclearAnswerStopsTheCart(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]cart.Insights{
		"opt-out": {OptedOutUnclear: true}, "interest": {DeclinedUnclear: true}, "with a callback": {OptedOutUnclear: true,
			Callback: true},
	} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, talked[:4]...)
		effects := s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportAnalysed, Insights: in}})
		assert.NotContains(t, effects, lifecycle.Effect(lifecycle.Suppress{Source: "call"}), name)
		assert.Equal(t, cart.Stopped, s.cart.State, name)
		assert.Equal(t, cart.UnclearAnswer, s.cart.Reason, name)
		s.hears(id, cart.ReportFinished)
		assert.Equal(t, cart.UnclearAnswer, s.cart.Reason, name)

		// A later, clear no to the question leaves the cart stopped; a clear yes suppresses.
		s.does(cart.CallReported{CallID: id, Digest: []byte("later"), Report: cart.Report{Kind: cart.ReportAnalysed}})
		assert.Equal(t, cart.Stopped, s.cart.State, name)
		effects = s.does(cart.CallReported{CallID: id, Digest: []byte("last"),
			Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{OptedOut: true}}})
		assert.Contains(t, effects, lifecycle.Effect(lifecycle.Suppress{Source: "call"}), name)
		assert.Equal(t, cart.OptedOut, s.cart.Reason, name)
	}
}

func TestReport_UnreadCallbackTimeIsNotedAndTheDefaultTaken(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, talked[:4]...)
	effects := s.does(cart.CallReported{CallID: id,
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{Callback: true}, CallbackUnread: true}})
	noted := false
	for _, e := range effects {
		if r, is := e.(lifecycle.Record); is {
			noted = noted || slices.ContainsFunc(r.Entry.Trace, func(step cart.Step) bool { return step.Rule == "callback" })
		}
	}
	assert.True(t, noted)
	s.hears(id, cart.ReportFinished)
	assert.Equal(t, cart.Callback, s.cart.Reason)
	assert.NotNil(t, s.cart.CallbackAt)
}

func TestReport_CallbackIsPlannedForTheTimeAskedFor(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	at := s.now.Add(5 * time.Hour)
	s.hears(id, talked[:4]...)
	s.does(cart.CallReported{CallID: id,
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{Callback: true, CallbackAt: &at}}})
	s.hears(id, cart.ReportFinished)
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, cart.Callback, s.cart.Reason)
	assert.Equal(t, at, *s.cart.WakeAt)
}

func TestPlaceFailed_AttemptIsRepeated(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	var waits []time.Duration
	for range 4 {
		id := s.sends()
		s.does(cart.PlaceFailed{CallID: id, Error: "refused connection"})
		assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
		assert.Equal(t, cart.Waiting, s.cart.State)
		assert.Equal(t, cart.Provider, s.cart.Reason)
		waits = append(waits, s.cart.WakeAt.Sub(s.now))
		s.wakes()
	}
	assert.Equal(t, []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute}, waits)
	assert.Zero(t, s.cart.Attempts)
	id := s.sends()
	assert.Equal(t, 1, s.cart.Call(id).Attempt, "the attempt is the first one still")

	at := s.now.Add(3 * time.Hour)
	s.does(cart.PlaceFailed{CallID: id, Error: "429", RetryAt: &at})
	assert.Equal(t, at, *s.cart.WakeAt, "the provider's own word on when to ask again is heeded")
}

func TestPlaceUncertain_RequestIsNeverSentAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	id := s.sends()
	s.does(cart.PlaceUncertain{CallID: id, Error: "timeout"})
	assert.Equal(t, cart.Uncertain, s.cart.Call(id).State)
	assert.True(t, s.cart.Call(id).HoldsLine)
	assert.Empty(t, s.does(cart.SendBegun{CallID: id}))
	assert.Empty(t, s.does(cart.LineFree{CallID: uuid.Must(uuid.NewV7())}))

	t.Run("silence settles it as lost", func(t *testing.T) {
		lost := *s
		lost.passes(14 * time.Minute)
		assert.Empty(t, lost.does(cart.CallSilent{CallID: id}), "it is not silent long enough")
		lost.passes(time.Minute)
		lost.does(cart.CallSilent{CallID: id})
		assert.Equal(t, cart.Lost, lost.cart.Call(id).Outcome)
		assert.Equal(t, 1, lost.cart.Attempts, "it counts as an attempt")
		assert.Equal(t, cart.Waiting, lost.cart.State)

		lost.hears(id, talked...)
		assert.Equal(t, cart.Completed, lost.cart.Call(id).Outcome, "late word corrects it")
		assert.Equal(t, cart.Stopped, lost.cart.State, "and the customer is not called again")
	})
	t.Run("its callback settles it", func(t *testing.T) {
		heard := *s
		heard.hears(id, talked...)
		assert.Equal(t, cart.Completed, heard.cart.Call(id).Outcome)
	})
}

func TestShopPaused_WithdrawsCallsThatWereNotSent(t *testing.T) {
	t.Parallel()
	pause := func(s *story) []lifecycle.Effect {
		s.facts.Shop.Paused = true
		return s.does(cart.ShopPaused{})
	}
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	pause(s)
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, cart.Paused, s.cart.Reason)
	s.facts.Shop.Paused = false
	s.does(cart.ShopResumed{})
	assert.Equal(t, cart.Ready, s.cart.State)

	id := uuid.Must(uuid.NewV7())
	s.does(cart.LineFree{CallID: id})
	pause(s)
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.False(t, has[lifecycle.Send](s.does(cart.SendBegun{CallID: id})))

	s.facts.Shop.Paused = false
	s.does(cart.ShopResumed{})
	placed := s.sends()
	s.does(cart.PlaceAccepted{CallID: placed, ProviderCallID: "p"})
	assert.Contains(t, pause(s), lifecycle.Effect(lifecycle.Abort{CallID: placed}))
}

func TestSendBegun_LastCheckHoldsTheRequestBack(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	s.wakes()
	id := uuid.Must(uuid.NewV7())
	s.does(cart.LineFree{CallID: id})
	s.facts.Queried = &policy.QueriedFacts{Suppressed: "shop"}
	assert.False(t, has[lifecycle.Send](s.does(cart.SendBegun{CallID: id})))
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.Suppressed, s.cart.Reason)
}

func TestPlaceRefused_StopsTheCartOrPausesTheShop(t *testing.T) {
	t.Parallel()
	t.Run("of this call", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.wakes()
		id := s.sends()
		s.does(cart.PlaceRefused{CallID: id, Error: "400", Invalid: true})
		assert.Equal(t, cart.Stopped, s.cart.State)
		assert.Equal(t, cart.Refused, s.cart.Reason)
	})
	t.Run("of the account", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		s.wakes()
		id := s.sends()
		assert.Contains(t, s.does(cart.PlaceRefused{CallID: id, Error: "402", Account: "credits"}),
			lifecycle.Effect(lifecycle.AccountRefused{Why: "credits"}))
		assert.Equal(t, cart.Waiting, s.cart.State)
	})
	t.Run("of the number, later", func(t *testing.T) {
		t.Parallel()
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.hears(id, cart.ReportSkipped)
		assert.Equal(t, cart.Skipped, s.cart.Call(id).Outcome)
		assert.Equal(t, cart.Refused, s.cart.Reason)
	})
}

func TestErased_IdsTotalsTimesAndOutcomesStay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	summary := 42
	s.does(cart.CallReported{CallID: id,
		Report: cart.Report{Kind: cart.ReportAnalysed, Summary: "Asha said", RecordingURL: "https://x",
			DurationSeconds: &summary}})
	s.does(cart.Erased{})
	assert.Equal(t, cart.Redacted, s.cart.Reason)
	assert.Empty(t, s.cart.Phone)
	assert.Empty(t, s.cart.Checkout.Email)
	assert.Empty(t, s.cart.Checkout.Items)
	assert.Equal(t, "1895", s.cart.Checkout.Total.String())
	assert.Empty(t, s.cart.Call(id).Summary)
	assert.Empty(t, s.cart.Call(id).Phone)
	s.passes(time.Minute)
	s.does(s.checkout())
	assert.Empty(t, s.cart.Checkout.Email, "a late update brings nothing back")
	s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportFinished, Summary: "Asha said"}})
	assert.Empty(t, s.cart.Call(id).Summary)
}

func TestAttribution_RedeemedOfferIsCredited(t *testing.T) {
	t.Parallel()
	s := newStory(t, func(r *policy.Rules) { r.Offers[0].When.Attempt = 1 })
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging, cart.ReportNoAnswer)
	s.passes(time.Hour)
	s.does(cart.OrderSeen{Match: cart.MatchPhone, Order: cart.Order{
		ID: "9", CreatedAt: s.now, UpdatedAt: s.now, Codes: []string{"comeback10"}, Total: decimal.NewFromInt(1700),
	}})
	assert.Equal(t, cart.ByOffer, s.cart.Attribution)
}

func TestAttribution_OrderBeforeTheReportOfItsCallIsCreditedToTheCall(t *testing.T) {
	t.Parallel()
	order := func(at time.Time) cart.Event {
		return cart.OrderSeen{Order: cart.Order{ID: "9", CreatedAt: at, UpdatedAt: at}, Match: cart.MatchCheckout}
	}
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	answered := s.now.Add(time.Minute)
	s.passes(5 * time.Minute)
	s.does(order(s.now))
	require.Equal(t, cart.Organic, s.cart.Attribution)
	s.does(report(id, cart.ReportTalking, answered))
	assert.Equal(t, cart.ByCall, s.cart.Attribution)

	s = newStory(t)
	s.does(s.checkout())
	id = s.calls()
	s.passes(5 * time.Minute)
	s.does(order(s.now))
	s.passes(time.Minute)
	s.hears(id, cart.ReportTalking, cart.ReportHungUp)
	assert.Equal(t, cart.Organic, s.cart.Attribution, "bought before the phone was picked up")
}

func TestCheckoutSeen_ProviderIsToldWhileTheCallIsQueued(t *testing.T) {
	t.Parallel()
	dearer := func(s *story) cart.Event {
		return s.checkout(func(c *cart.Checkout) { c.Total = decimal.NewFromInt(2790) })
	}
	sent := func() (*story, uuid.UUID) {
		s := newStory(t)
		s.rules.Voice.CanUpdate = true
		s.does(s.checkout())
		s.wakes()
		id := s.sends()
		s.passes(time.Second)
		return s, id
	}
	s, id := sent()
	assert.NotContains(t, s.does(cart.PlaceAccepted{CallID: id, ProviderCallID: "p"}),
		lifecycle.Effect(lifecycle.Update{CallID: id}), "nothing has changed")
	s.passes(time.Second)
	assert.Contains(t, s.does(dearer(s)), lifecycle.Effect(lifecycle.Update{CallID: id}))
	s.hears(id, cart.ReportRinging)
	s.passes(time.Second)
	assert.NotContains(t, s.does(dearer(s)), lifecycle.Effect(lifecycle.Update{CallID: id}), "too late")

	s, id = sent()
	assert.NotContains(t, s.does(dearer(s)), lifecycle.Effect(lifecycle.Update{CallID: id}), "its id is not known yet")
	s.passes(time.Second)
	assert.Contains(t, s.does(cart.PlaceAccepted{CallID: id, ProviderCallID: "p"}),
		lifecycle.Effect(lifecycle.Update{CallID: id}), "the request told of the cart as it was")
}
