// Package jurisdictions prints the calling-hours table for people.
package jurisdictions

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/wording"
)

// Request says what to print.
type Request struct {
	// Rules are a store's, whose changes are shown; nil for the table as shipped.
	Rules *policy.Rules
	// Country narrows it to one country, or to the row of one key; "" for all.
	Country string
	// At is the day.
	At time.Time
}

// Print writes the table of a day, one row after the other, with where it comes from. It fails when no row covers the
// country.
func Print(w io.Writer, r Request) error {
	version, rows, err := policy.Jurisdictions(r.Rules, r.At)
	if err != nil {
		return err
	}
	if r.Country != "" {
		rows = slices.DeleteFunc(rows, func(j policy.Jurisdiction) bool { return !j.Covers(r.Country) })
		if len(rows) == 0 {
			return fmt.Errorf("no row covers %q; nobody there is called unless a store adds it under policy.jurisdictions",
				r.Country)
		}
	}
	fmt.Fprintf(w, "Calling hours on %s, by the table of %s. Not legal advice.\n", r.At.Format(time.DateOnly), version)
	fmt.Fprint(w, "Confidence: A statute or regulator, B law firm or vendor, C one secondary source, D not verified; "+
		"of two, the first is for the hours.\n")
	for _, j := range rows {
		write(w, j)
	}
	return nil
}

func write(w io.Writer, j policy.Jurisdiction) {
	fmt.Fprintf(w, "\n%s  %s%s\n", j.Key, j.Name, standing(j))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "    %-12s  %s\n", name, text)
		}
	}
	if len(j.Countries) > 1 {
		line("countries", strings.Join(j.Countries, " "))
	}
	for _, days := range wording.Week(hoursOf(j)) {
		line(days.Days, days.Hours)
	}
	line("holidays", orNone(spans(j.Holiday)))
	if len(j.Eve) > 0 {
		line("eves", spans(j.Eve))
	}
	if len(j.ExtraHolidays) > 0 {
		line("also kept", strings.Join(j.ExtraHolidays, ", "))
	}
	if !j.Calendar && len(j.Countries) > 0 {
		line("calendar", "no calendar of public holidays is built in: list them under policy.holidays")
	}
	line("limits", strings.Join(j.Limits, ", "))
	line("consent", strings.Join(j.Consent, " or "))
	line("basis", j.Basis)
	if j.ConsentMaxAge > 0 {
		line("lasts", wording.Count(int(j.ConsentMaxAge.Hours()/24), "day", "days"))
	}
	line("registries", strings.Join(j.Registries, ", "))
	line("disclose", strings.Join(j.Disclose, ", "))
	line("found", j.Found)
	line("note", j.Note)
	line("confidence", j.Confidence)
	for i, s := range j.Sources {
		name := ""
		if i == 0 {
			name = "sources"
		}
		line(name, s)
	}
}

// standing says whether anybody there is called, and on which days these terms hold.
func standing(j policy.Jurisdiction) string {
	text := ""
	if !j.On {
		text += "  OFF"
	}
	if j.Closed != "" {
		text += "  CLOSED until " + j.Closed
	}
	if j.Effective != "" {
		text += "  from " + j.Effective
	}
	if j.Until != "" {
		text += "  until " + j.Until
	}
	if j.Changed {
		text += "  (changed by the store)"
	}
	return text
}

func hoursOf(j policy.Jurisdiction) [7]string {
	var week [7]string
	for i, hours := range j.Week {
		week[i] = orNone(spans(hours))
	}
	return week
}

func spans(hours []policy.Hours) string {
	texts := make([]string, len(hours))
	for i, h := range hours {
		texts[i] = h.String()
	}
	return strings.Join(texts, ", ")
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
