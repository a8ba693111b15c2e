package policy

import (
	"slices"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTerritory_HasTheCallingHoursOfItsCountry(t *testing.T) {
	t.Parallel()
	tables, err := builtin()
	require.NoError(t, err)
	for territory, country := range territories {
		for _, r := range tables.rows {
			if !slices.Contains(r.countries, territory) {
				continue
			}
			assert.Contains(t, r.countries, country, "%s stands in the row of %s", territory, r.key)
		}
	}
	for _, r := range tables.rows {
		if r.state != "" || len(r.countries) < 2 || slices.Contains([]string{"EU", "CH"}, r.key) {
			continue
		}
		for _, country := range r.countries[1:] {
			assert.Equal(t, r.countries[0], territories[country], "%s of the row %s", country, r.key)
		}
	}
}

func TestEligibility_CountryStandsForItsTerritories(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		countries, exclude []string
		number, delivery   string
		province           string
		eligible           bool
	}{
		{"Puerto Rico as a province", []string{"US"}, nil, "PR", "US", "PR", true},
		{"Puerto Rico as a country", []string{"US"}, nil, "PR", "PR", "", true},
		{"Guam", []string{"us"}, nil, "GU", "GU", "", true},
		{"Jersey", []string{"GB"}, nil, "JE", "JE", "", true},
		{"Isle of Man, delivered to England", []string{"GB"}, nil, "IM", "GB", "", true},
		{"Réunion", []string{"FR"}, nil, "RE", "RE", "", true},
		{"Åland", []string{"FI"}, nil, "AX", "FI", "", true},
		{"a territory alone is not its country", []string{"PR"}, nil, "US", "US", "NY", false},
		{"a territory alone", []string{"PR"}, nil, "PR", "US", "PR", true},
		{"Hong Kong is not of CN", []string{"CN"}, nil, "HK", "HK", "", false},
		{"an excluded country excludes its territories", nil, []string{"US"}, "PR", "PR", "", false},
		{"an excluded territory leaves its country in", []string{"US"}, []string{"PR"}, "US", "US", "NY", true},
		{"an excluded territory, as a province", []string{"US"}, []string{"PR"}, "US", "US", "PR", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := DefaultRules()
			r.Eligibility = Eligibility{Countries: c.countries, ExcludeCountries: c.exclude}
			checkout := cart.Checkout{Shipping: &cart.Address{CountryCode: c.delivery, ProvinceCode: c.province}}
			d := decider{rules: &r, cart: &cart.Cart{Country: c.number, Checkout: checkout}}
			assert.Equal(t, !c.eligible, d.eligibleCountry(&r.Eligibility, &checkout))
		})
	}
}
