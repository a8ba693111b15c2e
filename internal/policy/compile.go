package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// compiled is what Decide needs of the rules, computed once.
type compiled struct {
	tables    *tables
	store     Store
	storeZone *zone

	windows week
	// holidays are the store's own, as days since 1970-01-01, sorted.
	holidays []int64
	// countries holds the rows of the calling-hours table by country, with the store's changes. elsewhere is the row of
	// all other countries.
	countries map[string]countryRows
	elsewhere *row

	// longest is the longest window of the jurisdictions' caps.
	longest time.Duration
}

// countryRows are the rows of one country.
type countryRows struct {
	row    *row
	states map[string]*row
	// unknownState is the row for a customer whose state is not known; nil when no state has a row of its own.
	unknownState *row
	// off are the keys of the states' rows that are off, sorted.
	off []string
}

// Compile computes what Decide needs, for the store of the rules. It must be called again after any change. Its error
// is the first of the rules' problems, or names the store's value that is wrong.
func (r *Rules) Compile(store Store) error {
	if problems := r.Problems(); len(problems) > 0 {
		return fmt.Errorf("policy.%s: %s", problems[0].Path, problems[0].Message)
	}
	c, err := r.compile(store)
	if err != nil {
		return err
	}
	r.compiled = c
	return nil
}

func (r *Rules) compile(store Store) (*compiled, error) {
	t, err := builtin()
	if err != nil {
		return nil, err
	}
	if store.Timezone == "" {
		return nil, errors.New("timezone: is missing; write the store's IANA zone, such as Asia/Kolkata")
	}
	c := &compiled{tables: t, store: store}
	if c.storeZone, err = loadZone(store.Timezone); err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	c.store.Country, c.store.Currency = strings.ToUpper(store.Country), strings.ToUpper(store.Currency)
	if c.windows, err = weekOf(r.Windows); err != nil {
		return nil, err
	}
	for _, text := range r.Holidays {
		day, err := parseDate(text)
		if err != nil {
			return nil, err
		}
		c.holidays = append(c.holidays, day)
	}
	slices.Sort(c.holidays)
	if err := c.overlay(r); err != nil {
		return nil, err
	}
	c.longest = c.longestWindow()
	return c, nil
}

// weekOf turns the windows into the spans of each day. A window belongs to the day on which it starts.
func weekOf(windows []Window) (week, error) {
	var w week
	for _, win := range windows {
		from, err := parseTime(win.From)
		if err != nil {
			return w, err
		}
		to, err := parseTime(win.To)
		if err != nil {
			return w, err
		}
		if to < from {
			to += daySeconds
		}
		for day := range time.Saturday + 1 {
			if len(win.Days) == 0 || slices.Contains(win.Days, dayNames[day]) {
				w[day] = append(w[day], span{from, to})
			}
		}
	}
	return w, nil
}

// overlay applies the store's changes to the table: first those of a row, then those of one country. At last it closes
// what the store has closed.
func (c *compiled) overlay(r *Rules) error {
	c.countries = map[string]countryRows{}
	for _, builtin := range c.tables.rows {
		here, err := builtin.over(r, builtin.key)
		if err != nil {
			return err
		}
		if builtin.key == everywhere {
			c.elsewhere = here
			continue
		}
		for _, code := range builtin.countries {
			if err := c.addRow(r, here, code); err != nil {
				return err
			}
		}
	}
	for code := range r.Jurisdictions {
		if !c.tables.isCountry(code) || c.tables.covered(code) {
			continue
		}
		own, err := c.elsewhere.added(r, code)
		if err != nil {
			return err
		}
		c.countries[code] = countryRows{row: own}
	}
	return nil
}

// added returns the row of a country that the table does not cover, made of the row of all other countries. Whoever
// writes its hours turns it on.
func (r *row) added(rules *Rules, code string) (*row, error) {
	o := rules.Jurisdictions[code]
	own, err := r.changed(o)
	if err != nil {
		return nil, err
	}
	own.key, own.name = code, code
	if o.Calls == "" && o.setsHours() {
		own.turnOn()
	}
	return own.closed(rules, code)
}

// addRow adds the row to those of one of its countries.
func (c *compiled) addRow(r *Rules, here *row, code string) error {
	rows := c.countries[code]
	switch here.state {
	case "":
		rows.row = here
		if code != here.key {
			var err error
			if rows.row, err = here.over(r, code); err != nil {
				return err
			}
		}
	case anyState:
		rows.unknownState = here
	default:
		if rows.states == nil {
			rows.states = map[string]*row{}
		}
		rows.states[here.state] = here
		if here.terms[len(here.terms)-1].off {
			rows.off = append(rows.off, here.key)
			slices.Sort(rows.off)
		}
	}
	c.countries[code] = rows
	return nil
}

// over returns the row with what the store says of a key applied: its override, and its closing.
func (r *row) over(rules *Rules, key string) (*row, error) {
	changed := r
	if o, ok := rules.Jurisdictions[key]; ok {
		var err error
		if changed, err = r.changed(o); err != nil {
			return nil, err
		}
	}
	return changed.closed(rules, key)
}

// closed returns the row as the store has closed it by a key.
func (r *row) closed(rules *Rules, key string) (*row, error) {
	for _, c := range rules.Closed {
		if c.Row != key {
			continue
		}
		shut := *r
		shut.shut = lastDay
		if c.Until != "" {
			var err error
			if shut.shut, err = parseDate(c.Until); err != nil {
				return nil, err
			}
		}
		return &shut, nil
	}
	return r, nil
}

// turnOn makes a row that is a copy allow calls.
func (r *row) turnOn() {
	for _, t := range r.terms {
		t.off = false
	}
}

// covered reports whether the table has a row for the country.
func (t *tables) covered(country string) bool {
	return slices.ContainsFunc(t.rows, func(r *row) bool { return r.covers(country) })
}

// ready returns the compiled rules. Rules that were not compiled are compiled here, for a store of which nothing is
// known.
func (r *Rules) ready() (*compiled, error) {
	if r.compiled != nil {
		return r.compiled, nil
	}
	if problems := r.Problems(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", problems[0].Path, problems[0].Message)
	}
	return r.compile(Store{Timezone: "UTC"})
}
