package web_test

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
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/wire"
	"ringback/internal/web"
	"ringback/internal/zoneinfo"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// The names and secrets of every test's installation.
const (
	acme     = "acme.myshopify.com"
	bolt     = "bolt.myshopify.com"
	apiToken = "token-of-the-api"
	password = "open sesame, please"
)

// now is when every test happens: a Saturday, 14:30 in Kolkata.
var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const settings = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:8080"}
security: {encryption_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", api_token: "token-of-the-api"}
shopify: {client_id: ours, client_secrets: ["shared new", "shared old"]}
defaults:
  policy: {consent: not_required, delay: 45m}
stores:
  acme.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mirai, base_url: "http://127.0.0.1:1", public_key: pk, private_key: sk, workspace: ws, assistant: meera, lines: 5}
  bolt.myshopify.com:
    timezone: America/New_York
    country: US
    currency: USD
    client_secrets: ["bolt's own"]
    voice: {provider: mirai, base_url: "http://127.0.0.1:1", public_key: pk2, private_key: sk2, workspace: ws2, assistant: sam, lines: 2}
`

// site is a running server with a database of its own.
type site struct {
	t       *testing.T
	cfg     *config.Config
	pool    *pgxpool.Pool
	db      *postgres.DB
	engine  *engine.Engine
	metrics *prometheus.Registry
	log     *safeBuffer
	url     string
	// client keeps cookies and does not follow redirects.
	client *http.Client
}

// safeBuffer is a log that handlers write at once.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newSite starts a server; change may alter what it is made of.
func newSite(t *testing.T, change ...func(*web.Options)) *site {
	t.Helper()
	s := &site{t: t, pool: pgtest.New(t), metrics: prometheus.NewRegistry(), log: &safeBuffer{}}
	s.cfg = loadSettings(t)
	box, err := seal.NewBox(s.cfg.Security.EncryptionKey[0].Reveal())
	require.NoError(t, err)
	s.db, err = postgres.Open(t.Context(), s.pool, box, func() time.Time { return now })
	require.NoError(t, err)
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.engine = engine.New(engine.Options{
		DB: s.db, Stores: stores(t, s.cfg), PublicURL: s.cfg.Server.PublicURL, Retention: s.cfg.Retention,
		Shopify: engine.Shopify{Shopify: s.cfg.Shopify}, Log: log, Metrics: engine.NewMetrics(s.metrics),
	})
	_, err = jobs.NewClient(s.engine, s.pool, 0, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, s.db.EnsureShops(t.Context(), []string{acme, bolt}))

	options := web.Options{Engine: s.engine, DB: s.db, Config: s.cfg, Metrics: s.metrics, Logger: log}
	for _, f := range change {
		f(&options)
	}
	s.serve(options)
	return s
}

// serve starts a server and turns a client without cookies to it.
func (s *site) serve(o web.Options) {
	s.t.Helper()
	handler, err := web.New(o)
	require.NoError(s.t, err)
	server := httptest.NewServer(handler)
	s.t.Cleanup(server.Close)
	s.url = server.URL
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	s.client = &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func withPassword(o *web.Options) { o.Config.Security.DashboardPassword = password }

func loadSettings(t *testing.T) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(settings), 0o600))
	cfg, _, err := config.Load(path, func(string) (string, bool) { return "", false })
	require.NoError(t, err)
	return cfg
}

func stores(t *testing.T, cfg *config.Config) map[string]*engine.Store {
	t.Helper()
	all := map[string]*engine.Store{}
	for domain, sc := range cfg.Stores {
		location, err := zoneinfo.Load(sc.Timezone)
		require.NoError(t, err)
		rules := sc.Policy
		require.NoError(t, rules.Compile(policy.Store{Shop: domain, Timezone: sc.Timezone, Country: sc.Country, Currency: sc.Currency}))
		provider, err := mirai.New(sc.Voice, wire.Network{})
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

// answer is what the server answered.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) text() string { return string(a.body) }

// send sends a request; header holds names and values in turn.
func (s *site) send(method, path string, body io.Reader, header ...string) answer {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	require.NoError(s.t, err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	return s.do(request)
}

func (s *site) do(request *http.Request) answer {
	s.t.Helper()
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return answer{response, content}
}

// page opens a page as a browser does.
func (s *site) page(path string) answer {
	s.t.Helper()
	return s.send(http.MethodGet, path, nil, "Accept", "text/html")
}

// form sends a form as a browser does, from one of our own pages.
func (s *site) form(path string, fields url.Values) answer {
	s.t.Helper()
	return s.send(http.MethodPost, path, strings.NewReader(fields.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
}

// api asks the API with its token; a body is sent as JSON.
func (s *site) api(method, path string, body any) answer {
	s.t.Helper()
	var content io.Reader
	header := []string{"Authorization", "Bearer " + apiToken}
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(s.t, err)
		content = bytes.NewReader(raw)
		header = append(header, "Content-Type", "application/json")
	}
	return s.send(method, path, content, header...)
}

// seed stores carts, with their calls, and a ledger for each.
func (s *site) seed(carts ...cart.Cart) {
	s.t.Helper()
	require.NoError(s.t, s.db.InTx(s.t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		for _, c := range carts {
			assistant := ""
			if store := s.engine.Store(c.Shop); store != nil {
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

func ledgerOf(c cart.Cart) []cart.Entry {
	return []cart.Entry{
		{CartID: c.ID, At: c.CreatedAt, Event: "checkout", To: cart.Waiting, Reason: cart.Delay, Trace: []cart.Step{
			{Rule: "phone", Saw: "a mobile number of the checkout", Verdict: cart.VerdictOK},
			{Rule: "delay", Saw: "45m after the last activity", Verdict: cart.VerdictWait},
		}},
		{CartID: c.ID, At: c.UpdatedAt, Event: "wake", From: cart.Waiting, To: c.State, Reason: c.Reason},
	}
}

// newID makes ids in the order of their making, as the program does.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// someCart is a cart of Asha in acme that waits.
func someCart() cart.Cart {
	wake := now.Add(30 * time.Minute)
	return cart.Cart{
		ID: newID(), Shop: acme, Token: uuid.NewString(), State: cart.Waiting, Reason: cart.Delay,
		Phone: "+919876543210", PhoneFrom: "phone", Country: "IN",
		Checkout: cart.Checkout{
			Token: "t", ID: "9001", Email: "asha@example.com",
			Customer: cart.Customer{ID: "7", FirstName: "Asha", LastName: "Rao"},
			Currency: "INR", Total: decimal.RequireFromString("1895.5"),
			Items:     []cart.Item{{Title: "Brass lamp", VariantTitle: "Large", Quantity: 2, Price: decimal.RequireFromString("947.75")}},
			CreatedAt: now.Add(-time.Hour), UpdatedAt: now.Add(-15 * time.Minute),
		},
		LastActivityAt: now.Add(-15 * time.Minute), WakeAt: &wake, Updates: 3,
		CreatedAt: now.Add(-time.Hour), UpdatedAt: now.Add(-15 * time.Minute),
	}
}

// boughtCart is a cart of Ben in bolt that a call won back.
func boughtCart() cart.Cart {
	c := someCart()
	c.Shop, c.State, c.Reason, c.WakeAt = bolt, cart.Purchased, cart.Ordered, nil
	c.Phone, c.Country = "+14155550123", "US"
	c.Checkout.Customer = cart.Customer{FirstName: "Ben", LastName: "Ito"}
	c.Checkout.Email = "ben@example.com"
	c.Checkout.Currency, c.Checkout.Total = "USD", decimal.RequireFromString("120")
	c.Attribution, c.Arm, c.Attempts = cart.ByCall, cart.ArmCall, 1
	bought := now.Add(-10 * time.Minute)
	c.PurchasedAt = &bought
	c.Order = &cart.Order{ID: "5551", Name: "#1017", Total: decimal.RequireFromString("108"), Currency: "USD", CreatedAt: bought, UpdatedAt: bought}
	c.Calls = []cart.Call{closedCall(c)}
	return c
}

// closedCall is a conversation of 95 seconds, with an offer.
func closedCall(c cart.Cart) cart.Call {
	sent, answered, closed := now.Add(-40*time.Minute), now.Add(-39*time.Minute), now.Add(-37*time.Minute)
	seconds := 95
	return cart.Call{
		ID: newID(), CartID: c.ID, Shop: c.Shop, Attempt: 1, State: cart.Closed, Outcome: cart.Completed,
		Provider: "mirai", Assistant: "any", ProviderCallID: "prov-1", Phone: c.Phone,
		Offer: &cart.Offer{
			Code: "COMEBACK10", Description: "10 % off", Value: decimal.NewFromInt(10), Type: "percentage", ApplyAs: "additional",
		},
		CreatedAt: sent, SentAt: &sent, PlacedAt: &sent, AnsweredAt: &answered, EndedAt: &closed, ClosedAt: &closed, HeardAt: &closed,
		Dials: 1, DurationSeconds: &seconds, Summary: "Will buy today.", RecordingURL: "https://recordings.example/1.mp3",
	}
}
