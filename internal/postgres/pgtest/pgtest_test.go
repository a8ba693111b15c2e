package pgtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
)

func TestNewGivesAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "other"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			pending, err := postgres.MigrationsPending(t.Context(), pool)
			require.NoError(t, err)
			assert.False(t, pending)

			// Fails in the second test if both had the same database.
			_, err = pool.Exec(t.Context(), `CREATE TABLE mine (id INTEGER)`)
			require.NoError(t, err)
		})
	}
}

func TestNewEmptyHasNoTables(t *testing.T) {
	t.Parallel()
	var tables int
	err := pgtest.NewEmpty(t).QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	require.NoError(t, err)
	assert.Zero(t, tables)
}

func TestTheDatabaseGoesWithTheTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		require.NoError(t, pgtest.New(t).QueryRow(t.Context(), `SELECT current_database()`).Scan(&name))
	})
	var exists bool
	err := pgtest.NewEmpty(t).QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	require.NoError(t, err)
	assert.False(t, exists)
}
