package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is what was measured, and where.
type Report struct {
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Quick   bool      `json:"quick"`
	Machine Machine   `json:"machine"`
	// Burst is how many webhooks a burst has, Repeats how often each rate was measured.
	Burst   int `json:"burst"`
	Repeats int `json:"repeats"`
	// SentAgain counts the webhooks that Ringback answered with 503, and that were sent again.
	SentAgain int   `json:"sent_again"`
	Rows      []Row `json:"rows"`
}

// Machine is where it was measured.
type Machine struct {
	System string `json:"system"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	// MemoryBytes is 0 where it is unknown.
	MemoryBytes int64  `json:"memory_bytes,omitempty"`
	Go          string `json:"go"`
	Postgres    string `json:"postgres"`
	// Settings are those of Postgres on which speed depends most.
	Settings map[string]string `json:"settings"`
}

// Row is one line of the table.
type Row struct {
	// ID names the row for programs; it stays the same from one version to the next.
	ID    string  `json:"id"`
	Group string  `json:"group"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// P50 and P99 are latencies in milliseconds.
	P50 *float64 `json:"p50_ms,omitempty"`
	P99 *float64 `json:"p99_ms,omitempty"`
	// TimesSimple is the value as a multiple of that of the simple intake, measured in turns with it.
	TimesSimple *float64 `json:"times_simple,omitempty"`
	// Note says what the number is, where that is not plain.
	Note string `json:"note,omitempty"`
}

// add adds a row.
func (r *Report) add(row Row) { r.Rows = append(r.Rows, row) }

// JSON writes the report as JSON.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// line is one line of the table: what, value, unit, p50, p99 and the multiple of the simple intake.
const line = "%-54s %11s %-12s %9s %9s %9s\n"

// Table writes the report as a table for people.
func (r *Report) Table(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.Machine)
	const shared = "Load, program, simulated voice API and database share the processors. " +
		"A burst is %s webhooks of 2.7 KB.\n"
	fmt.Fprintf(&b, shared, grouped(float64(r.Burst)))
	if r.Repeats > 1 {
		fmt.Fprintf(&b, "Rates of bursts and of calls are medians of %d.\n", r.Repeats)
	}
	group := ""
	for _, row := range r.Rows {
		if row.Group != group {
			group = row.Group
			b.WriteByte('\n')
			writeLine(&b, group, "", "", "p50 ms", "p99 ms", "× simple")
		}
		writeLine(&b, "  "+row.What, number(row.Value), row.Unit, optional(row.P50, 1), optional(row.P99, 1),
			optional(row.TimesSimple, 2))
	}
	b.WriteByte('\n')
	for _, note := range r.notes() {
		fmt.Fprintln(&b, note)
	}
	if r.SentAgain > 0 {
		fmt.Fprintf(&b, "Ringback answered 503 to %s webhooks, which were sent again.\n", grouped(float64(r.SentAgain)))
	}
	took := time.Duration(r.Seconds) * time.Second
	fmt.Fprintf(&b, "Measured on %s in %s.\n", r.Began.Format("2 January 2006 15:04 MST"), took)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLine(b *strings.Builder, what, value, unit, p50, p99, times string) {
	text := fmt.Sprintf(line, what, value, unit, p50, p99, times)
	b.WriteString(strings.TrimRight(text, " \n"))
	b.WriteByte('\n')
}

// notes are the rows' notes, each once.
func (r *Report) notes() []string {
	var all []string
	for _, row := range r.Rows {
		if row.Note != "" && !slices.Contains(all, row.Note) {
			all = append(all, row.Note)
		}
	}
	return all
}

// number writes a number with what digits it deserves.
func number(v float64) string {
	if math.Abs(v) >= 100 || v == math.Trunc(v) {
		return grouped(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// grouped writes a number rounded, with commas between thousands.
func grouped(v float64) string {
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func optional(v *float64, decimals int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', decimals, 64)
}

// String describes the machine in two lines.
func (m Machine) String() string {
	parts := []string{fmt.Sprintf("%d cores", m.Cores)}
	if m.CPU != "" {
		parts = append(parts, m.CPU)
	}
	if m.MemoryBytes > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GB of memory", float64(m.MemoryBytes)/1e9))
	}
	parts = append(parts, m.System, m.Go)
	var settings []string
	for _, name := range postgresSettings {
		settings = append(settings, name+" "+m.Settings[name])
	}
	return strings.Join(parts, ", ") + "\nPostgreSQL " + m.Postgres + ": " + strings.Join(settings, ", ")
}

// milliseconds is a duration as a row has it.
func milliseconds(d time.Duration) *float64 {
	v := math.Round(float64(d.Microseconds())) / 1000
	return &v
}

// rounded rounds a ratio.
func rounded(v float64) *float64 {
	v = math.Round(v*1000) / 1000
	return &v
}

// median is the middle of some values.
func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
