package mirai

import (
	"encoding/json"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/voice"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPayload_ForeignAmountsAreNotSentAsShopMoney(t *testing.T) {
	t.Parallel()
	shop := &cart.ShopMoney{Currency: "INR", Total: decimal.NewFromInt(7400)}
	for name, c := range map[string]struct {
		store, currency string
		told            *cart.ShopMoney
		want            string
	}{
		"the shop's":             {"INR", "INR", nil, `{"shopMoney":{"amount":"89.00"}}`},
		"the shop's, small":      {"INR", "inr", nil, `{"shopMoney":{"amount":"89.00"}}`},
		"another":                {"INR", "USD", nil, `{}`},
		"another, told":          {"INR", "USD", shop, `{"shopMoney":{"amount":"7400.00"}}`},
		"another, told in wrong": {"EUR", "USD", shop, `{}`},
		"unknown":                {"INR", "", nil, `{"shopMoney":{"amount":"89.00"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := abandonedCart(voice.Request{Phone: "+919876543210", StoreCurrency: c.store, Checkout: cart.Checkout{
				Currency: c.currency, Total: decimal.NewFromInt(89), ShopMoney: c.told,
				Items:    []cart.Item{{Title: "Kurta", Quantity: 1}},
				TaxLines: []cart.TaxLine{{Title: "VAT", Price: decimal.NewFromInt(1)}},
			}})
			require.NoError(t, err)
			got, err := json.Marshal(p.TotalPriceSet)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, string(got))
			assert.Equal(t, c.currency == "USD", p.TaxLines[0].Price == "", "a tax is in the same currency")
		})
	}
}
