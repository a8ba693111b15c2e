package policy

import "ringback/internal/cart"

// PersonOfCheckout returns the person of a checkout, with every number that can be read. store is the store's country.
func PersonOfCheckout(c cart.Checkout, store string) cart.Person {
	return c.Person(reader(addressCountry(c), store))
}

// PersonOfOrder returns the person of an order, with every number that can be read. store is the store's country.
func PersonOfOrder(o cart.Order, store string) cart.Person {
	return o.Person(reader(o.Country, store))
}

// PersonOfCart returns the person of a cart: by its checkout, the number that is called, and its order, which may have
// other keys. store is the store's country.
func PersonOfCart(c *cart.Cart, store string) cart.Person {
	p := PersonOfCheckout(c.Checkout, store).With(cart.PersonWith("", nil, []string{c.Phone}))
	if c.Order != nil {
		p = p.With(PersonOfOrder(*c.Order, store))
	}
	return p
}

// reader returns a function that reads one number. It caches the results.
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
