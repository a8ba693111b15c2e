package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/shopspring/decimal"
)

// deferred is what a unit of work about many carts stores once, last.
type deferred struct {
	shops  map[string]postgres.Shop
	saves  []postgres.CartSave
	places map[uuid.UUID]int
	ledger []cart.Entry
	// wakes are the carts that want a wake_cart job, at their WakeJobAt.
	wakes map[uuid.UUID]*postgres.Cart
	jobs  []river.InsertManyParams
	// callbacks are the messages to be kept.
	callbacks []postgres.KeptCallback
	// settled are the shops of which calls came to an outcome, credits the balances that were told.
	settled map[string]*Store
	credits map[string]decimal.Decimal
	// last is what comes after everything else, because many carts share what it changes.
	last []func(context.Context) error
	// met are the keys of the persons, and the shops with limits of their own, of the carts that are not stored yet.
	met map[string]bool
}

func newDeferred(shops map[string]postgres.Shop) *deferred {
	return &deferred{
		shops: shops, places: map[uuid.UUID]int{}, wakes: map[uuid.UUID]*postgres.Cart{}, settled: map[string]*Store{},
		credits: map[string]decimal.Decimal{}, met: map[string]bool{},
	}
}

// save notes that a cart is to be stored. What was stored before is what it was at first.
func (d *deferred) save(s postgres.CartSave) {
	if at, again := d.places[s.Cart.ID]; again {
		s.Before, s.CallsOnly = d.saves[at].Before, s.CallsOnly && d.saves[at].CallsOnly
		d.saves[at] = s
		return
	}
	d.places[s.Cart.ID] = len(d.saves)
	d.saves = append(d.saves, s)
}

// shop is the state of a shop, read once where a unit of work is about many carts.
func (u *unit) shop(ctx context.Context, domain string) (postgres.Shop, error) {
	if u.deferred != nil {
		if s, ok := u.deferred.shops[domain]; ok {
			return s, nil
		}
	}
	return u.Shop(ctx, domain)
}

// save stores a cart, now or with the others.
func (u *unit) save(ctx context.Context, s postgres.CartSave) error {
	if u.deferred != nil {
		u.deferred.save(s)
		return nil
	}
	return u.SaveCart(ctx, s.Cart, s.Assistant, s.Before)
}

// record adds an entry to a ledger, now or with the others.
func (u *unit) record(ctx context.Context, entry cart.Entry) error {
	if u.deferred != nil {
		u.deferred.ledger = append(u.deferred.ledger, entry)
		return nil
	}
	return u.AppendLedger(ctx, entry)
}

// flush stores what was deferred: the jobs first, since a cart knows the id of its wake_cart job, then the carts, then
// their ledgers and their events, and last what many carts share.
func (u *unit) flush(ctx context.Context) error {
	d := u.deferred
	u.deferred = nil
	carts := make([]*postgres.Cart, 0, len(d.wakes))
	jobs := make([]river.InsertManyParams, 0, len(d.wakes)+len(d.jobs))
	for _, c := range d.wakes {
		carts = append(carts, c)
		jobs = append(jobs, river.InsertManyParams{Args: WakeCart{CartID: c.ID}, InsertOpts: insertAt(u.Now, *c.WakeJobAt)})
	}
	jobs = append(jobs, d.jobs...)
	if len(jobs) > 0 {
		inserted, err := u.engine.river.InsertManyTx(ctx, u.Tx.Tx, jobs)
		if err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
		for i, c := range carts {
			c.WakeJobID = &inserted[i].Job.ID
		}
	}
	if len(d.saves) > 0 {
		if err := u.SaveCarts(ctx, d.saves); err != nil {
			return err
		}
	}
	if err := u.Append(ctx, d.ledger, u.takeDeliveries()); err != nil {
		return err
	}
	if len(d.callbacks) > 0 {
		if err := u.KeepCallbacks(ctx, d.callbacks); err != nil {
			return err
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(d.settled)) {
		if err := u.lookAtBreakers(ctx, d.settled[domain]); err != nil {
			return err
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(d.credits)) {
		if err := u.SetCredits(ctx, domain, d.credits[domain]); err != nil {
			return err
		}
	}
	for _, do := range d.last {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// insertAt says when a job is due; one that is due already is not scheduled.
func insertAt(now, at time.Time) *river.InsertOpts {
	opts := &river.InsertOpts{}
	if at.After(now) {
		opts.ScheduledAt = at
	}
	return opts
}
