package voice

import (
	"strings"
	"time"
)

// zoned, dated and clocked are the forms in which agents write down when a customer wants to be called: with a zone, with a
// date but no zone, and as a time of day.
var (
	zoned = []string{
		time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00",
		"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05-07", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00",
		time.RFC1123Z,
	}
	dated = []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04",
		"2006-01-02 3:04 PM", "2006-01-02 3:04PM", "2006-01-02 3 PM", "2006-01-02 3PM", "2006-01-02T3:04 PM",
		"2 January 2006 15:04", "2 January 2006 3:04 PM", "2 Jan 2006 15:04", "2 Jan 2006 3:04 PM",
		"January 2, 2006 15:04", "January 2, 2006 3:04 PM", "Jan 2, 2006 3:04 PM", "January 2, 2006 at 3:04 PM",
	}
	clocked = []string{"15:04:05", "15:04", "3:04 PM", "3:04PM", "3 PM", "3PM"}
)

// ReadTime reads the moment at which a customer wants to be called. Text with a zone is taken as it is; text without one is
// read in zone; a time of day alone, or after "today" or "tomorrow", is counted from now. The result is UTC; ok is false when
// the text is none of these or names a moment further than a year away.
func ReadTime(text string, zone *time.Location, now time.Time) (at time.Time, ok bool) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	at, ok = readTime(strings.NewReplacer("A.M.", "AM", "P.M.", "PM").Replace(text), zone, now)
	if !ok || at.Before(now.AddDate(-1, 0, 0)) || at.After(now.AddDate(1, 0, 0)) {
		return time.Time{}, false
	}
	return at.UTC(), true
}

func readTime(text string, zone *time.Location, now time.Time) (time.Time, bool) {
	for _, form := range zoned {
		if at, err := time.Parse(form, text); err == nil {
			return at, true
		}
	}
	for _, form := range dated {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return at, true
		}
	}
	day, rest := 0, text
	named := false
	for word, days := range map[string]int{"TODAY": 0, "TOMORROW": 1} {
		if after, found := strings.CutPrefix(text, word); found {
			day, named = days, true
			rest = strings.TrimPrefix(strings.TrimLeft(after, " ,"), "AT ")
		}
	}
	for _, form := range clocked {
		clock, err := time.Parse(form, rest)
		if err != nil {
			continue
		}
		y, m, d := now.In(zone).Date()
		at := time.Date(y, m, d+day, clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
		if !named && !at.After(now) {
			at = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
		}
		return at, true
	}
	return time.Time{}, false
}
