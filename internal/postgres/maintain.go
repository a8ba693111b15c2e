package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrBusy: maintenance found a table in use. Nothing changed, and the next run tries again.
var ErrBusy = errors.New("the table is in use")

// Maintenance takes locks that keep everybody else out of a table. While it waits for one, every later statement on the
// table waits behind it: intake too. So it waits lockWithin at most, and holds what it got for one statement of at most
// workWithin.
const (
	lockWithin = 500 * time.Millisecond
	workWithin = 5 * time.Second
)

// maintain runs fn in a short transaction that may take strong locks. The error is ErrBusy when it could not get them
// in time.
func (db *DB) maintain(ctx context.Context, fn func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)`,
			milliseconds(lockWithin), milliseconds(workWithin))
		if err != nil {
			return fmt.Errorf("bound the wait for locks: %w", err)
		}
		return fn(tx)
	})
	if ctx.Err() == nil && (hasState(err, lockNotAvailable) || hasState(err, queryCanceled)) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

// SQLSTATEs (PostgreSQL, appendix A).
const (
	lockNotAvailable = "55P03"
	queryCanceled    = "57014"
	checkViolation   = "23514"
	undefinedTable   = "42P01"
	diskFull         = "53100"

	readOnlyTransaction = "25006"
)

func hasState(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// milliseconds writes a duration as Postgres reads it.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// inPages repeats a statement that changes at most a page of rows until it finds no more. Each run is a transaction of
// its own, so that no lock is held for long however much there is to do. The statement's last argument is the page's
// size.
func (db *DB) inPages(ctx context.Context, statement string, args ...any) error {
	for {
		tag, err := db.pool.Exec(ctx, statement, append(args, maintenancePage)...)
		if err != nil || tag.RowsAffected() < maintenancePage {
			return err
		}
	}
}

// maintenancePage is how many rows one statement of maintenance changes.
const maintenancePage = 1000
