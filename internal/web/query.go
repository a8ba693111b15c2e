package web

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// The size of a page of a list.
const (
	usualLimit   = 50
	largestLimit = 200
)

// query reads a request's query parameters and gathers what is wrong with them.
type query struct {
	values   url.Values
	problems []problem.Field
}

// readQuery finds fault with every parameter that is not known and every one that is given twice.
func readQuery(c echo.Context, known ...string) *query {
	q := &query{}
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		q.refuse("query", "", "write name=value pairs joined by &, with other characters than letters and digits written as %XX")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !slices.Contains(known, name):
			q.refuse(name, values.Get(name), takes(known))
		case len(values[name]) > 1:
			q.refuse(name, values.Get(name), "give it once")
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

func (q *query) refuse(field, value, fix string) {
	wrong := problem.Field{Field: field, Fix: fix}
	if value != "" {
		if len(value) > longestEcho {
			value = strings.ToValidUTF8(value[:longestEcho], "") + "…"
		}
		wrong.Value = &value
	}
	q.problems = append(q.problems, wrong)
}

// err is the problem document of all that was wrong, or nil.
func (q *query) err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return problem.Invalid(q.problems...)
}

// shop reads a shop's domain; "" when there is none.
func (q *query) shop() string {
	value := q.values.Get("shop")
	if value == "" {
		return ""
	}
	shop, err := shopify.ParseShop(value)
	if err != nil {
		q.refuse("shop", value, "write the shop's domain, such as acme.myshopify.com, or leave it out for all shops")
	}
	return shop
}

// state reads a cart's state; "" when there is none.
func (q *query) state() cart.State {
	value := cart.State(q.values.Get("state"))
	if value != "" && !value.Valid() {
		q.refuse("state", string(value), "write one of "+join(cart.States())+", or leave it out for all states")
	}
	return value
}

// reason reads a cart's reason; "" when there is none.
func (q *query) reason() cart.Reason {
	value := cart.Reason(q.values.Get("reason"))
	if value != "" && !value.Valid() {
		q.refuse("reason", string(value), "write one of "+join(cart.Reasons())+", or leave it out for all reasons")
	}
	return value
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// flag reads true or false; false when there is none.
func (q *query) flag(field string) bool {
	switch value := q.values.Get(field); value {
	case "", "false":
		return false
	case "true":
		return true
	default:
		q.refuse(field, value, "write true or false, or leave it out for false")
		return false
	}
}

func (q *query) limit() int {
	value := q.values.Get("limit")
	if value == "" {
		return usualLimit
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > largestLimit {
		q.refuse("limit", value, fmt.Sprintf("write a number from 1 to %d; %d when left out", largestLimit, usualLimit))
		return usualLimit
	}
	return n
}

// cursor reads the id of the last entry of the page before; uuid.Nil for the first page.
func (q *query) cursor() uuid.UUID {
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
	q.refuse("cursor", value, "pass the next_cursor of the page before unchanged, or leave it out for the first page")
	return uuid.Nil
}

// cursorAfter is the cursor of the page after the entry with this id.
func cursorAfter(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// page cuts a list that was asked for with one entry too many, and gives the cursor of the next page; "" when there is none.
func page[T any](list []T, limit int, id func(T) uuid.UUID) ([]T, string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], cursorAfter(id(list[limit-1]))
}

// instant reads a moment in RFC 3339, or a day (UTC) that stands for its beginning or, with wholeDay, its end.
func (q *query) instant(field string, otherwise time.Time, wholeDay bool) time.Time {
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
		q.refuse(field, value, "write an instant such as 2026-11-21T09:30:00Z (in a query a + is written %2B), or a day such as 2026-11-21")
		return otherwise
	}
	return at.UTC()
}
