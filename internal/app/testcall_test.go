package app_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/sim/simvoice"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const own = "+919812300099"

func withOwnNumber(s *config.Store) { s.Voice.TestNumbers = []string{own} }

// closedTest waits until a test call is over.
func (w *world) closedTest(id uuid.UUID) *cart.Call {
	w.t.Helper()
	var call *cart.Call
	w.eventually("the test call is over", func() bool {
		found, err := w.db.TestCall(w.t.Context(), id)
		if err != nil {
			return false
		}
		call = found.Call()
		return !call.State.Open()
	})
	return call
}

// untouched fails when a test call has left a trace in what the program counts.
func (w *world) untouched() {
	w.t.Helper()
	for _, table := range []string{
		"carts", "calls", "ledger", "cart_deltas", "call_deltas", "money_deltas", "suppressions", "person_keys",
	} {
		assert.Zero(w.t, w.count(`SELECT count(*) FROM `+table), table)
	}
	_, stats := w.api("GET", "/api/v1/stats", nil)
	assert.InDelta(w.t, 0, stats["calls"], 0)
	assert.Empty(w.t, stats["purchases"])
}

func TestTestCall_RingsTheListedNumberOnceAndCountsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: withOwnNumber, voice: func(o *simvoice.Options) {
		o.Script = func(simvoice.Order) simvoice.Behaviour {
			return simvoice.Behaviour{Summary: "Hello, test.", Insights: map[string]any{"do_not_call": true}}
		}
	}})
	var out bytes.Buffer
	require.NoError(t, w.app.TestCall(t.Context(), app.TestCall{Shop: acme, Phone: own, Wait: time.Minute, Out: &out}))
	assert.Contains(t, out.String(), "Completed")
	assert.Contains(t, out.String(), "Hello, test.")
	calls := w.voice.Calls()
	require.Len(t, calls, 1)
	assert.Equal(t, own, calls[0].Order.Phone)
	assert.True(t, calls[0].Order.Test, "it is marked as a test")
	assert.Equal(t, 1, calls[0].Dials)
	w.untouched()
	assert.Zero(t, w.count(`SELECT count(*) FROM test_calls WHERE holds_line OR is_open`))
	assert.Positive(t, w.count(`SELECT count(*) FROM callbacks WHERE call_id IS NOT NULL AND error IS NULL`))
}

func TestTestCall_AskedForTwiceRingsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: withOwnNumber, voice: func(o *simvoice.Options) {
		o.Script = func(simvoice.Order) simvoice.Behaviour {
			return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer}}
		}
	}})
	ask := engine.TestCall{ID: uuid.Must(uuid.NewV7()), Shop: acme, Phone: own, By: "dashboard"}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			err := w.app.Engine.AskTestCall(t.Context(), ask, true)
			var refused *engine.TestRefusedError
			assert.True(t, err == nil || errors.As(err, &refused), "%v", err)
		})
	}
	group.Wait()
	assert.Equal(t, cart.NoAnswer, w.closedTest(ask.ID).Outcome)
	require.NoError(t, w.app.Engine.AskTestCall(t.Context(), ask, true), "the form is sent once more")
	assert.Len(t, w.voice.Calls(), 1, "nobody is called again after no answer")
	w.untouched()
}

func TestTestCall_AnyOtherNumberIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: withOwnNumber})
	refused := func(phone, why string) {
		t.Helper()
		err := w.app.TestCall(t.Context(), app.TestCall{Shop: acme, Phone: phone, Wait: time.Minute, Out: &bytes.Buffer{}})
		require.ErrorContains(t, err, why)
		assert.NotContains(t, err.Error(), phone)
	}
	refused("+919812300098", "not among voice.test_numbers of "+acme)
	refused("nonsense", "not among voice.test_numbers of "+acme)
	_, err := w.app.Engine.Suppress(t.Context(), acme, own, "", "api")
	require.NoError(t, err)
	refused(own, "on the do-not-call list")
	assert.Empty(t, w.voice.Calls())
}

func TestTestCall_TakesALine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		store: func(s *config.Store) { withOwnNumber(s); s.Voice.Lines = 1 },
		voice: func(o *simvoice.Options) { o.Lines = 1; o.Speed = 20 },
	})
	ask := engine.TestCall{ID: uuid.Must(uuid.NewV7()), Shop: acme, Phone: own, By: "dashboard"}
	require.NoError(t, w.app.Engine.AskTestCall(t.Context(), ask, true))
	w.took("checkouts/create", checkout("waits"))
	w.comes("waits", cart.Ready)
	assert.Empty(t, w.cart("waits").Calls)
	load, err := w.db.Load(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, load.Busy[w.app.Engine.Store(acme).Config.Voice.AssistantKey()])
	w.closedTest(ask.ID)
	w.comes("waits", cart.Calling)
}
