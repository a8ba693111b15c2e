package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/wording"
)

// Write tells the story as text for people.
func (s Story) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	s.writeHead(out)
	for i, e := range s.Ledger {
		told := i > 0 && s.Ledger[i-1].Reason == e.Reason
		e.write(out, told)
	}
	if len(s.Ledger) == 0 {
		fmt.Fprintln(out, "\nThe ledger holds nothing of this cart.")
	}
	if len(s.Calls) > 0 {
		fmt.Fprintln(out, "\nCalls")
	}
	for _, c := range s.Calls {
		c.write(out)
	}
	fmt.Fprintf(out, "\nWhat happens next\n  %s\n", s.Next)
	return out.Flush()
}

func (s Story) writeHead(w io.Writer) {
	fmt.Fprintf(w, "Cart %s of %s\n", s.ID, s.Shop)
	fmt.Fprintf(w, "  checkout  %s\n", s.CheckoutToken)
	fmt.Fprintf(w, "  customer  %s\n", s.Customer.says(s.Erased))
	fmt.Fprintf(w, "  cart      %s\n", s.contents())
	fmt.Fprintf(w, "  state     %s", s.State)
	if s.Attribution != nil {
		fmt.Fprintf(w, ", %s", wording.Attribution(*s.Attribution))
	}
	fmt.Fprintf(w, ": %s\n  times in  %s\n", s.Says, s.Timezone)
}

func (c Customer) says(erased bool) string {
	if erased {
		return "erased"
	}
	parts := []string{"no name"}
	if c.Name != nil {
		parts[0] = *c.Name
	}
	phone := "no number that can be called"
	if c.Phone != nil {
		phone = *c.Phone
		if c.PhoneFrom != nil {
			phone += " (from " + strings.ReplaceAll(*c.PhoneFrom, "_", " ") + ")"
		}
	}
	parts = append(parts, phone)
	if c.Email != nil {
		parts = append(parts, *c.Email)
	}
	if c.Arm != nil && *c.Arm == string(cart.ArmHoldout) {
		parts = append(parts, "held out")
	}
	return strings.Join(parts, ", ")
}

func (s Story) contents() string {
	text := s.Total
	if s.Currency != nil {
		text += " " + *s.Currency
	}
	for i, item := range s.Items {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text += fmt.Sprintf("%s%d × %s", separator, item.Quantity, item.Title)
	}
	return text
}

// write tells the entry, and its reason unless the cart stands where it did and the entry before told it.
func (e Entry) write(w io.Writer, told bool) {
	fmt.Fprintf(w, "\n%s  %s", e.At.Format(wording.ClockLayout), e.Says)
	if e.Attempt != nil {
		fmt.Fprintf(w, " (call %d)", *e.Attempt)
	}
	fmt.Fprintln(w)
	stays := e.From != nil && *e.From == e.To
	if stays {
		fmt.Fprintf(w, "  still %s", e.To)
	} else {
		fmt.Fprintf(w, "  %s → %s", stateSays(e.From), e.To)
	}
	if e.Because != "" && !(stays && told) {
		fmt.Fprintf(w, ": %s", e.Because)
	}
	fmt.Fprintln(w)
	width := 0
	for _, step := range e.Trace {
		width = max(width, len(step.Rule))
	}
	for _, step := range e.Trace {
		fmt.Fprintf(w, "      %-7s  %-*s  %s\n", step.Verdict, width, step.Rule, step.Saw)
	}
}

func (c Call) write(w io.Writer) {
	fmt.Fprintf(w, "  %d  %s  %s", c.Attempt, c.At.Format(wording.ClockLayout), c.Says)
	if c.DurationSeconds != nil {
		fmt.Fprintf(w, ", %d s", *c.DurationSeconds)
	}
	if c.Dials > 1 {
		fmt.Fprintf(w, ", dialled %d times", c.Dials)
	}
	for _, found := range c.Heard {
		fmt.Fprintf(w, ", %s", wording.Insight(found))
	}
	fmt.Fprintln(w)
	if c.Consent != nil {
		fmt.Fprintf(w, "     consent: %s\n", *c.Consent)
	}
	if c.Offer != nil {
		fmt.Fprintf(w, "     offer: %s", *c.Offer)
		if c.OfferFate != nil {
			fmt.Fprintf(w, " (%s)", wording.OfferFate(*c.OfferFate))
		}
		fmt.Fprintln(w)
	}
	if c.AbandonReason != nil {
		fmt.Fprintf(w, "     left the cart behind because of: %s\n", wording.Lower(*c.AbandonReason))
	}
	if c.Summary != nil {
		fmt.Fprintf(w, "     summary: %s\n", *c.Summary)
	}
	if c.RecordingURL != nil {
		fmt.Fprintf(w, "     recording: %s\n", *c.RecordingURL)
	}
}

// stateSays names the state that an entry began in.
func stateSays(s *cart.State) string {
	if s == nil {
		return "new"
	}
	return string(*s)
}
