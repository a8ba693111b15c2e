package policy

import (
	"strconv"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// tracer collects the steps of a decision. Their texts share one buffer, which becomes one string at the end: every
// check of a cart makes a trace of about twenty steps.
type tracer struct {
	buf   []byte
	steps []tracedStep
	// rule is the name of the current step.
	rule string
}

// tracedStep is a step whose text ends at end in the buffer. It begins where the step before ends.
type tracedStep struct {
	rule    string
	verdict cart.Verdict
	end     int
}

// say adds to the text of the current step.
func (t *tracer) say(texts ...string) {
	for _, text := range texts {
		t.buf = append(t.buf, text...)
	}
}

func (t *tracer) sayInt(n int) { t.buf = strconv.AppendInt(t.buf, int64(n), 10) }

// sayCount says "1 call" or "2 calls".
func (t *tracer) sayCount(n int, what string) {
	t.sayInt(n)
	t.say(" ", what)
	if n != 1 {
		t.say("s")
	}
}

func (t *tracer) sayTime(at time.Time) {
	t.buf = at.UTC().Truncate(time.Second).AppendFormat(t.buf, time.RFC3339)
}

// sayDuration says a duration without zero units: "72h", "1h30m".
func (t *tracer) sayDuration(d time.Duration) {
	if d < time.Second {
		t.say(d.String())
		return
	}
	for _, unit := range [...]struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			t.buf = strconv.AppendInt(t.buf, int64(n), 10)
			t.say(unit.name)
			d -= n * unit.size
		}
	}
}

// sayAmount says an amount of money with at least two decimals.
func (t *tracer) sayAmount(amount decimal.Decimal) {
	const most = 17 // digits that an int64 surely holds, with two more
	places := -int(amount.Exponent())
	if places < 0 || places > 4 || amount.NumDigits() > most {
		t.say(amount.String())
		return
	}
	units := amount.CoefficientInt64()
	for ; places < 2; places++ {
		units *= 10
	}
	if units < 0 {
		t.say("-")
		units = -units
	}
	scale := int64(1)
	for range places {
		scale *= 10
	}
	t.buf = strconv.AppendInt(t.buf, units/scale, 10)
	t.say(".")
	for scale /= 10; scale > 0; scale /= 10 {
		t.buf = append(t.buf, byte('0'+units/scale%10))
	}
}

// begin gives the current step another name than the rule's.
func (t *tracer) begin(rule string) { t.rule = rule }

// step ends the current step.
func (t *tracer) step(verdict cart.Verdict) {
	t.steps = append(t.steps, tracedStep{t.rule, verdict, len(t.buf)})
}

// begun is where in the buffer the current step begins.
func (t *tracer) begun() int {
	if len(t.steps) == 0 {
		return 0
	}
	return t.steps[len(t.steps)-1].end
}

// finish returns the steps.
func (t *tracer) finish() []cart.Step {
	all := string(t.buf)
	steps := make([]cart.Step, len(t.steps))
	begin := 0
	for i, s := range t.steps {
		steps[i] = cart.Step{Rule: s.rule, Saw: all[begin:s.end], Verdict: s.verdict}
		begin = s.end
	}
	return steps
}
