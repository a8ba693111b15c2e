package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tells gives the engine a webhook of the shop.
func (h *house) tells(topic, body string, at time.Time) engine.Taken {
	h.t.Helper()
	taken, err := h.take(h.t.Context(), shopify.Delivery{
		Topic: topic, Shop: loom, WebhookID: uuid.NewString(), TriggeredAt: at,
	}, []byte(body))
	require.NoError(h.t, err)
	return taken
}

func TestCustomApp_InstalledAgainCallsAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	admin := h.shop.Install("read_orders", "read_customers")
	h.engine, h.db, h.metrics = h.process(h.pool, withAdminToken(admin), oldKey)
	require.NoError(t, ask(t.Context(), h.engine))
	removed := h.clock.Now()
	h.shop.Uninstall()
	require.Equal(t, engine.TakenNew, h.tells(shopify.AppUninstalled, `{"id": 1, "myshopify_domain": "loom.myshopify.com"}`, removed))
	require.NotNil(t, h.shopRow().UninstalledAt)

	h.clock.Advance(time.Hour)
	require.Error(t, h.engine.RegainAccess(t.Context(), loom), "the old token proves nothing")
	require.NotNil(t, h.shopRow().UninstalledAt)
	changed, err := h.engine.ResumeShop(t.Context(), loom, "api")
	require.ErrorIs(t, err, engine.ErrUninstalled)
	assert.False(t, changed)
	assert.Contains(t, h.waiting(), "regain_access", "Shopify is asked at once")

	h.engine, h.db, h.metrics = h.process(h.pool, withAdminToken(h.shop.Install("read_orders", "read_customers")), oldKey)
	h.workUntil("the app is back", func() bool { return h.shopRow().UninstalledAt == nil })
	assert.Contains(t, h.events(), "access_regained")
	row := h.shopRow()
	assert.Nil(t, row.AccessLostAt)
	assert.False(t, row.State(h.clock.Now()).Uninstalled)

	h.tells(shopify.AppUninstalled, `{"id": 1, "myshopify_domain": "loom.myshopify.com"}`, removed)
	assert.Nil(t, h.shopRow().UninstalledAt, "an older word of the removal ends nothing")
	_, err = h.engine.ResumeShop(t.Context(), loom, "api")
	require.NoError(t, err)

	h.clock.Advance(time.Minute)
	h.tells(shopify.AppUninstalled, `{"id": 1, "myshopify_domain": "loom.myshopify.com"}`, h.clock.Now())
	assert.NotNil(t, h.shopRow().UninstalledAt, "a newer one does")
}

// An answer to a request from before the removal proves nothing.
func TestCustomApp_AnOlderAnswerDoesNotUndoARemoval(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	began := h.clock.Now()
	h.clock.Advance(time.Second)
	h.tells(shopify.AppUninstalled, `{"id": 1, "domain": "loom.myshopify.com"}`, h.clock.Now())
	require.NoError(t, h.db.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		regained, err := tx.RegainAccess(ctx, loom, began)
		assert.False(t, regained)
		return err
	}))
	assert.NotNil(t, h.shopRow().UninstalledAt)
}

func TestIntake_ABodyOfAnotherShopIsNotBelieved(t *testing.T) {
	t.Parallel()
	const checkout = `{"id": 1, "token": "t", "cart_token": "c", "phone": "+919876543210", "total_price": "10.00",
		"updated_at": "2026-10-05T09:00:00Z", "abandoned_checkout_url": "https://alpha.myshopify.com/1/checkouts/ac/t/recover"%s}`
	plainCheckout := fmt.Sprintf(checkout, "")
	for name, c := range map[string]struct {
		topic, body string
		want        engine.Taken
		uninstalled bool
	}{
		"removal":                        {shopify.AppUninstalled, `{"myshopify_domain": "loom.myshopify.com"}`, engine.TakenNew, true},
		"removal, by a custom domain":    {shopify.AppUninstalled, `{"domain": "loom.example", "myshopify_domain": "Loom.myshopify.com"}`, engine.TakenNew, true},
		"removal, by its only domain":    {shopify.AppUninstalled, `{"domain": "loom.myshopify.com"}`, engine.TakenNew, true},
		"removal, renamed":               {shopify.AppUninstalled, `{"domain": "silk.myshopify.com", "myshopify_domain": "loom.myshopify.com"}`, engine.TakenNew, true},
		"removal of another":             {shopify.AppUninstalled, `{"myshopify_domain": "alpha.myshopify.com"}`, engine.TakenUnread, false},
		"removal of another, by domain":  {shopify.AppUninstalled, `{"domain": "alpha.myshopify.com"}`, engine.TakenUnread, false},
		"removal, with a checkout":       {shopify.AppUninstalled, plainCheckout, engine.TakenUnread, false},
		"removal of nobody":              {shopify.AppUninstalled, `{}`, engine.TakenUnread, false},
		"removal, only a custom domain":  {shopify.AppUninstalled, `{"domain": "loom.example"}`, engine.TakenUnread, false},
		"redaction, with a checkout":     {shopify.ShopRedact, plainCheckout, engine.TakenUnread, false},
		"redaction of another":           {shopify.CustomersRedact, `{"shop_domain": "alpha.myshopify.com", "customer": {"id": 1}}`, engine.TakenUnread, false},
		"checkout that names another":    {shopify.CheckoutsCreate, fmt.Sprintf(checkout, `, "shop_domain": "alpha.myshopify.com"`), engine.TakenUnread, false},
		"order that names another":       {shopify.OrdersCreate, `{"id": 5, "myshopify_domain": "alpha.myshopify.com"}`, engine.TakenUnread, false},
		"consent that names another":     {shopify.CustomersUpdate, `{"id": 5, "shop_domain": "alpha.myshopify.com"}`, engine.TakenUnread, false},
		"checkout with a link elsewhere": {shopify.CheckoutsCreate, plainCheckout, engine.TakenNew, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{})
			assert.Equal(t, c.want, h.tells(c.topic, c.body, h.clock.Now()))
			assert.Equal(t, c.uninstalled, h.shopRow().UninstalledAt != nil)
			requests, err := h.db.PrivacyRequests(t.Context(), 10)
			require.NoError(t, err)
			assert.Empty(t, requests)
		})
	}
}
