package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/voice"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// abortTries is how often the provider is asked to stop a call before it is left to its own end.
const abortTries = 8

type abortWorker struct {
	river.WorkerDefaults[AbortCall]
	engine *Engine
}

// NextRetry implements river.Worker: a call that must not go on cannot wait long.
func (w *abortWorker) NextRetry(job *river.Job[AbortCall]) time.Time {
	return w.engine.db.Now().Add(time.Duration(1<<min(job.Attempt, 6)) * time.Second)
}

// Work asks the provider to stop the call and records the answer.
func (w *abortWorker) Work(ctx context.Context, job *river.Job[AbortCall]) error {
	e := w.engine
	ref, c, call, err := e.openCall(ctx, job.Args.CallID)
	if err != nil || call == nil {
		return err
	}
	if call.ProviderCallID == "" || call.AbortedAt != nil || call.AbortAt == nil {
		return nil
	}
	store, err := e.placedBy(call)
	if err != nil {
		if !call.State.Open() && e.db.Now().Sub(*call.AbortAt) > unknownFor {
			// Nothing will ring any more.
			return river.JobCancel(fmt.Errorf("given up after %s: %w", unknownFor, err))
		}
		return err
	}
	asking, cancel := context.WithTimeout(ctx, store.Config.Voice.Timeout)
	defer cancel()
	err = store.Provider.Abort(asking, call.ProviderCallID)
	answer := cart.AbortAnswered{CallID: call.ID}
	var tooLate *voice.AbortRefusedError
	switch {
	case err == nil:
		answer.Accepted = true
	case errors.As(err, &tooLate):
		answer.Error = tooLate.Message
	case job.Attempt < job.MaxAttempts && !errors.Is(err, voice.ErrUnsupported):
		return err
	default:
		answer.GaveUp, answer.Error = true, err.Error()
	}
	e.metrics.aborted(c.Shop, answer)
	return e.record(ctx, ref, answer)
}

// openCall reads a call with its cart; a nil call means that there is nothing left to do.
func (e *Engine) openCall(ctx context.Context, id uuid.UUID) (postgres.CallRef, *cart.Cart, *cart.Call, error) {
	ref, err := e.db.CallRef(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		return ref, nil, nil, nil
	}
	if err != nil {
		return ref, nil, nil, err
	}
	c, err := e.db.Cart(ctx, ref.CartID)
	if err != nil {
		return ref, nil, nil, err
	}
	call := c.Call(id)
	if call == nil {
		return ref, nil, nil, nil
	}
	return ref, &c.Cart, call, nil
}

// placedBy returns the store whose provider a call was placed with. An error means that this process cannot ask that provider.
func (e *Engine) placedBy(call *cart.Call) (*Store, error) {
	store := e.stores[call.Shop]
	if store == nil {
		return nil, errUnknownShop
	}
	if call.Provider != "" && call.Provider != store.Provider.Name() || call.Account != "" && !store.uses(call.Account) {
		return nil, errUnknownAccount
	}
	return store, nil
}

type updateWorker struct {
	river.WorkerDefaults[UpdateCall]
	engine *Engine
}

// Work replaces what the provider knows of the cart while its call is queued. A provider that is past that is left alone.
func (w *updateWorker) Work(ctx context.Context, job *river.Job[UpdateCall]) error {
	e := w.engine
	_, c, call, err := e.openCall(ctx, job.Args.CallID)
	if err != nil || call == nil || call.State != cart.Placed || c.State != cart.Calling {
		return err
	}
	store, err := e.placedBy(call)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, store.Config.Voice.Timeout)
	defer cancel()
	err = store.Provider.Update(asking, call.ProviderCallID, e.request(store, &postgres.Cart{Cart: *c}, call, ""))
	var refused *voice.RefusedError
	if errors.As(err, &refused) || errors.Is(err, voice.ErrUnsupported) {
		return river.JobCancel(err)
	}
	return err
}
