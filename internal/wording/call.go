package wording

import (
	"time"

	"ringback/internal/cart"
)

// Call is the label of a call's state or, once it is closed, of its outcome.
func Call(c *cart.Call) string {
	if c.State == cart.Closed {
		return Outcome(c.Outcome)
	}
	return CallState(c.State)
}

// CallState is the label of a call's state.
func CallState(s cart.CallState) string {
	switch s {
	case cart.Placing:
		return "Being placed"
	case cart.Uncertain:
		return "Call status unknown"
	case cart.Placed:
		return "Accepted by the voice API"
	case cart.Ringing:
		return "Ringing"
	case cart.Talking:
		return "Talking"
	case cart.Ended:
		return "Ended, waiting for the result"
	case cart.Closed:
		return "Closed"
	case cart.Rejected:
		return "Not placed"
	}
	return Title(s)
}

// Resting says that a voice API takes no calls for now and when it is asked again.
func Resting(until, now time.Time) string {
	return "The voice API answered that there are too many calls; the next one is tried " + Distance(until, now) + "."
}

// Outcome is the label of how a call ended; "" before that.
func Outcome(o cart.Outcome) string {
	switch o {
	case "":
		return ""
	case cart.Completed:
		return "Completed"
	case cart.Voicemail:
		return "Voicemail"
	case cart.NoAnswer:
		return "No answer"
	case cart.Busy:
		return "Busy"
	case cart.Failed:
		return "Failed"
	case cart.Timeout:
		return "Timed out"
	case cart.Aborted:
		return "Cancelled"
	case cart.Skipped:
		return "Number not dialled"
	case cart.Lost:
		return "No update from the voice API"
	case cart.Invalid:
		return "Refused as invalid"
	}
	return Title(o)
}

// Insights lists what a call's analysis found, by the API's names, in a fixed order.
func Insights(in cart.Insights) []string {
	found := []string{}
	for _, insight := range []struct {
		name string
		is   bool
	}{
		{"opted_out", in.OptedOut}, {"declined", in.Declined}, {"interested", in.Interested}, {"callback", in.Callback},
		{"opted_out_unclear", in.OptedOutUnclear}, {"declined_unclear", in.DeclinedUnclear},
		{"voicemail", in.Voicemail}, {"person", in.Person}, {"screened", in.Screened},
		{"offer_mentioned", in.OfferMentioned}, {"offer_unmentioned", in.OfferUnmentioned},
		{"offer_accepted", in.OfferAccepted},
	} {
		if insight.is {
			found = append(found, insight.name)
		}
	}
	return found
}

// Insight writes a finding of a call's analysis for the middle of a sentence, such as "not interested".
func Insight(name string) string {
	switch name {
	case "opted_out":
		return "asked not to be called again"
	case "declined":
		return "not interested"
	case "interested":
		return "means to buy"
	case "callback":
		return "asked to be called later"
	case "opted_out_unclear":
		return "may have asked not to be called again"
	case "declined_unclear":
		return "may not be interested"
	case "voicemail":
		return "a mailbox answered"
	case "person":
		return "no mailbox answered"
	case "screened":
		return "screened by the phone's assistant"
	case "offer_mentioned":
		return "was told of the offer"
	case "offer_unmentioned":
		return "was not told of the offer"
	case "offer_accepted":
		return "took the offer"
	}
	return Lower(name)
}

// OfferFate says what became of an offer, for the middle of a sentence; "" when there was none.
func OfferFate(f cart.OfferFate) string {
	switch f {
	case cart.OfferSent:
		return "not known to be mentioned"
	case cart.OfferUnmentioned:
		return "not mentioned"
	case cart.OfferMentioned:
		return "mentioned"
	case cart.OfferAccepted:
		return "accepted"
	}
	return ""
}

// Offer writes a discount in a few words, such as "COMEBACK10, 10 % off"; "" for none. Currency is the cart's (ISO
// 4217).
func Offer(o *cart.Offer, currency string) string {
	switch {
	case o == nil:
		return ""
	case o.Type == "percentage":
		return o.Code + ", " + o.Value.String() + " % off"
	}
	return o.Code + ", " + Money(o.Value, currency) + " off"
}
