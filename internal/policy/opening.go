package policy

import "time"

// SearchDays is how many days ahead an opening is searched for.
const SearchDays = 31

// placeBuffers is the memory that it usually takes to find where somebody is and which hours follow from that.
type placeBuffers struct {
	zones  [6]*zone
	places [6]place
	checks [8]check
}

func (b *placeBuffers) person() person { return person{zones: b.zones[:0], places: b.places[:0]} }

// check is one schedule on one zone's clock.
type check struct {
	zone     *zone
	schedule schedule
	// until is the Unix second from which the check no longer applies; 0 for never.
	until int64
}

// next returns the first Unix second from unix to before limit that this check allows.
func (c *check) next(unix, limit int64) (int64, bool) {
	if c.until != 0 && unix >= c.until {
		return unix, true
	}
	at, ok := c.zone.next(&c.schedule, unix, limit)
	if c.until != 0 && (!ok || at > c.until) {
		return c.until, c.until < limit
	}
	return at, ok
}

// hours are all the checks that an instant must pass.
type hours struct {
	checks []check
	// closed is set when a jurisdiction allows no calls at all.
	closed *row
}

// hours lists the checks for a person, whose places are settled.
func (c *compiled) hours(r *Rules, p *person, h *hours) {
	windows := schedule{week: &c.windows, own: c.holidays}
	if r.Timezone == ZoneStore {
		h.checks = append(h.checks, check{zone: c.storeZone, schedule: windows})
	} else {
		for _, z := range p.zones {
			h.checks = append(h.checks, check{zone: z, schedule: windows})
		}
	}
	off := r.QuietHours == QuietOff
	for _, pl := range p.places {
		if off && pl.row.shut == noDay {
			continue
		}
		if !off && pl.terms != nil && pl.terms.off {
			h.closed = pl.row
		}
		for _, z := range p.zones {
			legal := schedule{row: pl.row, closedOnly: off, public: pl.public, own: c.holidays}
			h.checks = append(h.checks, check{zone: z, schedule: legal})
		}
	}
}

// next returns the first instant at or after t that every check allows.
func (h *hours) next(t time.Time) (time.Time, bool) {
	if h.closed != nil {
		return time.Time{}, false
	}
	start := t.Unix()
	limit := start + SearchDays*daySeconds
	unix := start
	// Each check moves the instant to its own next opening. When none moves it in a whole round, all agree.
	for agreed, i := 0, 0; agreed < len(h.checks); i = (i + 1) % len(h.checks) {
		at, ok := h.checks[i].next(unix, limit)
		switch {
		case !ok:
			return time.Time{}, false
		case at > unix:
			unix, agreed = at, 1
		default:
			agreed++
		}
	}
	if unix == start {
		return t, true
	}
	return time.Unix(unix, 0).UTC(), true
}

// The day has three parts, for calls at another time of day: before noon, from noon to five, later.
const (
	noon    = 12 * 3600
	evening = 17 * 3600
)

// partOf returns the part of the day that a second of the day is in.
func partOf(second int64) int {
	switch {
	case second < noon:
		return 0
	case second < evening:
		return 1
	}
	return 2
}

// otherParts holds, for each part of the day, a week that allows only the other parts.
var otherParts = [3]week{
	everyDay(span{noon, daySeconds}),
	everyDay(span{0, noon}, span{evening, daySeconds}),
	everyDay(span{0, evening}),
}

func everyDay(spans ...span) week {
	var w week
	for i := range w {
		w[i] = spans
	}
	return w
}

// otherTimeOfDay is how long the next attempt avoids the last one's part of the day.
const otherTimeOfDay = 48 * time.Hour

// avoid adds checks that keep the next call out of the last call's part of the day, by every clock that the customer
// may live by.
func (h *hours) avoid(p *person, last time.Time) {
	for _, z := range p.zones {
		_, offset := last.In(z.loc).Zone()
		wall := last.Unix() + int64(offset)
		part := partOf(wall - dayOf(wall)*daySeconds)
		other := schedule{week: &otherParts[part]}
		h.checks = append(h.checks, check{zone: z, schedule: other, until: last.Add(otherTimeOfDay).Unix()})
	}
}
