package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
)

func TestMigrateSurvivesCompany(t *testing.T) {
	t.Parallel()
	empty := pgtest.NewEmpty(t)
	pending, err := postgres.MigrationsPending(t.Context(), empty)
	require.NoError(t, err)
	assert.True(t, pending, "an empty database lacks everything")

	// Each starting process has a pool of its own; the smallest one must do.
	var processes errgroup.Group
	for range 8 {
		pool := anotherPool(t, empty, 1)
		processes.Go(func() error { return postgres.Migrate(t.Context(), pool) })
	}
	require.NoError(t, processes.Wait())

	pending, err = postgres.MigrationsPending(t.Context(), empty)
	require.NoError(t, err)
	assert.False(t, pending)
	var indexed bool
	err = empty.QueryRow(t.Context(), `SELECT to_regclass('river_job_due') IS NOT NULL`).Scan(&indexed)
	require.NoError(t, err)
	assert.True(t, indexed, "our migrations see River's tables")
}

func TestMigrateSharesOnePool(t *testing.T) {
	t.Parallel()
	pool := anotherPool(t, pgtest.NewEmpty(t), 2)
	var calls errgroup.Group
	for range 8 {
		calls.Go(func() error { return postgres.Migrate(t.Context(), pool) })
	}
	require.NoError(t, calls.Wait(), "those that wait must not take the connections of the one that works")
}

func TestMigrateWaitsForTheLock(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	holder, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer holder.Release()
	_, err = holder.Exec(t.Context(), `SELECT pg_advisory_lock(x'72696e676261636b'::BIGINT)`)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = postgres.Migrate(ctx, pool)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "migrat")

	done := make(chan error)
	go func() { done <- postgres.Migrate(t.Context(), pool) }()
	_, err = holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`)
	require.NoError(t, err)
	assert.NoError(t, <-done)
}

func TestMigrationsPendingSeesEachKind(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]string{
		"ours":  `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`,
		"River": `DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			_, err := pool.Exec(t.Context(), forget)
			require.NoError(t, err)
			pending, err := postgres.MigrationsPending(t.Context(), pool)
			require.NoError(t, err)
			assert.True(t, pending)
		})
	}
}

func TestMigrateLeavesANewerDatabaseAlone(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(t.Context(), pool), "the program before works on with the schema after")
	pending, err := postgres.MigrationsPending(t.Context(), pool)
	require.NoError(t, err)
	assert.False(t, pending)
}

// anotherPool is a pool of the given size on the same database.
func anotherPool(t *testing.T, pool *pgxpool.Pool, size int32) *pgxpool.Pool {
	t.Helper()
	config := pool.Config()
	config.MaxConns = size
	other, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(other.Close)
	return other
}
