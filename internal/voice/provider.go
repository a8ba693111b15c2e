package voice

import (
	"context"
	"net/http"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Provider is one account at a voice API. It is safe for concurrent use.
type Provider interface {
	// Name is the provider's name in the configuration and in callback URLs.
	Name() string
	// Abilities tells what this account can do.
	Abilities() Abilities
	// Place asks for one call with exactly one HTTP request at most. A nil error means that the provider took the
	// call and the receipt names it; any other result is a *NotPlacedError, a *RefusedError or an *UncertainError.
	Place(ctx context.Context, r Request) (Receipt, error)
	// Abort asks that a call be stopped or, where the phone is no longer in use, that it not be dialled again. The
	// errors are *AbortRefusedError (the call is past aborting, or unknown), *RefusedError (the account was refused),
	// *TemporaryError (ask again) and ErrUnsupported.
	Abort(ctx context.Context, providerCallID string) error
	// Update replaces what a queued call knows of its cart. The errors are *RefusedError, *TemporaryError and
	// ErrUnsupported.
	Update(ctx context.Context, providerCallID string, r Request) error
	// Verify checks that a callback was sent by the provider, from the headers and the raw body. The error wraps
	// ErrSignature. Providers that sign nothing accept everything: the unguessable token in the callback's URL is
	// then the only guard.
	Verify(h http.Header, body []byte) error
	// Parse reads the events of a callback body. Events of unknown types are cart.ReportOther. The error says why a
	// body holds no event at all; such a body is kept and answered 200.
	Parse(body []byte) ([]Callback, error)
}

// Abilities tells what a provider can do; the rest of the program works around what it cannot.
type Abilities struct {
	// CanAbort: Abort works.
	CanAbort bool
	// CanUpdate: Update works.
	CanUpdate bool
	// CallbackPerCall: the callback URL travels with each call; otherwise one is registered for the whole assistant.
	CallbackPerCall bool
	// Signs: callbacks carry a signature that Verify checks.
	Signs bool
	// OwnRetries: the provider may redial by itself after an unanswered call.
	OwnRetries bool
}

// Receipt is the provider's word that it took a call.
type Receipt struct {
	// ProviderCallID is the provider's id of the call; never empty.
	ProviderCallID string
}

// Callback is one event of a callback body. It carries personal data and must not be logged.
type Callback struct {
	// CallID is our id of the call, from the echoed metadata; uuid.Nil when it was not told.
	CallID uuid.UUID
	// ProviderCallID is the provider's id of the call; "" when it was not told.
	ProviderCallID string
	// Phone is the number that was dialled, E.164; "" when it was not told.
	Phone string
	// Report is the event in our terms. Insights.CallbackAt is not set in it: call ReportIn.
	Report cart.Report
	// CallbackText is when the customer wants to be called, as the provider told it; "" when it was not told.
	CallbackText string
	// Digest identifies the event: the SHA-256 of the raw body, or of the body and the event's kind for the second
	// and later events of one body. Two deliveries of one message have equal digests.
	Digest []byte
}

// ReportIn is the report with the moment at which the customer asked to be called. A time without a zone is read in
// the given zone; a time of day alone is the next one after now. When the text cannot be read, Insights.CallbackAt is
// nil, and CallbackUnread is set if a callback was asked for.
func (c Callback) ReportIn(zone *time.Location, now time.Time) cart.Report {
	r := c.Report
	if at, ok := ReadTime(c.CallbackText, zone, now); ok {
		r.Insights.CallbackAt, r.Insights.Callback = &at, true
	} else if c.CallbackText != "" && r.Insights.Callback {
		r.CallbackUnread = true
	}
	return r
}
