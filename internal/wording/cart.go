package wording

import "ringback/internal/cart"

// State is the label of a cart's state, as a merchant understands it.
func State(s cart.State) string {
	switch s {
	case cart.Watching:
		return "Not callable"
	case cart.Waiting:
		return "Scheduled"
	case cart.Ready:
		return "Queued"
	case cart.Calling:
		return "Calling"
	case cart.Purchased:
		return "Purchased"
	case cart.Stopped:
		return "Stopped"
	}
	return Title(s)
}

// StateSentence explains a cart's state in one sentence; "" for an unknown one.
func StateSentence(s cart.State) string {
	switch s {
	case cart.Watching:
		return "Cannot be called yet; checked again whenever the checkout changes."
	case cart.Waiting:
		return "Checked again at a later time."
	case cart.Ready:
		return "May be called now; waits for a free line."
	case cart.Calling:
		return "A call is under way."
	case cart.Purchased:
		return "The customer bought."
	case cart.Stopped:
		return "Never called again."
	}
	return ""
}

// Reason is the label of a reason.
func Reason(r cart.Reason) string {
	if words, ok := reasons[r]; ok {
		return words.label
	}
	return Title(r)
}

// ReasonSentence explains a reason in one sentence; "" for an unknown one.
func ReasonSentence(r cart.Reason) string { return reasons[r].sentence }

type reasonWords struct{ label, sentence string }

var reasons = map[cart.Reason]reasonWords{
	cart.NoPhone:    {"No phone number", "The checkout has no phone number that can be called."},
	cart.NoConsent:  {"No consent", "The customer has not given the consent that the store asks for."},
	cart.Ineligible: {"Not eligible", "The cart does not match the store's rules (eligibility)."},
	cart.EmptyCart:  {"Empty cart", "There is nothing in the cart now; it is checked again when something is put in."},
	cart.Test:       {"Test checkout", "The checkout is a test (a test payment gateway or a test notification)."},

	cart.Delay:     {"Delay", "The customer may still be shopping: the store's delay has not passed."},
	cart.Window:    {"Outside hours", "It is outside the store's windows or the customer's calling hours."},
	cart.Spacing:   {"Spacing", "It is too soon after the last call."},
	cart.Callback:  {"Callback requested", "The customer asked to be called at a later time."},
	cart.Cap:       {"Call limit", "A call limit has been reached; calling resumes later."},
	cart.Paused:    {"Shop paused", "Calling is paused for this shop."},
	cart.Breaker:   {"Shop auto-paused", "The shop paused itself because too many calls went wrong."},
	cart.OtherCall: {"Other call", "Another call to the same person is under way."},
	cart.Provider:  {"Voice API busy", "The voice API could not take the call just now."},

	cart.Due:        {"Due", "All checks passed; the call can be made."},
	cart.ByOperator: {"Asked for by an operator", "An operator asked for the call."},

	cart.OptedOut: {"Opted out", "The customer asked not to be called again."},
	cart.Declined: {"Declined", "The customer said that they are not interested."},
	cart.UnclearAnswer: {
		"Unclear answer",
		"The call's analysis does not tell whether the customer said no: listen to the call before anyone calls again.",
	},
	cart.OptOutSuspected: {
		"Opt-out suspected",
		"The customer seems to have asked not to be called again: look into the call, then lift the suppression or leave it.",
	},
	cart.Reached:      {"Reached", "The customer was reached; one conversation is enough."},
	cart.Exhausted:    {"No more calls", "The maximum number of calls was used."},
	cart.Expired:      {"Expired", "The cart expired before a call was possible."},
	cart.Superseded:   {"Newer cart or order", "The customer has a newer cart or placed another order."},
	cart.Holdout:      {"Control group", "Control group: never called, to measure results."},
	cart.Suppressed:   {"Do not call", "The customer is on the do-not-call list."},
	cart.Refused:      {"Refused", "The voice API will not call this number."},
	cart.Uninstalled:  {"App removed", "The merchant removed the app."},
	cart.Operator:     {"Stopped by an operator", "An operator stopped the cart."},
	cart.PrecheckWait: {"Precheck: wait", "The store's own system said to wait, or could not be asked."},
	cart.PrecheckStop: {"Precheck: stop", "The store's own system said that this call must not be made."},
	cart.HandledElsewhere: {
		"Handled elsewhere", "The store's own system answered an event with the word that it cares for the customer.",
	},
	cart.Deleted:  {"Checkout deleted", "The shop deleted the checkout."},
	cart.Redacted: {"Erased", "The customer's personal data was erased."},

	cart.Ordered: {"Purchased", "The customer bought."},
}

// Attribution is the label of what a purchase is credited to.
func Attribution(a cart.Attribution) string {
	switch a {
	case cart.ByCall:
		return "Won back by a call"
	case cart.ByOffer:
		return "Won back by an offer"
	case cart.Organic:
		return "Purchased on their own"
	}
	return "Purchased"
}

// Why is the label of a cart's reason or, once it is purchased, of what that is credited to.
func Why(c *cart.Cart) string {
	if c.State == cart.Purchased {
		return Attribution(c.Attribution)
	}
	return Reason(c.Reason)
}

// Arm is the label of a customer's side of the holdout experiment.
func Arm(a cart.Arm) string {
	switch a {
	case cart.ArmHoldout:
		return "Control group, never called"
	case cart.ArmCall:
		return "Called group"
	}
	return "Called group"
}

// OrderName is what the merchant calls an order.
func OrderName(o *cart.Order) string {
	if o.Name != "" {
		return o.Name
	}
	return "Order " + o.ID
}
