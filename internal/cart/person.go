package cart

import (
	"slices"
	"strings"
)

// KeyKind says what kind of thing a person is known by.
type KeyKind string

// The kinds of key, strongest first.
const (
	// KeyCustomer is the id of a customer account; it is known in one shop only.
	KeyCustomer KeyKind = "customer"
	KeyEmail    KeyKind = "email"
	// KeyPhone is a number in E.164.
	KeyPhone KeyKind = "phone"
)

// Key is one thing that a person is known by, in the form in which keys are compared.
type Key struct {
	Kind  KeyKind
	Value string
	// From says in words where the key was found, such as "the delivery number". It holds no personal data.
	From string
}

// Person is the set of keys that somebody is known by: customer accounts, email addresses and numbers. It has each key
// once; its From is the first place where it was found.
//
// Two persons are one when they have a key in common: the same customer account in the same shop, the same email
// address whatever its case, or the same number in E.164. Nothing else makes two persons one, neither a name nor an
// address. A value that cannot tell people apart is not a key and is left out: an empty value, an email without a name
// or a domain, a number that is not in E.164. The policy reads the numbers, and reads none from an extension, a
// placeholder or a mask.
//
// A key that many people use, such as the number of a switchboard, still finds their carts and orders. It does not make
// those people one: see Walk.
type Person struct {
	Keys []Key
}

// PersonWith makes a person from a customer id, email addresses and E.164 numbers. Empty values are left out.
func PersonWith(customerID string, emails, numbers []string) Person {
	var p Person
	p.addCustomer(customerID)
	for _, email := range emails {
		p.addEmail(email, "the email")
	}
	for _, number := range numbers {
		p.addNumber(number, "the number")
	}
	return p
}

// Person returns all keys of the checkout: the customer account, the typed email, the account's email, and every number
// that read can read. read returns a number in E.164, or "".
func (c Checkout) Person(read func(RawPhone) string) Person {
	var p Person
	p.addCustomer(c.Customer.ID)
	p.addEmail(c.Email, "the typed email")
	p.addEmail(c.Customer.Email, accountEmail)
	p.addNumbers(c.Phones, read)
	p.addNumber(read(RawPhone{From: "sms_marketing", Number: c.SMSPhone}), numberFrom("sms_marketing"))
	for _, a := range []struct {
		from    string
		address *Address
	}{{"shipping", c.Shipping}, {"billing", c.Billing}} {
		if a.address != nil {
			raw := RawPhone{From: a.from, Number: a.address.Phone, Country: a.address.CountryCode}
			p.addNumber(read(raw), numberFrom(a.from))
		}
	}
	return p
}

// Person returns all keys of the order, with the numbers that read can read.
func (o Order) Person(read func(RawPhone) string) Person {
	var p Person
	p.addCustomer(o.CustomerID)
	p.addEmail(o.Email, "the email")
	for _, email := range o.Emails {
		p.addEmail(email, "the email")
	}
	p.addNumbers(o.Phones, read)
	return p
}

// Unknown reports whether the person has no key.
func (p Person) Unknown() bool { return len(p.Keys) == 0 }

// CustomerIDs, Emails and Numbers are the values of the person's keys of one kind.
func (p Person) CustomerIDs() []string { return p.values(KeyCustomer) }

// Emails are in lower case.
func (p Person) Emails() []string { return p.values(KeyEmail) }

// Numbers are in E.164.
func (p Person) Numbers() []string { return p.values(KeyPhone) }

func (p Person) values(kind KeyKind) []string {
	var values []string
	for _, k := range p.Keys {
		if k.Kind == kind {
			values = append(values, k.Value)
		}
	}
	return values
}

// Has reports whether the person has a key.
func (p Person) Has(k Key) bool {
	return slices.ContainsFunc(p.Keys, func(own Key) bool { return own.Kind == k.Kind && own.Value == k.Value })
}

// With returns the person with the keys of others added.
func (p Person) With(others ...Person) Person {
	all := Person{Keys: slices.Clone(p.Keys)}
	for _, other := range others {
		for _, k := range other.Keys {
			all.add(k)
		}
	}
	return all
}

// Shares reports whether two persons have a key in common, and returns the strongest such key of p.
func (p Person) Shares(other Person) (Key, bool) {
	for _, kind := range []KeyKind{KeyCustomer, KeyEmail, KeyPhone} {
		for _, k := range p.Keys {
			if k.Kind == kind && other.Has(k) {
				return k, true
			}
		}
	}
	return Key{}, false
}

func (p *Person) add(k Key) {
	if !p.Has(k) {
		p.Keys = append(p.Keys, k)
	}
}

func (p *Person) addCustomer(id string) {
	if id = strings.TrimSpace(id); strings.Trim(id, "0") != "" {
		p.add(Key{Kind: KeyCustomer, Value: id, From: "the customer account"})
	}
}

const accountEmail = "the account's email"

func (p *Person) addEmail(address, from string) {
	address = strings.ToLower(strings.TrimSpace(address))
	if at := strings.LastIndexByte(address, '@'); at > 0 && at < len(address)-1 {
		p.add(Key{Kind: KeyEmail, Value: address, From: from})
	}
}

func (p *Person) addNumber(e164, from string) {
	const shortest = 8
	if len(e164) < shortest || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
		return
	}
	p.add(Key{Kind: KeyPhone, Value: e164, From: from})
}

func (p *Person) addNumbers(typed []RawPhone, read func(RawPhone) string) {
	for _, raw := range typed {
		p.addNumber(read(raw), numberFrom(raw.From))
	}
}

// numberFrom says in words in which field of a checkout or an order a number was found.
func numberFrom(field string) string {
	switch field {
	case "phone":
		return "the contact number"
	case "customer":
		return "the account's number"
	case "shipping":
		return "the delivery number"
	case "billing":
		return "the billing number"
	case "default_address":
		return "the number of the account's address"
	case "sms_marketing":
		return "the number for text messages"
	}
	return "the number"
}
