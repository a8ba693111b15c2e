package voice

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrSignature: a callback was not signed by the provider.
	ErrSignature = errors.New("the callback is not signed by the provider")
	// ErrUnsupported: the provider has no such request; Provider.Abilities says so beforehand.
	ErrUnsupported = errors.New("not supported by this provider")
)

// NotPlacedError: the call was surely not placed, and the attempt may be made again later.
type NotPlacedError struct {
	// RetryAfter is how long the provider asked us to wait; 0 when it named no time.
	RetryAfter time.Duration
	// Throttled is true when the provider takes no calls of the account for now, whichever cart they are for.
	Throttled bool
	Err       error
}

// Error implements error.
func (e *NotPlacedError) Error() string { return "not placed: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *NotPlacedError) Unwrap() error { return e.Err }

// RefusalKind says what a refusal is about.
type RefusalKind string

// The kinds of refusal.
const (
	// RefusedContent: this number or payload; another cart's call may well be taken.
	RefusedContent RefusalKind = "content"
	// RefusedCredits: the account has none left.
	RefusedCredits RefusalKind = "credits"
	// RefusedKeys: the keys, the token, the workspace or the organization are not accepted.
	RefusedKeys RefusalKind = "keys"
	// RefusedAssistant: there is no such assistant or agent.
	RefusedAssistant RefusalKind = "assistant"
	// RefusedOther: an answer that no correct request gets, such as a redirect: the configured address is likely wrong.
	RefusedOther RefusalKind = "other"
)

// RefusedError: the provider, or our own check of the request, said that this request will not be taken unless it is
// changed.
type RefusedError struct {
	Kind RefusalKind
	// Status is the HTTP status of the answer; 0 when nothing was sent.
	Status int
	// Message is the provider's, or ours, without personal data.
	Message string
}

// Error implements error.
func (e *RefusedError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("refused (%s): %s", e.Kind, e.Message)
	}
	return fmt.Sprintf("refused (%s) with status %d: %s", e.Kind, e.Status, e.Message)
}

// Account names what is wrong with the account when every call of it would be refused for the same reason. It is ""
// for a refusal of one call's content.
func (e *RefusedError) Account() string {
	if e.Kind == RefusedContent {
		return ""
	}
	return string(e.Kind)
}

// UncertainError: the provider may or may not have taken the call. The request must never be sent again.
type UncertainError struct{ Err error }

// Error implements error.
func (e *UncertainError) Error() string { return "uncertain: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *UncertainError) Unwrap() error { return e.Err }

// AbortRefusedError: the provider will not abort the call, because it is under way, over or unknown.
type AbortRefusedError struct {
	// Message is the provider's, without personal data.
	Message string
}

// Error implements error.
func (e *AbortRefusedError) Error() string { return "abort refused: " + e.Message }

// TemporaryError: a request other than a placement failed and is worth sending again.
type TemporaryError struct {
	// RetryAfter is how long the provider asked us to wait; 0 when it named no time.
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (e *TemporaryError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *TemporaryError) Unwrap() error { return e.Err }
