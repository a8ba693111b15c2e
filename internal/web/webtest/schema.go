package webtest

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

// A schema is an Object, a List, an OrNull or the name of a kind, such as "uuid" or "instant"; a kind that ends in ?
// may be null.
type (
	// Object has exactly these fields, each of its schema.
	Object map[string]any
	// List holds the schema of its elements.
	List []any
	// OrNull is an object or null.
	OrNull Object
)

var (
	problemSchema = Object{"type": "text", "title": "text", "status": "count", "detail": "text"}
	// FieldProblem is a problem document that names fields at fault.
	FieldProblem = With(problemSchema, Object{"errors": List{Object{"field": "text", "value": "text?", "fix": "text"}}})
)

// With adds fields to an object.
func With(base, more Object) Object {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

var (
	moneyForm = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	shopForm  = regexp.MustCompile(`^[a-z0-9-]+\.myshopify\.com$`)
)

// Conforms requires that an answer is JSON of the schema and returns it.
func Conforms(t *testing.T, a Answer, schema any) map[string]any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(a.Content, &value), a.Text())
	for _, fault := range faults("", value, schema) {
		t.Error(fault)
	}
	result, ok := value.(map[string]any)
	require.True(t, ok, a.Text())
	return result
}

func faults(path string, value, schema any) []string {
	switch s := schema.(type) {
	case OrNull:
		if value == nil {
			return nil
		}
		return faults(path, value, Object(s))
	case Object:
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
	case List:
		elements, ok := value.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, not a list", path, value)}
		}
		var all []string
		for i, element := range elements {
			all = append(all, faults(fmt.Sprintf("%s[%d]", path, i), element, s[0])...)
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
	case "values":
		_, ok := value.(map[string]any)
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

// IsProblem requires that an answer is a problem document with this status and returns it.
func IsProblem(t *testing.T, a Answer, status int) map[string]any {
	t.Helper()
	assert.Equal(t, status, a.StatusCode, a.Text())
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	p := Conforms(t, a, problemSchema)
	assert.InDelta(t, status, p["status"], 0)
	return p
}

// Blames requires that an answer is a problem document that names these fields at fault, and returns its entries by
// field.
func Blames(t *testing.T, a Answer, fields ...string) map[string]map[string]any {
	t.Helper()
	assert.Equal(t, 400, a.StatusCode, a.Text())
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	p := Conforms(t, a, FieldProblem)
	byField := map[string]map[string]any{}
	var named []string
	entries, ok := p["errors"].([]any)
	require.True(t, ok, a.Text())
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
