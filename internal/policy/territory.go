package policy

import (
	"slices"
	"strings"

	"ringback/internal/cart"
)

// territories names the country of each territory that has a code of its own (ISO 3166-1 alpha-2). A store that serves
// the country serves the territory. The calling-hours table has a row for each country with its territories; a test
// keeps the two consistent.
var territories = map[string]string{
	"AS": "US", "GU": "US", "MP": "US", "PR": "US", "UM": "US", "VI": "US",
	"GG": "GB", "IM": "GB", "JE": "GB",
	"BL": "FR", "GF": "FR", "GP": "FR", "MF": "FR", "MQ": "FR", "PM": "FR", "RE": "FR", "YT": "FR",
	"AX": "FI",
	"SJ": "NO",
	"CC": "AU", "CX": "AU", "NF": "AU",
}

// holdsCountry reports whether a list of countries has a country, or the country that it is a territory of.
func holdsCountry(list []string, country string) bool {
	if holds(list, country) {
		return true
	}
	parent, is := territories[strings.ToUpper(strings.TrimSpace(country))]
	return is && holds(list, parent)
}

// deliveryCountry is the country of the delivery address, else of the billing address. Shopify may write a territory
// as a province: US with the province PR is PR.
func deliveryCountry(c *cart.Checkout) string {
	for _, a := range []*cart.Address{c.Shipping, c.Billing} {
		if a == nil || a.CountryCode == "" {
			continue
		}
		province := strings.ToUpper(a.ProvinceCode)
		if strings.EqualFold(a.CountryCode, "US") && slices.Contains([]string{"AS", "GU", "MP", "PR", "VI"}, province) {
			return province
		}
		return a.CountryCode
	}
	return ""
}
