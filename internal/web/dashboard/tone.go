package dashboard

import (
	"ringback/internal/cart"
)

// callTone is the colour class of a call.
func callTone(c *cart.Call) string {
	switch {
	case c.State == cart.Closed && c.Outcome == cart.Completed:
		return "tone-good"
	case c.State == cart.Closed && (c.Outcome == cart.NoAnswer || c.Outcome == cart.Voicemail ||
		c.Outcome == cart.Busy || c.Outcome == cart.Timeout):
		return "tone-wait"
	case c.State == cart.Uncertain, c.State == cart.Rejected,
		c.State == cart.Closed && (c.Outcome == cart.Failed || c.Outcome == cart.Lost || c.Outcome == cart.Invalid):
		return "tone-bad"
	case c.State == cart.Closed:
		return "tone-still"
	}
	return "tone-live"
}

// stateTone is the colour class of a cart's state.
func stateTone(s cart.State) string {
	switch s {
	case cart.Waiting:
		return "tone-wait"
	case cart.Ready, cart.Calling:
		return "tone-live"
	case cart.Purchased:
		return "tone-good"
	case cart.Watching, cart.Stopped:
		return "tone-still"
	}
	return "tone-still"
}

// verdictTone is the colour class of a rule's verdict.
func verdictTone(verdict cart.Verdict) string {
	switch verdict {
	case cart.VerdictOK:
		return "tone-good"
	case cart.VerdictWait:
		return "tone-wait"
	case cart.VerdictStop:
		return "tone-bad"
	case cart.VerdictWatch, cart.VerdictSkipped:
		return "tone-still"
	}
	return "tone-still"
}
