package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// requestFills asks for the free lines of the assistants in question to be given out. Where a cart became ready, a job does it;
// where a line was freed, this process does it right after the commit, and a later job is there in case it does not come to that. Of
// either there is one at a time: while it is wanted and has not begun, no second one is inserted. It comes last in a transaction, in
// a fixed order, because it takes a lock per assistant.
func (u *unit) requestFills(ctx context.Context) error {
	for _, late := range []bool{false, true} {
		wanted, at := u.fills, time.Time{}
		if late {
			wanted, at = u.freed, u.Now.Add(fillLate)
		}
		for _, a := range slices.Sorted(maps.Keys(wanted)) {
			job := FillLines{Assistant: a, Late: late}
			first, err := u.WantFill(ctx, job.note())
			if err != nil {
				return err
			}
			if first {
				if err := u.insert(ctx, job, at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fillTimeout bounds one fill that a process does by itself.
const fillTimeout = 30 * time.Second

// fillLate is how long after a line was freed a job looks whether it was given out.
const fillLate = 2 * time.Second

// note is the name under which the job is known to be wanted.
func (f FillLines) note() string {
	if f.Late {
		return "late " + f.Assistant
	}
	return f.Assistant
}

// refills are the fills that this process does by itself, at most one at a time for an assistant.
type refills struct {
	// running holds the assistants that a fill is under way for; the value is true when another one must follow it.
	mu      sync.Mutex
	running map[string]bool
	closed  bool
	group   sync.WaitGroup
}

// refill gives out an assistant's free lines without keeping the caller. What goes wrong is left to the late job.
func (e *Engine) refill(assistant string) {
	r := &e.refills
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, runs := r.running[assistant]; runs {
		r.running[assistant] = true
		return
	}
	if r.closed {
		return
	}
	r.running[assistant] = false
	r.group.Go(func() {
		for again := true; again; {
			ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
			if err := e.giveLines(ctx, assistant); err != nil {
				e.log.Warn("refill the lines", "error", err)
			}
			cancel()
			r.mu.Lock()
			if again = r.running[assistant]; again {
				r.running[assistant] = false
			} else {
				delete(r.running, assistant)
			}
			r.mu.Unlock()
		}
	})
}

// Close waits for what the engine does by itself. It comes after the last change of a cart and before the database is closed.
func (e *Engine) Close() {
	e.refills.mu.Lock()
	e.refills.closed = true
	e.refills.mu.Unlock()
	e.refills.group.Wait()
}

// FillLines gives an assistant's free lines out, one cart a transaction, until none is free or no cart is ready. The job was created at
// an instant.
func (e *Engine) FillLines(ctx context.Context, job FillLines, created time.Time) error {
	lines, _ := e.lines(job.Assistant)
	if lines == 0 && e.db.Now().Sub(created) < UnknownFor {
		// The note stays, so that no second job is inserted while this one waits for a process that knows the assistant.
		return errUnknownShop
	}
	if err := e.db.FillBegun(ctx, job.note()); err != nil {
		return err
	}
	return e.giveLines(ctx, job.Assistant)
}

func (e *Engine) giveLines(ctx context.Context, assistant string) error {
	lines, maxWait := e.lines(assistant)
	if lines == 0 {
		// No configured shop uses it any more.
		return nil
	}
	var skip []uuid.UUID
	var failed error
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
		if looked == nil || ctx.Err() != nil {
			return errors.Join(failed, err)
		}
		if err != nil {
			// One cart that cannot be looked at keeps no other from being called.
			failed = fmt.Errorf("give a line to cart %s: %w", *looked, err)
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
	queried, err := u.queriedFacts(ctx, c, uuid.Nil)
	if errors.Is(err, errWebhooksWait) {
		// Whoever acts upon them asks for another fill.
		return nil
	}
	if err != nil {
		return err
	}
	waited := u.Now
	if c.ReadyAt != nil {
		waited = *c.ReadyAt
	}
	did, err := u.apply(ctx, c, cart.LineFree{CallID: uuid.Must(uuid.NewV7())}, queried)
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
