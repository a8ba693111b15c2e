package policy

import "ringback/internal/cart"

// Reader reads phone numbers, each at most once: the same number stands in several places of a checkout, and is read for several
// purposes. It is not safe for concurrent use, and is meant for one unit of work.
type Reader struct{ known map[typedNumber]readPhone }

// typedNumber is a number as it was typed, with the countries that it is read in.
type typedNumber struct{ number, country, address, store string }

type readPhone struct {
	phone Phone
	ok    bool
}

// NewReader makes a reader that has read nothing.
func NewReader() *Reader { return &Reader{known: map[typedNumber]readPhone{}} }

// number is readNumber.
func (r *Reader) number(raw cart.RawPhone, address, store string) (Phone, bool) {
	if raw.Number == "" {
		return Phone{}, false
	}
	typed := typedNumber{raw.Number, raw.Country, address, store}
	read, known := r.known[typed]
	if !known {
		read.phone, read.ok = readNumber(raw, address, store)
		r.known[typed] = read
	}
	read.phone.From = raw.From
	return read.phone, read.ok
}

// text is number as a text, for cart.Checkout.Person.
func (r *Reader) text(address, store string) func(cart.RawPhone) string {
	return func(raw cart.RawPhone) string {
		p, _ := r.number(raw, address, store)
		return p.Number
	}
}

// Phone is ReadPhone.
func (r *Reader) Phone(c cart.Checkout, rules *Rules, store string) Phone {
	address := addressCountry(c)
	if rules.Consent.First() == ConsentSMS && c.SMSPhone != "" {
		if p, ok := r.number(cart.RawPhone{From: fromSMS, Number: c.SMSPhone}, address, store); ok {
			return p
		}
	}
	for _, raw := range c.Phones {
		if p, ok := r.number(raw, address, store); ok {
			return p
		}
	}
	return Phone{}
}

// PersonOfCart returns the person of a cart: by its checkout, the number that is called, and its order, which may have
// other keys. store is the store's country.
func (r *Reader) PersonOfCart(c *cart.Cart, store string) cart.Person {
	p := c.Checkout.Person(r.text(addressCountry(c.Checkout), store)).With(cart.PersonWith("", nil, []string{c.Phone}))
	if c.Order != nil {
		p = p.With(c.Order.Person(r.text(c.Order.Country, store)))
	}
	return p
}

// PersonOfCheckout returns the person of a checkout, with every number that can be read. store is the store's country.
func PersonOfCheckout(c cart.Checkout, store string) cart.Person {
	return c.Person(NewReader().text(addressCountry(c), store))
}

// PersonOfOrder returns the person of an order, with every number that can be read. store is the store's country.
func PersonOfOrder(o cart.Order, store string) cart.Person {
	return o.Person(NewReader().text(o.Country, store))
}

// PersonOfCart is Reader.PersonOfCart with a new reader.
func PersonOfCart(c *cart.Cart, store string) cart.Person { return NewReader().PersonOfCart(c, store) }
