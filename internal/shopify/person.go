package shopify

import (
	"strings"

	"ringback/internal/cart"
)

// customerPayload holds the fields we use of a customer.
type customerPayload struct {
	ID             id                     `json:"id"`
	GID            id                     `json:"admin_graphql_api_id"`
	FirstName      text                   `json:"first_name"`
	LastName       text                   `json:"last_name"`
	Email          text                   `json:"email"`
	Phone          text                   `json:"phone"`
	Tags           words                  `json:"tags"`
	Orders         count                  `json:"orders_count"`
	Accepts        flag                   `json:"accepts_marketing"`
	EmailConsent   object[consentPayload] `json:"email_marketing_consent"`
	SMSConsent     object[consentPayload] `json:"sms_marketing_consent"`
	DefaultAddress object[addressPayload] `json:"default_address"`
	Metafields     list[metafieldPayload] `json:"metafields"`
}

// consentPayload is one channel's marketing consent.
type consentPayload struct {
	State     text    `json:"state"`
	OptIn     text    `json:"opt_in_level"`
	UpdatedAt instant `json:"consent_updated_at"`
}

// record says when and how the consent came about.
func (c consentPayload) record() cart.ConsentRecord {
	return cart.ConsentRecord{At: c.UpdatedAt.at.UTC(), OptIn: strings.ToLower(string(c.OptIn)), Source: cart.FromCustomer}
}

// metafieldPayload is one metafield of a customer.
type metafieldPayload struct {
	Namespace text    `json:"namespace"`
	Key       text    `json:"key"`
	Value     text    `json:"value"`
	UpdatedAt instant `json:"updated_at"`
}

// metafields returns metafields by namespace and key; nil for none.
func metafields(all list[metafieldPayload]) map[string]cart.Metafield {
	var named map[string]cart.Metafield
	for _, m := range all {
		if m.Key == "" {
			continue
		}
		if named == nil {
			named = map[string]cart.Metafield{}
		}
		named[string(m.Namespace+"."+m.Key)] = cart.Metafield{Value: string(m.Value), At: m.UpdatedAt.at.UTC()}
	}
	return named
}

// given tells whether the consent stands: nil when the payload does not say. A double opt-in that is still pending is
// not a consent.
func (c consentPayload) given() *bool {
	if c.State == "" {
		return nil
	}
	yes := strings.EqualFold(string(c.State), "subscribed")
	return &yes
}

func (c customerPayload) id() string { return firstOf(string(c.ID), string(c.GID)) }

func (c customerPayload) acceptsMarketing() *bool {
	return firstFlag(c.EmailConsent.value.given(), c.Accepts.value)
}

func (c customerPayload) acceptsSMS() *bool { return c.SMSConsent.value.given() }

func (c customerPayload) customer() cart.Customer {
	return cart.Customer{
		ID:        c.id(),
		FirstName: string(c.FirstName),
		LastName:  string(c.LastName),
		Email:     string(c.Email),
		Tags:      c.Tags,
		Orders:    c.Orders.value,

		Metafields: metafields(c.Metafields),
	}
}

// addressPayload holds the fields we use of an address.
type addressPayload struct {
	FirstName    text `json:"first_name"`
	LastName     text `json:"last_name"`
	Name         text `json:"name"`
	Address1     text `json:"address1"`
	Address2     text `json:"address2"`
	City         text `json:"city"`
	Province     text `json:"province"`
	ProvinceCode text `json:"province_code"`
	Country      text `json:"country"`
	CountryCode  text `json:"country_code"`
	Zip          text `json:"zip"`
	Phone        text `json:"phone"`
}

// address returns nil when nothing is in it: guests' payloads have [], {} or null for an address.
func (p addressPayload) address() *cart.Address {
	a := cart.Address{
		FirstName: string(p.FirstName), LastName: string(p.LastName), Name: string(p.Name),
		Address1: string(p.Address1), Address2: string(p.Address2), City: string(p.City),
		Province: string(p.Province), ProvinceCode: string(p.ProvinceCode),
		Country: string(p.Country), CountryCode: p.countryCode(),
		Zip: string(p.Zip), Phone: string(p.Phone),
	}
	if a == (cart.Address{}) {
		return nil
	}
	return &a
}

// countryCode is the ISO alpha-2 code in upper case; some payloads have it in country alone.
func (p addressPayload) countryCode() string {
	for _, t := range []text{p.CountryCode, p.Country} {
		if code := strings.ToUpper(string(t)); len(code) == 2 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return code
		}
	}
	return ""
}

// phones collects the numbers of a checkout or an order, most trusted first. A number that stands in several places
// is kept once per country it could be read with.
func phones(own string, customer customerPayload, shipping, billing *cart.Address, sms string) []cart.RawPhone {
	found := []cart.RawPhone{
		{From: "phone", Number: own},
		{From: "customer", Number: string(customer.Phone)},
	}
	for _, a := range []struct {
		from    string
		address *cart.Address
	}{
		{"shipping", shipping}, {"billing", billing}, {"default_address", customer.DefaultAddress.value.address()},
	} {
		if a.address != nil {
			found = append(found, cart.RawPhone{From: a.from, Number: a.address.Phone, Country: a.address.CountryCode})
		}
	}
	found = append(found, cart.RawPhone{From: "sms_marketing", Number: sms})

	type reading struct{ number, country string }
	seen := map[reading]bool{}
	var out []cart.RawPhone
	for _, p := range found {
		r := reading{p.Number, p.Country}
		if p.Number == "" || seen[r] {
			continue
		}
		seen[r] = true
		out = append(out, p)
	}
	return out
}
