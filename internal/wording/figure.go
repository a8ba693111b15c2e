package wording

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// Numbers with exponents beyond these are not written out: a short text such as 1e999999 would become megabytes.
const (
	minExponent = -30
	maxExponent = 30
)

// Digits writes a number in plain digits; "0" for one that is absurdly long.
func Digits(d decimal.Decimal) string {
	if !Sound(d) {
		return "0"
	}
	return d.String()
}

// Sound reports whether d has few enough digits, before and after the point, to be written out.
func Sound(d decimal.Decimal) bool {
	return d.Exponent() >= minExponent && d.Exponent() <= maxExponent && d.NumDigits() <= 2*maxExponent
}

// Decimal writes a number with separators between thousands, as in "1,250.5".
func Decimal(d decimal.Decimal) string { return grouped(Digits(d)) }

// Amount writes money in plain digits with as many decimals as its currency has (ISO 4217): 1895 INR is "1895.00",
// 1895 JPY is "1895". An unknown currency has two decimals. Further digits are rounded away. An absurdly long amount is
// written as zero.
func Amount(amount decimal.Decimal, code string) string {
	if !Sound(amount) {
		amount = decimal.Zero
	}
	scale := 2
	if unit, err := currency.ParseISO(code); err == nil {
		scale, _ = currency.Standard.Rounding(unit)
	}
	return amount.StringFixed(int32(scale))
}

// Money writes an amount with its currency for people, as in "1,299.00 INR".
func Money(amount decimal.Decimal, code string) string {
	return strings.TrimSpace(grouped(Amount(amount, code)) + " " + code)
}

// Number writes a count with separators between thousands, as in "1,234,567".
func Number(n int) string { return grouped(strconv.Itoa(n)) }

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

// Percent writes a share of a whole with one decimal; "–" when the whole is zero.
func Percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", float64(part)/float64(whole)*100)
}

// Count writes a number with the word for it: "1 call", "2 calls".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Span writes a length of time in its one or two largest units, as in "45 min", "2 h 5 min" or "3 days".
func Span(d time.Duration) string {
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
	return Count(int(d.Hours()/24), "day", "days")
}

// Distance writes how far an instant is from now: "in 45 min", "3 days ago", or "now" within a second.
func Distance(at, now time.Time) string {
	d := at.Sub(now)
	switch {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return Span(-d) + " ago"
	}
	return "in " + Span(d)
}

// Talk writes how long a conversation of some seconds took, as in "2 min 05 s".
func Talk(seconds int) string {
	if seconds < 60 {
		return fmt.Sprintf("%d s", seconds)
	}
	return fmt.Sprintf("%d min %02d s", seconds/60, seconds%60)
}

// Duration writes a duration as the configuration does, without zero units: "72h", "1h30m", "45m".
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// The layouts in which instants are shown. Each carries its zone.
const (
	// ClockLayout is an instant in full, as in "Mon 2 Jan 2006 15:04:05 IST".
	ClockLayout = "Mon 2 Jan 2006 15:04:05 MST"
	// UTCLayout is an instant in UTC, in full.
	UTCLayout = "2 Jan 2006, 15:04:05 UTC"
)

// Moment writes an instant by a zone's clock, the shorter the nearer it is to now: today only the time, this year
// without the year.
func Moment(at, now time.Time, zone *time.Location) string {
	local, today := at.In(zone), now.In(zone)
	switch {
	case at.Sub(now).Abs() < time.Hour:
		return local.Format("15:04:05 MST")
	case local.YearDay() == today.YearDay() && local.Year() == today.Year():
		return local.Format("15:04 MST")
	case local.Year() == today.Year():
		return local.Format("Mon 2 Jan, 15:04 MST")
	}
	return local.Format("2 Jan 2006, 15:04 MST")
}

// Masked shows the first three characters and the last two digits of a phone number in E.164, and hides the rest.
func Masked(phone string) string {
	const begin, end = 3, 2
	if len(phone) <= begin+end {
		return strings.Repeat("•", len(phone))
	}
	return phone[:begin] + strings.Repeat("•", len(phone)-begin-end) + phone[len(phone)-end:]
}
