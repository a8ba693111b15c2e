package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/zoneinfo"

	"github.com/rickar/cal/v2"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The oracle asks the same question the slow way: it looks at the wall clock, as the time package tells it, of one
// minute after the other. Windows begin and end and clocks change on full minutes, so no opening falls between two of
// them.

// windowsAllow is the oracle for the store's windows by one clock.
func windowsAllow(windows []Window, holidays []string, l time.Time) bool {
	off := func(day time.Time) bool {
		return len(holidays) > 0 && slices.Contains(holidays, day.Format(time.DateOnly))
	}
	named := func(w *Window, day time.Weekday) bool {
		return len(w.Days) == 0 || slices.Contains(w.Days, dayNames[day])
	}
	if off(l) {
		return false
	}
	clock := [5]byte{byte('0' + l.Hour()/10), byte('0' + l.Hour()%10), ':', byte('0' + l.Minute()/10),
		byte('0' + l.Minute()%10)}
	now := string(clock[:])
	for i := range windows {
		w := &windows[i]
		overnight := w.To < w.From
		if named(w, l.Weekday()) && now >= w.From && (overnight || now < w.To) {
			return true
		}
		if overnight && now < w.To && named(w, (l.Weekday()+6)%7) &&
			!off(time.Date(l.Year(), l.Month(), l.Day()-1, 12, 0, 0, 0, time.UTC)) {
			return true
		}
	}
	return false
}

// nextOpening returns the first instant at or after at at which the cart's customer may be called, as far as the hours
// go.
func nextOpening(r *Rules, c *cart.Cart, at time.Time) (time.Time, bool) {
	ready, err := r.ready()
	if err != nil {
		return time.Time{}, false
	}
	var p person
	var h hours
	ready.locate(c, &p)
	p.settle(at)
	ready.hours(r, &p, &h)
	return h.next(at)
}

// oracle says whether a moment is allowed by everything that the search looks at.
type oracle struct {
	rules  *Rules
	person person
	// holidays remembers what the calendar library said of a day.
	holidays map[publicDay]bool
}

type publicDay struct {
	public           *publicHolidays
	year, month, day int
}

func newOracle(r *Rules, c *cart.Cart) *oracle {
	o := &oracle{rules: r, holidays: map[publicDay]bool{}}
	r.compiled.locate(c, &o.person)
	return o
}

func (o *oracle) allows(at time.Time) bool {
	zones := o.person.zones
	if o.rules.Timezone == ZoneStore {
		zones = []*zone{o.rules.compiled.storeZone}
	}
	for _, z := range zones {
		if !windowsAllow(o.rules.Windows, o.rules.Holidays, at.In(z.loc)) {
			return false
		}
	}
	return o.rules.QuietHours == QuietOff || o.legal(at)
}

// legal reports whether the moment lies within the hours of every jurisdiction on every clock.
func (o *oracle) legal(at time.Time) bool {
	for _, pl := range o.person.places {
		for _, z := range o.person.zones {
			if !o.rowAllows(pl, at.In(z.loc)) {
				return false
			}
		}
	}
	return true
}

func (o *oracle) rowAllows(p place, l time.Time) bool {
	day, err := parseDate(l.Format(time.DateOnly))
	if err != nil || day <= p.row.shut {
		return false
	}
	terms := p.row.on(day)
	if terms == nil {
		return true
	}
	kind := int(l.Weekday())
	if o.isHoliday(p.public, l) || o.isHoliday(terms.extra, l) || len(o.rules.Holidays) > 0 &&
		slices.Contains(o.rules.Holidays, l.Format(time.DateOnly)) {
		kind = holiday
	}
	second := int64(l.Hour()*3600 + l.Minute()*60 + l.Second())
	within := func(s span) bool { return second >= s.from && second < s.to }
	tomorrow := l.AddDate(0, 0, 1)
	if terms.eve != nil && kind != holiday && (o.isHoliday(p.public, tomorrow) || o.isHoliday(terms.extra, tomorrow)) &&
		!slices.ContainsFunc(terms.eve, within) {
		return false
	}
	return !terms.off && slices.ContainsFunc(terms.week[kind], within)
}

func (o *oracle) isHoliday(public *publicHolidays, l time.Time) bool {
	if public == nil {
		return false
	}
	year, month, day := l.Date()
	key := publicDay{public, year, int(month), day}
	known, ok := o.holidays[key]
	if !ok {
		calendar := cal.Calendar{Holidays: public.list}
		calculating.Lock()
		actual, observed, _ := calendar.IsHoliday(time.Date(year, month, day, 12, 0, 0, 0, time.UTC))
		calculating.Unlock()
		known = actual || observed
		o.holidays[key] = known
	}
	return known
}

// The zones of the properties: with changes at midnight, by half an hour, twice a year, never, and a skipped day.
var oddZones = []string{
	"Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu",
	"Pacific/Apia", "America/St_Johns", "Africa/Casablanca", "Pacific/Chatham", "UTC", "Asia/Beirut", "America/Havana",
}

// An instant often lies near a change of the clocks of the zone.
func drawInstant(t *rapid.T, loc *time.Location) time.Time {
	from := time.Date(2011, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	to := time.Date(2038, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	at := time.Unix(rapid.Int64Range(from, to).Draw(t, "instant"), 0)
	if rapid.Bool().Draw(t, "near a change") {
		if _, end := at.In(loc).ZoneBounds(); !end.IsZero() {
			at = end.Add(time.Duration(rapid.IntRange(-36*60, 36*60).Draw(t, "minutes off")) * time.Minute)
		}
	}
	if rapid.Bool().Draw(t, "on the minute") {
		at = at.Truncate(time.Minute)
	}
	return at.UTC()
}

func drawWindows(t *rapid.T) []Window {
	clock := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "small hours") {
			return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 3).Draw(t, "hour"),
				rapid.SampledFrom([]int{0, 15, 30, 59}).Draw(t, "minute"))
		}
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"),
			rapid.SampledFrom([]int{0, 30}).Draw(t, "minute"))
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Window {
		w := Window{From: clock.Draw(t, "from"), To: clock.Draw(t, "to")}
		if w.From == w.To || rapid.IntRange(0, 4).Draw(t, "to midnight") == 0 {
			w.To = "24:00"
		}
		for _, day := range dayNames {
			if rapid.Bool().Draw(t, day) {
				w.Days = append(w.Days, day)
			}
		}
		return w
	}), 1, 4).Draw(t, "windows")
}

func TestOpening_IsTheFirstAllowedInstant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := DefaultRules()
		r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
		r.Timezone, r.QuietHours = ZoneStore, QuietOff
		r.Windows = drawWindows(t)
		zone := rapid.SampledFrom(oddZones).Draw(t, "zone")
		loc, err := zoneinfo.Load(zone)
		require.NoError(t, err)
		from := drawInstant(t, loc)
		if rapid.Bool().Draw(t, "holiday") {
			r.Holidays = []string{from.In(loc).AddDate(0, 0, rapid.IntRange(0, 2).Draw(t, "days on")).Format(time.DateOnly)}
		}
		store := testStore
		store.Timezone = zone
		require.NoError(t, r.Compile(store))
		agreesWithOracle(t, &r, &cart.Cart{Phone: "+919876543210", Country: "IN"}, from)
	})
}

func TestOpening_IsLegalInEveryCandidatePlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := DefaultRules()
		r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
		r.Windows = drawWindows(t)
		r.Timezone = rapid.SampledFrom([]string{ZoneCustomer, ZoneStore}).Draw(t, "timezone")
		store := rapid.SampledFrom(stores).Draw(t, "store")
		require.NoError(t, r.Compile(store))
		c := drawPerson(t)
		loc, err := zoneinfo.Load(store.Timezone)
		require.NoError(t, err)
		agreesWithOracle(t, &r, c, drawInstant(t, loc))
	})
}

var stores = []Store{
	testStore,
	{Shop: testShop, Timezone: "America/New_York", Country: "US", Currency: "USD"},
	{Shop: testShop, Timezone: "Europe/London", Country: "GB", Currency: "GBP"},
	{Shop: testShop, Timezone: "Australia/Lord_Howe", Country: "AU", Currency: "AUD"},
	{Shop: testShop, Timezone: "America/Sao_Paulo", Country: "BR", Currency: "BRL"},
}

// A person has a number and perhaps an address, which may well disagree.
func drawPerson(t *rapid.T) *cart.Cart {
	number := rapid.SampledFrom([][2]string{
		{"+919876543210", "IN"}, {"+12125550123", "US"}, {"+12705551234", "US"}, {"+18505551234", "US"}, {"+14165550123",
			"CA"},
		{"+442071234567", "GB"}, {"+447911123456", "GB"}, {"+33612345678", "FR"}, {"+61412345678", "AU"}, {"+61212345678",
			"AU"},
		{"+5511961234567", "BR"}, {"+819012345678", "JP"}, {"+4915123456789", "DE"}, {"+971501234567",
			"AE"}, {"+18005551234", "US"},
		{"+390612345678", "IT"},
	}).Draw(t, "number")
	c := &cart.Cart{Shop: testShop, Phone: number[0], Country: number[1], PhoneFrom: "shipping",
		Checkout: cart.Checkout{Items: something(), Total: decimal.NewFromInt(1895)}}
	address := rapid.SampledFrom([][2]string{
		{}, {}, {"IN", "MH"}, {"US", "NY"}, {"US", "FL"}, {"US", ""}, {"US", "RI"}, {"US", "HI"}, {"AU", "WA"}, {"AU",
			"NSW"}, {"AU", ""},
		{"GB", ""}, {"CA", "NL"}, {"CA", ""}, {"BR", "AM"}, {"FR", ""}, {"ES", "TF"}, {"XX", ""}, {"NP", ""},
	}).Draw(t, "address")
	if address[0] != "" {
		c.Checkout.Shipping = &cart.Address{CountryCode: address[0], ProvinceCode: address[1]}
	}
	return c
}

// agreesWithOracle looks, minute by minute, for an opening that the search missed, and at the one it found.
func agreesWithOracle(t *rapid.T, r *Rules, c *cart.Cart, from time.Time) {
	o := newOracle(r, c)
	got, ok := nextOpening(r, c, from)
	if ok && (got.Before(from) || !o.allows(got)) {
		t.Fatalf("%s is not allowed", got)
	}
	const patience = 26 * time.Hour
	for at := from; at.Before(from.Add(patience)) &&
		(!ok || at.Before(got)); at = at.Truncate(time.Minute).Add(time.Minute) {
		if o.allows(at) {
			t.Fatalf("%s is allowed, and before %s (%v)", at, got, ok)
		}
	}
}

func TestOpening_OnTheDaysClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone, from, to string
		// asked and want are UTC.
		asked, want string
	}{
		{"London, spring: half past one is skipped", "Europe/London", "01:30", "03:00", "2026-03-29 00:50",
			"2026-03-29 01:00"},
		{"London, spring: the window lies in the gap", "Europe/London", "01:15", "01:45", "2026-03-29 00:50",
			"2026-03-30 00:15"},
		{"London, autumn: the first half past one", "Europe/London", "01:30", "03:00", "2026-10-25 00:10",
			"2026-10-25 00:30"},
		{"London, autumn: the second half past one", "Europe/London", "01:30", "01:50", "2026-10-25 00:55",
			"2026-10-25 01:30"},
		{"New York, spring", "America/New_York", "02:30", "04:00", "2026-03-08 06:30", "2026-03-08 07:00"},
		{"New York, autumn: ten o'clock is an hour later in UTC", "America/New_York", "10:00", "11:00", "2026-10-31 16:00",
			"2026-11-01 15:00"},
		{"Lord Howe, spring: half an hour is skipped", "Australia/Lord_Howe", "02:15", "04:00", "2026-10-03 15:20",
			"2026-10-03 15:30"},
		{"Lord Howe, autumn: half an hour comes twice", "Australia/Lord_Howe", "01:40", "01:50", "2026-04-04 14:55",
			"2026-04-04 15:10"},
		{"São Paulo, spring 2018: midnight is skipped", "America/Sao_Paulo", "00:00", "00:30", "2018-11-04 01:00",
			"2018-11-05 02:00"},
		{"São Paulo, spring 2018: the day begins at one", "America/Sao_Paulo", "00:00", "02:00", "2018-11-04 01:00",
			"2018-11-04 03:00"},
		{"São Paulo today has no changes", "America/Sao_Paulo", "10:00", "19:00", "2026-11-01 01:00", "2026-11-01 13:00"},
		{"Apia skipped a whole Friday", "Pacific/Apia", "10:00", "11:00", "2011-12-30 00:00", "2011-12-30 20:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := always(t, func(r *Rules) {
				r.QuietHours, r.Timezone = QuietOff, ZoneStore
				r.Windows = []Window{{From: c.from, To: c.to}}
			})
			store := testStore
			store.Timezone = c.zone
			require.NoError(t, r.Compile(store))
			got, ok := nextOpening(r, &cart.Cart{Phone: "+919876543210", Country: "IN"}, local(t, "UTC", c.asked))
			require.True(t, ok)
			assert.Equal(t, local(t, "UTC", c.want).UTC(), got.UTC())
		})
	}
}

func TestOpening_MayBeNever(t *testing.T) {
	t.Parallel()
	india := &cart.Cart{Phone: "+919876543210", Country: "IN"}
	now := local(t, "Asia/Kolkata", "2026-09-14 12:00")
	for name, change := range map[string]func(*Rules){
		"windows outside the calling hours": func(r *Rules) { r.Windows = []Window{{From: "21:00", To: "23:00"}} },
		"windows on Sundays only":           func(r *Rules) { r.Windows = []Window{{Days: []string{"sun"}, From: "10:00", To: "12:00"}} },
		"a store on the other side of the world": func(r *Rules) {
			r.Timezone = ZoneStore
			r.Windows = []Window{{From: "02:00", To: "04:00"}}
		},
		"holidays without end": func(r *Rules) {
			for i := range SearchDays + 1 {
				r.Holidays = append(r.Holidays, now.AddDate(0, 0, i).Format(time.DateOnly))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := always(t, change)
			_, ok := nextOpening(r, india, now)
			assert.False(t, ok)

			c := *india
			c.LastActivityAt, c.Shop, c.Checkout.Items, c.Checkout.Total = now.Add(-time.Hour), testShop, something(), decimal.NewFromInt(1895)
			d := Decide(r, Facts{Cart: &c}, now)
			assert.Equal(t, cart.ActWait, d.Action)
			assert.Equal(t, cart.Window, d.Reason)
			assert.Equal(t, c.LastActivityAt.Add(r.ExpiresAfter).UTC(), d.Until, "until the cart expires")
			last := d.Trace[len(d.Trace)-1]
			assert.Equal(t, "hours", last.Rule)
			assert.Contains(t, last.Saw, "no opening within 31 days")
		})
	}
}

func TestWindows_BelongToTheDayTheyStartOn(t *testing.T) {
	t.Parallel()
	r := always(t, func(r *Rules) {
		r.QuietHours, r.Timezone = QuietOff, ZoneStore
		r.Windows = []Window{{Days: []string{"fri"}, From: "22:00", To: "02:00"},
			{Days: []string{"fri"}, From: "21:30", To: "22:30"}}
		r.Holidays = []string{"2026-09-25", "2026-10-03"}
	})
	c := &cart.Cart{Phone: "+919876543210", Country: "IN"}
	for text, want := range map[string]bool{
		"2026-09-18 21:29": false,
		"2026-09-18 21:30": true,
		"2026-09-18 23:59": true,
		"2026-09-19 01:59": true,
		"2026-09-19 02:00": false,
		"2026-09-18 01:00": false, // Thursday's night
		"2026-09-25 23:00": false, // a holiday
		"2026-09-26 01:00": false, // the night of a holiday
		"2026-10-02 23:00": true,
		"2026-10-03 01:00": false, // the night into a holiday
	} {
		assert.Equal(t, want, open(r, c, local(t, "Asia/Kolkata", text)), text)
	}
}

func TestWindows_StoreInAnotherZone(t *testing.T) {
	t.Parallel()
	newYorker := &cart.Cart{Shop: testShop, Phone: "+12125550123", Country: "US"}
	newYorker.Checkout.Shipping = &cart.Address{CountryCode: "US", ProvinceCode: "NY"}
	london := Store{Shop: testShop, Timezone: "Europe/London", Country: "GB", Currency: "GBP"}

	customers := always(t, nil)
	require.NoError(t, customers.Compile(london))
	assert.True(t, open(customers, newYorker, local(t, "America/New_York", "2026-09-14 19:30")),
		"the customer's evening, London's night")
	assert.False(t, open(customers, newYorker, local(t, "Europe/London", "2026-09-14 10:30")),
		"London's morning, the customer's night")

	stores := always(t, func(r *Rules) { r.Timezone, r.Windows = ZoneStore, []Window{{From: "09:00", To: "18:00"}} })
	require.NoError(t, stores.Compile(london))
	assert.True(t, open(stores, newYorker, local(t, "Europe/London", "2026-09-14 15:00")),
		"open in London, ten in New York")
	assert.False(t, open(stores, newYorker, local(t, "Europe/London", "2026-09-14 14:59")),
		"open in London, too early in New York")
	assert.False(t, open(stores, newYorker, local(t, "Europe/London", "2026-09-14 18:00")),
		"closed in London, afternoon in New York")
}

func TestDecide_CartThatOutlivesTheSearchWaits(t *testing.T) {
	t.Parallel()
	now := local(t, "Asia/Kolkata", "2026-09-14 12:00")
	r := rulesWith(t, func(r *Rules) {
		r.ExpiresAfter = 90 * 24 * time.Hour
		for i := range SearchDays + 9 {
			r.Holidays = append(r.Holidays, now.AddDate(0, 0, i).Format(time.DateOnly))
		}
	})
	c := due()
	d := Decide(r, Facts{Cart: c}, now)
	require.Equal(t, cart.ActWait, d.Action)
	assert.Equal(t, now.AddDate(0, 0, SearchDays).UTC(), d.Until)
	d = Decide(r, Facts{Cart: c}, d.Until)
	assert.Equal(t, local(t, "Asia/Kolkata", "2026-10-24 10:00").UTC(), d.Until)
}
