package backtest

import (
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// mostLooks bounds how often one cart is looked at.
const mostLooks = 1000

// dayOfCalls is how far back a shop's calls may be of its present day.
const dayOfCalls = 26 * time.Hour

// lane replays carts in the order of time. Whatever may bear on a cart of the lane is in the same lane.
type lane struct {
	policy Policy
	queue  queue
	// clock is the moment of the newest look.
	clock  time.Time
	phones map[string]*phone
	shops  map[string]*shop
	// crowded is the number of phones at which those that no longer matter are forgotten.
	crowded int
	memory  time.Duration
	// near is the costly facts of the decision being made.
	near policy.Near
	// done are the carts that are settled since they were last collected.
	done []settled
	// spare are replays that are over, for others to use.
	spare []*replay
}

// settled is a cart's outcome with its number.
type settled struct {
	number  int
	outcome outcome
}

// phone is what happened to one number.
type phone struct {
	// dials are the calls that were made in this replay, oldest first; elsewhere are the recorded ones of other carts, in any order.
	dials, elsewhere []policy.Dial
	// offers are those that went out with the calls.
	offers []offered
	// live are the carts that may still be called.
	live []*replay
	// refused is since when the number is suppressed in a shop because of what was said in a replayed call.
	refused map[string]time.Time
}

type offered struct {
	policy.GivenOffer
	shop string
	// by is the number of the cart.
	by int
}

// shop is what a whole shop did.
type shop struct {
	// calls are the instants of its calls, oldest first.
	calls []time.Time
	// spent is what its offers cost from month on, oldest first; the first counted of them come to sum.
	spent   []expense
	month   time.Time
	counted int
	sum     decimal.Decimal
}

type expense struct {
	at     time.Time
	amount decimal.Decimal
}

// replay is one cart on its way.
type replay struct {
	number int
	past   *Cart
	store  Store
	cart   cart.Cart
	phone  *phone
	looks  int
	// callEnds is when the call under way ends; zero when there is none.
	callEnds time.Time
	over     bool
	// traced is true when the traces may be asked for.
	traced  bool
	outcome outcome
}

func newLane(p Policy) *lane {
	return &lane{policy: p, phones: map[string]*phone{}, shops: map[string]*shop{}, crowded: 1024, memory: p.memory()}
}

// add puts a cart in the lane, with the number that it would be called at.
func (l *lane) add(number int, past *Cart, read policy.Phone, traced bool) {
	r := l.replay()
	*r = replay{number: number, past: past, store: l.policy[past.Shop], traced: traced}
	c := &r.cart
	c.ID, c.Shop, c.Token, c.Checkout = past.ID, past.Shop, past.Checkout.Token, past.Checkout
	c.Phone, c.PhoneFrom, c.Country = read.Number, read.From, read.Country
	c.LastActivityAt, c.CreatedAt = past.TouchedAt, past.KnownAt
	// The purchase is known to the replay, but not to the rules before its time.
	r.cart.Checkout.CompletedAt = nil
	at := past.begins()
	if at.Before(l.clock) {
		at = l.clock
	}
	l.queue.push(look{at, r})
}

// replay gives an unused replay.
func (l *lane) replay() *replay {
	if n := len(l.spare); n > 0 {
		r := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return r
	}
	return &replay{}
}

// advance looks at everything that is due before until; the zero time means at everything.
func (l *lane) advance(until time.Time) {
	for len(l.queue) > 0 && (until.IsZero() || l.queue[0].at.Before(until)) {
		next := l.queue.pop()
		l.clock = next.at
		if !next.replay.over {
			l.look(next.replay, next.at)
		}
		if next.replay.over {
			// This was its one look in the queue.
			l.spare = append(l.spare, next.replay)
		}
	}
	l.forget()
}

func (l *lane) look(r *replay, now time.Time) {
	if r.looks == 0 {
		l.join(r)
	}
	if end, is := r.past.over(now); is {
		l.closeOver(r, end)
		return
	}
	if !r.callEnds.IsZero() {
		r.callEnds, r.cart.State = time.Time{}, cart.Waiting
		if l.settledByCall(r, now) {
			return
		}
	}
	r.looks++
	d := policy.Decide(r.store.Rules, policy.Facts{Cart: &r.cart, Near: l.facts(r, now)}, now)
	r.keep(d.Trace)
	switch {
	case d.Action == cart.ActWait && r.looks < mostLooks && d.Until.After(now):
		r.cart.State, r.cart.Reason = cart.Waiting, d.Reason
		l.supersede(r, now)
		l.queue.push(look{d.Until, r})
	case d.Action == cart.ActCall:
		l.supersede(r, now)
		l.call(r, d, now)
	default:
		l.settle(r, d.Action, d.Reason, now)
	}
}

// settledByCall ends a cart whose last call leaves nothing to decide.
func (l *lane) settledByCall(r *replay, now time.Time) bool {
	last := r.cart.LastDialled()
	switch {
	case last.Insights.OptedOut:
		l.close(r, cart.OptedOut, now, "said", "asked not to be called again")
	case last.Insights.Declined:
		l.close(r, cart.Declined, now, "said", "is not interested")
	case last.Outcome == cart.Lost && last.Answered() && r.cart.CallbackAt == nil:
		l.close(r, cart.Exhausted, now, "outcome", "answered, then not heard of again")
	default:
		return false
	}
	return true
}

// keep remembers the trace of a look.
func (r *replay) keep(trace []cart.Step) {
	if r.traced {
		r.outcome.traces = append(r.outcome.traces, trace)
	}
}

// close ends a cart by something that the rules were not asked about.
func (l *lane) close(r *replay, reason cart.Reason, at time.Time, rule, saw string) {
	r.keep([]cart.Step{{Rule: rule, Saw: saw, Verdict: cart.VerdictStop}})
	l.settle(r, cart.ActStop, reason, at)
}

// closeOver ends a cart that has ended by itself.
func (l *lane) closeOver(r *replay, end Ending) {
	saw := "the cart had ended: " + string(end.Reason)
	if end.Reason == cart.Ordered {
		saw = "the customer has bought"
	}
	l.close(r, end.Reason, end.At, "state", saw)
}

// join makes the cart known to the number it would be called at.
func (l *lane) join(r *replay) {
	if r.cart.Phone == "" {
		return
	}
	p := l.phones[r.cart.Phone]
	if p == nil {
		p = &phone{}
		l.phones[r.cart.Phone] = p
	}
	r.phone = p
	p.live = append(p.live, r)
	if p.elsewhere != nil {
		return
	}
	for _, d := range r.past.Dials {
		if d.Phone == r.cart.Phone {
			p.elsewhere = append(p.elsewhere, d.Dial)
		}
	}
}

// supersede ends the older carts of the same shop and phone, once this one is on its way to a call.
func (l *lane) supersede(r *replay, now time.Time) {
	if r.looks > 1 || r.phone == nil {
		return
	}
	for _, other := range slices.Clone(r.phone.live) {
		if other == r || other.cart.Shop != r.cart.Shop || !other.callEnds.IsZero() || !r.past.newer(other.past) {
			continue
		}
		if end, is := other.past.over(now); is {
			l.closeOver(other, end)
			continue
		}
		l.close(other, cart.Superseded, now, "one_cart_per_phone", "the same phone is active on a newer cart")
	}
}

// facts gathers what the rules look at when a call is near.
func (l *lane) facts(r *replay, now time.Time) *policy.Near {
	n := &l.near
	*n = policy.Near{OffersGiven: n.OffersGiven[:0]}
	n.Ordered = r.past.OrderedAt != nil && !r.past.OrderedAt.After(now)
	n.Suppressed = suppressed(r, now)
	if p := r.phone; p != nil {
		n.Dials = p.dialled(now)
		for _, o := range p.offers {
			if o.shop == r.cart.Shop && o.by != r.number {
				n.OffersGiven = append(n.OffersGiven, o.GivenOffer)
			}
		}
		n.OpenCall, n.NewerCart = others(r, now)
	}
	if s := l.shops[r.cart.Shop]; s != nil {
		n.ShopCalls, n.OfferSpend = s.today(now), s.spend(now, r.store.location())
	}
	return n
}

// dialled gives the calls that were made to the phone by now.
func (p *phone) dialled(now time.Time) []policy.Dial {
	if len(p.elsewhere) == 0 {
		return p.dials
	}
	all := slices.Clone(p.dials)
	for _, d := range p.elsewhere {
		if !d.At.After(now) {
			all = append(all, d)
		}
	}
	return all
}

// others tells of the other carts of the phone: whether a call to it is under way, and the newer cart of the same shop, if any.
func others(r *replay, now time.Time) (open bool, newer *uuid.UUID) {
	for _, other := range r.phone.live {
		if other == r {
			continue
		}
		open = open || other.callEnds.After(now)
		if other.cart.Shop != r.cart.Shop || other.cart.State == "" || !other.past.newer(r.past) {
			continue
		}
		if _, is := other.past.over(now); !is {
			newer = &other.cart.ID
		}
	}
	return open, newer
}

func suppressed(r *replay, now time.Time) string {
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
		if at, is := r.phone.refused[r.cart.Shop]; is && !at.After(now) {
			scope = policy.ScopeShop
		}
	}
	return scope
}

// call makes the call that was decided, in this replay alone, and goes on with how the recorded attempt of that number ended.
func (l *lane) call(r *replay, d cart.Decision, now time.Time) {
	attempt := r.cart.NextAttempt()
	made := call{at: now, priority: d.Priority, look: r.looks - 1}
	if d.Offer != nil {
		made.offer = d.Offer.Code
	}
	r.outcome.calls = append(r.outcome.calls, made)
	r.cart.Arm = d.Arm

	var past *Attempt
	if attempt <= len(r.past.Calls) {
		past = &r.past.Calls[attempt-1]
	}
	l.note(r, d.Offer, past, now)
	if past == nil {
		l.settle(r, cart.ActCall, d.Reason, now)
		return
	}
	l.end(r, d.Offer, past, now)
}

// note counts a call against its phone and its shop.
func (l *lane) note(r *replay, offer *cart.Offer, past *Attempt, now time.Time) {
	dial := policy.Dial{At: now, Shop: r.cart.Shop}
	times := 1
	if past != nil {
		dial.Refused = past.Insights.OptedOut || past.Insights.Declined
		times = max(past.Dials, 1)
	}
	p := r.phone
	for range times {
		p.dials = append(p.dials, dial)
	}
	if offer != nil {
		p.offers = append(p.offers, offered{policy.GivenOffer{At: now, Code: offer.Code}, r.cart.Shop, r.number})
	}
	if r.store.Rules.Caps.DailyCalls <= 0 && r.store.Rules.OfferBudget.Monthly == nil {
		return
	}
	s := l.shops[r.cart.Shop]
	if s == nil {
		s = &shop{}
		l.shops[r.cart.Shop] = s
	}
	s.calls = append(s.calls, now)
	if cost, is := redeemed(r.past, offer, now); is {
		s.spends(cost)
	}
}

// redeemed reckons what an offer cost: its value, when the order that came after it used its code.
func redeemed(past *Cart, offer *cart.Offer, now time.Time) (expense, bool) {
	if offer == nil || past.BoughtAt == nil || past.BoughtAt.Before(now) ||
		!slices.ContainsFunc(past.Order.Codes, func(code string) bool { return strings.EqualFold(code, offer.Code) }) {
		return expense{}, false
	}
	if offer.Type == policy.OfferPercentage {
		return expense{*past.BoughtAt, past.Order.Total.Mul(offer.Value).Div(decimal.NewFromInt(100))}, true
	}
	return expense{*past.BoughtAt, offer.Value}, true
}

// end lets the call end as the recorded attempt did, and the cart go on from there.
func (l *lane) end(r *replay, offer *cart.Offer, past *Attempt, now time.Time) {
	ends := now.Add(max(past.Took, 0))
	made := cart.Call{
		CartID: r.cart.ID, Shop: r.cart.Shop, Attempt: r.cart.NextAttempt(), State: cart.Closed, Outcome: past.Outcome,
		Phone: r.cart.Phone, Offer: offer, CreatedAt: now, SentAt: &now, EndedAt: &ends, ClosedAt: &ends, Insights: past.Insights,
	}
	if past.Answered {
		made.AnsweredAt = &now
	}
	r.cart.Calls = append(r.cart.Calls, made)
	r.cart.Attempts++
	r.cart.State, r.cart.Reason, r.cart.CallbackAt = cart.Calling, cart.Due, past.callback(ends)
	r.callEnds = ends
	if past.Insights.OptedOut {
		if r.phone.refused == nil {
			r.phone.refused = map[string]time.Time{}
		}
		r.phone.refused[r.cart.Shop] = ends
	}
	l.queue.push(look{ends, r})
}

// defaultCallback is when a customer who asked to be called later, without saying when, is called again.
const defaultCallback = 24 * time.Hour

// callback is when the customer wants to be called again; nil when they did not ask for that. A moment that is past by then stays as
// far from the end of the call as it was.
func (a *Attempt) callback(ends time.Time) *time.Time {
	if !a.Insights.Callback {
		return nil
	}
	at := ends.Add(defaultCallback)
	if asked := a.Insights.CallbackAt; asked != nil {
		at = *asked
		if !at.After(ends) {
			at = ends.Add(asked.Sub(a.EndedAt))
		}
	}
	return &at
}

// settle ends the replay of a cart.
func (l *lane) settle(r *replay, action cart.Action, reason cart.Reason, at time.Time) {
	r.over = true
	r.outcome.action, r.outcome.reason, r.outcome.at = action, reason, at
	if p := r.phone; p != nil {
		p.live = slices.DeleteFunc(p.live, func(other *replay) bool { return other == r })
	}
	l.done = append(l.done, settled{r.number, r.outcome})
}

// forget drops the phones that no rule can look back to.
func (l *lane) forget() {
	if len(l.phones) < l.crowded {
		return
	}
	since := l.clock.Add(-l.memory)
	for number, p := range l.phones {
		if len(p.live) > 0 || len(p.refused) > 0 || len(p.elsewhere) > 0 {
			continue
		}
		if n := len(p.dials); n == 0 || p.dials[n-1].At.Before(since) {
			delete(l.phones, number)
		}
	}
	l.crowded = max(1024, 2*len(l.phones))
}

// today gives the shop's calls that may be of its present day, and forgets those before.
func (s *shop) today(now time.Time) []time.Time {
	since := now.Add(-dayOfCalls)
	first, _ := slices.BinarySearchFunc(s.calls, since, time.Time.Compare)
	s.calls = s.calls[first:]
	return s.calls
}

// spend is what the shop's offers have cost in the present month of its zone.
func (s *shop) spend(now time.Time, zone *time.Location) decimal.Decimal {
	if len(s.spent) == 0 {
		return decimal.Decimal{}
	}
	y, m, _ := now.In(zone).Date()
	if month := time.Date(y, m, 1, 0, 0, 0, 0, zone); !month.Equal(s.month) {
		first, _ := slices.BinarySearchFunc(s.spent, month, expense.compare)
		s.spent, s.month, s.counted, s.sum = s.spent[first:], month, 0, decimal.Decimal{}
	}
	for s.counted < len(s.spent) && !s.spent[s.counted].at.After(now) {
		s.sum = s.sum.Add(s.spent[s.counted].amount)
		s.counted++
	}
	return s.sum
}

// spends notes a cost of now or later.
func (s *shop) spends(e expense) {
	i, _ := slices.BinarySearchFunc(s.spent, e.at.Add(1), expense.compare)
	s.spent = slices.Insert(s.spent, i, e)
}

func (e expense) compare(at time.Time) int { return e.at.Compare(at) }

func (s Store) location() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}
