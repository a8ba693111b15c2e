package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// keptMoney is what is remembered of an order's money beside its total and its refunds.
type keptMoney struct {
	CancelledAt    *time.Time       `json:"cancelled_at,omitempty"`
	CashOnDelivery bool             `json:"cash_on_delivery,omitempty"`
	Presented      *cart.Amount     `json:"presented,omitempty"`
	CurrentTotal   *decimal.Decimal `json:"current_total,omitempty"`
	RefundedTotal  *decimal.Decimal `json:"refunded_total,omitempty"`
}

func moneyOf(o *cart.Order) keptMoney {
	return keptMoney{
		CancelledAt: o.CancelledAt, CashOnDelivery: o.CashOnDelivery, Presented: o.Presented,
		CurrentTotal: o.CurrentTotal, RefundedTotal: o.RefundedTotal,
	}
}

// fill completes an order. An order that the release before has kept has none.
func (m *keptMoney) fill(o *cart.Order) {
	if m == nil {
		return
	}
	o.CancelledAt, o.CashOnDelivery, o.Presented = m.CancelledAt, m.CashOnDelivery, m.Presented
	o.CurrentTotal, o.RefundedTotal = m.CurrentTotal, m.RefundedTotal
}

// LockOrder serialises everything about one order: an order and its refund may come at the same time.
func (tx *Tx) LockOrder(ctx context.Context, shop, orderID string) error {
	return tx.lock(ctx, "order", shop+" "+orderID)
}

// KeepRefunds records refunds of an order, each once. Of one that is told again the larger amount is kept.
func (tx *Tx) KeepRefunds(ctx context.Context, shop, orderID string, refunds []cart.Refund) error {
	batch := &pgx.Batch{}
	for _, r := range refunds {
		batch.Queue(`
			INSERT INTO refunds (shop, order_id, refund_id, amount, currency, received_at)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (shop, order_id, refund_id) DO UPDATE
			SET amount = excluded.amount, currency = excluded.currency
			WHERE excluded.amount > refunds.amount`, shop, orderID, r.ID, r.Value, r.Currency, tx.Now)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep refunds: %w", err)
	}
	return nil
}

// RefundsOf lists the refunds of an order that are remembered.
func (tx *Tx) RefundsOf(ctx context.Context, shop, orderID string) ([]cart.Refund, error) {
	rows, err := tx.Query(ctx, `
		SELECT refund_id, amount, currency
		FROM refunds
		WHERE shop = $1 AND order_id = $2
		ORDER BY received_at, refund_id`, shop, orderID)
	if err != nil {
		return nil, fmt.Errorf("find refunds of order: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (cart.Refund, error) {
		var r cart.Refund
		err := row.Scan(&r.ID, &r.Value, &r.Currency)
		return r, err
	})
}

// CartOfOrder finds the cart that an order counts for; ErrNotFound when there is none.
func (tx *Tx) CartOfOrder(ctx context.Context, shop, orderID string) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `
		SELECT id
		FROM carts
		WHERE shop = $1 AND "order" ->> 'id' = $2 AND "order" IS NOT NULL
		ORDER BY id
		LIMIT 1`, shop, orderID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrNotFound
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find cart of order: %w", err)
	}
	return id, nil
}
