package policy

import (
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// maxBreakerCalls bounds how many of a shop's last calls a breaker may count.
const maxBreakerCalls = 1000

// BreakerReach returns how many of a shop's newest calls the breakers need; 0 when there are no breakers.
func BreakerReach(breakers []Breaker) int {
	n := 0
	for _, b := range breakers {
		n = max(n, b.Last)
		if b.On == BreakCredits {
			n = max(n, 1)
		}
	}
	return n
}

// Trip reports whether one of the breakers trips at now. why is a sentence of what was counted. until is when the
// pause ends; nil when the shop must be resumed by hand. If several trip, the longest pause counts. calls are the
// shop's newest settled or uncertain calls, newest first: as many as BreakerReach says, if there are so many. The
// caller leaves out calls from before the shop was last resumed by hand. credits is the voice account's balance; nil
// when it is not known.
func Trip(
	breakers []Breaker, calls []cart.Call, credits *decimal.Decimal, now time.Time,
) (why string, until *time.Time, tripped bool) {
	for _, b := range breakers {
		saw, off := b.wentOff(calls, credits)
		if !off {
			continue
		}
		var end *time.Time
		if b.PauseFor > 0 {
			at := now.Add(b.PauseFor)
			end = &at
		}
		if !tripped || until != nil && (end == nil || end.After(*until)) {
			why, until, tripped = saw, end, true
		}
	}
	return why, until, tripped
}

func (b *Breaker) wentOff(calls []cart.Call, credits *decimal.Decimal) (saw string, off bool) {
	if b.On == BreakCredits {
		if b.Below == nil || credits == nil || credits.Cmp(*b.Below) >= 0 {
			return "", false
		}
		return fmt.Sprintf("%s credits are left, fewer than %s", credits, b.Below), true
	}
	if b.Last < 1 || len(calls) < b.Last {
		return "", false
	}
	bad, what := 0, ""
	for i := range calls[:b.Last] {
		var is bool
		if what, is = b.counts(&calls[i]); is {
			bad++
		}
	}
	if float64(bad) <= b.Above*float64(b.Last) {
		return "", false
	}
	return fmt.Sprintf("%d of the last %d calls %s (limit: %.4g %%)", bad, b.Last, what, b.Above*100), true
}

// counts reports whether the breaker counts the call, and says in words what it counts.
func (b *Breaker) counts(c *cart.Call) (what string, is bool) {
	switch b.On {
	case BreakOptOuts:
		return "ended with an opt-out", c.Insights.OptedOut
	case BreakUncertain:
		return "were uncertain", c.State == cart.Uncertain || c.Outcome == cart.Lost
	}
	failed := c.Outcome == cart.Failed || c.Outcome == cart.Lost || c.Outcome == cart.Invalid
	return "failed", failed || c.State == cart.Rejected || c.Insights.Undisclosed
}
