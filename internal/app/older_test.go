package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/jobs"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

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

// An idle worker with an older configuration may get every job before a busy one that knows the shop.
func TestOlderWorker_HoldsNothingUpWhenItGetsEveryJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{config: serverOnly})
	w.joins(older)
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { jobs.NewLeft(w.app.Engine, slog.New(slog.DiscardHandler)).Run(ctx) })
	defer group.Wait()
	defer stop()
	tokens := []string{"a", "b", "c"}
	for _, tok := range tokens {
		w.took(shopify.CheckoutsCreate, checkout(tok))
	}
	start := time.Now()
	for _, tok := range tokens {
		w.comes(tok, cart.Stopped)
	}
	assert.Less(t, time.Since(start), 20*time.Second)
	assert.Len(t, w.voice.Calls(), len(tokens))
	w.eventually("every job that was left has ended", func() bool {
		return w.count(`SELECT count(*) FROM left_jobs`) == 0 && w.count(`
			SELECT count(*)
			FROM river_job
			WHERE kind IN ('wake_cart', 'place_call') AND state <> 'completed'`) == 0
	})
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

// serves starts another server on the world's database, without jobs, until the test ends, and returns its address.
func (w *world) serves(change ...func(*config.Config)) (url string) {
	w.t.Helper()
	cfg := *w.cfg
	serverOnly(&cfg)
	cfg.Server.Listen, cfg.Server.PublicURL = "127.0.0.1:0", "http://127.0.0.1:0"
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, &cfg, app.Serve, slog.New(slog.DiscardHandler))
	require.NoError(w.t, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		err := <-done
		a.Close()
		require.NoError(w.t, err)
	})
	return "http://" + a.Addr()
}

// at runs what sends through another server.
func (w *world) at(url string, send func()) {
	own := w.url
	w.url = url
	defer func() { w.url = own }()
	send()
}

func TestOlderServer_AnOrderThatItTookKeepsTheCustomerFromBeingCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = 3 * time.Second }})
	old := w.serves(older)
	w.took(shopify.CheckoutsCreate, checkout("bought"))
	w.at(old, func() { w.took(shopify.OrdersCreate, order("bought")) })
	c := w.comes("bought", cart.Purchased)
	assert.Empty(t, c.Calls)
	assert.Zero(t, w.count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
}

func TestOlderServer_WhatItTookIsActedUponInOrderAndOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acmes := w.cfg.Stores
	w.stop()

	// The shop was left out of the configuration for one restart.
	older(w.cfg)
	w.start()
	t.Cleanup(w.stop)
	w.took(shopify.CheckoutsCreate, checkout("bought"))
	w.took(shopify.CheckoutsUpdate, map[string]any{"token": []int{1}})
	first := uuid.NewString()
	for range 2 {
		w.took(shopify.OrdersCreate, order("bought"), func(d *shopify.Delivery) { d.WebhookID = first })
	}
	w.took(shopify.CheckoutsCreate, checkout("left"))
	assert.Equal(t, 4, w.count(`SELECT count(*) FROM webhooks WHERE error = 'unknown_shop'`))
	assert.Zero(t, w.count(`SELECT count(*) FROM carts`))
	w.stop()

	w.cfg.Stores = acmes
	w.start()
	t.Cleanup(w.stop)
	w.comes("bought", cart.Purchased)
	w.comes("left", cart.Stopped)
	assert.Len(t, w.voice.Calls(), 1, "who bought is not called")
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL`), "what cannot be read has its reason")
	assert.Zero(t, w.count(`SELECT count(*) FROM webhooks WHERE error = 'unknown_shop'`))
	assert.Zero(t, w.count(`SELECT count(*) FROM waiting_webhooks`))
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM orders`))
	// The same delivery again is a duplicate, whoever took it first.
	w.took(shopify.OrdersCreate, order("bought"), func(d *shopify.Delivery) { d.WebhookID = first })
	assert.Equal(t, 4, w.count(`SELECT count(*) FROM webhooks`))
}

func TestOlderServer_NobodyIsCalledWhileItsWebhooksWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{config: serverOnly})
	leave := w.joins(func(cfg *config.Config) { store(cfg, func(s *config.Store) { s.Voice.Lines = 0 }) })
	w.took(shopify.CheckoutsCreate, checkout("bought"))
	w.comes("bought", cart.Ready)
	leave()
	w.stop()
	_, err := w.pool.Exec(context.Background(), `DELETE FROM river_job`)
	require.NoError(t, err)

	// The call is about to be placed when the order comes in at a server that does not know the shop.
	w.gives("bought")
	old := w.serves(older)
	w.at(old, func() { w.took(shopify.OrdersCreate, order("bought")) })
	w.start()
	t.Cleanup(w.stop)
	w.joins()
	c := w.comes("bought", cart.Purchased)
	w.eventually("the placement has been looked at", func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = 'place_call' AND state = 'completed'`) == 1
	})
	assert.Equal(t, cart.Rejected, c.Calls[0].State)
	assert.Empty(t, w.voice.Calls())
}

func TestOlderServer_AConsentGivenSinceIsNotUndoneByWhatWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) {
		s.Policy.Consent, s.Policy.Delay = policy.On(policy.ConsentSMS), time.Hour
	}})
	old := w.serves(older)
	consent := func(state string, at time.Time) map[string]any {
		return map[string]any{"id": 7, "phone": "+919876543210", "sms_marketing_consent": map[string]any{
			"state": state, "consent_updated_at": at.Format(time.RFC3339),
		}}
	}
	now := time.Now()
	w.at(old, func() {
		w.took(shopify.CustomersUpdate, consent("not_subscribed", now.Add(-time.Minute)))
	})
	w.took(shopify.CustomersUpdate, consent("subscribed", now.Add(3*time.Second)))
	assert.Zero(t, w.count(`SELECT count(*) FROM suppressions`), "the later word counts")
	assert.Zero(t, w.count(`SELECT count(*) FROM waiting_webhooks`))
}

func TestOlderServer_WhatItTookIsNotBelievedOfAShopWithSecretsOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.ClientSecrets = secret.List{"its own"} }})
	old := w.serves(older)
	w.at(old, func() { w.took(shopify.CheckoutsCreate, checkout("forged")) })
	w.eventually("it is looked at", func() bool { return w.count(`SELECT count(*) FROM waiting_webhooks`) == 0 })
	assert.Nil(t, w.cart("forged"))
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE error LIKE '%secrets of its own'`))
}
