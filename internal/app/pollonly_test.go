package app_test

import (
	"log/slog"
	"net/http"
	"testing"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pooler gives each transaction any session, so nothing may be asked of one that outlives the transaction.
func TestPollOnly_CallsWithoutASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{config: func(c *config.Config) { c.Database.PollOnly = true }})
	require.Equal(t, http.StatusOK, w.sends(shopify.CheckoutsCreate, checkout("polled")))
	w.eventually("the cart is called", func() bool {
		return w.count(`SELECT count(*) FROM calls WHERE state = 'closed'`) == 1
	})
	assert.Zero(t, w.count(`
		SELECT count(*)
		FROM pg_stat_activity
		WHERE datname = current_database() AND query ILIKE 'listen %'`))
	assert.Zero(t, w.count(`
		SELECT count(*)
		FROM pg_locks
		JOIN pg_stat_activity USING (pid)
		WHERE locktype = 'advisory' AND datname = current_database() AND state = 'idle'`))
}

func TestPollOnly_DoesNotMigrate(t *testing.T) {
	t.Parallel()
	pool := pgtest.NewEmpty(t)
	w := &world{t: t, pool: pool}
	cfg := w.configure("http://127.0.0.1:1", setup{config: func(c *config.Config) { c.Database.PollOnly = true }})
	_, err := app.New(t.Context(), cfg, app.Serve, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "run `ringback migrate`")
	var tables int
	require.NoError(t, pool.QueryRow(t.Context(), `
		SELECT count(*)
		FROM pg_tables
		WHERE schemaname = current_schema()`).Scan(&tables))
	assert.Zero(t, tables)
}
