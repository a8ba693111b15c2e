package cart

import "slices"

// Reason says why a cart is in its state, or why a decision is what it is. The list is closed: reasons are stored in
// the ledger, shown on pages and used as metric labels.
type Reason string

// Why a cart is only watched.
const (
	NoPhone    Reason = "no_phone"
	NoConsent  Reason = "no_consent"
	Ineligible Reason = "ineligible"
	// EmptyCart: the cart has no items.
	EmptyCart Reason = "empty_cart"
	// Test: the checkout is a test and cannot be a real sale.
	Test Reason = "test"
)

// Why a cart waits.
const (
	// Delay: the store's delay after the last activity has not passed.
	Delay Reason = "delay"
	// Window: it is outside the store's windows or the calling hours of the customer's place.
	Window Reason = "window"
	// Spacing: too soon after the last attempt.
	Spacing Reason = "spacing"
	// Callback: the customer asked to be called back at a later time.
	Callback Reason = "callback"
	// Cap: a cap is reached for now.
	Cap Reason = "cap"
	// Paused: the shop was paused by hand.
	Paused Reason = "paused"
	// Breaker: the shop paused itself.
	Breaker Reason = "breaker"
	// OtherCall: another call to the same person is under way.
	OtherCall Reason = "other_call"
	// Provider: the voice API could not take the call just now.
	Provider Reason = "provider"
	// PrecheckWait: the store's own system said to wait, or could not be asked.
	PrecheckWait Reason = "precheck_wait"
)

// Why a cart may be called, or is being called.
const (
	// Due: every rule allows a call.
	Due Reason = "due"
	// ByOperator: an operator asked for the call.
	ByOperator Reason = "by_operator"
)

// Why a cart stopped.
const (
	OptedOut Reason = "opted_out"
	Declined Reason = "declined"
	// UnclearAnswer: a call's analysis does not tell whether the customer opted out or declined.
	UnclearAnswer Reason = "unclear_answer"
	// OptOutSuspected: a call's transcript holds words of an opt-out. An operator decides whether it is one.
	OptOutSuspected Reason = "opt_out_suspected"

	// Reached: the customer was spoken to.
	Reached Reason = "reached"
	// Exhausted: the most calls were made, and none reached the customer.
	Exhausted   Reason = "exhausted"
	Expired     Reason = "expired"
	Superseded  Reason = "superseded"
	Holdout     Reason = "holdout"
	Suppressed  Reason = "suppressed"
	Refused     Reason = "refused"
	Uninstalled Reason = "uninstalled"
	Operator    Reason = "operator"
	// PrecheckStop: the store's own system said that this call must not be made.
	PrecheckStop Reason = "precheck_stop"
	// HandledElsewhere: the store's own system answered an event with the word that it cares for the customer.
	HandledElsewhere Reason = "handled_elsewhere"
	Deleted          Reason = "deleted"
	Redacted         Reason = "redacted"
)

// Ordered is the reason of every purchased cart.
const Ordered Reason = "ordered"

// Reasons lists every reason, in the order above.
func Reasons() []Reason {
	return []Reason{
		NoPhone, NoConsent, Ineligible, EmptyCart, Test,
		Delay, Window, Spacing, Callback, Cap, Paused, Breaker, OtherCall, Provider, PrecheckWait,
		Due, ByOperator,
		OptedOut, Declined, UnclearAnswer, OptOutSuspected, Reached, Exhausted, Expired, Superseded, Holdout, Suppressed,
		Refused, Uninstalled, Operator, PrecheckStop, HandledElsewhere, Deleted, Redacted,
		Ordered,
	}
}

// Valid reports whether r is one of the known reasons.
func (r Reason) Valid() bool { return slices.Contains(Reasons(), r) }
