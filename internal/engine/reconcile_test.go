package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shopper fills a checkout with a customer of their own who may be called.
func shopper(n int) func(*cart.Checkout) {
	yes := true
	return func(c *cart.Checkout) {
		c.Customer = cart.Customer{ID: fmt.Sprint(9000 + n), FirstName: "Asha", LastName: fmt.Sprintf("Nr%d", n), Email: fmt.Sprintf("asha%d@example.org", n)}
		c.Email = c.Customer.Email
		c.Phones = []cart.RawPhone{{From: "customer", Number: fmt.Sprintf("+9198765%05d", n)}}
		c.AcceptsSMS, c.SMSPhone = &yes, c.Phones[0].Number
		c.Items = []cart.Item{{Title: "Scarf", SKU: "S", VariantID: "11", ProductID: "1", Quantity: 1 + n%3, Price: decimal.NewFromInt(450)}}
	}
}

// ofEmail reads the carts by the email of their customer.
func (h *house) ofEmail() map[string]postgres.Cart {
	h.t.Helper()
	carts, err := h.db.Carts(h.t.Context(), postgres.CartFilter{Limit: 10_000})
	require.NoError(h.t, err)
	byEmail := map[string]postgres.Cart{}
	for _, c := range carts {
		require.NotContains(h.t, byEmail, c.Checkout.Email, "two carts of one checkout")
		byEmail[c.Checkout.Email] = c
	}
	return byEmail
}

func (h *house) only() postgres.Cart {
	h.t.Helper()
	carts := h.ofEmail()
	require.Len(h.t, carts, 1)
	for _, c := range carts {
		return c
	}
	return postgres.Cart{}
}

func (h *house) reconcile() (checkouts, orders int) {
	h.t.Helper()
	found, err := h.engine.Reconcile(h.t.Context(), loom)
	require.NoError(h.t, err)
	require.True(h.t, found.Finished)
	return found.Checkouts, found.Orders
}

func TestACheckoutWithoutWebhooksGetsACartThatTheWebhookAdopts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	token := h.shop.NewCheckout(shopper(1))
	h.clock.Advance(time.Minute)
	checkouts, _ := h.reconcile()
	assert.Equal(t, 1, checkouts)
	c := h.only()
	assert.True(t, postgres.IsStandIn(c.Token))
	assert.Equal(t, cart.Waiting, c.State)
	assert.Equal(t, "+919876500001", c.Phone)
	ledger, err := h.db.Ledger(t.Context(), c.ID)
	require.NoError(t, err)
	assert.Equal(t, "reconcile", ledger[0].Trace[0].Rule)

	checkouts, _ = h.reconcile()
	assert.Zero(t, checkouts, "it is known by now")

	h.subscribe()
	h.clock.Advance(time.Minute)
	h.shop.Update(token, func(co *cart.Checkout) { co.Attributes = map[string]string{"gift": "yes"} })
	h.sim.DeliverDue(t.Context())
	adopted := h.only()
	assert.Equal(t, c.ID, adopted.ID)
	assert.Equal(t, token, adopted.Token)
	assert.Equal(t, token, adopted.Checkout.Token)
}

func TestAnOrderBringsTheRealToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	token := h.shop.NewCheckout(shopper(1))
	h.reconcile()
	h.subscribe()
	h.shop.DropSubscription(shopify.CheckoutsUpdate)
	h.clock.Advance(time.Minute)
	order, err := h.shop.Buy(token)
	require.NoError(t, err)
	h.sim.DeliverDue(t.Context())
	c := h.only()
	assert.Equal(t, token, c.Token)
	assert.Equal(t, cart.Purchased, c.State)
	assert.Equal(t, order.ID, c.Order.ID)
}

func TestReconcilingLosesNoConsentThatTheWebhookTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.subscribe()
	token := h.shop.NewCheckout(func(c *cart.Checkout) {
		shopper(1)(c)
		// The box was ticked at the checkout; the customer's record knows nothing of it.
		c.Phones[0].From = "phone"
	})
	h.sim.DeliverDue(t.Context())
	require.Equal(t, cart.Waiting, h.only().State)
	h.shop.DropSubscription(shopify.CheckoutsUpdate)
	h.clock.Advance(time.Minute)
	h.shop.Update(token, func(c *cart.Checkout) { c.Items[0].Quantity = 5 })
	checkouts, _ := h.reconcile()
	assert.Equal(t, 1, checkouts)
	c := h.only()
	assert.Equal(t, cart.Waiting, c.State)
	assert.Equal(t, "2250", c.Checkout.Total.String())
	assert.True(t, *c.Checkout.AcceptsSMS)
	assert.Equal(t, "11", c.Checkout.Items[0].VariantID)
}

func TestAnOrderThatCameBeforeTheCartStopsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.shop.NewCheckout(shopper(1))
	h.subscribe()
	h.clock.Advance(10 * time.Minute)
	var buyer cart.Checkout
	shopper(1)(&buyer)
	order := h.shop.BuyElsewhere(buyer)
	h.sim.DeliverDue(t.Context())
	h.reconcile()
	c := h.only()
	assert.Equal(t, cart.Purchased, c.State)
	assert.Equal(t, order.ID, c.Order.ID)
}

func TestTheCursorMovesOnlyAfterTheLastPage(t *testing.T) {
	t.Parallel()
	fail := false
	pages := 0
	h := newHouse(t, plan{api: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pages++; fail && pages > 2 {
				http.Error(w, `{"errors":"Forbidden"}`, http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	h.install()
	for n := range 30 {
		h.shop.NewCheckout(shopper(n))
	}
	began := h.clock.Now()
	fail, pages = true, 0
	_, err := h.engine.Reconcile(t.Context(), loom)
	require.Error(t, err)
	assert.Nil(t, h.shopRow().ReconciledUntil)
	kept := len(h.ofEmail())
	assert.NotZero(t, kept)
	assert.Less(t, kept, 30)

	h.clock.Advance(time.Hour)
	fail, pages = false, 0
	checkouts, _ := h.reconcile()
	assert.Equal(t, 30-kept, checkouts, "it goes on where it was")
	assert.Len(t, h.ofEmail(), 30)
	assert.Equal(t, began, *h.shopRow().ReconciledUntil, "what changed meanwhile is looked at the next time")
	assert.Equal(t, 3600, h.metric("ringback_reconcile_lag_seconds", loom))
}

func TestThrottlingAndPartialAnswersAreSurvived(t *testing.T) {
	t.Parallel()
	// Points come back by the real clock; a token that never expires goes by none.
	h := newHouse(t, plan{sim: func(c *simshop.Config) { c.Clock, c.Rate = time.Now, 5000 }})
	admin := h.shop.Install("read_orders", "read_customers")
	h.engine, h.db, h.metrics = h.process(h.pool, withAdminToken(admin), oldKey)
	h.clock.Advance(time.Since(h.clock.Now()))
	for n := range 10 {
		h.shop.NewCheckout(shopper(n))
	}
	h.shop.DrainPoints()
	h.sim.FailNext(2, http.StatusBadGateway)
	checkouts, _ := h.reconcile()
	assert.Equal(t, 10, checkouts)
}

// story plays the same month's worth of shoppers on a house and delivers its webhooks as they become due.
func (h *house) story() {
	h.t.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	for n := range 60 {
		token := h.shop.NewCheckout(shopper(n))
		h.after(time.Duration(1+r.IntN(60)) * time.Second)
		for range r.IntN(4) {
			h.shop.Update(token, func(c *cart.Checkout) { c.Items[0].Quantity += 1 + r.IntN(2) })
			h.after(time.Duration(5+r.IntN(90)) * time.Second)
		}
		switch r.IntN(4) {
		case 0:
			_, err := h.shop.Buy(token)
			require.NoError(h.t, err)
		case 1:
			var buyer cart.Checkout
			shopper(n)(&buyer)
			h.shop.BuyElsewhere(buyer)
		}
		h.after(time.Second)
	}
}

func (h *house) after(d time.Duration) {
	h.clock.Advance(d)
	h.sim.DeliverDue(h.t.Context())
}

// outline is what a cart must be whatever became of its webhooks.
type outline struct {
	State       cart.State
	Reason      cart.Reason
	Attribution cart.Attribution
	Order       bool
	Phone       string
	Total       string
	Activity    string
	Wake        string
}

func (h *house) outlines() map[string]outline {
	h.t.Helper()
	out := map[string]outline{}
	for email, c := range h.ofEmail() {
		wake := ""
		if c.WakeAt != nil {
			wake = c.WakeAt.Format(time.RFC3339)
		}
		out[email] = outline{
			Wake:  wake,
			State: c.State, Reason: c.Reason, Attribution: c.Attribution, Order: c.Order != nil, Phone: c.Phone,
			Total: c.Checkout.Total.String(), Activity: c.LastActivityAt.Format(time.TimeOnly),
		}
	}
	return out
}

func TestAfterTheNextReconcileNoWebhookIsMissed(t *testing.T) {
	t.Parallel()
	// Nobody is due before the story ends, so that every cart's wake tells what it was decided on.
	patient := func(s *config.Store) { s.Policy.Delay = 24 * time.Hour }
	whole := newHouse(t, plan{store: patient})
	whole.install()
	whole.subscribe()
	whole.story()
	want := whole.outlines()
	require.Len(t, want, 60)

	holed := newHouse(t, plan{store: patient, sim: func(c *simshop.Config) {
		c.Trouble = simshop.Trouble{Dropped: 0.10, Delayed: 0.05, MaxDelay: 6 * time.Hour, Duplicated: 0.05}
	}})
	holed.install()
	holed.subscribe()
	holed.story()
	require.NotEqual(t, want, holed.outlines(), "the trouble must have done something")
	checkouts, orders := holed.reconcile()
	assert.Positive(t, checkouts)
	assert.Positive(t, orders)
	assert.Equal(t, want, holed.outlines())

	// What was delayed comes in late, and changes nothing.
	holed.after(7 * time.Hour)
	assert.Equal(t, want, holed.outlines())
	holed.reconcile()
	assert.Equal(t, want, holed.outlines())
	for email, c := range holed.ofEmail() {
		if c.State == cart.Purchased {
			assert.Nil(t, c.WakeAt, "%s bought: nothing may wake the cart", email)
		}
	}
}

func TestAShopThatWasAwayIsReconciledFromWhereItWas(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: func(s *config.Store) { s.Policy.ExpiresAfter = 24 * time.Hour }})
	h.install()
	h.reconcile()
	h.shop.NewCheckout(shopper(1))
	h.clock.Advance(72 * time.Hour)
	h.reconcile()
	assert.Equal(t, cart.Expired, h.only().Reason, "it is known, and too old to call")
}
