package engine

import (
	"slices"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
)

// personOf is everybody that a cart may be of, by its checkout, its order and the numbers that its calls went to.
func (e *Engine) personOf(r *policy.Reader, c *cart.Cart) cart.Person {
	var numbers []string
	for i := range c.Calls {
		numbers = append(numbers, c.Calls[i].Phone)
	}
	return r.PersonOfCart(c, e.countryOf(c.Shop)).With(cart.PersonWith("", nil, numbers))
}

// tellPerson lets a cart know the keys of its person in the given versions of it, unless nothing of them can be new to
// it.
func (u *unit) tellPerson(c *postgres.Cart, versions ...*cart.Cart) {
	for _, v := range versions {
		if v.State == "" || c.KnowsPerson() && sameNames(&c.Checkout, &v.Checkout) && (v.Order == nil || v.Order == c.Order) {
			continue
		}
		c.Person = c.Person.With(u.engine.personOf(u.reader, v))
	}
}

// sameNames reports whether two versions of a checkout name the same person in every field that does.
func sameNames(a, b *cart.Checkout) bool {
	return a.Customer.ID == b.Customer.ID && a.Customer.Email == b.Customer.Email && a.Email == b.Email &&
		a.SMSPhone == b.SMSPhone && slices.Equal(a.Phones, b.Phones) &&
		phoneOf(a.Shipping) == phoneOf(b.Shipping) && phoneOf(a.Billing) == phoneOf(b.Billing)
}

// phoneOf is what tells the number of an address; zero when there is no address.
func phoneOf(a *cart.Address) (p cart.RawPhone) {
	if a != nil {
		p.Number, p.Country = a.Phone, a.CountryCode
	}
	return p
}

// optedOut is by what the customer of a cart is kept from being called: the number that would be called and the emails.
// The other numbers may be those of whoever takes the parcel in.
func optedOut(c *cart.Cart) cart.Person {
	return cart.PersonWith("", []string{c.Checkout.Email, c.Checkout.Customer.Email}, []string{c.Phone})
}
