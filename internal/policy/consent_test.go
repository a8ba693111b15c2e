package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		{name: "tag", basis: "tag:calls-ok", want: true, saw: "has the tag",
			cart: cart.Cart{Checkout: cart.Checkout{Customer: cart.Customer{Tags: []string{"vip", "Calls-OK"}}}}},
		{name: "no tag", basis: "tag:calls-ok", saw: "no such tag"},
		{name: "metafield", basis: "metafield:custom.calls", want: true, saw: "says yes",
			cart: cart.Cart{Checkout: cart.Checkout{Customer: cart.Customer{
				Metafields: map[string]cart.Metafield{"custom.calls": {Value: "true"}}}}}},
		{name: "metafield that says no", basis: "metafield:custom.calls", saw: "does not say yes",
			cart: cart.Cart{Checkout: cart.Checkout{Customer: cart.Customer{
				Metafields: map[string]cart.Metafield{"custom.calls": {Value: "false"}}}}}},
		{name: "no metafield", basis: "metafield:custom.calls", saw: "not known"},
		{name: "no attribute", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{AcceptsMarketing: &yes, AcceptsSMS: &yes}}, saw: "no such attribute"},
		{name: "the exact name wins", basis: "attribute:call_me",
			cart: cart.Cart{Checkout: cart.Checkout{Attributes: map[string]string{"call_me": "no", "CALL_ME": "yes"}}},
			saw:  "does not say yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, ok := (&Rules{}).find(Basis{Basis: c.basis}, &c.cart)
			assert.Equal(t, c.want, ok)
			assert.Contains(t, f.saw, c.saw)
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
	rules := func(bases ...Basis) *Rules {
		r := DefaultRules()
		r.Consent = bases
		require.NoError(t, r.Compile(testStore))
		return &r
	}
	voice := Basis{"attribute:call_me", cart.ProvesVoice}
	for _, country := range []string{"US", "ca", "GB", "DE", "FR", "PL", "AU", "ES", "IT", "AE", "IN", "ZA", "PR"} {
		for _, basis := range []string{ConsentNotRequired, ConsentMarketing, ConsentSMS, "attribute:call_me"} {
			shortfall := ConsentShortfall(rules(Basis{Basis: basis}), country, false)
			assert.Contains(t, shortfall, basis+" does not prove", country)
			assert.Contains(t, shortfall, "proves: voice", country)
		}
		assert.Empty(t, ConsentShortfall(rules(voice), country, false), country)
		assert.Empty(t, ConsentShortfall(rules(Basis{Basis: ConsentSMS}, voice), country, false), country)
		accepting := rules(Basis{Basis: ConsentSMS})
		accepting.AcceptWeakerConsent = []string{strings.ToUpper(country)}
		assert.Empty(t, ConsentShortfall(accepting, country, false), country)
	}
	for _, country := range []string{"BR", "NZ", "JP", "", "XX"} {
		assert.Empty(t, ConsentShortfall(rules(Basis{Basis: ConsentNotRequired}), country, false), country)
	}
	assert.Contains(t, ConsentShortfall(rules(voice), "KR", false), "no row")
	assert.Contains(t, ConsentShortfall(rules(voice), "AR", false), "AR-NOLLAME")
	assert.Empty(t, ConsentShortfall(rules(voice), "AR", true), "the precheck asks it")
	assert.NotEmpty(t, ConsentShortfall(rules(Basis{Basis: ConsentSMS}), "US", true), "no registry helps there")
}

// noonInNewYork is a Monday.
var noonInNewYork = time.Date(2026, time.September, 14, 16, 0, 0, 0, time.UTC)

// american is a cart of New York that has SMS consent, and in which the customer ticked what the attributes say.
func american(attributes map[string]string) *cart.Cart {
	yes := true
	c := due()
	c.Phone, c.Country, c.PhoneFrom = "+12125550123", "US", "shipping"
	c.LastActivityAt = noonInNewYork.Add(-time.Hour)
	c.Checkout.AcceptsSMS, c.Checkout.Attributes, c.Checkout.UpdatedAt = &yes, attributes, c.LastActivityAt
	c.Checkout.Shipping = &cart.Address{CountryCode: "US", ProvinceCode: "NY"}
	return c
}

func consentRules(t testing.TB, change func(*Rules)) *Rules {
	t.Helper()
	return rulesWith(t, func(r *Rules) {
		r.Consent, r.AcceptWeakerConsent = Bases{{ConsentSMS, ""}, {"attribute:call_me", cart.ProvesVoice}}, nil
		r.ConsentText = ConsentText{Version: "2026-11", Text: "You may call me with an automated voice."}
		if change != nil {
			change(r)
		}
	})
}

func TestConsent_MarketingIsNotEnoughWhereTheLawWantsVoice(t *testing.T) {
	t.Parallel()
	r := consentRules(t, nil)
	facts := func(c *cart.Cart) Facts { return Facts{Cart: c, Queried: &QueriedFacts{}} }
	d := Decide(r, facts(american(nil)), noonInNewYork)
	assert.Equal(t, cart.ActWatch, d.Action)
	assert.Equal(t, cart.NoConsent, d.Reason)
	step := stepOf(t, d, "consent")
	assert.Contains(t, step.Saw, "sms_marketing: SMS marketing accepted")
	assert.Contains(t, step.Saw, "US requires consent that names automated or AI voice calls (47 CFR 64.1200")
	assert.Contains(t, step.Saw, "attribute:call_me: the checkout has no such attribute")

	d = Decide(r, facts(american(map[string]string{"call_me": "yes"})), noonInNewYork)
	require.Equal(t, cart.ActCall, d.Action)
	given := noonInNewYork.Add(-time.Hour)
	assert.Equal(t, &cart.Consent{Basis: "attribute:call_me", Value: "yes", Proves: "voice", At: &given,
		Source: cart.FromCheckout, TextVersion: "2026-11"}, d.Consent)
	step = stepOf(t, d, "consent")
	assert.Contains(t, step.Saw, "given at 2026-09-14T15:00:00Z under text 2026-11, and names automated calls")

	// quiet_hours does not bear on it. Accepting less in writing does.
	d = Decide(consentRules(t, func(r *Rules) { r.QuietHours = QuietOff }), facts(american(nil)), noonInNewYork)
	assert.Equal(t, cart.NoConsent, d.Reason)
	elsewhere := consentRules(t, func(r *Rules) { r.AcceptWeakerConsent = []string{"GB"} })
	d = Decide(elsewhere, facts(american(nil)), noonInNewYork)
	assert.Equal(t, cart.NoConsent, d.Reason)
	here := consentRules(t, func(r *Rules) { r.AcceptWeakerConsent = []string{"US"} })
	d = Decide(here, facts(american(nil)), noonInNewYork)
	require.Equal(t, cart.ActCall, d.Action)
	assert.True(t, d.Consent.Weaker)
	assert.Contains(t, stepOf(t, d, "consent").Saw, "accept_weaker_consent")
}

func TestConsent_VersionOfTheText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attributes map[string]string
		version    string
	}{
		{map[string]string{"call_me": "yes"}, "2026-11"},
		{map[string]string{"call_me": "2026-11"}, "2026-11"},
		{map[string]string{"call_me": "yes", "call_me_version": "v9"}, "v9"},
		{map[string]string{"call_me": "yes", "call_me_version": "not a version"}, "2026-11"},
	} {
		d := Decide(consentRules(t, nil), Facts{Cart: american(c.attributes), Queried: &QueriedFacts{}}, noonInNewYork)
		require.Equal(t, cart.ActCall, d.Action, c.attributes)
		assert.Equal(t, c.version, d.Consent.TextVersion, c.attributes)
		assert.NotContains(t, stepOf(t, d, "consent").Saw, "v9", "what a browser sends stays out of the trace")
	}
}

func TestConsent_KeepsWhenAndUnderWhichTextItWasFirstSeen(t *testing.T) {
	t.Parallel()
	r := consentRules(t, nil)
	c := american(map[string]string{"call_me": "yes"})
	c.Checkout.Consents = Consents(r, c, noonInNewYork)
	first := c.Checkout.UpdatedAt
	// A month later the shopper touches the checkout again, and the store has a new text.
	c.Checkout.UpdatedAt = first.AddDate(0, 1, 0)
	newer := consentRules(t, func(r *Rules) { r.ConsentText.Version = "2026-12" })
	all := Consents(newer, c, noonInNewYork.AddDate(0, 1, 0))
	i := slices.IndexFunc(all, func(k cart.Consent) bool { return k.Basis == "attribute:call_me" })
	assert.Equal(t, first, *all[i].At)
	assert.Equal(t, "2026-11", all[i].TextVersion)
	// A checkout that is dated ahead gives its consent now.
	c.Checkout.Consents, c.Checkout.UpdatedAt = nil, noonInNewYork.AddDate(1, 0, 0)
	all = Consents(r, c, noonInNewYork)
	assert.Equal(t, noonInNewYork, *all[0].At)
}

func TestConsent_GetsStale(t *testing.T) {
	t.Parallel()
	at := noonInNewYork.AddDate(-1, 0, -1)
	c := american(map[string]string{"call_me": "yes"})
	c.Checkout.Consents = []cart.Consent{{Basis: "attribute:call_me", Value: "yes", At: &at, TextVersion: "2025"}}
	facts := Facts{Cart: c, Queried: &QueriedFacts{}}
	assert.Equal(t, cart.ActCall, Decide(consentRules(t, nil), facts, noonInNewYork).Action)
	year := consentRules(t, func(r *Rules) { r.ConsentMaxAge = 365 * 24 * time.Hour })
	d := Decide(year, facts, noonInNewYork)
	assert.Equal(t, cart.NoConsent, d.Reason)
	assert.Contains(t, stepOf(t, d, "consent").Saw, "it is stale: the store lets consent last 8760h")

	// Israel's law lets it last a year, whatever the store says.
	c.Phone, c.Country = "+972501234567", "IL"
	c.Checkout.Shipping = &cart.Address{CountryCode: "IL"}
	israel := consentRules(t, func(r *Rules) { r.Jurisdictions = map[string]Override{"IL": {Calls: "on"}} })
	d = Decide(israel, facts, noonInNewYork)
	assert.Equal(t, cart.NoConsent, d.Reason)
	assert.Contains(t, stepOf(t, d, "consent").Saw, "IL lets consent last 8760h")
}
