package backtest

import (
	"bytes"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
)

// mostLooks bounds how often one cart is looked at.
const mostLooks = 1000

// lane replays carts in the order of time. Carts that may depend on each other are in the same lane.
type lane struct {
	// side is the index in Cart.Phones of the lane's policy.
	side   int
	stores map[string]*store
	queue  queue
	// clock is the moment of the step under way.
	clock  time.Time
	phones map[string]*phone
	shops  map[string]*shop
	// crowded is the number of phones at which those that no longer matter are dropped.
	crowded int
	memory  time.Duration
	// current is the cart that an event is given to.
	current *replay
	// due are the events that the step under way gives to its cart, in order.
	due []cart.Event
	// queried is the memory for the facts of a decision that need queries.
	queried policy.QueriedFacts
	// done are the carts that came to their end since they were last collected.
	done []settled
	// spare are replays that are over and can be used again.
	spare []*replay
}

// store is a shop's rules, as the lane needs them.
type store struct {
	Store
	rules lifecycle.Rules
}

// settled is a cart's outcome with its number.
type settled struct {
	number  int
	outcome outcome
}

// replay is one cart on its way.
type replay struct {
	number int
	past   *Cart
	store  *store
	cart   cart.Cart
	// phone is what is known of the cart's number; nil while it has none.
	phone *phone
	// next is the index in past.Events of the next event, version the one in past.Phones of the newest checkout.
	next, version int
	// wake is when the cart is looked at, line is when a line is free for it; zero when it does not wait for that.
	wake, line time.Time
	looks      int
	// made is the call under way, recorded the one after which it goes, and ends is when its end is told. They are nil
	// and zero without a call under way; when the call under way is not on record, unrecorded is true.
	made       *made
	recorded   recorded
	ends       time.Time
	unrecorded bool
	// offer is the code of the policy's offer for the call being placed.
	offer string
	// settled is true once the outcome is final. The replay may go on after that, for an order that costs an offer.
	settled bool
	over    bool
	// traced is true when the outcome's traces may be asked for.
	traced  bool
	outcome outcome
}

func newLane(p Policy, side int) *lane {
	l := &lane{
		side: side, stores: map[string]*store{}, phones: map[string]*phone{}, shops: map[string]*shop{}, crowded: 1024, memory: p.memory(),
	}
	for domain, s := range p {
		rules := s.lifecycle()
		rules.ReadPhone = func(cart.Checkout) policy.Phone { return l.current.past.Phones[l.side][l.current.version] }
		l.stores[domain] = &store{Store: s, rules: rules}
	}
	return l
}

// add puts a cart in the lane.
func (l *lane) add(number int, past *Cart, traced bool) {
	var r *replay
	if n := len(l.spare); n > 0 {
		r, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		r = &replay{}
	}
	*r = replay{
		number: number, past: past, store: l.stores[past.Shop], version: -1, traced: traced,
		cart: cart.Cart{ID: past.ID, Shop: past.Shop, Token: past.Token},
	}
	l.await(r)
}

// absorb takes over what another lane of the same policy holds.
func (l *lane) absorb(other *lane) {
	for _, s := range other.queue {
		s.replay.store = l.stores[s.replay.past.Shop]
		l.queue.push(s)
	}
	for number, p := range other.phones {
		l.phones[number] = p
	}
	if other.clock.After(l.clock) {
		l.clock = other.clock
	}
}

// advance takes every step that is due before until; the zero time means every step.
func (l *lane) advance(until time.Time) {
	for len(l.queue) > 0 && (until.IsZero() || l.queue[0].at.Before(until)) {
		next := l.queue.pop()
		l.clock = next.at
		r := next.replay
		if at, kind := r.ahead(); !r.over && !at.After(l.clock) {
			l.step(r, kind)
			l.conclude(r)
		}
		if r.over {
			// This was its one step in the queue.
			*r = replay{}
			l.spare = append(l.spare, r)
			continue
		}
		l.await(r)
	}
	l.forget()
}

// await queues the replay's next step.
func (l *lane) await(r *replay) {
	at, kind := r.ahead()
	if at.Before(l.clock) {
		at = l.clock
	}
	l.queue.push(step{at, kind, r})
}

// ahead is the replay's next step.
func (r *replay) ahead() (at time.Time, kind stepKind) {
	kind = stepNone
	sooner := func(t time.Time, k stepKind) {
		if !t.IsZero() && (kind == stepNone || t.Before(at)) {
			at, kind = t, k
		}
	}
	if r.next < len(r.past.Events) {
		sooner(r.past.Events[r.next].At, stepEvent)
	}
	sooner(r.ends, stepCallEnds)
	sooner(r.undisturbed(r.wake), stepWake)
	sooner(r.line, stepLine)
	if kind == stepNone && r.cart.State == cart.Watching && r.phone != nil {
		sooner(r.cart.LastActivityAt.Add(r.store.Rules.ExpiresAfter), stepGiveUp)
	}
	return at, kind
}

// undisturbed moves a look to the next moment at which the customer is not taken to be at the checkout.
func (r *replay) undisturbed(look time.Time) time.Time {
	if look.IsZero() {
		return look
	}
	for _, span := range r.past.Touched {
		if look.After(span.From) && look.Before(span.To) {
			look = span.To
		}
	}
	return look
}

func (l *lane) step(r *replay, kind stepKind) {
	switch kind {
	case stepEvent:
		before := r.cart.State
		e := r.past.Events[r.next].Event
		r.next++
		if _, is := e.(cart.CheckoutSeen); is {
			r.version++
		}
		l.give(r, e)
		if before != cart.Purchased && r.cart.State == cart.Purchased {
			l.redeemed(r)
		}
	case stepCallEnds:
		l.endCall(r)
	case stepWake:
		r.looks++
		l.give(r, cart.Woken{})
	case stepLine:
		r.line = time.Time{}
		l.give(r, cart.LineFree{CallID: r.callID()})
	case stepGiveUp:
		l.settle(r)
	case stepNone:
	}
}

// give gives an event to a cart, and after it the events that follow at once.
func (l *lane) give(r *replay, e cart.Event) {
	l.due = append(l.due[:0], e)
	var queried *policy.QueriedFacts // one for all: until a call goes out, nothing else happens
	given := 0
	for given < len(l.due) {
		next := l.due[given]
		given++
		if queried == nil && lifecycle.NeedsQueries(next) {
			queried = l.facts(r)
		}
		l.apply(r, next, queried)
	}
	clear(l.due)
}

// apply changes a cart by an event and enacts what follows. queried may be nil.
func (l *lane) apply(r *replay, e cart.Event, queried *policy.QueriedFacts) {
	l.current = r
	result := lifecycle.Apply(r.cart, e, r.store.rules, policy.Facts{Queried: queried}, l.clock)
	if !result.Changed {
		return
	}
	moved := result.Cart.Phone != r.cart.Phone
	r.cart = result.Cart
	if moved {
		l.join(r)
	}
	for _, effect := range result.Effects {
		l.enact(r, e, effect)
	}
}

// enact does what one effect asks for.
func (l *lane) enact(r *replay, e cart.Event, effect lifecycle.Effect) {
	switch f := effect.(type) {
	case lifecycle.Record:
		r.keep(e, f.Entry.Trace)
	case lifecycle.Wake:
		r.wake = f.At
	case lifecycle.Unwake:
		r.wake = time.Time{}
	case lifecycle.Fill:
		if r.cart.State == cart.Ready {
			r.line = l.clock
		}
	case lifecycle.Place:
		l.due = append(l.due, r.place(f.CallID))
	case lifecycle.Send:
		l.due = append(l.due, l.send(r, f.CallID))
	case lifecycle.CallSettled:
		r.callSettled(f.CallID)
	case lifecycle.SupersedeOlder:
		l.supersede(r)
	case lifecycle.Suppress:
		if r.phone != nil {
			r.phone.suppress(r.cart.Shop, l.clock)
		}
	case lifecycle.Abort, lifecycle.Update, lifecycle.Watch, lifecycle.AccountRefused:
		// The provider goes by the record.
	case lifecycle.Acted:
		// It concerns the operator's own system only.
	}
}

// callID is the id of the cart's next call. It only has to differ from those of the cart's other calls.
func (r *replay) callID() uuid.UUID {
	n := len(r.cart.Calls) + 1
	return uuid.UUID{14: byte(n >> 8), 15: byte(n)}
}

// place finds the recorded call after which the new one goes.
func (r *replay) place(id uuid.UUID) cart.Event {
	call := r.cart.Call(id)
	r.recorded, r.offer = recorded{}, ""
	if n := call.Attempt; n <= len(r.past.Calls) {
		r.recorded = recorded{&r.past.Calls[n-1]}
	}
	if call.Offer != nil {
		r.offer = call.Offer.Code
	}
	return cart.SendBegun{CallID: id, Offer: r.recorded.gave(call.Offer)}
}

// send is the provider's answer to a call's request.
func (l *lane) send(r *replay, id uuid.UUID) cart.Event {
	if r.recorded.Call != nil && r.recorded.refused() {
		return cart.PlaceRefused{CallID: id, Invalid: true}
	}
	call := r.cart.Call(id)
	r.outcome.calls = append(r.outcome.calls, madeCall{
		Call: Call{At: l.clock, Offer: r.offer, Priority: call.Priority}, look: len(r.outcome.traces) - 1,
	})
	l.count(r, call)
	if r.recorded.Call == nil {
		r.unrecorded = true
	} else {
		r.ends = l.clock.Add(r.recorded.took())
	}
	return cart.PlaceAccepted{CallID: id}
}

// endCall tells the cart how its call went. A call that no report closes is closed by silence, if need be later.
func (l *lane) endCall(r *replay) {
	call := r.cart.OpenCall()
	r.ends = time.Time{}
	if call == nil {
		return
	}
	if r.recorded.Call != nil {
		for _, report := range r.recorded.reports(*call.SentAt) {
			l.give(r, cart.CallReported{CallID: call.ID, Report: report})
		}
		r.recorded = recorded{}
	}
	if call = r.cart.OpenCall(); call != nil {
		l.give(r, cart.CallSilent{CallID: call.ID})
	}
	if call = r.cart.OpenCall(); call != nil && call.WatchAt != nil && call.WatchAt.After(l.clock) {
		r.ends = *call.WatchAt
	}
}

// callSettled notes what is known of a call once it is over.
func (r *replay) callSettled(id uuid.UUID) {
	if r.made == nil {
		return
	}
	call := r.cart.Call(id)
	r.made.Refused = call.Insights.OptedOut || call.Insights.Declined
	if !call.OfferFate.Given() {
		r.made.offer = ""
	}
	r.made = nil
}

// supersede tells the older carts of the same shop and phone of a cart that is on its way to a call.
func (l *lane) supersede(r *replay) {
	if r.phone == nil || !active(r.cart.State) {
		return
	}
	for _, other := range slices.Clone(r.phone.live) {
		if other == r || other.cart.Shop != r.cart.Shop || !newer(&r.cart, &other.cart) {
			continue
		}
		if s := other.cart.State; s == cart.Watching || s == cart.Waiting || s == cart.Ready {
			l.apply(other, cart.NewerCart{}, nil)
			l.conclude(other)
		}
	}
}

// active reports whether a cart in this state counts as one that its customer is won back by.
func active(s cart.State) bool { return s == cart.Waiting || s == cart.Ready || s == cart.Calling }

// newer reports whether the customer touched a cart later than another one. Carts that were touched at the same
// moment are ordered by their ids.
func newer(c, other *cart.Cart) bool {
	if !c.LastActivityAt.Equal(other.LastActivityAt) {
		return c.LastActivityAt.After(other.LastActivityAt)
	}
	return bytes.Compare(c.ID[:], other.ID[:]) > 0
}

// conclude settles a cart that came to its end, and ends a replay that nothing more depends on.
func (l *lane) conclude(r *replay) {
	_, kind := r.ahead()
	if !r.settled {
		over := r.cart.State.Settled() && r.cart.OpenCall() == nil
		if over || r.unrecorded || kind == stepNone || r.looks >= mostLooks {
			l.settle(r)
		}
	}
	if r.settled {
		r.over = !r.owesOffer() || r.next == len(r.past.Events)
	}
}

// owesOffer reports whether an order may still come that costs the store an offer.
func (r *replay) owesOffer() bool {
	return r.store.hasBudget() && r.cart.State != cart.Purchased && lastOffer(&r.cart) != nil
}

// settle makes the cart's outcome final.
func (l *lane) settle(r *replay) {
	r.settled = true
	r.outcome.action, r.outcome.reason, r.outcome.at = actionOf(r.cart.State), r.cart.Reason, r.cart.UpdatedAt
	r.wake, r.line, r.ends = time.Time{}, time.Time{}, time.Time{}
	if r.phone != nil {
		r.phone.leave(r)
	}
	l.done = append(l.done, settled{r.number, r.outcome})
}

// actionOf is the action of the decision that a cart's state stands for.
func actionOf(s cart.State) cart.Action {
	switch s {
	case cart.Watching:
		return cart.ActWatch
	case cart.Ready, cart.Calling:
		return cart.ActCall
	case cart.Purchased, cart.Stopped:
		return cart.ActStop
	case cart.Waiting:
		return cart.ActWait
	}
	return cart.ActWait
}

// keep remembers the trace of a ledger entry. An end that came from outside has no rule of its own in the trace.
func (r *replay) keep(e cart.Event, trace []cart.Step) {
	if !r.traced {
		return
	}
	switch e.(type) {
	case cart.CheckoutSeen, cart.Woken, cart.LineFree, cart.SendBegun, cart.PlaceAccepted, cart.PlaceFailed,
		cart.PlaceThrottled, cart.PlaceRefused, cart.PlaceUncertain, cart.CallReported, cart.AbortAnswered,
		cart.CallSilent,
		cart.OrderRefunded, cart.ConsentChanged, cart.ShopPaused, cart.ShopResumed, cart.OperatorCalled, cart.NewerCart,
		cart.Erased:
	case cart.OrderSeen, cart.CheckoutDeleted, cart.OptOut, cart.AppUninstalled, cart.OperatorCancelled,
		cart.TakenOver:
		saw := "the cart had ended: " + string(r.cart.Reason)
		if r.cart.State == cart.Purchased {
			saw = "the customer has bought"
		}
		trace = []cart.Step{{Rule: "state", Saw: saw, Verdict: cart.VerdictStop}}
	}
	if len(trace) > 0 {
		r.outcome.traces = append(r.outcome.traces, trace)
	}
}
