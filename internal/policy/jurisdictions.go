package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Jurisdiction is one row of the calling-hours table on a day, for people to read.
type Jurisdiction struct {
	// Key names the row, such as US-FL; Name is in words. State is the province of a country, "" for the country itself.
	Key, Name, State string
	// Countries are ISO 3166-1 alpha-2; none for the row of all other countries.
	Countries []string
	// Effective and Until are the first and the last day of these terms, as "2026-10-18"; "" for no bound.
	Effective, Until string
	// On reports whether anybody there is called. Closed is the last day on which the store has closed the row, or
	// "further notice"; "" when it is open. Changed is true when the store has changed the row.
	On      bool
	Closed  string
	Changed bool
	// Week holds the hours of the days from Monday to Sunday; Holiday those of public holidays, Eve those of days before
	// one, nil when it has none of its own.
	Week    [7][]Hours
	Holiday []Hours
	Eve     []Hours
	// ExtraHolidays are holidays besides those of the built-in calendar, by name. Calendar is true when there is one.
	ExtraHolidays []string
	Calendar      bool
	// Limits say in words how often a person may be called.
	Limits []string
	// Consent is what permits a call (NeedsVoice, …), by the law of Basis. It lasts ConsentMaxAge, 0 for no limit.
	Consent       []string
	Basis         string
	ConsentMaxAge time.Duration
	// Registries are to be asked before a call; Disclose is to be said in it.
	Registries, Disclose []string
	// Found is the rule as it was found, with its Sources; Confidence is A to D, Note what else is known.
	Found, Note, Confidence string
	Sources                 []string
}

// Hours is a span of a day, in minutes after midnight.
type Hours struct{ From, To int }

// String writes the hours as "10:00-19:00".
func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// Jurisdictions returns the calling-hours table as it is on the day of at (UTC), with the changes of a store's rules,
// or as shipped when r is nil. Rows without terms on that day are left out. version is the date of the table.
func Jurisdictions(r *Rules, at time.Time) (version string, rows []Jurisdiction, err error) {
	t, err := builtin()
	if err != nil {
		return "", nil, err
	}
	if r == nil {
		r = &Rules{}
	}
	day := dayOf(at.Unix())
	for _, shipped := range t.rows {
		here, err := shipped.over(r, shipped.key)
		if err != nil {
			return "", nil, err
		}
		if j, ok := t.describe(here, day); ok {
			j.Changed = here != shipped
			rows = append(rows, j)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(r.Jurisdictions)) {
		if t.row(code) != nil || !t.isCountry(code) {
			continue
		}
		row, err := t.ofCountry(r, code)
		if err != nil {
			return "", nil, err
		}
		if j, ok := t.describe(row, day); ok {
			j.Key, j.Name, j.Countries, j.Changed = code, code+", by the store", []string{code}, true
			rows = append(rows, j)
		}
	}
	return t.version, rows, nil
}

// ofCountry returns the row of a country that has none of its own key, as a store changes it.
func (t *tables) ofCountry(r *Rules, code string) (*row, error) {
	i := slices.IndexFunc(t.rows, func(row *row) bool { return row.state == "" && row.covers(code) })
	if i >= 0 {
		base, err := t.rows[i].over(r, t.rows[i].key)
		if err != nil {
			return nil, err
		}
		return base.over(r, code)
	}
	base, err := t.row(everywhere).over(r, everywhere)
	if err != nil {
		return nil, err
	}
	return base.added(r, code)
}

// describe writes the row's terms of a day for people; false when it has none.
func (t *tables) describe(r *row, day int64) (Jurisdiction, bool) {
	k := r.on(day)
	if k == nil {
		return Jurisdiction{}, false
	}
	j := Jurisdiction{
		Key: r.key, Name: r.name, State: r.state, Countries: r.countries, On: !k.off,
		Holiday: hoursOf(k.week[holiday]), Limits: k.limits(), Consent: k.consent, Basis: k.about.basis,
		ConsentMaxAge: k.consentAge, Registries: k.registries, Disclose: k.disclose, Found: k.about.found,
		Note: k.about.note, Confidence: k.about.confidence, Sources: k.about.sources,
	}
	if k.from != firstDay {
		j.Effective = dateOf(k.from)
	}
	if k.until != lastDay {
		j.Until = dateOf(k.until)
	}
	switch {
	case r.shut == lastDay:
		j.Closed = "further notice"
	case r.shut >= day:
		j.Closed = dateOf(r.shut)
	}
	for i := range j.Week {
		j.Week[i] = hoursOf(k.week[(i+1)%7])
	}
	if k.eve != nil {
		j.Eve = hoursOf(k.eve)
	}
	if k.extra != nil {
		for _, h := range k.extra.list {
			if !slices.Contains(j.ExtraHolidays, h.Name) {
				j.ExtraHolidays = append(j.ExtraHolidays, h.Name)
			}
		}
	}
	if len(r.countries) > 0 {
		j.Calendar = t.holidays.in(r.countries[0], r.state) != nil
	}
	return j, true
}

func hoursOf(spans []span) []Hours {
	all := make([]Hours, len(spans))
	for i, s := range spans {
		all[i] = Hours{int(s.from / 60), int(s.to / 60)}
	}
	slices.SortFunc(all, func(a, b Hours) int { return cmp.Compare(a.From, b.From) })
	return all
}

// limits says how often a person may be called, and how long a no holds.
func (t *terms) limits() []string {
	var all []string
	for _, c := range t.caps {
		var says tracer
		says.sayCount(c.Calls, "call")
		says.say(" in ")
		says.sayDuration(c.Every)
		all = append(all, string(says.buf))
	}
	if t.silence > 0 {
		all = append(all, "none for "+short(t.silence)+" after a no")
	}
	if t.never {
		all = append(all, "never again after a no")
	}
	return all
}

func dateOf(day int64) string { return time.Unix(day*daySeconds, 0).UTC().Format(time.DateOnly) }

// Covers reports whether the row is for people of a country, or is the row with that key.
func (j Jurisdiction) Covers(country string) bool {
	country = strings.ToUpper(country)
	return j.Key == country || slices.Contains(j.Countries, country)
}
