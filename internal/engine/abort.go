package engine

import (
	"context"
	"errors"
	"fmt"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/voice"

	"github.com/google/uuid"
)

// AbortCall asks the provider to stop a call and records the answer. The last try records that we gave up; an earlier
// one returns the error that another try may overcome.
func (e *Engine) AbortCall(ctx context.Context, id uuid.UUID, last bool) error {
	ref, c, call, err := e.openCall(ctx, id)
	if err != nil || call == nil {
		return err
	}
	if call.ProviderCallID == "" || call.AbortedAt != nil || call.AbortAt == nil {
		return nil
	}
	store, err := e.placedBy(call)
	if err != nil {
		if !call.State.Open() && e.db.Now().Sub(*call.AbortAt) > UnknownFor {
			// Nothing will ring any more.
			return &FinalError{Err: fmt.Errorf("given up after %s: %w", UnknownFor, err)}
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
	case !last && !errors.Is(err, voice.ErrUnsupported):
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
	if ref.Test {
		t, err := e.db.TestCall(ctx, id)
		if err != nil {
			return ref, nil, nil, err
		}
		return ref, &t.Cart, t.Call(), nil
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

// placedBy returns the store whose provider a call was placed with. An error means that this process cannot ask that
// provider.
func (e *Engine) placedBy(call *cart.Call) (*Store, error) {
	store, err := e.knownStore(call.Shop)
	if err != nil {
		return nil, err
	}
	if call.Provider != "" && call.Provider != store.Provider.Name() || call.Account != "" && !store.uses(call.Account) {
		return nil, &unknownError{shop: call.Shop, err: errUnknownAccount}
	}
	return store, nil
}
