package policy

import "ringback/internal/cart"

// PersonOfCheckout is everybody that a checkout may be of, by every number that can be read. store is the store's
// country.
func PersonOfCheckout(c cart.Checkout, store string) cart.Person {
	return c.Person(reader(addressCountry(c), store))
}

// PersonOfOrder is everybody that an order may be of, by every number that can be read. store is the store's country.
func PersonOfOrder(o cart.Order, store string) cart.Person {
	return o.Person(reader(o.Country, store))
}

// PersonOfCart is everybody that a cart may be of: by its checkout, the number that is called and the order that it was
// bought with, which may be under other names. store is the store's country.
func PersonOfCart(c *cart.Cart, store string) cart.Person {
	p := PersonOfCheckout(c.Checkout, store).With(cart.PersonWith("", nil, []string{c.Phone}))
	if c.Order != nil {
		p = p.With(PersonOfOrder(*c.Order, store))
	}
	return p
}

// reader reads one number at a time, and one that it has read before only once.
func reader(address, store string) func(cart.RawPhone) string {
	type typed struct{ number, country string }
	read := map[typed]string{}
	return func(raw cart.RawPhone) string {
		if raw.Number == "" {
			return ""
		}
		key := typed{raw.Number, raw.Country}
		number, known := read[key]
		if !known {
			if numbers := Numbers([]cart.RawPhone{raw}, address, store); len(numbers) > 0 {
				number = numbers[0]
			}
			read[key] = number
		}
		return number
	}
}
