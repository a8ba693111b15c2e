package policy

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Facts is everything a decision may look at. Facts that cost queries are in Near, which is loaded only when a
// call is near; without it a decision never says call.
type Facts struct {
	Cart *cart.Cart
	Shop Shop
	// Near is nil when the costly facts were not loaded.
	Near *Near
	// Forced is true when an operator asked for this call: delay, spacing and holdout are then passed over; purchase,
	// suppression, consent, hours and caps never are.
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

// Near holds the facts that are loaded when a call is near.
type Near struct {
	// Suppressed is set when the person may not be called, under whichever key; it names the scope: "shop" or "all".
	Suppressed string
	// Dials are the calls made to this person, in any order, as far back as LongestCap asks for: to this phone in all shops, and to
	// any other of theirs. Those of this cart and calls now being placed are included; the call that is being decided on is left out.
	Dials []Dial
	// ShopCalls are the instants of the shop's calls, in any order, over at least the last 25 hours, without the call that is
	// being decided on. They are needed only where the rules have daily calls.
	ShopCalls []time.Time
	// OpenCall is true when another cart's call to this person is under way, to this phone in any shop or to another of theirs.
	OpenCall bool
	// NewerCart is an active cart of the same shop and person with later activity, or nil.
	NewerCart *uuid.UUID
	// Ordered is true when an order by this customer was seen that no cart accounts for and that is newer than the cart.
	Ordered bool
	// OffersGiven are the offers this customer was given in this shop, in any order.
	OffersGiven []GivenOffer
	// OfferSpend is what the shop's offers have cost this calendar month (store's zone), in the shop's currency.
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
