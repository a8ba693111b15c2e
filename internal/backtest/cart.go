// Package backtest decides carts of the past anew, under rules that need not be the ones that were in force, and says what would have
// come of it. No call is made and nothing is stored: it is pure, and the same carts, rules and moment give the same report.
//
// # How a cart is replayed
//
// A cart is looked at when it was first known with its last touch, and again whenever the decision says so, until it is called,
// stopped or only watched. Carts are replayed together, in the order of time, so that caps bind: a call that is made counts against the
// next one to the same phone, and to the same shop where the rules count those.
//
//	begin ──▶ Decide ──▶ wait ──▶ Decide ──▶ … ──▶ call ──▶ the recorded end of that attempt ──▶ Decide ──▶ …
//	             │                    │               │
//	             └▶ watch, stop       └▶ stop         └▶ no such attempt is on record: the replay ends with the call
//
// What the history cannot tell is taken in the plainest way: purchases, opt-outs of suppression lists and deletions stay when they were;
// the n-th call ends as the n-th recorded one did, after as long a time; a shop is never paused, and a line is always free.
package backtest

import (
	"bytes"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Cart is what is on record of one cart.
type Cart struct {
	ID uuid.UUID
	// Shop is the *.myshopify.com domain.
	Shop string
	// Checkout is the newest version of the checkout.
	Checkout cart.Checkout
	// Phones are the numbers that the cart would be called at, as ReadPhones tells: under the policy that is tried and under the one
	// that it is compared with.
	Phones [2]policy.Phone
	// KnownAt is when the checkout was first heard of; nothing is decided before.
	KnownAt time.Time
	// TouchedAt is when the customer last touched the checkout before they were called or bought, as far as that is known.
	TouchedAt time.Time
	// BoughtAt is when the customer bought this cart; nil when they did not.
	BoughtAt *time.Time
	// Order is what they bought, as far as it is known.
	Order Order
	// OrderedAt is when the customer first bought otherwise after they had begun this checkout; nil when they did not.
	OrderedAt *time.Time
	// Ended is what ended the cart from outside; nil when nothing did.
	Ended *Ending
	// Suppressions are those of the cart's numbers and email, also those that came after it.
	Suppressions []Suppression
	// Calls are the recorded attempts that were dialled, oldest first.
	Calls []Attempt
	// Dials are all calls to the cart's numbers that were made for carts outside of the backtest, a redial being one of its own.
	Dials []Dial
	// Erased is true when personal data is gone: what the rules would look at is no longer known.
	Erased bool
}

// Order is what an offer's cost is reckoned by.
type Order struct {
	Codes []string
	Total decimal.Decimal
}

// Ending is the end of a cart that no rule of the policy led to: an operator stopped it, the shop deleted the checkout, the merchant
// removed the app.
type Ending struct {
	At     time.Time
	Reason cart.Reason
}

// Suppression keeps a phone, or with Phone empty whoever has the cart's email, from being called from At on.
type Suppression struct {
	// Phone is E.164.
	Phone string
	// All is true for every shop, false for the cart's.
	All bool
	At  time.Time
}

// Dial is a call to a phone that was made for another cart.
type Dial struct {
	// Phone is E.164.
	Phone string
	policy.Dial
}

// Attempt is how a recorded call went.
type Attempt struct {
	Outcome cart.Outcome
	// Took is the time from the request to the end of the call.
	Took time.Duration
	// EndedAt is when it ended; a callback that was asked for is reckoned from it.
	EndedAt  time.Time
	Answered bool
	// Dials is how often the phone rang, redials of the provider's included.
	Dials    int
	Insights cart.Insights
}

// begins is when the cart is first looked at.
func (c *Cart) begins() time.Time {
	if c.TouchedAt.After(c.KnownAt) {
		return c.TouchedAt
	}
	return c.KnownAt
}

// newer reports whether the customer touched this cart later than the other one. Carts that were touched at once go by their ids.
func (c *Cart) newer(other *Cart) bool {
	if !c.TouchedAt.Equal(other.TouchedAt) {
		return c.TouchedAt.After(other.TouchedAt)
	}
	return bytes.Compare(c.ID[:], other.ID[:]) > 0
}

// over tells what ended the cart by now, apart from its rules.
func (c *Cart) over(now time.Time) (Ending, bool) {
	if c.BoughtAt != nil && !c.BoughtAt.After(now) {
		return Ending{*c.BoughtAt, cart.Ordered}, true
	}
	if c.Ended != nil && !c.Ended.At.After(now) {
		return *c.Ended, true
	}
	return Ending{}, false
}

// Policy holds the rules of every shop by its *.myshopify.com domain. Shops that are missing are not decided.
type Policy map[string]Store

// Store is what one shop has laid down.
type Store struct {
	// Rules must be compiled.
	Rules *policy.Rules
	// Country is the store's, the last resort for reading a phone number.
	Country string
	// Location is the store's zone, by which calls are counted by the hour; nil means UTC.
	Location *time.Location
}

// linked reports whether some rule counts what a whole shop did, so that its carts cannot be replayed apart.
func (p Policy) linked() bool {
	for _, s := range p {
		if s.Rules.Caps.DailyCalls > 0 || s.Rules.OfferBudget.Monthly != nil {
			return true
		}
	}
	return false
}

// memory is how long a call to a phone may matter.
func (p Policy) memory() time.Duration {
	var longest time.Duration
	for _, s := range p {
		longest = max(longest, policy.LongestCap(s.Rules), s.Rules.OfferCooldown)
	}
	return longest
}

// ReadPhones gives the numbers that a shop's checkout would be called at under the policy that is tried and under the other one, which
// may be nil: the basis of consent and the store's country bear on which it is.
func ReadPhones(shop string, c cart.Checkout, tried, against Policy) (phones [2]policy.Phone) {
	a, isA := tried[shop]
	b, isB := against[shop]
	if isA {
		phones[0] = policy.ReadPhone(c, a.Rules, a.Country)
	}
	switch {
	case !isB:
	case isA && a.Country == b.Country && (a.Rules.Consent == policy.ConsentSMS) == (b.Rules.Consent == policy.ConsentSMS):
		phones[1] = phones[0]
	default:
		phones[1] = policy.ReadPhone(c, b.Rules, b.Country)
	}
	return phones
}
