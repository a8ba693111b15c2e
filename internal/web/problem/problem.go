// Package problem writes answers that say what went wrong (RFC 9457, "Problem Details for HTTP APIs"). A handler
// returns an Error; the server writes it.
package problem

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Error is one such answer.
type Error struct {
	// Type is a URN of ours, or about:blank when the title says all there is.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what is wrong with this very request and what to do.
	Detail string `json:"detail"`
	// Errors name the fields at fault; empty when no field is.
	Errors []Field `json:"errors,omitempty"`
}

// Field says what is wrong with one field of a request.
type Field struct {
	// Field is the name of a query parameter or the path of a field in the body.
	Field string `json:"field"`
	// Value is what was sent; null when it was missing or is personal data.
	Value *string `json:"value"`
	// Fix says what to send instead.
	Fix string `json:"fix"`
}

// Error implements error.
func (p *Error) Error() string { return p.Title + ": " + p.Detail }

// New makes a problem; kind is the last part of its type, "" for about:blank.
func New(status int, kind, title, detail string) *Error {
	p := &Error{Type: "about:blank", Title: title, Status: status, Detail: detail}
	if kind != "" {
		p.Type = "urn:ringback:problem:" + kind
	}
	return p
}

// NotFound is the problem of an address that names nothing.
func NotFound(detail string) *Error { return New(http.StatusNotFound, "", "Not Found", detail) }

// NoSuchID is the problem of an id that names nothing.
func NoSuchID() *Error { return NotFound("There is nothing with this id.") }

// Invalid is the problem of a request with fields at fault.
func Invalid(fields ...Field) *Error {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Field
	}
	p := New(http.StatusBadRequest, "invalid-request", "Invalid request",
		"Invalid parameter: "+strings.Join(names, ", ")+". See errors.")
	p.Errors = fields
	return p
}

// Unprocessable is the problem of a request that is understood but lacks what it needs.
func Unprocessable(fields ...Field) *Error {
	p := Invalid(fields...)
	p.Status, p.Title = http.StatusUnprocessableEntity, "Unprocessable request"
	return p
}

// TooLarge is the problem of a body above the limit.
func TooLarge() *Error {
	return New(http.StatusRequestEntityTooLarge, "", "Content Too Large", "The body is too large.")
}

// OfStatus is the problem of an error that the router or a guard found.
func OfStatus(status int) *Error {
	details := map[int]string{
		http.StatusNotFound:              "There is nothing at this address.",
		http.StatusMethodNotAllowed:      "This address does not take this method; the Allow header names those it takes.",
		http.StatusRequestEntityTooLarge: "The body is too large.",
	}
	detail, ok := details[status]
	if !ok {
		detail = "The request could not be answered."
	}
	return New(status, "", http.StatusText(status), detail)
}

// Write answers a request with the problem.
func (p *Error) Write(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	return c.JSON(p.Status, p)
}
