package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"ringback/migrations"
)

// migrateLock is the key of the advisory lock under which one process at a time changes the schema ("ringback" in
// ASCII).
const migrateLock int64 = 0x72696e676261636b

// migrateLockPause is how long a process waits before it asks again for the lock.
const migrateLockPause = 100 * time.Millisecond

// Migrate brings the database's schema to the version of this program: first River's migrations, of all its lines, then
// ours. Any number of processes may call it at once: an advisory lock lets one work while the others wait, and then
// find nothing left to do. A database that a newer program has migrated further is left as it is. Tables with rows and
// no statistics are analyzed.
//
// Changing a table keeps everybody else out of it, and a change that waits for its turn makes all others wait. So a
// change waits for its lock only briefly, and is tried again until it gets it, for at most migratePatience.
//
// The lock belongs to a session, so the pool must reach Postgres itself and not a PgBouncer in transaction mode.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return err
	}
	defer unlock()

	hasty, err := hastyPool(ctx, pool)
	if err != nil {
		return err
	}
	defer hasty.Close()
	patience := time.NewTimer(migratePatience)
	defer patience.Stop()
	for {
		err := migrateOnce(ctx, hasty)
		if err == nil {
			// A restored or filled database has no statistics until autovacuum comes by. The first statements would
			// keep bad plans.
			_, err = analyze(ctx, hasty, withoutStatistics)
			return err
		}
		if !hasState(err, lockNotAvailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-patience.C:
			return fmt.Errorf("a table was in use for %s; end long reads of it, such as a backup, and start again: %w", migratePatience, err)
		case <-time.After(migratePause):
		}
	}
}

// A change of the schema waits lockWithin for its lock, then everybody else has migratePause to go on.
const (
	migratePause    = 2 * time.Second
	migratePatience = 30 * time.Minute
)

// hastyPool connects as the given pool does, with sessions that do not wait long for a lock.
func hastyPool(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Pool, error) {
	cfg := pool.Config()
	cfg.ConnConfig.RuntimeParams["lock_timeout"] = milliseconds(lockWithin)
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 2, 0, 0
	hasty, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", err)
	}
	return hasty, nil
}

// migrateOnce applies what is missing; what was applied before a failure stays.
func migrateOnce(ctx context.Context, pool *pgxpool.Pool) error {
	if err := migrateRiver(ctx, pool); err != nil {
		return err
	}
	ours, err := ourMigrations(pool)
	if err != nil {
		return err
	}
	_, err = ours.Up(ctx)
	return closing(ours, wrap("apply the migrations", err))
}

// MigrationsPending reports whether the database lacks a migration that this program needs. It changes nothing.
func MigrationsPending(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	var known bool
	err := pool.QueryRow(ctx, `
		SELECT to_regclass('river_migration') IS NOT NULL
		   AND to_regclass('goose_db_version') IS NOT NULL`).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look for the tables of migrations: %w", err)
	}
	if !known {
		return true, nil
	}
	pending, err := riverPending(ctx, pool)
	if err != nil || pending {
		return pending, err
	}
	ours, err := ourMigrations(pool)
	if err != nil {
		return false, err
	}
	pending, err = ours.HasPending(ctx)
	return pending, closing(ours, wrap("compare the database with the migrations", err))
}

// lockMigrations waits for the lock and returns what releases it. The lock has a connection of its own: a caller that
// waits then holds none of the pool's, however small the pool is. It asks again and again instead of blocking in
// Postgres, because a blocked session holds a snapshot for which CREATE INDEX CONCURRENTLY in a migration would wait
// for ever.
func lockMigrations(ctx context.Context, pool *pgxpool.Pool) (unlock func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to lock the migrations: %w", err)
	}
	// Closing the session releases the lock, also when ctx is over.
	unlock = func() { _ = conn.Close(context.WithoutCancel(ctx)) }
	tick := time.NewTicker(migrateLockPause)
	defer tick.Stop()
	for {
		var locked bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, migrateLock).Scan(&locked); err != nil {
			unlock()
			return nil, fmt.Errorf("lock the migrations: %w", err)
		}
		if locked {
			return unlock, nil
		}
		select {
		case <-ctx.Done():
			unlock()
			return nil, fmt.Errorf("another process is migrating the database: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	driver := riverpgxv5.New(pool)
	for _, line := range riverLines(driver) {
		migrator, err := riverMigrations(driver, line)
		if err != nil {
			return err
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate River's line %q: %w", line, err)
		}
	}
	return nil
}

func riverPending(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	driver := riverpgxv5.New(pool)
	for _, line := range riverLines(driver) {
		migrator, err := riverMigrations(driver, line)
		if err != nil {
			return false, err
		}
		result, err := migrator.Validate(ctx, nil)
		if err != nil {
			return false, fmt.Errorf("compare the database with River's line %q: %w", line, err)
		}
		if !result.OK {
			return true, nil
		}
	}
	return false, nil
}

// riverLines are the driver's migration lines, the main one first: the others build on it.
func riverLines(driver *riverpgxv5.Driver) []string {
	lines := []string{riverdriver.MigrationLineMain}
	for _, line := range driver.GetMigrationLines() {
		if line != riverdriver.MigrationLineMain {
			lines = append(lines, line)
		}
	}
	return lines
}

func riverMigrations(driver *riverpgxv5.Driver, line string) (*rivermigrate.Migrator[pgx.Tx], error) {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Line: line, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("read River's migrations of line %q: %w", line, err)
	}
	return migrator, nil
}

// ourMigrations reads the embedded files. Closing the provider leaves the pool open.
func ourMigrations(pool *pgxpool.Pool) (*goose.Provider, error) {
	db := stdlib.OpenDBFromPool(pool)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the embedded migrations: %w", err), db.Close())
	}
	return provider, nil
}

func closing(provider *goose.Provider, err error) error {
	return errors.Join(err, provider.Close())
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
