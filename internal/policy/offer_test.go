package policy

import (
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOffer_FirstThatFitsGoesOut(t *testing.T) {
	t.Parallel()
	ten := func(when OfferWhen) OfferRule {
		return OfferRule{When: when, Code: "TEN", Value: decimal.NewFromInt(10), Type: OfferPercentage}
	}
	fifty := OfferRule{Code: "FIFTY", Value: decimal.NewFromInt(50), Type: OfferFixed, ApplyAs: OfferOverride}
	yes, no, none, some := true, false, 0, 3
	for _, c := range []struct {
		name  string
		rules func(*Rules)
		cart  func(*cart.Cart)
		facts QueriedFacts
		// code is the one given, "" for none; saw is what the step says.
		code, saw string
	}{
		{name: "first match wins",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Attempt: 2}), ten(OfferWhen{}), fifty} }, code: "TEN",
			saw: "offer 2 (TEN) fits"},
		{name: "none fits", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Attempt: 2})} },
			saw: "none of 1 fits"},
		{name: "by attempt", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Attempt: 1})} }, code: "TEN"},
		{name: "by total", rules: func(r *Rules) {
			r.Offers = []OfferRule{ten(OfferWhen{MinTotal: amount("1895"), MaxTotal: amount("1895")})}
		}, code: "TEN"},
		{name: "total too small", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MinTotal: amount("1896")})} }},
		{name: "total in another currency",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MinTotal: amount("1")})} },
			cart:  func(c *cart.Cart) { c.Checkout.Currency = "USD" }},
		{name: "total in the offer's currency",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MinTotal: amount("1"), Currency: "USD"})} },
			cart:  func(c *cart.Cart) { c.Checkout.Currency = "USD" }, code: "TEN"},
		{name: "another than the offer's currency",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Currency: "USD"})} }},
		{name: "an amount is not given in another currency", rules: func(r *Rules) { r.Offers = []OfferRule{fifty} },
			cart: func(c *cart.Cart) { c.Checkout.Currency = "USD" }},
		{name: "by pieces", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MinItems: 2, MaxItems: 2})} },
			code: "TEN"},
		{name: "too few pieces", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MinItems: 3})} }},
		{name: "too many pieces", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{MaxItems: 1})} }},
		{name: "first-time customer",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Customer: CustomerFirstTime})} },
			cart:  func(c *cart.Cart) { c.Checkout.Customer.Orders = &none }, code: "TEN"},
		{name: "not a first-time customer",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Customer: CustomerFirstTime})} },
			cart:  func(c *cart.Cart) { c.Checkout.Customer.Orders = &some }},
		{name: "returning customer",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Customer: CustomerReturning})} },
			cart:  func(c *cart.Cart) { c.Checkout.Customer.Orders = &some }, code: "TEN"},
		{name: "a customer of whom nothing is known is neither", rules: func(r *Rules) {
			r.Offers = []OfferRule{ten(OfferWhen{Customer: CustomerReturning}), ten(OfferWhen{Customer: CustomerFirstTime})}
		}},
		{name: "by tag", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Tags: []string{"gold", "vip"}})} },
			code: "TEN"},
		{name: "without the tag", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{Tags: []string{"gold"}})} }},
		{name: "asks for a code", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{HasCode: &yes})} }},
		{name: "asks for a code, and has one",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{HasCode: &yes})} },
			cart:  func(c *cart.Cart) { c.Checkout.Codes = []cart.DiscountCode{{Code: "OTHER"}} }, code: "TEN"},
		{name: "asks for no code, and has one",
			rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{HasCode: &no})} },
			cart:  func(c *cart.Cart) { c.Checkout.Codes = []cart.DiscountCode{{Code: "OTHER"}} }},
		{name: "carries the code already", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{})} },
			cart: func(c *cart.Cart) { c.Checkout.Codes = []cart.DiscountCode{{Code: "ten"}} }, saw: "carries its code already"},
		{name: "given one lately",
			rules: func(r *Rules) { r.Offers, r.OfferCooldown = []OfferRule{ten(OfferWhen{})}, 720*time.Hour },
			facts: QueriedFacts{OffersGiven: []GivenOffer{{At: noonInIndia.Add(-719 * time.Hour)}}},
			saw:   "was given one within 720h"},
		{name: "given one long ago",
			rules: func(r *Rules) { r.Offers, r.OfferCooldown = []OfferRule{ten(OfferWhen{})}, 720*time.Hour },
			facts: QueriedFacts{OffersGiven: []GivenOffer{{At: noonInIndia.Add(-720 * time.Hour)}}}, code: "TEN"},
		{name: "no cool-down", rules: func(r *Rules) { r.Offers = []OfferRule{ten(OfferWhen{})} },
			facts: QueriedFacts{OffersGiven: []GivenOffer{{At: noonInIndia.Add(-time.Hour)}}}, code: "TEN"},
		{name: "within the budget",
			rules: func(r *Rules) { r.Offers, r.OfferBudget.Monthly = []OfferRule{ten(OfferWhen{})}, amount("1000") },
			facts: QueriedFacts{OfferSpend: decimal.RequireFromString("810.50")}, code: "TEN"},
		{name: "beyond the budget",
			rules: func(r *Rules) { r.Offers, r.OfferBudget.Monthly = []OfferRule{ten(OfferWhen{})}, amount("1000") },
			facts: QueriedFacts{OfferSpend: decimal.RequireFromString("810.51")},
			saw:   "the month's budget of 1000.00 does not allow it"},
		{name: "an amount beyond the budget",
			rules: func(r *Rules) { r.Offers, r.OfferBudget.Monthly = []OfferRule{fifty}, amount("1000") },
			facts: QueriedFacts{OfferSpend: decimal.RequireFromString("951")}, saw: "does not allow it"},
		{name: "the budget in another currency",
			rules: func(r *Rules) { r.Offers, r.OfferBudget.Monthly = []OfferRule{ten(OfferWhen{})}, amount("1000") },
			cart:  func(c *cart.Cart) { c.Checkout.Currency = "USD" },
			facts: QueriedFacts{OfferSpend: decimal.RequireFromString("999")}, code: "TEN"},
		{name: "the spent budget in another currency",
			rules: func(r *Rules) { r.Offers, r.OfferBudget.Monthly = []OfferRule{ten(OfferWhen{})}, amount("1000") },
			cart:  func(c *cart.Cart) { c.Checkout.Currency = "USD" },
			facts: QueriedFacts{OfferSpend: decimal.RequireFromString("1000")}, saw: "does not allow it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := Facts{Cart: due(), Queried: &c.facts}
			if c.cart != nil {
				c.cart(f.Cart)
			}
			d := Decide(rulesWith(t, c.rules), f, noonInIndia)
			require.Equal(t, cart.ActCall, d.Action)
			assert.Contains(t, stepOf(t, d, "offer").Saw, c.saw)
			if c.code == "" {
				assert.Nil(t, d.Offer)
				return
			}
			require.NotNil(t, d.Offer)
			assert.Equal(t, c.code, d.Offer.Code)
		})
	}
}

func TestOffer_GoesOutAsConfigured(t *testing.T) {
	t.Parallel()
	r := rulesWith(t, func(r *Rules) {
		r.Offers = []OfferRule{{
			Code: "BACK", Value: decimal.RequireFromString("7.5"), Type: OfferPercentage, ApplyAs: OfferOverride,
			Description: "seven and a half per cent", Source: OfferUnique, Fallback: "BACK5", EndsAfter: 48 * time.Hour,
		}}
	})
	assert.Equal(t, &cart.Offer{
		Code: "BACK", Value: decimal.RequireFromString("7.5"), Type: "percentage", ApplyAs: "override",
		Description: "seven and a half per cent", Unique: true, Fallback: "BACK5", EndsAfter: 48 * time.Hour,
	}, Decide(r, Facts{Cart: due(), Queried: &QueriedFacts{}}, noonInIndia).Offer)

	plain := rulesWith(t, func(r *Rules) {
		r.Offers = []OfferRule{{Code: "BACK", Value: decimal.NewFromInt(5), Type: OfferFixed}}
	})
	offer := Decide(plain, Facts{Cart: due(), Queried: &QueriedFacts{}}, noonInIndia).Offer
	assert.Equal(t, OfferAdditional, offer.ApplyAs)
	assert.False(t, offer.Unique)
}
