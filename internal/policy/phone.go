package policy

import (
	"strings"

	"ringback/internal/cart"

	"github.com/nyaruka/phonenumbers"
)

// Phone is the number that a cart would be called at.
type Phone struct {
	// Number is E.164; empty when none of the checkout's numbers can be called.
	Number string
	// From names the field of the checkout that it was read from.
	From string
	// Country is the number's ISO 3166-1 alpha-2 country; empty for numbers of no country.
	Country string
	// Saw says in a few words what was found; it holds no personal data.
	Saw string
}

// fromSMS is the field of a checkout that holds the number its SMS consent was given for.
const fromSMS = "sms_marketing"

// longestNumber is more than anybody types for a phone number; the rest is not looked at.
const longestNumber = 60

// ReadPhone picks the number to call: the first of the checkout's that is valid and of a kind that can be called. Where SMS
// consent is the basis, the number it was given for goes first. A number without a country code is read as one of the
// country of the address it stood in, else of the delivery or billing address, else of the store.
func ReadPhone(c cart.Checkout, r *Rules, storeCountry string) Phone {
	address := addressCountry(c)
	tried := 0
	if r.Consent == ConsentSMS && c.SMSPhone != "" {
		if p, ok := readNumber(cart.RawPhone{From: fromSMS, Number: c.SMSPhone}, address, storeCountry); ok {
			return p
		}
		tried++
	}
	for _, raw := range c.Phones {
		if p, ok := readNumber(raw, address, storeCountry); ok {
			return p
		}
		tried++
	}
	if tried == 0 {
		return Phone{Saw: "the checkout has no phone number"}
	}
	return Phone{Saw: "none of the checkout's numbers can be called"}
}

func addressCountry(c cart.Checkout) string {
	for _, a := range []*cart.Address{c.Shipping, c.Billing} {
		if a != nil && a.CountryCode != "" {
			return a.CountryCode
		}
	}
	return ""
}

// readNumber reads one number as the countries in turn would write it.
func readNumber(raw cart.RawPhone, address, store string) (Phone, bool) {
	if raw.Number == "" || len(raw.Number) > longestNumber {
		return Phone{}, false
	}
	for _, country := range [...]string{raw.Country, address, store} {
		if country == "" {
			continue
		}
		if p, ok := parseNumber(raw, strings.ToUpper(country)); ok {
			return p, true
		}
	}
	// Without a country a number must bring its own code.
	return parseNumber(raw, "ZZ")
}

func parseNumber(raw cart.RawPhone, country string) (Phone, bool) {
	n, err := phonenumbers.Parse(raw.Number, country)
	if err != nil || !phonenumbers.IsValidNumber(n) || !callable(phonenumbers.GetNumberType(n)) {
		return Phone{}, false
	}
	p := Phone{Number: phonenumbers.Format(n, phonenumbers.E164), From: raw.From, Country: phonenumbers.GetRegionCodeForNumber(n)}
	if len(p.Country) != 2 || p.Country == "ZZ" {
		p.Country = ""
	}
	p.Saw = "phone from " + p.From
	if p.Country != "" {
		p.Saw += ", " + p.Country
	}
	return p, true
}

// callable leaves out the kinds of number at which nobody is reached, or only for a price.
func callable(t phonenumbers.PhoneNumberType) bool {
	switch t {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PAGER, phonenumbers.VOICEMAIL:
		return false
	}
	return true
}
