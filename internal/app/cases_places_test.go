package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCases_TerritoriesBelongToTheirCountry(t *testing.T) {
	t.Parallel()
	served := func(name, country, countries, phone string, address fields) play {
		return play{name: name, country: country, policy: fmt.Sprintf("eligibility: {countries: [%s]}", countries), act: func(s *stage) {
			s.leaves("there", fields{"phone": phone, "shipping_address": address})
			s.called("there", phone)
		}}
	}
	refused := func(name, country, eligibility, phone string, address fields) play {
		return play{name: name, country: country, policy: "eligibility: {" + eligibility + "}", act: func(s *stage) {
			s.leaves("there", fields{"phone": phone, "shipping_address": address})
			s.never("there", "watching", "ineligible")
		}}
	}
	in := func(country, province string) fields {
		a := at(country, "")
		a["province_code"] = province
		return a
	}
	runPlays(t, []play{
		served("puerto rico as a state", "US", "US", "+17877312184", in("US", "PR")),
		served("puerto rico as a country", "US", "US", "+19397312184", in("PR", "")),
		served("guam", "US", "US", "+16717342184", in("GU", "")),
		served("the virgin islands", "US", "US", "+13407732184", in("US", "VI")),
		served("samoa", "US", "US", "+16847332184", in("AS", "")),
		served("the northern marianas", "US", "US", "+16702342184", in("US", "MP")),
		served("guernsey", "GB", "GB, IN", "+447781483729", in("GG", "")),
		served("jersey", "GB", "GB, IN", "+447797483729", in("JE", "")),
		served("the isle of man", "GB", "GB, IN", "+447624483729", in("IM", "")),
		served("a territory by its own name", "US", "PR, US", "+17877312185", in("US", "PR")),
		refused("a neighbour that shares the country code", "US", "countries: [US]", "+14167312184", in("CA", "ON")),
		refused("a territory of an excluded country", "GB", "exclude_countries: [US]", "+17877312186", in("US", "PR")),
		refused("another country altogether", "US", "countries: [US]", "+18767312184", in("JM", "")),
	})
}

// The new rules of some zones hold, whatever the machine's own zone files say: the first moment of the store's window
// is told in UTC.
func TestCases_ZonesFollowTheNewestRules(t *testing.T) {
	t.Parallel()
	// A window that is hours away, wherever the customer is, and long enough for provinces with two clocks.
	opens := time.Now().UTC().Add(5 * time.Hour).Truncate(time.Hour)
	there := func(name string, offset time.Duration, phone string, address fields) play {
		local := opens.Add(offset)
		window := fmt.Sprintf(`windows: [{from: "%02d:00", to: "%02d:30"}]`, local.Hour(), (local.Hour()+2)%24)
		return play{name: name, country: "CA", policy: window, act: func(s *stage) {
			s.leaves("there", fields{"phone": phone, "shipping_address": address})
			c := s.is("there", "waiting", "window")
			require.NotNil(s.t, c.WakeAt)
			assert.Equal(s.t, opens, c.WakeAt.UTC(), "the window opens at %s local time", local.Format("15:04"))
		}}
	}
	in := func(country, province string) fields {
		a := at(country, "")
		a["province_code"] = province
		return a
	}
	runPlays(t, []play{
		there("british columbia", -7*time.Hour, "+16047312184", in("CA", "BC")),
		there("alberta", -6*time.Hour, "+14037312184", in("CA", "AB")),
		there("saskatchewan", -6*time.Hour, "+13067312184", in("CA", "SK")),
		there("manitoba", -5*time.Hour, "+12047312184", in("CA", "MB")),
		there("the northwest territories", -6*time.Hour, "+17807312184", in("CA", "NT")),
		there("morocco", 0, "+212661312184", in("MA", "")),
		there("cuba", -4*time.Hour, "+5352312184", in("CU", "")),
	})
}
