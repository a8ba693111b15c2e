package policy

import (
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
)

func TestConsent_EveryBasis(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, c := range []struct {
		name  string
		basis string
		cart  cart.Cart
		want  bool
		saw   string
	}{
		{name: "none asked for", basis: ConsentNotRequired, want: true, saw: "the store requires none"},
		{name: "marketing", basis: ConsentMarketing, cart: cart.Cart{Checkout: cart.Checkout{AcceptsMarketing: &yes}},
			want: true, saw: "marketing accepted"},
		{name: "marketing refused", basis: ConsentMarketing,
			cart: cart.Cart{Checkout: cart.Checkout{AcceptsMarketing: &no, AcceptsSMS: &yes}}, saw: "marketing not accepted"},
		{name: "marketing not told", basis: ConsentMarketing, saw: "does not say"},
		{name: "SMS", basis: ConsentSMS, cart: cart.Cart{Checkout: cart.Checkout{AcceptsSMS: &yes}}, want: true,
			saw: "SMS marketing accepted"},
		{name: "SMS withdrawn", basis: ConsentSMS,
			cart: cart.Cart{Checkout: cart.Checkout{AcceptsSMS: &no, AcceptsMarketing: &yes}}, saw: "not accepted"},
		{name: "SMS not told", basis: ConsentSMS, cart: cart.Cart{Checkout: cart.Checkout{AcceptsMarketing: &yes}},
			saw: "does not say"},
		{
			name: "SMS for the number called, as typed", basis: ConsentSMS, want: true, saw: "SMS marketing accepted",
			cart: cart.Cart{Phone: "+919876543210", Country: "IN", PhoneFrom: "shipping",
				Checkout: cart.Checkout{AcceptsSMS: &yes, SMSPhone: "098765 43210"}},
		},
		{
			name: "SMS for a number in letters", basis: ConsentSMS, saw: "for another number",
			cart: cart.Cart{Phone: "+15024597447", Country: "US", PhoneFrom: "phone",
				Checkout: cart.Checkout{AcceptsSMS: &yes, SMSPhone: "502-459-SHIP"}},
		},
		{
			name: "SMS for another number", basis: ConsentSMS, saw: "for another number",
			cart: cart.Cart{Phone: "+919876543210", Country: "IN", PhoneFrom: "shipping",
				Checkout: cart.Checkout{AcceptsSMS: &yes, SMSPhone: "+919876543211"}},
		},
		{
			name: "SMS for what is no number", basis: ConsentSMS, saw: "for another number",
			cart: cart.Cart{Phone: "+919876543210", Country: "IN", PhoneFrom: "shipping",
				Checkout: cart.Checkout{AcceptsSMS: &yes, SMSPhone: "3210"}},
		},
		{name: "attribute", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"call_me": "Yes"}}}, want: true,
			saw: "says yes"},
		{name: "attribute in other letters", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"Call_Me ": "on"}}}, want: true,
			saw: "says yes"},
		{name: "attributes that disagree", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"Call_Me": "yes", "CALL_ME": "no"}}},
			saw:  "does not say yes"},
		{name: "attribute that says no", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"call_me": "no"}}}, saw: "does not say yes"},
		{name: "no attribute", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{AcceptsMarketing: &yes, AcceptsSMS: &yes}}, saw: "no such attribute"},
		{name: "the exact name wins", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"call_me": "no", "CALL_ME": "yes"}}},
			saw:  "does not say yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			saw, ok := consented(c.basis, "call_me", &c.cart)
			assert.Equal(t, c.want, ok)
			assert.Contains(t, saw, c.saw)
		})
	}
}

func TestConsent_WordsThatMeanYes(t *testing.T) {
	t.Parallel()
	for _, yes := range []string{"yes", "YES", " Yes ", "true", "1", "on", "y", "accepted"} {
		assert.True(t, truthy(yes), yes)
	}
	for _, no := range []string{"", "no", "false", "0", "off", "n", "maybe", "yes please call my lawyer", "-1"} {
		assert.False(t, truthy(no), no)
	}
}

func TestConsentShortfall_NamesTheCountrysNeed(t *testing.T) {
	t.Parallel()
	rules := func(consent string) *Rules {
		r := DefaultRules()
		r.Consent = consent
		return &r
	}
	for _, country := range []string{"US", "ca", "GB", "DE", "FR", "PL", "ES", "IT", "AE", "ZA"} {
		assert.Contains(t, ConsentShortfall(rules(ConsentNotRequired), country), "not_required", country)
		assert.Contains(t, ConsentShortfall(rules(ConsentMarketing), country), "sms_marketing", country)
		assert.Empty(t, ConsentShortfall(rules(ConsentSMS), country), country)
		assert.Empty(t, ConsentShortfall(rules("attribute:call_me"), country), country)
	}
	for _, country := range []string{"IN", "AU", "BR", "NZ", "JP", "", "XX"} {
		assert.Empty(t, ConsentShortfall(rules(ConsentNotRequired), country), country)
	}
}
