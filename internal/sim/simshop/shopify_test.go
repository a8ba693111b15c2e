package simshop_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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

const clientSecret = secret.Secret("hush")

// inbox is a receiver of webhooks that checks what every receiver must.
type inbox struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	got    []shopify.Delivery
	bodies [][]byte
	status int
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{t: t, status: http.StatusOK}
	b.Server = httptest.NewServer(http.HandlerFunc(b.take))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(b.t, err)
	assert.Equal(b.t, shopify.Sign(clientSecret, body), r.Header.Get(shopify.HeaderHMAC), "genuinely signed")
	d, err := shopify.ParseHeaders(r.Header)
	assert.NoError(b.t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got, b.bodies = append(b.got, d), append(b.bodies, body)
	w.WriteHeader(b.status)
}

func (b *inbox) topics() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, d := range b.got {
		out = append(out, d.Topic)
	}
	return out
}

func (b *inbox) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func newShop(t *testing.T, c *clock, change func(*simshop.Config)) (*simshop.Shopify, *simshop.Shop, *inbox) {
	in := newInbox(t)
	cfg := simshop.Config{Clock: c.Now, Seed: 1, ClientID: "app", ClientSecret: clientSecret, ComplianceURL: in.URL}
	if change != nil {
		change(&cfg)
	}
	sim := simshop.New(cfg)
	shop := sim.AddShop(simshop.ShopConfig{Domain: "Loom.myshopify.com", Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN"})
	for _, topic := range shopify.SubscribedTopics() {
		shop.Subscribe(topic, in.URL)
	}
	return sim, shop, in
}

func scarf(c *cart.Checkout) {
	c.Email = "asha@example.org"
	c.Items = []cart.Item{{Title: "Scarf", SKU: "S", VariantID: "11", ProductID: "1", Quantity: 2, Price: decimal.RequireFromString("450.50")}}
}

func TestShop_ShopperTypesAndBuys(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, nil)

	token := shop.NewCheckout(scarf)
	c.Advance(20 * time.Second)
	shop.Update(token, func(co *cart.Checkout) { co.Phones = []cart.RawPhone{{From: "phone", Number: "90000 00000"}} })
	c.Advance(time.Hour)
	order, err := shop.Buy(token)
	require.NoError(t, err)
	assert.Equal(t, 5, sim.DeliverDue(context.Background()))
	assert.Equal(t, []string{
		shopify.CheckoutsCreate, shopify.CheckoutsUpdate, shopify.OrdersCreate, shopify.OrdersPaid, shopify.CheckoutsUpdate,
	}, in.topics())

	first, err := shopify.DecodeCheckout(in.bodies[0], in.got[0])
	require.NoError(t, err)
	assert.Equal(t, token, first.Token)
	assert.NotEmpty(t, first.ID, "from the name")
	assert.Empty(t, first.Phones)
	assert.Equal(t, "901", first.Total.String())
	assert.Nil(t, first.Shipping)
	var raw map[string]any
	require.NoError(t, json.Unmarshal(in.bodies[0], &raw))
	assert.NotContains(t, raw, "id", "gone since 2026-04")
	assert.Contains(t, raw["updated_at"], "+05:30")
	assert.Contains(t, raw["created_at"], "+00:00")

	second, err := shopify.DecodeCheckout(in.bodies[1], in.got[1])
	require.NoError(t, err)
	assert.Equal(t, []cart.RawPhone{{From: "phone", Number: "90000 00000"}}, second.Phones)
	assert.Equal(t, 20*time.Second, second.UpdatedAt.Sub(first.UpdatedAt))

	bought, err := shopify.DecodeOrder(in.bodies[2], in.got[2])
	require.NoError(t, err)
	assert.Equal(t, order.ID, bought.ID)
	assert.Equal(t, token, bought.CheckoutToken)
	last, err := shopify.DecodeCheckout(in.bodies[4], in.got[4])
	require.NoError(t, err)
	assert.NotNil(t, last.CompletedAt)
	assert.Equal(t, in.got[2].EventID, in.got[4].EventID, "one action of the shopper")
	assert.NotEqual(t, in.got[2].WebhookID, in.got[4].WebhookID)

	again, err := shop.Buy(token)
	require.NoError(t, err)
	assert.Equal(t, order.ID, again.ID, "bought once")
}

func TestShop_CheckoutWithoutContactIsNotTold(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, nil)
	token := shop.NewCheckout(func(co *cart.Checkout) { scarf(co); co.Email = "" })
	sim.DeliverDue(context.Background())
	assert.Empty(t, in.topics())
	shop.Update(token, func(co *cart.Checkout) { co.Email = "asha@example.org" })
	shop.Delete(token)
	sim.DeliverDue(context.Background())
	assert.Equal(t, []string{shopify.CheckoutsCreate, shopify.CheckoutsDelete}, in.topics())
	ref, err := shopify.DecodeDeletedCheckout(in.bodies[1])
	require.NoError(t, err)
	assert.NotEmpty(t, ref.ID)
	assert.NotEmpty(t, ref.CartToken)
	assert.Empty(t, ref.Token, "checkouts/delete names no token")
}

func TestDelivery_RetriesCarryTheSameWebhook(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, nil)
	in.answer(http.StatusServiceUnavailable)
	token := shop.NewCheckout(scarf)
	began := c.Now()
	for {
		at, waiting := sim.NextDue()
		if !waiting {
			break
		}
		c.Advance(max(0, at.Sub(c.Now())))
		sim.DeliverDue(context.Background())
	}
	require.Len(t, in.got, 9, "one try and 8 retries")
	assert.LessOrEqual(t, c.Now().Sub(began), 4*time.Hour)
	for i, d := range in.got {
		assert.Equal(t, in.got[0], d)
		assert.Equal(t, in.bodies[0], in.bodies[i])
	}
	assert.NotContains(t, shop.Subscriptions(), shopify.CheckoutsCreate, "deleted after 8 failures in a row")
	assert.Contains(t, shop.Subscriptions(), shopify.CheckoutsUpdate)

	in.answer(http.StatusOK)
	shop.Update(token, scarf)
	sim.DeliverDue(context.Background())
	sent := sim.Sent()
	assert.Equal(t, http.StatusOK, sent[len(sent)-1].Status)
	assert.Equal(t, 1, sent[len(sent)-1].Try)
}

func TestDelivery_FaultsHappenAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, func(cfg *simshop.Config) {
		cfg.Trouble = simshop.Trouble{Dropped: 0.1, Duplicated: 0.2, Delayed: 0.05, MaxDelay: 6 * time.Hour}
	})
	const n = 400
	for range n {
		shop.NewCheckout(scarf)
	}
	sim.DeliverDue(context.Background())
	prompt := len(in.got)
	c.Advance(6 * time.Hour)
	sim.DeliverDue(context.Background())
	ids := map[string]int{}
	for _, d := range in.got {
		ids[d.WebhookID]++
	}
	twice := 0
	for _, times := range ids {
		if times == 2 {
			twice++
		}
	}
	assert.InDelta(t, 0.9*n, len(ids), 0.05*n, "dropped")
	assert.InDelta(t, 0.9*0.2*n, twice, 0.05*n, "sent twice")
	late := len(in.got) - prompt
	assert.Positive(t, late)
	assert.Less(t, late, n/5)
}

func TestShopify_SameSeedGivesTheSameRun(t *testing.T) {
	t.Parallel()
	tell := func() []simshop.Sent {
		c := newClock()
		sim, shop, _ := newShop(t, c, func(cfg *simshop.Config) { cfg.Trouble = simshop.Trouble{Dropped: 0.3, Duplicated: 0.3} })
		for range 20 {
			shop.NewCheckout(scarf)
		}
		sim.DeliverDue(context.Background())
		sent := sim.Sent()
		for i := range sent {
			sent[i].URI = "" // the receiver's port differs
		}
		return sent
	}
	once, again := tell(), tell()
	assert.Equal(t, once, again)
}

func TestShop_ComplianceAndUninstall(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, nil)
	who := cart.Customer{ID: "5", Email: "asha@example.org"}
	shop.SendDataRequest(who, "+919812300001")
	shop.SendRedact(cart.Customer{Email: who.Email}, "")
	shop.SetSMSConsent(who, "+919812300001", false)
	shop.Uninstall()
	shop.SendShopRedact()
	sim.DeliverDue(context.Background())
	assert.Equal(t, []string{
		shopify.CustomersDataRequest, shopify.CustomersRedact, shopify.CustomersConsentUpdate, shopify.AppUninstalled, shopify.ShopRedact,
	}, in.topics())
	assert.Empty(t, shop.Subscriptions())

	redact, err := shopify.DecodeCompliance(in.bodies[1])
	require.NoError(t, err)
	assert.Equal(t, "loom.myshopify.com", redact.ShopDomain)
	assert.Equal(t, "asha@example.org", redact.Email)
	assert.Empty(t, redact.CustomerID)
	consent, err := shopify.DecodeCustomerConsent(in.bodies[2], in.got[2])
	require.NoError(t, err)
	require.NotNil(t, consent.SMS)
	assert.False(t, *consent.SMS)

	shop.NewCheckout(scarf)
	assert.Zero(t, sim.DeliverDue(context.Background()), "an uninstalled app hears nothing")
}

func TestShop_PayloadsAreReadAsTheyWere(t *testing.T) {
	t.Parallel()
	c := newClock()
	sim, shop, in := newShop(t, c, nil)
	word := rapid.StringMatching(`[A-Za-zäß]{1,8}( [a-z]{1,4})?`)
	digits := rapid.StringMatching(`[1-9][0-9]{0,17}`)
	price := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(1, 1_000_000).Draw(t, "cents"), -2)
	})
	choice := rapid.SampledFrom([]*bool{nil, new(bool)})
	rapid.Check(t, func(t *rapid.T) {
		token := shop.NewCheckout(func(co *cart.Checkout) {
			co.Email = "a@example.org"
			co.AcceptsMarketing, co.AcceptsSMS = choice.Draw(t, "marketing"), choice.Draw(t, "sms")
			if rapid.Bool().Draw(t, "customer") {
				co.Customer = cart.Customer{ID: digits.Draw(t, "id"), FirstName: word.Draw(t, "first"), Email: "c@example.org"}
				co.Phones = append(co.Phones, cart.RawPhone{From: "customer", Number: "98123 00001"})
			}
			if rapid.Bool().Draw(t, "address") {
				co.Shipping = &cart.Address{LastName: word.Draw(t, "last"), City: word.Draw(t, "city"), CountryCode: "IN", Phone: "98123 00002"}
				co.Phones = append(co.Phones, cart.RawPhone{From: "shipping", Number: "98123 00002", Country: "IN"})
			}
			for range rapid.IntRange(0, 3).Draw(t, "lines") {
				co.Items = append(co.Items, cart.Item{
					Title: word.Draw(t, "title"), VariantID: digits.Draw(t, "variant"), ProductID: digits.Draw(t, "product"),
					SKU: word.Draw(t, "sku"), Quantity: rapid.IntRange(1, 5).Draw(t, "quantity"), Price: price.Draw(t, "price"),
				})
			}
			if rapid.Bool().Draw(t, "attribute") {
				co.Attributes = map[string]string{word.Draw(t, "name"): word.Draw(t, "value")}
			}
		})
		require.Equal(t, 1, sim.DeliverDue(context.Background()))
		last := len(in.got) - 1
		got, err := shopify.DecodeCheckout(in.bodies[last], in.got[last])
		require.NoError(t, err)
		want, _ := shop.Checkout(token)
		assert.Equal(t, asJSON(t, want), asJSON(t, got))
	})
}

// asJSON writes money alike, however many zeros it has.
func asJSON(t require.TestingT, c cart.Checkout) string {
	for _, d := range []*decimal.Decimal{&c.Total, &c.Subtotal, &c.Discounts} {
		*d = decimal.RequireFromString(d.String())
	}
	for i := range c.Items {
		c.Items[i].Price = decimal.RequireFromString(c.Items[i].Price.String())
	}
	b, err := json.MarshalIndent(c, "", " ")
	require.NoError(t, err)
	return string(b)
}

// ask posts a raw query, as no client of ours would.
func ask(t *testing.T, url, token, version, body string) (int, string, map[string]any) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.ReplaceAll(url, "{shop}", "loom.myshopify.com")+"/admin/api/"+version+"/graphql.json", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Shopify-Access-Token", token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out), string(raw))
	return res.StatusCode, res.Header.Get(shopify.HeaderAPIVersion), out
}

func TestAPI_RefusesWhatShopifyWould(t *testing.T) {
	t.Parallel()
	sim, shop, _ := newShop(t, newClock(), nil)
	server, url := sim.Serve()
	t.Cleanup(server.Close)
	token := shop.Install("read_orders")

	for name, tt := range map[string]struct {
		token, body string
		status      int
		want        string
	}{
		"no token":            {"", `{"query":"query Shop { shop { name } }"}`, 401, "Invalid API key"},
		"another's token":     {"shpat_x", `{"query":"query Shop { shop { name } }"}`, 401, "Invalid API key"},
		"no query":            {token, `{}`, 400, "Required parameter"},
		"a field not there":   {token, `{"query":"query Shop { shop { secrets } }"}`, 200, "Cannot query field"},
		"a root not there":    {token, `{"query":"query Q { products(first: 1) { id } }"}`, 200, "Cannot query field"},
		"an unknown argument": {token, `{"query":"query Q { orders(first: 1, since: 2) { nodes { id } } }"}`, 200, "Unknown argument"},
		"a missing variable":  {token, `{"query":"query Q($f: Int!) { orders(first: $f) { nodes { id } } }"}`, 200, "must be defined"},
		"a wrong variable":    {token, `{"query":"query Q($f: Int!) { orders(first: $f) { nodes { id } } }","variables":{"f":"x"}}`, 200, "cannot use string as Int"},
		"no syntax":           {token, `{"query":"query Q {"}`, 200, "Expected Name"},
		"no page size":        {token, `{"query":"query Q { orders { nodes { id } } }"}`, 200, "must provide one of first"},
		"a missing scope":     {token, `{"query":"query Q { codeDiscountNodeByCode(code: \"x\") { id } }"}`, 200, "Access denied"},
		"too costly":          {token, `{"query":"query Q { abandonedCheckouts(first: 250) { nodes { lineItems(first: 100) { nodes { id } } } } }"}`, 200, "exceeds the single query max cost"},
	} {
		t.Run(name, func(t *testing.T) {
			status, served, out := ask(t, url, tt.token, "2026-10", tt.body)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, "2026-10", served)
			raw, err := json.Marshal(out)
			require.NoError(t, err)
			assert.Contains(t, string(raw), tt.want)
		})
	}

	t.Run("an unsupported version gets the oldest one", func(t *testing.T) {
		_, served, _ := ask(t, url, token, "2024-01", `{"query":"query Shop { shop { name } }"}`)
		assert.Equal(t, "2026-01", served)
	})
	t.Run("a field that came later", func(t *testing.T) {
		body := `{"query":"query Q { orders(first: 1) { nodes { checkoutToken } } }"}`
		_, _, out := ask(t, url, token, "2026-04", body)
		assert.Contains(t, out, "errors")
		_, _, out = ask(t, url, token, "2026-07", body)
		assert.NotContains(t, out, "errors")
	})
	t.Run("customers need their scope", func(t *testing.T) {
		shop.NewCheckout(func(co *cart.Checkout) { scarf(co); co.Customer = cart.Customer{ID: "5"} })
		_, _, out := ask(t, url, token, "2026-10", `{"query":"query Q { abandonedCheckouts(first: 1) { nodes { id customer { id } } } }"}`)
		assert.Contains(t, out, "errors")
		node := out["data"].(map[string]any)["abandonedCheckouts"].(map[string]any)["nodes"].([]any)[0].(map[string]any)
		assert.Nil(t, node["customer"])
		assert.NotEmpty(t, node["id"], "the rest of the answer is there")
	})
}

func TestRun_Delivers(t *testing.T) {
	t.Parallel()
	sim, shop, in := newShop(t, newClock(), nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); sim.Run(ctx) }()
	shop.NewCheckout(scarf)
	require.Eventually(t, func() bool { return len(in.topics()) == 1 }, 5*time.Second, 5*time.Millisecond)
	stop()
	<-done
}
