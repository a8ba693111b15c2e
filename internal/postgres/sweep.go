package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// OverdueCarts lists waiting carts whose look is late by more than late and whose job is gone.
func (db *DB) OverdueCarts(ctx context.Context, late time.Duration) ([]uuid.UUID, error) {
	return db.ids(ctx, `
		SELECT id
		FROM carts
		WHERE state = 'waiting'
			AND wake_at < $1
			AND NOT EXISTS (
				SELECT 1
				FROM river_job
				WHERE river_job.id = carts.wake_job_id
					AND river_job.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
			)
		ORDER BY wake_at
		LIMIT 1000`, db.Now().Add(-late))
}

// UnwatchedCalls lists open calls whose watch is late by more than late.
func (db *DB) UnwatchedCalls(ctx context.Context, late time.Duration) ([]uuid.UUID, error) {
	return db.ids(ctx, `
		SELECT id
		FROM calls
		WHERE watch_at < $1 AND state NOT IN ('closed', 'rejected')
		ORDER BY watch_at
		LIMIT 1000`, db.Now().Add(-late))
}

// UnansweredAborts lists open calls of the given shops, known to the provider, whose abort was asked for longer ago
// than late and not answered, and that no job is about to ask for. A job that is running may belong to a process that
// died.
func (db *DB) UnansweredAborts(ctx context.Context, shops []string, late time.Duration) ([]uuid.UUID, error) {
	// Every open call has a watch: the index on it holds the open calls and no others.
	return db.ids(ctx, `
		SELECT id
		FROM calls
		WHERE watch_at IS NOT NULL
			AND abort_at < $1
			AND aborted_at IS NULL
			AND provider_call_id <> ''
			AND state NOT IN ('closed', 'rejected')
			AND shop = ANY ($2)
			AND NOT EXISTS (
				SELECT 1
				FROM river_job
				WHERE kind = 'abort_call'
					AND river_job.state IN ('available', 'scheduled', 'retryable')
					AND args ->> 'call_id' = calls.id::text
			)
		ORDER BY abort_at
		LIMIT 1000`, db.Now().Add(-late), shops)
}

func (db *DB) ids(ctx context.Context, query string, args ...any) ([]uuid.UUID, error) {
	rows, err := db.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list ids: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
