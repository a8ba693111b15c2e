package wording

import (
	"strings"

	"ringback/internal/cart"
)

// Rule is the label of a rule in a decision's trace.
func Rule(name string) string {
	if words, ok := rules[name]; ok {
		return words
	}
	if name == "" {
		return "Rule"
	}
	return Title(strings.ReplaceAll(name, ".", ", "))
}

var rules = map[string]string{
	"policy":                    "Policy",
	"state":                     "Cart state",
	"installed":                 "App installed",
	"items":                     "Items in the cart",
	"phone":                     "Phone number",
	"consent":                   "Consent",
	"eligibility":               "Eligibility",
	"eligibility.test":          "Eligibility: test checkout",
	"eligibility.currency":      "Eligibility: currency",
	"eligibility.total":         "Eligibility: cart total",
	"eligibility.zero_total":    "Eligibility: free cart",
	"eligibility.country":       "Eligibility: country",
	"eligibility.min_items":     "Eligibility: number of items",
	"eligibility.skus":          "Eligibility: SKUs",
	"eligibility.products":      "Eligibility: products",
	"eligibility.vendors":       "Eligibility: vendors",
	"eligibility.customer_tags": "Eligibility: customer tags",
	"eligibility.sources":       "Eligibility: sales channel",
	"jurisdiction":              "Jurisdiction",
	"suppression":               "Do-not-call list",
	"other_order":               "Other order",
	"one_cart_per_phone":        "Newest cart of the customer",
	"attempts":                  "Calls made",
	"expiry":                    "Cart expiry",
	"paused":                    "Shop paused",
	"other_call":                "Other call under way",
	"callback":                  "Requested callback",
	"delay":                     "Delay after activity",
	"spacing":                   "Time since the last call",
	"caps.per_phone":            "Call limit per phone",
	"caps.daily_calls":          "Daily call limit of the shop",
	"hours":                     "Calling hours",
	"moment":                    "Earliest moment",
	"precheck":                  "Check by the store's own system",
	"holdout":                   "Control group",
	"offer":                     "Offer",
	"priority":                  "Priority",

	"order":        "Order",
	"reconcile":    "Reconciliation with Shopify",
	"provider":     "Voice API",
	"line":         "Line of the assistant",
	"at_most_once": "At most one dial per attempt",
	"abort":        "Call cancellation",
	"opt_out":      "Opt-out",
	"said":         "What the customer said",
	"outcome":      "Outcome of the call",
	"action":       "Agent action",
}

// Verdict is the label of a rule's verdict.
func Verdict(verdict cart.Verdict) string {
	switch verdict {
	case cart.VerdictOK:
		return "OK"
	case cart.VerdictWait:
		return "Wait"
	case cart.VerdictWatch:
		return "Not callable"
	case cart.VerdictStop:
		return "Stop"
	case cart.VerdictSkipped:
		return "Not checked"
	}
	return Title(verdict)
}

// Step writes one step of a decision's trace as a line, such as
// "Delay after activity: last touched at 2026-09-07T05:00:00Z, due 45m later: wait".
func Step(s cart.Step) string {
	parts := []string{Rule(s.Rule)}
	if s.Saw != "" {
		parts = append(parts, s.Saw)
	}
	if s.Verdict != "" {
		verdict := Verdict(s.Verdict)
		if s.Verdict != cart.VerdictOK {
			verdict = LowerFirst(verdict)
		}
		parts = append(parts, verdict)
	}
	return strings.Join(parts, ": ")
}
