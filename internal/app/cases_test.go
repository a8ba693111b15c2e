package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/config"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"
	"ringback/internal/voice/providers"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// A play is something that befalls one shop, told through the doors of the whole program: signed webhooks and the API
// in, the API and the simulated voice API's record out.
type play struct {
	name string
	// country is the store's; "" means IN.
	country string
	// policy and voice are keys of the store in YAML's flow style, such as "delay: 3h"; they come on top of
	// casesConfiguration.
	policy, voice string
	// custom gives the store an assistant of the custom variant.
	custom bool
	act    func(*stage)
}

// patience is how long a play waits for what must come.
const patience = time.Minute

// far keeps carts from coming due while a play runs.
const far = "delay: 3h"

// places are the zones and currencies of the countries that plays happen in.
var places = map[string]struct{ zone, currency string }{
	"IN": {"Asia/Kolkata", "INR"}, "US": {"America/New_York", "USD"}, "DE": {"Europe/Berlin", "EUR"}, "MX": {"America/Mexico_City", "MXN"},
	"BR": {"America/Sao_Paulo", "BRL"}, "GB": {"Europe/London", "GBP"}, "FR": {"Europe/Paris", "EUR"}, "JP": {"Asia/Tokyo", "JPY"},
	"AE": {"Asia/Dubai", "AED"}, "CA": {"America/Vancouver", "CAD"}, "TH": {"Asia/Bangkok", "THB"}, "AT": {"Europe/Vienna", "EUR"},
	"DK": {"Europe/Copenhagen", "DKK"}, "AU": {"Australia/Sydney", "AUD"}, "IT": {"Europe/Rome", "EUR"}, "NL": {"Europe/Amsterdam", "EUR"},
}

// Only what a play says keeps its shop from calling: no consent is needed, all hours are open, and one attempt is made.
const casesConfiguration = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:0"}
database: {url: %q, max_conns: 20}
worker: {concurrency: 20}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", api_token: api-token}
shopify: {client_id: id, client_secrets: [shh], reconcile_every: "0 0 1 1 *", subscriptions_every: "0 0 1 1 *"}
defaults:
  voice: {provider: mirai, public_key: pk, private_key: sk, workspace: ws, lines: 50, timeout: 5s, silence: 1m}
  policy:
    delay: 1s
    consent: not_required
    accept_weaker_consent: [default, US, CA, GB, IE, FR, DE, ES, IT, NL, BE, AT, PT, PL, SE, DK, FI, "NO", CH, EU,
      IN, AU, NZ, SG, AE, SA, IL, TR, BR, MX, CO, AR, ZA, JP, MY, PH, ID, TH]
    windows: [{from: "00:00", to: "24:00"}]
    quiet_hours: "off"
    attempts: {max: 1, spacing: {no_answer: 1s, busy: 1s, failed: 1s, timeout: 1s, backoff: 0}}
    caps: {per_phone: []}
    breakers: []
stores:
`

// runPlays boots one program for all plays and acts each in a shop of its own.
func runPlays(t *testing.T, plays []play) {
	t.Helper()
	c := &company{behaviours: map[string]simvoice.Behaviour{}}
	w := &world{t: t, pool: pgtest.New(t)}
	c.world = w
	ordinary := c.voiceAPI(t, "as", false)
	custom := c.voiceAPI(t, "custom", true)
	text := fmt.Sprintf(casesConfiguration, w.pool.Config().ConnString())
	shops := map[string]bool{}
	for _, p := range plays {
		country := p.country
		if country == "" {
			country = "IN"
		}
		place, known := places[country]
		require.True(t, known, country)
		voice := fmt.Sprintf("base_url: %q, assistant: as", ordinary)
		if p.custom {
			voice = fmt.Sprintf("base_url: %q, assistant: custom, payload: {name: \"{{.FirstName}}\", items: \"{{.ItemCount}}\"}", custom)
		}
		if p.voice != "" {
			voice += ", " + p.voice
		}
		require.False(t, shops[p.shop()], "two plays of one shop: %s", p.name)
		require.True(t, shopify.ValidShop(p.shop()), p.shop())
		shops[p.shop()] = true
		text += fmt.Sprintf("  %s: {timezone: %s, country: %s, currency: %s, voice: {%s}, policy: {%s}}\n",
			p.shop(), place.zone, country, place.currency, voice, p.policy)
	}
	cfg, _, err := config.Parse("cases.yaml", []byte(text), func(string) (string, bool) { return "", false }, providers.Config())
	require.NoError(t, err)
	w.cfg = cfg
	w.start()
	t.Cleanup(w.stop)
	// Plays wait far more than they work, so more of them run at once than tests that call t.Parallel do.
	var acting sync.WaitGroup
	room := make(chan struct{}, 40)
	for _, p := range plays {
		acting.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			t.Run(p.name, func(t *testing.T) { p.act(&stage{t: t, company: c, shop: p.shop(), country: p.country}) })
		})
	}
	acting.Wait()
}

var notInADomain = regexp.MustCompile(`[^a-z0-9]+`)

// shop is the domain of the play's own shop.
func (p play) shop() string {
	return strings.Trim(notInADomain.ReplaceAllString(strings.ToLower(p.name), "-"), "-") + ".myshopify.com"
}

// company is the program and the voice APIs that all plays of a test share.
type company struct {
	world *world
	mu    sync.Mutex
	// voices are the simulated voice APIs, behaviours what whoever is called at a number does.
	voices     []*simvoice.Server
	behaviours map[string]simvoice.Behaviour
}

func (c *company) voiceAPI(t *testing.T, assistant string, custom bool) string {
	t.Helper()
	voice, err := simvoice.New(simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Assistant: assistant, Custom: custom, Lines: 50, Speed: 2000,
		Script: func(o simvoice.Order) simvoice.Behaviour {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.behaviours[o.Phone]
		},
	})
	require.NoError(t, err)
	t.Cleanup(voice.Close)
	api := httptest.NewServer(voice)
	t.Cleanup(api.Close)
	c.voices = append(c.voices, voice)
	return api.URL
}

// stage is where a play is acted: its shop, and what it did so far.
type stage struct {
	t         *testing.T
	company   *company
	shop      string
	country   string
	sentinels int
}

// fields are those of a payload.
type fields map[string]any

// ago writes a moment as Shopify does.
func ago(d time.Duration) string { return time.Now().UTC().Add(-d).Format(time.RFC3339) }

// goods is a checkout with something in it and nobody's name on it; more adds and replaces fields.
func (s *stage) goods(token string, more fields) fields {
	currency := places["IN"].currency
	if s.country != "" {
		currency = places[s.country].currency
	}
	f := fields{
		"token": token, "cart_token": "c-" + token, "currency": currency, "presentment_currency": currency,
		"created_at": ago(70 * time.Minute), "updated_at": ago(65 * time.Minute), "completed_at": nil,
		"total_price": "1250.00", "subtotal_price": "1250.00", "total_discounts": "0.00",
		"abandoned_checkout_url": "https://" + s.shop + "/5/checkouts/ac/" + token + "/recover?key=k",
		"line_items": []fields{{
			"key": "1", "title": "Copper kettle", "variant_id": 11, "product_id": 12, "sku": "KETTLE", "quantity": 1, "price": "1250.00",
		}},
	}
	maps.Copy(f, more)
	return f
}

// bought is an order that names no checkout; more adds and replaces fields.
func (s *stage) bought(more fields) fields {
	id := json.Number(fmt.Sprintf("6%012d", time.Now().UnixNano()%1_000_000_000_000))
	f := fields{
		"id": id, "name": "#1044", "checkout_token": nil, "cart_token": nil, "currency": "INR", "total_price": "1250.00",
		"created_at": ago(2 * time.Minute), "updated_at": ago(2 * time.Minute), "source_name": "web",
	}
	maps.Copy(f, more)
	return f
}

// at is an address with a phone number.
func at(country, phone string) fields {
	return fields{"first_name": "Mira", "last_name": "Sen", "address1": "4 Lake View", "city": "Town", "country_code": country, "phone": phone}
}

// sends posts a signed webhook; header holds names and values in turn. It must be answered 200.
func (s *stage) sends(topic string, payload any, header ...string) {
	s.t.Helper()
	body, err := json.Marshal(payload)
	require.NoError(s.t, err)
	d := shopify.Delivery{Topic: topic, Shop: s.shop, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: time.Now().UTC()}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.company.world.url+"/webhooks/shopify", bytes.NewReader(body))
	require.NoError(s.t, err)
	req.Header = d.Headers(shopify.Sign(clientSecret, body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	status, answer := s.do(req)
	require.Equal(s.t, http.StatusOK, status, answer)
	s.company.world.applied()
}

func (s *stage) do(req *http.Request) (status int, body string) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(raw)
}

// leaves sends a checkout that was just made.
func (s *stage) leaves(token string, more fields) {
	s.sends(shopify.CheckoutsCreate, s.goods(token, more))
}

// returns sends a checkout that was touched again.
func (s *stage) returns(token string, more fields) {
	touched := fields{"updated_at": ago(time.Minute)}
	maps.Copy(touched, more)
	s.sends(shopify.CheckoutsUpdate, s.goods(token, touched))
}

// buys sends an order.
func (s *stage) buys(more fields) { s.sends(shopify.OrdersCreate, s.bought(more)) }

// does lets whoever is called at a number behave in a way.
func (s *stage) does(number string, b simvoice.Behaviour) {
	s.company.mu.Lock()
	defer s.company.mu.Unlock()
	s.company.behaviours[number] = b
}

// api asks the JSON API.
func (s *stage) api(method, path string, body any) (status int, answer string) {
	s.t.Helper()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(s.t, err)
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.company.world.url+path, sent)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return s.do(req)
}

// seen is a cart as the API shows it.
type seen struct {
	ID            string
	CheckoutToken string `json:"checkout_token"`
	State, Reason string
	Attribution   string
	WakeAt        *time.Time `json:"wake_at"`
	Total         string
	Currency      string
	Phone         string
	CustomerName  string `json:"customer_name"`
	Attempts      int
	Calls         []struct {
		State, Outcome, Summary string
		Offer                   *struct{ Code string }
	}
	Ledger []struct {
		Event, Reason string
		Trace         []struct{ Rule, Saw, Verdict string }
	}
}

// String leaves out all of the ledger but its last entry.
func (c seen) String() string {
	c.Ledger = c.Ledger[max(0, len(c.Ledger)-1):]
	raw, _ := json.Marshal(c)
	return string(raw)
}

// cart is a checkout's cart, with its calls and its ledger; the zero value when there is none.
func (s *stage) cart(token string) seen {
	s.t.Helper()
	var list struct{ Carts []seen }
	s.reads("/api/v1/carts?limit=100&shop="+url.QueryEscape(s.shop), &list)
	for _, c := range list.Carts {
		if c.CheckoutToken == token {
			var one seen
			s.reads("/api/v1/carts/"+c.ID, &one)
			return one
		}
	}
	return seen{}
}

func (s *stage) reads(path string, into any) {
	s.t.Helper()
	status, answer := s.api(http.MethodGet, path, nil)
	require.Equal(s.t, http.StatusOK, status, answer)
	require.NoError(s.t, json.Unmarshal([]byte(answer), into))
}

// waits until a cart is as wanted and returns it.
func (s *stage) waits(token, what string, wanted func(seen) bool) seen {
	s.t.Helper()
	var c seen
	deadline := time.Now().Add(patience)
	for ticker := time.Tick(25 * time.Millisecond); ; <-ticker {
		if c = s.cart(token); wanted(c) {
			return c
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("cart %s should be %s, and is %s", token, what, c)
		}
	}
}

// is waits until a cart is in a state for a reason.
func (s *stage) is(token, state, reason string) seen {
	s.t.Helper()
	return s.waits(token, state+" "+reason, func(c seen) bool { return c.State == state && (reason == "" || c.Reason == reason) })
}

// numbers are those that were dialled for a cart.
func (s *stage) numbers(c seen) []string {
	var numbers []string
	for _, o := range s.orders()[c.ID] {
		numbers = append(numbers, o.Phone)
	}
	return numbers
}

// orders are the calls that the voice APIs took for the shop, by the cart's id.
func (s *stage) orders() map[string][]simvoice.Order {
	orders := map[string][]simvoice.Order{}
	for _, voice := range s.company.voices {
		for _, r := range voice.Calls() {
			if r.Order.Shop == s.shop {
				orders[r.Order.CartID] = append(orders[r.Order.CartID], r.Order)
			}
		}
	}
	return orders
}

// called waits until a cart was called and the call is over; it was called once, at that number.
func (s *stage) called(token, number string) seen {
	s.t.Helper()
	c := s.waits(token, "called", func(c seen) bool { return len(c.Calls) > 0 && c.Calls[len(c.Calls)-1].State == "closed" })
	require.Equal(s.t, []string{number}, s.numbers(c), "%s", c)
	return c
}

// passes lets another cart of the shop come due and be called: whatever was due before has had its turn.
func (s *stage) passes() {
	s.t.Helper()
	s.sentinels++
	token := fmt.Sprintf("sentinel%d-%s", s.sentinels, strings.TrimSuffix(s.shop, ".myshopify.com"))
	number := phone(token)
	if s.country == "US" {
		number = "+1415732" + digits(token)[4:]
	}
	s.leaves(token, fields{"phone": number, "email": token + "@sentinel.example"})
	s.called(token, number)
}

// notCalled shows that nobody was called for these carts, although time passed.
func (s *stage) notCalled(tokens ...string) {
	s.t.Helper()
	s.passes()
	for _, token := range tokens {
		c := s.cart(token)
		require.NotEmpty(s.t, c.ID, token)
		require.Empty(s.t, s.numbers(c), "%s", c)
		require.Empty(s.t, c.Calls, "%s", c)
	}
}

// never shows that a cart stays in a state and that nobody is called for it.
func (s *stage) never(token, state, reason string) {
	s.t.Helper()
	s.is(token, state, reason)
	s.notCalled(token)
	s.is(token, state, reason)
}

// spared shows that a cart of somebody who must not be called ends, and that nobody is called for it. A cart that comes
// while their other carts are told ends as one of those.
func (s *stage) spared(token string) {
	s.t.Helper()
	spared := func(c seen) bool {
		return c.State == "stopped" && (c.Reason == "suppressed" || c.Reason == "opted_out")
	}
	s.waits(token, "stopped, suppressed or opted out", spared)
	s.notCalled(token)
	s.waits(token, "stopped, suppressed or opted out", spared)
}

// suppresses adds somebody to the do-not-call list by the API and returns the answer's status.
func (s *stage) suppresses(body fields) (status int, answer string) {
	s.t.Helper()
	return s.api(http.MethodPost, "/api/v1/suppressions", body)
}
