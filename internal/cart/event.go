package cart

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Event is something that happened to a cart. Every change of a cart is one of these, given to lifecycle.Apply. The
// set is closed: the linter finds a switch that forgets one.
//
//sumtype:decl
type Event interface {
	// Name is the event's name in the ledger.
	Name() string
	event()
}

type (
	// CheckoutSeen: Shopify sent a version of the checkout, by webhook or because we asked.
	CheckoutSeen struct {
		Checkout Checkout
		// Via is ViaWebhook or ViaReconcile.
		Via string
		// Skipped counts older versions that came shortly before and told nothing else of the customer: they count as seen.
		Skipped int
	}

	// CheckoutDeleted: the shop deleted the checkout.
	CheckoutDeleted struct{}

	// OrderSeen: the customer bought.
	OrderSeen struct {
		Order Order
		// Match says what ties the order to this cart.
		Match Match
		// Under says in words which key the order and the cart share, when they were matched by one. It holds no personal
		// data.
		Under string
		// Other is true when the customer bought with another cart. This one stops, and the order is not counted twice.
		Other bool
	}

	// OrderRefunded: money of the cart's order was given back.
	OrderRefunded struct {
		// OrderID is Shopify's numeric id of the order.
		OrderID string
		Refund  Refund
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
		// Offer replaces the discount that was decided; one without a code stands for none. Nil changes nothing.
		Offer *Offer
	}

	// PlaceAccepted: the provider took the call.
	PlaceAccepted struct {
		CallID         uuid.UUID
		ProviderCallID string
	}

	// PlaceFailed: the provider surely did not take the call. It may be tried again.
	PlaceFailed struct {
		CallID uuid.UUID
		Error  string
		// RetryAt is the earliest time for another try that the provider named, if it named one.
		RetryAt *time.Time
	}

	// PlaceThrottled: the provider takes no calls of the account for now. It answered so, or it answered another call so
	// and nothing was sent for this one.
	PlaceThrottled struct{ CallID uuid.UUID }

	// PlaceRefused: the provider will never take this call.
	PlaceRefused struct {
		CallID uuid.UUID
		Error  string
		// Invalid marks a refusal of the content (a number, a payload) rather than of the account.
		Invalid bool
		// Account says why every call of the shop would be refused: credits, keys, assistant. "" when only this one is.
		Account string
	}

	// PlaceUncertain: the request may or may not have reached the provider.
	PlaceUncertain struct {
		CallID uuid.UUID
		Error  string
	}

	// CallReported: a report of the call came from the provider.
	CallReported struct {
		CallID uuid.UUID
		Report Report
		// Digest identifies the message. One that was applied before changes nothing.
		Digest []byte
	}

	// AbortAnswered: the provider answered our request to abort, or could not be reached.
	AbortAnswered struct {
		CallID uuid.UUID
		// Accepted is true when the provider stopped the call.
		Accepted bool
		// GaveUp is true when the provider could not be reached at all.
		GaveUp bool
		Error  string
	}

	// CallSilent: the call's deadline passed without a report.
	CallSilent struct{ CallID uuid.UUID }

	// OptOut: the customer asked never to be called.
	OptOut struct {
		// Source says how: call, shopify, api, dashboard.
		Source string
	}

	// ConsentChanged: a consent was given or withdrawn outside a checkout. Nil fields are unchanged.
	ConsentChanged struct {
		Marketing *bool
		SMS       *bool
		SMSPhone  string
		// MarketingRecord and SMSRecord say when and how. Older news than what the cart knows changes nothing.
		MarketingRecord, SMSRecord ConsentRecord
		// Tags are all tags that the customer has now; nil when they are not told.
		Tags *[]string
		// Metafields are those of the customer's metafields that were told.
		Metafields map[string]Metafield
	}

	// ShopPaused: calling is paused for the shop.
	ShopPaused struct {
		// Breaker is true when the shop paused itself.
		Breaker bool
	}

	// ShopResumed: calling is allowed again.
	ShopResumed struct{}

	// AppUninstalled: the merchant removed the app.
	AppUninstalled struct{}

	// OperatorCancelled: an operator stopped this cart.
	OperatorCancelled struct{}

	// OperatorCalled: an operator asked for a call as soon as it is permitted.
	OperatorCalled struct{}

	// TakenOver: the store's own system cares for the customer from now on.
	TakenOver struct{}

	// NewerCart: the same person is active on a newer cart.
	NewerCart struct{}

	// Erased: personal data must be removed.
	Erased struct{}
)

// How a checkout became known.
const (
	ViaWebhook = "webhook"
	// ViaReconcile: we asked, because the webhook may never come.
	ViaReconcile = "reconcile"
)

// Name implements Event.
func (CheckoutSeen) Name() string      { return "checkout" }
func (CheckoutDeleted) Name() string   { return "checkout_deleted" }
func (OrderSeen) Name() string         { return "order" }
func (OrderRefunded) Name() string     { return "refund" }
func (Woken) Name() string             { return "wake" }
func (LineFree) Name() string          { return "line_free" }
func (SendBegun) Name() string         { return "call.sending" }
func (PlaceAccepted) Name() string     { return "call.placed" }
func (PlaceFailed) Name() string       { return "call.not_placed" }
func (PlaceThrottled) Name() string    { return "call.throttled" }
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
func (TakenOver) Name() string         { return "taken_over" }
func (NewerCart) Name() string         { return "newer_cart" }
func (Erased) Name() string            { return "erased" }

func (CheckoutSeen) event()      {}
func (CheckoutDeleted) event()   {}
func (OrderSeen) event()         {}
func (OrderRefunded) event()     {}
func (Woken) event()             {}
func (LineFree) event()          {}
func (SendBegun) event()         {}
func (PlaceAccepted) event()     {}
func (PlaceFailed) event()       {}
func (PlaceThrottled) event()    {}
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
func (TakenOver) event()         {}
func (NewerCart) event()         {}
func (Erased) event()            {}

// Match says what ties an order to a cart.
type Match string

// The matches, strongest first.
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

// Basis says in words which order it is and what ties it to the cart, without personal data: "order #1003 under the
// account's email".
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

// ReportKind is what a provider can report of a call, in our words.
type ReportKind string

// The kinds of report.
const (
	ReportRinging  ReportKind = "ringing"
	ReportTalking  ReportKind = "talking"
	ReportHungUp   ReportKind = "hung_up"
	ReportRecorded ReportKind = "recorded"
	ReportAnalysed ReportKind = "analysed"
	ReportFinished ReportKind = "finished"
	ReportTimeout  ReportKind = "timeout"
	// ReportVoicemail: a mailbox or another machine answered, and the connection is over.
	ReportVoicemail   ReportKind = "voicemail"
	ReportNoAnswer    ReportKind = "no_answer"
	ReportBusy        ReportKind = "busy"
	ReportFailed      ReportKind = "failed"
	ReportInvalid     ReportKind = "invalid"
	ReportSkipped     ReportKind = "skipped"
	ReportRescheduled ReportKind = "rescheduled"
	ReportAborted     ReportKind = "aborted"
	// ReportAction: the agent did or wants something done for the customer (see Report.Action).
	ReportAction ReportKind = "action"
	// ReportOther: a type that we do not know. It is stored and changes nothing.
	ReportOther ReportKind = "other"
)

// Report is a provider's report of a call, in a regular form. Absent values are zero.
type Report struct {
	Kind ReportKind
	// ProviderType is the provider's own name for the event.
	ProviderType string
	// ProviderCallID is the provider's id of the call, if the report has it.
	ProviderCallID string
	At             time.Time

	DurationSeconds *int
	Summary         string
	RecordingURL    string
	RequiredActions []string
	Insights        Insights
	// Analysis holds all insights, those included that Insights tells.
	Analysis   Analysis
	Transcript string
	// AbandonReason is why the customer left the cart behind, in the words of the analysis.
	AbandonReason string
	// CallbackUnread is true when the customer asked for a callback at a time that could not be read.
	CallbackUnread bool
	CreditsUsed    *decimal.Decimal
	// CreditsLeft is the account's remaining balance; nil when the report has none.
	CreditsLeft *decimal.Decimal
	// Redials is how often the provider redialled, by its own word at the end of the call.
	Redials int
	// FinalStatus is the provider's final status of the call (ReportFinished only), as an outcome; "" for none.
	FinalStatus Outcome
	// Action and ActionReason describe a ReportAction.
	Action       string
	ActionReason string
	// Discount is the code that the agent gave along, by a ReportAction; nil for none, and empty for one without a name.
	Discount *string
	// ActionPayload is the payload of a ReportAction, as JSON; nil for none.
	ActionPayload json.RawMessage
}
