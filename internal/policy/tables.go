package policy

import (
	"bytes"
	"cmp"
	_ "embed" // the tables below
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed calling_hours.yaml
var callingHoursYAML []byte

//go:embed zones.yaml
var zonesYAML []byte

//go:embed area_codes.yaml
var areaCodesYAML []byte

// builtin returns the built-in tables, which are read once. They are part of the program: reading them fails only in a
// broken build.
var builtin = sync.OnceValues(func() (*tables, error) {
	return readTables(callingHoursYAML, zonesYAML, areaCodesYAML)
})

// tables is what we know about jurisdictions, countries and numbers. It does not change once it is read, except for its
// caches.
type tables struct {
	// version is the date of the calling-hours table.
	version   string
	rows      []*row
	countries map[string]*country
	// states are the US state of each area code, "" where there is none.
	states   [1000]string
	holidays *holidayBook

	// areaZones caches the zones of each area code of country code 1, numberZones those of the other prefixes.
	areaZones   [1000]atomic.Pointer[[]*zone]
	numberZones sync.Map // *string, the first of libphonenumber's names → []*zone
}

// row is one jurisdiction of the table, with or without a store's changes.
type row struct {
	key, name string
	countries []string
	state     string
	// terms hold one after the other, the earliest first. A state's may begin late or end: without terms, the state adds
	// nothing to its country's.
	terms []*terms
	// shut is the last day on which the store has closed the row, since 1970-01-01; noDay when it has not.
	shut int64
}

// terms are what holds in a jurisdiction from one day to another.
type terms struct {
	// from and until are the first and the last day, since 1970-01-01, by the called person's calendar.
	from, until int64
	off         bool
	week        week
	// eve are the hours of a day before a holiday; nil for none of its own.
	eve []span
	// extra are holidays besides the country's; nil for none.
	extra *publicHolidays
	caps  []Cap
	// silence is how long a phone is not called again after a no; never is set when it is never called again.
	silence time.Duration
	never   bool
	// consent is what permits a call (NeedsVoice, …), any one of them. It lasts consentAge, 0 for no limit.
	consent    []string
	consentAge time.Duration
	// registries are to be asked before a call, and disclose is to be said in it (DiscloseAI, …).
	registries, disclose []string
	about                about
}

// about is what a reader of the table should know of terms.
type about struct {
	found, basis, confidence, note string
	sources                        []string
}

// noDay is before every day.
const noDay = math.MinInt64

// on returns the terms of a day, nil when there are none.
func (r *row) on(day int64) *terms {
	for _, t := range r.terms {
		if day >= t.from && day <= t.until {
			return t
		}
	}
	return nil
}

// What permits an automated marketing call in a jurisdiction.
const (
	// NeedsVoice: a consent that names automated or AI voice calls.
	NeedsVoice = "voice"
	// NeedsRegistry: a clean check of the do-not-call registries.
	NeedsRegistry = "registry"
	// NeedsNone: nothing was found in law.
	NeedsNone = "none"
)

// What must be said in a call.
const (
	DiscloseAI        = "ai"
	DiscloseRecording = "recording"
	DiscloseOptOut    = "opt_out"
	DiscloseCaller    = "caller"
	DiscloseNumber    = "number"
)

// anyState marks the row for customers whose state is not known. everywhere is the key of the row of all other
// countries.
const (
	anyState   = "*"
	everywhere = "default"
)

// country is one country with its time zones.
type country struct {
	zones     []*zone
	provinces map[string][]*zone
	// phones are the prefixes of numbers, without +, that tell only the country.
	phones []string
}

type hoursFile struct {
	Version       string     `yaml:"version"`
	Jurisdictions []hoursRow `yaml:"jurisdictions"`
}

type hoursRow struct {
	Key       string   `yaml:"key"`
	Name      string   `yaml:"name"`
	Countries []string `yaml:"countries"`
	State     string   `yaml:"state"`
	// Effective and Until are the first and the last day of these terms; empty for no bound.
	Effective string `yaml:"effective"`
	Until     string `yaml:"until"`
	// Enabled is nil for yes.
	Enabled *bool `yaml:"enabled"`
	// Computed marks the row that is the common part of the states' rows.
	Computed bool `yaml:"computed"`

	Found   string              `yaml:"found"`
	Days    map[string][]string `yaml:"days"`
	MonFri  []string            `yaml:"mon_fri"`
	Sat     []string            `yaml:"sat"`
	Sun     []string            `yaml:"sun"`
	Holiday []string            `yaml:"holiday"`
	Eve     []string            `yaml:"eve"`

	Caps                []hourCap   `yaml:"caps"`
	SilenceAfterRefusal string      `yaml:"silence_after_refusal"`
	Refusal             string      `yaml:"refusal"`
	Consent             []string    `yaml:"consent"`
	Basis               string      `yaml:"basis"`
	ConsentMaxAge       string      `yaml:"consent_max_age"`
	Registries          []string    `yaml:"registries"`
	Disclose            []string    `yaml:"disclose"`
	ExtraHolidays       []extraRule `yaml:"extra_holidays"`

	Sources    []string `yaml:"sources"`
	Confidence string   `yaml:"confidence"`
	Note       string   `yaml:"note"`
}

type hourCap struct {
	Calls int    `yaml:"calls"`
	Every string `yaml:"every"`
}

type zonesFile struct {
	Countries map[string]struct {
		Zones     []string `yaml:"zones"`
		Phones    []string `yaml:"phones"`
		Provinces []struct {
			Zones []string `yaml:"zones"`
			Codes []string `yaml:"codes"`
		} `yaml:"provinces"`
	} `yaml:"countries"`
}

type areaCodesFile struct {
	States map[string][]int `yaml:"states"`
}

// readTables reads the three tables strictly: an unknown key, a missing source or an impossible hour is an error.
func readTables(hours, zones, areaCodes []byte) (*tables, error) {
	t := &tables{countries: map[string]*country{}, holidays: newHolidayBook()}
	if err := t.readHours(hours); err != nil {
		return nil, fmt.Errorf("calling hours: %w", err)
	}
	if err := t.readZones(zones); err != nil {
		return nil, fmt.Errorf("zones: %w", err)
	}
	if err := t.readAreaCodes(areaCodes); err != nil {
		return nil, fmt.Errorf("area codes: %w", err)
	}
	return t, nil
}

func strictly(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func (t *tables) readHours(text []byte) error {
	var file hoursFile
	if err := strictly(text, &file); err != nil {
		return err
	}
	if _, err := parseDate(file.Version); err != nil {
		return fmt.Errorf("version: %w", err)
	}
	t.version = file.Version
	var computed []*row
	for i := range file.Jurisdictions {
		h := &file.Jurisdictions[i]
		r, err := t.addTerms(h)
		if err != nil {
			return fmt.Errorf("%s: %w", h.Key, err)
		}
		if h.Computed {
			computed = append(computed, r)
		}
	}
	for _, r := range computed {
		t.intersect(r)
	}
	for _, r := range t.rows {
		if err := r.connected(); err != nil {
			return fmt.Errorf("%s: %w", r.key, err)
		}
	}
	if t.row(everywhere) == nil {
		return fmt.Errorf("the row %s is missing", everywhere)
	}
	return nil
}

// addTerms adds the terms of an entry of the file to its row, which it makes when there is none.
func (t *tables) addTerms(h *hoursRow) (*row, error) {
	if h.Name == "" {
		return nil, errors.New("a row needs a name")
	}
	if (len(h.Countries) == 0) != (h.Key == everywhere) {
		return nil, fmt.Errorf("every row but %s needs countries", everywhere)
	}
	terms, err := h.terms()
	if err != nil {
		return nil, err
	}
	r := t.row(h.Key)
	if r == nil {
		r = &row{key: h.Key, name: h.Name, countries: h.Countries, state: h.State, shut: noDay}
		t.rows = append(t.rows, r)
	} else if r.state != h.State || !slices.Equal(r.countries, h.Countries) {
		return nil, errors.New("its entries differ in countries or state")
	}
	r.terms = append(r.terms, terms)
	return r, nil
}

// connected checks that each of the row's terms begins where the one before ends. Those of a country hold at all times.
func (r *row) connected() error {
	for i, t := range r.terms {
		switch {
		case t.from > t.until:
			return errors.New("until is before effective")
		case i > 0 && t.from != r.terms[i-1].until+1:
			return errors.New("stands twice, and not one after the other: write until and effective so that no day is left " +
				"out and none has two")
		}
	}
	last := r.terms[len(r.terms)-1]
	if r.state == "" && (r.terms[0].from != firstDay || last.until != lastDay) {
		return errors.New("there are days on which no terms hold")
	}
	return nil
}

// The days that stand for no bound.
const (
	firstDay = math.MinInt64 + 1
	lastDay  = math.MaxInt64
)

// terms checks one entry of the file and converts it.
func (h *hoursRow) terms() (*terms, error) {
	t := &terms{
		from: firstDay, until: lastDay, off: h.Enabled != nil && !*h.Enabled,
		consent: h.Consent, registries: h.Registries, disclose: h.Disclose,
		about: about{found: h.Found, basis: h.Basis, confidence: h.Confidence, note: h.Note, sources: h.Sources},
	}
	if len(h.Sources) == 0 || h.Found == "" || !confidence.MatchString(h.Confidence) {
		return nil, fmt.Errorf("a row needs sources, what was found, and a confidence such as B or A/C, not %q", h.Confidence)
	}
	var err error
	for _, d := range [...]struct {
		text string
		into *int64
	}{{h.Effective, &t.from}, {h.Until, &t.until}} {
		if d.text == "" {
			continue
		}
		if *d.into, err = parseDate(d.text); err != nil {
			return nil, err
		}
	}
	if h.Computed {
		return t, nil
	}
	if err := h.hours(t); err != nil {
		return nil, err
	}
	if err := h.limits(t); err != nil {
		return nil, err
	}
	if len(t.consent) == 0 || !onlyOf(t.consent, NeedsVoice, NeedsRegistry, NeedsNone) || h.Basis == "" {
		return nil, fmt.Errorf("a row needs consent, a list of voice, registry or none, and its basis; not %v", h.Consent)
	}
	if !onlyOf(t.disclose, DiscloseAI, DiscloseRecording, DiscloseOptOut, DiscloseCaller, DiscloseNumber) {
		return nil, fmt.Errorf("disclose: %v is not a list of ai, recording, opt_out, caller and number", h.Disclose)
	}
	return t, nil
}

// confidence is one letter, or one for the hours and one for the rest.
var confidence = regexp.MustCompile(`^[A-D](/[A-D])?$`)

// onlyOf reports whether all words of a list are among those allowed.
func onlyOf(list []string, allowed ...string) bool {
	return !slices.ContainsFunc(list, func(word string) bool { return !slices.Contains(allowed, word) })
}

// hours reads when calls may start.
func (h *hoursRow) hours(t *terms) error {
	o := Override{Days: h.Days, MonFri: h.MonFri, Sat: h.Sat, Sun: h.Sun, Holiday: h.Holiday}
	if err := t.setHours(&o); err != nil {
		return err
	}
	for _, text := range h.Eve {
		sp, err := parseSpan(text)
		if err != nil {
			return err
		}
		t.eve = append(t.eve, sp)
	}
	t.fillEves()
	if len(h.ExtraHolidays) == 0 {
		return nil
	}
	t.extra = &publicHolidays{}
	for _, rule := range h.ExtraHolidays {
		day, err := rule.holiday()
		if err != nil {
			return fmt.Errorf("extra_holidays: %s: %w", rule.Name, err)
		}
		t.extra.list = append(t.extra.list, day)
	}
	return nil
}

// limits reads how often people may be called.
func (h *hoursRow) limits(t *terms) error {
	for _, c := range h.Caps {
		every, err := time.ParseDuration(c.Every)
		if err != nil || c.Calls < 1 || every <= 0 {
			return fmt.Errorf("a cap needs calls and every, not %d and %q", c.Calls, c.Every)
		}
		t.caps = append(t.caps, Cap{Calls: c.Calls, Every: every, Scope: ScopeAll})
	}
	for _, d := range [...]struct {
		name, text string
		into       *time.Duration
	}{
		{"silence_after_refusal", h.SilenceAfterRefusal, &t.silence},
		{"consent_max_age", h.ConsentMaxAge, &t.consentAge},
	} {
		if d.text == "" {
			continue
		}
		span, err := time.ParseDuration(d.text)
		if err != nil || span <= 0 {
			return fmt.Errorf("%s: %q is not a duration", d.name, d.text)
		}
		*d.into = span
	}
	if h.Refusal != "" && h.Refusal != "never" {
		return fmt.Errorf("refusal: %q is not never", h.Refusal)
	}
	t.never = h.Refusal != ""
	return nil
}

// setHours replaces the hours of the days that an override names.
func (t *terms) setHours(o *Override) error {
	set := func(texts []string, kinds ...int) error {
		if texts == nil {
			return nil
		}
		spans := make([]span, 0, len(texts))
		for _, text := range texts {
			sp, err := parseSpan(text)
			if err != nil {
				return err
			}
			spans = append(spans, sp)
		}
		for _, kind := range kinds {
			t.week[kind] = spans
		}
		return nil
	}
	for name, texts := range o.Days {
		day := slices.Index(dayNames[:], name)
		if day < 0 {
			return fmt.Errorf("days: %q is not a day; write mon, tue, wed, thu, fri, sat or sun", name)
		}
		if err := set(texts, day); err != nil {
			return err
		}
	}
	return errors.Join(set(o.MonFri, 1, 2, 3, 4, 5), set(o.Sat, 6), set(o.Sun, 0), set(o.Holiday, holiday))
}

// fillEves computes the hours of days before a holiday: those of the day itself that are also the eve's.
func (t *terms) fillEves() {
	if t.eve == nil {
		return
	}
	for day := range 7 {
		t.week[firstEve+day] = common(t.week[day], t.eve)
	}
}

// common returns the spans that both lists have in common.
func common(a, b []span) []span {
	var both []span
	for _, x := range a {
		for _, y := range b {
			if from, to := max(x.from, y.from), min(x.to, y.to); from < to {
				both = append(both, span{from, to})
			}
		}
	}
	slices.SortFunc(both, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	return both
}

// intersect gives the row for customers whose state is not known the terms that satisfy the country's row and the row
// of every state, those that are off included: hours in common, all caps, all extra holidays, the longest silence.
func (t *tables) intersect(r *row) {
	notes := r.terms[0].about
	var of []*row
	begins := []int64{firstDay}
	for _, other := range t.rows {
		if other == r || !slices.Contains(other.countries, r.countries[0]) {
			continue
		}
		of = append(of, other)
		for _, k := range other.terms {
			if k.from != firstDay {
				begins = append(begins, k.from)
			}
			if k.until != lastDay {
				begins = append(begins, k.until+1)
			}
		}
	}
	slices.Sort(begins)
	begins = slices.Compact(begins)
	r.terms = nil
	for i, from := range begins {
		until := int64(lastDay)
		if i+1 < len(begins) {
			until = begins[i+1] - 1
		}
		all := &terms{from: from, until: until, about: notes, week: anyTime}
		for _, other := range of {
			if k := other.on(from); k != nil {
				all.narrow(k, other.state == "")
			}
		}
		r.terms = append(r.terms, all)
	}
}

// narrow makes the terms satisfy others as well. Those of the country say what permits a call.
func (t *terms) narrow(o *terms, country bool) {
	for kind := range t.week {
		t.week[kind] = common(t.week[kind], o.week[kind])
	}
	for _, c := range o.caps {
		if !slices.Contains(t.caps, c) {
			t.caps = append(t.caps, c)
		}
	}
	t.silence, t.never = max(t.silence, o.silence), t.never || o.never
	if o.extra != nil && len(o.week[holiday]) == 0 {
		if t.extra == nil {
			t.extra = &publicHolidays{}
		}
		t.extra.list = append(t.extra.list, o.extra.list...)
	}
	if country {
		t.consent, t.consentAge, t.registries, t.disclose = o.consent, o.consentAge, o.registries, o.disclose
		t.about.basis = o.about.basis
	}
}

func (t *tables) row(key string) *row {
	for _, r := range t.rows {
		if r.key == key {
			return r
		}
	}
	return nil
}

func (t *tables) readZones(text []byte) error {
	var file zonesFile
	if err := strictly(text, &file); err != nil {
		return err
	}
	for code, entry := range file.Countries {
		c := &country{provinces: map[string][]*zone{}, phones: entry.Phones}
		var err error
		if c.zones, err = loadZones(entry.Zones); err != nil {
			return fmt.Errorf("%s: %w", code, err)
		}
		for _, group := range entry.Provinces {
			zones, err := loadZones(group.Zones)
			if err != nil {
				return fmt.Errorf("%s: %w", code, err)
			}
			for _, province := range group.Codes {
				if c.provinces[province] != nil {
					return fmt.Errorf("%s: the province %s stands twice", code, province)
				}
				c.provinces[province] = zones
			}
		}
		t.countries[code] = c
	}
	return nil
}

func loadZones(names []string) ([]*zone, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("no zones")
	}
	zones := make([]*zone, len(names))
	for i, name := range names {
		var err error
		if zones[i], err = loadZone(name); err != nil {
			return nil, err
		}
	}
	return zones, nil
}

func (t *tables) readAreaCodes(text []byte) error {
	var file areaCodesFile
	if err := strictly(text, &file); err != nil {
		return err
	}
	for state, codes := range file.States {
		for _, code := range codes {
			if code < 200 || code > 999 || t.states[code] != "" {
				return fmt.Errorf("%s: %d is no area code, or stands twice", state, code)
			}
			t.states[code] = state
		}
	}
	return nil
}

// isCountry reports whether the code is a country's (ISO 3166-1 alpha-2).
func (t *tables) isCountry(code string) bool {
	return t.countries[code] != nil
}

// covers reports whether the row is for the country, whatever the state.
func (r *row) covers(country string) bool { return slices.Contains(r.countries, country) }

// changed returns the row with a store's override applied.
func (r *row) changed(o Override) (*row, error) {
	c := *r
	c.terms = make([]*terms, len(r.terms))
	for i, before := range r.terms {
		t := *before
		switch strings.ToLower(o.Calls) {
		case "on":
			t.off = false
		case "off":
			t.off = true
		}
		if err := t.setHours(&o); err != nil {
			return nil, err
		}
		t.fillEves()
		if o.Caps != nil {
			t.caps = slices.Clone(o.Caps)
		}
		c.terms[i] = &t
	}
	return &c, nil
}
