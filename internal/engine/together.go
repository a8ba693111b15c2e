package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// How changes of carts share transactions.
//
// What is reported of calls, and what is decided on carts, comes in numbers. Changes that come at the same time share a
// transaction: the carts are locked and loaded together, each change is made in the order in which it came, and what
// follows is stored for all carts at once, a cart that changed twice once. Whoever asked for a change waits until it is
// committed. When a transaction fails, each of its changes gets one of its own, so that none spoils another.
const (
	// changers is how many transactions change carts at a time, for each kind of change, in a process. One computes while
	// the other commits.
	changers = 2
	// changedTogether is how many changes share one transaction at most.
	changedTogether = 64
	// changeQueue is how many changes may wait for a transaction. Beyond that, whoever asks for one waits.
	changeQueue = 256
	// changeWithin bounds one transaction.
	changeWithin = 15 * time.Second
)

// changing is one change of a cart that waits for its transaction. do may run more than once.
type changing struct {
	cart uuid.UUID
	do   func(context.Context, *unit, *postgres.Cart) error
	// done gets the answer; it has room for it.
	done chan error
}

// changer makes changes of one kind. See RunIntake.
type changer struct {
	run func(context.Context, []*changing) error

	mu   sync.RWMutex
	open bool
	in   chan *changing
}

// change changes a cart and waits until that is durable; postgres.ErrNotFound when there is no such cart.
func (c *changer) change(
	ctx context.Context, id uuid.UUID, do func(context.Context, *unit, *postgres.Cart) error,
) error {
	item := &changing{cart: id, do: do, done: make(chan error, 1)}
	c.mu.RLock()
	if !c.open {
		c.mu.RUnlock()
		return c.run(ctx, []*changing{item})
	}
	select {
	case c.in <- item:
		c.mu.RUnlock()
	case <-ctx.Done():
		c.mu.RUnlock()
		return ctx.Err()
	}
	select {
	case err := <-item.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until makes changes together until ctx ends; then it makes those that wait and leaves others to whoever asks.
func (c *changer) until(ctx context.Context) {
	in := make(chan *changing, changeQueue)
	c.mu.Lock()
	c.in, c.open = in, true
	c.mu.Unlock()
	var group sync.WaitGroup
	for range changers {
		group.Go(func() {
			for first := range in {
				c.together(context.WithoutCancel(ctx), gather([]*changing{first}, in, changedTogether))
			}
		})
	}
	<-ctx.Done()
	c.mu.Lock()
	c.open = false
	c.mu.Unlock()
	close(in)
	group.Wait()
}

// together makes changes in one transaction, or each in its own when one of them makes it fail.
func (c *changer) together(ctx context.Context, items []*changing) {
	within, cancel := context.WithTimeout(ctx, changeWithin)
	defer cancel()
	err := c.run(within, items)
	if err != nil && len(items) > 1 && !postgres.Disturbed(err) {
		for _, item := range items {
			c.together(ctx, []*changing{item})
		}
		return
	}
	for _, item := range items {
		item.done <- err
	}
}

// inOne makes changes in one transaction that begin begins.
func (e *Engine) inOne(
	ctx context.Context, begin func(context.Context, func(context.Context, *unit) error) error, items []*changing,
) error {
	ids := make([]uuid.UUID, len(items))
	for i, item := range items {
		ids[i] = item.cart
	}
	return begin(ctx, func(ctx context.Context, u *unit) (err error) {
		defer recovered(&err)
		carts, shops, err := u.CartsForUpdate(ctx, ids)
		if err != nil {
			return err
		}
		u.deferred = newDeferred(shops)
		for _, item := range items {
			c := carts[item.cart]
			if c == nil {
				return postgres.ErrNotFound
			}
			if err := item.do(ctx, u, c); err != nil {
				return err
			}
		}
		return u.flush(ctx)
	})
}

// report gives a report of a call, or the answer to a request, to its cart. No query may decide what it changes.
func (e *Engine) report(
	ctx context.Context, id uuid.UUID, do func(context.Context, *unit, *postgres.Cart) error,
) error {
	return e.reports.change(ctx, id, do)
}

// decide lets do decide on a cart, which may need queries.
func (e *Engine) decide(
	ctx context.Context, id uuid.UUID, do func(context.Context, *unit, *postgres.Cart) error,
) error {
	return e.decisions.change(ctx, id, func(ctx context.Context, u *unit, c *postgres.Cart) error {
		if err := u.storeWhatMeets(ctx, c); err != nil {
			return err
		}
		return do(ctx, u, c)
	})
}

// storeWhatMeets stores what is deferred when facts about a cart depend on it, so that queries find it.
func (u *unit) storeWhatMeets(ctx context.Context, c *postgres.Cart) error {
	meets, err := u.meets(ctx, c)
	if err != nil {
		return err
	}
	d := u.deferred
	if slices.ContainsFunc(meets, func(name string) bool { return d.met[name] }) {
		if err := u.flush(ctx); err != nil {
			return err
		}
		u.deferred = newDeferred(d.shops)
	}
	for _, name := range meets {
		u.deferred.met[name] = true
	}
	return nil
}
