package cart

import (
	"time"

	"github.com/google/uuid"
)

// Action is what a decision asks for.
type Action string

// The actions of a decision.
const (
	// ActCall: call now.
	ActCall Action = "call"
	// ActWait: decide again at Decision.Until.
	ActWait Action = "wait"
	// ActWatch: the cart cannot be called as it is; an update may change that.
	ActWatch Action = "watch"
	// ActStop: never call this cart again.
	ActStop Action = "stop"
	// ActLook: nothing that the cart itself tells stands against a call now. Decide again at once with the facts that
	// need queries.
	ActLook Action = "look"
)

// Decision is the policy's answer for one cart at one instant.
type Decision struct {
	Action Action
	Reason Reason
	// Until is when to decide again. It is set exactly when Action is ActWait, and is later than the instant of the
	// decision.
	Until time.Time
	// Offer is the discount to give; nil for none. It is set only when Action is ActCall.
	Offer *Offer
	// Priority asks the provider to place the call before others.
	Priority bool
	// Consent is what permits the call; nil when that rule did not agree.
	Consent *Consent
	// Arm is the cart's side of the holdout; "" when that rule was not checked.
	Arm Arm
	// Trace holds every rule that was checked, in order.
	Trace []Step
}

// Step is one line of a decision's trace: a rule, what it saw, and its verdict.
type Step struct {
	Rule string `json:"rule"`
	// Saw never holds personal data: traces outlive the erasure of a person.
	Saw     string  `json:"saw"`
	Verdict Verdict `json:"verdict"`
}

// Verdict is the result of a rule.
type Verdict string

// The verdicts of a step.
const (
	VerdictOK    Verdict = "ok"
	VerdictWait  Verdict = "wait"
	VerdictWatch Verdict = "watch"
	VerdictStop  Verdict = "stop"
	// VerdictSkipped: the rule does not apply, or its facts are loaded only just before a call.
	VerdictSkipped Verdict = "skipped"
)

// Entry is one line of a cart's ledger. Entries are never changed.
type Entry struct {
	CartID uuid.UUID
	At     time.Time
	// Event names what happened, such as "checkout" or "call.no_answer".
	Event string
	// CallID is the call the event was about, if any.
	CallID *uuid.UUID
	From   State
	To     State
	Reason Reason
	Trace  []Step
}
