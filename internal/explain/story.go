// Package explain tells one cart's story from its ledger: whose cart it is, what happened to it and why, and what
// happens next. The package is pure: it reads no clock, file or database. Package program reads the cart and its
// ledger.
package explain

import (
	"time"

	"ringback/internal/cart"
	"ringback/internal/wording"

	"github.com/google/uuid"
)

// Options say how a story is told.
type Options struct {
	// Location is the store's zone, in which times are told; nil means UTC.
	Location *time.Location
	// Now is the moment of the telling.
	Now time.Time
	// Full tells the whole phone number, the email and what was said in the calls; otherwise the number is masked and the
	// rest left out.
	Full bool
}

// Story is a cart with everything that led to where it stands. As JSON absent values are null, instants RFC 3339 in the
// store's zone, money decimal strings in Currency.
type Story struct {
	ID            uuid.UUID `json:"id"`
	Shop          string    `json:"shop"`
	CheckoutToken string    `json:"checkout_token"`
	// Timezone is the IANA name of the zone that the story's times are in.
	Timezone string `json:"timezone"`
	// Erased is true when the customer's personal data was removed.
	Erased   bool     `json:"erased"`
	Customer Customer `json:"customer"`
	Items    []Item   `json:"items"`
	Total    string   `json:"total"`
	Currency *string  `json:"currency"`

	State       cart.State        `json:"state"`
	Reason      cart.Reason       `json:"reason"`
	Attribution *cart.Attribution `json:"attribution"`
	// Says is the reason as a sentence.
	Says string `json:"says"`

	Ledger []Entry `json:"ledger"`
	Calls  []Call  `json:"calls"`
	// Next says what happens next, as sentences; NextAt is when, null when that is open or never.
	Next   string     `json:"next"`
	NextAt *time.Time `json:"next_at"`
}

// Customer is who the story is about.
type Customer struct {
	Name *string `json:"name"`
	// Phone is masked, as "+91••••••••10", unless the story is a full one.
	Phone *string `json:"phone"`
	// PhoneFrom names the field of the checkout that the number was read from, Country the number's country (ISO 3166-1
	// alpha-2).
	PhoneFrom *string `json:"phone_from"`
	Country   *string `json:"country"`
	// Email is told in a full story only.
	Email *string `json:"email"`
	Arm   *string `json:"holdout_arm"`
}

// Item is one line of the cart.
type Item struct {
	Title    string `json:"title"`
	Quantity int    `json:"quantity"`
}

// Entry is one line of the ledger.
type Entry struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	// Says is the event in plain words.
	Says string `json:"says"`
	// Attempt is the number of the call that the event was about.
	Attempt *int        `json:"attempt"`
	From    *cart.State `json:"from"`
	To      cart.State  `json:"to"`
	Reason  cart.Reason `json:"reason"`
	// Because is the reason as a sentence.
	Because string      `json:"because"`
	Trace   []cart.Step `json:"trace"`
}

// Call is one attempt.
type Call struct {
	ID       uuid.UUID      `json:"id"`
	Attempt  int            `json:"attempt"`
	State    cart.CallState `json:"state"`
	Outcome  *cart.Outcome  `json:"outcome"`
	Provider string         `json:"provider"`
	// Says tells where the call stands or how it ended.
	Says string `json:"says"`
	// At is when the request went out, or else when the attempt was recorded.
	At              time.Time  `json:"at"`
	AnsweredAt      *time.Time `json:"answered_at"`
	ClosedAt        *time.Time `json:"closed_at"`
	DurationSeconds *int       `json:"duration_seconds"`
	Dials           int        `json:"dials"`
	Priority        bool       `json:"priority"`
	Offer           *string    `json:"offer"`
	// OfferFate is sent, unmentioned, mentioned or accepted.
	OfferFate *cart.OfferFate `json:"offer_fate"`
	// AbandonReason is why the customer left the cart behind, such as shipping_cost.
	AbandonReason *string `json:"abandon_reason"`
	// Consent says what permitted the call, and how that is known.
	Consent *string `json:"consent"`
	// Heard is what the call's analysis found: opted_out, declined, interested, callback.
	Heard []string `json:"heard"`
	// Summary and RecordingURL are told in a full story only.
	Summary      *string `json:"summary"`
	RecordingURL *string `json:"recording_url"`
}

// Tell makes the story of a cart, with its calls, from its ledger, oldest entry first.
func Tell(c *cart.Cart, ledger []cart.Entry, o Options) Story {
	if o.Location == nil {
		o.Location = time.UTC
	}
	s := Story{
		ID: c.ID, Shop: c.Shop, CheckoutToken: c.Token, Timezone: o.Location.String(), Erased: c.ErasedAt != nil,
		Customer: o.customer(c), Items: make([]Item, len(c.Checkout.Items)),
		Total: wording.Amount(c.Checkout.Total, c.Checkout.Currency), Currency: orNull(c.Checkout.Currency),
		State: c.State, Reason: c.Reason, Attribution: orNull(c.Attribution), Says: wording.ReasonSentence(c.Reason),
		Ledger: make([]Entry, len(ledger)), Calls: make([]Call, len(c.Calls)),
	}
	for i, item := range c.Checkout.Items {
		s.Items[i] = Item{Title: item.Title, Quantity: item.Quantity}
		if item.VariantTitle != "" {
			s.Items[i].Title += ", " + item.VariantTitle
		}
	}
	for i, e := range ledger {
		s.Ledger[i] = o.entry(c, e)
	}
	for i := range c.Calls {
		s.Calls[i] = o.call(&c.Calls[i], c.Checkout.Currency)
	}
	s.Next, s.NextAt = o.next(c)
	return s
}

func (o Options) customer(c *cart.Cart) Customer {
	who := Customer{
		Name: orNull(c.Checkout.CustomerName()), Phone: orNull(wording.Masked(c.Phone)), PhoneFrom: orNull(c.PhoneFrom),
		Country: orNull(c.Country), Arm: orNull(string(c.Arm)),
	}
	if o.Full {
		who.Phone, who.Email = orNull(c.Phone), orNull(c.Checkout.KnownEmail())
	}
	return who
}

func (o Options) entry(c *cart.Cart, e cart.Entry) Entry {
	told := Entry{
		At: e.At.In(o.Location), Event: e.Event, Says: wording.Event(e.Event), From: orNull(e.From), To: e.To, Reason: e.Reason,
		Because: wording.ReasonSentence(e.Reason), Trace: e.Trace,
	}
	if told.Trace == nil {
		told.Trace = []cart.Step{}
	}
	if e.CallID != nil {
		if call := c.Call(*e.CallID); call != nil {
			told.Attempt = &call.Attempt
		}
	}
	return told
}

func (o Options) call(c *cart.Call, currency string) Call {
	told := Call{
		ID: c.ID, Attempt: c.Attempt, State: c.State, Outcome: orNull(c.Outcome), Provider: c.Provider, Says: wording.Call(c),
		At: c.CreatedAt.In(o.Location), AnsweredAt: o.local(c.AnsweredAt), ClosedAt: o.local(c.ClosedAt),
		DurationSeconds: c.DurationSeconds, Dials: c.Dials, Priority: c.Priority, Offer: orNull(wording.Offer(c.Offer, currency)),
		OfferFate: orNull(c.OfferFate), AbandonReason: orNull(c.AbandonReason), Heard: wording.Insights(c.Insights),
	}
	if c.SentAt != nil {
		told.At = c.SentAt.In(o.Location)
	}
	if c.Consent != nil {
		said := wording.Consent(c.Consent, o.Location)
		told.Consent = &said
	}
	if o.Full {
		told.Summary, told.RecordingURL = orNull(c.Summary), orNull(c.RecordingURL)
	}
	return told
}

func (o Options) local(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	local := at.In(o.Location)
	return &local
}

// orNull makes null of what is absent.
func orNull[T ~string](value T) *T {
	if value == "" {
		return nil
	}
	return &value
}
