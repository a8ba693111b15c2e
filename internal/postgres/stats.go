package postgres

import (
	"context"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Stats sums up what became of the carts made in a span of time.
type Stats struct {
	// Carts counts by state.
	Carts map[cart.State]int
	// Reasons counts by reason.
	Reasons map[cart.Reason]int
	// Calls counts dialled calls; Answered those that somebody picked up; Outcomes by outcome.
	Calls    int
	Answered int
	Outcomes map[cart.Outcome]int
	// Purchases and Revenue by attribution and currency.
	Purchases []Purchases
	// Arms compares the customers who may be called with those held out.
	Arms []Arm
}

// Purchases are the purchases owed to one thing, in one currency.
type Purchases struct {
	Attribution cart.Attribution
	Currency    string
	Count       int
	Revenue     decimal.Decimal
}

// Arm is one side of the holdout: how many carts, how many of them bought.
type Arm struct {
	Arm       cart.Arm
	Carts     int
	Purchased int
}

// Stats sums up the carts of a shop, or of all with shop "", that were made from from (inclusive) to to (exclusive).
func (db *DB) Stats(ctx context.Context, shop string, from, to time.Time) (Stats, error) {
	s := Stats{Carts: map[cart.State]int{}, Reasons: map[cart.Reason]int{}, Outcomes: map[cart.Outcome]int{}}
	args := pgx.StrictNamedArgs{"shop": shop, "from": from, "to": to}
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT state, reason, count(*)
		FROM carts
		WHERE (@shop = '' OR shop = @shop) AND created_at >= @from AND created_at < @to
		GROUP BY state, reason`, args).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var state cart.State
				var reason cart.Reason
				var n int
				if err := rows.Scan(&state, &reason, &n); err != nil {
					return err
				}
				s.Carts[state] += n
				s.Reasons[reason] += n
			}
			return rows.Err()
		})
	batch.Queue(`
		SELECT outcome, count(*), count(answered_at)
		FROM calls
		WHERE (@shop = '' OR shop = @shop) AND created_at >= @from AND created_at < @to AND sent_at IS NOT NULL AND state <> 'rejected'
		GROUP BY outcome`, args).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var outcome cart.Outcome
				var n, answered int
				if err := rows.Scan(&outcome, &n, &answered); err != nil {
					return err
				}
				s.Calls += n
				s.Answered += answered
				if outcome != "" {
					s.Outcomes[outcome] += n
				}
			}
			return rows.Err()
		})
	batch.Queue(`
		SELECT attribution, COALESCE(NULLIF("order" ->> 'currency', ''), currency), count(*),
			sum(COALESCE(("order" ->> 'total')::numeric, total))
		FROM carts
		WHERE (@shop = '' OR shop = @shop) AND created_at >= @from AND created_at < @to AND state = 'purchased'
		GROUP BY 1, 2
		ORDER BY 1, 2`, args).
		Query(func(rows pgx.Rows) (err error) {
			s.Purchases, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Purchases])
			return err
		})
	batch.Queue(`
		SELECT arm, count(*), count(*) FILTER (WHERE state = 'purchased')
		FROM carts
		WHERE (@shop = '' OR shop = @shop) AND created_at >= @from AND created_at < @to AND arm <> ''
		GROUP BY arm
		ORDER BY arm`, args).
		Query(func(rows pgx.Rows) (err error) {
			s.Arms, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Arm])
			return err
		})
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Stats{}, fmt.Errorf("sum up: %w", err)
	}
	return s, nil
}
