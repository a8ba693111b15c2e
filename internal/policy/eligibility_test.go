package policy

import (
	"cmp"
	"testing"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
)

func TestEligibility_EveryRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rules Eligibility
		cart  func(*cart.Cart)
		// rule and saw name the step that spoke; a "" rule means eligible.
		rule, saw string
		// reason is Ineligible where it is left out.
		reason cart.Reason
	}{
		{name: "nothing asked for"},
		{name: "enough", rules: Eligibility{MinTotal: amount("1895"), MaxTotal: amount("1895.00")}},
		{name: "too little", rules: Eligibility{MinTotal: amount("1895.01")}, rule: "eligibility.total",
			saw: "total 1895.00 INR, min 1895.01"},
		{name: "too much", rules: Eligibility{MaxTotal: amount("1000")}, rule: "eligibility.total", saw: "max 1000.00"},
		{
			name: "another currency", rules: Eligibility{MinTotal: amount("1")},
			cart: func(c *cart.Cart) { c.Checkout.Currency = "USD" },
			rule: "eligibility.total", saw: "total 1895.00 USD, min 1.00; the bounds are in INR",
		},
		{name: "a currency that is wanted", rules: Eligibility{Currencies: []string{"USD", "INR"}}},
		{name: "a currency that is not", rules: Eligibility{Currencies: []string{"USD"}}, rule: "eligibility.currency",
			saw: "INR"},
		{name: "a country that is wanted", rules: Eligibility{Countries: []string{"IN"}}},
		{name: "delivered elsewhere", rules: Eligibility{Countries: []string{"IN"}},
			cart: func(c *cart.Cart) { c.Checkout.Shipping.CountryCode = "US" },
			rule: "eligibility.country", saw: "number of IN, delivered to US"},
		{name: "a number of elsewhere", rules: Eligibility{ExcludeCountries: []string{"IN"}},
			cart: func(c *cart.Cart) { c.Checkout.Shipping.CountryCode = "US" },
			rule: "eligibility.country", saw: "number of IN"},
		{name: "no country known", rules: Eligibility{Countries: []string{"IN"}},
			cart: func(c *cart.Cart) { c.Country, c.Checkout.Shipping = "", nil },
			rule: "eligibility.country", saw: "number of unknown, delivered to unknown"},
		{name: "no country known, and one excluded", rules: Eligibility{ExcludeCountries: []string{"US"}},
			cart: func(c *cart.Cart) { c.Country, c.Checkout.Shipping = "", nil }},
		{name: "pieces", rules: Eligibility{MinItems: 2}},
		{name: "too few pieces", rules: Eligibility{MinItems: 3}, rule: "eligibility.min_items", saw: "2 pieces, min 3"},
		{name: "a SKU that is wanted", rules: Eligibility{SKUs: []string{"tee-1"}}},
		{name: "no SKU that is wanted", rules: Eligibility{SKUs: []string{"TEE-2"}}, rule: "eligibility.skus",
			saw: "0 items on the list"},
		{name: "a SKU that is excluded", rules: Eligibility{ExcludeSKUs: []string{"TEE-1"}}, rule: "eligibility.skus",
			saw: "holds TEE-1, which is excluded"},
		{name: "no SKU that is excluded", rules: Eligibility{ExcludeSKUs: []string{"TEE-2"}}},
		{name: "a product that is excluded", rules: Eligibility{ExcludeProducts: []string{"11"}},
			rule: "eligibility.products", saw: "holds 11"},
		{name: "a product that is wanted", rules: Eligibility{Products: []string{"11"}}},
		{name: "a vendor that is excluded", rules: Eligibility{ExcludeVendors: []string{"ACME"}},
			rule: "eligibility.vendors", saw: "excluded"},
		{name: "no vendor that is wanted", rules: Eligibility{Vendors: []string{"Other"}}, rule: "eligibility.vendors",
			saw: "0 items"},
		{name: "a tag that is wanted", rules: Eligibility{CustomerTags: []string{"vip"}}},
		{name: "no tag that is wanted", rules: Eligibility{CustomerTags: []string{"gold"}},
			rule: "eligibility.customer_tags", saw: "no tag of those asked for"},
		{name: "a tag that is excluded", rules: Eligibility{ExcludeCustomerTags: []string{"vip"}},
			rule: "eligibility.customer_tags", saw: "tag vip is excluded"},
		{name: "a source that is wanted", rules: Eligibility{Sources: []string{"web"}}},
		{name: "no source that is wanted", rules: Eligibility{Sources: []string{"pos"}}, rule: "eligibility.sources",
			saw: "no source"},
		{name: "a source that is excluded", rules: Eligibility{ExcludeSources: []string{"web"}}, rule: "eligibility.sources",
			saw: "source web is excluded"},
		{name: "free", cart: func(c *cart.Cart) { c.Checkout.Total = decimal.Zero }, rule: "eligibility.zero_total",
			saw: "costs nothing"},
		{name: "free, in another currency",
			cart: func(c *cart.Cart) { c.Checkout.Total, c.Checkout.Currency = decimal.RequireFromString("0.00"), "USD" },
			rule: "eligibility.zero_total", saw: "costs nothing"},
		{name: "less than free", cart: func(c *cart.Cart) { c.Checkout.Total = decimal.NewFromInt(-1) },
			rule: "eligibility.zero_total", saw: "costs nothing"},
		{name: "free, which the store wants", rules: Eligibility{ZeroTotal: true},
			cart: func(c *cart.Cart) { c.Checkout.Total = decimal.Zero }},
		{name: "nearly free", cart: func(c *cart.Cart) { c.Checkout.Total = decimal.RequireFromString("0.01") }},
		{name: "a test", cart: func(c *cart.Cart) { c.Checkout.Test = true }, rule: "eligibility.test",
			saw: "a test checkout", reason: cart.Test},
		{name: "a test that is let through", rules: Eligibility{Test: true},
			cart: func(c *cart.Cart) { c.Checkout.Test = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := Facts{Cart: due(), Queried: &QueriedFacts{}}
			if c.cart != nil {
				c.cart(f.Cart)
			}
			d := Decide(rulesWith(t, func(r *Rules) {
				r.Eligibility = c.rules
				// A number of no country is called only where the store says so.
				r.Jurisdictions = map[string]Override{everywhere: {Calls: "on"}}
			}), f, noonInIndia)
			if c.rule == "" {
				assert.Equal(t, cart.ActCall, d.Action, "%v", d.Trace)
				return
			}
			assert.Equal(t, cart.ActWatch, d.Action)
			assert.Equal(t, cmp.Or(c.reason, cart.Ineligible), d.Reason)
			step := stepOf(t, d, c.rule)
			assert.Equal(t, cart.VerdictWatch, step.Verdict)
			assert.Contains(t, step.Saw, c.saw)
		})
	}
}

func TestTrace_AmountsAreExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "1895": "1895.00", "1895.5": "1895.50", "0.05": "0.05", "-3.1": "-3.10", "12.345": "12.345", "1e3": "1000",
		"0.00001": "0.00001", "98765432109876543210.12": "98765432109876543210.12",
	} {
		var tr tracer
		tr.sayAmount(decimal.RequireFromString(text))
		assert.Equal(t, want, string(tr.buf), text)
	}
}

func TestDecide_CartWithoutItemsIsWatched(t *testing.T) {
	t.Parallel()
	for name, items := range map[string][]cart.Item{
		"no list":               nil,
		"an empty list":         {},
		"a line of no pieces":   {{SKU: "TEE-1", Quantity: 0}},
		"lines of no pieces":    {{SKU: "TEE-1"}, {SKU: "TEE-2"}},
		"a price but no pieces": {{SKU: "TEE-1", Price: decimal.NewFromInt(100)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, queried := range []*QueriedFacts{nil, {}} {
				for _, forced := range []bool{false, true} {
					f := Facts{Cart: due(), Queried: queried, Forced: forced}
					f.Cart.Checkout.Items = items
					d := Decide(rulesWith(t, nil), f, noonInIndia)
					assert.Equal(t, cart.ActWatch, d.Action)
					assert.Equal(t, cart.EmptyCart, d.Reason)
					assert.Equal(t, cart.VerdictWatch, stepOf(t, d, "items").Verdict)
				}
			}
		})
	}
	f := Facts{Cart: due(), Queried: &QueriedFacts{}}
	f.Cart.Checkout.Items = []cart.Item{{SKU: "TEE-1"}, {SKU: "TEE-2", Quantity: 1}}
	assert.Equal(t, cart.ActCall, Decide(rulesWith(t, nil), f, noonInIndia).Action, "one piece is enough")
}

func TestDecide_AmountsAreComparedInTheStoreCurrencyOnly(t *testing.T) {
	t.Parallel()
	thousand := amount("1000")
	in := func(total, currency string) func(*cart.Checkout) {
		return func(c *cart.Checkout) { c.Total, c.Currency = decimal.RequireFromString(total), currency }
	}
	told := func(total, currency string) func(*cart.Checkout) {
		return func(c *cart.Checkout) {
			c.ShopMoney = &cart.ShopMoney{Currency: currency, Total: decimal.RequireFromString(total)}
		}
	}
	for name, c := range map[string]struct {
		changes                    []func(*cart.Checkout)
		eligible, priority, offers bool
	}{
		"its own":             {[]func(*cart.Checkout){in("1895", "INR")}, true, true, true},
		"its own, too little": {[]func(*cart.Checkout){in("999", "INR")}, false, false, false},
		"few of another":      {[]func(*cart.Checkout){in("89", "USD")}, false, false, false},
		"many of another":     {[]func(*cart.Checkout){in("12000", "JPY")}, false, false, false},
		"of none":             {[]func(*cart.Checkout){in("12000", "")}, false, false, false},
		"another, told in its own": {[]func(*cart.Checkout){in("89", "USD"), told("7400", "INR")}, true, true,
			false},
		"another, told in its own, too few": {[]func(*cart.Checkout){in("12000", "JPY"), told("900", "INR")}, false, false,
			false},
		"another, told in a third": {[]func(*cart.Checkout){in("89", "USD"), told("7400", "EUR")}, false, false,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decide := func(change func(*Rules)) cart.Decision {
				f := Facts{Cart: due(), Queried: &QueriedFacts{}}
				for _, change := range c.changes {
					change(&f.Cart.Checkout)
				}
				return Decide(rulesWith(t, change), f, noonInIndia)
			}
			d := decide(func(r *Rules) { r.Eligibility.MinTotal = thousand })
			assert.Equal(t, c.eligible, d.Action == cart.ActCall)
			d = decide(func(r *Rules) { r.PriorityAbove = thousand })
			assert.Equal(t, c.priority, d.Priority)
			d = decide(func(r *Rules) {
				r.Offers = []OfferRule{{Code: "X", Value: decimal.NewFromInt(100), Type: OfferFixed,
					When: OfferWhen{MinTotal: thousand}}}
			})
			assert.Equal(t, c.offers, d.Offer != nil)
			d = decide(func(r *Rules) {
				r.Offers = []OfferRule{{Code: "X", Value: decimal.NewFromInt(10), Type: OfferPercentage,
					When: OfferWhen{MinTotal: thousand}}}
			})
			assert.Equal(t, c.eligible, d.Offer != nil)
		})
	}
}
