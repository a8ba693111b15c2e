package outbound

import (
	"slices"

	"ringback/internal/cart"
)

// Type is what an event is about, such as "call.no_answer".
type Type string

// The types of event.
const (
	// CartWaiting: the cart is checked again at a later time, or now waits for another reason.
	CartWaiting Type = "cart.waiting"
	// CartReady: every rule permits a call, and the cart waits for a line.
	CartReady Type = "cart.ready"
	// CartStopped: the cart is never called again, or now for another reason.
	CartStopped Type = "cart.stopped"
	// CartPurchased: the customer bought, the order became known, or the purchase is credited to something else.
	CartPurchased Type = "cart.purchased"

	// CallPlaced: the voice API took the call.
	CallPlaced Type = "call.placed"
	// The end of a call is told by one of these, and again by another one when a late report corrects the outcome.
	CallNoAnswer  Type = "call.no_answer"
	CallVoicemail Type = "call.voicemail"
	CallBusy      Type = "call.busy"
	// CallFailed: nobody was reached for any other reason.
	CallFailed Type = "call.failed"
	// CallEnded: the call was answered or aborted.
	CallEnded Type = "call.ended"
	// CallAnalysed: the analysis of the conversation came. It may come before the call's end is told.
	CallAnalysed Type = "call.analysed"
	// CallAction: the agent did something for the customer, or asks for it.
	CallAction Type = "call.action"

	// CustomerOptedOut: the customer asked not to be called again.
	CustomerOptedOut Type = "customer.opted_out"

	ShopPaused  Type = "shop.paused"
	ShopResumed Type = "shop.resumed"
	// BreakerTripped: the shop paused itself.
	BreakerTripped Type = "breaker.tripped"
)

// Types lists every type, in the order above.
func Types() []Type {
	return []Type{
		CartWaiting, CartReady, CartStopped, CartPurchased,
		CallPlaced, CallNoAnswer, CallVoicemail, CallBusy, CallFailed, CallEnded, CallAnalysed, CallAction,
		CustomerOptedOut,
		ShopPaused, ShopResumed, BreakerTripped,
	}
}

// Valid reports whether t is one of the known types.
func (t Type) Valid() bool { return slices.Contains(Types(), t) }

// OfShop reports whether events of the type are about a shop as a whole and not about a cart.
func (t Type) OfShop() bool { return t == ShopPaused || t == ShopResumed || t == BreakerTripped }

// typeOfOutcome is how the end of a call is told. False for a call that has not ended.
func typeOfOutcome(o cart.Outcome) (Type, bool) {
	switch o {
	case cart.NoAnswer:
		return CallNoAnswer, true
	case cart.Voicemail:
		return CallVoicemail, true
	case cart.Busy:
		return CallBusy, true
	case cart.Failed, cart.Skipped, cart.Lost, cart.Invalid:
		return CallFailed, true
	case cart.Completed, cart.Timeout, cart.Aborted:
		return CallEnded, true
	}
	return "", false
}

// typeOfReport is how a report of a call is told that is told whatever it changes.
func typeOfReport(k cart.ReportKind) (Type, bool) {
	switch k {
	case cart.ReportAnalysed:
		return CallAnalysed, true
	case cart.ReportAction:
		return CallAction, true
	case cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportFinished,
		cart.ReportTimeout, cart.ReportVoicemail, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportInvalid,
		cart.ReportSkipped, cart.ReportRescheduled, cart.ReportAborted, cart.ReportOther:
	}
	return "", false
}
