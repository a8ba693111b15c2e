package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"ringback/internal/engine"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// enqueue inserts a job and returns its id.
func (w *world) enqueue(args river.JobArgs) int64 {
	w.t.Helper()
	client, err := river.NewClient(riverpgxv5.New(w.pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	inserted, err := client.Insert(w.t.Context(), args, nil)
	require.NoError(w.t, err)
	require.False(w.t, inserted.UniqueSkippedAsDuplicate)
	return inserted.Job.ID
}

func (w *world) jobState(id int64) (state string) {
	w.t.Helper()
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(), `SELECT state FROM river_job WHERE id = $1`, id).Scan(&state))
	return state
}

// A backup reads tables for hours, and maintenance that waited for its end would make every webhook wait behind it.
func TestIntake_GoesOnWhileMaintenanceFindsTablesInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.eventually("the first maintenance is over", func() bool {
		var over bool
		err := w.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM river_job WHERE kind = 'purge' AND state = 'completed')`).Scan(&over)
		return err == nil && over
	})
	// There is a day to make and one to drop.
	ahead, old := time.Now().UTC().AddDate(0, 0, 2), time.Now().UTC().AddDate(0, 0, -60)
	_, err := w.pool.Exec(t.Context(), fmt.Sprintf(`
		DROP TABLE webhooks_%s;
		CREATE TABLE webhooks_%s PARTITION OF webhooks FOR VALUES FROM ('%s') TO ('%s')`,
		ahead.Format("20060102"), old.Format("20060102"), old.Format(time.DateOnly), old.AddDate(0, 0, 1).Format(time.DateOnly)))
	require.NoError(t, err)
	backup, err := w.pool.BeginTx(t.Context(), pgx.TxOptions{AccessMode: pgx.ReadOnly})
	require.NoError(t, err)
	_, err = backup.Exec(t.Context(), `SELECT count(*) FROM webhooks`)
	require.NoError(t, err)

	purge := w.enqueue(engine.Purge{})
	sent := 0
	w.eventually("the maintenance is over", func() bool {
		sent++
		assert.Equal(t, http.StatusOK, w.sends("checkouts/create", checkout(fmt.Sprintf("meanwhile-%d", sent))))
		return w.jobState(purge) == string(rivertype.JobStateCompleted)
	})
	require.NoError(t, backup.Rollback(t.Context()))
	assert.Positive(t, sent)

	purge = w.enqueue(engine.Purge{})
	w.eventually("the next maintenance does it", func() bool { return w.jobState(purge) == string(rivertype.JobStateCompleted) })
	var made, dropped bool
	err = w.pool.QueryRow(t.Context(), `SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NULL`,
		"webhooks_"+ahead.Format("20060102"), "webhooks_"+old.Format("20060102")).Scan(&made, &dropped)
	require.NoError(t, err)
	assert.True(t, made)
	assert.True(t, dropped)
}

func TestReadiness_SaysThatNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for state, says := range map[string]string{
		"53100": "the disk of the database is full", "25006": "the database is read-only", "42501": "nothing can be written to the database",
	} {
		_, err := w.pool.Exec(t.Context(), fmt.Sprintf(`
			CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				RAISE EXCEPTION 'refused' USING ERRCODE = '%s';
			END $$;
			CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON webhooks FOR EACH ROW EXECUTE FUNCTION refuse()`, state))
		require.NoError(t, err)
		w.eventually("/readyz says "+says, func() bool {
			status, answer := w.api(http.MethodGet, "/readyz", nil)
			return status == http.StatusServiceUnavailable && answer["detail"] == says
		})
		status, _ := w.api(http.MethodGet, "/healthz", nil)
		assert.Equal(t, http.StatusOK, status, "the process is alive")
	}
	assert.Equal(t, http.StatusServiceUnavailable, w.sends("checkouts/create", checkout("full")))

	_, err := w.pool.Exec(t.Context(), `DROP TRIGGER refuse ON webhooks`)
	require.NoError(t, err)
	w.eventually("/readyz says that it is ready", func() bool {
		status, _ := w.api(http.MethodGet, "/readyz", nil)
		return status == http.StatusOK
	})
	assert.Equal(t, http.StatusOK, w.sends("checkouts/create", checkout("room")))
	var probes int
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM webhooks WHERE topic = 'probe'`).Scan(&probes))
	assert.Zero(t, probes, "a probe leaves nothing behind")
}
