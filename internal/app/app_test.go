package app_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAbandonedCalledRecovered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.took(shopify.CheckoutsCreate, checkout("asha", func(c map[string]any) { delete(c, "shipping_address") }))
	require.Equal(t, cart.NoPhone, w.comes("asha", cart.Watching).Reason)
	w.took(shopify.CheckoutsUpdate, checkout("asha"))

	c := w.comes("asha", cart.Stopped)
	assert.Equal(t, cart.Reached, c.Reason)
	require.Len(t, c.Calls, 1)
	call := c.Calls[0]
	assert.Equal(t, cart.Completed, call.Outcome)
	assert.True(t, call.Answered())
	assert.NotEmpty(t, call.ProviderCallID)
	orders := w.voice.Calls()
	require.Len(t, orders, 1)
	assert.Equal(t, phone("asha"), orders[0].Order.Phone)
	assert.Equal(t, call.ID.String(), orders[0].Order.CallID)
	assert.Empty(t, w.voice.Refusals())

	w.took(shopify.OrdersCreate, order("asha"))
	c = w.comes("asha", cart.Purchased)
	assert.Equal(t, cart.ByCall, c.Attribution)

	status, shown := w.api(http.MethodGet, "/api/v1/carts/"+c.ID.String(), nil)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, "purchased", shown["state"])
	assert.Len(t, shown["calls"], 1)
	assert.NotEmpty(t, shown["ledger"])
}

func TestAnOrderStopsWaitingReadyAndCalling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) { o.Timing.Ring = 1000 * time.Hour },
		store: func(s *config.Store) { s.Voice.Lines = 1 },
		// The pool of one line is shared out by value: the dearer cart calls, the cheaper stays ready.
	})
	w.took(shopify.CheckoutsCreate, checkout("calling", func(c map[string]any) { c["total_price"] = "9000.00" }))
	w.comes("calling", cart.Calling)
	w.took(shopify.CheckoutsCreate, checkout("ready"))
	w.comes("ready", cart.Ready)
	late := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	w.took(shopify.CheckoutsCreate, checkout("waiting", func(c map[string]any) { c["created_at"] = late }))
	w.eventually("the call rings", func() bool { return w.cart("calling").Calls[0].State == cart.Ringing })

	for _, tok := range []string{"waiting", "ready", "calling"} {
		w.took(shopify.OrdersCreate, order(tok))
		assert.Equal(t, cart.Purchased, w.cart(tok).State, tok)
	}
	w.eventually("the call is aborted", func() bool { return w.cart("calling").Calls[0].Outcome == cart.Aborted })
	assert.Equal(t, cart.Organic, w.cart("calling").Attribution)
	require.NoError(t, w.voice.Idle(context.Background()))
	assert.Len(t, w.voice.Calls(), 1, "nobody else was called")
}

func TestFiftyUpdatesLeadToOneCallTimedFromTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = 2 * time.Second }})
	var wait sync.WaitGroup
	base := time.Now().UTC().Add(-20 * time.Second)
	for i := range 50 {
		wait.Go(func() {
			at := base.Add(time.Duration(i) * 400 * time.Millisecond)
			w.took(shopify.CheckoutsUpdate, checkout("busy", func(c map[string]any) {
				c["created_at"], c["updated_at"] = base.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano)
			}))
		})
	}
	wait.Wait()
	last := base.Add(49 * 400 * time.Millisecond)
	c := w.comes("busy", cart.Stopped)
	require.Len(t, c.Calls, 1)
	assert.False(t, c.Calls[0].CreatedAt.Before(last.Add(2*time.Second)), "called %s after the last update", c.Calls[0].CreatedAt.Sub(last))
	assert.WithinDuration(t, last, c.LastActivityAt, time.Millisecond)
	assert.Len(t, w.voice.Calls(), 1)
}

func TestARepeatedWebhookChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	id := func(d *shopify.Delivery) { d.WebhookID = "the-same" }
	w.took(shopify.CheckoutsCreate, checkout("twice"), id)
	before := w.cart("twice")
	w.took(shopify.CheckoutsCreate, checkout("twice", func(c map[string]any) { c["total_price"] = "1.00" }), id)
	assert.Equal(t, before, w.cart("twice"))
}

func TestAnOlderUpdateNeverWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	w.took(shopify.CheckoutsUpdate, checkout("old"))
	w.took(shopify.CheckoutsUpdate, checkout("old", func(c map[string]any) {
		// Later as a string, earlier as an instant.
		c["updated_at"] = time.Now().Add(-time.Hour).In(time.FixedZone("", 9*3600)).Format(time.RFC3339)
		c["total_price"] = "1.00"
	}))
	assert.Equal(t, "1895", w.cart("old").Checkout.Total.String())
	assert.Equal(t, 1, w.cart("old").Updates)
}

func TestAnOrderBeforeItsCheckoutIsMet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.took(shopify.OrdersCreate, order("early"))
	w.took(shopify.CheckoutsCreate, checkout("early"))
	assert.Equal(t, cart.Purchased, w.comes("early", cart.Purchased).State)
	assert.Empty(t, w.voice.Calls())
}

func TestBuyingElsewhereStopsTheCustomersOtherCarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	w.took(shopify.CheckoutsCreate, checkout("one", func(c map[string]any) { c["email"] = "same@example.com" }))
	w.took(shopify.CheckoutsCreate, checkout("two", func(c map[string]any) { c["email"] = "Same@example.com " }))
	w.took(shopify.CheckoutsCreate, checkout("stranger"))
	w.took(shopify.OrdersCreate, order("unknown", func(o map[string]any) { o["email"] = "same@example.com"; delete(o, "cart_token") }))
	states := map[cart.State]int{}
	for _, tok := range []string{"one", "two"} {
		states[w.cart(tok).State]++
	}
	assert.Equal(t, map[cart.State]int{cart.Purchased: 1, cart.Stopped: 1}, states, "one counts the order, the other stops")
	assert.Equal(t, cart.Waiting, w.cart("stranger").State)
}

func TestOnePhoneHasOneActiveCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	same := func(c map[string]any) { c["phone"] = "+919811111111" }
	w.took(shopify.CheckoutsCreate, checkout("first", same, func(c map[string]any) {
		c["updated_at"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano)
	}))
	w.took(shopify.CheckoutsCreate, checkout("second", same))
	w.comes("second", cart.Stopped)
	first := w.comes("first", cart.Stopped)
	if len(first.Calls) == 0 {
		assert.Equal(t, cart.Superseded, first.Reason)
	}
	calls := 0
	for _, o := range w.voice.Calls() {
		if o.Order.Phone == "+919811111111" {
			calls++
		}
	}
	assert.LessOrEqual(t, calls, 2)
}

func TestNoAnswerThenAnOfferThenAnOptOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Redials, o.Timing.Redial = 2, 2*time.Hour
			o.Script = func(order simvoice.Order) simvoice.Behaviour {
				if order.Nth == 1 {
					return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer}}
				}
				return simvoice.Behaviour{Insights: map[string]any{"do_not_call": true}}
			}
		},
		store: func(s *config.Store) {
			s.Policy.Offers = []policy.OfferRule{{
				When: policy.OfferWhen{Attempt: 2}, Code: "COMEBACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage,
				ApplyAs: policy.OfferAdditional, Source: policy.OfferShared,
			}}
		},
	})
	w.took(shopify.CheckoutsCreate, checkout("meera"))
	c := w.comes("meera", cart.Stopped)
	assert.Equal(t, cart.OptedOut, c.Reason)
	require.Len(t, c.Calls, 2)
	assert.Equal(t, cart.NoAnswer, c.Calls[0].Outcome)
	assert.Nil(t, c.Calls[0].Offer)
	require.NotNil(t, c.Calls[1].Offer)
	assert.Equal(t, "COMEBACK10", c.Calls[1].Offer.Code)
	assert.Equal(t, 1, w.voice.Calls()[0].Dials, "the provider's own chain was ended")

	_, listed := w.api(http.MethodGet, "/api/v1/suppressions?shop="+acme, nil)
	assert.NotEmpty(t, listed["suppressions"])

	w.took(shopify.CheckoutsCreate, checkout("again", func(c map[string]any) { c["phone"] = phone("meera") }))
	// The opt-out's own job may reach the new cart before its first look does.
	assert.Contains(t, []cart.Reason{cart.Suppressed, cart.OptedOut}, w.comes("again", cart.Stopped).Reason)
}

// An analysis that answers in sentences is heeded: a yes suppresses, and what is neither yes nor no ends the cart's
// calls.
func TestInsights_InSentencesAreHeeded(t *testing.T) {
	t.Parallel()
	said := func(text string) simvoice.Behaviour {
		return simvoice.Behaviour{Insights: map[string]any{"do_not_call": text, "callback_requested": "no"}}
	}
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Script = simvoice.ByPhone(map[string]simvoice.Behaviour{
				phone("clear"): said("Yes - he does not want calls any more."), phone("unclear"): said("He sounded annoyed."),
			})
		},
	})
	w.took(shopify.CheckoutsCreate, checkout("clear"))
	w.took(shopify.CheckoutsCreate, checkout("unclear"))
	assert.Equal(t, cart.OptedOut, w.comes("clear", cart.Stopped).Reason)
	unclear := w.comes("unclear", cart.Stopped)
	assert.Equal(t, cart.UnclearAnswer, unclear.Reason)
	assert.Len(t, unclear.Calls, 1)

	w.took(shopify.CheckoutsCreate, checkout("clear again", func(c map[string]any) { c["phone"] = phone("clear") }))
	assert.Contains(t, []cart.Reason{cart.Suppressed, cart.OptedOut}, w.comes("clear again", cart.Stopped).Reason)
}

func TestPauseResumeAndUninstall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	status, _ := w.api(http.MethodPost, "/api/v1/shops/"+acme+"/pause", nil)
	require.Equal(t, http.StatusOK, status)
	w.took(shopify.CheckoutsCreate, checkout("paused"))
	w.eventually("the cart waits for its shop", func() bool { c := w.cart("paused"); return c != nil && c.Reason == cart.Paused })
	status, _ = w.api(http.MethodPost, "/api/v1/shops/"+acme+"/resume", nil)
	require.Equal(t, http.StatusOK, status)
	w.comes("paused", cart.Stopped)
	assert.Len(t, w.voice.Calls(), 1)

	w.took(shopify.AppUninstalled, map[string]any{"id": 1, "domain": acme})
	w.took(shopify.CheckoutsCreate, checkout("after"))
	assert.Equal(t, cart.Uninstalled, w.comes("after", cart.Stopped).Reason)
	assert.Len(t, w.voice.Calls(), 1)
}

func TestOperatorCancelsAndCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	w.took(shopify.CheckoutsCreate, checkout("cancel"))
	w.took(shopify.CheckoutsCreate, checkout("now"))
	status, _ := w.api(http.MethodPost, "/api/v1/carts/"+w.cart("cancel").ID.String()+"/cancel", nil)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, cart.Operator, w.comes("cancel", cart.Stopped).Reason)
	status, _ = w.api(http.MethodPost, "/api/v1/carts/"+w.cart("cancel").ID.String()+"/call", nil)
	assert.Equal(t, http.StatusConflict, status)

	status, _ = w.api(http.MethodPost, "/api/v1/carts/"+w.cart("now").ID.String()+"/call", nil)
	require.Equal(t, http.StatusOK, status)
	w.comes("now", cart.Stopped)
	assert.Len(t, w.voice.Calls(), 1)
}

func TestUnansweredPlacementsAreNeverSentAgain(t *testing.T) {
	t.Parallel()
	for _, p := range []simvoice.Placement{simvoice.Lose, simvoice.HangAndTake, simvoice.Garble} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{
				voice: func(o *simvoice.Options) {
					o.Script = func(simvoice.Order) simvoice.Behaviour { return simvoice.Behaviour{Placement: p} }
				},
				store: func(s *config.Store) { s.Voice.Timeout = time.Second },
			})
			w.took(shopify.CheckoutsCreate, checkout("once"))
			c := w.comes("once", cart.Stopped)
			assert.Equal(t, cart.Completed, c.Calls[0].Outcome, "the callbacks settled it")
			assert.Len(t, w.voice.Calls(), 1)
		})
	}
	t.Run("never heard of", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setup{
			voice: func(o *simvoice.Options) {
				o.Script = func(simvoice.Order) simvoice.Behaviour {
					return simvoice.Behaviour{Placement: simvoice.Lose, Dials: []simvoice.Ending{simvoice.Silent}}
				}
			},
			store: func(s *config.Store) { s.Voice.Silence = 2 * time.Second; s.Policy.Attempts.Max = 1 },
		})
		w.took(shopify.CheckoutsCreate, checkout("lost"))
		c := w.comes("lost", cart.Stopped)
		assert.Equal(t, cart.Lost, c.Calls[0].Outcome)
		assert.Equal(t, cart.Exhausted, c.Reason)
		assert.Len(t, w.voice.Calls(), 1)
	})
}

func TestACrashBetweenRequestAndAnswerDialsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Voice.Silence = 2 * time.Second; s.Policy.Attempts.Max = 1 }})
	w.took(shopify.CheckoutsCreate, checkout("crash", func(c map[string]any) { c["phone"] = nil }))
	w.comes("crash", cart.Stopped)
	w.stop()

	// The state that a killed process leaves behind: the sending is recorded, its answer is not, and the job runs again.
	var call uuid.UUID
	require.NoError(t, w.pool.QueryRow(context.Background(), `
		UPDATE calls
		SET state = 'placing', outcome = '', holds_line = true, provider_call_id = '', placed_at = NULL, closed_at = NULL,
			ended_at = NULL, answered_at = NULL, seen = '{}', digests = '{}', watch_at = now() + interval '2 seconds'
		RETURNING id`).Scan(&call))
	_, err := w.pool.Exec(context.Background(), `UPDATE carts SET state = 'calling', reason = 'due'`)
	require.NoError(t, err)
	_, err = w.pool.Exec(context.Background(), `
		INSERT INTO river_job (kind, args, max_attempts, queue, state)
		VALUES ('place_call', jsonb_build_object('call_id', $1::text), 10, 'calls', 'available'),
			('watch_call', jsonb_build_object('call_id', $1::text), 25, 'default', 'available')`, call.String())
	require.NoError(t, err)
	w.start()
	t.Cleanup(w.stop)

	c := w.comes("crash", cart.Stopped)
	assert.Equal(t, cart.Lost, c.Calls[0].Outcome)
	assert.Len(t, w.voice.Calls(), 1, "it was not sent again")
}

func TestLinesAreNeverExceeded(t *testing.T) {
	t.Parallel()
	const carts, lines = 60, 4
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) { o.Lines = lines; o.Speed = 500 },
		store: func(s *config.Store) { s.Voice.Lines = lines },
	})
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("cart%d", i), func(c map[string]any) {
			c["total_price"] = fmt.Sprintf("%d.00", 1000+i)
		}))
	}
	for i := range carts {
		w.comes(fmt.Sprintf("cart%d", i), cart.Stopped)
	}
	stats := w.voice.Stats()
	assert.LessOrEqual(t, stats.MostOpen, lines)
	assert.Zero(t, stats.Over)
	assert.Len(t, w.voice.Calls(), carts)
}
