package view

import (
	"context"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/page"

	"github.com/google/uuid"
)

// Call is a call in a list, with whom it was made to.
type Call struct {
	cart.Call
	Customer string
	Currency string
	When     page.Moment
}

// NewestCalls lists the newest calls of a shop, or of all with shop "".
func NewestCalls(ctx context.Context, db *postgres.DB, f page.Frame, shop string, limit int) ([]Call, error) {
	calls, err := db.Calls(ctx, shop, uuid.Nil, limit)
	if err != nil {
		return nil, err
	}
	return Calls(ctx, db, f, calls)
}

// Calls adds to calls whom they were made to.
func Calls(ctx context.Context, db *postgres.DB, f page.Frame, calls []cart.Call) ([]Call, error) {
	ids := make([]uuid.UUID, len(calls))
	for i := range calls {
		ids[i] = calls[i].CartID
	}
	carts, err := db.CartsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]Call, len(calls))
	for i, call := range calls {
		checkout := carts[call.CartID].Checkout
		list[i] = Call{
			Call: call, Customer: checkout.CustomerName(), Currency: checkout.Currency, When: f.In(call.Shop, call.CreatedAt),
		}
	}
	return list, nil
}
