package tolerant

import (
	"ringback/internal/cart"
	"ringback/internal/config"
)

// Insights reads the insights that a store's configuration names, each from the first object that has it. reason is why
// the customer left the cart behind, in the words of the analysis. callbackText says when the customer wants to be
// called, in the provider's words; it is "" when the customer asked for no callback.
func Insights(names config.Insights, from ...Object) (in cart.Insights, reason, callbackText string) {
	find := func(name string) any {
		for _, o := range from {
			if v := o.Fold(name); v != nil {
				return v
			}
		}
		return nil
	}
	optedOut, declined := ReadAnswer(find(names.OptedOut)), ReadAnswer(find(names.Declined))
	in.OptedOut, in.OptedOutUnclear = optedOut == Yes, optedOut == Unclear
	in.Declined, in.DeclinedUnclear = declined == Yes, declined == Unclear
	in.Undisclosed = ReadAnswer(find(names.Disclosed)) == No
	in.Interested, _ = Flag(find(names.Interested))
	if mailbox, told := Flag(find(names.Voicemail)); told {
		in.Voicemail, in.Person = mailbox, !mailbox
	}
	in.Screened, _ = Flag(find(names.Screened))
	if mentioned, told := Flag(find(names.OfferMentioned)); told {
		in.OfferMentioned, in.OfferUnmentioned = mentioned, !mentioned
	}
	in.OfferAccepted, _ = Flag(find(names.OfferAccepted))
	reason = Label(find(names.Reason))
	wants, known := Flag(find(names.Callback))
	in.Callback = wants
	if known && !wants {
		return in, reason, ""
	}
	return in, reason, Moment(find(names.CallbackAt))
}
