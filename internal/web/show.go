package web

import (
	"fmt"
	"strings"
	"time"

	"ringback/internal/voice"

	"github.com/shopspring/decimal"
)

// moment is an instant as a page shows it: in a store's zone, with UTC beside it.
type moment struct {
	at   time.Time
	zone *time.Location
	now  time.Time
}

// machine is the instant for the datetime attribute.
func (m moment) machine() string { return m.at.UTC().Format(time.RFC3339) }

// utc is the instant in UTC for the title.
func (m moment) utc() string { return m.at.UTC().Format("2 Jan 2006, 15:04:05 UTC") }

// local is the instant by the store's clock, as short as its distance from now allows.
func (m moment) local() string {
	at, now := m.at.In(m.zone), m.now.In(m.zone)
	switch {
	case m.at.Sub(m.now).Abs() < time.Hour:
		return at.Format("15:04:05 MST")
	case at.YearDay() == now.YearDay() && at.Year() == now.Year():
		return at.Format("15:04 MST")
	case at.Year() == now.Year():
		return at.Format("Mon 2 Jan, 15:04 MST")
	}
	return at.Format("2 Jan 2006, 15:04 MST")
}

// distance is how long ago or how far ahead the instant is.
func (m moment) distance() string {
	d := m.at.Sub(m.now)
	if d.Abs() < time.Second {
		return "now"
	}
	if d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

// span writes a duration in its one or two largest units.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 && d < 6*time.Hour {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	days := int(d.Hours() / 24)
	if days == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", days)
}

// talk writes how long a conversation took.
func talk(seconds int) string {
	if seconds < 60 {
		return fmt.Sprintf("%d s", seconds)
	}
	return fmt.Sprintf("%d min %02d s", seconds/60, seconds%60)
}

// money writes an amount with its currency, as in "1,299.00 INR".
func money(amount decimal.Decimal, currency string) string {
	return strings.TrimSpace(grouped(voice.Amount(amount, currency)) + " " + currency)
}

// number writes a count with its thousands set apart.
func number(n int) string { return grouped(fmt.Sprint(n)) }

func grouped(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	sign := ""
	if rest, ok := strings.CutPrefix(whole, "-"); ok {
		sign, whole = "-", rest
	}
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		return sign + b.String() + "." + fraction
	}
	return sign + b.String()
}

// percent writes a share of a whole; "–" of nothing.
func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", float64(part)/float64(whole)*100)
}

// plural writes a count with the word for it.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}
