package policy

import (
	"regexp"
	"strings"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadPhone_PicksTheNumberToCall(t *testing.T) {
	t.Parallel()
	address := func(country string) *cart.Address { return &cart.Address{CountryCode: country} }
	sms := func(r *Rules) { r.Consent = On(ConsentSMS) }
	for _, c := range []struct {
		name     string
		checkout cart.Checkout
		rules    func(*Rules)
		store    string
		want     Phone
	}{
		{name: "nothing"},
		{
			name: "national, in the country of its address",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "shipping", Number: "98765 43210", Country: "IN"}},
				Billing: address("US")},
			want: Phone{"+919876543210", "shipping", "IN"},
		},
		{
			name:     "national, in the delivery address's country",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "020 7123 4567"}}, Shipping: address("GB")},
			store:    "IN",
			want:     Phone{"+442071234567", "phone", "GB"},
		},
		{
			name:     "national, in the store's country",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "customer", Number: "098765-43210"}}},
			store:    "in",
			want:     Phone{"+919876543210", "customer", "IN"},
		},
		{
			name:     "international, whatever the countries say",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "+1(502)-459-2181", Country: "IN"}}},
			store:    "GB",
			want:     Phone{"+15024592181", "phone", "US"},
		},
		{
			name:     "international, with no country known",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "+33 6 12 34 56 78"}}},
			want:     Phone{"+33612345678", "phone", "FR"},
		},
		{
			name: "the first that is valid",
			checkout: cart.Checkout{Phones: []cart.RawPhone{
				{From: "phone", Number: "12345"}, {From: "customer", Number: ""}, {From: "shipping",
					Number: "9876543210"}, {From: "billing", Number: "9876543211"},
			}},
			store: "IN",
			want:  Phone{"+919876543210", "shipping", "IN"},
		},
		{
			name:     "letters that are no number",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "555-555-SHIP"}}},
			store:    "US",
			want:     Phone{},
		},
		{
			name:     "letters that a keypad would turn into a number",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "502-459-SHIP"}}},
			store:    "US",
			want:     Phone{},
		},
		{
			name:     "a premium number",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "+1 900 234 5678"}}},
			want:     Phone{},
		},
		{
			name: "a shared-cost number",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone", Number: "+33 810 123 456"},
				{From: "billing", Number: "+33 6 12 34 56 78"}}},
			want: Phone{"+33612345678", "billing", "FR"},
		},
		{
			name: "the number with the SMS consent goes first",
			checkout: cart.Checkout{SMSPhone: "+919876543211",
				Phones: []cart.RawPhone{{From: "phone", Number: "+919876543210"}}},
			rules: sms,
			want:  Phone{"+919876543211", "sms_marketing", "IN"},
		},
		{
			name: "but only where that is the basis",
			checkout: cart.Checkout{SMSPhone: "+919876543211",
				Phones: []cart.RawPhone{{From: "phone", Number: "+919876543210"}}},
			want: Phone{"+919876543210", "phone", "IN"},
		},
		{
			name: "an absurdly long one",
			checkout: cart.Checkout{Phones: []cart.RawPhone{{From: "phone",
				Number: "+91 9876543210 " + strings.Repeat("call me ", 20)}}},
			want: Phone{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := DefaultRules()
			r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
			if c.rules != nil {
				c.rules(&r)
			}
			assert.Equal(t, c.want, ReadPhone(c.checkout, &r, c.store))
		})
	}
}

var e164 = regexp.MustCompile(`^\+[1-9]\d{5,14}$`)

func FuzzReadPhone(f *testing.F) {
	for _, seed := range []string{"98765 43210", "+1(502)-459-2181", "555-555-SHIP", "", "+", "00",
		"tel:+1-800-555;ext=5", "+91९८७६५४३२१०", "\x00\xff", "*#06#"} {
		f.Add(seed, "IN", "US", "GB")
	}
	f.Add("9876543210", "", "zz", "Ω")
	f.Fuzz(func(t *testing.T, number, country, address, store string) {
		r := DefaultRules()
		r.Consent = On(ConsentSMS)
		c := cart.Checkout{
			SMSPhone: number,
			Phones:   []cart.RawPhone{{From: "phone", Number: number, Country: country}},
			Shipping: &cart.Address{CountryCode: address},
		}
		p := ReadPhone(c, &r, store)
		if p.Number == "" {
			require.Equal(t, Phone{}, p)
			return
		}
		require.Regexp(t, e164, p.Number)
		require.Equal(t, p.Number, Number(p.Number, ""), "what was read reads as itself")
	})
}
