package app_test

import (
	"context"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAShopThatLeftTheConfigurationGivesItsLineBack(t *testing.T) {
	t.Parallel()
	const bolt = "bolt.myshopify.com"
	left := time.Second
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Script = func(order simvoice.Order) simvoice.Behaviour {
				if order.Shop == acme {
					return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.Silent}}
				}
				return simvoice.Behaviour{}
			}
		},
		config: func(cfg *config.Config) {
			store := cfg.Stores[acme]
			store.Voice.Lines, store.Voice.Silence, store.Policy.Delay = 1, 2*time.Second, left
			cfg.Stores[acme], cfg.Stores[bolt] = store, store
		},
	})
	w.took(shopify.CheckoutsCreate, checkout("gone"))
	w.comes("gone", cart.Calling)
	w.eventually("the request has gone out", func() bool { return len(w.voice.Calls()) == 1 })
	w.took(shopify.CheckoutsCreate, checkout("later"))
	w.stop()

	acmes := w.cfg.Stores[acme]
	delete(w.cfg.Stores, acme)
	w.start()
	t.Cleanup(w.stop)
	w.took(shopify.CheckoutsCreate, checkout("stays"), func(d *shopify.Delivery) { d.Shop = bolt })
	w.eventually("the line is given to the shop that is left", func() bool {
		c, err := w.db.CartByToken(context.Background(), bolt, "stays")
		return err == nil && c.State == cart.Stopped && c.Reason == cart.Reached
	})
	assert.Equal(t, cart.Lost, w.cart("gone").Calls[0].Outcome)
	assert.Equal(t, cart.Waiting, w.cart("later").State, "nobody is called for a shop that is not configured")
	assert.Zero(t, w.count(`SELECT count(*) FROM river_job WHERE errors <> '{}'`), w.state())
	w.stop()

	w.cfg.Stores[acme] = acmes
	_, err := w.pool.Exec(context.Background(), `UPDATE river_job SET scheduled_at = now() WHERE state IN ('scheduled', 'retryable')`)
	require.NoError(t, err)
	w.start()
	t.Cleanup(w.stop)
	w.eventually("a shop that comes back goes on", func() bool { return w.cart("later").Attempts == 1 })
}

func TestWhoBoughtBetweenTwoDialsOfTheProviderIsNotDialledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Redials, o.Speed = 2, 100
			o.Script = func(simvoice.Order) simvoice.Behaviour {
				return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer, simvoice.NoAnswer, simvoice.NoAnswer}}
			}
		},
		store: func(s *config.Store) { s.Voice.Retries = "provider" },
	})
	w.took(shopify.CheckoutsCreate, checkout("bought"))
	w.eventually("the first dial is over", func() bool {
		c := w.cart("bought")
		return c != nil && len(c.Calls) == 1 && c.Calls[0].State == cart.Ended
	})
	w.took(shopify.OrdersCreate, order("bought"))
	w.eventually("the call is over", func() bool { return w.cart("bought").Calls[0].State == cart.Closed })
	c := w.cart("bought")
	assert.Equal(t, cart.Purchased, c.State)
	assert.Equal(t, 1, c.Calls[0].Dials)
	assert.Contains(t, c.Calls[0].Seen, cart.ReportAborted)
}

func TestACartThatCannotBeLookedAtKeepsNoOtherFromBeingCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = 3 * time.Second }})
	w.took(shopify.CheckoutsCreate, checkout("broken", func(c map[string]any) { c["total_price"] = "9000.00" }))
	// An attempt that was closed without having been sent: there is no such call, but if there were, the next one would
	// have its number.
	_, err := w.pool.Exec(context.Background(), `
		INSERT INTO calls (id, cart_id, shop, attempt, state, outcome, provider, assistant, holds_line, phone, phone_key, created_at)
		SELECT gen_random_uuid(), id, shop, 1, 'closed', 'failed', 'mirai', 'as', false, phone, phone_key, now() - interval '1 day'
		FROM carts`)
	require.NoError(t, err)
	w.took(shopify.CheckoutsCreate, checkout("sound"))
	assert.Equal(t, cart.Reached, w.comes("sound", cart.Stopped).Reason)
	assert.Equal(t, cart.Ready, w.cart("broken").State)
}
