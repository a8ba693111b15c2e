package outbound

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Event is one thing that the outside is told.
type Event struct {
	Type Type
	// CallID is zero for an event that is about no call.
	CallID uuid.UUID
	// Digest names the provider's message that a CallAction comes from, among those kept of the call.
	Digest []byte
	Facts  Facts
}

// Facts are what an event tells as it was when it happened. They hold no personal data.
type Facts struct {
	State       cart.State       `json:"state,omitempty"`
	Reason      cart.Reason      `json:"reason,omitempty"`
	Attribution cart.Attribution `json:"attribution,omitempty"`
	Attempts    int              `json:"attempts,omitempty"`
	WakeAt      *time.Time       `json:"wake_at,omitempty"`
	// Outcome is the call's.
	Outcome cart.Outcome `json:"outcome,omitempty"`
	// Source is where an opt-out came from, or who paused or resumed a shop.
	Source string `json:"source,omitempty"`
	// Why is what tripped a breaker.
	Why string `json:"why,omitempty"`
	// Test marks an event that an operator sent to try an endpoint.
	Test bool `json:"test,omitempty"`
}

// OfChange lists the events that a change of a cart makes, in their order. before is the cart as it was, with an empty
// State when it is new.
func OfChange(before, after *cart.Cart, e cart.Event) []Event {
	var events []Event
	facts := Facts{
		State: after.State, Reason: after.Reason, Attribution: after.Attribution, Attempts: after.Attempts,
		WakeAt: after.WakeAt,
	}
	add := func(t Type, call *cart.Call) *Event {
		made := Event{Type: t, Facts: facts}
		if call != nil {
			made.CallID, made.Facts.Outcome = call.ID, call.Outcome
		}
		events = append(events, made)
		return &events[len(events)-1]
	}
	for i := range after.Calls {
		call := &after.Calls[i]
		was := before.Call(call.ID)
		if was == nil {
			was = &cart.Call{}
		}
		if was.PlacedAt == nil && call.PlacedAt != nil && call.Dialled() {
			add(CallPlaced, call)
		}
		if reported, is := e.(cart.CallReported); is && reported.CallID == call.ID {
			switch t, tells := typeOfReport(reported.Report.Kind); {
			case t == CallAction:
				add(t, call).Digest = reported.Digest
			case tells:
				add(t, call)
			}
		}
		if ended, is := typeOfOutcome(call.Outcome); is && was.Outcome != call.Outcome {
			add(ended, call)
		}
	}
	if source, call, opted := optedOut(before, after, e); opted {
		add(CustomerOptedOut, call).Facts.Source = source
	}
	moved := before.State != after.State || before.Reason != after.Reason
	switch after.State {
	case cart.Waiting:
		if moved {
			add(CartWaiting, nil)
		}
	case cart.Ready:
		if before.State != cart.Ready {
			add(CartReady, nil)
		}
	case cart.Stopped:
		if moved {
			add(CartStopped, lastEnded(after))
		}
	case cart.Purchased:
		if moved || before.Attribution != after.Attribution || orderID(before) != orderID(after) {
			add(CartPurchased, nil)
		}
	case cart.Watching, cart.Calling:
	}
	return events
}

// optedOut reports whether the customer asked not to be called again, where that came from and, when it was said on a
// call, on which.
func optedOut(before, after *cart.Cart, e cart.Event) (source string, call *cart.Call, yes bool) {
	if said, is := e.(cart.OptOut); is {
		return said.Source, nil, true
	}
	for i := range after.Calls {
		call := &after.Calls[i]
		was := before.Call(call.ID)
		if call.Insights.OptedOut && (was == nil || !was.Insights.OptedOut) {
			return "call", call, true
		}
	}
	return "", nil, false
}

// lastEnded is the newest call of a cart that came to an outcome, or nil.
func lastEnded(c *cart.Cart) *cart.Call {
	if call := c.LastDialled(); call != nil && call.Outcome != "" {
		return call
	}
	return nil
}

func orderID(c *cart.Cart) string {
	if c.Order == nil {
		return ""
	}
	return c.Order.ID
}

// OfShop is the event that something which happened to a shop makes, by its name among the shop's events and its
// detail; false for one that the outside is not told.
func OfShop(name, detail string) (Event, bool) {
	switch name {
	case "paused":
		return Event{Type: ShopPaused, Facts: Facts{Source: detail}}, true
	case "resumed":
		return Event{Type: ShopResumed, Facts: Facts{Source: detail}}, true
	case "breaker_closed":
		return Event{Type: ShopResumed, Facts: Facts{Source: "breaker"}}, true
	case "breaker":
		return Event{Type: BreakerTripped, Facts: Facts{Why: detail}}, true
	}
	return Event{}, false
}
