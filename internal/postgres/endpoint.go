package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Endpoint is how the sending of events to an endpoint goes.
type Endpoint struct {
	ID string
	// Host is the part of the address that may be shown.
	Host string
	// Fails is how many deliveries failed since the last one that succeeded.
	Fails int
	// FailingSince is when the first of them failed, and FailedWhy is what was wrong with the last.
	FailingSince *time.Time
	FailedWhy    string
	// Rests is how often the endpoint rested because many failed in a row.
	Rests int
	// RestUntil is when a delivery is tried again while it fails.
	RestUntil *time.Time
	// DeliveredAt is when an event was last delivered, within a minute.
	DeliveredAt *time.Time
	// OffAt is when the endpoint was switched off.
	OffAt *time.Time
}

const endpointColumns = `id, host, fails, failing_since, failed_why, rests, rest_until, delivered_at, off_at`

func scanEndpoint(row pgx.CollectableRow) (Endpoint, error) {
	var e Endpoint
	err := row.Scan(
		&e.ID, &e.Host, &e.Fails, &e.FailingSince, &e.FailedWhy, &e.Rests, &e.RestUntil, &e.DeliveredAt, &e.OffAt,
	)
	inUTC(e.FailingSince, e.RestUntil, e.DeliveredAt, e.OffAt)
	return e, err
}

// NoteEndpoints makes a row for every configured endpoint that has none.
func (db *DB) NoteEndpoints(ctx context.Context, endpoints []Endpoint) error {
	batch := &pgx.Batch{}
	for _, e := range endpoints {
		batch.Queue(`
			INSERT INTO endpoints (id, host, noted_at)
			VALUES ($1, $2, $3)
			ON CONFLICT (id) DO NOTHING`, e.ID, e.Host, db.Now())
	}
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note endpoints: %w", err)
	}
	return nil
}

// Endpoint reads an endpoint; ErrNotFound for an unknown one.
func (db *DB) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+endpointColumns+`
		FROM endpoints
		WHERE id = $1`, id)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read endpoint: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEndpoint)
	if errors.Is(err, pgx.ErrNoRows) {
		return Endpoint{}, ErrNotFound
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read endpoint: %w", err)
	}
	return e, nil
}

// DueEndpoint is an endpoint with deliveries that are due.
type DueEndpoint struct {
	ID string
	// Due is how many are, counted up to a limit.
	Due int
}

// DueEndpoints lists those of some endpoints that are switched on, do not rest, and have deliveries that are due. It
// counts up to most.
func (db *DB) DueEndpoints(ctx context.Context, ids []string, most int) ([]DueEndpoint, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT id, due
		FROM endpoints
		CROSS JOIN LATERAL (
			SELECT count(*) AS due
			FROM (
				SELECT 1
				FROM deliveries
				WHERE endpoint = endpoints.id AND state = 'pending' AND due_at <= $2
				LIMIT $3
			) AS found
		) AS counted
		WHERE id = ANY ($1) AND off_at IS NULL AND (rest_until IS NULL OR rest_until <= $2) AND due > 0
		ORDER BY id`, ids, db.Now(), most)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[DueEndpoint])
}

// EndpointFails notes that a delivery to an endpoint failed, and why. After so many in a row, the endpoint rests: until
// the instant that rest gives for the number of its rest. One that has failed since before off is switched off. It
// returns how the endpoint is now, and whether it was switched off by this.
func (tx *Tx) EndpointFails(
	ctx context.Context, id, why string, inARow int, rest func(nth int) time.Time, off time.Time,
) (e Endpoint, switched bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT `+endpointColumns+`
		FROM endpoints
		WHERE id = $1
		FOR UPDATE`, id)
	if err != nil {
		return e, false, fmt.Errorf("read endpoint: %w", err)
	}
	if e, err = pgx.CollectExactlyOneRow(rows, scanEndpoint); err != nil {
		return e, false, fmt.Errorf("read endpoint: %w", err)
	}
	e.Fails++
	e.FailedWhy = why
	if e.FailingSince == nil {
		e.FailingSince = &tx.Now
	}
	if resting := e.RestUntil != nil && e.RestUntil.After(tx.Now); e.Fails >= inARow && !resting {
		e.Rests++
		until := rest(e.Rests)
		e.RestUntil = &until
	}
	if e.OffAt == nil && !e.FailingSince.After(off) {
		e.OffAt, switched = &tx.Now, true
	}
	_, err = tx.Exec(ctx, `
		UPDATE endpoints
		SET fails = $2, failing_since = $3, failed_why = $4, rests = $5, rest_until = $6, off_at = $7
		WHERE id = $1`, id, e.Fails, e.FailingSince, e.FailedWhy, e.Rests, e.RestUntil, e.OffAt)
	if err != nil {
		return e, false, fmt.Errorf("note a failing endpoint: %w", err)
	}
	return e, switched, nil
}

// EndpointBack lets what waits to be sent again, until an instant after the given one, be due now: the endpoint takes
// deliveries again. No taker may have a stream until then.
func (db *DB) EndpointBack(ctx context.Context, id string, after time.Time) error {
	_, err := db.pool.Exec(ctx, `
		UPDATE deliveries
		SET due_at = $2
		WHERE endpoint = $1 AND state = 'pending' AND due_at > $3`, id, db.Now(), after)
	if err != nil {
		return fmt.Errorf("let what waits for an endpoint be sent: %w", err)
	}
	return nil
}

// SwitchEndpointOn lets an endpoint be told again, first of all that waited meanwhile. It reports whether it was off.
func (tx *Tx) SwitchEndpointOn(ctx context.Context, id string) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE endpoints
		SET off_at = NULL, fails = 0, failing_since = NULL, failed_why = '', rests = 0, rest_until = NULL
		WHERE id = $1 AND off_at IS NOT NULL`, id)
	if err != nil {
		return false, fmt.Errorf("switch endpoint on: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	_, err = tx.Exec(ctx, `
		UPDATE deliveries
		SET due_at = $2, tries = 0, failing_since = NULL
		WHERE endpoint = $1 AND state = 'pending'`, id, tx.Now)
	if err != nil {
		return false, fmt.Errorf("switch endpoint on: %w", err)
	}
	return true, nil
}
