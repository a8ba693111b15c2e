package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AppendLedger adds entries to their carts' ledgers, in their order.
func (tx *Tx) AppendLedger(ctx context.Context, entries ...cart.Entry) error {
	return tx.Append(ctx, entries, nil)
}

// Append adds entries to their carts' ledgers and stores new deliveries, which are due at once unless their DueAt says
// otherwise.
func (tx *Tx) Append(ctx context.Context, entries []cart.Entry, deliveries []Delivery) error {
	batch := &pgx.Batch{}
	if err := queueEntries(batch, entries); err != nil {
		return err
	}
	if err := tx.queueDeliveries(batch, deliveries); err != nil {
		return err
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return nil
}

// queueEntries adds the appending of entries to a batch.
func queueEntries(batch *pgx.Batch, entries []cart.Entry) error {
	n := len(entries)
	if n == 0 {
		return nil
	}
	carts, ats, calls := make([]uuid.UUID, n), make([]time.Time, n), make([]*uuid.UUID, n)
	events, froms, tos, reasons := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	traces := make([]*string, n)
	for i := range entries {
		e := &entries[i]
		carts[i], ats[i], calls[i] = e.CartID, e.At, e.CallID
		events[i], froms[i], tos[i], reasons[i] = e.Event, string(e.From), string(e.To), string(e.Reason)
		if e.Trace != nil {
			raw, err := json.Marshal(e.Trace)
			if err != nil {
				return fmt.Errorf("append to ledger: %w", err)
			}
			text := string(raw)
			traces[i] = &text
		}
	}
	batch.Queue(`
		INSERT INTO ledger (cart_id, at, event, call_id, from_state, to_state, reason, trace)
		SELECT cart_id, at, event, call_id, from_state, to_state, reason, trace::jsonb
		FROM unnest(
			$1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[]
		) WITH ORDINALITY AS x (cart_id, at, event, call_id, from_state, to_state, reason, trace, place)
		ORDER BY place`, carts, ats, events, calls, froms, tos, reasons, traces)
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

// scrubActions reduces what entries say of an agent's action to the action's name. The program before this one let the
// agent's own words follow it, and may still be running.
const scrubActions = `
	UPDATE ledger
	SET trace = (
		SELECT jsonb_agg(
			CASE WHEN step ->> 'rule' = 'action' THEN
				jsonb_set(step, '{saw}', to_jsonb(
					CASE
						WHEN split_part(step ->> 'saw', ' ', 1) ~ '^[A-Za-z][A-Za-z0-9_]{0,39}$'
							AND split_part(step ->> 'saw', ' ', 1) !~ '[0-9]{4}'
						THEN lower(split_part(step ->> 'saw', ' ', 1))
						ELSE 'other'
					END))
			ELSE step
			END
			ORDER BY place)
		FROM jsonb_array_elements(trace) WITH ORDINALITY AS steps (step, place)
	)
	WHERE event = 'call.action'
		AND trace @? '$[*] ? (@.rule == "action" && !(@.saw like_regex "^[a-z][a-z0-9_]{0,39}$"))'`

// scrubbedLedger names the progress of ScrubLedger.
const scrubbedLedger = "scrubbed_ledger"

// ScrubLedger takes agents' own words out of the entries that were made since it ran last and are older than an
// instant: a younger entry may not be visible yet. It goes through the ledger in batches.
func (db *DB) ScrubLedger(ctx context.Context, before time.Time) error {
	const batch = 10_000
	for {
		var done, upTo int64
		err := db.pool.QueryRow(ctx, `
			WITH begin AS (
				SELECT COALESCE((SELECT last_id FROM progress WHERE name = $1), 0) AS id
			)
			SELECT begin.id, COALESCE((
				SELECT max(next.id) FILTER (WHERE next.at < $2)
				FROM (
					SELECT id, at
					FROM ledger
					WHERE id > begin.id
					ORDER BY id
					LIMIT $3
				) AS next
			), begin.id)
			FROM begin`, scrubbedLedger, before, batch).Scan(&done, &upTo)
		if err != nil {
			return fmt.Errorf("scrub ledger: %w", err)
		}
		if upTo == done {
			return nil
		}
		err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, scrubActions+` AND id > $1 AND id <= $2`, done, upTo); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `
				INSERT INTO progress (name, last_id)
				VALUES ($1, $2)
				ON CONFLICT (name) DO UPDATE
				SET last_id = excluded.last_id`, scrubbedLedger, upTo)
			return err
		})
		if err != nil {
			return fmt.Errorf("scrub ledger: %w", err)
		}
	}
}
