package shopify

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseHeaders(t *testing.T) {
	t.Parallel()
	full := func(change ...string) http.Header {
		h := http.Header{}
		// Set makes any spelling of a name the same; Shopify's own varies.
		h.Set("x-shopify-topic", "checkouts/update")
		h.Set("X-SHOPIFY-SHOP-DOMAIN", "Loom.MyShopify.com")
		h.Set("X-Shopify-Webhook-Id", "w-1")
		h.Set("X-Shopify-Event-Id", "e-1")
		h.Set("X-Shopify-API-Version", "2026-10")
		h.Set("X-Shopify-Triggered-At", "2026-10-05T09:00:00.123456789Z")
		for i := 0; i < len(change); i += 2 {
			h.Set(change[i], change[i+1])
		}
		return h
	}

	_, err := ParseHeaders(full(HeaderShop, "Loom.MyShopify.com"))
	require.Error(t, err, "the suffix is lower case in Shopify's rule")

	d, err := ParseHeaders(full(HeaderShop, "Loom.myshopify.com"))
	require.NoError(t, err)
	assert.Equal(t, Delivery{
		Topic: "checkouts/update", Shop: "loom.myshopify.com", WebhookID: "w-1", EventID: "e-1", APIVersion: "2026-10",
		TriggeredAt: time.Date(2026, 10, 5, 9, 0, 0, 123456789, time.UTC),
	}, d)

	again, err := ParseHeaders(d.Headers("digest"))
	require.NoError(t, err)
	assert.Equal(t, d, again, "what Headers writes ParseHeaders reads")

	d, err = ParseHeaders(full(HeaderShop, "loom.myshopify.com", HeaderTriggeredAt, "soon", HeaderEventID, ""))
	require.NoError(t, err)
	assert.True(t, d.TriggeredAt.IsZero())
	assert.Empty(t, d.EventID)

	for value, want := range map[string]bool{"true": true, "TRUE": true, " true ": true, "1": true, "yes": true, "false": false, "": false, "0": false} {
		d, err = ParseHeaders(full(HeaderShop, "loom.myshopify.com", HeaderTest, value))
		require.NoError(t, err)
		assert.Equal(t, want, d.Test, value)
		again, err = ParseHeaders(d.Headers("digest"))
		require.NoError(t, err)
		assert.Equal(t, d, again)
	}

	for name, h := range map[string]http.Header{
		HeaderShop:      full(HeaderShop, ""),
		HeaderTopic:     full(HeaderShop, "loom.myshopify.com", HeaderTopic, " "),
		HeaderWebhookID: full(HeaderShop, "loom.myshopify.com", HeaderWebhookID, ""),
		HeaderEventID:   full(HeaderShop, "loom.myshopify.com", HeaderEventID, strings.Repeat("e", 256)),
	} {
		_, err := ParseHeaders(h)
		assert.ErrorContains(t, err, name)
	}
}

func TestParseShop(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"acme.myshopify.com":   "acme.myshopify.com",
		"Acme-2.myshopify.com": "acme-2.myshopify.com",
		"0.myshopify.com":      "0.myshopify.com",
	} {
		got, err := ParseShop(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
	}
	for _, in := range []string{
		"", "acme", "myshopify.com", ".myshopify.com", "-acme.myshopify.com", "acme.myshopify.com.evil.example",
		"evil.example/acme.myshopify.com", "acme.myshopify.com\n", "acme.myshopify.com/", "a.b.myshopify.com", "acme@myshopify.com",
		"https://acme.myshopify.com", "acme.myshopify.comm", "acmé.myshopify.com", "acme_1.myshopify.com", "acme.myshopify.com:443",
		"evil.example#.myshopify.com", "acme myshopify.com", strings.Repeat("a", 64) + ".myshopify.com",
	} {
		assert.False(t, ValidShop(in), in)
		_, err := ParseShop(in)
		assert.Error(t, err, in)
	}
}

func TestTopicOfFile(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"checkouts_create.2026-07.json":                 CheckoutsCreate,
		"/some/where/checkouts_update.json":             CheckoutsUpdate,
		`C:\dir\checkouts_delete.x.y.json`:              CheckoutsDelete,
		"orders_create":                                 OrdersCreate,
		"orders_updated.json":                           OrdersUpdated,
		"orders_paid.json":                              OrdersPaid,
		"app_uninstalled.json":                          AppUninstalled,
		"compliance_customers_data_request.json":        CustomersDataRequest,
		"compliance_customers_redact.json":              CustomersRedact,
		"shop_redact.json":                              ShopRedact,
		"customers_marketing_consent_update.json":       CustomersConsentUpdate,
		"customers_email_marketing_consent_update.json": CustomersEmailConsentUpdate,
		"customers_update.json":                         CustomersUpdate,
		"rest_checkouts_list.legacy.json":               CheckoutsUpdate,
	} {
		got, ok := TopicOfFile(in)
		assert.True(t, ok, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "SOURCES.md", "checkouts.json", "checkouts-create.json", "products_update.json"} {
		_, ok := TopicOfFile(in)
		assert.False(t, ok, in)
	}
}
