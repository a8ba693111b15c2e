package engine

import (
	"context"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
)

const (
	// A transaction takes at first fillBatch carts, then fewer or more, up to mostFilled, so that it takes about
	// fillWithin: webhooks about these carts wait for it.
	fillBatch  = 20
	mostFilled = 200
	fillWithin = 50 * time.Millisecond
	// fillSlice is how long one run works; the next goes on.
	fillSlice = 20 * time.Second
	// fillMany is from how many rows of one run on it is worth clearing up after them.
	fillMany = 1000
)

// FillPersonKeys writes missing keys for a while. When there is more to do, the error is a LaterError.
func (e *Engine) FillPersonKeys(ctx context.Context) error {
	done, err := e.fillPersonKeysUntil(ctx, time.Now().Add(fillSlice))
	if err == nil && !done {
		return later(time.Second, nil)
	}
	return err
}

// fillPersonKeysUntil writes missing keys until a time; done is true when there is nothing left to do. Rows that
// somebody else has locked are passed over and met again by the next run.
func (e *Engine) fillPersonKeysUntil(ctx context.Context, until time.Time) (done bool, err error) {
	orders, filled := 0, 0
	for pace := newFillPace(); ; pace.took(&orders) {
		if pace.got, err = e.db.FillOrderKeys(ctx, pace.size); err != nil {
			return false, err
		}
		if pace.got == 0 {
			break
		}
		if time.Now().After(until) {
			return false, nil
		}
	}
	last := noCall
	for pace := newFillPace(); ; pace.took(&filled) {
		pace.got, last, err = e.db.FillCartKeys(ctx, last, pace.size, func(c *cart.Cart) cart.Person {
			return policy.PersonOfCart(c, e.countryOf(c.Shop))
		})
		if err != nil {
			return false, err
		}
		if pace.got == 0 {
			break
		}
		if time.Now().After(until) {
			return false, nil
		}
	}
	if orders+filled > 0 {
		e.log.Info("carts and orders are found by every key of their person", "carts", filled, "orders", orders)
	}
	missing, err := e.db.PersonKeysMissing(ctx)
	if err == nil && !missing && orders+filled >= fillMany {
		err = e.db.SettleFill(ctx)
	}
	return !missing && err == nil, err
}

// fillPace is how many rows a transaction of a fill takes.
type fillPace struct {
	size, got int
	began     time.Time
}

func newFillPace() *fillPace { return &fillPace{size: fillBatch, began: time.Now()} }

// took counts the rows of a transaction and sets the size of the next one by how long it took.
func (p *fillPace) took(sum *int) {
	*sum += p.got
	switch d := time.Since(p.began); {
	case d > 2*fillWithin:
		p.size = max(p.size/2, 1)
	case d < fillWithin:
		p.size = min(2*p.size, mostFilled)
	}
	p.began = time.Now()
}
