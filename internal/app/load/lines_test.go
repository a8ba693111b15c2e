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

// What BenchmarkLines does: a call of an ordinary length, a minute and a half, takes a second.
const (
	lines   = 10
	workers = 4
	speed   = 100
)

// BenchmarkLines lets four worker processes and a server call the ready carts of one assistant. It reports the share of the lines'
// time that was busy while carts were ready, and fails when there were ever more calls than lines, when a cart was called twice
// or not at all, or when a line was given to a cart while a more valuable one waited.
func BenchmarkLines(b *testing.B) {
	const carts = 10_000
	b.Run(fmt.Sprintf("carts=%d", carts), func(b *testing.B) {
		for b.Loop() {
			run(b, carts)
		}
	})
}

func run(b *testing.B, carts int) {
	b.Helper()
	var sim *simvoice.Server
	var placed atomic.Int64
	var first, last simvoice.Stats
	done := make(chan struct{})
	sim, err := simvoice.New(simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Assistant: "as", Lines: lines, Speed: speed,
		Script: func(simvoice.Order) simvoice.Behaviour {
			switch placed.Add(1) {
			case 1:
				first = sim.Stats()
			case int64(carts):
				last = sim.Stats()
				close(done)
			}
			return simvoice.Behaviour{}
		},
	})
	require.NoError(b, err)
	defer sim.Close()
	api := httptest.NewServer(sim)
	defer api.Close()
	pool := pgtest.New(b)
	path := filepath.Join(b.TempDir(), "config.yaml")
	text := fmt.Sprintf(configuration, freePort(b), pool.Config().ConnString(), shop, api.URL, lines)
	require.NoError(b, os.WriteFile(path, []byte(text), 0o600))

	makeReady(b, load(b, path), pool, carts)

	cfg := load(b, path)
	cfg.Worker.Enabled = false
	stop := start(b, cfg, app.Serve)
	defer stop()
	for range workers {
		defer startWorker(b, path)()
	}
	<-done
	require.NoError(b, sim.Idle(b.Context()))
	require.Eventually(b, func() bool {
		return count(b, pool, `SELECT count(*) FROM carts WHERE state IN ('ready', 'calling')`) == 0
	},
		time.Minute, 50*time.Millisecond)

	stats := sim.Stats()
	require.LessOrEqual(b, stats.MostOpen, lines, "calls open at one instant")
	require.Len(b, sim.Calls(), carts, "every cart is called once")
	require.Zero(b, stats.Undelivered)
	require.Zero(b, count(b, pool, `SELECT count(*) FROM (SELECT 1 FROM calls GROUP BY cart_id HAVING count(*) <> 1) AS x`))
	require.Zero(b, count(b, pool, outOfOrder), "lines given to a cart while a more valuable one was ready")
	if busy := simvoice.Utilisation(first, last, lines); busy < 0.97 {
		b.Errorf("the lines were busy for %.1f%% of the time, less than 97%%", 100*busy)
	}
	b.ReportMetric(100*simvoice.Utilisation(first, last, lines), "%busy")
	b.ReportMetric(float64(stats.MostOpen), "most-open")
	b.ReportMetric(float64(carts)/last.At.Sub(first.At).Seconds(), "calls/s")
	b.ReportMetric(0, "ns/op")
}

// outOfOrder counts the lines that were given to a more valuable cart later than to a less valuable one. The ledger's ids tell the
// order in which lines were given, because that is done under the assistant's lock.
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
func startWorker(tb testing.TB, path string) (stop func()) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), workerConfig+"="+path)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	return func() {
		require.NoError(tb, cmd.Process.Signal(os.Interrupt))
		require.NoError(tb, cmd.Wait())
	}
}

// makeReady abandons the checkouts, of a value each, and waits until all of them are ready for a line; there are none yet.
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
