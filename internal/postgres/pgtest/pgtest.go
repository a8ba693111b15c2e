package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

const (
	// patience bounds all that is done before a test, and again all that is done after it.
	patience = time.Minute
	// releasePatience is how long a connection may stay in use after the end of its test.
	releasePatience = 10 * time.Second
	// poolSize is the largest number of connections of one test.
	poolSize = 10
)

// New returns a pool on a fresh database with all migrations. When the test ends the pool is closed and the database
// dropped. Config().ConnString() of the pool is the database's URL, for a program that connects by itself.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return open(tb, server.cloneTemplate)
}

// NewEmpty returns a pool on a fresh database without any table; otherwise it is like New.
func NewEmpty(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return open(tb, server.createEmpty)
}

func open(tb testing.TB, create func(server, context.Context, string) error) *pgxpool.Pool {
	tb.Helper()
	server, err := shared()
	require.NoError(tb, err, "no Postgres to test with")

	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	name := "ringback_test_" + uuid.NewString()
	require.NoError(tb, create(server, ctx, name))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			tb.Errorf("drop the test's database: %v", err)
		}
	})

	config, err := pgxpool.ParseConfig(server.database(name))
	require.NoError(tb, err)
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	require.NoError(tb, err)
	tb.Cleanup(func() { closePool(tb, pool) })
	return pool
}

// closePool closes the pool, and says so if the test still uses one of its connections: closing would wait for it for
// ever.
func closePool(tb testing.TB, pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(releasePatience):
		tb.Errorf("%d connections of the test are still in use after its end: close rows, end transactions, stop workers", pool.Stat().AcquiredConns())
	}
}
