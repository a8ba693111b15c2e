// Package param reads what a request asks for from its path and query, and says what is wrong with it.
package param

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// The number of entries on a page of a list: UsualLimit unless the request asks for another, at most largestLimit.
const (
	UsualLimit   = 50
	largestLimit = 200
)

// Query reads a request's query parameters and gathers what is wrong with them.
type Query struct {
	values   url.Values
	problems []problem.Field
}

// ReadQuery reads the query of a request. A parameter that is not among the known ones is a problem, and so is one
// that is given twice.
func ReadQuery(c echo.Context, known ...string) *Query {
	q := &Query{}
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		q.Refuse("query", "",
			"write name=value pairs joined by &, with other characters than letters and digits written as %XX")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !slices.Contains(known, name):
			q.Refuse(name, values.Get(name), takes(known))
		case len(values[name]) > 1:
			q.Refuse(name, values.Get(name), "give it once")
		}
	}
	q.values = values
	return q
}

func takes(known []string) string {
	if len(known) == 0 {
		return "leave it out; no query parameter is taken here"
	}
	return "leave it out; taken are " + strings.Join(known, ", ")
}

// longestEcho bounds how much of a bad value is repeated.
const longestEcho = 100

// Refuse adds a problem with a parameter.
func (q *Query) Refuse(field, value, fix string) {
	wrong := problem.Field{Field: field, Fix: fix}
	if value != "" {
		if len(value) > longestEcho {
			value = strings.ToValidUTF8(value[:longestEcho], "") + "…"
		}
		wrong.Value = &value
	}
	q.problems = append(q.problems, wrong)
}

// Get is a parameter as it was sent; "" when it was not.
func (q *Query) Get(name string) string { return q.values.Get(name) }

// Has reports whether a parameter was sent.
func (q *Query) Has(name string) bool { return q.values.Has(name) }

// Err is the problem document with all problems, or nil.
func (q *Query) Err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return problem.Invalid(q.problems...)
}

// Shop reads a shop's domain; "" when there is none.
func (q *Query) Shop() string {
	value := q.values.Get("shop")
	if value == "" {
		return ""
	}
	shop, err := shopify.ParseShop(value)
	if err != nil {
		q.Refuse("shop", value, "write the shop's domain, such as acme.myshopify.com, or leave it out for all shops")
	}
	return shop
}

// State reads a cart's state; "" when there is none.
func (q *Query) State() cart.State {
	value := cart.State(q.values.Get("state"))
	if value != "" && !value.Valid() {
		q.Refuse("state", string(value), "write one of "+join(cart.States())+", or leave it out for all states")
	}
	return value
}

// Reason reads a cart's reason; "" when there is none.
func (q *Query) Reason() cart.Reason {
	value := cart.Reason(q.values.Get("reason"))
	if value != "" && !value.Valid() {
		q.Refuse("reason", string(value), "write one of "+join(cart.Reasons())+", or leave it out for all reasons")
	}
	return value
}

// DeliveryState reads a delivery's state; "" when there is none.
func (q *Query) DeliveryState() postgres.DeliveryState {
	value := postgres.DeliveryState(q.values.Get("state"))
	if value != "" && !slices.Contains(postgres.DeliveryStates(), value) {
		q.Refuse("state", string(value), "write one of "+join(postgres.DeliveryStates())+", or leave it out for all states")
	}
	return value
}

// ID reads an id; uuid.Nil when there is none.
func (q *Query) ID(field string) uuid.UUID {
	value := q.values.Get(field)
	if value == "" {
		return uuid.Nil
	}
	id, err := uuid.Parse(value)
	if err != nil || id == uuid.Nil {
		q.Refuse(field, value, "write an id such as 01976c1e-1c4e-7d5b-8a70-6d1c52a90b11, or leave it out")
	}
	return id
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// Flag reads true or false; false when there is none.
func (q *Query) Flag(field string) bool {
	switch value := q.values.Get(field); value {
	case "", "false":
		return false
	case "true":
		return true
	default:
		q.Refuse(field, value, "write true or false, or leave it out for false")
		return false
	}
}

// Limit reads how many entries the list may have.
func (q *Query) Limit() int {
	value := q.values.Get("limit")
	if value == "" {
		return UsualLimit
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > largestLimit {
		q.Refuse("limit", value, fmt.Sprintf("write a number from 1 to %d; %d when left out", largestLimit, UsualLimit))
		return UsualLimit
	}
	return n
}

// Cursor reads the id of the last entry of the page before; uuid.Nil for the first page.
func (q *Query) Cursor() uuid.UUID {
	value := q.values.Get("cursor")
	if value == "" {
		return uuid.Nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err == nil {
		if id, err := uuid.FromBytes(raw); err == nil && id != uuid.Nil {
			return id
		}
	}
	q.Refuse("cursor", value, "pass the next_cursor of the page before unchanged, or leave it out for the first page")
	return uuid.Nil
}

// Page cuts a list that was queried with one entry more than the limit, and gives the cursor of the next page; ""
// when there is none.
func Page[T any](list []T, limit int, id func(T) uuid.UUID) ([]T, string) {
	if len(list) <= limit {
		return list, ""
	}
	last := id(list[limit-1])
	return list[:limit], base64.RawURLEncoding.EncodeToString(last[:])
}

// Instant reads an instant in RFC 3339, or a day (UTC) that stands for its beginning or, with wholeDay, its end.
func (q *Query) Instant(field string, otherwise time.Time, wholeDay bool) time.Time {
	value := q.values.Get(field)
	if value == "" {
		return otherwise
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		if wholeDay {
			day = day.AddDate(0, 0, 1)
		}
		return day
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil || at.Year() < 1 || at.Year() > 9999 {
		q.Refuse(field, value,
			"write an instant such as 2026-11-21T09:30:00Z (in a query a + is written %2B), or a day such as 2026-11-21")
		return otherwise
	}
	return at.UTC()
}

// ID reads the id in a request's path. Text that is no id names nothing: 404.
func ID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return uuid.Nil, problem.NoSuchID()
	}
	return id, nil
}
