package lifecycle

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"ringback/internal/cart"
)

// Drop says what a store does not keep of what was said in a call.
type Drop struct {
	Summary, Transcript, Recording bool
}

// keepSaid copies what the report tells of the conversation, and keeps what earlier ones told.
func (a *change) keepSaid(call *cart.Call, r cart.Report) {
	drop := a.rules.Voice.Drop
	if r.Summary != "" && !drop.Summary {
		call.Summary = r.Summary
	}
	if len(r.Transcript) > len(call.Transcript) && !drop.Transcript {
		call.Transcript = r.Transcript
	}
	if r.RecordingURL != "" && !drop.Recording {
		call.RecordingURL = r.RecordingURL
	}
	if len(r.RequiredActions) > 0 {
		call.RequiredActions = r.RequiredActions
	}
	call.Analysis = call.Analysis.With(r.Analysis)
}

// longestLabel bounds the label of a reason, in runes. A longer text is a sentence.
const longestLabel = 40

// reasonLabel makes the words in which an analysis tells a reason comparable: "Shipping cost" becomes shipping_cost.
// What is no label, such as a sentence or a number, becomes "other".
func reasonLabel(told string) string {
	between := func(r rune) bool { return unicode.IsSpace(r) || r == '_' || r == '-' }
	words := strings.FieldsFunc(strings.ToLower(told), between)
	label := strings.Join(words, "_")
	switch {
	case label == "", label == "none", label == "null", label == "unknown", label == "n/a", label == "not_mentioned":
		return ""
	case len([]rune(label)) > longestLabel:
		return otherReason
	}
	for _, r := range label {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '_' {
			return otherReason
		}
	}
	return label
}

// otherReason stands for a reason that is no label.
const otherReason = "other"

// impersonal returns the label if it is one that every assistant may give, and "" otherwise: an assistant's own label
// may be about the person.
func impersonal(label string) string {
	if slices.Contains(cart.AbandonReasons(), label) {
		return label
	}
	return ""
}

// keepOffers records what became of the offer of each call.
func (a *change) keepOffers() {
	redeemed := a.redeemedBy()
	for i := range a.cart.Calls {
		call := &a.cart.Calls[i]
		switch {
		case call.Offer == nil || !call.Dialled():
			call.OfferFate = ""
		case call.OfferFate == cart.OfferAccepted || call.Insights.OfferAccepted || i == redeemed:
			call.OfferFate = cart.OfferAccepted
		case call.Insights.OfferMentioned:
			call.OfferFate = cart.OfferMentioned
		case call.Insights.OfferUnmentioned || unheard(call):
			call.OfferFate = cart.OfferUnmentioned
		default:
			call.OfferFate = cart.OfferSent
		}
	}
}

// unheard reports whether it is certain that nobody heard what the agent said: nobody picked up, or hung up at once. An
// agent may leave a code on a mailbox.
func unheard(call *cart.Call) bool {
	if call.State != cart.Closed {
		return false
	}
	switch call.Outcome {
	case cart.NoAnswer, cart.Busy, cart.Failed, cart.Skipped, cart.Invalid:
		return true
	case cart.Aborted:
		return call.PickedUpAt == nil
	case cart.Completed, cart.Voicemail, cart.Timeout, cart.Lost:
		return false
	}
	return false
}

// redeemedBy returns the index of the newest call whose offer the cart's order redeemed, -1 for none. A shared code
// that the agent did not mention came from elsewhere.
func (a *change) redeemedBy() int {
	if a.cart.PurchasedAt == nil {
		return -1
	}
	for i := len(a.cart.Calls) - 1; i >= 0; i-- {
		call := &a.cart.Calls[i]
		heard := call.Insights.OfferMentioned || !call.Insights.OfferUnmentioned && !unheard(call)
		if a.redeemed(call, *a.cart.PurchasedAt) && (heard || call.Offer.Unique) {
			return i
		}
	}
	return -1
}

// redeemed reports whether the cart's order used the code that went out with the call. Nobody knows a single-use code
// before its call. Shopify rounds to whole seconds, so the order may seem earlier.
func (a *change) redeemed(call *cart.Call, bought time.Time) bool {
	return call.Dialled() && a.redeems(call.Offer) && (call.Offer.Unique || !call.SentAt.After(bought))
}
