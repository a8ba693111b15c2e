package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// overdueAfter is how late a wake or a watch may be before its job is taken for lost.
const overdueAfter = 5 * time.Minute

// Sweep finds what no job takes care of any more: carts whose wake never came, calls whose deadline was never checked,
// aborts without an answer, breakers past their time, carts and orders that lack keys of their person. It also brings
// the sums that pages show up to date, and renews the statistics of tables that have outgrown them.
func (e *Engine) Sweep(ctx context.Context) error {
	if err := e.abortAnew(ctx); err != nil {
		return err
	}
	if err := e.closeBreakers(ctx); err != nil {
		return err
	}
	if missing, err := e.db.PersonKeysMissing(ctx); err != nil {
		return err
	} else if missing {
		if _, err := e.river.Insert(ctx, FillPersonKeys{}, nil); err != nil {
			return err
		}
	}
	overdue, err := e.db.OverdueCarts(ctx, overdueAfter)
	if err != nil {
		return err
	}
	for _, id := range overdue {
		if err := e.wakeAnew(ctx, id); err != nil {
			return err
		}
	}
	silent, err := e.db.UnwatchedCalls(ctx, overdueAfter)
	if err != nil {
		return err
	}
	for _, id := range silent {
		if _, err := e.river.Insert(ctx, WatchCall{CallID: id}, &river.InsertOpts{UniqueOpts: onceAtATime}); err != nil {
			return err
		}
	}
	counted, err := e.db.FoldSums(ctx)
	if err != nil {
		return err
	}
	if !counted {
		if _, err := e.river.Insert(ctx, CountCarts{}, nil); err != nil {
			return err
		}
	}
	analyzed, err := e.db.AnalyzeOutgrown(ctx)
	if len(analyzed) > 0 {
		e.log.InfoContext(ctx, "tables that had grown were analyzed", "tables", analyzed)
	}
	return err
}

// countSlice is how long one run of CountCarts works; the next goes on.
const countSlice = 20 * time.Second

// CountCarts counts what was there before sums were kept, shop by shop. When there is more to do, the error is a
// LaterError.
func (e *Engine) CountCarts(ctx context.Context) error {
	for until := time.Now().Add(countSlice); time.Now().Before(until); {
		done, err := e.db.CountNextShop(ctx)
		if errors.Is(err, postgres.ErrBusy) {
			break
		}
		if err != nil || done {
			return err
		}
	}
	return later(time.Second, nil)
}

// abortAfter is how long an abort may go unanswered before it is asked for again. The job that asks may have died with
// its process; River would find out after minutes, and the customer's phone may ring meanwhile. Asking twice does no
// harm.
const abortAfter = 15 * time.Second

func (e *Engine) abortAnew(ctx context.Context) error {
	unanswered, err := e.db.UnansweredAborts(ctx, slices.Collect(maps.Keys(e.stores)), abortAfter)
	if err != nil {
		return err
	}
	for _, id := range unanswered {
		if _, err := e.river.Insert(ctx, AbortCall{CallID: id}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) closeBreakers(ctx context.Context) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		domains, err := u.CloseBreakers(ctx)
		if err != nil {
			return err
		}
		for _, d := range domains {
			if err := u.insert(ctx, ResumeShop{Shop: d}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// wakeAnew gives an overdue cart a new job in place of the lost one.
func (e *Engine) wakeAnew(ctx context.Context, id uuid.UUID) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.State != cart.Waiting || c.WakeAt == nil || c.WakeAt.After(u.Now.Add(-overdueAfter)) {
			return nil
		}
		if err := u.cancelWake(ctx, c); err != nil {
			return err
		}
		if err := u.insertWake(ctx, c, u.Now); err != nil {
			return err
		}
		return u.SetWakeJob(ctx, c.ID, c.WakeJobID, c.WakeJobAt)
	})
}
