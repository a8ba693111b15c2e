package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// ErrNotExportable: the privacy request asks for erasure, or whom it was about is forgotten already.
var ErrNotExportable = errors.New("there is nothing to export")

// Export is everything that is kept of a person who asked for it.
type Export struct {
	Request postgres.PrivacyRequest
	Person  cart.Person
	Carts   []ExportedCart
	// Orders are those that are remembered, whether they answered a cart or not.
	Orders       []postgres.KnownOrder
	Suppressions []postgres.Suppression
	// Lifted are suppressions that hold no more.
	Lifted    []postgres.LiftedSuppression
	Discounts []postgres.Discount
}

// ExportedCart is a cart with its ledger.
type ExportedCart struct {
	cart.Cart
	Ledger []cart.Entry
}

// Export gathers what a data request asks for and marks the request as done. It can be made again for a week. The
// errors are postgres.ErrNotFound and ErrNotExportable.
func (e *Engine) Export(ctx context.Context, id uuid.UUID) (Export, error) {
	var x Export
	var err error
	if x.Request, x.Person, err = e.Exportable(ctx, id); err != nil {
		return x, err
	}
	ids, err := e.db.CartsOfPerson(ctx, x.Request.Shop, x.Person)
	if err != nil {
		return x, err
	}
	for _, id := range ids {
		c, err := e.db.Cart(ctx, id)
		if err != nil {
			return x, err
		}
		ledger, err := e.db.Ledger(ctx, id)
		if err != nil {
			return x, err
		}
		x.Carts = append(x.Carts, ExportedCart{Cart: c.Cart, Ledger: ledger})
	}
	if x.Suppressions, x.Lifted, err = e.db.SuppressionsOfPerson(ctx, x.Request.Shop, x.Person); err != nil {
		return x, err
	}
	if x.Orders, err = e.db.KnownOrders(ctx, x.Request.Shop, x.Person); err != nil {
		return x, err
	}
	if x.Discounts, err = e.db.DiscountsOfCarts(ctx, ids); err != nil {
		return x, err
	}
	at := e.db.Now()
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		at = u.Now
		return u.PrivacyAnswered(ctx, id, len(x.Carts))
	})
	if x.Request.DoneAt == nil {
		x.Request.DoneAt = &at
	}
	x.Request.Carts = len(x.Carts)
	return x, err
}

// Exportable returns a data request that can be exported and whom it is about, and changes nothing. The errors are
// postgres.ErrNotFound and ErrNotExportable.
func (e *Engine) Exportable(ctx context.Context, id uuid.UUID) (postgres.PrivacyRequest, cart.Person, error) {
	request, person, err := e.db.PrivacyRequest(ctx, id)
	if err == nil && (request.Kind != postgres.PrivacyDataRequest || person.Unknown()) {
		err = ErrNotExportable
	}
	return request, person, err
}

// ClosePrivacyRequest marks a data request as done by hand and forgets whom it was about. The errors are
// postgres.ErrNotFound and ErrNotExportable; erasures are done by their job alone.
func (e *Engine) ClosePrivacyRequest(ctx context.Context, id uuid.UUID) (postgres.PrivacyRequest, error) {
	request, _, err := e.db.PrivacyRequest(ctx, id)
	if err != nil {
		return request, err
	}
	if request.Kind != postgres.PrivacyDataRequest {
		return request, ErrNotExportable
	}
	var at time.Time
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		at = u.Now
		return u.PrivacyDone(ctx, id, request.Carts)
	})
	if request.DoneAt == nil {
		request.DoneAt = &at
	}
	return request, err
}
