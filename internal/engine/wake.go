package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/riverqueue/river"
)

// unconfiguredLook is how often, at the slowest, it is looked whether the shop of a waiting cart is configured again.
const unconfiguredLook = 5 * time.Minute

type wakeWorker struct {
	river.WorkerDefaults[WakeCart]
	engine *Engine
}

// Work takes the cart's pending look. When the wake was put off, or the look ends in another wait, the same job sleeps on.
func (w *wakeWorker) Work(ctx context.Context, job *river.Job[WakeCart]) error {
	var sleep time.Duration
	err := w.engine.inTx(ctx, func(ctx context.Context, u *unit) error {
		sleep = 0
		c, err := u.CartForUpdate(ctx, job.Args.CartID)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.WakeJobID == nil || *c.WakeJobID != job.ID || c.State != cart.Waiting || c.WakeAt == nil {
			// Another job has taken this one's place, or nothing is waited for.
			return nil
		}
		if c.WakeAt.After(u.Now) {
			sleep = c.WakeAt.Sub(u.Now)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, c.WakeAt)
		}
		if w.engine.stores[c.Shop] == nil {
			// Another process may know the shop, or this one after a restart.
			sleep = lookAgain(u.Now.Sub(*c.WakeAt), unconfiguredLook)
			next := u.Now.Add(sleep)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, &next)
		}
		near, err := u.near(ctx, c, noCall)
		if errors.Is(err, errWebhooksWait) {
			sleep = soonestLook
			next := u.Now.Add(sleep)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, &next)
		}
		if err != nil {
			return err
		}
		if _, err := u.apply(ctx, c, cart.Woken{}, near); err != nil {
			return err
		}
		if c.WakeAt != nil {
			sleep = max(c.WakeAt.Sub(u.Now), time.Millisecond)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sleep > 0 {
		return river.JobSnooze(sleep)
	}
	return nil
}
