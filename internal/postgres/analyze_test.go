package postgres_test

import (
	"testing"

	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (b *bench) hasStatistics(table string) bool {
	b.t.Helper()
	var has bool
	err := b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM pg_stats WHERE tablename = $1)`, table).Scan(&has)
	require.NoError(b.t, err)
	return has
}

func (b *bench) exec(statement string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), statement, args...)
	require.NoError(b.t, err)
}

func TestMigrate_AnalyzesTablesWithoutStatistics(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keeps("tok")
	b.exec(`
		INSERT INTO webhooks (day, key, shop, topic, received_at)
		VALUES ('2026-03-10', 'k', $1, 'orders/create', now())`, shop)
	require.False(t, b.hasStatistics("carts"))
	require.NoError(t, postgres.Migrate(t.Context(), b.pool))
	assert.True(t, b.hasStatistics("carts"))
	assert.True(t, b.hasStatistics("webhooks"), "a partitioned table is analyzed by nobody else")
}

func TestAnalyzeOutgrown_AnalyzesWhatHasDoubledInSize(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	grow := func(rows int) []string {
		b.exec(`
			INSERT INTO shop_events (shop, at, event, detail)
			SELECT 'a.myshopify.com', now(), 'paused', repeat('x', 1000)
			FROM generate_series(1, $1)`, rows)
		analyzed, err := b.db.AnalyzeOutgrown(t.Context())
		require.NoError(t, err)
		return analyzed
	}
	assert.Empty(t, grow(10), "a small table")
	assert.Equal(t, []string{"shop_events"}, grow(2000))
	assert.True(t, b.hasStatistics("shop_events"))
	assert.Empty(t, grow(2000), "not much larger")
	assert.Equal(t, []string{"shop_events"}, grow(4000))
}
