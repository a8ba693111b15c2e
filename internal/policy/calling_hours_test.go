package policy

import (
	"slices"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/zoneinfo"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// always are rules whose windows are never closed, so that only the calling-hours table speaks.
func always(t testing.TB, change func(*Rules)) *Rules {
	t.Helper()
	r := DefaultRules()
	r.Consent = ConsentNotRequired
	r.Windows = []Window{{From: "00:00", To: "24:00"}}
	if change != nil {
		change(&r)
	}
	require.NoError(t, r.Compile(testStore))
	return &r
}

// at reads a local time such as "2026-09-14 10:00".
func local(t testing.TB, zone, text string) time.Time {
	t.Helper()
	loc, err := zoneinfo.Load(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	require.NoError(t, err)
	return at
}

// open reports whether calls are allowed at exactly this moment.
func open(r *Rules, c *cart.Cart, at time.Time) bool {
	next, ok := nextOpening(r, c, at)
	return ok && next.Equal(at)
}

// In September 2026 the 14th is a Monday, the 19th a Saturday and the 20th a Sunday.
func TestCallingHours_EveryRowOpensAndCloses(t *testing.T) {
	t.Parallel()
	in := func(phone, country, delivery, province string) *cart.Cart {
		c := &cart.Cart{Shop: testShop, Phone: phone, Country: country, PhoneFrom: "shipping"}
		c.Checkout.Items, c.Checkout.Total = something(), decimal.NewFromInt(1895)
		if delivery != "" {
			c.Checkout.Shipping = &cart.Address{CountryCode: delivery, ProvinceCode: province}
		}
		return c
	}
	for _, row := range []struct {
		key    string
		cart   *cart.Cart
		zone   string
		change func(*Rules)
		// legal and illegal are the person's local times.
		legal, illegal []string
	}{
		{key: "US", cart: in("+12125550123", "US", "US", "NY"), zone: "America/New_York",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59", "2026-09-19 16:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-14 20:00", "2026-09-19 17:00", "2026-09-20 12:00",
				"2026-11-26 12:00"}},
		{key: "US-*", cart: in("+18005551234", "US", "", ""), zone: "America/New_York",
			// Nothing is known but the country: it must be after ten in Hawaii and before six in New York.
			legal:   []string{"2026-09-14 16:00", "2026-09-14 17:59"},
			illegal: []string{"2026-09-14 15:59", "2026-09-14 18:00", "2026-09-20 17:00"}},
		{key: "US-FL", cart: in("+13055550123", "US", "US", "FL"), zone: "America/New_York",
			// Florida lies in two zones, and the panhandle is an hour behind.
			legal:   []string{"2026-09-14 11:00", "2026-09-14 19:59"},
			illegal: []string{"2026-09-14 10:59", "2026-09-14 20:00"}},
		{key: "US-OK", cart: in("+14055550123", "US", "US", "OK"), zone: "America/Chicago",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59"}, illegal: []string{"2026-09-14 09:00", "2026-09-14 20:00"}},
		{key: "US-MD", cart: in("+13015550123", "US", "US", "MD"), zone: "America/New_York",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59"}, illegal: []string{"2026-09-14 09:00", "2026-09-14 20:00"}},
		{key: "US-MA", cart: in("+16175550123", "US", "US", "MA"), zone: "America/New_York",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59"}, illegal: []string{"2026-09-14 09:00", "2026-09-14 20:00"}},
		{key: "US-AL", cart: in("+12055550123", "US", "US", "AL"), zone: "America/Chicago",
			legal: []string{"2026-09-14 10:00", "2026-09-19 16:59"}, illegal: []string{"2026-09-14 20:00", "2026-09-20 12:00"}},
		{key: "US-LA", cart: in("+15045550123", "US", "US", "LA"), zone: "America/Chicago",
			legal: []string{"2026-09-14 10:00", "2026-09-19 16:59"}, illegal: []string{"2026-09-14 20:00", "2026-09-20 12:00"}},
		{key: "US-MS", cart: in("+16015550123", "US", "US", "MS"), zone: "America/Chicago",
			legal: []string{"2026-09-14 10:00", "2026-09-19 16:59"}, illegal: []string{"2026-09-14 20:00", "2026-09-20 12:00"}},
		{key: "US-KY", cart: in("+16065550123", "US", "US", "KY"), zone: "America/Chicago",
			legal: []string{"2026-09-14 10:00", "2026-09-14 18:59"}, illegal: []string{"2026-09-14 09:59", "2026-09-14 19:00"}},
		{key: "US-CT", cart: in("+12035550123", "US", "US", "CT"), zone: "America/New_York",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59"}, illegal: []string{"2026-09-14 09:30", "2026-09-14 20:00"}},
		{key: "US-NV", cart: in("+17025550123", "US", "US", "NV"), zone: "America/Los_Angeles",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59"}, illegal: []string{"2026-09-14 09:30", "2026-09-14 20:00"}},
		{key: "US-RI", cart: in("+14015550123", "US", "US", "RI"), zone: "America/New_York",
			legal: []string{"2026-09-14 10:00", "2026-09-14 17:59"}, illegal: []string{"2026-09-14 09:30", "2026-09-14 18:00"}},
		{key: "CA", cart: in("+14165550123", "CA", "CA", "QC"), zone: "America/Toronto",
			legal: []string{"2026-09-14 10:00", "2026-09-14 19:59", "2026-09-19 17:59"},
			illegal: []string{"2026-09-14 09:30", "2026-09-14 20:00", "2026-09-19 18:00", "2026-09-20 12:00",
				"2026-07-01 12:00"}},
		{key: "IN", cart: in("+919876543210", "IN", "IN", "MH"), zone: "Asia/Kolkata",
			legal:   []string{"2026-09-14 10:00", "2026-09-14 18:59", "2026-09-19 18:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-14 19:00", "2026-09-20 12:00"}},
		{key: "GB", cart: in("+442071234567", "GB", "GB", "ENG"), zone: "Europe/London",
			legal: []string{"2026-09-14 09:00", "2026-09-14 19:59", "2026-09-19 17:59"},
			illegal: []string{"2026-09-14 08:59", "2026-09-14 20:00", "2026-09-19 09:30", "2026-09-20 12:00",
				"2026-12-25 12:00"}},
		{key: "FR", cart: in("+33612345678", "FR", "FR", ""), zone: "Europe/Paris",
			legal: []string{"2026-09-14 10:00", "2026-09-14 12:59", "2026-09-14 14:00", "2026-09-14 19:59"},
			illegal: []string{"2026-09-14 13:00", "2026-09-14 13:59", "2026-09-14 20:00", "2026-09-19 12:00",
				"2026-07-14 11:00"}},
		{key: "IT", cart: in("+393123456789", "IT", "IT", "MI"), zone: "Europe/Rome",
			legal: []string{"2026-09-14 09:00", "2026-09-14 19:59", "2026-09-19 10:00"},
			illegal: []string{"2026-09-14 08:59", "2026-09-19 09:30", "2026-09-19 19:00", "2026-09-20 12:00",
				"2026-06-02 12:00"}},
		{key: "ES", cart: in("+34612345678", "ES", "ES", "M"), zone: "Europe/Madrid",
			legal:   []string{"2026-09-14 10:00", "2026-09-14 19:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-14 20:00", "2026-09-19 12:00"}},
		{key: "EU", cart: in("+4915123456789", "DE", "DE", ""), zone: "Europe/Berlin",
			legal:   []string{"2026-09-14 10:00", "2026-09-14 18:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-14 19:00", "2026-09-19 12:00", "2026-05-01 12:00"}},
		{key: "AU", cart: in("+61212345678", "AU", "AU", "VIC"), zone: "Australia/Melbourne",
			legal: []string{"2026-09-14 09:00", "2026-09-14 19:59", "2026-09-19 16:59"},
			illegal: []string{"2026-09-14 08:59", "2026-09-14 20:00", "2026-09-19 17:00", "2026-09-20 12:00",
				"2026-11-03 12:00"}},
		{key: "BR", cart: in("+5511961234567", "BR", "BR", "SP"), zone: "America/Sao_Paulo",
			legal:   []string{"2026-09-14 10:00", "2026-09-14 19:59", "2026-09-19 15:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-19 16:00", "2026-09-20 12:00", "2026-09-07 12:00"}},
		{key: "AE", cart: in("+971501234567", "AE", "AE", ""), zone: "Asia/Dubai", change: func(r *Rules) {
			r.Jurisdictions = map[string]Override{"AE": {Calls: "on"}}
		},
			legal: []string{"2026-09-14 09:00", "2026-09-14 17:59"}, illegal: []string{"2026-09-14 08:59", "2026-09-14 18:00"}},
		{key: "ZA", cart: in("+27821234567", "ZA", "ZA", "GP"), zone: "Africa/Johannesburg",
			legal: []string{"2026-09-14 09:00", "2026-09-14 18:59", "2026-09-19 12:59"},
			illegal: []string{"2026-09-14 08:30", "2026-09-14 19:00", "2026-09-19 13:00", "2026-09-20 12:00",
				"2026-09-24 12:00"}},
		{key: everywhere, cart: in("+819012345678", "JP", "JP", "JP-13"), zone: "Asia/Tokyo",
			legal:   []string{"2026-09-14 10:00", "2026-09-14 17:59"},
			illegal: []string{"2026-09-14 09:59", "2026-09-14 18:00", "2026-09-19 12:00"}},
	} {
		t.Run(row.key, func(t *testing.T) {
			t.Parallel()
			r := always(t, row.change)
			for _, text := range row.legal {
				assert.True(t, open(r, row.cart, local(t, row.zone, text)), "legal at %s", text)
			}
			for _, text := range row.illegal {
				assert.False(t, open(r, row.cart, local(t, row.zone, text)), "illegal at %s", text)
			}
		})
	}
}

func TestCallingHours_EveryRowHasATest(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	// The table test above names every row; this list fails when a row is added without one.
	keys := []string{
		"US", "US-*", "US-FL", "US-OK", "US-MD", "US-MA", "US-AL", "US-LA", "US-MS", "US-KY", "US-CT", "US-NV", "US-RI",
		"CA", "IN", "GB", "FR", "IT", "ES", "EU", "AU", "BR", "AE", "ZA", everywhere,
	}
	for _, r := range tb.rows {
		assert.Contains(t, keys, r.key)
	}
	assert.Len(t, tb.rows, len(keys))
}

func TestCallingHours_UnknownStateIsAsNarrowAsTheNarrowest(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	unknown, us := tb.row("US-*"), tb.row("US")
	allows := func(r *row, kind int, second int64) bool {
		return slices.ContainsFunc(r.week[kind], func(s span) bool { return second >= s.from && second < s.to })
	}
	for kind := range holiday + 1 {
		for second := int64(0); second < daySeconds; second += 60 {
			all := allows(us, kind, second)
			for _, r := range tb.rows {
				if r.state != "" && r.state != anyState {
					all = all && allows(r, kind, second)
				}
			}
			require.Equal(t, all, allows(us, kind, second) && allows(unknown, kind, second), "kind %d second %d", kind, second)
		}
	}
	for _, r := range tb.rows {
		if r.state != "" {
			for _, c := range r.caps {
				assert.Contains(t, unknown.caps, c, r.key)
			}
		}
	}
}

func TestJurisdiction_ThatIsOffIsNeverCalled(t *testing.T) {
	t.Parallel()
	c := &cart.Cart{Shop: testShop, Phone: "+971501234567", Country: "AE", PhoneFrom: "shipping",
		LastActivityAt: local(t, "Asia/Dubai", "2026-09-14 10:00")}
	c.Checkout.Items, c.Checkout.Total = something(), decimal.NewFromInt(1895)
	now := local(t, "Asia/Dubai", "2026-09-14 12:00")
	d := Decide(always(t, nil), Facts{Cart: c, Queried: &QueriedFacts{}}, now)
	assert.Equal(t, cart.ActWatch, d.Action)
	assert.Equal(t, cart.Ineligible, d.Reason)

	on := always(t, func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Calls: "on"}} })
	assert.Equal(t, cart.ActCall, Decide(on, Facts{Cart: c, Queried: &QueriedFacts{}}, now).Action)

	off := always(t, func(r *Rules) { r.QuietHours = QuietOff })
	assert.Equal(t, cart.ActCall, Decide(off, Facts{Cart: c, Queried: &QueriedFacts{}}, now).Action,
		"without the table nothing is off")
}

func TestJurisdiction_StoreChangesTheTable(t *testing.T) {
	t.Parallel()
	german := &cart.Cart{Shop: testShop, Phone: "+4915123456789", Country: "DE"}
	dutch := &cart.Cart{Shop: testShop, Phone: "+31612345678", Country: "NL"}
	japanese := &cart.Cart{Shop: testShop, Phone: "+819012345678", Country: "JP"}
	r := always(t, func(r *Rules) {
		r.Jurisdictions = map[string]Override{
			"EU": {Sat: []string{"10:00-12:00"}},
			"DE": {MonFri: []string{"09:00-12:00", "13:00-17:00"}, Sat: []string{}},
			"JP": {Calls: "off"},
		}
	})
	for _, c := range []struct {
		who  *cart.Cart
		at   time.Time
		open bool
		what string
	}{
		{german, local(t, "Europe/Berlin", "2026-09-14 09:30"), true, "Germany's own hours"},
		{german, local(t, "Europe/Berlin", "2026-09-14 12:30"), false, "Germany's own lunch"},
		{german, local(t, "Europe/Berlin", "2026-09-14 18:00"), false, "not the table's evening"},
		{german, local(t, "Europe/Berlin", "2026-09-19 11:00"), false, "Germany's Saturday is closed again"},
		{dutch, local(t, "Europe/Amsterdam", "2026-09-14 09:30"), false, "the table's morning"},
		{dutch, local(t, "Europe/Amsterdam", "2026-09-14 18:00"), true, "the table's evening"},
		{dutch, local(t, "Europe/Amsterdam", "2026-09-19 11:00"), true, "the row's new Saturday"},
		{japanese, local(t, "Asia/Tokyo", "2026-09-14 12:00"), false, "a country without a row turned off"},
	} {
		assert.Equal(t, c.open, open(r, c.who, c.at), c.what)
	}
}

func TestTables_AreReadStrictly(t *testing.T) {
	t.Parallel()
	row := func(lines string) []byte {
		return []byte("version: \"2026-01-01\"\njurisdictions:\n  - {key: default, source: x, confidence: low, date: \"2026-01-01\"}\n" + lines)
	}
	good := row("")
	for name, c := range map[string]struct {
		hours, zones, areas []byte
		message             string
	}{
		"unknown key": {hours: row("  - {key: IN, countries: [IN], source: x, confidence: low, date: \"2026-01-01\", monday: []}\n"), message: "monday"},
		"no source": {hours: row("  - {key: IN, countries: [IN], confidence: low, date: \"2026-01-01\"}\n"),
			message: "source"},
		"no confidence": {hours: row("  - {key: IN, countries: [IN], source: x, date: \"2026-01-01\"}\n"),
			message: "confidence"},
		"no date": {hours: row("  - {key: IN, countries: [IN], source: x, confidence: low}\n"), message: "date"},
		"no countries": {hours: row("  - {key: IN, source: x, confidence: low, date: \"2026-01-01\"}\n"),
			message: "countries"},
		"twice": {hours: row("  - {key: default, source: x, confidence: low, date: \"2026-01-01\"}\n"),
			message: "twice"},
		"bad hour":    {hours: row("  - {key: IN, countries: [IN], sat: [\"9-10\"], source: x, confidence: low, date: \"2026-01-01\"}\n"), message: "time of day"},
		"bad cap":     {hours: row("  - {key: IN, countries: [IN], caps: [{calls: 0, every: 24h}], source: x, confidence: low, date: \"2026-01-01\"}\n"), message: "cap"},
		"bad silence": {hours: row("  - {key: IN, countries: [IN], silence_after_refusal: long, source: x, confidence: low, date: \"2026-01-01\"}\n"), message: "silence"},
		"no default":  {hours: []byte("version: \"2026-01-01\"\njurisdictions: []\n"), message: "default"},
		"no version":  {hours: []byte("jurisdictions: []\n"), message: "version"},
		"bad zone":    {zones: []byte("countries:\n  IN: {zones: [Asia/Nowhere]}\n"), message: "Asia/Nowhere"},
		"no zones":    {zones: []byte("countries:\n  IN: {zones: []}\n"), message: "no zones"},
		"bad province zone": {
			zones: []byte("countries:\n  IN: {zones: [Asia/Kolkata], provinces: [{zones: [X], codes: [A]}]}\n"), message: "X"},
		"province twice": {
			zones:   []byte("countries:\n  IN: {zones: [Asia/Kolkata], provinces: [{zones: [Asia/Kolkata], codes: [A, A]}]}\n"),
			message: "twice"},
		"bad area": {areas: []byte("states:\n  NY: [12]\n"), message: "12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hours, zones, areas := good, []byte("countries: {}\n"), []byte("states: {}\n")
			if c.hours != nil {
				hours = c.hours
			}
			if c.zones != nil {
				zones = c.zones
			}
			if c.areas != nil {
				areas = c.areas
			}
			_, err := readTables(hours, zones, areas)
			assert.ErrorContains(t, err, c.message)
		})
	}
	_, err := readTables(good, []byte("countries: {}\n"), []byte("states: {}\n"))
	assert.NoError(t, err)
}

// In November 2026 British Columbia and Alberta stopped changing their clocks. Zone data of before then is an hour
// late there in winter, which would let calls go out after the legal hours.
func TestCallingHours_FollowTheClocksOf2026(t *testing.T) {
	t.Parallel()
	r := always(t, nil)
	for _, c := range []struct {
		name, phone, province string
		// last is the last legal minute of Saturday, 28 November 2026; closed is the moment after it.
		last, closed string
	}{
		// The east of the province has Alberta's time; the number is Vancouver's.
		{"British Columbia", "+16045550123", "", "2026-11-29T00:59:00Z", "2026-11-29T01:00:00Z"},
		{"Alberta", "+14035550123", "AB", "2026-11-28T23:59:00Z", "2026-11-29T00:00:00Z"},
		{"Manitoba", "+12045550123", "MB", "2026-11-28T22:59:00Z", "2026-11-28T23:00:00Z"},
	} {
		person := &cart.Cart{Shop: testShop, Phone: c.phone, Country: "CA", PhoneFrom: "shipping"}
		if c.province != "" {
			person.Checkout.Shipping = &cart.Address{CountryCode: "CA", ProvinceCode: c.province}
		}
		last, err := time.Parse(time.RFC3339, c.last)
		require.NoError(t, err)
		closed, err := time.Parse(time.RFC3339, c.closed)
		require.NoError(t, err)
		assert.True(t, open(r, person, last), c.name)
		assert.False(t, open(r, person, closed), c.name)
	}
}
