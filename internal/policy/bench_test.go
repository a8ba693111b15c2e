package policy

import (
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// fullRules use every rule there is.
func fullRules() Rules {
	r := DefaultRules()
	r.Consent = On("attribute:call_me")
	r.Eligibility = Eligibility{
		MinTotal: amount("500"), MaxTotal: amount("50000"), Currencies: []string{"INR", "USD"},
		Countries:        []string{"IN", "US", "GB"},
		ExcludeCountries: []string{"AE"}, ExcludeSKUs: []string{"GIFT-1", "GIFT-2"}, ExcludeProducts: []string{"1", "2"},
		ExcludeVendors: []string{"Nobody"}, ExcludeCustomerTags: []string{"wholesale", "staff"}, Sources: []string{"web"},
		MinItems: 1,
	}
	r.Windows = []Window{
		{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "10:00", To: "13:00"},
		{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "12:00", To: "19:00"},
		{Days: []string{"sat"}, From: "10:00", To: "14:00"},
	}
	r.Holidays = []string{"2026-10-02", "2026-11-08", "2026-12-25"}
	r.Attempts.Max = 3
	r.Attempts.Spacing.Backoff = 2
	r.Attempts.Spacing.OtherTimeOfDay = true
	r.Caps = Caps{DailyCalls: 500, PerPhone: []Cap{
		{Calls: 1, Every: time.Hour}, {Calls: 3, Every: 24 * time.Hour}, {Calls: 8, Every: 720 * time.Hour, Scope: ScopeShop},
	}}
	r.PriorityAbove = amount("5000")
	r.Offers = []OfferRule{
		{When: OfferWhen{Attempt: 3, MinTotal: amount("9000")}, Code: "COMEBACK20", Value: decimal.NewFromInt(20),
			Type: OfferPercentage},
		{When: OfferWhen{Customer: CustomerReturning, Tags: []string{"vip"}}, Code: "VIP", Value: decimal.NewFromInt(15),
			Type: OfferPercentage},
		{When: OfferWhen{Attempt: 2, MinTotal: amount("1000")}, Code: "COMEBACK10", Value: decimal.NewFromInt(10),
			Type: OfferPercentage},
	}
	r.OfferCooldown = 720 * time.Hour
	r.OfferBudget.Monthly = amount("20000")
	r.Holdout = 0.01
	return r
}

// amount reads an optional amount of money.
func amount(text string) *decimal.Decimal {
	d := decimal.RequireFromString(text)
	return &d
}

// fullFacts are a cart at its second attempt with all facts loaded, due at the instant returned and close to no limit.
func fullFacts(phone, country string) (Facts, time.Time) {
	now := time.Date(2026, time.September, 16, 15, 30, 0, 0, time.UTC)
	sent, ended := now.Add(-22*time.Hour), now.Add(-21*time.Hour)
	orders := 0
	c := &cart.Cart{
		Shop: testShop, State: cart.Waiting, Phone: phone, Country: country, PhoneFrom: "shipping", Attempts: 1, Arm: "",
		LastActivityAt: now.Add(-30 * time.Hour),
		Calls: []cart.Call{{State: cart.Closed, Outcome: cart.NoAnswer, SentAt: &sent, EndedAt: &ended,
			CreatedAt: sent}},
		Checkout: cart.Checkout{
			Currency: "INR", Total: decimal.RequireFromString("1895.00"), SourceName: "web",
			Attributes: map[string]string{"call_me": "Yes"},
			Customer:   cart.Customer{Tags: []string{"newsletter"}, Orders: &orders},
			Items: []cart.Item{{SKU: "A-1", ProductID: "11", Vendor: "Acme", Quantity: 2},
				{SKU: "A-2", ProductID: "12", Vendor: "Acme", Quantity: 1}},
		},
	}
	queried := &QueriedFacts{Dials: []Dial{{At: sent, Shop: testShop},
		{At: now.Add(-200 * time.Hour), Shop: "other.myshopify.com"}}}
	for i := range 100 {
		queried.ShopCalls = append(queried.ShopCalls, now.Add(-time.Duration(i)*13*time.Minute))
	}
	return Facts{Cart: c, Queried: queried}, now
}

const testShop = "acme.myshopify.com"

var testStore = Store{Shop: testShop, Timezone: "Asia/Kolkata", Country: "IN", Currency: "INR"}

func BenchmarkDecide(b *testing.B) {
	for _, who := range []struct{ name, phone, country string }{
		{"one zone", "+12125550123", "US"},
		{"two zones", "+12705551234", "US"},
	} {
		b.Run(who.name, func(b *testing.B) {
			r := fullRules()
			require.NoError(b, r.Compile(testStore))
			f, now := fullFacts(who.phone, who.country)
			require.Equal(b, cart.ActCall, Decide(&r, f, now).Action)
			b.ReportAllocs()
			for b.Loop() {
				Decide(&r, f, now)
			}
		})
	}
}

func BenchmarkDecideWait(b *testing.B) {
	r := fullRules()
	require.NoError(b, r.Compile(testStore))
	f, now := fullFacts("+919876543210", "IN")
	require.Equal(b, cart.ActWait, Decide(&r, f, now).Action)
	b.ReportAllocs()
	for b.Loop() {
		Decide(&r, f, now)
	}
}

func BenchmarkOpening(b *testing.B) {
	for _, who := range []struct{ name, phone, country string }{
		{"India", "+919876543210", "IN"},
		{"New York", "+12125550123", "US"},
		{"Kentucky, two zones", "+12705551234", "US"},
		{"France, two spans", "+33612345678", "FR"},
	} {
		b.Run(who.name, func(b *testing.B) {
			r := fullRules()
			require.NoError(b, r.Compile(testStore))
			f, now := fullFacts(who.phone, who.country)
			saturdayNight := now.AddDate(0, 0, 3).Add(8 * time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				nextOpening(&r, f.Cart, saturdayNight)
			}
		})
	}
}

func BenchmarkReadPhone(b *testing.B) {
	r := DefaultRules()
	r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
	c := cart.Checkout{Phones: []cart.RawPhone{{From: "shipping", Number: "98765 43210", Country: "IN"}}}
	b.ReportAllocs()
	for b.Loop() {
		ReadPhone(c, &r, "IN")
	}
}
