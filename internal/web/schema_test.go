package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The schemas of what the API answers: exactly these fields, all of them, each of its kind. A kind that ends in ? may be null.
type (
	object map[string]any
	list   struct{ of any }
	// orNull is an object or null.
	orNull struct{ object }
)

var (
	cartSchema = object{
		"id": "uuid", "shop": "shop", "checkout_token": "text", "state": "text", "reason": "text?", "attribution": "text?",
		"wake_at": "instant?", "attempts": "count", "total": "money", "currency": "text?", "phone": "text?",
		"customer_name": "text?", "last_activity_at": "instant", "created_at": "instant", "updated_at": "instant",
	}
	offerSchema = object{"code": "text", "description": "text?", "value": "money", "type": "text", "apply_as": "text"}
	callSchema  = object{
		"id": "uuid", "attempt": "count", "state": "text", "outcome": "text?", "provider": "text", "provider_call_id": "text?",
		"offer": orNull{offerSchema}, "placed_at": "instant?", "closed_at": "instant?", "duration_seconds": "count?",
		"summary": "text?", "recording_url": "text?",
	}
	entrySchema = object{
		"at": "instant", "event": "text", "from": "text?", "to": "text", "reason": "text?",
		"trace": list{object{"rule": "text", "saw": "text", "verdict": "text"}},
	}
	oneCartSchema      = with(cartSchema, object{"calls": list{callSchema}, "ledger": list{entrySchema}})
	cartsSchema        = object{"carts": list{cartSchema}, "next_cursor": "string"}
	callsSchema        = object{"calls": list{with(callSchema, object{"cart_id": "uuid", "shop": "shop", "created_at": "instant"})}, "next_cursor": "string"}
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
		"shop": "shop", "paused": "bool", "paused_at": "instant?", "paused_by": "text?", "breaker": "bool",
		"breaker_reason": "text?", "breaker_until": "instant?", "uninstalled_at": "instant?",
	}
	statsSchema = object{
		"shop": "shop?", "from": "instant", "to": "instant",
		"carts": object{
			"watching": "count", "waiting": "count", "ready": "count", "calling": "count", "purchased": "count", "stopped": "count",
		},
		"reasons": "counts", "calls": "count", "answered": "count",
		"outcomes": object{
			"completed": "count", "no_answer": "count", "busy": "count", "failed": "count", "timeout": "count",
			"aborted": "count", "skipped": "count", "invalid": "count", "lost": "count",
		},
		"purchases": list{object{"attribution": "text?", "currency": "text?", "count": "count", "revenue": "money"}},
		"arms":      list{object{"arm": "text", "carts": "count", "purchased": "count", "conversion": "share"}},
	}
	problemSchema      = object{"type": "text", "title": "text", "status": "count", "detail": "text"}
	fieldProblemSchema = with(problemSchema, object{"errors": list{object{"field": "text", "value": "text?", "fix": "text"}}})
)

func with(base, more object) object {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

var (
	moneyForm = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	shopForm  = regexp.MustCompile(`^[a-z0-9-]+\.myshopify\.com$`)
)

// conforms requires that an answer is JSON of the schema and returns it.
func conforms(t *testing.T, a answer, schema any) map[string]any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(a.body, &value), a.text())
	for _, fault := range faults("", value, schema) {
		t.Error(fault)
	}
	result, ok := value.(map[string]any)
	require.True(t, ok, a.text())
	return result
}

func faults(path string, value, schema any) []string {
	switch s := schema.(type) {
	case orNull:
		if value == nil {
			return nil
		}
		return faults(path, value, s.object)
	case object:
		fields, ok := value.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, not an object", path, value)}
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(s)) {
			field, ok := fields[name]
			if !ok {
				all = append(all, path+"."+name+" is missing")
				continue
			}
			all = append(all, faults(path+"."+name, field, s[name])...)
		}
		for name := range fields {
			if _, ok := s[name]; !ok {
				all = append(all, path+"."+name+" is not in the schema")
			}
		}
		return all
	case list:
		elements, ok := value.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, not a list", path, value)}
		}
		var all []string
		for i, element := range elements {
			all = append(all, faults(fmt.Sprintf("%s[%d]", path, i), element, s.of)...)
		}
		return all
	}
	kind := schema.(string)
	if kind[len(kind)-1] == '?' {
		if value == nil {
			return nil
		}
		kind = kind[:len(kind)-1]
	}
	if !isKind(kind, value) {
		return []string{fmt.Sprintf("%s is %#v, not %s", path, value, kind)}
	}
	return nil
}

func isKind(kind string, value any) bool {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	switch kind {
	case "string":
		return isText
	case "text":
		return isText && text != ""
	case "uuid":
		_, err := uuid.Parse(text)
		return isText && err == nil
	case "shop":
		return shopForm.MatchString(text)
	case "money":
		return moneyForm.MatchString(text)
	case "instant":
		at, err := time.Parse(time.RFC3339Nano, text)
		return isText && err == nil && at.Location() == time.UTC
	case "count":
		return isNumber && number >= 0 && number == float64(int(number))
	case "share":
		return isNumber && number >= 0 && number <= 1
	case "bool":
		_, ok := value.(bool)
		return ok
	case "counts":
		counts, ok := value.(map[string]any)
		for _, n := range counts {
			ok = ok && isKind("count", n)
		}
		return ok
	}
	return false
}

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

// isProblem requires that an answer is a problem document with this status and returns it.
func isProblem(t *testing.T, a answer, status int) map[string]any {
	t.Helper()
	assert.Equal(t, status, a.StatusCode, a.text())
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	p := conforms(t, a, problemSchema)
	assert.InDelta(t, status, p["status"], 0)
	return p
}

// blames requires that an answer is a problem document that names these fields at fault, and returns its entries by field.
func blames(t *testing.T, a answer, fields ...string) map[string]map[string]any {
	t.Helper()
	assert.Equal(t, 400, a.StatusCode, a.text())
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	p := conforms(t, a, fieldProblemSchema)
	byField := map[string]map[string]any{}
	var named []string
	entries, ok := p["errors"].([]any)
	require.True(t, ok, a.text())
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		require.True(t, ok)
		name, ok := entry["field"].(string)
		require.True(t, ok)
		named = append(named, name)
		byField[name] = entry
	}
	assert.ElementsMatch(t, fields, named)
	return byField
}
