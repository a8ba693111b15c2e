package cart

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Event is something that happened to a cart. Every change of a cart is one of these, given to lifecycle.Apply. The set is
// closed: the linter finds a switch that forgets one.
//
//sumtype:decl
type Event interface {
	// Name is the event's name in the ledger.
	Name() string
	event()
}

type (
	// CheckoutSeen: Shopify told of the checkout, by webhook or when asked.
	CheckoutSeen struct {
		Checkout Checkout
		// Via is ViaWebhook or ViaReconcile.
		Via string
	}

	// CheckoutDeleted: the shop deleted the checkout.
	CheckoutDeleted struct{}

	// OrderSeen: the customer bought.
	OrderSeen struct {
		Order Order
		// Match says what tied the order to this cart.
		Match Match
		// Under says in plain words which key the order and the cart share, where it was matched by one; it holds no personal data.
		Under string
		// Other marks a cart whose customer bought with another cart: it stops, and the order is not counted twice.
		Other bool
	}

	// Woken: the cart's wake came.
	Woken struct{}

	// LineFree: one of the assistant's lines is free for this ready cart.
	LineFree struct {
		// CallID is the id of the call to make, if the policy still agrees.
		CallID uuid.UUID
	}

	// SendBegun: the request for this call is about to be sent.
	SendBegun struct {
		CallID uuid.UUID
		// TokenHash is the hash of the callback token that the request carries.
		TokenHash []byte
		// Account and VoiceKey name the account and the key that the request is made with.
		Account, VoiceKey string
		// Offer is the discount that goes out in place of the one decided; one without a code stands for none. Nil changes nothing.
		Offer *Offer
	}

	// PlaceAccepted: the provider took the call.
	PlaceAccepted struct {
		CallID         uuid.UUID
		ProviderCallID string
	}

	// PlaceFailed: the provider surely did not take the call; it may be tried again.
	PlaceFailed struct {
		CallID uuid.UUID
		Error  string
		// RetryAt is the earliest moment the provider named for another try, if it named one.
		RetryAt *time.Time
	}

	// PlaceRefused: the provider will not take this call, ever.
	PlaceRefused struct {
		CallID uuid.UUID
		Error  string
		// Invalid marks a refusal of the content (a number, a payload) rather than of the account.
		Invalid bool
		// Account marks a refusal that every call of the shop would meet: credits, keys, assistant.
		Account string
	}

	// PlaceUncertain: the request may or may not have reached the provider.
	PlaceUncertain struct {
		CallID uuid.UUID
		Error  string
	}

	// CallReported: the provider told of the call.
	CallReported struct {
		CallID uuid.UUID
		Report Report
		// Digest identifies the message; a message whose digest the call already holds changes nothing.
		Digest []byte
	}

	// AbortAnswered: the provider answered our wish to abort, or could not be asked.
	AbortAnswered struct {
		CallID uuid.UUID
		// Accepted is true when the provider stopped the call.
		Accepted bool
		// GaveUp is true when the provider could not be reached at all.
		GaveUp bool
		Error  string
	}

	// CallSilent: the call's watch came.
	CallSilent struct{ CallID uuid.UUID }

	// OptOut: the customer asked never to be called, by whatever way.
	OptOut struct {
		// Source is where it came from: call, shopify, api, dashboard.
		Source string
	}

	// ConsentChanged: a consent was given or withdrawn outside a checkout. Nil fields are unchanged.
	ConsentChanged struct {
		Marketing *bool
		SMS       *bool
		SMSPhone  string
	}

	// ShopPaused: calling was halted for the shop.
	ShopPaused struct {
		// Breaker is true when the shop paused itself.
		Breaker bool
	}

	// ShopResumed: calling was allowed again.
	ShopResumed struct{}

	// AppUninstalled: the merchant removed the app.
	AppUninstalled struct{}

	// OperatorCancelled: an operator stopped this cart.
	OperatorCancelled struct{}

	// OperatorCalled: an operator asked for a call as soon as it is permitted.
	OperatorCalled struct{}

	// NewerCart: the same person was active on a newer cart.
	NewerCart struct{}

	// Erased: personal data must go.
	Erased struct{}
)

// How a checkout became known.
const (
	ViaWebhook = "webhook"
	// ViaReconcile: we asked, because its webhook may never come.
	ViaReconcile = "reconcile"
)

// Name implements Event.
func (CheckoutSeen) Name() string      { return "checkout" }
func (CheckoutDeleted) Name() string   { return "checkout_deleted" }
func (OrderSeen) Name() string         { return "order" }
func (Woken) Name() string             { return "wake" }
func (LineFree) Name() string          { return "line_free" }
func (SendBegun) Name() string         { return "call.sending" }
func (PlaceAccepted) Name() string     { return "call.placed" }
func (PlaceFailed) Name() string       { return "call.not_placed" }
func (PlaceRefused) Name() string      { return "call.refused" }
func (PlaceUncertain) Name() string    { return "call.uncertain" }
func (e CallReported) Name() string    { return "call." + string(e.Report.Kind) }
func (AbortAnswered) Name() string     { return "call.abort_answered" }
func (CallSilent) Name() string        { return "call.silent" }
func (OptOut) Name() string            { return "opt_out" }
func (ConsentChanged) Name() string    { return "consent" }
func (ShopPaused) Name() string        { return "shop_paused" }
func (ShopResumed) Name() string       { return "shop_resumed" }
func (AppUninstalled) Name() string    { return "uninstalled" }
func (OperatorCancelled) Name() string { return "operator_cancel" }
func (OperatorCalled) Name() string    { return "operator_call" }
func (NewerCart) Name() string         { return "newer_cart" }
func (Erased) Name() string            { return "erased" }

func (CheckoutSeen) event()      {}
func (CheckoutDeleted) event()   {}
func (OrderSeen) event()         {}
func (Woken) event()             {}
func (LineFree) event()          {}
func (SendBegun) event()         {}
func (PlaceAccepted) event()     {}
func (PlaceFailed) event()       {}
func (PlaceRefused) event()      {}
func (PlaceUncertain) event()    {}
func (CallReported) event()      {}
func (AbortAnswered) event()     {}
func (CallSilent) event()        {}
func (OptOut) event()            {}
func (ConsentChanged) event()    {}
func (ShopPaused) event()        {}
func (ShopResumed) event()       {}
func (AppUninstalled) event()    {}
func (OperatorCancelled) event() {}
func (OperatorCalled) event()    {}
func (NewerCart) event()         {}
func (Erased) event()            {}

// Match says what tied an order to a cart, strongest first.
type Match string

// The ways in which an order finds its cart.
const (
	// MatchCode: the order used the single-use code that a call to this cart gave.
	MatchCode     Match = "discount_code"
	MatchCheckout Match = "checkout_token"
	MatchCart     Match = "cart_token"
	MatchCustomer Match = "customer"
	MatchEmail    Match = "email"
	MatchPhone    Match = "phone"
	// MatchLinked: another cart or order of the person ties the two together.
	MatchLinked Match = "linked"
)

// Basis says in plain words which order it was and what ties it to the cart, without personal data: "order #1003 under the account's
// email".
func (e OrderSeen) Basis() string {
	order := "an order"
	if e.Order.Name != "" {
		order = "order " + e.Order.Name
	}
	switch e.Match {
	case MatchCode:
		return order + " with the code that a call gave"
	case MatchCheckout:
		return order + " of this checkout"
	case MatchCart:
		return order + " of the same cart at the shop"
	case MatchCustomer:
		return order + " under " + cmp.Or(e.Under, "the customer account")
	case MatchEmail:
		return order + " under " + cmp.Or(e.Under, "an email told before")
	case MatchPhone:
		return order + " under " + cmp.Or(e.Under, "a number told before")
	case MatchLinked:
		return order + " under another name of the same person"
	}
	return order
}

// ReportKind is what a provider can tell of a call, in our words.
type ReportKind string

// The kinds of report.
const (
	ReportRinging     ReportKind = "ringing"
	ReportTalking     ReportKind = "talking"
	ReportHungUp      ReportKind = "hung_up"
	ReportRecorded    ReportKind = "recorded"
	ReportAnalysed    ReportKind = "analysed"
	ReportFinished    ReportKind = "finished"
	ReportTimeout     ReportKind = "timeout"
	ReportNoAnswer    ReportKind = "no_answer"
	ReportBusy        ReportKind = "busy"
	ReportFailed      ReportKind = "failed"
	ReportInvalid     ReportKind = "invalid"
	ReportSkipped     ReportKind = "skipped"
	ReportRescheduled ReportKind = "rescheduled"
	ReportAborted     ReportKind = "aborted"
	// ReportAction: the agent did or wants something done for the customer (see Report.Action).
	ReportAction ReportKind = "action"
	// ReportOther: a type we do not know; kept and harmless.
	ReportOther ReportKind = "other"
)

// Report is what a provider told of a call, made regular. Absent values are zero.
type Report struct {
	Kind ReportKind
	// ProviderType is the provider's own name of the event.
	ProviderType string
	// ProviderCallID is the provider's id of the call, when it was told.
	ProviderCallID string
	At             time.Time

	DurationSeconds *int
	Summary         string
	RecordingURL    string
	RequiredActions []string
	Insights        Insights
	// CallbackUnread is true when the customer asked for a callback at a time that could not be read.
	CallbackUnread bool
	CreditsUsed    *decimal.Decimal
	// CreditsLeft is the account's remaining balance, when told.
	CreditsLeft *decimal.Decimal
	// Redials is how often the provider says that it dialled again, told at the end; 0 when not told.
	Redials int
	// FinalStatus is the provider's last word on the call (ReportFinished only), as an outcome; "" when not told.
	FinalStatus Outcome
	// Action and ActionReason describe a ReportAction.
	Action       string
	ActionReason string
	// ActionPayload is what the provider sent along with a ReportAction, as JSON; nil when there was nothing.
	ActionPayload json.RawMessage
}
