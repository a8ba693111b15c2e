// Package webtest runs the web server for tests: a configured installation of two shops on a database of its own,
// with what a browser, Shopify, a voice API or a client of the JSON API sends to it.
package webtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/jobs"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"
	"ringback/internal/web"
	"ringback/internal/zoneinfo"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// The names and secrets of every test's installation.
const (
	Acme     = "acme.myshopify.com"
	Bolt     = "bolt.myshopify.com"
	APIToken = "token-of-the-api"
	Password = "open sesame, please"
)

// Now is when every test happens: a Saturday, 14:30 in Kolkata.
var Now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const settings = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:8080"}
security: {encryption_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", api_token: "token-of-the-api"}
shopify: {client_id: ours, client_secrets: ["shared new", "shared old"]}
defaults:
  policy: {consent: not_required, accept_weaker_consent: [IN], delay: 45m}
stores:
  acme.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice:
      {provider: mirai, base_url: "http://127.0.0.1:1", public_key: pk, private_key: sk,
       workspace: ws, assistant: meera, lines: 5}
  bolt.myshopify.com:
    timezone: America/New_York
    country: US
    currency: USD
    client_secrets: ["bolt's own"]
    voice:
      {provider: mirai, base_url: "http://127.0.0.1:1", public_key: pk2, private_key: sk2,
       workspace: ws2, assistant: sam, lines: 2}
`

// Site is a running server with a database of its own.
type Site struct {
	T       testing.TB
	Config  *config.Config
	Pool    *pgxpool.Pool
	DB      *postgres.DB
	Engine  *engine.Engine
	Metrics *prometheus.Registry
	Log     *Log
	URL     string
	// Client keeps cookies and does not follow redirects.
	Client *http.Client
}

// Log gathers what the server logs.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// New starts a server; change may alter what it is made of.
func New(t testing.TB, change ...func(*web.Options)) *Site {
	t.Helper()
	s := &Site{T: t, Pool: pgtest.New(t), Metrics: prometheus.NewRegistry(), Log: &Log{}}
	s.Config = loadSettings(t)
	box, err := seal.NewBox(s.Config.Security.EncryptionKey[0].Reveal())
	require.NoError(t, err)
	s.DB, err = postgres.Open(t.Context(), s.Pool, box, func() time.Time { return Now })
	require.NoError(t, err)
	log := slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Engine = engine.New(engine.Options{
		DB: s.DB, Stores: stores(t, s.Config), PublicURL: s.Config.Server.PublicURL, Retention: s.Config.Retention,
		Shopify: engine.Shopify{Shopify: s.Config.Shopify}, Log: log, Metrics: engine.NewMetrics(s.Metrics),
	})
	_, err = jobs.NewClient(s.Engine, s.Pool, 0, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, s.DB.EnsureShops(t.Context(), []string{Acme, Bolt}))

	options := web.Options{Engine: s.Engine, DB: s.DB, Config: s.Config, Metrics: s.Metrics, Logger: log}
	for _, f := range change {
		f(&options)
	}
	s.Serve(options)
	return s
}

// Serve starts another server on the same database and sends requests to it from now on, with no cookies.
func (s *Site) Serve(o web.Options) {
	s.T.Helper()
	handler, err := web.New(o)
	require.NoError(s.T, err)
	server := httptest.NewServer(handler)
	s.T.Cleanup(server.Close)
	s.URL = server.URL
	jar, err := cookiejar.New(nil)
	require.NoError(s.T, err)
	s.Client = &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// WithPassword closes the pages.
func WithPassword(o *web.Options) { o.Config.Security.DashboardPassword = Password }

func loadSettings(t testing.TB) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(settings), 0o600))
	cfg, _, err := config.Load(path, func(string) (string, bool) { return "", false }, providers.Config())
	require.NoError(t, err)
	return cfg
}

func stores(t testing.TB, cfg *config.Config) map[string]*engine.Store {
	t.Helper()
	all := map[string]*engine.Store{}
	for domain, sc := range cfg.Stores {
		location, err := zoneinfo.Load(sc.Timezone)
		require.NoError(t, err)
		rules := sc.Policy
		require.NoError(t, rules.Compile(policy.Store{
			Shop: domain, Timezone: sc.Timezone, Country: sc.Country, Currency: sc.Currency,
		}))
		provider, err := providers.New(sc.Voice, voice.Network{})
		require.NoError(t, err)
		all[domain] = &engine.Store{
			Domain: domain, Config: sc, Provider: provider, Location: location,
			Rules: lifecycle.Rules{Policy: &rules, Country: sc.Country, Voice: lifecycle.Voice{
				Provider: "mirai", Assistant: sc.Voice.AssistantKey(), Silence: time.Hour, OurRetries: true, CanAbort: true,
			}},
		}
	}
	return all
}

// Answer is what the server answered.
type Answer struct {
	*http.Response
	Content []byte
}

// Text is the content as text.
func (a Answer) Text() string { return string(a.Content) }

// Send sends a request; header holds names and values in turn.
func (s *Site) Send(method, path string, body io.Reader, header ...string) Answer {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, body)
	require.NoError(s.T, err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	return s.Do(request)
}

// Do sends a request and reads the answer.
func (s *Site) Do(request *http.Request) Answer {
	s.T.Helper()
	response, err := s.Client.Do(request)
	require.NoError(s.T, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(s.T, err)
	return Answer{response, content}
}

// Page opens a page as a browser does.
func (s *Site) Page(path string) Answer {
	s.T.Helper()
	return s.Send(http.MethodGet, path, nil, "Accept", "text/html")
}

// Form sends a form as a browser does, from one of our own pages.
func (s *Site) Form(path string, fields url.Values) Answer {
	s.T.Helper()
	return s.Send(http.MethodPost, path, strings.NewReader(fields.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
}

// API asks the API with its token; a body is sent as JSON.
func (s *Site) API(method, path string, body any) Answer {
	s.T.Helper()
	var content io.Reader
	header := []string{"Authorization", "Bearer " + APIToken}
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(s.T, err)
		content = bytes.NewReader(raw)
		header = append(header, "Content-Type", "application/json")
	}
	return s.Send(method, path, content, header...)
}

// Seed stores carts, with their calls, and a ledger for each.
func (s *Site) Seed(carts ...cart.Cart) {
	s.T.Helper()
	require.NoError(s.T, s.DB.InTx(s.T.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		for _, c := range carts {
			assistant := ""
			if store := s.Engine.Store(c.Shop); store != nil {
				assistant = store.Rules.Voice.Assistant
			}
			if err := tx.SaveCart(ctx, &postgres.Cart{Cart: c}, assistant, nil); err != nil {
				return err
			}
			for _, e := range ledgerOf(c) {
				if err := tx.AppendLedger(ctx, e); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// Connect installs the app for a shop, of which a webhook comes.
func (s *Site) Connect(shop string) {
	s.T.Helper()
	require.NoError(s.T, s.DB.InTx(s.T.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.InstallShop(ctx, shop, postgres.ShopToken{Access: "token of " + shop})
	}))
	require.NoError(s.T, s.DB.HeardFromShop(s.T.Context(), shop))
}

// WithUI puts a page in the place of River UI.
func WithUI(o *web.Options) {
	o.RiverUI = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("jobs at " + r.URL.Path))
	})
}

// LogIn sends the form of the login page.
func (s *Site) LogIn(Password string) Answer {
	s.T.Helper()
	return s.Form("/login", url.Values{"password": {Password}})
}

// Count runs a query for one number.
func (s *Site) Count(query string, args ...any) int {
	s.T.Helper()
	var n int
	require.NoError(s.T, s.Pool.QueryRow(s.T.Context(), query, args...).Scan(&n))
	return n
}
