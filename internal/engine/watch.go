package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/riverqueue/river"
)

type watchWorker struct {
	river.WorkerDefaults[WatchCall]
	engine *Engine
}

// Work settles a call that was not heard of until its watch; one that was heard of meanwhile is watched on. Of a call whose shop is
// not known here the cart is left to be looked at by a process that knows it.
func (w *watchWorker) Work(ctx context.Context, job *river.Job[WatchCall]) error {
	e := w.engine
	ref, err := e.db.CallRef(ctx, job.Args.CallID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var sleep time.Duration
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		sleep = 0
		c, err := u.CartForUpdate(ctx, ref.CartID)
		if err != nil {
			return err
		}
		call := c.Call(ref.CallID)
		if call == nil || !call.State.Open() || call.WatchAt == nil {
			return nil
		}
		if call.WatchAt.After(u.Now) {
			sleep = call.WatchAt.Sub(u.Now)
			return nil
		}
		_, err = u.apply(ctx, c, cart.CallSilent{CallID: call.ID}, nil)
		return err
	})
	if err != nil {
		return err
	}
	if sleep > 0 {
		return river.JobSnooze(sleep)
	}
	return nil
}
