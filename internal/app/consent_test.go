package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/explain"
	"ringback/internal/policy"
	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// american makes a checkout that of a customer in New York who agreed to text messages.
func american(number string, attributes ...map[string]any) func(map[string]any) {
	return func(c map[string]any) {
		c["shipping_address"] = map[string]any{
			"first_name": "Ann", "phone": number, "country": "United States", "country_code": "US", "province_code": "NY",
		}
		c["buyer_accepts_sms_marketing"], c["sms_marketing_phone"] = true, number
		c["note_attributes"] = attributes
	}
}

func TestConsent_AutomatedCallsNeedTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) {
		s.Policy.AcceptWeakerConsent = nil
		s.Policy.Consent = policy.Bases{{Basis: policy.ConsentSMS}, {Basis: "attribute:automated_calls", Proves: "voice"}}
		s.Policy.ConsentText = policy.ConsentText{Version: "2026-11", Text: "You may call me with an automated voice."}
	}})
	w.took(shopify.CheckoutsCreate, checkout("sms", american("+12125550101")))
	w.applied()
	c := w.comes("sms", cart.Watching)
	assert.Equal(t, cart.NoConsent, c.Reason)
	status, told := w.api(http.MethodGet, "/api/v1/carts/"+c.ID.String(), nil)
	require.Equal(t, http.StatusOK, status)
	said := stepsOf(t, told, "consent")
	assert.Contains(t, said, "US requires consent that names automated or AI voice calls (47 CFR 64.1200")

	before := time.Now()
	w.took(shopify.CheckoutsCreate, checkout("voice", american("+12125550102",
		map[string]any{"name": "automated_calls", "value": "yes"},
		map[string]any{"name": "automated_calls_version", "value": "2026-11"})))
	w.eventually("it is called", func() bool {
		c := w.cart("voice")
		return c != nil && len(c.Calls) > 0 && c.Calls[0].SentAt != nil
	})
	c = w.cart("voice")
	proof := c.Calls[0].Consent
	require.NotNil(t, proof)
	assert.Equal(t, "attribute:automated_calls", proof.Basis)
	assert.Equal(t, "yes", proof.Value)
	assert.Equal(t, "2026-11", proof.TextVersion)
	assert.WithinDuration(t, before, *proof.At, time.Minute)
	assert.Empty(t, w.cart("sms").Calls, "text messages are no calls")

	status, told = w.api(http.MethodGet, "/api/v1/carts/"+c.ID.String(), nil)
	require.Equal(t, http.StatusOK, status)
	said = stepsOf(t, told, "consent")
	assert.Contains(t, said, "attribute:automated_calls: the attribute says yes, given at ")
	assert.Contains(t, said, "under text 2026-11, and names automated calls")
	shown := told["calls"].([]any)[0].(map[string]any)["consent"].(map[string]any)
	assert.Equal(t, "attribute:automated_calls", shown["basis"])
	assert.Equal(t, "yes", shown["value"])
	assert.Equal(t, "voice", shown["proves"])
	assert.Equal(t, "checkout", shown["source"])
	assert.Equal(t, "2026-11", shown["text_version"])
	assert.NotEmpty(t, shown["at"])

	ledger, err := w.db.Ledger(context.Background(), c.ID)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, explain.Tell(&c.Cart, ledger, explain.Options{}).Write(&text))
	assert.Contains(t, text.String(), "consent: attribute:automated_calls: yes, in words that name automated calls; "+
		"given at the checkout")

	// What the customer may ask for has the proof, too.
	w.took(shopify.CustomersDataRequest, map[string]any{
		"shop_id": 5, "shop_domain": acme, "customer": map[string]any{"phone": "+12125550102"}, "orders_requested": []int{},
		"data_request": map[string]any{"id": 9},
	})
	status, list := w.api(http.MethodGet, "/api/v1/privacy", nil)
	require.Equal(t, http.StatusOK, status)
	id := list["requests"].([]any)[0].(map[string]any)["id"].(string)
	status, export := w.api(http.MethodGet, "/api/v1/privacy/"+id, nil)
	require.Equal(t, http.StatusOK, status)
	call := export["carts"].([]any)[0].(map[string]any)["calls"].([]any)[0].(map[string]any)
	assert.Equal(t, shown, call["consent"])
}

// stepsOf joins what a rule saw in all entries of a cart's ledger.
func stepsOf(t *testing.T, told map[string]any, rule string) string {
	t.Helper()
	var all []string
	for _, e := range told["ledger"].([]any) {
		for _, s := range e.(map[string]any)["trace"].([]any) {
			if step := s.(map[string]any); step["rule"] == rule {
				all = append(all, step["saw"].(string))
			}
		}
	}
	return strings.Join(all, "\n")
}
