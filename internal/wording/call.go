package wording

import "ringback/internal/cart"

// Call is the label of where a call stands or, once it is closed, of how it ended.
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

// Outcome is the label of how a call ended; "" while it has not.
func Outcome(o cart.Outcome) string {
	switch o {
	case "":
		return ""
	case cart.Completed:
		return "Completed"
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

// Insight is one finding of a call's analysis: its name in the API and what it means for people.
type Insight struct{ Name, Says string }

// Insights lists what a call's analysis found, in a fixed order. Findings that the call did not make are left out.
func Insights(in cart.Insights) []Insight {
	var found []Insight
	for _, insight := range []struct {
		is bool
		Insight
	}{
		{in.OptedOut, Insight{"opted_out", "asked not to be called again"}},
		{in.Declined, Insight{"declined", "not interested"}},
		{in.Interested, Insight{"interested", "means to buy"}},
		{in.Callback, Insight{"callback", "asked to be called later"}},
	} {
		if insight.is {
			found = append(found, insight.Insight)
		}
	}
	return found
}

// Offer writes a discount in a few words, such as "COMEBACK10, 10 % off"; "" for none. Currency is the cart's (ISO 4217).
func Offer(o *cart.Offer, currency string) string {
	switch {
	case o == nil:
		return ""
	case o.Type == "percentage":
		return o.Code + ", " + o.Value.String() + " % off"
	}
	return o.Code + ", " + Money(o.Value, currency) + " off"
}
