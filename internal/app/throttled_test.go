package app_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// throttle is a voice API that answers 429 while it is told to.
type throttle struct {
	on       atomic.Bool
	requests atomic.Int64
	after    int
}

func (th *throttle) script(simvoice.Order) simvoice.Behaviour {
	th.requests.Add(1)
	if th.on.Load() {
		return simvoice.Behaviour{Placement: simvoice.Answer, Status: http.StatusTooManyRequests, RetryAfter: th.after}
	}
	return simvoice.Behaviour{}
}

// throttledWorld has so many lines at a voice API that answers 429, and asks to be tried again after some seconds (0
// for not saying).
func throttledWorld(t *testing.T, lines, after int) (*world, *throttle) {
	t.Helper()
	th := &throttle{after: after}
	th.on.Store(true)
	w := newWorld(t, setup{
		store: func(s *config.Store) { s.Voice.Lines = lines },
		voice: func(o *simvoice.Options) { o.Lines, o.Script = lines, th.script },
	})
	return w, th
}

// calledOnce waits until the carts were called, and checks that each of them was, once and as its first attempt.
func (w *world) calledOnce(carts int) {
	w.t.Helper()
	w.eventually("all are called", func() bool { return len(w.voice.Calls()) >= carts })
	stopped := func() int { return w.count(`SELECT count(*) FROM carts WHERE state = 'stopped'`) }
	w.eventually("all calls end", func() bool { return stopped() == carts })
	assert.Len(w.t, w.voice.Calls(), carts)
	assert.Equal(w.t, carts, w.count(`SELECT count(*) FROM calls WHERE attempt = 1 AND state = 'closed'`))
	assert.Equal(w.t, carts, w.count(`SELECT count(*) FROM carts WHERE attempts = 1`))
	assert.Zero(w.t, w.count(`SELECT count(*) FROM account_rests`), "an accepted call ends the rest")
}

func TestThrottled_AccountRestsAndItsCartsKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	const carts, lines = 6, 2
	w, th := throttledWorld(t, lines, 3600)
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("throttled%d", i)))
	}
	w.eventually("all wait for a line", func() bool {
		return w.count(`SELECT count(*) FROM account_rests`) == 1 &&
			w.count(`SELECT count(*) FROM carts WHERE state = 'ready'`) == carts
	})
	w.took(shopify.CheckoutsCreate, checkout("later"))
	w.comes("later", cart.Ready)
	assert.LessOrEqual(t, int(th.requests.Load()), lines, "only what was under way at the first answer was tried")
	assert.Zero(t, w.count(`SELECT count(*) FROM carts WHERE attempts > 0`))
	assert.Zero(t, w.count(`
		SELECT count(*)
		FROM carts
		WHERE ready_at <> (
			SELECT min(at)
			FROM ledger
			WHERE cart_id = carts.id AND to_state = 'ready'
		)`), "their places")
	assert.Equal(t, 1, w.count(`
		SELECT count(*)
		FROM account_rests
		WHERE until BETWEEN now() + interval '59 minutes' AND now() + interval '1 hour'`))

	// The hour is over.
	th.on.Store(false)
	_, err := w.pool.Exec(context.Background(), `UPDATE account_rests SET until = now()`)
	require.NoError(t, err)
	w.calledOnce(carts + 1)
}

func TestThrottled_AccountIsTriedAgainAfterTheSecondThatWasAskedFor(t *testing.T) {
	t.Parallel()
	const carts = 5
	w, th := throttledWorld(t, 2, 1)
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("second%d", i)))
	}
	tries := func() int { return w.count(`SELECT COALESCE(max(refusals), 0) FROM account_rests`) }
	w.eventually("it was tried again three times", func() bool { return tries() > 3 })
	assert.Zero(t, w.count(`SELECT count(*) FROM account_rests WHERE until > now() + interval '1 second'`))
	th.on.Store(false)
	w.calledOnce(carts)
}

func TestThrottled_AccountIsTriedEverMoreSeldomWithOneCall(t *testing.T) {
	t.Parallel()
	const carts, lines = 5, 3
	w, th := throttledWorld(t, lines, 0)
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("seldom%d", i)))
	}
	for _, refusals := range []int{1, 2, 3} {
		w.eventually(fmt.Sprintf("refusal %d", refusals), func() bool {
			return w.count(`SELECT count(*) FROM account_rests WHERE refusals >= $1`, refusals) == 1
		})
		most := time.Second << refusals
		assert.Zero(t, w.count(`
			SELECT count(*)
			FROM account_rests
			WHERE refusals <= $1 AND until > now() + $2`, refusals, most))
	}
	assert.LessOrEqual(t, int(th.requests.Load()), lines+2+1, "after the first answers one call at a time is tried")
	th.on.Store(false)
	w.calledOnce(carts)
}
