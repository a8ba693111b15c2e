// Package load measures the program as a whole: several processes on one database.
package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const shop = "acme.myshopify.com"

// workerConfig, when set, makes the test binary a worker, or a server where programRole says so.
const (
	workerConfig = "RINGBACK_TEST_WORKER_CONFIG"
	programRole  = "RINGBACK_TEST_ROLE"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(workerConfig); path != "" {
		// The input ends with the benchmark, however that ends.
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		if os.Getenv(programRole) == "server" {
			os.Exit(app.Main("server", app.Serve, []string{"-config", path}, os.Stderr))
		}
		os.Exit(app.Main("worker", app.Work, []string{"-config", path}, os.Stderr))
	}
	os.Exit(m.Run())
}

// burst is a number of ready carts that one assistant's lines call, with several worker processes and a server.
type burst struct {
	carts, lines, workers int
	// speed is how many simulated seconds pass in a real one.
	speed  float64
	timing simvoice.Timing
}

// BenchmarkLines lets four worker processes and a server call the ready carts of one assistant. The customer talks for
// a minute, and the analysis takes half a minute more; a hundred times as fast. It reports the share of the lines' time
// that was busy while carts were ready, as the provider counts connections, and fails when that is below 97 %, when
// there were ever more connections than lines, when a cart was called twice or not at all, or when a line was given to
// a cart while a more valuable one waited.
func BenchmarkLines(b *testing.B) {
	for _, carts := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("carts=%d", carts), func(b *testing.B) {
			for b.Loop() {
				r := newRun(b, burst{
					carts: carts, lines: 10, workers: 4, speed: 100,
					timing: simvoice.Timing{Talk: time.Minute, Process: 10 * time.Second, Analyse: 20 * time.Second},
				})
				r.call(b)
				require.Zero(b, count(b, r.pool, outOfOrder), "a line was given while a more valuable cart was ready")
				r.busyAtLeast(b, 0.97)
				r.report(b)
			}
		})
	}
}

// BenchmarkFills lets the thousand lines of one assistant call a burst of ready carts. It reports how much of the
// database's time goes into giving out lines, and how many connections of one process ever waited for the assistant's
// lock.
func BenchmarkFills(b *testing.B) {
	for b.Loop() {
		r := newRun(b, burst{carts: 3000, lines: 1000, workers: 4, speed: 20})
		samples := sampleFills(b, r.pool, r.assistant)
		r.call(b)
		r.report(b)
		samples().report(b)
	}
}

// run is one burst, on a database of its own.
type run struct {
	burst
	pool *pgxpool.Pool
	sim  *simvoice.Server
	// path is the server's configuration, assistant the key of the lines.
	path, assistant string
	placed          atomic.Int64
	first, last     simvoice.Stats
	done            chan struct{}
}

// newRun makes the carts ready.
func newRun(b *testing.B, size burst) *run {
	b.Helper()
	r := &run{burst: size, done: make(chan struct{})}
	var err error
	r.sim, err = simvoice.New(simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Assistant: "as",
		Lines: r.lines, Speed: r.speed, Timing: r.timing,
		Script: func(simvoice.Order) simvoice.Behaviour {
			switch r.placed.Add(1) {
			case 1:
				r.first = r.sim.Stats()
			case int64(r.carts):
				r.last = r.sim.Stats()
				close(r.done)
			}
			return simvoice.Behaviour{}
		},
	})
	require.NoError(b, err)
	b.Cleanup(r.sim.Close)
	api := httptest.NewServer(r.sim)
	b.Cleanup(api.Close)
	r.pool = pgtest.New(b)
	r.path = filepath.Join(b.TempDir(), "config.yaml")
	text := fmt.Sprintf(configuration, freePort(b), r.pool.Config().ConnString(), shop, api.URL, r.lines)
	require.NoError(b, os.WriteFile(r.path, []byte(text), 0o600))
	r.assistant = load(b, r.path).Stores[shop].Voice.AssistantKey()
	makeReady(b, load(b, r.path), r.pool, r.carts)
	return r
}

// call lets the processes call all carts, and checks that each was called once and never more at a time than there are
// lines.
func (r *run) call(b *testing.B) {
	b.Helper()
	cfg := load(b, r.path)
	cfg.Worker.Enabled = false
	stop := start(b, cfg, app.Serve)
	defer stop()
	for n := range r.workers {
		defer startWorker(b, r.path, fmt.Sprintf("PGAPPNAME=worker %d", n))()
	}
	<-r.done
	require.NoError(b, r.sim.Idle(b.Context()))
	require.Eventually(b, func() bool {
		return count(b, r.pool, `SELECT count(*) FROM carts WHERE state IN ('ready', 'calling')`) == 0
	},
		time.Minute, 50*time.Millisecond)

	stats := r.sim.Stats()
	require.LessOrEqual(b, stats.MostOpen, r.lines, "calls open at one instant")
	require.Len(b, r.sim.Calls(), r.carts, "every cart is called once")
	require.Zero(b, stats.Undelivered)
	require.Zero(b, count(b, r.pool, `
		SELECT count(*)
		FROM (SELECT 1 FROM calls GROUP BY cart_id HAVING count(*) <> 1) AS x`))
}

// busyAtLeast holds the lines to a share of their time.
func (r *run) busyAtLeast(b *testing.B, share float64) {
	b.Helper()
	if busy := simvoice.Utilisation(r.first, r.last, r.lines); busy < share {
		b.Errorf("the lines were busy for %.1f%% of the time, less than %.0f%%", 100*busy, 100*share)
	}
}

func (r *run) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(100*simvoice.Utilisation(r.first, r.last, r.lines), "%busy")
	b.ReportMetric(float64(r.sim.Stats().MostOpen), "most-open")
	b.ReportMetric(float64(r.carts)/r.last.At.Sub(r.first.At).Seconds(), "calls/s")
	b.ReportMetric(0, "ns/op")
}

// fillSamples is what a look at the server's connections, many times a second, found.
type fillSamples struct {
	// active counts connections at work, fills those of them that give out lines.
	active, fills int
	// waiting is the most connections of one process that waited for the assistant's lock at once.
	waiting int
}

func (s fillSamples) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(100*float64(s.fills)/float64(max(s.active, 1)), "%db-time-fills")
	b.ReportMetric(float64(s.waiting), "most-waiting")
}

// sampleFills looks at the server's connections until the result is called.
func sampleFills(b *testing.B, pool *pgxpool.Pool, assistant string) (stop func() fillSamples) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	found := make(chan fillSamples, 1)
	go func() {
		var all fillSamples
		defer func() { found <- all }()
		ticks := time.NewTicker(10 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			var active, fills, waiting int
			row := pool.QueryRow(ctx, fillSample, postgres.AssistantLock(assistant))
			if err := row.Scan(&active, &fills, &waiting); err != nil {
				return
			}
			all.active, all.fills, all.waiting = all.active+active, all.fills+fills, max(all.waiting, waiting)
		}
	}()
	return func() fillSamples {
		cancel()
		return <-found
	}
}

// fillSample counts the connections at work, those of them that hold or want the assistant's lock or look for free
// lines, and the most of one process that wait for the lock.
const fillSample = `
	WITH wanted AS (
		SELECT pid, granted
		FROM pg_locks
		WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (classid::bigint << 32 | objid::bigint) = $1
	), working AS (
		SELECT pid, application_name, query
		FROM pg_stat_activity
		WHERE datname = current_database()
			AND state = 'active'
			AND backend_type = 'client backend'
			AND pid <> pg_backend_pid()
	)
	SELECT (SELECT count(*) FROM working),
		(
			SELECT count(*)
			FROM working
			WHERE pid IN (SELECT pid FROM wanted)
				OR query LIKE '%pg_try_advisory_xact_lock%'
				OR query LIKE '%count(*) < $2%'
				OR query LIKE '%WITH RECURSIVE waited%'
		),
		COALESCE((
			SELECT max(n)
			FROM (
				SELECT count(*) AS n
				FROM wanted
				JOIN working USING (pid)
				WHERE NOT granted
				GROUP BY application_name
			) AS processes
		), 0)`

// outOfOrder counts the lines that were given to a more valuable cart later than to a less valuable one. The ledger's
// ids tell the order in which lines were given, because that is done under the assistant's lock.
const outOfOrder = `
	SELECT count(*)
	FROM (
		SELECT total - lag(total) OVER (ORDER BY ledger.id) AS step
		FROM ledger
		JOIN carts ON carts.id = cart_id
		WHERE event = 'line_free'
	) AS given
	WHERE step > 0`

const configuration = `
server: {listen: %[1]q, public_url: "http://%[1]s"}
database: {url: %[2]q, max_conns: 20}
worker: {concurrency: 20}
log: {level: warn}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", api_token: the-token-of-the-api}
shopify: {client_id: id, client_secrets: [shh]}
stores:
  %[3]s:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mirai, base_url: %[4]q, public_key: pk, private_key: sk, workspace: ws, assistant: as, lines: %[5]d, timeout: 5s, silence: 5m}
    policy:
      delay: 1s
      consent: not_required
      accept_weaker_consent: [IN]
      windows: [{from: "00:00", to: "24:00"}]
      quiet_hours: "off"
      attempts: {max: 1}
      caps: {per_phone: []}
      breakers: []
`

func load(tb testing.TB, path string) *config.Config {
	tb.Helper()
	cfg, _, err := app.LoadConfig(path)
	require.NoError(tb, err)
	return cfg
}

// freePort finds a port for the address that all processes must know beforehand.
func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().String()
}

// start runs the program in this process until the result is called.
func start(tb testing.TB, cfg *config.Config, role app.Role) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	a, err := app.New(ctx, cfg, role, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		cancel()
		err := <-done
		a.Close()
		require.NoError(tb, err)
	}
}

// startWorker runs a worker in a process of its own until the result is called.
func startWorker(tb testing.TB, path string, env ...string) (stop func()) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), workerConfig+"="+path), env...)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	return func() {
		require.NoError(tb, cmd.Process.Signal(os.Interrupt))
		require.NoError(tb, cmd.Wait())
	}
}

// makeReady abandons the checkouts, of a value each, and waits until all of them are ready for a line; there are none
// yet.
func makeReady(tb testing.TB, cfg *config.Config, pool *pgxpool.Pool, carts int) {
	tb.Helper()
	store := cfg.Stores[shop]
	store.Voice.Lines = 0
	cfg.Stores[shop] = store
	ctx, cancel := context.WithCancel(tb.Context())
	a, err := app.New(ctx, cfg, app.Work, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	defer a.Close()
	var group errgroup.Group
	group.SetLimit(8)
	for i := range carts {
		group.Go(func() error {
			d := shopify.Delivery{Topic: shopify.CheckoutsCreate, Shop: shop, WebhookID: uuid.NewString(), TriggeredAt: time.Now()}
			// Values are shuffled: the order of arrival is not the order of value.
			_, err := a.Engine.TakeWebhook(ctx, d, checkout(i, int64(i)*7919%int64(carts)))
			return err
		})
	}
	require.NoError(tb, group.Wait())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	require.Eventually(tb, func() bool { return count(tb, pool, `SELECT count(*) FROM carts WHERE state = 'ready'`) == carts },
		5*time.Minute, 100*time.Millisecond)
	cancel()
	require.NoError(tb, <-done)
}

func checkout(n int, value int64) json.RawMessage {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	tok := fmt.Sprintf("load%08d", n)
	raw, err := json.Marshal(map[string]any{
		"token": tok, "cart_token": "cart-" + tok, "name": "#" + tok[4:], "email": tok + "@example.com", "currency": "INR",
		"created_at": now, "updated_at": now, "abandoned_checkout_url": "https://" + shop + "/1/checkouts/ac/" + tok + "/recover?key=abc",
		"total_price": decimal.New(10_000+value, 0).StringFixed(2), "subtotal_price": decimal.New(10_000+value, 0).StringFixed(2),
		"line_items":       []map[string]any{{"title": "Kurta", "quantity": 1, "price": "1895.00", "variant_id": 1, "product_id": 2, "key": "k"}},
		"shipping_address": map[string]any{"first_name": "Asha", "last_name": "Rao", "phone": "+9198" + tok[4:], "country": "India", "country_code": "IN"},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func count(tb testing.TB, pool *pgxpool.Pool, query string) int {
	tb.Helper()
	var n int
	require.NoError(tb, pool.QueryRow(context.Background(), query).Scan(&n))
	return n
}
