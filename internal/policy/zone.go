package policy

import (
	"fmt"
	"math"
	"sync"
	"time"

	"ringback/internal/zoneinfo"
)

// zone is a time zone with the name under which a trace shows it.
type zone struct {
	name string
	loc  *time.Location
}

// loadedZones caches zoneinfo.Load. Names come from the built-in tables, from libphonenumber and from the
// configuration, so there are a few hundred at most.
var loadedZones sync.Map // string → *zone

// sameZone maps old names and links, which libphonenumber uses, to the usual name of the zone.
var sameZone = map[string]string{
	"Asia/Calcutta":        "Asia/Kolkata",
	"Asia/Katmandu":        "Asia/Kathmandu",
	"Asia/Rangoon":         "Asia/Yangon",
	"Asia/Saigon":          "Asia/Ho_Chi_Minh",
	"America/Buenos_Aires": "America/Argentina/Buenos_Aires",
	"America/Godthab":      "America/Nuuk",
	"America/Indianapolis": "America/Indiana/Indianapolis",
	"Atlantic/Faeroe":      "Atlantic/Faroe",
	"Europe/Guernsey":      "Europe/London",
	"Europe/Isle_of_Man":   "Europe/London",
	"Europe/Jersey":        "Europe/London",
	"Europe/Kiev":          "Europe/Kyiv",
	"Pacific/Ponape":       "Pacific/Pohnpei",
	"Pacific/Truk":         "Pacific/Chuuk",
}

// loadZone returns the zone of an IANA name.
func loadZone(name string) (*zone, error) {
	if known, ok := loadedZones.Load(name); ok {
		return known.(*zone), nil
	}
	current := name
	if newer, ok := sameZone[name]; ok {
		current = newer
	}
	if current == "" || current == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; write an IANA name such as Asia/Kolkata", name)
	}
	loc, err := zoneinfo.Load(current)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone; write an IANA name such as Asia/Kolkata", name)
	}
	z := &zone{name: current, loc: loc}
	if current != name {
		if z, err = loadZone(current); err != nil {
			return nil, err
		}
	}
	kept, _ := loadedZones.LoadOrStore(name, z)
	return kept.(*zone), nil
}

// stretch is a span of time in which a zone keeps one offset. Within it the wall clock runs evenly, so days and hours
// are plain arithmetic. Clocks change only between stretches.
type stretch struct {
	// begin is its first Unix second, end the first one after it.
	begin, end int64
	// offset is how many seconds the wall clock is ahead of UTC.
	offset int64
}

func (z *zone) stretchAt(unix int64) stretch {
	t := time.Unix(unix, 0).In(z.loc)
	_, offset := t.Zone()
	begin, end := t.ZoneBounds()
	s := stretch{begin: math.MinInt64, end: math.MaxInt64, offset: int64(offset)}
	if !begin.IsZero() {
		s.begin = begin.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	return s
}

// next returns the first Unix second from unix to before limit that the schedule allows by this zone's clock.
func (z *zone) next(s *schedule, unix, limit int64) (int64, bool) {
	for unix < limit {
		here := z.stretchAt(unix)
		end := min(here.end, limit)
		if wall, ok := s.next(unix+here.offset, end+here.offset); ok {
			return wall - here.offset, true
		}
		unix = end
	}
	return 0, false
}

// startOfNextDay returns the first instant of the calendar day after t's. It is not 00:00 if clocks go forward at
// midnight.
func (z *zone) startOfNextDay(t time.Time) time.Time {
	unix := t.Unix()
	here := z.stretchAt(unix)
	today := dayOf(unix + here.offset)
	for {
		midnight := (today+1)*daySeconds - here.offset
		if midnight < here.end {
			return time.Unix(max(midnight, unix), 0).UTC()
		}
		unix = here.end
		here = z.stretchAt(unix)
		if dayOf(unix+here.offset) > today {
			return time.Unix(unix, 0).UTC()
		}
	}
}

// sameDay counts the instants that lie on the calendar day of now in this zone.
func (z *zone) sameDay(now time.Time, instants []time.Time) int {
	here := z.stretchAt(now.Unix())
	today, n := dayOf(now.Unix()+here.offset), 0
	for _, at := range instants {
		unix := at.Unix()
		if unix < here.begin || unix >= here.end {
			here = z.stretchAt(unix)
		}
		if dayOf(unix+here.offset) == today {
			n++
		}
	}
	return n
}
