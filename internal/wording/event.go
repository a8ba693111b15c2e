package wording

import "strings"

// Event is the label of a ledger entry's event or of a shop event, such as "Checkout update from Shopify".
func Event(name string) string {
	if words, ok := events[name]; ok {
		return words
	}
	if report, ok := strings.CutPrefix(name, "call."); ok {
		return "Call: " + Lower(report)
	}
	return Title(name)
}

var events = map[string]string{
	"checkout":         "Checkout update from Shopify",
	"checkout_deleted": "Checkout deleted",
	"order":            "Order received",
	"refund":           "Order refunded",
	"wake":             "Rechecked",
	"line_free":        "Line available",

	"call.sending":        "Call: request sent",
	"call.placed":         "Call: accepted by the voice API",
	"call.not_placed":     "Call: not placed",
	"call.throttled":      "Call: postponed, the voice API takes none for now",
	"call.refused":        "Call: refused by the voice API",
	"call.uncertain":      "Call: status unknown",
	"call.abort_answered": "Call: cancel response",
	"call.silent":         "Call: no update from the voice API",
	"call.ringing":        "Call: ringing",
	"call.talking":        "Call: answered",
	"call.hung_up":        "Call: conversation ended",
	"call.recorded":       "Call: recording available",
	"call.analysed":       "Call: analysed",
	"call.finished":       "Call: finished",
	"call.timeout":        "Call: timed out",
	"call.voicemail":      "Call: voicemail",
	"call.no_answer":      "Call: no answer",
	"call.busy":           "Call: busy",
	"call.failed":         "Call: failed",
	"call.invalid":        "Call: refused as invalid",
	"call.skipped":        "Call: number not dialled",
	"call.rescheduled":    "Call: rescheduled by the voice API",
	"call.aborted":        "Call: cancelled",
	"call.action":         "Call: agent action",
	"call.other":          "Call: unknown report",

	"opt_out":         "Asked not to be called",
	"consent":         "Consent changed",
	"shop_paused":     "Shop paused",
	"shop_resumed":    "Shop resumed",
	"uninstalled":     "App removed",
	"operator_cancel": "Stopped by an operator",
	"operator_call":   "Call requested by an operator",
	"taken_over":      "Taken over by the store's own system",
	"newer_cart":      "Newer cart of the same customer",
	"erased":          "Personal data erased",

	"installed":       "App installed",
	"access_lost":     "Shopify access lost",
	"access_regained": "Shopify access restored",
	"scopes_missing":  "Missing permissions",
}
