package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	simvoice "ringback/internal/sim/voice"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// older is a configuration from before the shop was added: it knows another shop alone.
func older(cfg *config.Config) {
	other := cfg.Stores[acme]
	other.Voice.Assistant = "another"
	cfg.Stores = map[string]config.Store{"beta.myshopify.com": other}
}

// serverOnly leaves the jobs to workers of their own.
func serverOnly(cfg *config.Config) { cfg.Worker.Enabled = false }

// met waits until a worker has met a job of a kind that it does not know the shop of.
func (w *world) met(kind string) {
	w.t.Helper()
	w.eventually("the worker puts "+kind+" off", func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = $1 AND (metadata ->> 'snoozes')::int > 0`, kind) > 0
	})
	require.Zero(w.t, w.count(`SELECT count(*) FROM river_job WHERE kind = $1 AND state = 'completed'`, kind))
}

func TestOlderWorker_LeavesCartsToTheWorkerThatKnowsTheirShop(t *testing.T) {
	t.Parallel()
	const carts = 8
	w := newWorld(t, setup{config: serverOnly, voice: func(o *simvoice.Options) { o.Lines = 0 }})
	w.joins(older)
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("older%d", i)))
	}
	w.eventually("the older worker has met the carts", func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = 'wake_cart' AND (metadata ->> 'snoozes')::int > 0`) == carts
	})
	w.joins()
	w.eventually("all were called", func() bool { return w.count(`SELECT count(*) FROM carts WHERE state = 'stopped'`) == carts })
	assert.Len(t, w.voice.Calls(), carts)
	assert.Zero(t, w.count(`SELECT count(*) FROM ledger WHERE reason = 'paused'`), "nothing was decided without rules")
}

func TestOlderWorker_DoesNotSwallowTheJobsOfACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		config: serverOnly,
		voice:  func(o *simvoice.Options) { o.Timing.Queue = 10 * time.Hour },
	})
	leave := w.joins()
	w.took(shopify.CheckoutsCreate, checkout("bought"))
	w.eventually("the call is queued at the provider", func() bool {
		c := w.cart("bought")
		return c != nil && len(c.Calls) == 1 && c.Calls[0].State == cart.Placed
	})
	leave()
	leave = w.joins(older)
	w.took(shopify.OrdersCreate, order("bought"))
	w.met("abort_call")
	assert.Nil(t, w.cart("bought").Calls[0].AbortedAt)
	leave()
	w.joins()
	w.eventually("the provider was asked", func() bool { return w.cart("bought").Calls[0].Outcome == cart.Aborted })
	assert.Zero(t, w.voice.Calls()[0].Dials, "the customer's phone never rang")
}

func TestOlderWorker_LeavesAPlacementToTheWorkerThatKnowsTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{config: serverOnly})
	// A worker takes carts and gives lines, and leaves the calls queue alone for long enough.
	leave := w.joins(func(cfg *config.Config) { store(cfg, func(s *config.Store) { s.Voice.Lines = 0 }) })
	w.took(shopify.CheckoutsCreate, checkout("given"))
	w.comes("given", cart.Ready)
	leave()
	_, err := w.pool.Exec(context.Background(), `DELETE FROM river_job`)
	require.NoError(t, err)
	w.gives("given")
	leave = w.joins(older)
	w.met("place_call")
	leave()
	w.joins()
	w.comes("given", cart.Stopped)
	assert.Len(t, w.voice.Calls(), 1)
}

// store changes the shop's configuration in a copy of the whole.
func store(cfg *config.Config, change func(*config.Store)) {
	s := cfg.Stores[acme]
	change(&s)
	cfg.Stores = map[string]config.Store{acme: s}
}

// gives gives a line to a ready cart, as a worker does that dies right after it.
func (w *world) gives(tok string) {
	w.t.Helper()
	c := w.cart(tok)
	id := uuid.Must(uuid.NewV7())
	silence := w.cfg.Stores[acme].Voice.Silence
	watch := time.Now().Add(silence)
	c.State, c.ReadyAt = cart.Calling, nil
	c.Calls = []cart.Call{{
		ID: id, CartID: c.ID, Shop: acme, Attempt: 1, State: cart.Placing, Provider: "mirai", Assistant: w.cfg.Stores[acme].Voice.AssistantKey(),
		HoldsLine: true, Phone: c.Phone, CreatedAt: time.Now(), WatchAt: &watch,
	}}
	require.NoError(w.t, w.db.InTx(context.Background(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SaveCart(ctx, c, c.Calls[0].Assistant, nil)
	}))
	jobs, err := river.NewClient(riverpgxv5.New(w.pool), &river.Config{})
	require.NoError(w.t, err)
	_, err = jobs.Insert(context.Background(), placeCall{CallID: id}, &river.InsertOpts{Queue: "calls"})
	require.NoError(w.t, err)
}

type placeCall struct {
	CallID uuid.UUID `json:"call_id"`
}

func (placeCall) Kind() string { return "place_call" }
