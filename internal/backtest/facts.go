package backtest

import (
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// dayOfCalls is how far back calls of a shop's present day may be.
const dayOfCalls = 26 * time.Hour

// phone is what happened to one number.
type phone struct {
	// made are the calls of this replay, oldest first; elsewhere are the recorded ones of other carts, in any order.
	made      []*made
	elsewhere []policy.Dial
	// live are the carts that are not settled.
	live []*replay
	// suppressed is since when the number is suppressed in a shop by what happened in this replay.
	suppressed map[string]time.Time
}

// made is a call of this replay.
type made struct {
	policy.Dial
	// times is how often the phone rang.
	times int
	// offer is the code that went out with the call; "" without one.
	offer string
	// by is the number of the cart.
	by int
}

// shop is what a whole shop did.
type shop struct {
	// calls are the moments of its calls, oldest first.
	calls []time.Time
	// spent is what its offers cost in the month.
	month time.Time
	spent decimal.Decimal
}

// join moves a cart to its phone number, which is new or has changed.
func (l *lane) join(r *replay) {
	if r.phone != nil {
		r.phone.leave(r)
		r.phone = nil
	}
	number := r.cart.Phone
	if number == "" {
		return
	}
	p := l.phones[number]
	if p == nil {
		p = &phone{}
		l.phones[number] = p
	}
	r.phone = p
	if !r.settled {
		p.live = append(p.live, r)
	}
	if p.elsewhere != nil {
		return
	}
	for _, d := range r.past.Dials {
		if d.Phone == number {
			p.elsewhere = append(p.elsewhere, d.Dial)
		}
	}
}

func (p *phone) leave(r *replay) {
	p.live = slices.DeleteFunc(p.live, func(other *replay) bool { return other == r })
}

func (p *phone) suppress(shop string, now time.Time) {
	if _, is := p.suppressed[shop]; is {
		return
	}
	if p.suppressed == nil {
		p.suppressed = map[string]time.Time{}
	}
	p.suppressed[shop] = now
}

// facts gathers the facts that the engine would query. The result is valid until the next call of facts.
func (l *lane) facts(r *replay) *policy.QueriedFacts {
	n, now := &l.queried, l.clock
	*n = policy.QueriedFacts{Dials: n.Dials[:0], OffersGiven: n.OffersGiven[:0]}
	n.Ordered = r.past.OrderedAt != nil && !r.past.OrderedAt.After(now)
	n.Suppressed = r.suppressed(now)
	if p := r.phone; p != nil {
		for _, m := range p.made {
			for range m.times {
				n.Dials = append(n.Dials, m.Dial)
			}
			if m.offer != "" && m.Shop == r.cart.Shop && m.by != r.number {
				n.OffersGiven = append(n.OffersGiven, policy.GivenOffer{At: m.At, Code: m.offer})
			}
		}
		for _, d := range p.elsewhere {
			if !d.At.After(now) {
				n.Dials = append(n.Dials, d)
			}
		}
		n.OpenCall, n.NewerCart = r.others()
	}
	if s := l.shops[r.cart.Shop]; s != nil {
		n.ShopCalls, n.OfferSpend = s.today(now), s.spend(now, r.store.location())
	}
	return n
}

// others tells of the phone's other carts: whether one of them has a call under way, and the newer cart of the same
// shop, if there is one.
func (r *replay) others() (open bool, newest *uuid.UUID) {
	for _, other := range r.phone.live {
		if other == r {
			continue
		}
		open = open || other.cart.OpenCall() != nil
		if other.cart.Shop == r.cart.Shop && active(other.cart.State) && newer(&other.cart, &r.cart) {
			newest = &other.cart.ID
		}
	}
	return open, newest
}

// suppressed is the scope in which the cart's customer may not be called; "" when there is none.
func (r *replay) suppressed(now time.Time) string {
	scope := ""
	for _, s := range r.past.Suppressions {
		if s.At.After(now) || s.Phone != "" && s.Phone != r.cart.Phone {
			continue
		}
		if s.All {
			return policy.ScopeAll
		}
		scope = policy.ScopeShop
	}
	if r.phone != nil {
		if _, is := r.phone.suppressed[r.cart.Shop]; is {
			scope = policy.ScopeShop
		}
	}
	return scope
}

// count counts a call that goes out, for its phone and its shop.
func (l *lane) count(r *replay, call *cart.Call) {
	m := &made{Dial: policy.Dial{At: l.clock, Shop: r.cart.Shop}, times: 1, by: r.number}
	if r.recorded.Call != nil {
		// When the provider's redials came is not kept; they count from the start.
		m.times = max(r.recorded.Dials, 1)
	}
	if call.Offer != nil {
		m.offer = call.Offer.Code
	}
	r.made = m
	r.phone.made = append(r.phone.made, m)
	if r.store.countsShop() {
		s := l.shop(r.cart.Shop)
		s.calls = append(s.calls, l.clock)
	}
}

// redeemed counts what an order cost the shop by its offer.
func (l *lane) redeemed(r *replay) {
	offer := lastOffer(&r.cart)
	if !r.store.hasBudget() || offer == nil || r.cart.Attribution != cart.ByOffer || r.cart.Order == nil {
		return
	}
	cost := offer.Value
	if offer.Type == policy.OfferPercentage {
		cost = r.cart.Order.Total.Mul(offer.Value).Div(decimal.NewFromInt(100))
	}
	s := l.shop(r.cart.Shop)
	s.spent = s.spend(l.clock, r.store.location()).Add(cost)
}

// lastOffer is the offer that the cart's customer was given last, or nil. One that is known not to have been mentioned
// was not given.
func lastOffer(c *cart.Cart) *cart.Offer {
	for i := len(c.Calls) - 1; i >= 0; i-- {
		if call := &c.Calls[i]; call.Dialled() && call.Offer != nil && call.OfferFate.Given() {
			return call.Offer
		}
	}
	return nil
}

func (l *lane) shop(domain string) *shop {
	s := l.shops[domain]
	if s == nil {
		s = &shop{}
		l.shops[domain] = s
	}
	return s
}

// today gives the shop's calls that may be of its present day, and drops those before.
func (s *shop) today(now time.Time) []time.Time {
	first, _ := slices.BinarySearchFunc(s.calls, now.Add(-dayOfCalls), time.Time.Compare)
	s.calls = s.calls[first:]
	return s.calls
}

// spend is what the shop's offers have cost in the present month of its zone.
func (s *shop) spend(now time.Time, zone *time.Location) decimal.Decimal {
	y, m, _ := now.In(zone).Date()
	if month := time.Date(y, m, 1, 0, 0, 0, 0, zone); !month.Equal(s.month) {
		s.month, s.spent = month, decimal.Decimal{}
	}
	return s.spent
}

// forget drops the phones that no rule can look back to.
func (l *lane) forget() {
	if len(l.phones) < l.crowded {
		return
	}
	since := l.clock.Add(-l.memory)
	for number, p := range l.phones {
		if len(p.live) > 0 || len(p.suppressed) > 0 || len(p.elsewhere) > 0 {
			continue
		}
		if n := len(p.made); n == 0 || p.made[n-1].At.Before(since) {
			delete(l.phones, number)
		}
	}
	l.crowded = max(1024, 2*len(l.phones))
}
