package policy

import (
	"slices"
	"strings"

	"ringback/internal/cart"
)

// consented reports whether the store's basis of consent (ConsentSMS, …) permits a call to the cart's phone, and says
// in words what was seen. attribute is the checkout attribute's name, if the basis names one.
func consented(basis, attribute string, c *cart.Cart) (saw string, ok bool) {
	switch basis {
	case ConsentNotRequired:
		return "the store requires none", true
	case ConsentMarketing:
		return answered("marketing", c.Checkout.AcceptsMarketing)
	case ConsentSMS:
		if saw, ok := answered("SMS marketing", c.Checkout.AcceptsSMS); !ok {
			return saw, false
		}
		if !sameNumber(c) {
			return "SMS marketing accepted for another number", false
		}
		return "SMS marketing accepted", true
	}
	value, ok := attributeOf(c.Checkout.Attributes, attribute)
	switch {
	case !ok:
		return "the checkout has no such attribute", false
	case !truthy(value):
		return "the attribute does not say yes", false
	}
	return "the attribute says yes", true
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

// ConsentShortfall says in a sentence for the operator how the store's basis of consent falls short of what a country
// requires by the calling-hours table; "" when it does not.
func ConsentShortfall(r *Rules, country string) string {
	t, err := builtin()
	if err != nil || r.Consent != ConsentNotRequired && r.Consent != ConsentMarketing {
		return ""
	}
	country = strings.ToUpper(country)
	i := slices.IndexFunc(t.rows, func(row *row) bool { return row.state == "" && row.covers(country) })
	if i < 0 || !slices.Equal(t.rows[i].terms[len(t.rows[i].terms)-1].consent, []string{NeedsVoice}) {
		return ""
	}
	if r.Consent == ConsentMarketing {
		return country + " needs consent to automated calls before the first one; accepting marketing by email is not " +
			"that: use sms_marketing or attribute:<name>"
	}
	return country + " needs consent to automated calls before the first one, and not_required asks for none: " +
		"use sms_marketing or attribute:<name>"
}
