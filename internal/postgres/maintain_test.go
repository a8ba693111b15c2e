package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reads holds a read of a table open, as a backup does, until the returned function is called.
func reads(t *testing.T, pool *pgxpool.Pool, table string) (done func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT count(*) FROM `+pgx.Identifier{table}.Sanitize())
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }
}

func (b *bench) partitions(table string) (n int) {
	b.t.Helper()
	err := b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass`, table).Scan(&n)
	require.NoError(b.t, err)
	return n
}

func (b *bench) keepsWebhook(id string, payload string) {
	b.t.Helper()
	b.tx(func(ctx context.Context, tx *postgres.Tx) error {
		_, _, err := tx.KeepWebhook(ctx, shop, id, "checkouts/update", []byte(payload), false)
		return err
	})
}

func TestMaintenance_LeavesATableInUseToTheNextRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.db.MakePartitions(t.Context(), 2))
	before := b.partitions("webhooks")

	done := reads(t, b.pool, "webhooks")
	require.ErrorIs(t, b.db.MakePartitions(t.Context(), 4), postgres.ErrBusy)
	require.ErrorIs(t, b.db.DropPartitions(t.Context(), noon.AddDate(0, 0, 3)), postgres.ErrBusy)
	b.keepsWebhook("1", `{}`)
	assert.Equal(t, before, b.partitions("webhooks"))
	assert.Equal(t, 4-3+1, b.partitions("callbacks"), "another table's days are made and dropped all the same")
	done()

	require.NoError(t, b.db.MakePartitions(t.Context(), 4))
	assert.Equal(t, before+2, b.partitions("webhooks"))
	require.NoError(t, b.db.DropPartitions(t.Context(), noon.AddDate(0, 0, 3)))
	assert.Equal(t, before+2-3, b.partitions("webhooks"))
}

func TestPartitions_ARowInTheCatchAllIsNoObstacle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keepsWebhook("1", `{}`)
	require.NoError(t, b.db.MakePartitions(t.Context(), 3))
	assert.Equal(t, 1+2, b.partitions("webhooks"), "the begun day stays in the catch-all")
	assert.Equal(t, 1+3, b.partitions("callbacks"))
}

// A first row of a day may come between the look for one and the lock.
func TestPartitions_ARowThatComesMeanwhileIsNoObstacle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `
		INSERT INTO webhooks (day, key, shop, topic, received_at)
		VALUES ($1, 'k', '', '', $2)`, noon.Truncate(24*time.Hour), noon)
	require.NoError(t, err)
	made := make(chan error, 1)
	go func() { made <- b.db.MakePartitions(context.WithoutCancel(t.Context()), 1) }()
	require.Eventually(t, func() bool {
		var waits bool
		err := b.pool.QueryRow(t.Context(), `
			SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'webhooks'::regclass)`).Scan(&waits)
		return err == nil && waits || len(made) > 0
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	if err := <-made; err != nil {
		require.ErrorIs(t, err, postgres.ErrBusy, "on a slow machine the wait may be over first")
	}
	assert.Equal(t, 1, b.partitions("webhooks"))
}

func TestForgetting_ReadsInPagesAndFindsEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.db.MakePartitions(t.Context(), 2))
	const each = 450
	for _, days := range []int{0, 1, 5} {
		b.now = noon.AddDate(0, 0, days)
		_, err := b.pool.Exec(t.Context(), `
			INSERT INTO webhooks (day, key, shop, topic, received_at, payload)
			SELECT $1::date, decode(md5(n::text), 'hex'), $2, 'customers/update', now(),
				convert_to(CASE WHEN n % 3 = 0 THEN '{"email":"gone@example.com"}' ELSE '{"email":"kept@example.com"}' END, 'UTF8')
			FROM generate_series(1, $3::int) AS n`, b.now.Truncate(24*time.Hour), shop, each)
		require.NoError(t, err)
		_, err = b.pool.Exec(t.Context(), `
			INSERT INTO callbacks (day, received_at, provider, type, payload)
			SELECT $1::date, now(), 'mirai', 'x',
				convert_to(CASE WHEN n % 3 = 0 THEN '{"email":"gone@example.com"}' ELSE '{"email":"kept@example.com"}' END, 'UTF8')
			FROM generate_series(1, $2::int) AS n`, b.now.Truncate(24*time.Hour), each)
		require.NoError(t, err)
	}
	erasure, err := b.db.ToErase(t.Context(), shop, "IN", cart.PersonWith("", []string{"gone@example.com"}, nil))
	require.NoError(t, err)
	require.NoError(t, b.db.ForgetPerson(t.Context(), erasure))
	for _, table := range []string{"webhooks", "callbacks"} {
		for email, want := range map[string]int{"gone": 0, "kept": each * 2} {
			var n int
			err := b.pool.QueryRow(t.Context(), fmt.Sprintf(`
				SELECT count(*)
				FROM %s
				WHERE payload IS NOT NULL AND convert_from(payload, 'UTF8') LIKE '%%%s%%'`, table, email)).Scan(&n)
			require.NoError(t, err)
			assert.Equal(t, want, n, "%s of %s", table, email)
		}
	}
	require.NoError(t, b.db.ForgetShop(t.Context(), shop))
	var left int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM webhooks WHERE payload IS NOT NULL`).Scan(&left))
	assert.Zero(t, left)
}

// A change of the schema that waited for its lock as long as it takes would stop everything that comes after it.
func TestMigrate_NeverMakesOthersWait(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: 5})
	require.NoError(t, err)
	done := reads(t, pool, "river_job")
	migrated := make(chan error, 1)
	go func() { migrated <- postgres.Migrate(context.WithoutCancel(t.Context()), pool) }()
	var waited bool
	require.Eventually(t, func() bool {
		err := pool.QueryRow(t.Context(), `
			SELECT EXISTS (
				SELECT 1
				FROM pg_locks
				WHERE NOT granted AND relation = 'river_job'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			)`).Scan(&waited)
		return err == nil && waited
	}, 20*time.Second, time.Millisecond)
	// Whoever comes behind the change gets through while the long read goes on.
	_, err = pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, max_attempts) VALUES ('test', '{}', 1)`)
	require.NoError(t, err)
	assert.Empty(t, migrated)
	done()
	require.NoError(t, <-migrated)
}
