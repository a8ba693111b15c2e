package explain

import (
	"fmt"
	"time"

	"ringback/internal/cart"
	"ringback/internal/wording"
)

// next says what happens next to a cart, and when, if that is known.
func (o Options) next(c *cart.Cart) (string, *time.Time) {
	switch c.State {
	case cart.Watching:
		return "Nothing by itself. Every update of the checkout looks again whether the cart can be called.", nil
	case cart.Waiting:
		return o.nextLook(c)
	case cart.Ready:
		return "It is called as soon as the assistant has a free line, unless a last look at the rules says otherwise.", nil
	case cart.Calling:
		return o.nextOfCall(c)
	case cart.Purchased:
		return "Nothing: the customer bought, and that is final.", nil
	case cart.Stopped:
		if c.OpenCall() != nil {
			return "The call that is still under way is stopped or ends by itself. After that the cart is never called again; a purchase would still be noted.", nil
		}
		return "Nothing: the cart is never called again. A purchase would still be noted.", nil
	}
	return "Nothing is known of this cart's future.", nil
}

func (o Options) nextLook(c *cart.Cart) (string, *time.Time) {
	if c.WakeAt == nil {
		return "The cart is looked at again shortly.", nil
	}
	at := o.local(c.WakeAt)
	when := "It is looked at again " + o.moment(*at) + "."
	if !at.After(o.Now) {
		when = "It is about to be looked at again: that was due " + o.moment(*at) + "."
	}
	if c.CallbackAt != nil {
		when += " The customer asked to be called " + o.moment(*c.CallbackAt) + "."
	}
	return when + " " + wording.ReasonSentence(c.Reason), at
}

func (o Options) nextOfCall(c *cart.Cart) (string, *time.Time) {
	call := c.OpenCall()
	if call == nil {
		return "The call is over; what it came to is being settled.", nil
	}
	says := fmt.Sprintf("Call %d is under way (%s).", call.Attempt, wording.LowerFirst(wording.Call(call)))
	if call.WatchAt == nil {
		return says, nil
	}
	return says + " If nothing is heard of it, it is settled " + o.moment(*call.WatchAt) + ".", o.local(call.WatchAt)
}

// moment says an instant in the store's zone, and how far from now that is.
func (o Options) moment(at time.Time) string {
	clock := "on " + at.In(o.Location).Format(wording.ClockLayout)
	if o.Now.IsZero() {
		return clock
	}
	if apart := at.Sub(o.Now); apart >= 0 {
		return clock + " (in " + wording.Span(apart) + ")"
	}
	return clock + " (" + wording.Span(o.Now.Sub(at)) + " ago)"
}
