package policy

import (
	"strings"

	"ringback/internal/cart"
)

// Sentence says what a reason means, in plain English for pages and people. Every reason of cart.Reasons has one.
func Sentence(r cart.Reason) string {
	switch r {
	case cart.NoPhone:
		return "The checkout has no phone number that can be called."
	case cart.NoConsent:
		return "The customer has not given the consent that the store asks for."
	case cart.Ineligible:
		return "The cart is not one that the store wants called."
	case cart.Delay:
		return "The customer may still be shopping: the store's delay has not passed."
	case cart.Window:
		return "It is outside the store's windows or the customer's calling hours."
	case cart.Spacing:
		return "It is too soon after the last call."
	case cart.Callback:
		return "The customer asked to be called at a later time."
	case cart.Cap:
		return "A limit on calls is used up for now."
	case cart.Paused:
		return "Calling is paused for this shop."
	case cart.Breaker:
		return "The shop paused itself because too many calls went wrong."
	case cart.OtherCall:
		return "Another call to the same phone is under way."
	case cart.Provider:
		return "The voice service could not take the call just now."
	case cart.Due:
		return "Every rule agrees to a call."
	case cart.ByOperator:
		return "An operator asked for the call."
	case cart.OptedOut:
		return "The customer asked not to be called again."
	case cart.Declined:
		return "The customer said that they are not interested."
	case cart.Exhausted:
		return "All calls to this cart have been made."
	case cart.Expired:
		return "The cart grew too old before it could be called."
	case cart.Superseded:
		return "The customer went on with another cart or bought otherwise."
	case cart.Holdout:
		return "The customer is in the group that is never called, to measure what calling brings."
	case cart.Suppressed:
		return "The phone or email is on the list of those not to be called."
	case cart.Refused:
		return "The voice service will not call this number."
	case cart.Uninstalled:
		return "The merchant removed the app."
	case cart.Operator:
		return "An operator stopped the cart."
	case cart.Deleted:
		return "The shop deleted the checkout."
	case cart.Redacted:
		return "The customer's personal data was erased."
	case cart.Ordered:
		return "The customer bought."
	}
	return ""
}

// Describe says one step of a decision's trace as a line for people, such as
// "Delay: last touched at 2026-09-07T05:00:00Z, due 45m later: wait".
func Describe(s cart.Step) string {
	var b strings.Builder
	b.WriteString(title(s.Rule))
	if s.Saw != "" {
		b.WriteString(": ")
		b.WriteString(s.Saw)
	}
	switch s.Verdict {
	case cart.VerdictOK:
		b.WriteString(": fine")
	case cart.VerdictWait:
		b.WriteString(": wait")
	case cart.VerdictWatch:
		b.WriteString(": not callable as it is")
	case cart.VerdictStop:
		b.WriteString(": stop")
	case cart.VerdictSkipped:
		b.WriteString(": passed over")
	}
	return b.String()
}

// title makes a heading of a rule's name: "caps.per_phone" becomes "Caps, per phone".
func title(rule string) string {
	if rule == "" {
		return "Rule"
	}
	words := strings.ReplaceAll(strings.ReplaceAll(rule, ".", ", "), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
