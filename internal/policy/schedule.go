package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const daySeconds = 24 * 60 * 60

// dayOf returns the day, since 1970-01-01, of a wall clock's second.
func dayOf(wall int64) int64 {
	day := wall / daySeconds
	if wall%daySeconds < 0 {
		day--
	}
	return day
}

// weekdayOf returns the day of the week of a day since 1970-01-01, which was a Thursday.
func weekdayOf(day int64) int {
	return int(((day+4)%7 + 7) % 7)
}

// span is a part of a day, in seconds of the wall clock, from from to before to. If to is more than daySeconds, the
// span reaches into the next day.
type span struct{ from, to int64 }

// The kinds of days of a week: the days by time.Weekday, holidays, and the days before a holiday, by their weekdays.
const (
	holiday  = 7
	firstEve = 8
)

// week holds the allowed spans of each kind of day.
type week [15][]span

// anyTime allows every second, shut none.
var (
	anyTime = func() (w week) {
		for kind := range w {
			w[kind] = []span{{0, daySeconds}}
		}
		return w
	}()
	shut week
)

// schedule says which seconds of a wall clock are allowed: those of a week, or those of a jurisdiction.
type schedule struct {
	week *week
	// row is the jurisdiction; nil for a week. With closedOnly, only the store's closing of the row counts.
	row        *row
	closedOnly bool
	// public are the country's holidays, own the store's; either may be nil.
	public *publicHolidays
	own    []int64
}

// on returns the week that a day belongs to, and the day's index in it.
func (s *schedule) on(day int64) (*week, int) {
	own := false
	if len(s.own) > 0 {
		_, own = slices.BinarySearch(s.own, day)
	}
	if s.row == nil {
		if own {
			return s.week, holiday
		}
		return s.week, weekdayOf(day)
	}
	t := s.row.on(day)
	switch {
	case day <= s.row.shut:
		return &shut, holiday
	case t == nil || s.closedOnly:
		return &anyTime, weekdayOf(day)
	case t.off:
		return &shut, holiday
	case own || s.festive(t, day):
		return &t.week, holiday
	case t.eve != nil && s.festive(t, day+1):
		return &t.week, firstEve + weekdayOf(day)
	}
	return &t.week, weekdayOf(day)
}

// festive reports whether the day is a public holiday under the terms.
func (s *schedule) festive(t *terms, day int64) bool {
	return s.public != nil && s.public.on(day) || t.extra != nil && t.extra.on(day)
}

// next returns the first allowed second of the wall clock from wall to before limit. A span that began the day before
// does not reach into a holiday.
func (s *schedule) next(wall, limit int64) (int64, bool) {
	for day := dayOf(wall); day*daySeconds < limit; day++ {
		midnight := day * daySeconds
		from := max(wall-midnight, 0)
		first := int64(-1)
		week, kind := s.on(day)
		for _, sp := range week[kind] {
			if from < min(sp.to, daySeconds) && (first < 0 || max(sp.from, from) < first) {
				first = max(sp.from, from)
			}
		}
		if kind != holiday && first != from && s.reaches(day-1, from) {
			first = from
		}
		if first >= 0 && midnight+first < limit {
			return midnight + first, true
		}
	}
	return 0, false
}

// reaches reports whether a span of the day runs past midnight and beyond a second of the next day.
func (s *schedule) reaches(day, second int64) bool {
	if s.week == nil || !s.week.crossesMidnight() {
		return false
	}
	_, kind := s.on(day)
	for _, sp := range s.week[kind] {
		if sp.to > daySeconds && second < sp.to-daySeconds {
			return true
		}
	}
	return false
}

func (w *week) crossesMidnight() bool {
	for _, spans := range w {
		for _, sp := range spans {
			if sp.to > daySeconds {
				return true
			}
		}
	}
	return false
}

// parseTime reads a time of day, "HH:MM", as seconds; "24:00" is the end of the day.
func parseTime(text string) (int64, error) {
	hours, minutes, ok := strings.Cut(text, ":")
	h, okH := twoDigits(hours)
	m, okM := twoDigits(minutes)
	if !ok || !okH || !okM || m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, fmt.Errorf(`%q is not a time of day; write one such as "09:30", at most "24:00"`, text)
	}
	return h*3600 + m*60, nil
}

func twoDigits(text string) (int64, bool) {
	if len(text) != 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9' {
		return 0, false
	}
	return int64(text[0]-'0')*10 + int64(text[1]-'0'), true
}

// parseSpan reads "HH:MM-HH:MM" within one day.
func parseSpan(text string) (span, error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return span{}, fmt.Errorf(`%q is not a span of the day; write one such as "10:00-18:00"`, text)
	}
	a, err := parseTime(strings.TrimSpace(from))
	if err != nil {
		return span{}, err
	}
	b, err := parseTime(strings.TrimSpace(to))
	if err != nil {
		return span{}, err
	}
	if a >= b {
		return span{}, fmt.Errorf(`%q ends before it begins; write the earlier time first, such as "10:00-18:00"`, text)
	}
	return span{a, b}, nil
}

// parseDate reads "2026-12-25" as a day since 1970-01-01.
func parseDate(text string) (int64, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf(`%q is not a date; write one such as "2026-12-25"`, text)
	}
	return dayOf(t.Unix()), nil
}

// dayNames are the days of a window, by time.Weekday.
var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// PastMidnight is how long a window that runs past midnight lasts; 0 for any other window and for one that cannot be
// read.
func (w Window) PastMidnight() time.Duration {
	from, errFrom := parseTime(w.From)
	to, errTo := parseTime(w.To)
	if errFrom != nil || errTo != nil || to >= from {
		return 0
	}
	const day = 24 * 60 * 60
	return time.Duration(day-from+to) * time.Second
}
