package engine

import (
	"context"
	"errors"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// takeRefund corrects what the order's cart won back. A refund of an order that is not known yet is remembered for it.
func (u *unit) takeRefund(ctx context.Context, store *Store, r shopify.Refund) (uuid.UUID, error) {
	if err := u.LockOrder(ctx, store.Domain, r.OrderID); err != nil {
		return uuid.Nil, err
	}
	if err := u.KeepRefunds(ctx, store.Domain, r.OrderID, []cart.Refund{r.Refund}); err != nil {
		return uuid.Nil, err
	}
	id, err := u.CartOfOrder(ctx, store.Domain, r.OrderID)
	if errors.Is(err, postgres.ErrNotFound) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	c, err := u.CartForUpdate(ctx, id)
	if err != nil {
		return uuid.Nil, err
	}
	_, err = u.apply(ctx, c, cart.OrderRefunded{OrderID: r.OrderID, Refund: r.Refund}, nil)
	return id, err
}

// meetRefunds adds to an order the refunds that were told before it, and remembers those that it tells.
func (u *unit) meetRefunds(ctx context.Context, store *Store, o *cart.Order) error {
	if err := u.LockOrder(ctx, store.Domain, o.ID); err != nil {
		return err
	}
	if len(o.Refunds) > 0 {
		if err := u.KeepRefunds(ctx, store.Domain, o.ID, o.Refunds); err != nil {
			return err
		}
	}
	known, err := u.RefundsOf(ctx, store.Domain, o.ID)
	o.AddRefunds(known...)
	return err
}
