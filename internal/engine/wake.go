package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// unconfiguredLook is how often, at the slowest, it is looked whether the shop of a waiting cart is configured again.
const unconfiguredLook = 5 * time.Minute

// WakeCart checks a cart whose wake has come, for the job with the given id. When the wake was moved, or the check ends
// in another wait, the error is a LaterError: the same job runs again then.
func (e *Engine) WakeCart(ctx context.Context, id uuid.UUID, job int64) error {
	var sleep time.Duration
	unknown := ""
	err := e.decide(ctx, id, func(ctx context.Context, u *unit, c *postgres.Cart) error {
		sleep, unknown = 0, ""
		if c.WakeJobID == nil || *c.WakeJobID != job || c.State != cart.Waiting || c.WakeAt == nil {
			// Another job has taken this one's place, or nothing is waited for.
			return nil
		}
		if c.WakeAt.After(u.Now) {
			sleep = c.WakeAt.Sub(u.Now)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, c.WakeAt)
		}
		if e.stores[c.Shop] == nil {
			// Another process may know the shop, or this one after a restart.
			unknown = c.Shop
			sleep = CheckAgain(u.Now.Sub(*c.WakeAt), unconfiguredLook)
			next := u.Now.Add(sleep)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, &next)
		}
		queried, err := u.queriedFacts(ctx, c, noCall)
		if errors.Is(err, errWebhooksWait) {
			sleep = soonestCheck
			next := u.Now.Add(sleep)
			return u.SetWakeJob(ctx, c.ID, c.WakeJobID, &next)
		}
		if err != nil {
			return err
		}
		if _, err := u.apply(ctx, c, cart.Woken{}, queried); err != nil {
			return err
		}
		if c.WakeAt != nil {
			sleep = max(c.WakeAt.Sub(u.Now), time.Millisecond)
		}
		return nil
	})
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err == nil && unknown != "" {
		return &LaterError{In: sleep, Shop: unknown}
	}
	return later(sleep, err)
}
