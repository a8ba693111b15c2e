package backtest

import (
	"time"

	"ringback/internal/cart"
)

// call is a call that would have been made.
type call struct {
	at       time.Time
	offer    string
	priority bool
	// look is the index in outcome.traces of the decision that led to it.
	look int
}

// outcome is what came of one cart under one policy.
type outcome struct {
	calls []call
	// action and reason are the last decision: cart.ActCall when how the call would have ended is not on record.
	action cart.Action
	reason cart.Reason
	at     time.Time
	// traces are those of every look, in order. They are kept only when they may be asked for.
	traces [][]cart.Step
}

func (o *outcome) called() bool { return len(o.calls) > 0 }

// falls is when it was settled whether the cart is called.
func (o *outcome) falls() time.Time {
	if o.called() {
		return o.calls[0].at
	}
	return o.at
}

// looks are the traces from after the call before the n-th, from 0, to that call; without one, to the end.
func (o *outcome) looks(n int) [][]cart.Step {
	from, to := 0, len(o.traces)
	if n > 0 && n <= len(o.calls) {
		from = min(o.calls[n-1].look+1, to)
	}
	if n < len(o.calls) {
		to = min(o.calls[n].look+1, to)
	}
	return o.traces[from:to]
}
