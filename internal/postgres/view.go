package postgres

import (
	"context"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Load is what is under way and waiting at one moment, in all shops.
type Load struct {
	// Carts counts the carts by state.
	Carts map[cart.State]int
	// Ready counts the ready carts and Busy the lines taken, by assistant key.
	Ready map[string]int
	Busy  map[string]int
	// Rests says until when accounts rest that answered 429, by account.
	Rests map[string]time.Time
}

// JobCount is how many jobs of a queue are in one of River's states: available, scheduled, retryable, running or
// pending.
type JobCount struct {
	Queue string
	State string
	Count int
}

// Load counts what is under way.
func (db *DB) Load(ctx context.Context) (Load, error) {
	counted, err := db.counted(ctx)
	if err != nil {
		return Load{}, err
	}
	load := Load{
		Carts: map[cart.State]int{}, Ready: map[string]int{}, Busy: map[string]int{}, Rests: map[string]time.Time{},
	}
	batch := &pgx.Batch{}
	carts := `
		SELECT state, count(*)
		FROM carts
		GROUP BY state`
	if counted {
		carts = `
			SELECT state, sum(carts)::bigint
			FROM (
				SELECT state, carts
				FROM cart_sums
				WHERE span = 'ever' AND shop = ''
				UNION ALL
				SELECT state, carts
				FROM cart_deltas
			) AS counted
			GROUP BY state
			HAVING sum(carts) <> 0`
	}
	batch.Queue(carts).
		Query(func(rows pgx.Rows) error { return countInto(rows, load.Carts) })
	batch.Queue(`
		SELECT assistant, count(*)
		FROM carts
		WHERE state = 'ready'
		GROUP BY assistant`).
		Query(func(rows pgx.Rows) error { return countInto(rows, load.Ready) })
	batch.Queue(`
		SELECT assistant, count(*)
		FROM (
			SELECT assistant
			FROM calls
			WHERE holds_line
			UNION ALL
			SELECT assistant
			FROM test_calls
			WHERE holds_line
		) AS lines
		GROUP BY assistant`).
		Query(func(rows pgx.Rows) error { return countInto(rows, load.Busy) })
	batch.Queue(`
		SELECT account, until
		FROM account_rests
		WHERE until > $1`, db.Now()).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var account string
				var until time.Time
				if err := rows.Scan(&account, &until); err != nil {
					return err
				}
				load.Rests[account] = until.UTC()
			}
			return rows.Err()
		})
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Load{}, fmt.Errorf("count what is under way: %w", err)
	}
	return load, nil
}

// Jobs counts the jobs that are not finished. With millions of carts it takes a while.
func (db *DB) Jobs(ctx context.Context) ([]JobCount, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT queue, state::text, count(*)
		FROM river_job
		WHERE state IN ('available', 'scheduled', 'retryable', 'running', 'pending')
		GROUP BY queue, state
		ORDER BY queue, state`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[JobCount])
}

func countInto[K ~string](rows pgx.Rows, counts map[K]int) error {
	defer rows.Close()
	for rows.Next() {
		var key K
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return err
		}
		counts[key] = n
	}
	return rows.Err()
}

// CartsByID reads carts without their calls; an id that there is no cart for is left out.
func (db *DB) CartsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]cart.Cart, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read carts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanCart)
	if err != nil {
		return nil, fmt.Errorf("read carts: %w", err)
	}
	carts := make(map[uuid.UUID]cart.Cart, len(list))
	for _, c := range list {
		carts[c.ID] = c.Cart
	}
	return carts, nil
}

// DropExpiredSessions removes the dashboard sessions that are over.
func (db *DB) DropExpiredSessions(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM sessions
		WHERE expiry < now()`)
	if err != nil {
		return fmt.Errorf("drop expired sessions: %w", err)
	}
	return nil
}
