package cart

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// State says where a cart stands.
// The diagram in doc.go shows which state may follow which.
type State string

// The states of a cart.
const (
	// Watching carts cannot be called as they are. Each update of the checkout is checked again.
	Watching State = "watching"
	// Waiting carts are checked again at Cart.WakeAt.
	Waiting State = "waiting"
	// Ready carts may be called now, and wait for a line.
	Ready State = "ready"
	// Calling carts have exactly one call under way.
	Calling State = "calling"
	// Purchased is final: the customer bought.
	Purchased State = "purchased"
	// Stopped carts are never called again. An order still makes them Purchased.
	Stopped State = "stopped"
)

// States lists every state, in the order in which pages and metrics show them.
func States() []State {
	return []State{Watching, Waiting, Ready, Calling, Purchased, Stopped}
}

// Valid reports whether s is one of the known states.
func (s State) Valid() bool {
	switch s {
	case Watching, Waiting, Ready, Calling, Purchased, Stopped:
		return true
	}
	return false
}

// Settled reports whether a cart in this state is never called again.
func (s State) Settled() bool { return s == Purchased || s == Stopped }

// Attribution says what a purchase is credited to.
type Attribution string

// The attributions of a purchase.
const (
	// ByCall: bought within the store's attribution window after a call was answered.
	ByCall Attribution = "call"
	// ByOffer: bought with the code that went out with a call.
	ByOffer Attribution = "offer"
	// Organic: bought without a call or an offer of ours.
	Organic Attribution = "organic"
)

// Arm is the side of the store's holdout experiment that a cart's customer is on.
type Arm string

// The arms of the holdout. The zero value means that none was drawn, because no other rule agreed to a call yet.
const (
	ArmCall    Arm = "call"
	ArmHoldout Arm = "holdout"
)

// Cart is our record of one checkout and of all that is done to win it back. Instants are UTC; nil means "not set".
type Cart struct {
	// ID is a UUIDv7 of ours.
	ID uuid.UUID
	// Shop is the *.myshopify.com domain.
	Shop string
	// Token is the checkout's token; with Shop it is the cart's natural key.
	Token string

	State  State
	Reason Reason

	// Checkout is the newest version of the checkout.
	Checkout Checkout

	// Phone is the number that would be called, in E.164; empty when there is none.
	Phone string
	// PhoneFrom names the field of the checkout that Phone was read from.
	PhoneFrom string
	// Country is the ISO 3166-1 alpha-2 region of Phone.
	Country string

	// LastActivityAt is when the customer last touched the checkout.
	LastActivityAt time.Time
	// WakeAt is when a waiting cart is checked again.
	WakeAt *time.Time
	// ReadyAt is when a ready cart began to wait for a line.
	ReadyAt *time.Time
	// CallbackAt is the time at which the customer asked to be called back.
	CallbackAt *time.Time

	// Forced is true when an operator asked for the next call.
	Forced bool

	// Attempts counts the calls that were or may have been dialled.
	Attempts int
	// Updates counts the versions of the checkout that were stored.
	Updates int

	Arm         Arm
	Attribution Attribution
	// Order is the purchase, once it is known. A checkout may be completed before its order comes.
	Order       *Order
	PurchasedAt *time.Time

	// Calls are the cart's attempts, oldest first.
	Calls []Call

	CreatedAt time.Time
	UpdatedAt time.Time
	// ErasedAt is when personal data was removed from this cart.
	ErasedAt *time.Time
}

// Call returns the call with the given id, or nil.
func (c *Cart) Call(id uuid.UUID) *Call {
	for i := range c.Calls {
		if c.Calls[i].ID == id {
			return &c.Calls[i]
		}
	}
	return nil
}

// OpenCall returns the call that is under way, or nil.
func (c *Cart) OpenCall() *Call {
	for i := range c.Calls {
		if c.Calls[i].State.Open() {
			return &c.Calls[i]
		}
	}
	return nil
}

// LastDialled returns the newest call that was or may have been dialled, or nil.
func (c *Cart) LastDialled() *Call {
	for i := len(c.Calls) - 1; i >= 0; i-- {
		if c.Calls[i].Dialled() {
			return &c.Calls[i]
		}
	}
	return nil
}

// NextAttempt is the number of the attempt that would be made now, from 1.
// Only attempts that were or may have been dialled count.
func (c *Cart) NextAttempt() int { return c.Attempts + 1 }

// Order is a purchase in the shop.
type Order struct {
	// ID is Shopify's numeric order id.
	ID string `json:"id"`
	// Name is what the merchant calls it, such as "#1017".
	Name string `json:"name,omitempty"`
	// CheckoutToken and CartToken tie the order to its checkout; either may be empty.
	CheckoutToken string `json:"checkout_token,omitempty"`
	CartToken     string `json:"cart_token,omitempty"`
	CustomerID    string `json:"customer_id,omitempty"`
	Email         string `json:"email,omitempty"`
	// Emails are the other addresses found on the order and on its customer's account, each once.
	Emails []string `json:"emails,omitempty"`
	// Phones are the numbers found on the order, as typed.
	Phones []RawPhone `json:"phones,omitempty"`
	// Country is the shipping, else the billing country (ISO alpha-2).
	Country  string          `json:"country,omitempty"`
	Total    decimal.Decimal `json:"total"`
	Currency string          `json:"currency,omitempty"`
	// Codes are the discount codes that the order used, as typed.
	Codes []string `json:"codes,omitempty"`
	// CreatedAt is when the customer bought; UpdatedAt orders the events about it.
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// SourceName is where the order came from, such as web or subscription_contract.
	SourceName string `json:"source_name,omitempty"`
	// Test marks an order made with a test gateway.
	Test bool `json:"test,omitempty"`
	// CancelledAt is set when the order was cancelled.
	CancelledAt *time.Time `json:"cancelled_at,omitempty"`
	// CashOnDelivery is true when the order is paid at the door, by its payment gateway.
	CashOnDelivery bool `json:"cash_on_delivery,omitempty"`
	// Presented is the total in the customer's currency; nil when that is the order's own.
	Presented *Amount `json:"presented,omitempty"`
	// CurrentTotal is the total after edits, returns and refunds; RefundedTotal is what was refunded. Nil when not told.
	CurrentTotal  *decimal.Decimal `json:"current_total,omitempty"`
	RefundedTotal *decimal.Decimal `json:"refunded_total,omitempty"`
	// Refunds are the refunds that are known, each once.
	Refunds []Refund `json:"refunds,omitempty"`
	// Refunded and Cancelled are how much of Total did not stay; see Settle. The database sums them up.
	Refunded  decimal.Decimal `json:"refunded,omitzero"`
	Cancelled decimal.Decimal `json:"cancelled,omitzero"`
}

// Checkout returns the names of the checkout that the order was made of, as far as the order tells them.
func (o Order) Checkout() Ref { return Ref{Token: o.CheckoutToken, CartToken: o.CartToken} }

// OwnCartOnly reports whether the order concerns only the cart that it names by a token or a code, and no other cart of
// the same person. That is so for a test, and for a subscription that renewed by itself.
func (o Order) OwnCartOnly() bool {
	source := strings.ToLower(strings.TrimSpace(o.SourceName))
	return o.Test || strings.HasPrefix(source, "subscription_contract")
}
