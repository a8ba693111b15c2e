// Package postgres holds all SQL of Ringback, one file a noun. A transaction has one moment, Tx.Now; whatever is
// written in it bears that time.
package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// DB is the database with the keys that its rows are hashed and sealed under.
type DB struct {
	pool *pgxpool.Pool
	// intake are the connections that webhooks are kept and applied on.
	intake *pgxpool.Pool
	box    *seal.Box
	hasher seal.Hasher
	clock  func() time.Time
}

// Open prepares the database for use, making its data key at the first start. The migrations must have run.
func Open(ctx context.Context, pool *pgxpool.Pool, box *seal.Box, clock func() time.Time) (*DB, error) {
	db := &DB{pool: pool, intake: pool, box: box, clock: clock}
	key, err := db.dataKey(ctx, "persons")
	if err != nil {
		return nil, err
	}
	db.hasher = seal.NewHasher(key)
	return db, nil
}

// KeepApart gives the intake of webhooks connections of its own, so that jobs cannot use them all up. It comes before
// the first use.
func (db *DB) KeepApart(intake *pgxpool.Pool) { db.intake = intake }

// Pool returns the connection pool, for River and the session store.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Now is the database's clock: UTC, in the precision that Postgres keeps.
func (db *DB) Now() time.Time { return db.clock().UTC().Truncate(time.Microsecond) }

// Tx is one transaction.
type Tx struct {
	pgx.Tx
	// Now is the transaction's moment, UTC.
	Now time.Time
	// Noted is what was noted on shops in this transaction.
	Noted  []ShopEvent
	db     *DB
	hasher seal.Hasher
	// hashes are the keys that were hashed in this transaction.
	hashes map[shopKey]hashedKey
}

// shopKey is a key of a person in a shop.
type shopKey struct {
	shop  string
	kind  cart.KeyKind
	value string
}

// retries bounds how often a transaction that lost to a concurrent one is run again.
const retries = 5

// InTx runs fn in a transaction and commits when it returns nil. A transaction that failed because of a concurrent one
// (serialisation, deadlock) is run again, so fn must have no effects outside it.
func (db *DB) InTx(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return db.retry(ctx, db.pool, fn)
}

func (db *DB) retry(ctx context.Context, pool *pgxpool.Pool, fn func(context.Context, *Tx) error) error {
	for try := 1; ; try++ {
		err := db.once(ctx, pool, fn)
		if err == nil || try == retries || !lostToAnother(err) {
			return err
		}
	}
}

func (db *DB) once(ctx context.Context, pool *pgxpool.Pool, fn func(context.Context, *Tx) error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		return fn(ctx, &Tx{Tx: tx, Now: db.Now(), db: db, hasher: db.hasher, hashes: map[shopKey]hashedKey{}})
	})
}

func lostToAnother(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == "40001" || pg.Code == "40P01"
}

// unreachable reports whether an error comes from the way to the database, or from a server that is stopping or full,
// and not from what was asked.
func unreachable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		var network net.Error
		return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
	}
	for _, class := range []string{"08", "53", "57", "58"} {
		if strings.HasPrefix(pg.Code, class) {
			return true
		}
	}
	return pg.Code == readOnlyTransaction
}

// Unstorable reports whether an error of the database is owed to what was to be stored: too long for an index, out of
// range, missing. Trying again cannot help. code is the SQLSTATE.
func Unstorable(err error) (code string, yes bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return "", false
	}
	for _, class := range []string{"22", "54", "23502", "23514"} {
		if strings.HasPrefix(pg.Code, class) {
			return pg.Code, true
		}
	}
	return "", false
}

// lockKey is the number that stands for a name in a space of names.
func lockKey(space, name string) int64 {
	sum := sha256.Sum256([]byte(space + "\x00" + name))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// lock takes a lock of the transaction's length on a name, so that two transactions about the same thing go one after
// the other.
func (tx *Tx) lock(ctx context.Context, space, name string) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey(space, name))
	if err != nil {
		return fmt.Errorf("lock %s: %w", space, err)
	}
	return nil
}

// dataKey returns the installation's data key of that name, made on first use and sealed under the configured key.
func (db *DB) dataKey(ctx context.Context, name string) ([]byte, error) {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO keys (name, sealed)
		VALUES ($1, $2)
		ON CONFLICT (name) DO NOTHING`,
		name, db.box.Seal(seal.NewKey(), sealedKey+name))
	if err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	var sealed []byte
	err = db.pool.QueryRow(ctx, `
		SELECT sealed
		FROM keys
		WHERE name = $1`, name).Scan(&sealed)
	if err != nil {
		return nil, fmt.Errorf("read data key: %w", err)
	}
	key, current, err := db.box.Open(sealed, sealedKey+name)
	if err != nil {
		return nil, fmt.Errorf("open data key: %w", err)
	}
	if !current {
		_, err := db.pool.Exec(ctx, `
			UPDATE keys
			SET sealed = $2
			WHERE name = $1 AND sealed = $3`,
			name, db.box.Seal(key, sealedKey+name), sealed)
		if err != nil {
			return nil, fmt.Errorf("seal data key anew: %w", err)
		}
	}
	return key, nil
}

func nilIfNone[T any](rows []T, err error) (*T, error) {
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

func collectStrings(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Token derives an unguessable name from the installation's data key: the same for the same purpose, for ever.
func (db *DB) Token(purpose string) string { return db.hasher.Token(purpose) }
