package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"
	"ringback/internal/voice/providers"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	acme         = "acme.myshopify.com"
	clientSecret = "shh"
	token        = "api-token"
)

// world is the whole program on a database of its own, with a simulated voice API.
type world struct {
	t     *testing.T
	app   *app.App
	db    *postgres.DB
	pool  *pgxpool.Pool
	voice *simvoice.Server
	cfg   *config.Config
	// options are what the app is built with.
	options []app.Option
	url     string
	end     func()
	ended   sync.Once
}

// setup is how a world differs from the ordinary one.
type setup struct {
	voice  func(*simvoice.Options)
	config func(*config.Config)
	store  func(*config.Store)
	// options are the app's.
	options []app.Option
}

// newWorld boots the program on port 0.
func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	w := &world{t: t, pool: pgtest.New(t), options: s.options}
	opts := simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Assistant: "as", Lines: 5, Speed: 2000,
	}
	if s.voice != nil {
		s.voice(&opts)
	}
	voice, err := simvoice.New(opts)
	require.NoError(t, err)
	t.Cleanup(voice.Close)
	w.voice = voice
	api := httptest.NewServer(voice)
	t.Cleanup(api.Close)

	w.cfg = w.configure(api.URL, s)
	box, err := seal.NewBox(w.cfg.Security.EncryptionKey[0].Reveal())
	require.NoError(t, err)
	w.db, err = postgres.Open(context.Background(), w.pool, box, time.Now)
	require.NoError(t, err)
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) configure(voiceURL string, s setup) *config.Config {
	text := configurationOf(w, voiceURL)
	cfg, _, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false }, providers.Config())
	require.NoError(w.t, err)
	if s.store != nil {
		store := cfg.Stores[acme]
		s.store(&store)
		cfg.Stores[acme] = store
	}
	if s.config != nil {
		s.config(cfg)
	}
	return cfg
}

// configurationOf is the configuration file of a world.
func configurationOf(w *world, voiceURL string) string {
	return fmt.Sprintf(configuration, w.pool.Config().ConnString(), acme, voiceURL)
}

// freePort finds an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

const configuration = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:0"}
database: {url: %q, max_conns: 20}
worker: {concurrency: 20}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", api_token: api-token}
shopify: {client_id: id, client_secrets: [shh]}
stores:
  %s:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mirai, base_url: %q, public_key: pk, private_key: sk, workspace: ws, assistant: as, lines: 5, timeout: 5s, silence: 1m}
    policy:
      delay: 1s
      consent: not_required
      accept_weaker_consent: [IN]
      windows: [{from: "00:00", to: "24:00"}]
      quiet_hours: "off"
      attempts: {max: 3, spacing: {no_answer: 1s, busy: 1s, failed: 1s, timeout: 1s}}
      caps: {per_phone: []}
      breakers: []
`

// start boots the program; after stop it may be started again on the same database.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, w.cfg, app.Serve, slog.New(slog.NewTextHandler(testLog{w.t}, &slog.HandlerOptions{Level: slog.LevelWarn})), w.options...)
	require.NoError(w.t, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.app, w.url, w.ended = a, "http://"+a.Addr(), sync.Once{}
	w.end = func() {
		cancel()
		err := <-done
		a.Close()
		require.NoError(w.t, err)
	}
}

func (w *world) stop() { w.ended.Do(w.end) }

// testLog keeps what the program logs with the test that it belongs to.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(string(bytes.TrimSpace(p)))
	return len(p), nil
}

// eventually waits for a condition; it says what was waited for when it never comes.
func (w *world) eventually(what string, condition func() bool) {
	w.t.Helper()
	if !assert.Eventually(w.t, condition, time.Minute, 20*time.Millisecond, what) {
		w.t.Fatal(w.state())
	}
}

// state tells how the carts and jobs stand, for a test that waited in vain.
func (w *world) state() string {
	var text string
	err := w.pool.QueryRow(context.Background(), `
		SELECT concat(
			(SELECT json_agg(json_build_object('cart', token, 'state', state, 'reason', reason, 'wake', wake_at)) FROM carts),
			(SELECT json_agg(json_build_object('call', state, 'outcome', outcome, 'seen', seen, 'error', error, 'abort', abort_at, 'aborted', aborted_at)) FROM calls),
			(SELECT json_agg(json_build_object('job', kind, 'state', state, 'at', scheduled_at, 'errors', errors)) FROM river_job WHERE state <> 'completed'),
			(SELECT json_agg(json_build_object('callback', type, 'error', error)) FROM callbacks)
		)`).Scan(&text)
	return fmt.Sprint(text, err, w.voice.Refusals())
}

// checkout is a payload with the fields that matter here.
func checkout(tok string, change ...func(map[string]any)) map[string]any {
	now := time.Now().UTC()
	c := map[string]any{
		"token": tok, "cart_token": "cart-" + tok, "name": "#" + digits(tok), "email": tok + "@example.com", "currency": "INR",
		"created_at": now.Format(time.RFC3339Nano), "updated_at": now.Format(time.RFC3339Nano),
		"abandoned_checkout_url": "https://acme.myshopify.com/1/checkouts/ac/" + tok + "/recover?key=abc",
		"total_price":            "1895.00", "subtotal_price": "1895.00", "total_discounts": "0.00",
		"line_items":       []map[string]any{{"title": "Kurta", "quantity": 1, "price": "1895.00", "variant_id": 1, "product_id": 2, "key": "k"}},
		"shipping_address": map[string]any{"first_name": "Asha", "last_name": "Rao", "phone": phone(tok), "country": "India", "country_code": "IN"},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// digits and phone make a number of a token, so that every checkout has its own.
func digits(tok string) string {
	var n uint64
	for _, b := range []byte(tok) {
		n = n*131 + uint64(b)
	}
	return fmt.Sprintf("%08d", n%100_000_000)
}

func phone(tok string) string { return "+9198" + digits(tok) }

func order(tok string, change ...func(map[string]any)) map[string]any {
	now := time.Now().UTC()
	o := map[string]any{
		"id": json.Number("7" + digits(tok)), "name": "#1001", "checkout_token": tok, "cart_token": "cart-" + tok, "currency": "INR",
		"total_price": "1895.00", "created_at": now.Format(time.RFC3339Nano), "updated_at": now.Format(time.RFC3339Nano),
	}
	for _, f := range change {
		f(o)
	}
	return o
}

// sends posts a webhook as Shopify would and returns the status.
func (w *world) sends(topic string, payload any, change ...func(*shopify.Delivery)) int {
	w.t.Helper()
	body, err := json.Marshal(payload)
	require.NoError(w.t, err)
	d := shopify.Delivery{Topic: topic, Shop: acme, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: time.Now().UTC()}
	for _, f := range change {
		f(&d)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url+"/webhooks/shopify", bytes.NewReader(body))
	require.NoError(w.t, err)
	req.Header = d.Headers(shopify.Sign(clientSecret, body))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// took is sends for a webhook that must be kept; it waits until the webhook is applied.
func (w *world) took(topic string, payload any, change ...func(*shopify.Delivery)) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, w.sends(topic, payload, change...))
	w.applied()
}

// applied waits until every webhook that was kept is applied.
func (w *world) applied() {
	w.t.Helper()
	w.eventually("what was kept is applied", func() bool { return w.count(`SELECT count(*) FROM intake_queue`) == 0 })
}

// cart reads a checkout's cart; nil when there is none.
func (w *world) cart(tok string) *postgres.Cart {
	c, err := w.db.CartByToken(context.Background(), acme, tok)
	if err != nil {
		return nil
	}
	return c
}

// comes waits until a checkout's cart is in a state and returns it.
func (w *world) comes(tok string, state cart.State) *postgres.Cart {
	w.t.Helper()
	var c *postgres.Cart
	w.eventually(fmt.Sprintf("cart %s is %s", tok, state), func() bool {
		c = w.cart(tok)
		return c != nil && c.State == state
	})
	return c
}

// api asks the JSON API and decodes the answer.
func (w *world) api(method, path string, body any) (int, map[string]any) {
	w.t.Helper()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(w.t, err)
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, sent)
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	var answer map[string]any
	raw, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	if len(raw) > 0 {
		require.NoError(w.t, json.Unmarshal(raw, &answer), "%s", raw)
	}
	return resp.StatusCode, answer
}
