package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The kinds of faults.
const (
	// FaultSignatures: a shop's webhooks had a wrong signature.
	FaultSignatures = "signatures"
	// FaultSubscriptions: a shop's webhook subscriptions could not be made.
	FaultSubscriptions = "subscriptions"
	// FaultVoice: an account at a voice API took no call.
	FaultVoice = "voice"
)

// Fault is something that goes wrong again and again.
type Fault struct {
	// Scope is a shop's domain, or an account at a voice API for FaultVoice.
	Scope string
	Code  string
	// Since is when it went wrong first, Last when it did so last, and Times how often.
	Since, Last time.Time
	Times       int
	// Detail is the last error. It holds no personal data and no secrets.
	Detail string
}

const noteFault = `
	INSERT INTO faults (scope, code, since, last, times, detail)
	VALUES ($1, $2, $3, $3, $4, $5)
	ON CONFLICT (scope, code) DO UPDATE
	SET last = excluded.last, times = faults.times + excluded.times, detail = excluded.detail`

// NoteFault counts that something went wrong once more.
func (tx *Tx) NoteFault(ctx context.Context, scope, code, detail string) error {
	if _, err := tx.Exec(ctx, noteFault, scope, code, tx.Now, 1, detail); err != nil {
		return fmt.Errorf("note a fault: %w", err)
	}
	return nil
}

// NoteFaults counts that something went wrong times more. A fault whose last time is longer ago than forget begins
// anew.
func (db *DB) NoteFaults(ctx context.Context, scope, code, detail string, times int, forget time.Duration) error {
	now := db.Now()
	batch := &pgx.Batch{}
	batch.Queue(`
		DELETE FROM faults
		WHERE scope = $1 AND code = $2 AND last < $3`, scope, code, now.Add(-forget))
	batch.Queue(noteFault, scope, code, now, times, detail)
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note faults: %w", err)
	}
	return nil
}

// EndFault forgets a fault: the same thing worked. It writes nothing when there is none.
func (tx *Tx) EndFault(ctx context.Context, scope, code string) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM faults
		WHERE scope = $1 AND code = $2`, scope, code)
	if err != nil {
		return fmt.Errorf("end a fault: %w", err)
	}
	return nil
}

// Faults lists all faults.
func (db *DB) Faults(ctx context.Context) ([]Fault, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT scope, code, since, last, times, detail
		FROM faults`)
	if err != nil {
		return nil, fmt.Errorf("list faults: %w", err)
	}
	faults, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Fault])
	if err != nil {
		return nil, fmt.Errorf("list faults: %w", err)
	}
	for i := range faults {
		inUTC(&faults[i].Since, &faults[i].Last)
	}
	return faults, nil
}
