package policy

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Facts is everything that a decision may look at.
type Facts struct {
	Cart *cart.Cart
	Shop Shop
	// Queried holds the facts that need queries. They are loaded only just before a call. Without them (nil) a decision
	// never says call.
	Queried *QueriedFacts
	// Forced is true when an operator asked for this call. Delay, spacing and holdout then do not apply; purchase,
	// suppression, consent, hours and caps always do.
	Forced bool
}

// Shop is the state of the cart's shop.
type Shop struct {
	// Paused is true while an operator, the merchant or the configuration halts calling.
	Paused bool
	// Breaker is true while the shop has paused itself, until BreakerUntil or, when that is nil, until resumed by hand.
	Breaker      bool
	BreakerUntil *time.Time
	// Uninstalled is true when the merchant removed the app.
	Uninstalled bool
}

// QueriedFacts are the facts that need queries.
type QueriedFacts struct {
	// Precheck is what the store's own system said of this call; nil before it is asked, and where there is none.
	Precheck *Precheck
	// Suppressed is set when one of the person's keys is on the do-not-call list. It names the scope: "shop" or "all".
	Suppressed string
	// Dials are the calls made to this person, in any order, as far back as LongestCap asks for: to this phone in all
	// shops, and to any other phone of theirs. They include the cart's own calls and calls that are being placed, but not
	// the call that is being decided on.
	Dials []Dial
	// ShopCalls are the instants of the shop's calls, in any order, over at least the last 25 hours, without the call that
	// is being decided on. They are needed only where the rules have daily calls.
	ShopCalls []time.Time
	// OpenCall is true when another cart's call to this person is under way: to this phone in any shop, or to another
	// phone of theirs.
	OpenCall bool
	// NewerCart is an active cart of the same shop and person with later activity, or nil.
	NewerCart *uuid.UUID
	// Ordered is true when this customer placed an order that is newer than the cart and belongs to no cart.
	Ordered bool
	// OffersGiven are the offers this customer was given in this shop, in any order.
	OffersGiven []GivenOffer
	// OfferSpend is what the shop's offers cost this calendar month (store's zone), in the shop's currency.
	OfferSpend decimal.Decimal
}

// Dial is one call to a phone.
type Dial struct {
	At   time.Time
	Shop string
	// Refused is true when that call ended with an opt-out or a clear no.
	Refused bool
}

// GivenOffer is an offer that went out with a call.
type GivenOffer struct {
	At   time.Time
	Code string
}
