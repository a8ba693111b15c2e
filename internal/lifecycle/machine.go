package lifecycle

import (
	"fmt"
	"time"

	"ringback/internal/cart"
)

// Machine says when a call that was picked up counts as no conversation, beyond what the provider and the analysis
// tell. Only a length that the provider told is compared.
type Machine struct {
	// ShorterThan: a shorter call in which the customer said nothing was answered by a mailbox. 0 turns the rule off.
	ShorterThan time.Duration
	// HungUpWithin: whoever hung up within this time was not spoken to. 0 turns the rule off.
	HungUpWithin time.Duration
}

// lateCorrection is how long after a call an analysis may say that a mailbox answered, and so give a cart that was
// stopped as reached its next attempt.
const lateCorrection = 24 * time.Hour

// judge says how the call ended; "" while that is open. It records whether it was the customer who picked up. why says
// in words why a call that was picked up was no conversation; "" for every other call.
func (a *change) judge(call *cart.Call) (outcome cart.Outcome, why string) {
	outcome, why = a.rules.Voice.Machine.outcome(call)
	call.AnsweredAt = call.PickedUpAt
	if why != "" {
		call.AnsweredAt = nil
	}
	return outcome, why
}

// outcome derives how the call ended from all that was told of it so far. What only a person says outweighs everything
// that tells of a machine: when in doubt, the customer is not called again.
func (m Machine) outcome(call *cart.Call) (outcome cart.Outcome, why string) {
	outcome = endOf(call)
	if outcome != cart.Completed && outcome != cart.Timeout && outcome != cart.Voicemail {
		return outcome, ""
	}
	in := call.Insights
	switch {
	case in.Spoken():
		if outcome == cart.Voicemail {
			outcome = cart.Completed
		}
		return outcome, ""
	case hasReport(call, cart.ReportVoicemail):
		return cart.Voicemail, "a mailbox answered, by the voice API's word"
	case in.Voicemail:
		return cart.Voicemail, "a mailbox answered, by the call's analysis"
	case in.Screened:
		return cart.Voicemail, "the phone's assistant took the call, by the call's analysis"
	case call.DurationSeconds == nil || outcome != cart.Completed:
		return outcome, ""
	}
	lasted := time.Duration(*call.DurationSeconds) * time.Second
	switch {
	case m.HungUpWithin > 0 && lasted <= m.HungUpWithin:
		return cart.NoAnswer, fmt.Sprintf("hung up after %s, which is no conversation", lasted)
	case lasted < m.ShorterThan && !in.Person && !in.Unclear():
		return cart.Voicemail, fmt.Sprintf("over after %s and nothing was said: taken for a mailbox", lasted)
	}
	return outcome, ""
}

// mayGoOn reports whether a cart that stopped as reached may still turn out not to have been: only the analysis of its
// last call can say so, and only for some time.
func (a *change) mayGoOn() bool {
	c := &a.cart
	last := c.LastDialled()
	return c.State == cart.Stopped && c.Reason == cart.Reached && c.ErasedAt == nil && c.Checkout.ClosedAt == nil &&
		last != nil && last.EndedAt != nil && a.now.Sub(*last.EndedAt) <= lateCorrection
}
