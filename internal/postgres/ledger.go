package postgres

import (
	"context"
	"fmt"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AppendLedger adds an entry to a cart's ledger.
func (tx *Tx) AppendLedger(ctx context.Context, e cart.Entry) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO ledger (cart_id, at, event, call_id, from_state, to_state, reason, trace)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.CartID, e.At, e.Event, e.CallID, e.From, e.To, e.Reason, e.Trace)
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return nil
}

// Ledger returns a cart's entries, oldest first.
func (db *DB) Ledger(ctx context.Context, cartID uuid.UUID) ([]cart.Entry, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT cart_id, at, event, call_id, from_state, to_state, reason, trace
		FROM ledger
		WHERE cart_id = $1
		ORDER BY id`, cartID)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (cart.Entry, error) {
		var e cart.Entry
		err := row.Scan(&e.CartID, &e.At, &e.Event, &e.CallID, &e.From, &e.To, &e.Reason, &e.Trace)
		inUTC(&e.At)
		return e, err
	})
}

// LastLedgerID is the id of the newest entry of any cart; 0 when there is none.
func (db *DB) LastLedgerID(ctx context.Context) (int64, error) {
	var id int64
	err := db.pool.QueryRow(ctx, `
		SELECT COALESCE(max(id), 0)
		FROM ledger`).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("read ledger: %w", err)
	}
	return id, nil
}

// LedgerSince returns the entries of all carts after the one with the id last, in order, and the id to go on from.
func (db *DB) LedgerSince(ctx context.Context, last int64) ([]cart.Entry, int64, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT id, cart_id, at, event, call_id, from_state, to_state, reason, trace
		FROM ledger
		WHERE id > $1
		ORDER BY id
		LIMIT 500`, last)
	if err != nil {
		return nil, last, fmt.Errorf("read ledger: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (cart.Entry, error) {
		var e cart.Entry
		err := row.Scan(&last, &e.CartID, &e.At, &e.Event, &e.CallID, &e.From, &e.To, &e.Reason, &e.Trace)
		inUTC(&e.At)
		return e, err
	})
	return entries, last, err
}
