package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/jobs"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"
	"ringback/internal/zoneinfo"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	loom         = "loom.myshopify.com"
	clientSecret = secret.Secret("hush")
	oldKey       = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	newKey       = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is an engine on a database of its own beside a simulated Shopify with one shop, all by one clock. Its jobs are
// inserted and not worked.
type house struct {
	t       *testing.T
	clock   *clock
	pool    *pgxpool.Pool
	db      *postgres.DB
	engine  *engine.Engine
	metrics *prometheus.Registry
	sim     *simshop.Shopify
	shop    *simshop.Shop
	// front takes webhooks; api is the simulated Shopify.
	front *httptest.Server
	api   *httptest.Server
	log   *lockedBuffer
	// phones counts the numbers that carts were made with.
	phones    atomic.Int64
	quiet     bool
	endpoints []config.Endpoint
	mail      engine.Mail
}

// plan is how a house differs from the ordinary one.
type plan struct {
	sim   func(*simshop.Config)
	store func(*config.Store)
	// quiet leaves the intake to the test.
	quiet bool
	// endpoints are told of what happens.
	endpoints []config.Endpoint
	// api stands before the simulated Shopify.
	api func(http.Handler) http.Handler
	// mail takes what people are told.
	mail engine.Mail
}

const houseConfig = `
server: {public_url: "https://calls.example.com"}
security: {encryption_key: %q}
shopify: {client_id: app, client_secrets: [hush]}
stores:
  loom.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mirai, base_url: "http://127.0.0.1:1", public_key: pk, private_key: sk, workspace: ws, assistant: as}
    policy: {consent: sms_marketing, accept_weaker_consent: [IN]}
`

func newHouse(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{
		t: t, quiet: p.quiet, endpoints: p.endpoints, mail: p.mail,
		clock: &clock{now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)},
		pool:  pgtest.New(t), log: &lockedBuffer{},
	}
	h.front = httptest.NewServer(http.HandlerFunc(h.takeWebhook))
	t.Cleanup(h.front.Close)
	cfg := simshop.Config{
		Clock: h.clock.Now, Seed: 7, ClientID: "app", ClientSecret: clientSecret,
		RedirectURLs: []string{"https://calls.example.com/shopify/callback"}, ComplianceURL: h.front.URL,
	}
	if p.sim != nil {
		p.sim(&cfg)
	}
	h.sim = simshop.New(cfg)
	h.shop = h.sim.AddShop(simshop.ShopConfig{Domain: loom, Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN"})
	var api http.Handler = h.sim
	if p.api != nil {
		api = p.api(api)
	}
	h.api = httptest.NewServer(api)
	t.Cleanup(h.api.Close)
	h.engine, h.db, h.metrics = h.process(h.pool, p.store, oldKey)
	require.NoError(t, h.db.EnsureShops(t.Context(), []string{loom}))
	return h
}

// process is another program on the house's database.
func (h *house) process(pool *pgxpool.Pool, change func(*config.Store), keys ...string) (*engine.Engine, *postgres.DB, *prometheus.Registry) {
	h.t.Helper()
	cfg, _, err := config.Parse("house.yaml", fmt.Appendf(nil, houseConfig, keys[0]), func(string) (string, bool) { return "", false }, providers.Config())
	require.NoError(h.t, err)
	box, err := seal.NewBox(keys...)
	require.NoError(h.t, err)
	db, err := postgres.Open(h.t.Context(), pool, box, h.clock.Now)
	require.NoError(h.t, err)
	sc := cfg.Stores[loom]
	if change != nil {
		change(&sc)
	}
	rules := sc.Policy
	require.NoError(h.t, rules.Compile(policy.Store{Shop: loom, Timezone: sc.Timezone, Country: sc.Country, Currency: sc.Currency}))
	provider, err := providers.New(sc.Voice, voice.Network{})
	require.NoError(h.t, err)
	location, err := zoneinfo.Load(sc.Timezone)
	require.NoError(h.t, err)
	endpoints, err := engine.NewEndpoints(h.endpoints)
	require.NoError(h.t, err)
	registry := prometheus.NewRegistry()
	log := slog.New(slog.NewTextHandler(h.log, nil))
	e := engine.New(engine.Options{
		Endpoints: endpoints,
		DB:        db, PublicURL: cfg.Server.PublicURL, Retention: cfg.Retention, Log: log,
		Metrics: engine.NewMetrics(registry),
		Shopify: engine.Shopify{Shopify: cfg.Shopify, BaseURL: simshop.BaseURL(h.api.URL)}, Mail: h.mail,
		Stores: map[string]*engine.Store{loom: {
			Domain: loom, Config: sc, Provider: provider, Location: location,
			Rules: lifecycle.Rules{Policy: &rules, Country: sc.Country, Voice: lifecycle.Voice{
				Provider: provider.Name(), Assistant: sc.Voice.AssistantKey(), Silence: sc.Voice.Silence, OurRetries: true, CanAbort: true,
			}},
		}},
	})
	registry.MustRegister(engine.NewConnectionCollector(e))
	require.NoError(h.t, e.NoteEndpoints(h.t.Context()))
	_, err = jobs.NewClient(e, pool, 0, log)
	require.NoError(h.t, err)
	if !h.quiet {
		h.intake(e)
	}
	return e, db, registry
}

// without is the house's program after a shop was taken out of its configuration.
func (h *house) without(domain string) *engine.Engine {
	h.t.Helper()
	e := engine.New(engine.Options{
		DB: h.db, Stores: map[string]*engine.Store{}, Log: slog.New(slog.NewTextHandler(h.log, nil)), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
	})
	require.Nil(h.t, e.Store(domain))
	_, err := jobs.NewClient(e, h.pool, 0, slog.New(slog.DiscardHandler))
	require.NoError(h.t, err)
	h.intake(e)
	return e
}

// intake runs an engine's intake until the test ends.
func (h *house) intake(e *engine.Engine) {
	ctx, stop := context.WithCancel(context.WithoutCancel(h.t.Context()))
	var group sync.WaitGroup
	group.Go(func() { e.RunIntake(ctx) })
	h.t.Cleanup(func() { stop(); group.Wait() })
}

// work lets the privacy requests that are due now be worked, until none is left.
func (h *house) work() {
	h.t.Helper()
	h.workUntil("no redaction is left", func() bool {
		var n int
		err := h.pool.QueryRow(h.t.Context(), `
			SELECT count(*)
			FROM river_job
			WHERE state IN ('available', 'running', 'retryable') AND kind = 'redact'`).Scan(&n)
		return err == nil && n == 0
	})
}

// workUntil works jobs until a condition holds.
func (h *house) workUntil(what string, condition func() bool) {
	h.t.Helper()
	client, err := jobs.NewClient(h.engine, h.pool, 5, slog.New(slog.DiscardHandler))
	require.NoError(h.t, err)
	require.NoError(h.t, client.Start(context.WithoutCancel(h.t.Context())))
	assert.Eventually(h.t, condition, 20*time.Second, 20*time.Millisecond, "%s never comes: %s", what, h.log)
	require.NoError(h.t, client.Stop(context.WithoutCancel(h.t.Context())))
}

// givesLines lets a process give out lines until the result is called.
func (h *house) givesLines(e *engine.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.GiveLines(ctx, true)
	}()
	return func() {
		cancel()
		<-done
	}
}

// install goes through the grant as a merchant does.
func (h *house) install() {
	h.t.Helper()
	require.NoError(h.t, h.engine.Install(h.t.Context(), h.grant()))
}

// grant lets the merchant agree and returns the checked callback.
func (h *house) grant() shopify.Callback {
	h.t.Helper()
	app := h.engine.App(loom)
	address, err := app.AuthorizeURL(loom, "a-state")
	require.NoError(h.t, err)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, address, nil)
	require.NoError(h.t, err)
	res, err := browser.Do(req)
	require.NoError(h.t, err)
	defer res.Body.Close()
	require.Equal(h.t, http.StatusFound, res.StatusCode)
	back, err := url.Parse(res.Header.Get("Location"))
	require.NoError(h.t, err)
	callback, err := app.VerifyCallback(back.Query(), loom, "a-state")
	require.NoError(h.t, err)
	return callback
}

// take gives the engine a webhook and waits until it is applied.
func (h *house) take(ctx context.Context, d shopify.Delivery, body []byte) (engine.Taken, error) {
	taken, err := h.engine.TakeWebhook(ctx, d, body)
	if err == nil {
		assert.Eventually(h.t, func() bool {
			lag, err := h.db.IntakeLag(ctx)
			return err == nil && lag.Queued == 0
		}, time.Minute, time.Millisecond, "what was kept is not applied: %s", h.log)
	}
	return taken, err
}

// takeWebhook is the front door, as narrow as it can be.
func (h *house) takeWebhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(h.t, err)
	d, err := shopify.ParseHeaders(r.Header)
	assert.NoError(h.t, err)
	assert.Equal(h.t, shopify.Sign(clientSecret, body), r.Header.Get(shopify.HeaderHMAC))
	if _, err := h.take(r.Context(), d, body); !assert.NoError(h.t, err, d.Topic) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// subscribe sends the shop's webhooks to the front door.
func (h *house) subscribe() {
	for _, topic := range shopify.SubscribedTopics() {
		h.shop.Subscribe(topic, h.front.URL)
	}
}

func (h *house) shopRow() postgres.Shop {
	h.t.Helper()
	row, err := h.db.Shop(h.t.Context(), loom)
	require.NoError(h.t, err)
	return row
}

// events lists what happened to the shop, oldest first.
func (h *house) events() []string {
	h.t.Helper()
	list, err := h.db.ShopEvents(h.t.Context(), loom, 100)
	require.NoError(h.t, err)
	var names []string
	for i := range list {
		names = append(names, list[len(list)-1-i].Event)
	}
	return names
}

// waiting lists the kinds of the jobs that wait to be worked.
func (h *house) waiting() []string {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `SELECT kind FROM river_job WHERE state IN ('available', 'scheduled') ORDER BY id`)
	require.NoError(h.t, err)
	defer rows.Close()
	var kinds []string
	for rows.Next() {
		var kind string
		require.NoError(h.t, rows.Scan(&kind))
		kinds = append(kinds, kind)
	}
	require.NoError(h.t, rows.Err())
	return kinds
}

// waitingOf is the part of waiting that is of one kind.
func (h *house) waitingOf(kind string) []string {
	h.t.Helper()
	return slices.DeleteFunc(h.waiting(), func(k string) bool { return k != kind })
}

// metric sums the samples of a metric.
func (h *house) metric(name string, labels ...string) int {
	h.t.Helper()
	families, err := h.metrics.Gather()
	require.NoError(h.t, err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if all := strings.Join(values, " "); !containsAll(all, labels) {
				continue
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return int(sum)
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// lockedBuffer keeps a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ask makes the cheapest of our errands to Shopify.
func ask(ctx context.Context, e *engine.Engine) error {
	_, err := e.Reconcile(ctx, loom)
	return err
}

func decimalOf(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func secretOf(s string) secret.Secret { return secret.Secret(s) }

func withAdminToken(token string) func(*config.Store) {
	return func(s *config.Store) { s.AdminToken = secret.Secret(token) }
}
