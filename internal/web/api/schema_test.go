package api_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/require"
)

// What the API answers: exactly these fields, all of them, each of its kind.
type (
	object = webtest.Object
	list   = webtest.List
)

var (
	cartSchema = object{
		"id": "uuid", "shop": "shop", "checkout_token": "text", "state": "text", "reason": "text?", "attribution": "text?",
		"wake_at": "instant?", "attempts": "count", "total": "money", "currency": "text?", "phone": "text?",
		"customer_name": "text?", "last_activity_at": "instant", "created_at": "instant", "updated_at": "instant",
	}
	offerSchema = object{"code": "text", "description": "text?", "value": "money", "type": "text", "apply_as": "text",
		"mentioned": "bool?", "accepted": "bool?"}
	consentSchema = object{
		"basis": "text", "value": "text?", "proves": "text?", "at": "instant?", "source": "text?", "opt_in": "text?",
		"text_version": "text?", "weaker": "bool",
	}
	callSchema = object{
		"id": "uuid", "attempt": "count", "state": "text", "outcome": "text?", "provider": "text", "provider_call_id": "text?",
		"offer": webtest.OrNull(offerSchema), "consent": webtest.OrNull(consentSchema),
		"placed_at": "instant?", "closed_at": "instant?", "duration_seconds": "count?",
		"summary": "text?", "recording_url": "text?", "answered_at": "instant?", "success": "bool?", "sentiment": "text?",
		"required_actions": list{"text"}, "insights": "values", "abandon_reason": "text?", "transcript": "text?",
	}
	entrySchema = object{
		"at": "instant", "event": "text", "from": "text?", "to": "text", "reason": "text?",
		"trace": list{object{"rule": "text", "saw": "text", "verdict": "text"}},
	}
	oneCartSchema      = webtest.With(cartSchema, object{"calls": list{callSchema}, "ledger": list{entrySchema}})
	cartsSchema        = object{"carts": list{cartSchema}, "next_cursor": "string"}
	callsSchema        = object{"calls": list{webtest.With(callSchema, object{"cart_id": "uuid", "shop": "shop", "created_at": "instant"})}, "next_cursor": "string"}
	suppressionsSchema = object{
		"suppressions": list{object{"id": "uuid", "shop": "shop?", "kind": "text", "value": "text?", "source": "text", "created_at": "instant"}},
		"next_cursor":  "string",
	}
	liftedSchema = object{
		"suppressions": list{object{
			"id": "uuid", "shop": "shop?", "kind": "text", "value": "text?", "source": "text", "created_at": "instant",
			"lifted_at": "instant", "lifted_by": "text", "lifted_reason": "text?",
		}},
		"next_cursor": "string",
	}
	shopSchema = object{
		"shop": "shop", "status": "text",
		"reasons": list{object{"code": "text", "since": "instant?", "until": "instant?", "says": "text", "remedy": "text?"}},
		"credits": "money?", "last_webhook_at": "instant?", "reconciled_until": "instant?",
		"paused": "bool", "paused_at": "instant?", "paused_by": "text?", "breaker": "bool",
		"breaker_reason": "text?", "breaker_until": "instant?", "uninstalled_at": "instant?",
	}
	statsSchema = object{
		"shop": "shop?", "from": "instant", "to": "instant",
		"carts": object{
			"watching": "count", "waiting": "count", "ready": "count", "calling": "count", "purchased": "count", "stopped": "count",
		},
		"reasons": "counts", "calls": "count", "answered": "count",
		"outcomes": object{
			"completed": "count", "voicemail": "count", "no_answer": "count", "busy": "count", "failed": "count",
			"timeout": "count", "aborted": "count", "skipped": "count", "invalid": "count", "lost": "count",
		},
		"purchases": list{webtest.With(sumSchema, object{
			"attribution": "text?", "currency": "text?", "revenue": "money", "cash_on_delivery": sumSchema,
		})},
		"arms": list{object{
			"arm": "text", "carts": "count", "purchased": "count", "cancelled": "count", "conversion": "share",
			"amounts": list{webtest.With(sumSchema, object{"currency": "text?", "net_per_cart": "money"})},
		}},
		"abandon_reasons": list{object{"reason": "text", "calls": "count", "share": "share"}},
		"offers":          object{"offered": "count", "mentioned": "count", "accepted": "count", "unmentioned": "count"},
	}
	sumSchema = object{"count": "count", "gross": "money", "refunded": "money", "cancelled": "money", "net": "money"}
)

// fieldOrder lists the fields of the first object in a list, as they were written.
func fieldOrder(t *testing.T, raw []byte, field string) []string {
	t.Helper()
	var lists map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &lists))
	var entries []json.RawMessage
	require.NoError(t, json.Unmarshal(lists[field], &entries))
	require.NotEmpty(t, entries)
	var names []string
	for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllSubmatch(entries[0], -1) {
		names = append(names, string(m[1]))
	}
	return names
}
