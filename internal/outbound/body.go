package outbound

import (
	"encoding/json"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Version is the version of the data's form. Fields may be added to a version; none is taken away or changed.
const Version = 1

// Body is what is sent: the body that the Standard Webhooks specification recommends.
type Body struct {
	Type Type `json:"type"`
	// Timestamp is when the event happened, in UTC.
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Data is what an event tells. Absent values are null. schema.json documents every field.
type Data struct {
	Version int `json:"version"`
	// Sequence numbers the events of a cart, or of a shop, in their order, from 1.
	Sequence int    `json:"sequence"`
	Shop     string `json:"shop"`
	// Test marks an event that an operator sent to try an endpoint. Its values are made up.
	Test bool `json:"test"`

	CartID        *uuid.UUID        `json:"cart_id"`
	CheckoutToken *string           `json:"checkout_token"`
	State         *cart.State       `json:"state"`
	Reason        *string           `json:"reason"`
	Attribution   *cart.Attribution `json:"attribution"`
	Attempts      *int              `json:"attempts"`
	WakeAt        *time.Time        `json:"wake_at"`
	// Total is a decimal string.
	Total    *string `json:"total"`
	Currency *string `json:"currency"`

	CustomerName *string `json:"customer_name"`
	// Phone is in E.164.
	Phone *string `json:"phone"`
	Email *string `json:"email"`
	// RecoveryURL leads the customer back to the cart, with the offer's code applied.
	RecoveryURL *string    `json:"recovery_url"`
	Offer       *Offer     `json:"offer"`
	Order       *OrderData `json:"order"`

	CallID          *uuid.UUID     `json:"call_id"`
	Attempt         *int           `json:"attempt"`
	Outcome         *cart.Outcome  `json:"outcome"`
	Provider        *string        `json:"provider"`
	ProviderCallID  *string        `json:"provider_call_id"`
	PlacedAt        *time.Time     `json:"placed_at"`
	AnsweredAt      *time.Time     `json:"answered_at"`
	EndedAt         *time.Time     `json:"ended_at"`
	DurationSeconds *int           `json:"duration_seconds"`
	Summary         *string        `json:"summary"`
	RecordingURL    *string        `json:"recording_url"`
	RequiredActions []string       `json:"required_actions"`
	Insights        *cart.Insights `json:"insights"`
	// Action is the provider's message about what the agent did, as it came.
	Action json.RawMessage `json:"action"`

	// Source is where an opt-out came from, or who paused or resumed the shop.
	Source *string `json:"source"`
	// Until is when a breaker closes by itself.
	Until *time.Time `json:"until"`
}

// Offer is the discount that goes out with a call.
type Offer struct {
	Code        string          `json:"code"`
	Description string          `json:"description"`
	Value       decimal.Decimal `json:"value"`
	// Type is "percentage" or "fixed".
	Type string `json:"type"`
}

// OrderData is the order of a purchase.
type OrderData struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Total    decimal.Decimal `json:"total"`
	Currency string          `json:"currency"`
}

// Told is an event that was made, with its place among those of its cart or shop.
type Told struct {
	Event
	Shop     string
	At       time.Time
	Sequence int
}

// OfCart is the body of an event about a cart, as the cart is now. action is the provider's message that a CallAction
// comes from; nil when it is not kept any more.
func OfCart(t Told, c *cart.Cart, utm policy.UTM, action json.RawMessage) Body {
	d := head(t)
	d.CartID, d.CheckoutToken = &c.ID, orNull(c.Token)
	d.Attempts, d.WakeAt = &t.Facts.Attempts, t.Facts.WakeAt
	total := c.Checkout.Total.String()
	d.Total, d.Currency = &total, orNull(c.Checkout.Currency)
	d.CustomerName, d.Phone, d.Email = orNull(c.Checkout.CustomerName()), orNull(c.Phone), orNull(c.Checkout.KnownEmail())
	call := c.Call(t.CallID)
	offer := offerOf(c, call)
	if c.Checkout.URL != "" {
		d.RecoveryURL = orNull(policy.Link(c.Checkout.URL, offer, utm))
	}
	if offer != nil {
		d.Offer = &Offer{Code: offer.Code, Description: offer.Description, Value: offer.Value, Type: offer.Type}
	}
	if c.Order != nil {
		d.Order = &OrderData{ID: c.Order.ID, Name: c.Order.Name, Total: c.Order.Total, Currency: c.Order.Currency}
	}
	if call != nil {
		d.ofCall(call)
	}
	d.Action = action
	return Body{Type: t.Type, Timestamp: t.At, Data: d}
}

// offerOf is the offer that the customer has: the one that went out with the call that an event is about, else with the
// newest call; nil when there was none, or its code was erased.
func offerOf(c *cart.Cart, call *cart.Call) *cart.Offer {
	if call == nil {
		call = c.LastDialled()
	}
	if call == nil || call.Offer == nil || call.Offer.Code == "" {
		return nil
	}
	return call.Offer
}

func (d *Data) ofCall(call *cart.Call) {
	d.CallID, d.Attempt = &call.ID, &call.Attempt
	d.Provider, d.ProviderCallID = orNull(call.Provider), orNull(call.ProviderCallID)
	d.PlacedAt, d.AnsweredAt, d.EndedAt = call.PlacedAt, call.AnsweredAt, call.EndedAt
	d.DurationSeconds = call.DurationSeconds
	d.Summary, d.RecordingURL = orNull(call.Summary), orNull(call.RecordingURL)
	d.RequiredActions = call.RequiredActions
	insights := call.Insights
	d.Insights = &insights
}

// OfWholeShop is the body of an event about a shop. until is when a breaker closes by itself; nil when it does not.
func OfWholeShop(t Told, until *time.Time) Body {
	d := head(t)
	d.Until = until
	if t.Facts.Why != "" {
		d.Reason = &t.Facts.Why
	}
	return Body{Type: t.Type, Timestamp: t.At, Data: d}
}

// head is what every event tells.
func head(t Told) Data {
	return Data{
		Version: Version, Sequence: t.Sequence, Shop: t.Shop, Test: t.Facts.Test,
		State: orNull(t.Facts.State), Reason: orNull(string(t.Facts.Reason)), Attribution: orNull(t.Facts.Attribution),
		Outcome: orNull(t.Facts.Outcome), Source: orNull(t.Facts.Source),
	}
}

// orNull gives nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
