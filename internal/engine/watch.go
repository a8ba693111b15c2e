package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// WatchCall settles a call of which nothing was reported until its deadline. When a report has moved the deadline, the
// error is a LaterError. If this process does not know the call's shop, the next attempt is left to a process that
// does.
func (e *Engine) WatchCall(ctx context.Context, id uuid.UUID) error {
	ref, err := e.db.CallRef(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if ref.Test {
		return e.watchTestCall(ctx, id)
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
	return later(sleep, err)
}
