package voice

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// # When a customer wants to be called
//
// Agents write the moment down in many ways. ReadTime reads these, in the customer's zone:
//
//	moment   = [day] [time] [zone] | "in" span | span "later"
//	day      = 2026-11-27 | 2026/11/27 | 27/11/2026 | "27 Nov 2026" | "Nov 27, 2026" | "27 November" | weekday
//	         | "today" | "tonight" | "tomorrow" | "day after tomorrow"
//	time     = 17:00 | 17:00:00 | 5 PM | 5:30 p.m. | 5-6 PM | 5 in the evening | 17h30 | part
//	part     = "morning" (10:00) | "noon" (12:00) | "afternoon" (15:00) | "evening" (18:00) | "night" (20:00)
//	span     = number ("minutes" | "hours" | "days" | "weeks")
//	zone     = an offset such as +05:30 | an abbreviation such as IST | "local time"
//
// Words such as "at", "on" and "around" are ignored. A day without a time means 11:00; a time without a day is the
// next one after now. An offset is taken as it is. A bare Z is ignored, because agents append it to local times by
// habit. In a date such as 27/11/2026, the number above 12 is the day; 05/06/2026 could be either and is not read.

// atDay is the hour of a day that was named without a time.
const atDay = 11

// horizonYears is how far from now a moment may be.
const horizonYears = 1

// ReadTime reads the moment at which a customer wants to be called. The result is UTC; ok is false when the text is
// none of the forms above, or names a moment that is further than a year away.
func ReadTime(text string, zone *time.Location, now time.Time) (at time.Time, ok bool) {
	if len(text) > longestMoment {
		return time.Time{}, false
	}
	p := momentParser{tokens: tokens(text), now: now.In(zone), zone: zone}
	at, ok = p.parse()
	if !ok || at.Before(now.AddDate(-horizonYears, 0, 0)) || at.After(now.AddDate(horizonYears, 0, 0)) {
		return time.Time{}, false
	}
	return at.UTC(), true
}

// longestMoment bounds the texts that are read, in bytes.
const longestMoment = 200

// tokenForm splits a text into dates, times, offsets, words and numbers.
var tokenForm = regexp.MustCompile(
	`\d{4}[-/.]\d{1,2}[-/.]\d{1,2}` + // 2026-11-27
		`|\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{1,2}-\d{1,2}-\d{4}` + // 27/11/2026
		`|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?` + // 17:00
		`|\d{1,2}h\d{2}\b` + // 17h30
		`|[+-]\d{2}:?\d{2}\b` + // +05:30
		`|\d+|[a-z]+|\S`)

// separators separate the parts of a moment and mean nothing by themselves.
var separators = strings.NewReplacer(",", " ", ";", " ", "(", " ", ")", " ", "a.m.", "am", "p.m.", "pm", "a.m", "am",
	"p.m", "pm", "o'clock", " ", "'", " ")

func tokens(text string) []string {
	text = separators.Replace(strings.ToLower(strings.Join(strings.Fields(text), " ")))
	// The T between a date and a time, as in 2026-11-27T17:00.
	text = dateT.ReplaceAllString(text, "$1 $2")
	return tokenForm.FindAllString(strings.TrimSuffix(strings.TrimSpace(text), "."), -1)
}

var dateT = regexp.MustCompile(`(\d{4}-\d{1,2}-\d{1,2})t(\d)`)

type momentParser struct {
	tokens []string
	i      int
	now    time.Time
	zone   *time.Location

	hasDay, hasTime, hasZone bool
	year, day                int
	month                    time.Month
	hour, minute, second     int
	offset                   *time.Location
	span                     time.Duration
	days                     int
	hasSpan                  bool
}

// fillers are ignored.
var fillers = map[string]bool{
	"at": true, "on": true, "by": true, "around": true, "about": true, "approximately": true, "approx": true,
	"please": true, "the": true, "of": true, "in": true, "after": true, "this": true, "coming": true, "next": true,
	"hrs": true, "from": true, "now": true, "-": true, "call": true, "back": true, "me": true, "customer": true,
	"s": true, "local": true, "time": true, "only": true, "sharp": true, "later": true, "between": true, "ok": true,
	"for": true,
}

var partsOfDay = map[string]int{
	"morning": 10, "noon": 12, "midday": 12, "lunchtime": 13, "afternoon": 15, "evening": 18, "tonight": 20,
	"night": 20,
}

var units = map[string]time.Duration{
	"minute": time.Minute, "minutes": time.Minute, "min": time.Minute, "mins": time.Minute,
	"hour": time.Hour, "hours": time.Hour, "hr": time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// abbreviations of time zones that agents append, in minutes east of UTC. An abbreviation of the customer's own zone
// is looked up there first.
var abbreviations = map[string]int{
	"utc": 0, "gmt": 0, "ist": 330, "gst": 240, "sgt": 480, "jst": 540, "cet": 60, "cest": 120, "eet": 120,
	"eest": 180, "bst": 60,
	"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
	"aest": 600, "aedt": 660, "awst": 480, "nzst": 720, "nzdt": 780, "pkt": 300, "npt": 345,
}

func (p *momentParser) peek() string {
	if p.i < len(p.tokens) {
		return p.tokens[p.i]
	}
	return ""
}

func (p *momentParser) parse() (time.Time, bool) {
	if len(p.tokens) == 0 {
		return time.Time{}, false
	}
	for p.i < len(p.tokens) {
		token := p.tokens[p.i]
		p.i++
		if !p.take(token) {
			return time.Time{}, false
		}
	}
	return p.result()
}

// take reads one token and those that belong to it; false when it is not understood.
func (p *momentParser) take(token string) bool {
	switch {
	case fillers[token]:
		return true
	case p.takeDate(token), p.takeClock(token), p.takeZone(token), p.takeWord(token), p.takeNumber(token):
		return true
	}
	return false
}

// takeDate reads a date in digits.
func (p *momentParser) takeDate(token string) bool {
	parts := strings.FieldsFunc(token, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(parts) != 3 || p.hasDay {
		return false
	}
	var n [3]int
	for i, part := range parts {
		v, err := strconv.Atoi(part)
		if err != nil {
			return false
		}
		n[i] = v
	}
	switch {
	case len(parts[0]) == 4:
		return p.setDay(n[0], time.Month(n[1]), n[2])
	case len(parts[2]) != 4:
		return false
	case n[0] > 12:
		return p.setDay(n[2], time.Month(n[1]), n[0])
	case n[1] > 12 || n[0] == n[1]:
		return p.setDay(n[2], time.Month(n[0]), n[1])
	}
	return false
}

func (p *momentParser) setDay(year int, month time.Month, day int) bool {
	if p.hasDay || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	p.hasDay, p.year, p.month, p.day = true, year, month, day
	return true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// takeClock reads 17:00, 17:00:30 and 17h30, and a half of the day that follows.
func (p *momentParser) takeClock(token string) bool {
	parts := strings.FieldsFunc(token, func(r rune) bool { return r == ':' || r == 'h' })
	if len(parts) < 2 || strings.Trim(token, "0123456789:h.") != "" || strings.HasPrefix(token, "h") {
		return false
	}
	hour, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	minute, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	second := 0
	if len(parts) == 3 {
		whole, _, _ := strings.Cut(parts[2], ".")
		if second, err = strconv.Atoi(whole); err != nil {
			return false
		}
	}
	return p.setTime(hour, minute, second)
}

// setTime sets the time of day. The next token may say which half of the day is meant.
func (p *momentParser) setTime(hour, minute, second int) bool {
	half := p.peek()
	if half == "in" && p.i+2 < len(p.tokens) && p.tokens[p.i+1] == "the" {
		if word := p.tokens[p.i+2]; word == "morning" || word == "afternoon" || word == "evening" {
			half = word
			p.i += 2
		}
	}
	switch half {
	case "am", "morning":
		if hour < 1 || hour > 12 {
			return false
		}
		hour %= 12
		p.i++
	case "pm", "afternoon", "evening":
		if hour < 1 || hour > 12 {
			if half == "pm" && hour <= 23 && hour > 12 {
				// "17:00 PM" can mean only one thing.
				p.i++
				break
			}
			return false
		}
		hour = hour%12 + 12
		p.i++
	}
	if p.hasTime || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	p.hasTime, p.hour, p.minute, p.second = true, hour, minute, second
	return true
}

// takeZone reads an offset, an abbreviation or a bare Z.
func (p *momentParser) takeZone(token string) bool {
	if token == "z" && p.hasTime && !p.hasZone {
		p.hasZone = true
		return true
	}
	if len(token) >= 5 && (token[0] == '+' || token[0] == '-') && p.hasTime && !p.hasZone {
		digits := strings.ReplaceAll(token[1:], ":", "")
		hours, err := strconv.Atoi(digits[:2])
		if err != nil || hours > 14 {
			return false
		}
		minutes, err := strconv.Atoi(digits[2:])
		if err != nil || minutes > 59 {
			return false
		}
		seconds := hours*3600 + minutes*60
		if token[0] == '-' {
			seconds = -seconds
		}
		p.hasZone, p.offset = true, time.FixedZone("", seconds)
		return true
	}
	minutes, known := abbreviations[token]
	own := p.isOwnAbbreviation(token)
	if !known && !own || !p.hasTime || p.hasZone {
		return false
	}
	p.hasZone = true
	if !own {
		p.offset = time.FixedZone(token, minutes*60)
	}
	return true
}

// isOwnAbbreviation reports whether the customer's own zone goes by this abbreviation in some part of the year.
func (p *momentParser) isOwnAbbreviation(token string) bool {
	for _, at := range []time.Time{p.now, p.now.AddDate(0, 6, 0)} {
		if name, _ := at.In(p.zone).Zone(); strings.EqualFold(name, token) {
			return true
		}
	}
	return false
}

// takeWord reads the words for days, parts of the day and months.
func (p *momentParser) takeWord(token string) bool {
	if month, is := monthOf(token); is {
		return p.takeMonth(month)
	}
	if weekday, is := weekdayOf(token); is {
		ahead := (int(weekday-p.now.Weekday()) + 7) % 7
		if ahead == 0 {
			ahead = 7
		}
		return p.setDate(p.now.AddDate(0, 0, ahead))
	}
	switch token {
	case "today":
		return p.setDate(p.now)
	case "tomorrow", "tmrw", "tomorow":
		return p.setDate(p.now.AddDate(0, 0, 1))
	case "day":
		// The day after tomorrow.
		if p.i+1 < len(p.tokens) && p.tokens[p.i] == "after" && p.tokens[p.i+1] == "tomorrow" {
			p.i += 2
			return p.setDate(p.now.AddDate(0, 0, 2))
		}
		return false
	case "half":
		// Half an hour.
		if p.peek() == "an" {
			p.i++
		}
		if p.peek() != "hour" {
			return false
		}
		p.i++
		return p.addSpan(30*time.Minute, 0)
	case "a", "an", "one":
		return p.takeUnit(1)
	}
	if hour, is := partsOfDay[token]; is && !p.hasTime {
		p.hasTime, p.hour = true, hour
		if token == "tonight" {
			return p.setDate(p.now)
		}
		return true
	}
	return false
}

func (p *momentParser) setDate(at time.Time) bool {
	y, m, d := at.Date()
	return p.setDay(y, m, d)
}

func monthOf(token string) (time.Month, bool) {
	if len(token) < 3 {
		return 0, false
	}
	for m := time.January; m <= time.December; m++ {
		name := strings.ToLower(m.String())
		if name == token || name[:3] == token || token == "sept" && m == time.September {
			return m, true
		}
	}
	return 0, false
}

func weekdayOf(token string) (time.Weekday, bool) {
	if len(token) < 3 {
		return 0, false
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		if name == token || name[:3] == token ||
			token == "tues" && d == time.Tuesday || token == "thurs" && d == time.Thursday {
			return d, true
		}
	}
	return 0, false
}

// takeMonth reads what follows a month that stands first: "Nov 27, 2026" and "Nov 27".
func (p *momentParser) takeMonth(month time.Month) bool {
	day, err := strconv.Atoi(p.peek())
	if err != nil || day > 31 {
		return false
	}
	p.i++
	p.passOrdinal()
	return p.setDayOfMonth(month, day)
}

func (p *momentParser) passOrdinal() {
	switch p.peek() {
	case "st", "nd", "rd", "th":
		p.i++
	}
}

// setDayOfMonth reads the year if one follows. Without one, the next such day is meant.
func (p *momentParser) setDayOfMonth(month time.Month, day int) bool {
	if year, err := strconv.Atoi(p.peek()); err == nil && len(p.peek()) == 4 {
		p.i++
		return p.setDay(year, month, day)
	}
	year := p.now.Year()
	if time.Date(year, month, day, 23, 59, 59, 0, p.zone).Before(p.now) {
		year++
	}
	return p.setDay(year, month, day)
}

// takeNumber reads "5 PM", "27 Nov" and "2 hours".
func (p *momentParser) takeNumber(token string) bool {
	n, err := strconv.Atoi(token)
	if err != nil || len(token) > 4 {
		return false
	}
	switch next := p.peek(); {
	case next == "am" || next == "pm":
		return p.setTime(n, 0, 0)
	case next == "-" || next == "to" || next == "and":
		return p.takeRange(n)
	case next == "in" && !p.hasTime && n >= 1 && n <= 12:
		at := p.i
		if p.setTime(n, 0, 0) && p.i > at {
			return true
		}
		return false
	case next == "hrs" && len(token) == 4:
		return p.setTime(n/100, n%100, 0)
	case next == "h" && n <= 23:
		p.i++
		return p.setTime(n, 0, 0)
	}
	at := p.i
	p.passOrdinal()
	if p.peek() == "of" {
		p.i++
	}
	if month, is := monthOf(p.peek()); is && n >= 1 && n <= 31 {
		p.i++
		return p.setDayOfMonth(month, n)
	}
	p.i = at
	return p.takeUnit(n)
}

// takeRange reads "5-6 PM" and "between 5 and 6 PM". The beginning of the range is meant.
func (p *momentParser) takeRange(from int) bool {
	if p.i+2 >= len(p.tokens) || p.hasTime || from < 1 || from > 12 {
		return false
	}
	to, err := strconv.Atoi(p.tokens[p.i+1])
	half := p.tokens[p.i+2]
	if err != nil || to < 1 || to > 12 || half != "am" && half != "pm" {
		return false
	}
	if from != 12 && (to == 12 || from > to) {
		// From 11 to 1 PM begins before noon.
		half = map[string]string{"am": "pm", "pm": "am"}[half]
	}
	p.i += 3
	hour := from % 12
	if half == "pm" {
		hour += 12
	}
	p.hasTime, p.hour = true, hour
	return true
}

// takeUnit reads the unit of a span.
func (p *momentParser) takeUnit(n int) bool {
	unit, is := units[p.peek()]
	if !is || n < 1 {
		return false
	}
	p.i++
	if unit >= 24*time.Hour {
		return p.addSpan(0, n*int(unit/(24*time.Hour)))
	}
	return p.addSpan(time.Duration(n)*unit, 0)
}

func (p *momentParser) addSpan(d time.Duration, days int) bool {
	if p.hasDay || d > 100*24*time.Hour || days > 366 {
		return false
	}
	p.hasSpan = true
	p.span += d
	p.days += days
	return true
}

func (p *momentParser) result() (time.Time, bool) {
	zone := p.zone
	if p.offset != nil {
		zone = p.offset
	}
	switch {
	case p.hasSpan && p.hasTime && p.span == 0:
		// In 2 days at 5 pm.
		y, m, d := p.now.AddDate(0, 0, p.days).Date()
		return time.Date(y, m, d, p.hour, p.minute, p.second, 0, zone), true
	case p.hasSpan && !p.hasTime:
		return p.now.AddDate(0, 0, p.days).Add(p.span), true
	case p.hasSpan:
		return time.Time{}, false
	case p.hasDay && p.hasTime:
		return time.Date(p.year, p.month, p.day, p.hour, p.minute, p.second, 0, zone), true
	case p.hasDay:
		return time.Date(p.year, p.month, p.day, atDay, 0, 0, 0, zone), true
	case p.hasTime:
		y, m, d := p.now.In(zone).Date()
		at := time.Date(y, m, d, p.hour, p.minute, p.second, 0, zone)
		if !at.After(p.now) {
			at = time.Date(y, m, d+1, p.hour, p.minute, p.second, 0, zone)
		}
		return at, true
	}
	return time.Time{}, false
}
