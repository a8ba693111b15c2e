package cart

import "time"

// Consent is the proof of what permitted a call: what the customer agreed to, where, and when. It holds no personal
// data.
type Consent struct {
	// Basis is the store's basis that held, such as attribute:call_me.
	Basis string `json:"basis"`
	// Value is what was found there, such as yes or subscribed; "" when the store requires none.
	Value string `json:"value,omitempty"`
	// Proves is what the store says that its text there proves: ProvesVoice, or "" for no more than marketing.
	Proves string `json:"proves,omitempty"`
	// At is when it was given, UTC; nil when nobody knows. Where Shopify does not say, it is when the checkout first
	// had it.
	At *time.Time `json:"at,omitempty"`
	// Source is where it was given: FromCheckout, FromCustomer, or "" when the store requires none.
	Source string `json:"source,omitempty"`
	// OptIn is Shopify's opt-in level, such as single_opt_in or confirmed_opt_in; "" when unknown.
	OptIn string `json:"opt_in,omitempty"`
	// TextVersion is the version of the store's text that the customer saw; "" when the store names none.
	TextVersion string `json:"text_version,omitempty"`
	// Weaker is true when the law wants more, and the store accepts less in writing.
	Weaker bool `json:"weaker,omitempty"`
}

// ProvesVoice is what a consent proves whose text names automated or AI voice calls.
const ProvesVoice = "voice"

// Where a consent was given.
const (
	FromCheckout = "checkout"
	FromCustomer = "customer"
)

// ConsentRecord is what Shopify says of a marketing consent, besides whether it stands. The zero value says nothing.
type ConsentRecord struct {
	// At is when it was given or withdrawn, UTC.
	At time.Time `json:"at,omitzero"`
	// OptIn is the opt-in level in lower case, such as single_opt_in.
	OptIn string `json:"opt_in,omitempty"`
	// Source is FromCustomer when the customer's record says so, and "" when the checkout does.
	Source string `json:"source,omitempty"`
}

func (r ConsentRecord) equal(o ConsentRecord) bool {
	return r.At.Equal(o.At) && r.OptIn == o.OptIn && r.Source == o.Source
}

func (c *Consent) equal(o *Consent) bool {
	return c.Basis == o.Basis && c.Value == o.Value && c.Proves == o.Proves && sameInstant(c.At, o.At) &&
		c.Source == o.Source && c.OptIn == o.OptIn && c.TextVersion == o.TextVersion && c.Weaker == o.Weaker
}

// Metafield is a value that the store keeps of a customer.
type Metafield struct {
	Value string `json:"value"`
	// At is when it was last changed, UTC; zero when unknown.
	At time.Time `json:"at,omitzero"`
}

func (m Metafield) equal(o Metafield) bool { return m.Value == o.Value && m.At.Equal(o.At) }
