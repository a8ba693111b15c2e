package backtest

import (
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
)

// Cart is what is on record of one cart.
type Cart struct {
	ID uuid.UUID
	// Shop is the *.myshopify.com domain.
	Shop string
	// Token is the checkout's.
	Token string
	// Phones are the numbers to call, one for each cart.CheckoutSeen among the events, as ReadPhones gives them: under
	// the policy that is tried and under the one that it is compared with.
	Phones [2][]policy.Phone
	// Events are what came to the cart from outside, oldest first. The first is a cart.CheckoutSeen. Events of calls
	// are not among them; those follow from Calls.
	Events []Event
	// Touched are the times in which the customer may have touched the checkout at moments that are not known. No call was
	// made in them, and the cart is not looked at in them.
	Touched []Span
	// Calls are the recorded calls that came to an end, by attempt: those that were dialled, and at the end one that the
	// provider refused for good, if there is one.
	Calls []cart.Call
	// OrderedAt is when the customer first bought something else after beginning this checkout; nil when they did not.
	OrderedAt *time.Time
	// Suppressions are those of the cart's numbers and email, whenever they were made.
	Suppressions []Suppression
	// Dials are the calls to the cart's numbers for carts that are not part of the backtest, one for each time the
	// phone rang.
	Dials []Dial
	// Erased is true when the cart's personal data is gone. Such a cart cannot be replayed and needs no events.
	Erased bool
}

// Event is something that happened to a cart.
type Event struct {
	At    time.Time
	Event cart.Event
}

// Span is the time between two moments, which do not belong to it.
type Span struct{ From, To time.Time }

// Suppression keeps a person from being called from At on.
type Suppression struct {
	// Phone is the suppressed number in E.164; empty when the cart's email is suppressed.
	Phone string
	// All is true when the suppression is for every shop, false when it is for the cart's.
	All bool
	At  time.Time
}

// Dial is a call to a phone.
type Dial struct {
	// Phone is E.164.
	Phone string
	policy.Dial
}

// KnownAt is when the checkout was first heard of.
func (c *Cart) KnownAt() time.Time {
	if len(c.Events) == 0 {
		return time.Time{}
	}
	return c.Events[0].At
}

// Policy holds the rules of every shop by its *.myshopify.com domain. Carts of other shops are not replayed.
type Policy map[string]Store

// Store is what one shop has laid down.
type Store struct {
	// Rules must be compiled.
	Rules *policy.Rules
	// Country is the store's, the last resort for reading a phone number.
	Country string
	// Location is the store's zone, for counting calls by the hour; nil means UTC.
	Location *time.Location
}

func (s Store) location() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

// lifecycle gives the rules that Apply needs. A replayed call is watched by nothing but its record, so that no time is
// granted to silence: a call that ended in silence does so when its recorded end comes.
func (s Store) lifecycle() lifecycle.Rules {
	return lifecycle.Rules{Policy: s.Rules, Country: s.Country, Voice: lifecycle.Voice{CanAbort: true}}
}

// countsShop reports whether a rule counts what the whole shop did.
func (s Store) countsShop() bool { return s.Rules.Caps.DailyCalls > 0 || s.hasBudget() }

func (s Store) hasBudget() bool { return s.Rules.OfferBudget.Monthly != nil }

// linked reports whether carts with different phones depend on each other.
func (p Policy) linked() bool {
	for _, s := range p {
		if s.countsShop() {
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

// ReadPhones gives the number to call of each version of a shop's checkout: under the policy that is tried and under
// the other one, which may be nil. Reading a number is costly, so that it is done once, before the replay.
func ReadPhones(shop string, versions []cart.Checkout, tried, against Policy) (phones [2][]policy.Phone) {
	a, isA := tried[shop]
	b, isB := against[shop]
	if isA {
		phones[0] = a.read(versions)
	}
	switch {
	case !isB:
	case isA && a.readsLike(b):
		phones[1] = phones[0]
	default:
		phones[1] = b.read(versions)
	}
	return phones
}

func (s Store) read(versions []cart.Checkout) []policy.Phone {
	phones := make([]policy.Phone, len(versions))
	for i, v := range versions {
		phones[i] = policy.ReadPhone(v, s.Rules, s.Country)
	}
	return phones
}

// readsLike reports whether both stores read the same number from every checkout: only the basis of consent and the
// store's country bear on that.
func (s Store) readsLike(other Store) bool {
	sms, otherSMS := s.Rules.Consent.First() == policy.ConsentSMS, other.Rules.Consent.First() == policy.ConsentSMS
	return s.Country == other.Country && sms == otherSMS
}
