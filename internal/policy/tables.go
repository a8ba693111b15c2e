package policy

import (
	"bytes"
	_ "embed" // the tables below
	"fmt"
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

// row is one jurisdiction of the calling-hours table, with or without a store's changes.
type row struct {
	key       string
	countries []string
	state     string
	off       bool
	week      week
	caps      []Cap
	// silence is how long a phone is not called again after a no.
	silence         time.Duration
	consentRequired bool
}

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
	Countries []string `yaml:"countries"`
	State     string   `yaml:"state"`
	// Enabled is nil for yes.
	Enabled             *bool     `yaml:"enabled"`
	MonFri              []string  `yaml:"mon_fri"`
	Sat                 []string  `yaml:"sat"`
	Sun                 []string  `yaml:"sun"`
	Holiday             []string  `yaml:"holiday"`
	Caps                []hourCap `yaml:"caps"`
	SilenceAfterRefusal string    `yaml:"silence_after_refusal"`
	ConsentRequired     bool      `yaml:"consent_required"`
	Source              string    `yaml:"source"`
	Confidence          string    `yaml:"confidence"`
	Date                string    `yaml:"date"`
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
	for i := range file.Jurisdictions {
		r, err := file.Jurisdictions[i].row()
		if err != nil {
			return fmt.Errorf("%s: %w", file.Jurisdictions[i].Key, err)
		}
		if t.row(r.key) != nil {
			return fmt.Errorf("%s: stands twice", r.key)
		}
		t.rows = append(t.rows, r)
	}
	if t.row(everywhere) == nil {
		return fmt.Errorf("the row %s is missing", everywhere)
	}
	return nil
}

// row checks one row of the file and converts it.
func (h *hoursRow) row() (*row, error) {
	r := &row{
		key: h.Key, countries: h.Countries, state: h.State,
		off: h.Enabled != nil && !*h.Enabled, consentRequired: h.ConsentRequired,
	}
	if h.Source == "" || !slices.Contains([]string{"high", "medium", "low"}, h.Confidence) {
		return nil, fmt.Errorf("a row needs a source and a confidence of high, medium or low, not %q", h.Confidence)
	}
	if _, err := parseDate(h.Date); err != nil {
		return nil, err
	}
	if (len(h.Countries) == 0) != (h.Key == everywhere) {
		return nil, fmt.Errorf("every row but %s needs countries", everywhere)
	}
	for kind, texts := range map[int][]string{1: h.MonFri, 6: h.Sat, 0: h.Sun, holiday: h.Holiday} {
		for _, text := range texts {
			sp, err := parseSpan(text)
			if err != nil {
				return nil, err
			}
			r.week[kind] = append(r.week[kind], sp)
		}
	}
	r.week.repeatMonday()
	for _, c := range h.Caps {
		every, err := time.ParseDuration(c.Every)
		if err != nil || c.Calls < 1 || every <= 0 {
			return nil, fmt.Errorf("a cap needs calls and every, not %d and %q", c.Calls, c.Every)
		}
		r.caps = append(r.caps, Cap{Calls: c.Calls, Every: every, Scope: ScopeAll})
	}
	if h.SilenceAfterRefusal != "" {
		silence, err := time.ParseDuration(h.SilenceAfterRefusal)
		if err != nil || silence <= 0 {
			return nil, fmt.Errorf("silence_after_refusal: %q is not a duration", h.SilenceAfterRefusal)
		}
		r.silence = silence
	}
	return r, nil
}

// repeatMonday copies Monday to the other working days.
func (w *week) repeatMonday() {
	for day := time.Tuesday; day <= time.Friday; day++ {
		w[day] = w[time.Monday]
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
	switch strings.ToLower(o.Calls) {
	case "on":
		c.off = false
	case "off":
		c.off = true
	}
	for _, day := range [...]struct {
		kind  int
		texts []string
	}{{int(time.Monday), o.MonFri}, {int(time.Saturday), o.Sat}, {int(time.Sunday), o.Sun}, {holiday, o.Holiday}} {
		if day.texts == nil {
			continue
		}
		spans := make([]span, 0, len(day.texts))
		for _, text := range day.texts {
			sp, err := parseSpan(text)
			if err != nil {
				return nil, err
			}
			spans = append(spans, sp)
		}
		c.week[day.kind] = spans
	}
	c.week.repeatMonday()
	if o.Caps != nil {
		c.caps = slices.Clone(o.Caps)
	}
	return &c, nil
}
