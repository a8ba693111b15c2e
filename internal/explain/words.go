package explain

import (
	"strings"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
)

// eventWords are the ledger's events in plain words.
var eventWords = map[string]string{
	"checkout":            "Shopify told of the checkout",
	"checkout_deleted":    "The shop deleted the checkout",
	"order":               "An order came",
	"wake":                "The cart was looked at again",
	"line_free":           "A line was free for the cart",
	"call.sending":        "The request for the call went out",
	"call.placed":         "The voice API took the call",
	"call.not_placed":     "The call was surely not placed",
	"call.refused":        "The voice API refused the call",
	"call.uncertain":      "Nobody knows whether the call was placed",
	"call.abort_answered": "The voice API answered the wish to stop the call",
	"call.silent":         "The call was not heard of any more",
	"call.ringing":        "The phone rings",
	"call.talking":        "The customer picked up",
	"call.hung_up":        "The conversation is over",
	"call.recorded":       "The recording is there",
	"call.analysed":       "The conversation was analysed",
	"call.finished":       "The voice API is done with the call",
	"call.timeout":        "The call ran out of time",
	"call.no_answer":      "The customer did not pick up",
	"call.busy":           "The line was busy",
	"call.failed":         "The call failed",
	"call.invalid":        "The voice API found the call invalid",
	"call.skipped":        "The voice API will not dial this number",
	"call.rescheduled":    "The voice API put the call off",
	"call.aborted":        "The call was stopped",
	"call.action":         "The agent acted for the customer",
	"call.other":          "The voice API told something that is not known here",
	"opt_out":             "The customer asked not to be called",
	"consent":             "The customer's consent changed",
	"shop_paused":         "Calling was halted for the shop",
	"shop_resumed":        "Calling was allowed again for the shop",
	"uninstalled":         "The merchant removed the app",
	"operator_cancel":     "An operator stopped the cart",
	"operator_call":       "An operator asked for a call",
	"newer_cart":          "The customer went on with a newer cart",
	"erased":              "Personal data was erased",
}

func eventSays(event string) string {
	if says, ok := eventWords[event]; ok {
		return says
	}
	return strings.ReplaceAll(event, "_", " ")
}

// callSays says where a call stands, or how it ended.
func callSays(c *cart.Call) string {
	switch c.State {
	case cart.Placing:
		return "Being placed"
	case cart.Uncertain:
		return "Nobody knows whether it was placed"
	case cart.Placed:
		return "Taken by the voice API"
	case cart.Ringing:
		return "Ringing"
	case cart.Talking:
		return "Talking"
	case cart.Ended:
		return "Over, waiting for the last word"
	case cart.Rejected:
		return "Never placed"
	}
	switch c.Outcome {
	case cart.Completed:
		return "Talked with the customer"
	case cart.NoAnswer:
		return "Not answered"
	case cart.Busy:
		return "Line busy"
	case cart.Failed:
		return "Failed"
	case cart.Timeout:
		return "Ran out of time"
	case cart.Aborted:
		return "Stopped"
	case cart.Skipped:
		return "Number not dialled by the voice API"
	case cart.Lost:
		return "Never heard of again"
	case cart.Invalid:
		return "Found invalid by the voice API"
	}
	return "Over"
}

// stateSays is a state in a few words.
func stateSays(s *cart.State) string {
	if s == nil {
		return "new"
	}
	return string(*s)
}

// attributionSays says what a purchase is owed to.
func attributionSays(a cart.Attribution) string {
	switch a {
	case cart.ByCall:
		return "won back by a call"
	case cart.ByOffer:
		return "won back by the offer"
	}
	return "bought without us"
}

func heard(in cart.Insights) []string {
	found := []string{}
	for _, insight := range []struct {
		name string
		is   bool
	}{{"opted_out", in.OptedOut}, {"declined", in.Declined}, {"interested", in.Interested}, {"callback", in.Callback}} {
		if insight.is {
			found = append(found, insight.name)
		}
	}
	return found
}

// heardSays are the findings of a call's analysis in plain words.
var heardSays = map[string]string{
	"opted_out":  "asked not to be called again",
	"declined":   "not interested",
	"interested": "means to buy",
	"callback":   "asked to be called later",
}

// offerSays writes an offer in a few words; "" for none.
func offerSays(o *cart.Offer, currency string) string {
	switch {
	case o == nil:
		return ""
	case o.Type == policy.OfferPercentage:
		return o.Code + ", " + o.Value.String() + " % off"
	}
	return strings.TrimSpace(o.Code + ", " + amount(o.Value) + " " + currency + " off")
}

// amount writes money with at least two places.
func amount(d decimal.Decimal) string {
	return d.StringFixed(max(2, -d.Exponent()))
}

// masked leaves of a number in E.164 what begins it and its last two digits.
func masked(phone string) string {
	const begin, end = 3, 2
	if len(phone) <= begin+end {
		return strings.Repeat("•", len(phone))
	}
	return phone[:begin] + strings.Repeat("•", len(phone)-begin-end) + phone[len(phone)-end:]
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
