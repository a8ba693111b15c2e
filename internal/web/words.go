package web

import (
	"fmt"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/postgres"
)

// title makes a heading of one of our words: "no_answer" becomes "No answer".
func title[T ~string](word T) string {
	text := strings.ReplaceAll(string(word), "_", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// lower makes our words readable within a sentence: "no_answer" becomes "no answer".
func lower[T ~string](word T) string { return strings.ReplaceAll(string(word), "_", " ") }

// stateSentence says what it means for a cart to be in a state.
func stateSentence(s cart.State) string {
	switch s {
	case cart.Watching:
		return "Not callable as it stands; every update of the checkout looks again."
	case cart.Waiting:
		return "Looked at again at a later time."
	case cart.Ready:
		return "May be called now; waits for a free line."
	case cart.Calling:
		return "A call is under way."
	case cart.Purchased:
		return "The customer bought."
	case cart.Stopped:
		return "Never called again."
	}
	return ""
}

// callSays says where a call stands, or how it ended.
func callSays(c *cart.Call) string {
	switch c.State {
	case cart.Closed:
		return title(c.Outcome)
	case cart.Rejected:
		return "Not placed"
	case cart.Placing:
		return "Being placed"
	case cart.Uncertain:
		return "Unclear whether it was placed"
	case cart.Ended:
		return "Over, waiting for the last word"
	}
	return title(c.State)
}

// callTone is the colour class of a call.
func callTone(c *cart.Call) string {
	switch {
	case c.State == cart.Closed && c.Outcome == cart.Completed:
		return "tone-good"
	case c.State == cart.Closed && (c.Outcome == cart.NoAnswer || c.Outcome == cart.Busy || c.Outcome == cart.Timeout):
		return "tone-wait"
	case c.State == cart.Uncertain, c.State == cart.Rejected, c.State == cart.Closed && (c.Outcome == cart.Failed || c.Outcome == cart.Lost || c.Outcome == cart.Invalid):
		return "tone-bad"
	case c.State == cart.Closed:
		return "tone-still"
	}
	return "tone-live"
}

// stateTone is the colour class of a cart's state.
func stateTone(s cart.State) string {
	switch s {
	case cart.Waiting:
		return "tone-wait"
	case cart.Ready, cart.Calling:
		return "tone-live"
	case cart.Purchased:
		return "tone-good"
	}
	return "tone-still"
}

// verdictTone is the colour class of a rule's verdict.
func verdictTone(verdict string) string {
	switch verdict {
	case cart.VerdictOK:
		return "tone-good"
	case cart.VerdictWait:
		return "tone-wait"
	case cart.VerdictStop:
		return "tone-bad"
	}
	return "tone-still"
}

// eventSays is what a ledger's entry is headed with.
func eventSays(event string) string {
	if says, ok := eventWords[event]; ok {
		return says
	}
	if report, ok := strings.CutPrefix(event, "call."); ok {
		return "Call: " + lower(report)
	}
	return title(event)
}

// eventWords are the events whose names alone would not do.
var eventWords = map[string]string{
	"checkout":            "Checkout seen",
	"checkout_deleted":    "Checkout deleted",
	"order":               "Order came",
	"wake":                "Looked at again",
	"line_free":           "A line was free",
	"call.sending":        "Call: request sent",
	"call.placed":         "Call: taken by the voice API",
	"call.not_placed":     "Call: surely not placed",
	"call.refused":        "Call: refused",
	"call.uncertain":      "Call: unclear whether it was placed",
	"call.abort_answered": "Call: answer to the abort",
	"call.silent":         "Call: not heard of any more",
	"call.hung_up":        "Call: over",
	"call.analysed":       "Call: analysed",
	"call.action":         "Call: the agent acted",
	"opt_out":             "Asked not to be called",
	"consent":             "Consent changed",
	"shop_paused":         "Shop paused",
	"shop_resumed":        "Shop resumed",
	"uninstalled":         "App removed",
	"installed":           "App installed",
	"access_lost":         "Shopify refuses our access",
	"access_regained":     "Shopify lets us in again",
	"scopes_missing":      "The merchant did not grant",
	"operator_cancel":     "Stopped by an operator",
	"operator_call":       "Call asked for by an operator",
	"newer_cart":          "A newer cart of the same customer",
	"erased":              "Personal data erased",
}

// attributionSays says what a purchase is owed to.
func attributionSays(a cart.Attribution) string {
	switch a {
	case cart.ByCall:
		return "Won back by a call"
	case cart.ByOffer:
		return "Won back by an offer"
	case cart.Organic:
		return "Bought without us"
	}
	return "Bought"
}

// offerSays writes an offer in a few words.
func offerSays(o *cart.Offer, currency string) string {
	if o == nil {
		return ""
	}
	if o.Type == "percentage" {
		return o.Code + ", " + plain(o.Value) + " % off"
	}
	return o.Code + ", " + money(o.Value, currency) + " off"
}

// customerOf is what a cart's customer is called on a page.
func customerOf(c *cart.Cart) string {
	switch {
	case c.ErasedAt != nil:
		return "Erased customer"
	case c.Checkout.CustomerName() != "":
		return c.Checkout.CustomerName()
	case c.Phone != "":
		return c.Phone
	case c.Checkout.KnownEmail() != "":
		return c.Checkout.KnownEmail()
	}
	return "Unknown customer"
}

// whyInShort is a cart's reason in a word or two, or what its purchase is owed to.
func whyInShort(c *cart.Cart) string {
	if c.State == cart.Purchased {
		return attributionSays(c.Attribution)
	}
	return title(c.Reason)
}

// orderName is what the merchant calls an order.
func orderName(o *cart.Order) string {
	if o.Name != "" {
		return o.Name
	}
	return "Order " + o.ID
}

// armSays says on which side of the holdout a customer is.
func armSays(a cart.Arm) string {
	if a == cart.ArmHoldout {
		return "Held out, never called"
	}
	return "May be called"
}

// fewCarts is the size of a group below which its share of buyers says nothing.
const fewCarts = 30

// armsSay compares the customers who may be called with those held out.
func armsSay(arms []postgres.Arm) string {
	var says []string
	for _, a := range arms {
		who := "those who may be called"
		if a.Arm == cart.ArmHoldout {
			who = "those held out"
		}
		if a.Carts < fewCarts {
			says = append(says, fmt.Sprintf("of %s, %d of %d bought (too few to compare)", who, a.Purchased, a.Carts))
			continue
		}
		says = append(says, fmt.Sprintf("of %s, %s bought", who, percent(a.Purchased, a.Carts)))
	}
	text := strings.Join(says, "; ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}
