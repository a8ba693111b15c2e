package engine

import (
	"context"
	"errors"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/voice"

	"github.com/google/uuid"
)

// UpdateCall replaces what the provider knows of the cart while its call is queued. The error is a FinalError when the
// provider can no longer change the call.
func (e *Engine) UpdateCall(ctx context.Context, id uuid.UUID) error {
	_, c, call, err := e.openCall(ctx, id)
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
		return &FinalError{Err: err}
	}
	return err
}
