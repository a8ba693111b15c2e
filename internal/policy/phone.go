package policy

import "ringback/internal/cart"

// Phone is the number that a cart would be called at.
type Phone struct {
	// Number is E.164; empty when none of the checkout's numbers can be called.
	Number string
	// From names the field of the checkout that it was read from.
	From string
	// Country is the number's ISO 3166-1 alpha-2 country; empty for numbers of no country.
	Country string
}

// fromSMS is the field of a checkout that holds the number its SMS consent was given for.
const fromSMS = "sms_marketing"

// ReadPhone picks the number to call: the checkout's first number that is valid and of a kind that can be called. If
// SMS consent is the store's first basis, the number of that consent comes first. A number without a country's code is
// read as one of the country of its own address, else of the delivery or billing address, else of the store.
func ReadPhone(c cart.Checkout, r *Rules, storeCountry string) Phone {
	return NewReader().Phone(c, r, storeCountry)
}

func addressCountry(c cart.Checkout) string {
	for _, a := range []*cart.Address{c.Shipping, c.Billing} {
		if a != nil && a.CountryCode != "" {
			return a.CountryCode
		}
	}
	return ""
}
