package backtest

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/wording"
)

// dayNames are the rows of the table of hours.
var dayNames = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// Write tells the report as text for people.
func (r Report) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	r.writeSeen(out)
	r.writeCalls(out)
	r.writeNotCalled(out)
	if r.Against != nil {
		r.writeChanges(out)
	}
	return out.Flush()
}

func (r Report) writeSeen(w io.Writer) {
	fmt.Fprintf(w, "%s, decided anew; nobody was called.\n", counted(r.Carts, "cart"))
	if r.From != nil {
		const day = "2 Jan 2006 15:04"
		fmt.Fprintf(w, "First known from %s to %s UTC.\n", r.From.Format(day), r.To.Format(day))
	}
	if n := r.LeftOut.Erased; n > 0 {
		fmt.Fprintf(w, "Left out: %s whose personal data was erased.\n", counted(n, "cart"))
	}
	if n := r.LeftOut.UnknownShop; n > 0 {
		fmt.Fprintf(w, "Left out: %s of shops that the configuration does not have.\n", counted(n, "cart"))
	}
}

// row writes a line of figures: that of the policy tried and, if there is one, that of the other.
func (r Report) row(w io.Writer, label string, figure func(Result) int) {
	fmt.Fprintf(w, "  %-28s %9s", label, grouped(figure(r.Policy)))
	if r.Against != nil {
		fmt.Fprintf(w, " %9s", grouped(figure(*r.Against)))
	}
	fmt.Fprintln(w)
}

func (r Report) writeCalls(w io.Writer) {
	fmt.Fprintf(w, "\nWould have been called %16s", "tried")
	if r.Against != nil {
		fmt.Fprintf(w, " %9s", "in force")
	}
	fmt.Fprintln(w)
	r.row(w, "carts called", func(p Result) int { return p.Called })
	r.row(w, "calls", func(p Result) int { return p.Calls })
	for _, code := range r.codes() {
		label := "calls offering " + code
		if code == "" {
			label = "calls without an offer"
		}
		r.row(w, label, func(p Result) int { return p.offering(code) })
	}
	r.row(w, "carts not called", func(p Result) int { return p.Carts - p.Called })
	if r.Policy.Ahead > 0 || r.Against != nil && r.Against.Ahead > 0 {
		r.row(w, "carts decided in the future", func(p Result) int { return p.Ahead })
	}
	r.Policy.writeHours(w)
}

// codes are the offers of either policy.
func (r Report) codes() []string {
	var codes []string
	for _, o := range r.Policy.Offers {
		codes = append(codes, o.Code)
	}
	if r.Against == nil {
		return codes
	}
	for _, o := range r.Against.Offers {
		if r.Policy.offering(o.Code) == 0 {
			codes = append(codes, o.Code)
		}
	}
	return codes
}

func (p Result) offering(code string) int {
	for _, o := range p.Offers {
		if o.Code == code {
			return o.Calls
		}
	}
	return 0
}

func (p Result) writeHours(w io.Writer) {
	if p.Calls == 0 {
		return
	}
	width := 2
	for _, day := range p.Hours {
		for _, n := range day {
			width = max(width, len(strconv.Itoa(n)))
		}
	}
	fmt.Fprint(w, "\nWhen, by the store's clock (calls of the policy tried)\n     ")
	for hour := range 24 {
		fmt.Fprintf(w, " %*s", width, fmt.Sprintf("%02d", hour))
	}
	fmt.Fprintln(w)
	for i, day := range p.Hours {
		fmt.Fprint(w, "  ", dayNames[i])
		for _, n := range day {
			cell := "."
			if n > 0 {
				cell = strconv.Itoa(n)
			}
			fmt.Fprintf(w, " %*s", width, cell)
		}
		fmt.Fprintln(w)
	}
}

func (r Report) writeNotCalled(w io.Writer) {
	reasons := r.Policy.NotCalled
	if r.Against != nil {
		for _, c := range r.Against.NotCalled {
			if r.Policy.ending(c) == 0 {
				reasons = append(reasons[:len(reasons):len(reasons)], c)
			}
		}
	}
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintln(w, "\nNot called, and why")
	for _, c := range reasons {
		fmt.Fprintf(w, "  %-28s %9s", string(c.Action)+" "+string(c.Reason), grouped(r.Policy.ending(c)))
		if r.Against != nil {
			fmt.Fprintf(w, " %9s", grouped(r.Against.ending(c)))
		}
		fmt.Fprintf(w, "  %s\n", reasonSays(c))
	}
}

func (p Result) ending(like ReasonCount) int {
	for _, c := range p.NotCalled {
		if c.Action == like.Action && c.Reason == like.Reason {
			return c.Carts
		}
	}
	return 0
}

func (r Report) writeChanges(w io.Writer) {
	fmt.Fprintln(w, "\nWhat changes")
	for _, c := range r.Changes {
		fmt.Fprintf(w, "  %-28s %9s\n", c.Kind.says(), grouped(c.Carts))
	}
	fmt.Fprintf(w, "  %-28s %9s\n", "the same", grouped(r.Unchanged))
	if len(r.Differences) == 0 {
		return
	}
	if total := r.changed(); total > len(r.Differences) {
		fmt.Fprintf(w, "\nThe first %d of %s\n", len(r.Differences), counted(total, "difference"))
	} else {
		fmt.Fprintln(w, "\nThe differences")
	}
	for _, d := range r.Differences {
		d.write(w)
	}
}

func (r Report) changed() int {
	n := 0
	for _, c := range r.Changes {
		n += c.Carts
	}
	return n
}

func (d Difference) write(w io.Writer) {
	fmt.Fprintf(w, "  %s of %s: %s", d.CartID, d.Shop, d.Kind.says())
	if d.Rule != "" {
		fmt.Fprintf(w, ", by %s", d.Rule)
	}
	fmt.Fprintf(w, "\n    checkout  %s\n", d.CheckoutToken)
	for _, s := range []struct {
		label string
		side  Side
	}{{"in force", d.Was}, {"tried", d.Is}} {
		fmt.Fprintf(w, "    %-8s  %s\n", s.label, s.side.says(d.zone))
		if s.side.Step != nil {
			fmt.Fprintf(w, "              %s\n", wording.Step(*s.side.Step))
		}
	}
}

// says is what comes of the cart, in a few words.
func (s Side) says(zone *time.Location) string {
	if s.CalledAt == nil {
		return "not called: " + string(s.Action) + " " + string(s.Reason)
	}
	if zone == nil {
		zone = time.UTC
	}
	text := "called " + s.CalledAt.In(zone).Format("Mon 2 Jan 2006 15:04:05 MST")
	if s.Calls > 1 {
		text += fmt.Sprintf(", %d calls", s.Calls)
	}
	var codes []string
	for _, code := range s.Offers {
		if code != "" {
			codes = append(codes, code)
		}
	}
	if len(codes) > 0 {
		text += ", offering " + strings.Join(codes, " and ")
	}
	if s.Action != cart.ActCall {
		text += "; then " + string(s.Action) + " " + string(s.Reason)
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// grouped writes a count with commas: 12,345.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
