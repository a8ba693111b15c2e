package policy

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/ru"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// publicHolidays knows whether a day is a public holiday. It caches the years that it has computed.
type publicHolidays struct {
	list  []*cal.Holiday
	years [lastYear - firstYear + 1]atomic.Pointer[[]int64]
}

// The years whose holidays are cached. Others are computed each time.
const (
	firstYear = 2020
	lastYear  = 2060
)

// on reports whether the day (since 1970-01-01) is a holiday, or the substitute for one that falls on a weekend.
func (p *publicHolidays) on(day int64) bool {
	year := time.Unix(day*daySeconds, 0).UTC().Year()
	if year < firstYear || year > lastYear {
		return slices.Contains(daysIn(p.list, year), day)
	}
	known := p.years[year-firstYear].Load()
	if known == nil {
		days := daysIn(p.list, year)
		known = &days
		p.years[year-firstYear].Store(known)
	}
	_, found := slices.BinarySearch(*known, day)
	return found
}

// calculating is held while the calendar library computes a year: some of its holidays are not safe for concurrent use.
var calculating sync.Mutex

// daysIn returns the days of a year that are holidays, sorted. The substitute for New Year's Day may be in the year
// before.
func daysIn(list []*cal.Holiday, year int) []int64 {
	calculating.Lock()
	defer calculating.Unlock()
	var days []int64
	for _, h := range list {
		for _, y := range [2]int{year, year + 1} {
			actual, observed := h.Calc(y)
			for _, t := range [2]time.Time{actual, observed} {
				if t.IsZero() {
					continue
				}
				// The library returns midnight in the machine's zone, which may not exist on that day.
				y, m, d := t.Add(6 * time.Hour).Date()
				if y == year {
					days = append(days, dayOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()))
				}
			}
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// holidayBook holds the public holidays of the countries that the library covers.
type holidayBook struct {
	countries map[string]*publicHolidays
	// regions are the holidays of provinces, by keys such as "DE-BY".
	regions map[string]*publicHolidays
}

// in returns a country's holidays, or its province's if that is known and has others. Nil means unknown.
func (b *holidayBook) in(country, province string) *publicHolidays {
	if province != "" {
		if p, ok := b.regions[country+"-"+province]; ok {
			return p
		}
	}
	return b.countries[country]
}

// extraRule says on which day of a year a holiday is. It has one of date, nth and easter.
type extraRule struct {
	Name string `yaml:"name"`
	// Date is a month and a day, "12-01". One on a Sunday is kept on Monday as well.
	Date string `yaml:"date"`
	// Saturday is friday when one on a Saturday is kept on Friday as well.
	Saturday string `yaml:"saturday"`
	// Nth is a weekday of a month, "4th mon apr".
	Nth string `yaml:"nth"`
	// Easter is how many days after Easter Sunday it is.
	Easter *int `yaml:"easter"`
	// Plus is how many days later than Nth it is.
	Plus int `yaml:"plus"`
	// Years is even or odd; empty for all.
	Years string `yaml:"years"`
}

var nthDay = regexp.MustCompile(`^([1-5])(?:st|nd|rd|th) (sun|mon|tue|wed|thu|fri|sat) ([a-z]{3})$`)

// holiday returns the rule as a holiday.
func (e *extraRule) holiday() (*cal.Holiday, error) {
	h := &cal.Holiday{Name: e.Name, Type: cal.ObservancePublic}
	var calc cal.HolidayFn
	nth := nthDay.FindStringSubmatch(e.Nth)
	switch {
	case e.Date != "":
		day, err := time.Parse("01-02", e.Date)
		if err != nil {
			return nil, fmt.Errorf(`%q is not a month and a day; write one such as "12-01"`, e.Date)
		}
		h.Month, h.Day, calc = day.Month(), day.Day(), cal.CalcDayOfMonth
		h.Observed = []cal.AltDay{{Day: time.Sunday, Offset: 1}}
		if e.Saturday == "friday" {
			h.Observed = append(h.Observed, cal.AltDay{Day: time.Saturday, Offset: -1})
		}
	case nth != nil:
		month, err := time.Parse("Jan", nth[3])
		if err != nil {
			return nil, fmt.Errorf("%q names no month", e.Nth)
		}
		h.Offset, h.Weekday, h.Month = int(nth[1][0]-'0'), time.Weekday(slices.Index(dayNames[:], nth[2])), month.Month()
		h.CalcOffset, calc = e.Plus, cal.CalcWeekdayOffset
	case e.Easter != nil:
		h.Offset, calc = *e.Easter, cal.CalcEasterOffset
	default:
		return nil, fmt.Errorf(`needs a date, an nth such as "4th mon apr", or easter, not %q`, e.Nth)
	}
	if e.Years != "" && e.Years != "even" && e.Years != "odd" {
		return nil, fmt.Errorf("years: %q is neither even nor odd", e.Years)
	}
	h.Func = func(h *cal.Holiday, year int) time.Time {
		if e.Years == "even" && year%2 != 0 || e.Years == "odd" && year%2 == 0 {
			return time.Time{}
		}
		return calc(h, year)
	}
	return h, nil
}

// newHolidayBook lists the holidays. If provinces have more holidays than their country, the country has those of all
// its provinces: a day is a holiday if it may be one.
func newHolidayBook() *holidayBook {
	book := &holidayBook{countries: map[string]*publicHolidays{}, regions: map[string]*publicHolidays{}}
	for country, list := range map[string][]*cal.Holiday{
		"AT": at.Holidays, "BE": be.Holidays, "BG": bg.Holidays, "BR": br.Holidays, "CA": ca.Holidays, "CH": ch.Holidays,
		"CZ": cz.Holidays, "DE": de.Holidays, "DK": dk.Holidays, "ES": es.Holidays, "FR": fr.Holidays, "GB": gb.Holidays,
		"GR": gr.Holidays, "HR": hr.Holidays, "IE": ie.Holidays, "IT": it.Holidays, "JP": jp.Holidays, "LT": lt.Holidays,
		"LV": lv.Holidays, "NL": nl.Holidays, "NO": no.Holidays, "NZ": nz.Holidays, "PL": pl.Holidays, "RO": ro.Holidays,
		"RU": ru.Holidays, "SE": se.Holidays, "SI": si.Holidays, "SK": sk.Holidays, "UA": ua.Holidays, "US": us.Holidays,
		"ZA": za.Holidays,
	} {
		book.countries[country] = &publicHolidays{list: list}
	}
	for country, regions := range map[string]map[string][]*cal.Holiday{
		"AU": {
			"ACT": au.HolidaysACT, "NSW": au.HolidaysNSW, "NT": au.HolidaysNT, "QLD": au.HolidaysQLD, "SA": au.HolidaysSA,
			"TAS": au.HolidaysTAS, "VIC": au.HolidaysVIC, "WA": au.HolidaysWA,
		},
		"DE": {
			"BW": de.HolidaysBW, "BY": de.HolidaysBY, "BE": de.HolidaysBE, "BB": de.HolidaysBB, "HB": de.HolidaysHB,
			"HH": de.HolidaysHH, "HE": de.HolidaysHE, "MV": de.HolidaysMV, "NI": de.HolidaysNI, "NW": de.HolidaysNW,
			"RP": de.HolidaysRP, "SL": de.HolidaysSL, "SN": de.HolidaysSN, "ST": de.HolidaysST, "SH": de.HolidaysSH,
			"TH": de.HolidaysTH,
		},
	} {
		var all []*cal.Holiday
		for province, list := range regions {
			book.regions[country+"-"+province] = &publicHolidays{list: list}
			all = append(all, list...)
		}
		book.countries[country] = &publicHolidays{list: all}
	}
	// The Crown dependencies have England's holidays, and France's overseas departments have France's. Liechtenstein's are
	// taken to be Switzerland's.
	for country, like := range map[string]string{
		"GG": "GB", "IM": "GB", "JE": "GB", "LI": "CH", "SJ": "NO",
		"PR": "US", "GU": "US", "VI": "US", "AS": "US", "MP": "US",
		"RE": "FR", "GP": "FR", "MQ": "FR", "GF": "FR", "YT": "FR", "BL": "FR", "MF": "FR", "PM": "FR",
	} {
		book.countries[country] = book.countries[like]
	}
	return book
}
