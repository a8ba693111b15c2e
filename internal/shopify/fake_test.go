package shopify_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)} }

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

const (
	domain   = "loom.myshopify.com"
	redirect = "https://calls.example.com/shopify/callback"
	hook     = "https://calls.example.com/webhooks/shopify"
)

// world is a simulated Shopify with one shop, and the app.
type world struct {
	clock *clock
	sim   *simshop.Shopify
	shop  *simshop.Shop
	url   string
	app   shopify.App
}

func newWorld(t testing.TB, change func(*simshop.Config)) *world {
	w := &world{clock: newClock()}
	cfg := simshop.Config{
		Clock: w.clock.Now, Seed: 7, ClientID: "app-id", ClientSecret: "hush", RedirectURLs: []string{redirect},
	}
	if change != nil {
		change(&cfg)
	}
	w.sim = simshop.New(cfg)
	w.shop = w.sim.AddShop(simshop.ShopConfig{Domain: domain, Name: "Loom", Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN"})
	server, url := w.sim.Serve()
	t.Cleanup(server.Close)
	w.url = url
	w.app = shopify.App{ClientID: "app-id", Secrets: secret.List{"hush"}, RedirectURL: redirect, BaseURL: url, Clock: w.clock.Now}
	return w
}

// client is one with a token of a custom app and all scopes.
func (w *world) client(t testing.TB, scopes ...string) *shopify.Client {
	if scopes == nil {
		scopes = shopify.DefaultScopes()
	}
	return w.clientWith(t, secret.Secret(w.shop.Install(scopes...)), "2026-10")
}

func (w *world) clientWith(t testing.TB, token secret.Secret, version string) *shopify.Client {
	c, err := shopify.NewClient(shopify.Access{Shop: domain, Token: token, Version: version, BaseURL: w.url})
	require.NoError(t, err)
	return c
}

// answering is a client of a server with fixed behaviour.
func answering(t testing.TB, handler http.HandlerFunc) *shopify.Client {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := shopify.NewClient(shopify.Access{Shop: domain, Token: "shpat_secret", Version: "2026-10", BaseURL: server.URL})
	require.NoError(t, err)
	return c
}

// scarf fills a checkout of a known customer.
func scarf(c *cart.Checkout) {
	yes, two := true, 2
	c.Email = "asha@example.org"
	c.Customer = cart.Customer{ID: "603851970716743426", FirstName: "Asha", LastName: "Rao", Email: "asha@example.org", Tags: []string{"vip"}, Orders: &two}
	c.Phones = []cart.RawPhone{{From: "customer", Number: "+919812300001"}, {From: "shipping", Number: "98123 00002", Country: "IN"}}
	c.Shipping = &cart.Address{FirstName: "Asha", City: "Mysuru", Country: "India", CountryCode: "IN", Phone: "98123 00002"}
	c.AcceptsMarketing, c.AcceptsSMS = &yes, &yes
	c.Items = []cart.Item{{Title: "Scarf", VariantTitle: "Red", SKU: "S-R", Quantity: 2, Price: decimal.RequireFromString("450.50")}}
	c.Attributes = map[string]string{"call_me": "yes"}
	c.Codes = []cart.DiscountCode{{Code: "HELLO"}}
	c.TaxLines = []cart.TaxLine{{Title: "GST", Rate: decimal.RequireFromString("0.05"), Price: decimal.RequireFromString("45.05")}}
}

// soon is a context for calls that must not take long.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
