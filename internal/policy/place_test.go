package policy

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestZones_WhereACustomerMayBe(t *testing.T) {
	t.Parallel()
	at := func(country, province string) *cart.Address {
		return &cart.Address{CountryCode: country, ProvinceCode: province}
	}
	us := Store{Shop: testShop, Timezone: "America/Los_Angeles", Country: "US", Currency: "USD"}
	for _, c := range []struct {
		name              string
		phone, country    string
		shipping, billing *cart.Address
		store             Store
		zones, rows       []string
	}{
		{name: "India", phone: "+919876543210", country: "IN", shipping: at("IN", "MH"), zones: []string{"Asia/Kolkata"},
			rows: []string{"IN"}},
		{name: "an area code in two zones", phone: "+12705551234", country: "US", shipping: at("US", "KY"),
			zones: []string{"America/New_York", "America/Chicago"}, rows: []string{"US", "US-KY"}},
		{name: "an area code in two zones, landline of one", phone: "+18504561234", country: "US", shipping: at("US", "FL"),
			zones: []string{"America/New_York", "America/Chicago"}, rows: []string{"US", "US-FL"}},
		{name: "a New York number in California", phone: "+12125550123", country: "US", shipping: at("US", "CA"),
			zones: []string{"America/Los_Angeles", "America/New_York"}, rows: []string{"US", "US-NY", "US-CA"}},
		{name: "a Florida number in Rhode Island", phone: "+13055550123", country: "US", shipping: at("us", "ri"),
			zones: []string{"America/New_York"}, rows: []string{"US", "US-FL", "US-RI"}},
		{name: "the billing address where there is no other", phone: "+12125550123", country: "US", billing: at("US", "RI"),
			zones: []string{"America/New_York"}, rows: []string{"US", "US-NY", "US-RI"}},
		{name: "no address: the store's zone too, in its country", phone: "+12125550123", country: "US", store: us,
			zones: []string{"America/New_York", "America/Los_Angeles"}, rows: []string{"US", "US-NY"}},
		{name: "no address: not the zone of a store abroad", phone: "+12125550123", country: "US",
			zones: []string{"America/New_York"}, rows: []string{"US", "US-NY"}},
		{name: "an address without a state: the number's will do", phone: "+13055550123", country: "US",
			shipping: at("US", ""),
			zones:    []string{"America/New_York"}, rows: []string{"US", "US-FL"}},
		{name: "a number without a place: the address's will do", phone: "+18005551234", country: "US",
			shipping: at("US", "NY"),
			zones:    []string{"America/New_York"}, rows: []string{"US", "US-NY"}},
		{name: "no state known", phone: "+18005551234", country: "US", shipping: at("US", "??"),
			zones: []string{"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
				"America/Anchorage", "America/Adak", "Pacific/Honolulu"},
			rows: []string{"US", "US-*"}},
		{name: "Puerto Rico", phone: "+17875551234", country: "PR", shipping: at("PR", ""),
			zones: []string{"America/Puerto_Rico"}, rows: []string{"US", "US-PR"}},
		{name: "number and address of two countries", phone: "+919876543210", country: "IN", shipping: at("AE", "DU"),
			zones: []string{"Asia/Dubai", "Asia/Kolkata"}, rows: []string{"IN", "AE"}},
		{name: "an Australian mobile tells no more than the country", phone: "+61412345678", country: "AU",
			shipping: at("AU", "WA"),
			zones:    []string{"Australia/Perth"}, rows: []string{"AU"}},
		{name: "an Australian mobile alone", phone: "+61412345678", country: "AU",
			zones: []string{"Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin",
				"Australia/Perth", "Australia/Lord_Howe"}, rows: []string{"AU"}},
		{name: "a Spanish mobile in the Canaries", phone: "+34612345678", country: "ES", shipping: at("ES", "GC"),
			zones: []string{"Atlantic/Canary"}, rows: []string{"ES"}},
		{name: "a British mobile", phone: "+447911123456", country: "GG", shipping: at("GB", "ENG"),
			zones: []string{"Europe/London"}, rows: []string{"GB"}},
		{name: "elsewhere", phone: "+821012345678", country: "KR", shipping: at("KR", "KR-11"),
			zones: []string{"Asia/Seoul"}, rows: []string{everywhere}},
		{name: "nowhere that is known", phone: "+882121234567", country: "", zones: []string{"Asia/Kolkata"},
			rows: []string{everywhere}},
		{name: "a country that does not exist", phone: "+919876543210", country: "IN", shipping: at("ZX", ""),
			zones: []string{"Asia/Kolkata"}, rows: []string{"IN", everywhere}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := testStore
			if c.store.Shop != "" {
				store = c.store
			}
			r := always(t, nil)
			require.NoError(t, r.Compile(store))
			who := &cart.Cart{Phone: c.phone, Country: c.country,
				Checkout: cart.Checkout{Shipping: c.shipping, Billing: c.billing}}
			var p person
			r.compiled.locate(who, &p)
			var zones, rows []string
			for _, z := range p.zones {
				zones = append(zones, z.name)
			}
			for _, pl := range p.places {
				if !slices.Contains(rows, pl.row.key) {
					rows = append(rows, pl.row.key)
				}
			}
			assert.Equal(t, c.zones, zones)
			assert.Equal(t, c.rows, rows)
			locations := Zones(r, who)
			require.Len(t, locations, len(zones))
			assert.Equal(t, zones[0], locations[0].String())
		})
	}
}

// The area codes of the states are held against libphonenumber's geocoder.
func TestAreaCodes_AgreeWithTheGeocoder(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	// The names of the states that have rows of their own; the others only need to be known.
	withRows := map[string]string{
		"Florida": "FL", "Oklahoma": "OK", "Maryland": "MD", "Massachusetts": "MA", "Alabama": "AL", "Louisiana": "LA",
		"Mississippi": "MS", "Kentucky": "KY", "Connecticut": "CT", "Nevada": "NV", "Rhode Island": "RI",
	}
	agree := 0
	for area := 200; area < 1000; area++ {
		n, err := phonenumbers.Parse("+1"+strconv.Itoa(area)+"5550123", "US")
		if err != nil || phonenumbers.GetRegionCodeForNumber(n) != "US" {
			continue
		}
		place, err := phonenumbers.GetGeocodingForNumber(n, "en")
		require.NoError(t, err)
		state, named := withRows[place]
		if i := strings.LastIndex(place, ", "); i >= 0 && len(place) == i+4 {
			state, named = place[i+2:], true // "Miami, FL"
		}
		if named {
			assert.Equal(t, state, tb.states[area], "%d is in %s", area, place)
			agree++
		}
		if tb.states[area] == "" {
			assert.Equal(t, "United States", place, "%d", area)
		}
	}
	assert.Greater(t, agree, 60)
}

func TestZones_EveryCountryOfANumberHasOne(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	for code := range phonenumbers.GetSupportedRegions() {
		if code == "AC" || code == "TA" {
			continue // Ascension and Tristan da Cunha have no ISO 3166-1 code of their own.
		}
		assert.True(t, tb.isCountry(code), code)
	}
	for _, r := range tb.rows {
		for _, code := range r.countries {
			assert.True(t, tb.isCountry(code), "%s of %s", code, r.key)
		}
	}
}

func TestHolidays_OfCountriesAndProvinces(t *testing.T) {
	t.Parallel()
	book := newHolidayBook()
	day := func(text string) int64 {
		d, err := parseDate(text)
		require.NoError(t, err)
		return d
	}
	for _, c := range []struct {
		country, province, date string
		want                    bool
	}{
		{"US", "", "2026-11-26", true},  // Thanksgiving
		{"US", "", "2026-07-03", true},  // kept on Friday, since the 4th is a Saturday
		{"US", "", "2026-07-04", true},  // and the day itself
		{"US", "", "2021-12-31", true},  // New Year's Day 2022, kept the year before
		{"US", "", "2026-11-27", false}, // the day after
		{"GB", "", "2026-12-28", true},  // Boxing Day, kept on Monday
		{"DE", "BY", "2026-06-04", true},
		{"DE", "HH", "2026-06-04", false},
		{"DE", "", "2026-06-04", true}, // may be one
		{"AU", "VIC", "2026-11-03", true},
		{"AU", "NSW", "2026-11-03", false},
		{"AU", "", "2026-11-03", true},
		{"RE", "", "2026-07-14", true},
		{"US", "", "2075-12-25", true},  // beyond the years that are remembered
		{"US", "", "2075-12-24", false}, // beyond the years that are remembered
	} {
		assert.Equal(t, c.want, book.in(c.country, c.province).on(day(c.date)), "%s-%s %s", c.country, c.province, c.date)
	}
	assert.Nil(t, book.in("IN", "MH"), "no list is no holiday")
}

func TestZone_StartOfNextDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, now, want string }{
		{"Asia/Kolkata", "2026-09-14 06:30", "2026-09-14 18:30"},
		{"America/New_York", "2026-03-08 04:59", "2026-03-08 05:00"},
		{"America/New_York", "2026-03-08 12:00", "2026-03-09 04:00"},
		{"America/Sao_Paulo", "2018-11-03 22:00", "2018-11-04 03:00"}, // midnight is skipped
		{"Pacific/Apia", "2011-12-30 05:00", "2011-12-30 10:00"},      // a day is skipped
		{"America/Havana", "2025-11-02 04:30", "2025-11-03 05:00"},    // 00:30 comes twice
		{"America/Havana", "2025-11-02 03:30", "2025-11-02 04:00"},
		{"America/Havana", "2026-11-01 04:30", "2026-11-02 04:00"}, // since 2026f the clocks stay as they are that day
	} {
		z, err := loadZone(c.zone)
		require.NoError(t, err)
		assert.Equal(t, local(t, "UTC", c.want).UTC(), z.startOfNextDay(local(t, "UTC", c.now)), "%s %s", c.zone, c.now)
	}
}

func TestZone_DaysAreCountedInTheStoresZone(t *testing.T) {
	t.Parallel()
	z, err := loadZone("America/New_York")
	require.NoError(t, err)
	now := local(t, "America/New_York", "2026-11-01 20:00")
	assert.Equal(t, 3, z.sameDay(now, []time.Time{
		local(t, "America/New_York", "2026-11-01 00:00"),
		local(t, "America/New_York", "2026-10-31 23:59"),
		local(t, "America/New_York", "2026-11-01 01:30"), // before the clocks went back
		now,
		local(t, "America/New_York", "2026-11-02 00:00"),
	}))
}
