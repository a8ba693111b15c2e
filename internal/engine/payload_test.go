package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkoutPayload is a checkout as it may come, with changes; a nil value leaves a field out.
func (h *house) checkoutPayload(token string, changes map[string]any) map[string]any {
	now := h.clock.Now().Format(time.RFC3339Nano)
	p := map[string]any{
		"id": idOf(token), "token": token, "cart_token": "c-" + token, "email": token + "@example.com", "phone": "+919810000341", "currency": "INR",
		"presentment_currency": "INR", "total_price": "1499.00", "created_at": now, "updated_at": now,
		"abandoned_checkout_url": "https://" + loom + "/1/checkouts/ac/" + token + "/recover",
		"line_items":             []map[string]any{{"title": "Saree", "quantity": 1, "price": "1499.00", "variant_id": 1}},
	}
	for name, value := range changes {
		p[name] = value
	}
	return p
}

// takesTest gives the engine a webhook as Shopify's "send test notification" does.
func (h *house) takesTest(topic string, payload any) {
	h.t.Helper()
	body, err := json.Marshal(payload)
	require.NoError(h.t, err)
	d := shopify.Delivery{Topic: topic, Shop: loom, WebhookID: uuid.NewString(), TriggeredAt: h.clock.Now(), Test: true}
	taken, err := h.take(h.t.Context(), d, body)
	require.NoError(h.t, err)
	require.Equal(h.t, engine.TakenNew, taken)
}

func (h *house) cartOf(token string) cart.Cart {
	h.t.Helper()
	c, err := h.db.CartByToken(h.t.Context(), loom, token)
	require.NoError(h.t, err)
	return c.Cart
}

func TestIntake_TestNotificationChangesNothingReal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.takes(shopify.CheckoutsCreate, h.checkoutPayload("real", nil))
	h.takesTest(shopify.CheckoutsUpdate, h.checkoutPayload("sample", nil))
	sample := h.cartOf("sample")
	assert.Equal(t, cart.Watching, sample.State)
	assert.Equal(t, cart.Test, sample.Reason)
	assert.True(t, sample.Checkout.Test)

	now := h.clock.Now().Format(time.RFC3339Nano)
	h.takesTest(shopify.OrdersCreate, map[string]any{"id": 820982911946154508, "email": "real@example.com", "phone": "+919810000341", "created_at": now, "updated_at": now})
	h.takesTest(shopify.CheckoutsDelete, map[string]any{"id": 1, "cart_token": "c-real"})
	h.takesTest(shopify.CustomersConsentUpdate, map[string]any{"id": 706405506930370084, "email": "real@example.com", "sms_marketing_consent": map[string]any{"state": "unsubscribed"}})
	h.takesTest(shopify.AppUninstalled, map[string]any{"id": 1, "myshopify_domain": loom})
	assert.Equal(t, cart.Waiting, h.cartOf("real").State)
	assert.Nil(t, h.shopRow().UninstalledAt)
	h.looks()
	assert.NotEmpty(t, h.cartOf("real").Calls)
}

func TestIntake_OrderThatAnswersOnlyItsOwnCart(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]map[string]any{
		"a test order":              {"test": true},
		"the test gateway":          {"payment_gateway_names": []string{"bogus"}},
		"its name in the admin":     {"gateway": "(for testing) Bogus Gateway"},
		"a renewal":                 {"source_name": "subscription_contract"},
		"a renewal, checkout one":   {"source_name": "subscription_contract_checkout_one"},
		"a renewal in capitals":     {"source_name": "Subscription_Contract"},
		"a renewal of a known cart": {"source_name": "subscription_contract", "cart_token": "c-another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: permissive})
			now := h.clock.Now().Format(time.RFC3339Nano)
			payload := map[string]any{"id": 5900000000034, "email": "early@example.com", "phone": "+919810000341", "created_at": now, "updated_at": now}
			for field, value := range order {
				payload[field] = value
			}
			h.takes(shopify.CheckoutsCreate, h.checkoutPayload("early", nil))
			h.takes(shopify.OrdersCreate, payload)
			assert.Equal(t, cart.Waiting, h.cartOf("early").State, "the order came after the cart")
			h.takes(shopify.CheckoutsCreate, h.checkoutPayload("late", map[string]any{"email": "early@example.com"}))
			assert.Equal(t, cart.Waiting, h.cartOf("late").State, "the order came before the cart")
			h.looks()
			assert.NotEmpty(t, h.cartOf("late").Calls, "nor does it at the last look")

			payload["id"], payload["cart_token"] = 5900000000035, "c-late"
			payload["created_at"] = h.clock.Now().Format(time.RFC3339Nano)
			h.takes(shopify.OrdersCreate, payload)
			assert.Equal(t, cart.Purchased, h.cartOf("late").State, "the cart that it names is bought")
		})
	}
}

func TestIntake_OrderOlderThanTheCheckoutIsAnotherOnes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		orderAge time.Duration
		bought   bool
	}{
		"a day older":        {24 * time.Hour, false},
		"a fortnight older":  {14 * 24 * time.Hour, false},
		"a minute older":     {time.Minute, false},
		"of the same second": {0, true},
		"younger":            {-time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: permissive})
			at := h.clock.Now().Add(-c.orderAge).Format(time.RFC3339Nano)
			order := func(id int, token string) map[string]any {
				return map[string]any{"id": id, "cart_token": "c-" + token, "checkout_token": "old", "email": "else@example.com", "created_at": at, "updated_at": at}
			}
			want := cart.Waiting
			if c.bought {
				want = cart.Purchased
			}
			h.takes(shopify.OrdersCreate, order(1, "late"))
			h.takes(shopify.CheckoutsCreate, h.checkoutPayload("late", nil))
			assert.Equal(t, want, h.cartOf("late").State, "the order came first")

			h.takes(shopify.CheckoutsCreate, h.checkoutPayload("early", map[string]any{"phone": "+919810000342"}))
			h.takes(shopify.OrdersPaid, order(2, "early"))
			assert.Equal(t, want, h.cartOf("early").State, "the checkout came first")
		})
	}
}

func TestIntake_VersionDatedAheadShutsNothingOut(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"a second": time.Second, "an hour": time.Hour, "ten years": 10 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: permissive})
			at := func(d time.Duration) string { return h.clock.Now().Add(d).Format(time.RFC3339Nano) }
			h.takes(shopify.CheckoutsCreate, h.checkoutPayload("a", map[string]any{"updated_at": at(ahead)}))
			assert.False(t, h.cartOf("a").Checkout.UpdatedAt.After(h.clock.Now()))
			h.clock.Advance(10 * time.Millisecond)
			h.takes(shopify.CheckoutsUpdate, h.checkoutPayload("a", map[string]any{"phone": nil}))
			assert.Equal(t, cart.NoPhone, h.cartOf("a").Reason)

			order := map[string]any{"id": 1, "checkout_token": "a", "created_at": at(0), "updated_at": at(ahead), "total_price": "10.00"}
			h.takes(shopify.OrdersCreate, order)
			require.NotNil(t, h.cartOf("a").Order)
			h.clock.Advance(10 * time.Millisecond)
			order["updated_at"], order["total_price"] = at(0), "20.00"
			h.takes(shopify.OrdersUpdated, order)
			assert.Equal(t, "20", h.cartOf("a").Order.Total.String())

			// As the program before left them.
			_, err := h.pool.Exec(t.Context(), `UPDATE orders SET updated_at = $1`, h.clock.Now().Add(ahead))
			require.NoError(t, err)
			_, err = h.pool.Exec(t.Context(), `UPDATE carts SET "order" = jsonb_set("order", '{updated_at}', to_jsonb($1::text))`, at(ahead))
			require.NoError(t, err)
			h.clock.Advance(10 * time.Millisecond)
			order["updated_at"], order["total_price"] = at(0), "30.00"
			h.takes(shopify.OrdersUpdated, order)
			assert.Equal(t, "30", h.cartOf("a").Order.Total.String())
		})
	}
}
