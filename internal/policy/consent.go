package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
)

// Basis is one ground on which a store calls.
type Basis struct {
	// Basis is sms_marketing, marketing, attribute:<name>, tag:<name>, metafield:<namespace.key> or not_required.
	Basis string `yaml:"basis"`
	// Proves is voice when the store's text at that place names automated or AI voice calls; empty otherwise.
	Proves string `yaml:"proves"`
}

// UnmarshalText reads the short form, the basis alone.
func (b *Basis) UnmarshalText(text []byte) error {
	*b = Basis{Basis: string(text)}
	return nil
}

// Bases are the grounds on which a store calls; the first that holds, and that is enough where the customer is, counts.
type Bases []Basis

// UnmarshalText reads a list of one, without the list.
func (b *Bases) UnmarshalText(text []byte) error {
	*b = On(string(text))
	return nil
}

// On returns the list of one basis that proves nothing about voice calls.
func On(basis string) Bases { return Bases{{Basis: basis}} }

// First is the first basis, "" when there is none.
func (b Bases) First() string {
	if len(b) == 0 {
		return ""
	}
	return b[0].Basis
}

// ConsentText is the store's text that customers agree to.
type ConsentText struct {
	// Version names the text. It is kept with every call.
	Version string `yaml:"version"`
	// Text is the text itself, for whoever must prove it.
	Text string `yaml:"text"`
}

// found is a basis that holds for a cart.
type found struct {
	cart.Consent
	// saw says in words what was seen.
	saw string
}

// find looks whether a basis holds for the cart, and says in words what was seen.
func (r *Rules) find(b Basis, c *cart.Cart) (found, bool) {
	k := &c.Checkout
	f := found{Consent: cart.Consent{Basis: b.Basis, Proves: b.Proves, Source: cart.FromCheckout}}
	kind, name, _ := strings.Cut(b.Basis, ":")
	ok := false
	switch kind {
	case ConsentNotRequired:
		f.saw, f.Source = "the store requires none", ""
		return f, true
	case ConsentMarketing:
		f.saw, ok = answered("marketing", k.AcceptsMarketing)
		f.record(k.MarketingConsent)
	case ConsentSMS:
		f.saw, ok = answered("SMS marketing", k.AcceptsSMS)
		if ok && !sameNumber(c) {
			f.saw, ok = "SMS marketing accepted for another number", false
		}
		f.record(k.SMSConsent)
	case kindAttribute:
		ok = r.findAttribute(&f, k, name)
	case kindTag:
		f.Source, f.Value, f.saw = cart.FromCustomer, name, "the customer has the tag"
		if ok = holds(k.Customer.Tags, name); !ok {
			f.saw = "the customer has no such tag"
		}
	case kindMetafield:
		ok = f.metafield(k.Customer.Metafields, name)
	}
	if !ok {
		return f, false
	}
	r.date(&f, k)
	return f, true
}

// record takes over what Shopify says of a marketing consent.
func (f *found) record(r cart.ConsentRecord) {
	f.Value, f.OptIn = "subscribed", r.OptIn
	if r.Source != "" {
		f.Source = r.Source
	}
	if !r.At.IsZero() {
		at := r.At.UTC()
		f.At = &at
	}
}

// findAttribute reads a checkout attribute: a checkbox that says yes, or the version of the store's text. Another
// attribute, <name>_version, may name the version of the text that the customer saw.
func (r *Rules) findAttribute(f *found, k *cart.Checkout, name string) bool {
	value, has := attributeOf(k.Attributes, name)
	value = strings.TrimSpace(value)
	version := r.ConsentText.Version
	switch {
	case !has:
		f.saw = "the checkout has no such attribute"
		return false
	case truthy(value):
	case version != "" && value == version:
		f.TextVersion = version
	default:
		f.saw = "the attribute does not say yes"
		return false
	}
	f.saw, f.Value = "the attribute says yes", value
	if said, has := attributeOf(k.Attributes, name+versionSuffix); has {
		if said = strings.TrimSpace(said); textVersion.MatchString(said) {
			f.TextVersion = said
		}
	}
	return true
}

// versionSuffix ends the name of the attribute that names the version of a consent's text.
const versionSuffix = "_version"

// textVersion is a version of a text: short, without spaces.
var textVersion = regexp.MustCompile(`^[\pL\pN][\pL\pN._+-]{0,39}$`)

func (f *found) metafield(all map[string]cart.Metafield, name string) bool {
	f.Source = cart.FromCustomer
	m, has := all[name]
	switch {
	case !has:
		f.saw = "the customer's record is not known to have such a metafield"
		return false
	case !truthy(m.Value):
		f.saw = "the metafield does not say yes"
		return false
	}
	f.saw, f.Value = "the metafield says yes", strings.TrimSpace(m.Value)
	if !m.At.IsZero() {
		at := m.At.UTC()
		f.At = &at
	}
	return true
}

// date says when a consent was given, and under which text: as was remembered when the cart first had it, else as this
// version of the checkout tells. When a tag was given is known only from when it was first seen.
func (r *Rules) date(f *found, k *cart.Checkout) {
	at := f.At
	for i := range k.Consents {
		known := &k.Consents[i]
		if known.Basis != f.Basis || known.Value != f.Value || f.TextVersion != "" && known.TextVersion != f.TextVersion {
			continue
		}
		if at == nil {
			f.At = known.At
		}
		f.TextVersion = known.TextVersion
		return
	}
	if at == nil && !k.UpdatedAt.IsZero() {
		seen := k.UpdatedAt.UTC()
		f.At = &seen
	}
	if f.TextVersion == "" && f.Basis != ConsentSMS && f.Basis != ConsentMarketing {
		// Shopify words those two itself.
		f.TextVersion = r.ConsentText.Version
	}
}

// Consents returns the consents that a cart's checkout has, to be remembered with it (cart.Checkout.Consents): from
// then on they keep the time and the text under which they were first seen. now bounds a checkout that is dated ahead.
func Consents(r *Rules, c *cart.Cart, now time.Time) []cart.Consent {
	var all []cart.Consent
	for _, b := range r.Consent {
		f, ok := r.find(b, c)
		if !ok || f.Basis == ConsentNotRequired {
			continue
		}
		if f.At != nil && f.At.After(now) {
			at := now.UTC()
			f.At = &at
		}
		all = append(all, f.Consent)
	}
	return all
}

// consent looks for a basis that holds and that is enough wherever the customer may be.
func (d *decider) consent() bool {
	d.locate(d.cart, &d.person)
	d.person.settle(d.now)
	for i, b := range d.rules.Consent {
		if i > 0 {
			d.say("; ")
		}
		d.say(b.Basis, ": ")
		f, ok := d.rules.find(b, d.cart)
		d.say(f.saw)
		if ok && d.fresh(&f) && d.suffices(&f) {
			d.decision.Consent = &f.Consent
			d.ok()
			return false
		}
	}
	return d.watch(cart.NoConsent)
}

// fresh reports whether the consent is young enough for the store and the customer's places, and says when it was
// given.
func (d *decider) fresh(f *found) bool {
	if f.Basis == ConsentNotRequired {
		return true
	}
	if f.At != nil {
		d.say(", given at ")
		d.sayTime(*f.At)
	}
	if f.TextVersion != "" {
		// A version that a shopper's browser made up is not repeated: traces outlive the erasure of a person.
		if f.TextVersion == d.rules.ConsentText.Version {
			d.say(" under text ", f.TextVersion)
		} else {
			d.say(" under another text than the store's present one")
		}
	}
	age, of := d.rules.ConsentMaxAge, "the store"
	for _, p := range d.person.places {
		if p.terms != nil && p.terms.consentAge > 0 && (age == 0 || p.terms.consentAge < age) {
			age, of = p.terms.consentAge, p.row.key
		}
	}
	switch {
	case age == 0:
		return true
	case f.At == nil:
		d.say("; it is not known when, and ", of, " lets consent last ")
		d.sayDuration(age)
		return false
	case d.now.Sub(*f.At) > age:
		d.say("; it is stale: ", of, " lets consent last ")
		d.sayDuration(age)
		return false
	}
	return true
}

// suffices reports whether the consent is enough in every place, and names the first law for which it is not.
func (d *decider) suffices(f *found) bool {
	if f.Proves == cart.ProvesVoice {
		d.say(", and names automated calls")
	}
	weaker := ""
	for _, p := range d.person.places {
		if p.terms == nil || p.terms.permits(f.Proves) {
			continue
		}
		if d.rules.acceptsWeaker(p.row, p.country) {
			weaker = p.row.key
			continue
		}
		if d.store.Prechecked && slices.Contains(p.terms.consent, NeedsRegistry) {
			d.say("; ", p.row.key, " requires a clean check of its registries, which the precheck answers before the dial")
			d.needsPrecheck = true
			continue
		}
		d.say("; ", p.row.key, " requires ", p.terms.requires(), " (", p.terms.about.basis, ")")
		return false
	}
	if weaker != "" {
		d.say("; ", weaker, " requires more, which the store does without (accept_weaker_consent)")
		f.Weaker = true
	}
	return true
}

// permits reports whether a consent that proves so much permits a call.
func (t *terms) permits(proves string) bool {
	return slices.Contains(t.consent, NeedsNone) || proves == cart.ProvesVoice && slices.Contains(t.consent, NeedsVoice)
}

// requires says in words what permits a call.
func (t *terms) requires() string {
	var all []string
	if slices.Contains(t.consent, NeedsVoice) {
		all = append(all, "consent that names automated or AI voice calls")
	}
	if slices.Contains(t.consent, NeedsRegistry) {
		all = append(all, "a clean check of "+strings.Join(t.registries, " and "))
	}
	return strings.Join(all, ", or ")
}

// acceptsWeaker reports whether the store, in writing, does with less than a row requires. A country stands for its
// territories as well.
func (r *Rules) acceptsWeaker(of *row, country string) bool {
	return slices.Contains(r.AcceptWeakerConsent, of.key) || holdsCountry(r.AcceptWeakerConsent, country)
}

func answered(what string, accepted *bool) (string, bool) {
	switch {
	case accepted == nil:
		return "the checkout does not say whether " + what + " is accepted", false
	case !*accepted:
		return what + " not accepted", false
	}
	return what + " accepted", true
}

// sameNumber reports whether the SMS consent is for the number that would be called. One that names no number is.
func sameNumber(c *cart.Cart) bool {
	if c.Checkout.SMSPhone == "" || c.PhoneFrom == fromSMS {
		return true
	}
	return Number(c.Checkout.SMSPhone, c.Country) == c.Phone
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// attributeOf finds an attribute by its exact name, else by its name in upper or lower case.
func attributeOf(attributes map[string]string, name string) (string, bool) {
	if value, ok := attributes[name]; ok {
		return value, true
	}
	// If several names differ only in case, all their values must say yes.
	found, value := false, ""
	for key, v := range attributes {
		if strings.EqualFold(strings.TrimSpace(key), name) {
			if !found || !truthy(v) {
				value = v
			}
			found = true
		}
	}
	return value, found
}

// truthy reports whether a checkbox or a hand-written answer means yes.
func truthy(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "yes", "y", "true", "t", "1", "on", "ok", "checked", "accepted", "agreed", "granted":
		return true
	}
	return false
}

// ConsentShortfall says in a sentence for the operator what the store's consent lacks for calls to a country, by the
// calling-hours table's newest terms; "" when it lacks nothing. country is ISO 3166-1 alpha-2;
// prechecked is true for a store that has a system of its own asked before each call.
func ConsentShortfall(r *Rules, country string, prechecked bool) string {
	c, err := r.ready()
	if err != nil || len(r.Consent) == 0 {
		return ""
	}
	country = strings.ToUpper(country)
	if !c.tables.isCountry(country) {
		return ""
	}
	rows, covered := c.countries[country]
	if !covered {
		return fmt.Sprintf("%s has no row in the calling-hours table, so nobody there is called; "+
			"a store that knows its law adds it under policy.jurisdictions", country)
	}
	t := rows.row.terms[len(rows.row.terms)-1]
	if r.acceptsWeaker(rows.row, country) ||
		slices.ContainsFunc(r.Consent, func(b Basis) bool { return t.permits(b.Proves) }) ||
		prechecked && slices.Contains(t.consent, NeedsRegistry) {
		return ""
	}
	bases := make([]string, len(r.Consent))
	for i, b := range r.Consent {
		bases[i] = b.Basis
	}
	shortfall := fmt.Sprintf("%s requires %s (%s), which %s does not prove, so nobody there is called",
		country, t.requires(), t.about.basis, strings.Join(bases, " or "))
	if slices.Contains(t.consent, NeedsVoice) {
		shortfall += ": let customers agree to automated voice calls in a checkbox of their own, and write " +
			"{basis: attribute:<name>, proves: voice}"
	}
	return shortfall
}
