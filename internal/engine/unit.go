package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// onCart gives an event to a cart in a transaction of its own, without the facts that need queries.
func (e *Engine) onCart(ctx context.Context, id uuid.UUID, ev cart.Event) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, id)
		if err != nil {
			return err
		}
		_, err = u.apply(ctx, c, ev, nil)
		return err
	})
}

// unit is one transaction of the engine. What several carts may ask for in it is done once, after the commit.
type unit struct {
	*postgres.Tx
	engine *Engine
	// fills are the assistants that a cart became ready for or a line was freed of.
	fills  map[string]bool
	counts []func(*Metrics)
	// told counts the deliveries of events. deliveries are those that are not stored yet; tellTo are the endpoints of all.
	told       int
	deliveries []postgres.Delivery
	tellTo     map[string]bool
	reader     *policy.Reader
	// rests are the rests of accounts that were read.
	rests map[string]postgres.Rest
	// deferred is set while a unit of work is about many carts, which are then stored together.
	deferred *deferred
}

// inTx runs fn in one transaction and counts what happened once it has committed.
func (e *Engine) inTx(ctx context.Context, fn func(context.Context, *unit) error) error {
	return e.within(ctx, e.db.InTx, fn)
}

// inIntakeTx is inTx on the connections of the intake.
func (e *Engine) inIntakeTx(ctx context.Context, fn func(context.Context, *unit) error) error {
	return e.within(ctx, e.db.InIntakeTx, fn)
}

func (e *Engine) within(
	ctx context.Context, begin func(context.Context, func(context.Context, *postgres.Tx) error) error,
	fn func(context.Context, *unit) error,
) error {
	var done *unit
	err := begin(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		u := &unit{
			Tx: tx, engine: e, reader: policy.NewReader(), fills: map[string]bool{}, tellTo: map[string]bool{},
			rests: map[string]postgres.Rest{},
		}
		if err := fn(ctx, u); err != nil {
			return err
		}
		if err := u.tellOfShops(ctx); err != nil {
			return err
		}
		if err := u.Append(ctx, nil, u.takeDeliveries()); err != nil {
			return err
		}
		done = u
		return nil
	})
	if err != nil {
		return err
	}
	for _, count := range done.counts {
		count(e.metrics)
	}
	for assistant := range done.fills {
		e.fills.want(assistant)
	}
	e.nudges.add(done.tellTo)
	return nil
}

// change is what apply did.
type change struct {
	effects []lifecycle.Effect
	// changed is true when anything was stored, moved when the cart's state changed.
	changed, moved bool
}

// sends reports whether the request of the call may go out.
func (c change) sends(call uuid.UUID) bool {
	return slices.Contains(c.effects, lifecycle.Effect(lifecycle.Send{CallID: call}))
}

// apply gives one event to a locked cart, stores the outcome and enacts what follows. queried may be nil.
func (u *unit) apply(ctx context.Context, c *postgres.Cart, ev cart.Event, queried *policy.QueriedFacts) (change, error) {
	store := u.engine.stores[c.Shop]
	if store == nil {
		if store = unconfigured(c.Shop, ev); store == nil {
			return change{}, &unknownError{shop: c.Shop, err: errUnknownShop}
		}
	}
	shop, err := u.shop(ctx, c.Shop)
	if err != nil {
		return change{}, err
	}
	facts := policy.Facts{Shop: shop.State(u.Now), Queried: queried}
	facts.Shop.Paused = facts.Shop.Paused || store.Config.Paused
	before := c.Cart
	rules := store.Rules
	rules.ReadPhone = func(co cart.Checkout) policy.Phone { return u.reader.Phone(co, rules.Policy, rules.Country) }
	result := lifecycle.Apply(before, ev, rules, facts, u.Now)
	if !result.Changed {
		return change{}, nil
	}
	after, effects := result.Cart, result.Effects
	u.tellPerson(c, &before, &after)
	was := *c
	c.Cart = after
	u.tell(c, &before, ev)
	if err := u.moveWake(ctx, c, ev, effects); err != nil {
		return change{}, err
	}
	save := postgres.CartSave{
		Cart: c, Assistant: store.Rules.Voice.Assistant, Before: before.Calls, CallsOnly: onlyCallsDiffer(&was, c),
	}
	if err := u.save(ctx, save); err != nil {
		return change{}, err
	}
	for _, effect := range effects {
		if err := u.enact(ctx, store, c, effect); err != nil {
			return change{}, err
		}
	}
	moved := before.State != after.State
	if moved {
		u.counts = append(u.counts, func(m *Metrics) { m.cartMoved(after.Shop, after.State, after.Reason) })
	}
	return change{effects: effects, changed: true, moved: moved}, nil
}

// onlyCallsDiffer reports whether nothing of a cart's own row has to be written. Most reports change only their call,
// and a cart's row is large and in many indexes.
func onlyCallsDiffer(was, is *postgres.Cart) bool {
	if was.CreatedAt.IsZero() || !is.KnowsPerson() || was.Events != is.Events ||
		was.WakeJobID != is.WakeJobID || was.WakeJobAt != is.WakeJobAt {
		return false
	}
	row := is.Cart
	row.Calls, row.UpdatedAt = was.Calls, was.UpdatedAt
	return row.Equal(&was.Cart)
}

// unconfigured stands for a shop that is not in the configuration, for the events that need no rules: a customer is
// owed erasure and an end of calling all the same, and a line that a silent call holds may be another shop's too.
// Nothing is decided for it. Nil for any other event, which must wait for a process that knows the shop.
func unconfigured(domain string, ev cart.Event) *Store {
	switch ev.(type) {
	case cart.Erased, cart.CallSilent, cart.OptOut, cart.OperatorCancelled, cart.TakenOver:
		// An abort is left to a process that knows whether the provider can do it.
		rules := lifecycle.Rules{Policy: &policy.Rules{}, Unknown: true, Voice: lifecycle.Voice{CanAbort: true}}
		return &Store{Domain: domain, Rules: rules}
	case cart.CheckoutSeen, cart.CheckoutDeleted, cart.OrderSeen, cart.OrderRefunded,
		cart.Woken, cart.LineFree, cart.SendBegun,
		cart.PlaceAccepted, cart.PlaceFailed, cart.PlaceThrottled, cart.PlaceRefused, cart.PlaceUncertain,
		cart.CallReported, cart.AbortAnswered, cart.ConsentChanged, cart.ShopPaused, cart.ShopResumed,
		cart.AppUninstalled, cart.OperatorCalled, cart.NewerCart:
		return nil
	}
	return nil
}

// enact does what one effect asks for. The wake is moved before, in one write with the cart.
func (u *unit) enact(ctx context.Context, store *Store, c *postgres.Cart, effect lifecycle.Effect) error {
	switch f := effect.(type) {
	case lifecycle.Record:
		return u.record(ctx, f.Entry)
	case lifecycle.Fill:
		u.fills[f.Assistant] = true
		return nil
	case lifecycle.Place:
		return u.insert(ctx, PlaceCall{CallID: f.CallID}, time.Time{})
	case lifecycle.Abort:
		return u.insert(ctx, AbortCall{CallID: f.CallID}, time.Time{})
	case lifecycle.Update:
		return u.insert(ctx, UpdateCall{CallID: f.CallID}, time.Time{})
	case lifecycle.Watch:
		return u.insert(ctx, WatchCall{CallID: f.CallID}, f.At)
	case lifecycle.Suppress:
		fresh, err := u.SuppressCart(ctx, c, optedOut(&c.Cart), f.Source)
		if err != nil || !fresh {
			return err
		}
		return u.insert(ctx, StopPerson{CartID: c.ID, Source: f.Source}, time.Time{})
	case lifecycle.SupersedeOlder:
		older, err := u.OlderActiveCarts(ctx, c)
		if err != nil || len(older) == 0 {
			return err
		}
		turned, err := u.TurnSupersede(ctx, older, c.ID)
		if err != nil || turned {
			return err
		}
		return u.insert(ctx, Supersede{CartID: c.ID}, time.Time{})
	case lifecycle.CallSettled:
		call := c.Call(f.CallID)
		outcome := call.Outcome
		u.counts = append(u.counts, func(m *Metrics) { m.callSettled(c.Shop, outcome) })
		if u.deferred != nil {
			u.deferred.settled[store.Domain] = store
			return nil
		}
		return u.lookAtBreakers(ctx, store)
	case lifecycle.AccountRefused:
		return u.trip(ctx, store.Domain, "provider: "+f.Why, nil)
	case lifecycle.Acted:
		if u.engine.forwards() {
			return u.insert(ctx, ForwardAction{CallID: f.CallID, Digest: f.Digest}, time.Time{})
		}
	case lifecycle.Wake, lifecycle.Unwake:
		// See moveWake.
	case lifecycle.Send:
		// Whoever gave SendBegun looks for it.
	}
	return nil
}

// moveWake keeps the cart's one pending look where the new state wants it. Moving it later costs nothing: the job finds
// out when it fires and snoozes. The job that is running this very change takes care of itself.
func (u *unit) moveWake(ctx context.Context, c *postgres.Cart, ev cart.Event, effects []lifecycle.Effect) error {
	_, running := ev.(cart.Woken)
	for _, effect := range effects {
		if wake, is := effect.(lifecycle.Wake); is {
			if running {
				c.WakeJobAt = &wake.At
				return nil
			}
			if c.WakeJobID != nil && c.WakeJobAt != nil && !wake.At.Before(*c.WakeJobAt) {
				return nil
			}
			if err := u.cancelWake(ctx, c); err != nil {
				return err
			}
			return u.insertWake(ctx, c, wake.At)
		}
		if _, is := effect.(lifecycle.Unwake); is {
			if running {
				c.WakeJobID, c.WakeJobAt = nil, nil
				return nil
			}
			return u.cancelWake(ctx, c)
		}
	}
	return nil
}

func (u *unit) insertWake(ctx context.Context, c *postgres.Cart, at time.Time) error {
	if u.deferred != nil {
		c.WakeJobAt = &at
		u.deferred.wakes[c.ID] = c
		return nil
	}
	job, err := u.engine.river.InsertTx(ctx, u.Tx.Tx, WakeCart{CartID: c.ID}, insertAt(u.Now, at))
	if err != nil {
		return err
	}
	c.WakeJobID, c.WakeJobAt = &job.Job.ID, &at
	return nil
}

func (u *unit) cancelWake(ctx context.Context, c *postgres.Cart) error {
	if u.deferred != nil && u.deferred.wakes[c.ID] != nil {
		delete(u.deferred.wakes, c.ID)
		c.WakeJobAt = nil
		return nil
	}
	if c.WakeJobID == nil {
		return nil
	}
	_, err := u.engine.river.JobCancelTx(ctx, u.Tx.Tx, *c.WakeJobID)
	if err != nil && !errors.Is(err, river.ErrNotFound) {
		return err
	}
	c.WakeJobID, c.WakeJobAt = nil, nil
	return nil
}

// insert enqueues a job in this transaction; a zero at means now.
func (u *unit) insert(ctx context.Context, args river.JobArgs, at time.Time) error {
	if u.deferred != nil {
		u.deferred.jobs = append(u.deferred.jobs, river.InsertManyParams{Args: args, InsertOpts: insertAt(u.Now, at)})
		return nil
	}
	_, err := u.engine.river.InsertTx(ctx, u.Tx.Tx, args, insertAt(u.Now, at))
	return err
}

// queriedFacts loads the facts that need queries for a decision about c, without the call except. It returns
// errWebhooksWait when the decision must wait.
func (u *unit) queriedFacts(ctx context.Context, c *postgres.Cart, except uuid.UUID) (*policy.QueriedFacts, error) {
	store, err := u.engine.knownStore(c.Shop)
	if err != nil {
		return nil, err
	}
	if pending, err := u.WebhooksPending(ctx, &c.Cart); err != nil {
		return nil, err
	} else if pending {
		return nil, errWebhooksWait
	}
	rules := store.Rules.Policy
	h := postgres.Horizon{
		Dials:     policy.LongestCap(rules),
		ShopCalls: rules.Caps.DailyCalls > 0,
		Offers:    rules.OfferCooldown,
	}
	if rules.OfferBudget.Monthly != nil {
		y, m, _ := u.Now.In(store.Location).Date()
		h.Month = time.Date(y, m, 1, 0, 0, 0, 0, store.Location)
	}
	u.tellPerson(c, &c.Cart)
	return u.QueriedFacts(ctx, c, h, except)
}
