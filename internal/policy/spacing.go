package policy

import (
	"math"
	"time"

	"ringback/internal/cart"
)

// spacing keeps a distance between the last attempt and the next, depending on how the last one ended.
func (d *decider) spacing() bool {
	last := d.cart.LastDialled()
	if last == nil {
		return false
	}
	if d.overridden() {
		return false
	}
	ended := endOf(last)
	gap := d.rules.Attempts.Spacing.after(last.Outcome, d.cart.Attempts)
	d.say("last call ")
	if last.Outcome == "" {
		d.say("not over")
	} else {
		d.say(string(last.Outcome))
	}
	d.say(" at ")
	d.sayTime(ended)
	d.say(", next one ")
	d.sayDuration(gap)
	d.say(" later")
	if d.rules.Attempts.Spacing.OtherTimeOfDay {
		d.say(", at another time of day")
		d.hours.avoid(&d.person, beginOf(last))
	}
	d.until(&d.hard, ended.Add(gap), cart.Spacing)
	return false
}

// after returns the time to leave after the n-th call, which had this outcome.
func (s *Spacing) after(o cart.Outcome, n int) time.Duration {
	gap := s.Failed
	switch o {
	case cart.Voicemail:
		gap = s.Voicemail
	case cart.NoAnswer:
		gap = s.NoAnswer
	case cart.Busy:
		gap = s.Busy
	case cart.Timeout:
		gap = s.Timeout
	case cart.Lost:
		gap = s.Lost
	case cart.Failed, cart.Aborted, cart.Completed, cart.Skipped, cart.Invalid:
	}
	if s.Backoff <= 1 || n <= 1 {
		return gap
	}
	grown := float64(gap) * math.Pow(s.Backoff, float64(n-1))
	if grown > float64(PlanningHorizon) {
		// No call is planned further ahead.
		return max(gap, PlanningHorizon)
	}
	return time.Duration(grown)
}

// endOf is when the call was over, as far as it is known.
func endOf(c *cart.Call) time.Time {
	for _, at := range []*time.Time{c.EndedAt, c.ClosedAt, c.SentAt} {
		if at != nil {
			return *at
		}
	}
	return c.CreatedAt
}

// beginOf is when the phone rang, as far as it is known.
func beginOf(c *cart.Call) time.Time {
	if c.SentAt != nil {
		return *c.SentAt
	}
	return c.CreatedAt
}
