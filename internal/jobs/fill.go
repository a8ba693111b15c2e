package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// requestFills asks for the free lines of the assistants in question to be given out, once each: while a fill_lines job
// is wanted and has not begun, no second one is inserted. It comes last in a transaction, in a fixed order, because it takes a
// lock per assistant.
func (u *unit) requestFills(ctx context.Context) error {
	assistants := make([]string, 0, len(u.fills))
	for a := range u.fills {
		assistants = append(assistants, a)
	}
	slices.Sort(assistants)
	for _, a := range assistants {
		first, err := u.WantFill(ctx, a)
		if err != nil {
			return err
		}
		if first {
			if err := u.insert(ctx, FillLines{Assistant: a}, time.Time{}); err != nil {
				return err
			}
		}
	}
	return nil
}

type fillWorker struct {
	river.WorkerDefaults[FillLines]
	engine *Engine
}

// Work gives lines out, one cart a transaction, until none is free or nobody is ready.
func (w *fillWorker) Work(ctx context.Context, job *river.Job[FillLines]) error {
	return w.engine.fill(ctx, job.Args.Assistant)
}

func (e *Engine) fill(ctx context.Context, assistant string) error {
	lines, maxWait := e.lines(assistant)
	if lines == 0 {
		// No configured shop uses it any more.
		return e.db.FillBegun(ctx, assistant)
	}
	if err := e.db.FillBegun(ctx, assistant); err != nil {
		return err
	}
	var skip []uuid.UUID
	for {
		var looked *uuid.UUID
		err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
			looked = nil
			if err := u.LockAssistant(ctx, assistant); err != nil {
				return err
			}
			busy, err := u.BusyLines(ctx, assistant)
			if err != nil || busy >= lines {
				return err
			}
			c, err := u.NextReadyCart(ctx, assistant, u.Now.Add(-maxWait), skip)
			if errors.Is(err, postgres.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			looked = &c.ID
			return u.giveLine(ctx, c)
		})
		if err != nil {
			return err
		}
		if looked == nil {
			return nil
		}
		skip = append(skip, *looked)
	}
}

// giveLine offers a free line to a ready cart. The phone is locked, so that no cap is passed by two shops' calls at once.
func (u *unit) giveLine(ctx context.Context, c *postgres.Cart) error {
	if u.engine.stores[c.Shop] == nil {
		return nil
	}
	if err := u.LockPhone(ctx, c.Phone); err != nil {
		return err
	}
	near, err := u.near(ctx, c, uuid.Nil)
	if err != nil {
		return err
	}
	waited := u.Now
	if c.ReadyAt != nil {
		waited = *c.ReadyAt
	}
	did, err := u.apply(ctx, c, cart.LineFree{CallID: uuid.Must(uuid.NewV7())}, near)
	if err != nil {
		return err
	}
	if c.State == cart.Calling && did.moved {
		u.counts = append(u.counts, func(m *Metrics) { m.lineGiven(c.Shop, u.Now.Sub(waited)) })
	}
	return nil
}

// lines tells how many lines an assistant has and how long a cart may be passed over for more valuable ones.
func (e *Engine) lines(assistant string) (int, time.Duration) {
	for _, s := range e.stores {
		if s.Rules.Voice.Assistant == assistant {
			return s.Config.Voice.Lines, s.Config.Voice.MaxWait
		}
	}
	return 0, 0
}
