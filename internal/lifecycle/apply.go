package lifecycle

import (
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
)

// Rules is what Apply must know of a store.
type Rules struct {
	Policy *policy.Rules
	// Country is the store's. A phone number is read as one of this country when nothing else names a country.
	Country string
	Voice   Voice
	// Unknown marks a shop that is not in the configuration. There are no rules to decide by, so nothing is decided.
	Unknown bool
	// ReadPhone returns the number to call of a checkout, for a caller that has read it before. Nil stands for
	// policy.ReadPhone.
	ReadPhone func(cart.Checkout) policy.Phone
}

// Voice is what Apply must know of a store's voice API.
type Voice struct {
	Provider string
	// Assistant is the key of the line pool.
	Assistant string
	// Silence is how long a call may go without a report before it is settled.
	Silence time.Duration
	// OurRetries is true when we call again after an unanswered call, false when the provider redials by itself.
	OurRetries bool
	// CanAbort and CanUpdate say whether the provider can stop and change a call it has taken.
	CanAbort  bool
	CanUpdate bool
	Machine   Machine
	Drop      Drop
}

// analysisGrace is how long a finished conversation waits for its analysis. Some assistants have none.
const analysisGrace = 2 * time.Minute

// Result is what Apply made of an event. The package documentation says what to do with it.
type Result struct {
	// Cart is the cart after the event.
	Cart cart.Cart
	// Effects are what must happen together with the change, in order.
	Effects []Effect
	// Changed is false when the event changed nothing: Cart is then as it was given, and there are no effects.
	Changed bool
}

// NeedsQueries reports whether Apply needs Facts.Queried for the event. For any other event it may be nil.
func NeedsQueries(e cart.Event) bool {
	switch e.(type) {
	case cart.Woken, cart.LineFree, cart.SendBegun:
		return true
	case cart.CheckoutSeen, cart.CheckoutDeleted, cart.OrderSeen, cart.OrderRefunded, cart.PlaceAccepted, cart.PlaceFailed,
		cart.PlaceThrottled, cart.PlaceRefused, cart.PlaceUncertain, cart.CallReported, cart.AbortAnswered,
		cart.CallSilent, cart.OptOut,
		cart.ConsentChanged, cart.ShopPaused, cart.ShopResumed, cart.AppUninstalled, cart.OperatorCancelled,
		cart.OperatorCalled, cart.TakenOver, cart.NewerCart, cart.Erased:
		return false
	}
	return false
}

// Apply changes a cart by an event and says what must follow. A new cart has ID, Shop and Token, and an empty State. Of
// the facts, Apply itself fills in Cart and Forced. NeedsQueries says when Queried must be loaded.
func Apply(c cart.Cart, e cart.Event, r Rules, f policy.Facts, now time.Time) Result {
	a := &change{cart: c, before: c, rules: r, facts: f, now: now, event: e}
	a.cart.Calls = slices.Clone(c.Calls)
	switch e := e.(type) {
	case cart.CheckoutSeen:
		a.checkoutSeen(e)
	case cart.CheckoutDeleted:
		a.stopUnlessSettled(cart.Deleted)
	case cart.OrderSeen:
		a.orderSeen(e)
	case cart.OrderRefunded:
		a.orderRefunded(e)
	case cart.Woken:
		a.woken()
	case cart.LineFree:
		a.lineFree(e)
	case cart.SendBegun:
		a.sendBegun(e)
	case cart.PlaceAccepted:
		a.placeAccepted(e)
	case cart.PlaceFailed:
		a.placeFailed(e)
	case cart.PlaceThrottled:
		a.placeThrottled(e)
	case cart.PlaceRefused:
		a.placeRefused(e)
	case cart.PlaceUncertain:
		a.placeUncertain(e)
	case cart.CallReported:
		a.callReported(e)
	case cart.AbortAnswered:
		a.abortAnswered(e)
	case cart.CallSilent:
		a.callSilent(e)
	case cart.OptOut:
		a.optOut(e.Source)
	case cart.ConsentChanged:
		a.consentChanged(e)
	case cart.ShopPaused:
		a.shopPaused(e)
	case cart.ShopResumed:
		a.shopResumed()
	case cart.AppUninstalled:
		a.stopUnlessSettled(cart.Uninstalled)
	case cart.OperatorCancelled:
		a.stopUnlessSettled(cart.Operator)
	case cart.OperatorCalled:
		a.operatorCalled()
	case cart.TakenOver:
		a.stopUnlessSettled(cart.HandledElsewhere)
	case cart.NewerCart:
		a.newerCart()
	case cart.Erased:
		a.erased()
	}
	return a.finish()
}

// change is one event being applied to one cart.
type change struct {
	cart    cart.Cart
	before  cart.Cart
	rules   Rules
	facts   policy.Facts
	now     time.Time
	event   cart.Event
	callID  *uuid.UUID
	trace   []cart.Step
	effects []Effect
	// noted is true when the event belongs in the ledger even though state and reason stay the same.
	noted bool
}

func (a *change) emit(e Effect) { a.effects = append(a.effects, e) }

// note adds a step to the ledger entry's trace.
func (a *change) note(rule, saw string, verdict cart.Verdict) {
	a.trace = append(a.trace, cart.Step{Rule: rule, Saw: saw, Verdict: verdict})
	a.noted = true
}

// finish derives what follows from the new state: the number of attempts, the next wake, the ledger entry.
func (a *change) finish() Result {
	if a.unchanged() {
		return Result{Cart: a.before}
	}
	if a.cart.ErasedAt != nil {
		a.forget()
		if a.unchanged() {
			return Result{Cart: a.before}
		}
	}
	a.cart.Attempts = dialled(a.cart.Calls)
	a.keepOffers()
	a.cart.UpdatedAt = a.now
	if a.cart.State != cart.Waiting {
		a.cart.WakeAt = nil
	}
	if a.cart.State != cart.Ready {
		a.cart.ReadyAt = nil
	}
	switch {
	case a.cart.WakeAt != nil && (a.before.WakeAt == nil || !a.before.WakeAt.Equal(*a.cart.WakeAt) || isWake(a.event)):
		a.emit(Wake{At: *a.cart.WakeAt})
	case a.cart.WakeAt == nil && a.before.WakeAt != nil:
		a.emit(Unwake{})
	}
	moved := a.cart.State != a.before.State || a.cart.Reason != a.before.Reason
	if moved || a.noted {
		a.emit(Record{Entry: cart.Entry{
			CartID: a.cart.ID,
			At:     a.now,
			Event:  a.event.Name(),
			CallID: a.callID,
			From:   a.before.State,
			To:     a.cart.State,
			Reason: a.cart.Reason,
			Trace:  a.trace,
		}})
	}
	return Result{Cart: a.cart, Effects: a.effects, Changed: true}
}

// unchanged reports whether the event has changed nothing so far.
func (a *change) unchanged() bool {
	return !a.noted && len(a.effects) == 0 && a.cart.Equal(&a.before)
}

// isWake reports whether the event uses up the cart's next wake.
func isWake(e cart.Event) bool {
	_, ok := e.(cart.Woken)
	return ok
}

func dialled(calls []cart.Call) int {
	n := 0
	for i := range calls {
		if calls[i].Dialled() {
			n++
		}
	}
	return n
}

// decide asks the policy and does what it answers.
func (a *change) decide() {
	if a.rules.Unknown {
		// A process that knows the shop will decide.
		a.wait(cart.Due, a.now)
		return
	}
	a.follow(a.ask())
}

// ask returns the policy's decision and adds its steps to the trace.
func (a *change) ask() cart.Decision {
	f := a.facts
	f.Cart = &a.cart
	f.Forced = a.cart.Forced
	d := policy.Decide(a.rules.Policy, f, a.now)
	a.trace = append(a.trace, d.Trace...)
	if d.Arm != "" {
		a.cart.Arm = d.Arm
	}
	return d
}

func (a *change) follow(d cart.Decision) {
	switch d.Action {
	case cart.ActCall:
		a.ready()
	case cart.ActLook:
		a.wait(cart.Due, a.now)
	case cart.ActWait:
		a.wait(d.Reason, d.Until)
	case cart.ActWatch:
		a.set(cart.Watching, d.Reason)
	case cart.ActStop:
		a.stop(d.Reason)
	}
}

func (a *change) set(s cart.State, r cart.Reason) {
	a.cart.State, a.cart.Reason = s, r
}

func (a *change) wait(r cart.Reason, until time.Time) {
	a.set(cart.Waiting, r)
	until = until.UTC()
	a.cart.WakeAt = &until
}

func (a *change) ready() {
	if a.cart.State != cart.Ready || a.cart.ReadyAt == nil {
		at := a.now
		a.cart.ReadyAt = &at
	}
	reason := cart.Due
	if a.cart.Forced {
		reason = cart.ByOperator
	}
	a.set(cart.Ready, reason)
	a.emit(Fill{Assistant: a.rules.Voice.Assistant})
}

// stop ends all calling for a cart, and aborts the call that is under way.
func (a *change) stop(r cart.Reason) {
	a.set(cart.Stopped, r)
	a.cart.Forced = false
	a.abortOpenCall(r)
}

func (a *change) stopUnlessSettled(r cart.Reason) {
	if a.cart.State.Settled() && !a.mayGoOn() {
		return
	}
	if a.cart.State == "" {
		return
	}
	a.stop(r)
}
