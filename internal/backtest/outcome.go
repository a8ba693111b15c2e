package backtest

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Outcome is what came of one cart under the policy that is tried.
type Outcome struct {
	CartID uuid.UUID
	Calls  []Call
	// Action and Reason are the last decision. Action is cart.ActCall when the last call is not on record.
	Action cart.Action
	Reason cart.Reason
}

// Call is a call that goes out in a replay.
type Call struct {
	At time.Time
	// Offer is the code of the policy's offer; "" without one.
	Offer    string
	Priority bool
}

// madeCall is a call with the place of its decision.
type madeCall struct {
	Call
	// look is the index in outcome.traces of the decision that led to it.
	look int
}

// outcome is what came of one cart under one policy.
type outcome struct {
	calls  []madeCall
	action cart.Action
	reason cart.Reason
	// at is when the cart came to its end.
	at time.Time
	// traces are those of every look, in order. They are kept only when they may be asked for.
	traces [][]cart.Step
}

func (o *outcome) called() bool { return len(o.calls) > 0 }

// decidedAt is when it was settled whether the cart is called.
func (o *outcome) decidedAt() time.Time {
	if o.called() {
		return o.calls[0].At
	}
	return o.at
}

// looks are the traces that led to the n-th call, from 0, since the call before it. Without an n-th call they go on to
// the end.
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

// told is the outcome as others see it.
func (o *outcome) told(id uuid.UUID) Outcome {
	told := Outcome{CartID: id, Action: o.action, Reason: o.reason, Calls: make([]Call, len(o.calls))}
	for i, c := range o.calls {
		told.Calls[i] = c.Call
	}
	return told
}
