package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"ringback/internal/bench"
	"ringback/internal/postgres/pgtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rows are the ids of all rows. Programs read them.
var rows = []string{
	"commits", "http-8", "http-32", "http-128",
	"simple-new-8", "ringback-new-8", "simple-new-32", "ringback-new-32", "simple-new-128", "ringback-new-128",
	"simple-five-8", "ringback-five-8", "simple-five-32", "ringback-five-32", "simple-five-128", "ringback-five-128",
	"sustained-simple-new", "sustained-kept-new", "sustained-applied-new", "sustained-behind-new",
	"sustained-simple-five", "sustained-kept-five", "sustained-applied-five", "sustained-behind-five",
	"open-loop", "full-day-simple", "full-day", "full-day-share", "dial-few", "calls-few", "dial-many", "calls-many",
	"bytes-cart", "bytes-cart-all", "bytes-webhook", "memory", "memory-peak",
}

func TestRun_MeasuresEverythingAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	pool := pgtest.NewEmpty(t)
	var progress bytes.Buffer
	o := bench.Options{DatabaseURL: pool.Config().ConnString(), Progress: &progress}
	report, err := bench.Run(t.Context(), o.Tiny())
	require.NoError(t, err, progress.String())

	var ids []string
	for _, row := range report.Rows {
		ids = append(ids, row.ID)
		if row.ID != "sustained-behind-new" && row.ID != "sustained-behind-five" {
			assert.Positive(t, row.Value, row.ID)
		}
		assert.NotEmpty(t, row.Unit, row.ID)
	}
	assert.Equal(t, rows, ids)

	var table, written bytes.Buffer
	require.NoError(t, report.Table(&table))
	for _, row := range report.Rows {
		assert.Contains(t, table.String(), row.Group)
		assert.Contains(t, table.String(), row.What)
	}
	for line := range strings.Lines(table.String()) {
		assert.LessOrEqual(t, len([]rune(line)), 121, line)
	}
	require.NoError(t, report.JSON(&written))
	var read bench.Report
	require.NoError(t, json.Unmarshal(written.Bytes(), &read))
	assert.Equal(t, *report, read)

	var left int
	err = pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE datname LIKE 'ringback_bench_%'`).Scan(&left)
	require.NoError(t, err)
	assert.Zero(t, left, "databases left behind")
}

// whenTold ends a run at what it says.
type whenTold struct {
	words string
	stop  context.CancelFunc
}

func (w whenTold) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.words)) {
		w.stop()
	}
	return len(p), nil
}

func TestRun_InterruptedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"single-row commits", "Burst: new checkouts, 32"} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			dir := t.TempDir()
			o := bench.Options{Dir: filepath.Join(dir, "data", "bench"), Progress: whenTold{words, stop}}
			_, err := bench.Run(ctx, o.Tiny())
			require.ErrorIs(t, err, context.Canceled)
			assert.NoDirExists(t, filepath.Join(dir, "data"))
		})
	}
}
