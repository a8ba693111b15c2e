package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Rest is a pause of an account at a voice API that answered 429. The zero value is none.
type Rest struct {
	// Until is when the next call may be placed.
	Until time.Time
	// Refusals counts the answers 429 since the last call that was accepted.
	Refusals int
}

// Rest reads an account's rest, also one that is over and that no accepted call has ended yet.
func (db *DB) Rest(ctx context.Context, account string) (Rest, error) {
	return restOf(ctx, db.pool, account)
}

// Rest is DB.Rest within the transaction.
func (tx *Tx) Rest(ctx context.Context, account string) (Rest, error) {
	return restOf(ctx, tx, account)
}

const restQuery = `
	SELECT until, refusals
	FROM account_rests
	WHERE account = $1`

func restOf(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, account string) (Rest, error) {
	r, err := scanRest(q.QueryRow(ctx, restQuery, account))
	if err != nil {
		return Rest{}, fmt.Errorf("read an account's rest: %w", err)
	}
	return r, nil
}

func scanRest(row pgx.Row) (Rest, error) {
	var r Rest
	err := row.Scan(&r.Until, &r.Refusals)
	if errors.Is(err, pgx.ErrNoRows) {
		return Rest{}, nil
	}
	r.Until = r.Until.UTC()
	return r, err
}

// RestAccount lets an account rest, at least as long as it does already.
func (tx *Tx) RestAccount(ctx context.Context, account string, r Rest) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO account_rests (account, until, refusals)
		VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE
		SET until = GREATEST(account_rests.until, excluded.until),
			refusals = GREATEST(account_rests.refusals, excluded.refusals)`, account, r.Until, r.Refusals)
	if err != nil {
		return fmt.Errorf("let an account rest: %w", err)
	}
	return nil
}

// EndRest forgets an account's rest that is over. One that began since stays.
func (tx *Tx) EndRest(ctx context.Context, account string) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM account_rests
		WHERE account = $1 AND until <= $2`, account, tx.Now)
	if err != nil {
		return fmt.Errorf("end an account's rest: %w", err)
	}
	return nil
}
