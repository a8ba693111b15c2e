package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"ringback/internal/engine"
	"ringback/internal/postgres"

	"github.com/labstack/echo/v4"
)

// problem is an answer that says what went wrong (RFC 9457, "Problem Details for HTTP APIs").
type problem struct {
	// Type is a URN of ours, or about:blank when the title says all there is.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what is wrong with this very request and what to do.
	Detail string `json:"detail"`
	// Errors name the fields at fault; empty when it is not about fields.
	Errors []fieldProblem `json:"errors,omitempty"`
}

// fieldProblem says what is wrong with one field of a request.
type fieldProblem struct {
	// Field is the name of a query parameter or the path of a field in the body.
	Field string `json:"field"`
	// Value is what was sent; null when it was missing or is personal data.
	Value *string `json:"value"`
	// Fix says what to send instead.
	Fix string `json:"fix"`
}

// Error implements error.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// newProblem makes a problem; kind is the last part of its type, "" for about:blank.
func newProblem(status int, kind, title, detail string) *problem {
	p := &problem{Type: "about:blank", Title: title, Status: status, Detail: detail}
	if kind != "" {
		p.Type = "urn:ringback:problem:" + kind
	}
	return p
}

// invalid is the problem of a request with fields at fault.
func invalid(fields []fieldProblem) *problem {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Field
	}
	p := newProblem(http.StatusBadRequest, "invalid-request", "Invalid request", "Invalid parameter: "+strings.Join(names, ", ")+". See errors.")
	p.Errors = fields
	return p
}

// unprocessable is the problem of a request that is understood but lacks what it needs.
func unprocessable(fields []fieldProblem) *problem {
	p := invalid(fields)
	p.Status, p.Title = http.StatusUnprocessableEntity, "Unprocessable request"
	return p
}

// problemOf says what an error means to whoever asked; known is false for errors that are our own fault.
func problemOf(err error) (p *problem, known bool) {
	var statusError *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.Is(err, postgres.ErrNotFound):
		return newProblem(http.StatusNotFound, "", "Not Found", "There is nothing with this id."), true
	case errors.Is(err, engine.ErrSettled):
		return newProblem(http.StatusConflict, "cart-settled", "The cart is closed", "It was purchased or stopped; no further action is possible."), true
	case errors.Is(err, engine.ErrCalling):
		return newProblem(http.StatusConflict, "cart-calling", "A call is under way", "This cart is being called right now; ask again when the call is over."), true
	case errors.Is(err, engine.ErrNotExportable):
		return newProblem(http.StatusConflict, "not-exportable", "Nothing to export", "This request asks for erasure, or whom it was about is forgotten already."), true
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "", "Content Too Large", "The body is too large."), true
	case errors.As(err, &statusError):
		return ofStatus(statusError.Code), statusError.Code < http.StatusInternalServerError
	}
	return newProblem(http.StatusInternalServerError, "", "Internal Server Error", "Something went wrong on our side; the log has it under this request's X-Request-Id."), false
}

// ofStatus is the problem of an error that the router or a guard found.
func ofStatus(status int) *problem {
	details := map[int]string{
		http.StatusNotFound:              "There is nothing at this address.",
		http.StatusMethodNotAllowed:      "This address does not take this method; the Allow header names those it takes.",
		http.StatusRequestEntityTooLarge: "The body is too large.",
	}
	detail, ok := details[status]
	if !ok {
		detail = "The request could not be answered."
	}
	return newProblem(status, "", http.StatusText(status), detail)
}

// fail answers a request that ended in an error: with a page where a person looks, else with a problem document. What is our
// own fault is logged, under the request's id; what is the client's is not.
func (s *Server) fail(err error, c echo.Context) {
	ctx := c.Request().Context()
	p, known := problemOf(err)
	if !known && !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "request failed", "route", routeOf(c), "request_id", requestID(c), "error", err)
	}
	if c.Response().Committed {
		return
	}
	if !known && strings.HasPrefix(routeOf(c), "/webhooks/") {
		// Whoever sent it is not at fault and can send it again.
		p = notKept(c)
	}
	if wantsPage(c.Request()) {
		err = s.errorPage(c, p)
	} else {
		err = writeProblem(c, p)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "answer not sent", "route", routeOf(c), "request_id", requestID(c), "error", err)
	}
}

// wantsPage reports whether a person with a browser asks, for an address where pages are.
func wantsPage(r *http.Request) bool {
	for _, prefix := range []string{"/api/", "/webhooks/", "/healthz", "/readyz", "/metrics", "/jobs/api"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func writeProblem(c echo.Context, p *problem) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	c.Response().WriteHeader(p.Status)
	encoder := json.NewEncoder(c.Response())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(p)
}
