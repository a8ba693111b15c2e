package tolerant

import (
	"ringback/internal/cart"
	"ringback/internal/config"
)

// Insights reads the insights that a store's configuration names, each from the first object that has it.
// callbackText says when the customer wants to be called, in the provider's words; it is "" when the customer asked
// for no callback.
func Insights(names config.Insights, from ...Object) (in cart.Insights, callbackText string) {
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
	wants, known := Flag(find(names.Callback))
	in.Callback = wants
	if known && !wants {
		return in, ""
	}
	return in, Moment(find(names.CallbackAt))
}
