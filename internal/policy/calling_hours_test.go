package policy

import (
	"slices"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/zoneinfo"

	"github.com/rickar/cal/v2"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// always are rules whose windows are never closed, so that only the calling-hours table speaks.
func always(t testing.TB, change func(*Rules)) *Rules {
	t.Helper()
	r := DefaultRules()
	r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
	r.Windows = []Window{{From: "00:00", To: "24:00"}}
	if change != nil {
		change(&r)
	}
	require.NoError(t, r.Compile(testStore))
	return &r
}

// allRows are the keys of all rows: where the store accepts less consent in all of them, consent stands against no
// call.
func allRows() []string {
	t, err := builtin()
	if err != nil {
		return nil
	}
	keys := make([]string, len(t.rows))
	for i, r := range t.rows {
		keys[i] = r.key
	}
	return keys
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

// In September 2026 the 14th is a Monday, the 18th a Friday, the 19th a Saturday and the 20th a Sunday. In November
// 2026 the 16th is a Monday.
const (
	mon, fri, sat, sun = "2026-09-14 ", "2026-09-18 ", "2026-09-19 ", "2026-09-20 "
	november           = "2026-11-16 "
)

// rowCase says when people of one row may be called, by their own clocks.
type rowCase struct {
	key, phone, country, province, zone string
	// on are the rows that the store turns on.
	on             []string
	legal, illegal []string
}

func (c *rowCase) cart() *cart.Cart {
	who := &cart.Cart{Shop: testShop, Phone: c.phone, Country: c.country, PhoneFrom: "shipping"}
	who.Checkout.Items, who.Checkout.Total = something(), decimal.NewFromInt(1895)
	if c.province != "-" {
		who.Checkout.Shipping = &cart.Address{CountryCode: c.country, ProvinceCode: c.province}
	}
	return who
}

// state is the case of a state of the US, whose country's row also holds: Monday to Friday 10:00-20:00, Saturday
// 10:00-17:00.
func state(code, phone, zone string, legal, illegal []string) rowCase {
	return rowCase{key: "US-" + code, phone: phone, country: "US", province: code, zone: zone,
		legal: legal, illegal: append(illegal, sun+"12:00", "2026-11-26 12:00")}
}

const (
	newYork, chicago, denver, losAngeles = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
)

// asUS are the hours that the row US has by itself.
func asUS(code, phone, zone string) rowCase {
	return state(code, phone, zone, []string{mon + "10:00", mon + "19:59", sat + "16:59"},
		[]string{mon + "09:59", mon + "20:00", sat + "17:00"})
}

// office are hours of Monday to Friday alone.
func office(key, phone, province, zone, from, last, closed string) rowCase {
	return rowCase{key: key, phone: phone, country: key, province: province, zone: zone,
		legal:   []string{mon + from, mon + last},
		illegal: []string{mon + "08:59", mon + closed, sat + "12:00", sun + "12:00"}}
}

func turnedOn(c rowCase, key string) rowCase {
	c.key, c.on = key, []string{key}
	return c
}

func rowCases() []rowCase {
	cases := []rowCase{
		asUS("NY", "+12125550123", newYork),
		// Nothing is known but the country: it must be after ten in Hawaii and before five in New York, on no Saturday. In
		// summer no moment is both.
		{key: "US-*", phone: "+18005551234", country: "US", province: "-", zone: newYork,
			legal:   []string{mon + "16:00", mon + "16:59", november + "16:00"},
			illegal: []string{mon + "15:59", mon + "17:00", sat + "16:30", sun + "16:30", "2026-12-01 16:30"}},
		state("AL", "+12055550123", chicago, []string{mon + "10:00", sat + "16:59"},
			[]string{mon + "20:00", "2026-04-27 12:00", "2026-06-01 12:00", "2026-12-01 12:00", "2026-02-17 12:00"}),
		asUS("CA", "+12135550123", losAngeles), asUS("CT", "+12035550123", newYork),
		// Florida lies in two zones, and the panhandle is an hour behind.
		state("FL", "+13055550123", newYork, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:59", mon + "20:00"}),
		asUS("IL", "+12175550123", chicago),
		state("IN", "+13175550123", newYork, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:59", mon + "20:00"}),
		state("KY", "+16065550123", chicago, []string{mon + "10:00", mon + "18:59"}, []string{mon + "09:59", mon + "19:00"}),
		state("LA", "+15045550123", chicago, []string{mon + "10:00", sat + "16:59"},
			[]string{mon + "20:00", "2026-04-03 12:00", "2026-02-17 12:00", "2026-11-27 12:00"}),
		asUS("MA", "+16175550123", newYork), asUS("MD", "+13015550123", newYork),
		turnedOn(state("ME", "+12075550123", newYork, []string{mon + "10:00", mon + "16:59"},
			[]string{mon + "09:30", mon + "17:00", sat + "12:00"}), "US-ME"),
		state("MI", "+13135550123", newYork, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:30", mon + "20:00"}),
		asUS("MN", "+16125550123", chicago), asUS("MS", "+16015550123", chicago),
		state("NE", "+14025550123", chicago, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:30", mon + "20:00"}),
		asUS("NJ", "+12015550123", newYork), asUS("NM", "+15055550123", denver),
		state("NV", "+17025550123", losAngeles, []string{mon + "10:00", mon + "18:59"},
			[]string{mon + "09:30", mon + "20:00"}),
		asUS("OK", "+14055550123", chicago),
		state("OR", "+15035550123", losAngeles, []string{mon + "10:00", mon + "18:59"},
			[]string{mon + "09:30", mon + "20:00"}),
		// Before 18 October 2026 the evening was longer, and Sundays were closed only by the country's row.
		state("PA", "+12155550123", newYork, []string{mon + "10:00", mon + "19:59", "2026-10-16 19:59", "2026-10-19 18:59"},
			[]string{mon + "20:00", "2026-10-19 19:00", "2026-11-03 12:00", "2026-04-03 12:00", "2026-06-15 12:00"}),
		state("RI", "+14015550123", newYork, []string{mon + "10:00", mon + "17:59", sat + "10:00", "2027-11-02 12:00"},
			[]string{mon + "09:30", mon + "18:00", sat + "17:00", "2026-05-04 12:00", "2026-08-10 12:00", "2026-11-03 12:00"}),
		state("SC", "+18035550123", newYork, []string{mon + "10:00", mon + "18:59"}, []string{mon + "09:30", mon + "19:00"}),
		state("SD", "+16055550123", chicago, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:30", sat + "12:00"}),
		state("TX", "+12145550123", chicago, []string{mon + "11:00", mon + "19:59"}, []string{mon + "10:30", mon + "20:00"}),
		state("UT", "+18015550123", denver, []string{mon + "10:00", mon + "19:59"},
			[]string{mon + "09:30", "2026-07-24 12:00"}),
		asUS("VA", "+17035550123", newYork), asUS("WA", "+12065550123", losAngeles),
		asUS("WY", "+13075550123", denver),
		{key: "US-PR", phone: "+17875550123", country: "PR", zone: "America/Puerto_Rico",
			legal:   []string{mon + "10:00", mon + "19:59", sat + "16:59"},
			illegal: []string{mon + "09:30", mon + "20:00", sat + "17:00", sun + "12:00"}},
		{key: "CA", phone: "+14165550123", country: "CA", province: "QC", zone: "America/Toronto",
			legal:   []string{mon + "10:00", mon + "19:59", sat + "17:59"},
			illegal: []string{mon + "09:30", mon + "20:00", sat + "18:00", sun + "12:00", "2026-07-01 12:00"}},
		{key: "CA-BC", phone: "+16045550123", country: "CA", province: "BC", zone: "America/Vancouver",
			legal:   []string{mon + "10:00", mon + "18:59", sat + "16:59"},
			illegal: []string{mon + "09:30", mon + "20:00", sat + "18:00", "2026-02-16 12:00", "2026-08-03 12:00"}},
		{key: "GB", phone: "+442071234567", country: "GB", province: "ENG", zone: "Europe/London",
			legal:   []string{mon + "09:00", mon + "19:59", sat + "17:59"},
			illegal: []string{mon + "08:59", mon + "20:00", sat + "09:30", sun + "12:00", "2026-12-25 12:00"}},
		office("IE", "+353861234567", "D", "Europe/Dublin", "10:00", "18:59", "19:00"),
		{key: "FR", phone: "+33612345678", country: "FR", zone: "Europe/Paris",
			legal: []string{mon + "10:00", mon + "12:59", mon + "14:00", mon + "19:59", "2026-08-10 14:00", "2026-08-11 14:00"},
			illegal: []string{mon + "13:00", mon + "13:59", mon + "20:00", sat + "12:00", "2026-07-14 11:00",
				"2026-08-10 13:30", "2026-08-11 13:30"}},
		{key: "DE", phone: "+4915123456789", country: "DE", zone: "Europe/Berlin",
			legal:   []string{mon + "10:00", mon + "18:59"},
			illegal: []string{mon + "09:59", mon + "19:00", sat + "12:00", "2026-05-01 12:00"}},
		{key: "ES", phone: "+34612345678", country: "ES", province: "M", zone: "Europe/Madrid",
			legal:   []string{mon + "10:00", mon + "14:59", mon + "16:00", mon + "19:59", "2026-12-28 16:00"},
			illegal: []string{mon + "09:59", mon + "15:00", mon + "15:59", mon + "20:00", sat + "12:00", "2026-12-28 15:30"}},
		// 2 June 2026 is a holiday, and a Tuesday.
		{key: "IT", phone: "+393123456789", country: "IT", province: "MI", zone: "Europe/Rome",
			legal: []string{mon + "10:00", mon + "18:59", sat + "10:00", "2026-06-01 10:00"},
			illegal: []string{mon + "09:59", mon + "19:00", sat + "09:30", sat + "19:00", sun + "12:00", "2026-06-02 12:00",
				"2026-06-01 19:00"}},
		office("NL", "+31612345678", "", "Europe/Amsterdam", "10:00", "18:59", "19:00"),
		office("BE", "+32470123456", "", "Europe/Brussels", "10:00", "18:59", "19:00"),
		office("AT", "+436601234567", "", "Europe/Vienna", "10:00", "18:59", "19:00"),
		// The Azores are an hour behind.
		office("PT", "+351912345678", "PT-11", "Europe/Lisbon", "11:00", "18:59", "19:00"),
		office("PL", "+48512345678", "", "Europe/Warsaw", "10:00", "18:59", "19:00"),
		office("SE", "+46701234567", "", "Europe/Stockholm", "10:00", "18:59", "19:00"),
		office("DK", "+4520123456", "", "Europe/Copenhagen", "10:00", "18:59", "19:00"),
		office("FI", "+358401234567", "", "Europe/Helsinki", "10:00", "18:59", "19:00"),
		office("NO", "+4740612345", "", "Europe/Oslo", "10:00", "18:59", "19:00"),
		office("CH", "+41781234567", "", "Europe/Zurich", "10:00", "18:59", "19:00"),
		{key: "EU", phone: "+302101234567", country: "GR", zone: "Europe/Athens",
			legal:   []string{mon + "10:00", mon + "18:59"},
			illegal: []string{mon + "09:59", mon + "19:00", sat + "12:00"}},
		{key: "IN", phone: "+919876543210", country: "IN", province: "MH", zone: "Asia/Kolkata",
			legal:   []string{mon + "10:00", mon + "18:59", sat + "18:59"},
			illegal: []string{mon + "09:59", mon + "19:00", sun + "12:00"}},
		{key: "AU", phone: "+61212345678", country: "AU", province: "VIC", zone: "Australia/Melbourne",
			legal:   []string{mon + "09:00", mon + "19:59", sat + "16:59"},
			illegal: []string{mon + "08:59", mon + "20:00", sat + "17:00", sun + "12:00", "2026-11-03 12:00"}},
		{key: "NZ", phone: "+6491234567", country: "NZ", province: "AUK", zone: "Pacific/Auckland",
			legal:   []string{mon + "09:00", mon + "19:59", sat + "16:59"},
			illegal: []string{mon + "08:59", mon + "20:00", sat + "17:00", sun + "12:00"}},
		office("SG", "+6581234567", "", "Asia/Singapore", "10:00", "17:59", "18:00"),
		{key: "AE", phone: "+971501234567", country: "AE", zone: "Asia/Dubai", on: []string{"AE"},
			legal:   []string{mon + "09:00", mon + "17:59", fri + "12:00", sun + "12:00"},
			illegal: []string{mon + "08:59", mon + "18:00"}},
		{key: "SA", phone: "+966501234567", country: "SA", zone: "Asia/Riyadh", on: []string{"SA"},
			legal:   []string{sun + "10:00", mon + "17:59", "2026-09-17 12:00"},
			illegal: []string{mon + "09:59", mon + "18:00", fri + "12:00", sat + "12:00"}},
		{key: "IL", phone: "+972501234567", country: "IL", zone: "Asia/Jerusalem", on: []string{"IL"},
			legal:   []string{sun + "10:00", mon + "17:59", "2026-09-17 12:00"},
			illegal: []string{mon + "09:59", mon + "18:00", fri + "12:00", sat + "12:00"}},
		turnedOn(office("TR", "+905301234567", "", "Europe/Istanbul", "10:00", "17:59", "18:00"), "TR"),
		{key: "BR", phone: "+5511961234567", country: "BR", province: "SP", zone: "America/Sao_Paulo",
			legal:   []string{mon + "10:00", mon + "19:59", sat + "15:59"},
			illegal: []string{mon + "09:59", mon + "20:00", sat + "16:00", sun + "12:00", "2026-09-07 12:00"}},
		{key: "MX", phone: "+525512345678", country: "MX", province: "DF", zone: "America/Mexico_City",
			legal: []string{mon + "10:00", mon + "18:59"}, illegal: []string{mon + "09:59", mon + "19:00", sat + "12:00"}},
		{key: "CO", phone: "+573011234567", country: "CO", zone: "America/Bogota",
			legal:   []string{mon + "10:00", mon + "17:59", sat + "13:59"},
			illegal: []string{mon + "09:59", mon + "18:00", sat + "14:00"}},
		office("AR", "+5491123456789", "C", "America/Argentina/Buenos_Aires", "10:00", "17:59", "18:00"),
		{key: "ZA", phone: "+27821234567", country: "ZA", province: "GP", zone: "Africa/Johannesburg",
			legal:   []string{mon + "09:00", mon + "18:59", sat + "12:59"},
			illegal: []string{mon + "08:30", mon + "19:00", sat + "13:00", sun + "12:00", "2026-09-24 12:00"}},
		office("JP", "+819012345678", "JP-13", "Asia/Tokyo", "10:00", "17:59", "18:00"),
		turnedOn(office("MY", "+60123456789", "", "Asia/Kuala_Lumpur", "10:00", "17:59", "18:00"), "MY"),
		turnedOn(office("PH", "+639171234567", "", "Asia/Manila", "10:00", "17:59", "18:00"), "PH"),
		turnedOn(office("ID", "+6281234567890", "JK", "Asia/Jakarta", "12:00", "15:59", "18:00"), "ID"),
		turnedOn(office("TH", "+66812345678", "", "Asia/Bangkok", "10:00", "17:59", "18:00"), "TH"),
		{key: everywhere, phone: "+821012345678", country: "KR", zone: "Asia/Seoul", on: []string{"KR"},
			legal: []string{mon + "10:00", mon + "17:59"}, illegal: []string{mon + "09:59", mon + "18:00", sat + "12:00"}},
	}
	cases = append(cases, asUS("", "+16145550123", newYork))
	last := &cases[len(cases)-1]
	last.key, last.province = "US", "OH"
	return cases
}

func TestCallingHours_EveryRowOpensAndCloses(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, row := range rowCases() {
		assert.False(t, tested[row.key], row.key)
		tested[row.key] = true
		t.Run(row.key, func(t *testing.T) {
			t.Parallel()
			r := always(t, func(r *Rules) {
				for _, key := range row.on {
					if r.Jurisdictions == nil {
						r.Jurisdictions = map[string]Override{}
					}
					r.Jurisdictions[key] = Override{Calls: "on"}
				}
			})
			for _, text := range row.legal {
				assert.True(t, open(r, row.cart(), local(t, row.zone, text)), "legal at %s", text)
			}
			for _, text := range row.illegal {
				assert.False(t, open(r, row.cart(), local(t, row.zone, text)), "illegal at %s", text)
			}
			if len(row.on) == 0 {
				return
			}
			// Where the store does not turn it on, nobody is ever called.
			asShipped := always(t, nil)
			for _, text := range row.legal {
				assert.False(t, open(asShipped, row.cart(), local(t, row.zone, text)), "off at %s", text)
			}
		})
	}
	tb, err := builtin()
	require.NoError(t, err)
	for _, r := range tb.rows {
		assert.True(t, tested[r.key], "%s has no case", r.key)
	}
	assert.Len(t, tested, len(tb.rows))
}

func TestCallingHours_RowsHaveTheirLimits(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	day, err := parseDate("2026-11-26")
	require.NoError(t, err)
	capsOf := map[string][]Cap{}
	silence := map[string]time.Duration{}
	var never, off []string
	for _, r := range tb.rows {
		k := r.on(day)
		if len(k.caps) > 0 {
			capsOf[r.key] = k.caps
		}
		if k.silence > 0 {
			silence[r.key] = k.silence
		}
		if k.never {
			never = append(never, r.key)
		}
		if k.off {
			off = append(off, r.key)
		}
		assert.NotEmpty(t, k.about.basis, r.key)
		assert.NotEmpty(t, k.about.sources, r.key)
	}
	in := func(calls int, every time.Duration) Cap { return Cap{Calls: calls, Every: every, Scope: ScopeAll} }
	three := []Cap{in(3, 24*time.Hour)}
	assert.Equal(t, map[string][]Cap{
		"US-*": {in(3, 24*time.Hour), in(1, 8*time.Hour)}, "US-FL": three, "US-MD": three, "US-OK": three, "US-OR": three,
		"US-ME": {in(1, 8*time.Hour)}, "CA-BC": {in(1, 720*time.Hour)}, "FR": {in(4, 720*time.Hour)},
		"AE": {in(1, 24*time.Hour), in(2, 168*time.Hour)}, "CO": {in(1, 168*time.Hour)},
	}, capsOf)
	assert.Equal(t, map[string]time.Duration{"FR": 1440 * time.Hour, "US-WA": 8760 * time.Hour, "US-*": 8760 * time.Hour},
		silence)
	assert.Equal(t, []string{"AE", "JP"}, never)
	assert.Equal(t, []string{"US-ME", "AE", "SA", "IL", "TR", "MY", "PH", "ID", "TH", everywhere}, off)
}

func TestCallingHours_TermsChangeOnTheirDay(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	for _, c := range []struct {
		key, day string
		differ   func(before, after *terms) bool
	}{
		{"US-PA", "2026-10-18", func(b, a *terms) bool { return b.week[1][0].to > a.week[1][0].to && len(a.week[0]) == 0 }},
		{"US-ME", "2025-09-23", func(b, a *terms) bool {
			return !slices.Contains(b.disclose, DiscloseAI) && slices.Contains(a.disclose, DiscloseAI)
		}},
		{"US-OR", "2026-01-01", func(b, a *terms) bool { return b == nil && len(a.caps) == 1 }},
		{"FR", "2026-08-11", func(b, a *terms) bool { return len(b.registries) == 1 && len(a.registries) == 0 }},
		{"ES", "2026-12-28", func(b, a *terms) bool { return b.consentAge == 0 && a.consentAge == 2*365*24*time.Hour }},
	} {
		day, err := parseDate(c.day)
		require.NoError(t, err)
		assert.True(t, c.differ(tb.row(c.key).on(day-1), tb.row(c.key).on(day)), c.key)
	}
	dated := 0
	for _, r := range tb.rows {
		if r.state != anyState && (len(r.terms) > 1 || r.terms[0].from != firstDay) {
			dated++
		}
	}
	assert.Equal(t, 5, dated, "every row with dates is in the list above")
}

// The hours are looked up for the days to come, so that a change is kept on the very day.
func TestCallingHours_AreThoseOfTheDayOfTheCall(t *testing.T) {
	t.Parallel()
	r := always(t, nil)
	who := (&rowCase{phone: "+12155550123", country: "US", province: "PA"}).cart()
	next, ok := nextOpening(r, who, local(t, newYork, "2026-10-16 20:00"))
	require.True(t, ok)
	assert.Equal(t, local(t, newYork, "2026-10-17 10:00").UTC(), next)
	next, ok = nextOpening(r, who, local(t, newYork, "2026-10-19 19:30"))
	require.True(t, ok)
	assert.Equal(t, local(t, newYork, "2026-10-20 10:00").UTC(), next)
}

func TestCallingHours_UnknownStateIsTheCommonPartOfAllStates(t *testing.T) {
	t.Parallel()
	tb, err := builtin()
	require.NoError(t, err)
	unknown, us := tb.row("US-*"), tb.row("US")
	allows := func(k *terms, kind int, second int64) bool {
		return slices.ContainsFunc(k.week[kind], func(s span) bool { return second >= s.from && second < s.to })
	}
	states := 0
	for _, text := range []string{"2025-06-01", "2025-12-01", "2026-06-01", "2026-11-26", "2030-01-01"} {
		day, err := parseDate(text)
		require.NoError(t, err)
		for kind := range holiday + 1 {
			for second := int64(0); second < daySeconds; second += 60 {
				all := allows(us.on(day), kind, second)
				for _, r := range tb.rows {
					if k := r.on(day); r.state != anyState && slices.Contains(r.countries, "US") && k != nil {
						all = all && allows(k, kind, second)
					}
				}
				require.Equal(t, all, allows(unknown.on(day), kind, second), "%s kind %d second %d", text, kind, second)
			}
		}
		for _, r := range tb.rows {
			k := r.on(day)
			if r.state == "" || r.state == anyState || !slices.Contains(r.countries, "US") || k == nil {
				continue
			}
			states++
			for _, c := range k.caps {
				assert.Contains(t, unknown.on(day).caps, c, r.key)
			}
			if k.extra == nil || len(k.week[holiday]) > 0 {
				continue
			}
			for _, h := range k.extra.list {
				assert.Contains(t, unknown.on(day).extra.list, h, r.key)
			}
		}
	}
	assert.Greater(t, states, 100)
	// What it comes to today: from Kentucky's morning to Maine's evening. Maine and South Dakota have no weekends.
	day, err := parseDate("2026-11-26")
	require.NoError(t, err)
	for kind, spans := range unknown.on(day).week {
		if kind >= int(time.Monday) && kind <= int(time.Friday) {
			assert.Equal(t, []span{{10 * 3600, 17 * 3600}}, spans)
		} else {
			assert.Empty(t, spans)
		}
	}
	assert.False(t, unknown.on(day).off, "off itself is not inherited")
}

func TestJurisdiction_UnknownStateNamesTheStatesThatAreOff(t *testing.T) {
	t.Parallel()
	who := (&rowCase{phone: "+18005551234", country: "US", province: "-"}).cart()
	now := local(t, newYork, mon+"16:30")
	who.LastActivityAt = now.Add(-time.Hour)
	d := Decide(always(t, nil), Facts{Cart: who, Queried: &QueriedFacts{}}, now)
	assert.Equal(t, cart.ActCall, d.Action)
	assert.Contains(t, stepOf(t, d, "jurisdiction").Saw, "US-*")
	assert.Contains(t, stepOf(t, d, "jurisdiction").Saw, "may be in US-ME, which is off")
}

func TestJurisdiction_StoreClosesARowForATime(t *testing.T) {
	t.Parallel()
	who := (&rowCase{phone: "+15045550123", country: "US", province: "LA"}).cart()
	now := local(t, chicago, mon+"12:00")
	who.LastActivityAt = now.Add(-time.Hour)
	for _, quiet := range []string{QuietBuiltin, QuietOff} {
		closed := always(t, func(r *Rules) {
			r.QuietHours, r.Closed = quiet, []Closing{{Row: "US-LA", Until: "2026-09-16"}}
		})
		d := Decide(closed, Facts{Cart: who, Queried: &QueriedFacts{}}, now)
		assert.Equal(t, cart.ActWait, d.Action, quiet)
		next, ok := nextOpening(closed, who, now)
		require.True(t, ok)
		assert.Equal(t, "2026-09-17", next.In(now.Location()).Format(time.DateOnly), quiet)
		texan := (&rowCase{phone: "+12145550123", country: "US", province: "TX"}).cart()
		assert.True(t, open(closed, texan, now), "Texas is open")
	}
	forGood := always(t, func(r *Rules) { r.Closed = []Closing{{Row: "US"}} })
	_, ok := nextOpening(forGood, who, now)
	assert.False(t, ok)
}

func TestCallingHours_EveOfAHolidayHasItsOwnHours(t *testing.T) {
	t.Parallel()
	// A store has widened Italy's hours to those of the code of conduct. The eve stays narrow.
	r := always(t, func(r *Rules) { r.Jurisdictions = map[string]Override{"IT": {MonFri: []string{"09:00-20:00"}}} })
	who := (&rowCase{phone: "+393123456789", country: "IT", province: "MI"}).cart()
	for text, want := range map[string]bool{
		mon + "09:00": true, mon + "19:59": true,
		"2026-06-01 09:59": false, "2026-06-01 10:00": true, "2026-06-01 18:59": true, "2026-06-01 19:00": false,
		"2026-04-05 12:00": false, // the Sunday before Easter Monday
	} {
		assert.Equal(t, want, open(r, who, local(t, "Europe/Rome", text)), text)
	}
}

func TestExtraHolidays_AreOnTheirDays(t *testing.T) {
	t.Parallel()
	minus := -47
	for _, c := range []struct {
		rule extraRule
		year int
		days []string
	}{
		{extraRule{Nth: "4th mon apr"}, 2026, []string{"2026-04-27"}},
		{extraRule{Nth: "4th thu nov", Plus: 1}, 2026, []string{"2026-11-27"}},
		{extraRule{Nth: "1st mon nov", Plus: 1, Years: "even"}, 2026, []string{"2026-11-03"}},
		{extraRule{Nth: "1st mon nov", Plus: 1, Years: "even"}, 2027, nil},
		{extraRule{Nth: "1st mon nov", Plus: 1, Years: "odd"}, 2027, []string{"2027-11-02"}},
		{extraRule{Easter: &minus}, 2026, []string{"2026-02-17"}},
		{extraRule{Date: "06-14"}, 2026, []string{"2026-06-14", "2026-06-15"}},
		{extraRule{Date: "12-01"}, 2029, []string{"2029-12-01"}},
		{extraRule{Date: "12-01", Saturday: "friday"}, 2029, []string{"2029-11-30", "2029-12-01"}},
	} {
		h, err := c.rule.holiday()
		require.NoError(t, err)
		var days []string
		for _, day := range daysIn([]*cal.Holiday{h}, c.year) {
			days = append(days, time.Unix(day*daySeconds, 0).UTC().Format(time.DateOnly))
		}
		assert.Equal(t, c.days, days, "%+v", c.rule)
	}
	for _, bad := range []extraRule{{}, {Date: "13-01"}, {Nth: "6th mon apr"}, {Nth: "1st mon foo"},
		{Date: "01-01", Years: "leap"}} {
		_, err := bad.holiday()
		assert.Error(t, err)
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
	greek := &cart.Cart{Shop: testShop, Phone: "+302101234567", Country: "GR"}
	czech := &cart.Cart{Shop: testShop, Phone: "+420601123456", Country: "CZ"}
	korean := &cart.Cart{Shop: testShop, Phone: "+821012345678", Country: "KR"}
	saudi := &cart.Cart{Shop: testShop, Phone: "+966501234567", Country: "SA"}
	japanese := &cart.Cart{Shop: testShop, Phone: "+819012345678", Country: "JP"}
	r := always(t, func(r *Rules) {
		r.Jurisdictions = map[string]Override{
			"EU": {Sat: []string{"10:00-12:00"}},
			"GR": {MonFri: []string{"09:00-12:00", "13:00-17:00"}, Sat: []string{}},
			"KR": {MonFri: []string{"11:00-12:00"}},
			"JP": {Calls: "off"},
			"SA": {Calls: "on", Days: map[string][]string{"sat": {"10:00-12:00"}}},
		}
	})
	for _, c := range []struct {
		who  *cart.Cart
		at   time.Time
		open bool
		what string
	}{
		{greek, local(t, "Europe/Athens", "2026-09-14 09:30"), true, "Greece's own hours"},
		{greek, local(t, "Europe/Athens", "2026-09-14 12:30"), false, "Greece's own lunch"},
		{greek, local(t, "Europe/Athens", "2026-09-14 18:00"), false, "not the table's evening"},
		{greek, local(t, "Europe/Athens", "2026-09-19 11:00"), false, "Greece's Saturday is closed again"},
		{czech, local(t, "Europe/Prague", "2026-09-14 09:30"), false, "the table's morning"},
		{czech, local(t, "Europe/Prague", "2026-09-14 18:00"), true, "the table's evening"},
		{czech, local(t, "Europe/Prague", "2026-09-19 11:00"), true, "the row's new Saturday"},
		{korean, local(t, "Asia/Seoul", "2026-09-14 11:30"), true, "a country without a row, whose hours the store wrote"},
		{korean, local(t, "Asia/Seoul", "2026-09-14 13:00"), false, "outside them"},
		{saudi, local(t, "Asia/Riyadh", "2026-09-19 11:00"), true, "a Saturday, by a list of days"},
		{japanese, local(t, "Asia/Tokyo", "2026-09-14 12:00"), false, "a row turned off"},
	} {
		assert.Equal(t, c.open, open(r, c.who, c.at), c.what)
	}
}

func TestTables_AreReadStrictly(t *testing.T) {
	t.Parallel()
	const base = "name: x, found: x, sources: [x], confidence: B, consent: [voice], basis: x"
	row := func(lines ...string) []byte {
		text := "version: \"2026-01-01\"\njurisdictions:\n  - {key: default, " + base + "}\n"
		for _, line := range lines {
			text += "  - {" + line + "}\n"
		}
		return []byte(text)
	}
	india := func(more string) []byte { return row("key: IN, countries: [IN], " + base + ", " + more) }
	good := row()
	for name, c := range map[string]struct {
		hours, zones, areas []byte
		message             string
	}{
		"unknown key":   {hours: india("monday: []"), message: "monday"},
		"no source":     {hours: row("key: IN, name: x, countries: [IN], found: x, confidence: B"), message: "sources"},
		"no confidence": {hours: row("key: IN, name: x, countries: [IN], found: x, sources: [x]"), message: "confidence"},
		"no name":       {hours: row("key: IN, countries: [IN]"), message: "name"},
		"no countries":  {hours: row("key: IN, " + base), message: "countries"},
		"no consent": {hours: row("key: IN, name: x, countries: [IN], found: x, sources: [x], confidence: B, basis: x"),
			message: "consent"},
		"unknown consent": {hours: row("key: IN, name: x, countries: [IN], found: x, sources: [x], confidence: B, " +
			"basis: x, consent: [sms]"), message: "consent"},
		"unknown disclosure": {hours: india("disclose: [weather]"), message: "disclose"},
		"twice":              {hours: row("key: default, " + base), message: "twice"},
		"overlap": {hours: row("key: IN, countries: [IN], until: \"2026-02-01\", "+base,
			"key: IN, countries: [IN], effective: \"2026-02-01\", "+base), message: "one after the other"},
		"gap": {hours: row("key: IN, countries: [IN], until: \"2026-02-01\", "+base,
			"key: IN, countries: [IN], effective: \"2026-02-03\", "+base), message: "one after the other"},
		"ends before it begins": {hours: row("key: IN, countries: [IN], until: \"2026-02-01\", effective: \"2026-02-03\", " +
			base), message: "until is before effective"},
		"ends": {hours: india("until: \"2026-02-01\""), message: "no terms hold"},
		"differs": {hours: row("key: IN, countries: [IN], until: \"2026-02-01\", "+base,
			"key: IN, countries: [IN, BT], effective: \"2026-02-02\", "+base), message: "differ"},
		"bad day":     {hours: india("days: {funday: []}"), message: "funday"},
		"bad date":    {hours: india("effective: soon"), message: "date"},
		"bad hour":    {hours: india("sat: [\"9-10\"]"), message: "time of day"},
		"bad eve":     {hours: india("eve: [\"9-10\"]"), message: "time of day"},
		"bad cap":     {hours: india("caps: [{calls: 0, every: 24h}]"), message: "cap"},
		"bad silence": {hours: india("silence_after_refusal: long"), message: "silence"},
		"bad refusal": {hours: india("refusal: seldom"), message: "refusal"},
		"bad extra":   {hours: india("extra_holidays: [{name: Holi}]"), message: "Holi"},
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
