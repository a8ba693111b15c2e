package engine

import (
	"context"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/riverqueue/river"
)

// FillPersonKeys writes the keys of the carts and orders that an older program wrote. The sweep inserts it while there
// are any, from the first start on; a run that is interrupted loses nothing, because what it has done is marked row by
// row.
type FillPersonKeys struct{}

// Kind implements river.JobArgs.
func (FillPersonKeys) Kind() string { return "fill_person_keys" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (FillPersonKeys) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChore, MaxAttempts: 3, UniqueOpts: onceAtATime}
}

const (
	// A transaction takes at first fillBatch carts, then fewer or more, up to mostFilled, so that it takes about fillWithin:
	// webhooks about these carts wait for it.
	fillBatch  = 20
	mostFilled = 200
	fillWithin = 50 * time.Millisecond
	// fillSlice is how long one run works; the next goes on.
	fillSlice = 20 * time.Second
	// fillMany is from how many rows of one run on it is worth clearing up after them.
	fillMany = 1000
)

type fillPersonKeysWorker struct {
	river.WorkerDefaults[FillPersonKeys]
	engine *Engine
}

// Timeout implements river.Worker: clearing up after a large fill takes its time.
func (w *fillPersonKeysWorker) Timeout(*river.Job[FillPersonKeys]) time.Duration {
	return 10 * time.Minute
}

// Work fills until nothing is left or its time is up.
func (w *fillPersonKeysWorker) Work(ctx context.Context, _ *river.Job[FillPersonKeys]) error {
	done, err := w.engine.FillPersonKeys(ctx, time.Now().Add(fillSlice))
	if err == nil && !done {
		return river.JobSnooze(time.Second)
	}
	return err
}

// FillPersonKeys writes missing keys until a time; done is true when there is nothing left to do. Rows that somebody
// else has locked are passed over and met again by the next run.
func (e *Engine) FillPersonKeys(ctx context.Context, until time.Time) (done bool, err error) {
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
