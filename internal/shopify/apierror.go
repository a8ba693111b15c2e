package shopify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The kinds of an APIError, beside ErrReinstall and ErrClient.
var (
	// ErrUnauthorized: the access token is not accepted. It may have expired: refresh once, then reinstall.
	ErrUnauthorized = errors.New("the access token is not accepted")
	// ErrDenied: the token lacks a scope, or the app lacks Shopify's approval for protected customer data.
	ErrDenied = errors.New("access is denied")
	// ErrShopUnavailable: the shop is closed, frozen or gone.
	ErrShopUnavailable = errors.New("the shop is not available")
	// ErrThrottled: the shop's rate limit is used up for longer than the context allows to wait.
	ErrThrottled = errors.New("the rate limit is used up")
	// ErrOutage: Shopify could not be reached or failed.
	ErrOutage = errors.New("no usable answer")
	// ErrRefused: Shopify understood the request and will not do it.
	ErrRefused = errors.New("the request was refused")
)

// APIError is a failed request to Shopify. errors.Is tells its kind.
type APIError struct {
	// Operation is the name of the GraphQL operation, or access_token.
	Operation string
	// Status is the HTTP status; 0 when there was no answer.
	Status int
	// Codes are the codes of a GraphQL answer's errors, such as MAX_COST_EXCEEDED.
	Codes []string
	// Message is Shopify's own, shortened; never of an answer that could hold personal data.
	Message string
	// RetryAfter is how long Shopify asks to wait; 0 when it does not say.
	RetryAfter time.Duration
	Kind       error
	cause      error
}

// Error implements error.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "shopify %s: %v", e.Operation, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if len(e.Codes) > 0 {
		fmt.Fprintf(&b, " [%s]", strings.Join(e.Codes, ", "))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap implements errors.Unwrap: the kind and, if there was one, the cause.
func (e *APIError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Temporary reports whether the same request may succeed later without anybody's doing.
func Temporary(err error) bool {
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrOutage) || errors.Is(err, context.DeadlineExceeded)
}

// RetryAfter returns how long Shopify asked to wait before the request is made again, 0 when it did not say.
func RetryAfter(err error) time.Duration {
	var e *APIError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// statusSecurity is Shopify's own status for a client that asks suspiciously often.
const statusSecurity = 430

func transportError(operation string, err error) error {
	return &APIError{Operation: operation, Kind: ErrOutage, cause: err}
}

// statusError sorts an answer by its HTTP status (Shopify, "API response status and error codes").
func statusError(operation string, res *http.Response, cause error) *APIError {
	e := &APIError{Operation: operation, Status: res.StatusCode, Kind: ErrRefused, RetryAfter: retryAfter(res.Header), cause: cause}
	switch s := res.StatusCode; {
	case s == http.StatusUnauthorized:
		e.Kind = ErrUnauthorized
	case s == http.StatusForbidden:
		e.Kind = ErrDenied
	case s == http.StatusPaymentRequired, s == http.StatusNotFound, s == http.StatusLocked:
		e.Kind = ErrShopUnavailable
	case s == http.StatusTooManyRequests, s == statusSecurity:
		e.Kind = ErrThrottled
	case s >= 500, s == http.StatusRequestTimeout:
		e.Kind = ErrOutage
	}
	return e
}

// retryAfter reads Retry-After, which Shopify gives in seconds with a fraction.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.ParseFloat(h.Get("Retry-After"), 64)
	const most = 3600
	if err != nil || !(s > 0) || s > most {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// shorten bounds a text of Shopify's for an error or a log.
func shorten(s string) string {
	const most = 200
	s = clean(s)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
