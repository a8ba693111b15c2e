package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mall is a world beside a simulated Shopify with the world's shop and another one.
type mall struct {
	*world
	sim   *simshop.Shopify
	shop  *simshop.Shop
	other *simshop.Shop
	// slow holds back the Admin API's answers until it is closed.
	slow atomic.Pointer[chan struct{}]
}

func newMall(t *testing.T, s setup) *mall {
	t.Helper()
	m := &mall{}
	// The app must know where Shopify is before Shopify can know where the app is.
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow := m.slow.Load(); slow != nil && strings.HasSuffix(r.URL.Path, "graphql.json") {
			select {
			case <-*slow:
			case <-r.Context().Done():
				return
			}
		}
		m.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	s.options = append(s.options, app.WithShopify(simshop.BaseURL(api.URL)))
	change := s.config
	s.config = func(c *config.Config) {
		// Nothing comes back by itself: a test says when.
		c.Shopify.ReconcileEvery, c.Shopify.SubscriptionsEvery = "", ""
		if change != nil {
			change(c)
		}
	}
	m.world = newWorld(t, s)
	m.sim = simshop.New(simshop.Config{
		Seed: 5, ClientID: "id", ClientSecret: clientSecret,
		RedirectURLs: []string{m.url + "/shopify/callback"}, ComplianceURL: m.url + "/webhooks/shopify",
	})
	m.shop = m.sim.AddShop(simshop.ShopConfig{Domain: acme, Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN"})
	m.other = m.sim.AddShop(simshop.ShopConfig{Domain: "other.myshopify.com"})
	return m
}

// browser is a merchant's, which stops at every redirect.
func (m *mall) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(m.t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reply is an answer whose body was read.
type reply struct {
	*http.Response
	body string
}

func (m *mall) send(client *http.Client, method, address string, form url.Values, header ...string) reply {
	m.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	require.NoError(m.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	require.NoError(m.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(m.t, err)
	return reply{res, string(body)}
}

func (m *mall) get(client *http.Client, address string, header ...string) reply {
	m.t.Helper()
	return m.send(client, http.MethodGet, address, nil, header...)
}

// agrees begins an install and lets the merchant agree; it returns the address that Shopify sends the merchant back to.
func (m *mall) agrees(client *http.Client) string {
	m.t.Helper()
	begun := m.get(client, m.url+"/shopify/install?shop="+acme)
	require.Equal(m.t, http.StatusFound, begun.StatusCode, begun.body)
	agreed := m.get(client, begun.Header.Get("Location"))
	require.Equal(m.t, http.StatusFound, agreed.StatusCode, agreed.body)
	return agreed.Header.Get("Location")
}

// installs goes all the way and waits until the webhooks are subscribed to.
func (m *mall) installs() {
	m.t.Helper()
	client := m.browser()
	back := m.get(client, m.agrees(client))
	require.Equal(m.t, http.StatusFound, back.StatusCode, back.body)
	require.Equal(m.t, "https://admin.shopify.com/store/acme/apps/id", back.Header.Get("Location"))
	m.eventually("every topic is subscribed to", func() bool { return len(m.shop.Subscriptions()) == len(shopify.SubscribedTopics()) })
}

// delivers lets Shopify send its webhooks for as long as the test runs.
func (m *mall) delivers() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.sim.Run(ctx) }()
	m.t.Cleanup(func() { cancel(); <-done })
}

func leaves(c *cart.Checkout) {
	c.Customer = cart.Customer{ID: "77", FirstName: "Asha", Email: "asha@example.org"}
	c.Email = c.Customer.Email
	c.Phones = []cart.RawPhone{{From: "customer", Number: "+919876543210"}}
	c.Items = []cart.Item{{Title: "Scarf", Quantity: 2, Price: decimal.NewFromInt(900)}}
}

func uniqueOffer(fallback string) func(*config.Store) {
	return func(s *config.Store) {
		s.Policy.Offers = []policy.OfferRule{{
			Code: "BACK", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage, Source: policy.OfferUnique, Fallback: fallback, EndsAfter: time.Hour,
		}}
	}
}

func TestFromTheInstallToTheRecoveredCart(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: uniqueOffer("")})
	m.installs()
	m.delivers()
	token := m.shop.NewCheckout(leaves)

	c := m.comes(token, cart.Stopped)
	require.Len(t, c.Calls, 1)
	offer := c.Calls[0].Offer
	require.NotNil(t, offer)
	assert.Regexp(t, `^BACK-[0-9A-Z]{8}$`, offer.Code)
	assert.Equal(t, map[string]int{offer.Code: 0}, m.shop.Codes(), "one code, made for this call")
	placed := m.voice.Calls()
	require.Len(t, placed, 1)
	assert.Contains(t, string(placed[0].Order.Payload), offer.Code, "the agent gives the code that was made")

	// Bought on another device, by somebody whose email says nothing: the code tells.
	elsewhere := m.shop.NewCheckout(func(c *cart.Checkout) {
		leaves(c)
		c.Customer, c.Phones, c.Email = cart.Customer{}, nil, "x@example.org"
	})
	order, err := m.shop.Buy(elsewhere, offer.Code)
	require.NoError(t, err)
	c = m.comes(token, cart.Purchased)
	assert.Equal(t, cart.ByOffer, c.Attribution)
	assert.Equal(t, order.ID, c.Order.ID)
	kept, err := m.db.Discount(t.Context(), c.ID, 1)
	require.NoError(t, err)
	assert.NotNil(t, kept.RedeemedAt)
	assert.Empty(t, m.voice.Refusals())

	page := m.get(http.DefaultClient, m.url+"/app/shop", "Authorization", "Bearer "+m.shop.SessionToken("1"))
	require.Equal(t, http.StatusOK, page.StatusCode, page.body)
	assert.Contains(t, page.body, "Asha")
	assert.Contains(t, page.body, "1,620.00 INR", "what was won back")
}

func TestWithoutACodeOfItsOwnACallGoesOutAsTheStoreSays(t *testing.T) {
	t.Parallel()
	for fallback, want := range map[string]string{"SHARED10": "SHARED10", "": ""} {
		t.Run("fallback "+fallback, func(t *testing.T) {
			t.Parallel()
			m := newMall(t, setup{store: uniqueOffer(fallback)})
			m.installs()
			m.delivers()
			// The merchant has that very code already: whatever it is, it is not ours.
			m.sim.FailNext(100, http.StatusInternalServerError)
			began := time.Now()
			c := m.comes(m.shop.NewCheckout(leaves), cart.Stopped)
			require.Len(t, c.Calls, 1)
			assert.Less(t, time.Since(began), 12*time.Second)
			if want == "" {
				assert.Nil(t, c.Calls[0].Offer)
			} else {
				assert.Equal(t, want, c.Calls[0].Offer.Code)
			}
			ledger, err := m.db.Ledger(t.Context(), c.ID)
			require.NoError(t, err)
			said := ""
			for _, entry := range ledger {
				for _, step := range entry.Trace {
					if entry.Event == "call.sending" {
						said += step.Rule
					}
				}
			}
			assert.Contains(t, said, "offer", "the ledger says what became of the code")
		})
	}
}

func TestUnusedCodesAreDeactivatedOnceTheyEnded(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) {
		uniqueOffer("")(s)
		s.Policy.Offers[0].EndsAfter = 2 * time.Second
	}})
	m.installs()
	m.delivers()
	c := m.comes(m.shop.NewCheckout(leaves), cart.Stopped)
	m.eventually("the code has ended and is deactivated", func() bool {
		if err := m.app.Engine.EndDiscounts(t.Context()); err != nil {
			return false
		}
		d, err := m.db.Discount(t.Context(), c.ID, 1)
		return err == nil && d.DeactivatedAt != nil
	})
}

func TestAPurchaseThatNoWebhookToldIsSeenBeforeTheCall(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) { s.PurchaseCheck = time.Millisecond; s.Policy.Delay = 3 * time.Second }})
	m.installs()
	token := m.shop.NewCheckout(leaves)
	m.sim.DeliverDue(t.Context())
	m.comes(token, cart.Waiting)
	// The purchase's webhooks stay with Shopify.
	_, err := m.shop.Buy(token)
	require.NoError(t, err)
	c := m.comes(token, cart.Purchased)
	assert.Empty(t, m.voice.Calls(), "nobody is called after their order")
	require.Len(t, c.Calls, 1)
	assert.Equal(t, cart.Rejected, c.Calls[0].State)
	assert.NotNil(t, c.Order)
}

// An order of 500 lines, of more than a megabyte, is taken: its buyer is not called.
func TestIntake_TakesAnOrderOf500Lines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	w.took(shopify.CheckoutsCreate, checkout("wholesale"))
	w.comes("wholesale", cart.Waiting)
	lines := make([]any, 500)
	for i := range lines {
		lines[i] = map[string]any{"id": i + 1, "title": "Beads", "quantity": 1, "price": "2.00", "properties": strings.Repeat("x", 2300)}
	}
	w.took(shopify.OrdersCreate, map[string]any{
		"id": 555, "name": "#555", "checkout_token": "wholesale", "total_price": "1000.00", "currency": "INR",
		"created_at": time.Now(), "updated_at": time.Now(), "line_items": lines,
	})
	assert.Empty(t, w.comes("wholesale", cart.Purchased).Calls)
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE topic = 'orders/create' AND length(payload) < 4096`))
}

// Without access to the Admin API nothing can be asked: the call goes out, without a warning each time.
func TestPurchaseCheck_DoesNothingWithoutAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{store: func(s *config.Store) { s.PurchaseCheck = time.Nanosecond }})
	w.took(shopify.CheckoutsCreate, checkout("unconnected"))
	c := w.comes("unconnected", cart.Stopped)
	require.Len(t, c.Calls, 1)
	assert.NotNil(t, c.Calls[0].SentAt)
	assert.Empty(t, w.metric(`ringback_purchase_checks_total{answer="failed",shop="`+acme+`"}`))
}

func TestASlowAnswerHoldsNoLineForLong(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) { s.PurchaseCheck = time.Millisecond }})
	m.installs()
	m.eventually("the back-fill is done", func() bool {
		shop, err := m.db.Shop(t.Context(), acme)
		return err == nil && shop.ReconciledUntil != nil
	})
	held := make(chan struct{})
	m.slow.Store(&held)
	t.Cleanup(func() { close(held) })
	token := m.shop.NewCheckout(leaves)
	m.sim.DeliverDue(t.Context())
	c := m.comes(token, cart.Stopped)
	require.Len(t, c.Calls, 1)
	assert.Less(t, c.Calls[0].SentAt.Sub(c.Calls[0].CreatedAt), 4*time.Second, "the call went out without the answer")
}

func TestAttacksOnTheInstall(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{})
	sign := func(change func(url.Values)) func(string) string {
		return func(back string) string {
			u, err := url.Parse(back)
			require.NoError(t, err)
			q := u.Query()
			q.Del("hmac")
			change(q)
			u.RawQuery = m.sim.SignQuery(q).Encode()
			return u.String()
		}
	}
	forge := func(change func(url.Values)) func(string) string {
		return func(back string) string {
			u, err := url.Parse(back)
			require.NoError(t, err)
			q := u.Query()
			change(q)
			u.RawQuery = q.Encode()
			return u.String()
		}
	}
	for name, attack := range map[string]struct {
		// back changes the address that the merchant comes back to; stranger comes back in another browser.
		back     func(string) string
		stranger bool
		status   int
		says     string
	}{
		"hmac missing":           {back: forge(func(q url.Values) { q.Del("hmac") }), status: 403, says: "install-refused"},
		"hmac forged":            {back: forge(func(q url.Values) { q.Set("hmac", strings.Repeat("0", 64)) }), status: 403, says: "install-refused"},
		"code swapped":           {back: forge(func(q url.Values) { q.Set("code", "another") }), status: 403, says: "install-refused"},
		"shop swapped":           {back: forge(func(q url.Values) { q.Set("shop", "other.myshopify.com") }), status: 403, says: "install-refused"},
		"parameter doubled":      {back: func(s string) string { return s + "&shop=" + acme }, status: 403, says: "install-refused"},
		"other shop, signed":     {back: sign(func(q url.Values) { q.Set("shop", "other.myshopify.com") }), status: 403, says: "install-refused"},
		"no shop at all, signed": {back: sign(func(q url.Values) { q.Set("shop", "acme.example.com") }), status: 403, says: "install-refused"},
		"state of another":       {back: sign(func(q url.Values) { q.Set("state", strings.Repeat("a", 48)) }), status: 403, says: "install-refused"},
		"old, signed":            {back: sign(func(q url.Values) { q.Set("timestamp", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)) }), status: 400, says: "install-refused"},
		"code unknown, signed":   {back: sign(func(q url.Values) { q.Set("code", "made-up") }), status: 400, says: "install-refused"},
		"in another browser":     {back: func(s string) string { return s }, stranger: true, status: 400, says: "install-unknown"},
	} {
		client := m.browser()
		back := attack.back(m.agrees(client))
		if attack.stranger {
			client = m.browser()
		}
		got := m.get(client, back)
		assert.Equal(t, attack.status, got.StatusCode, "%s: %s", name, got.body)
		assert.Contains(t, got.body, attack.says, name)
		assert.NotContains(t, got.body, clientSecret, name)
	}
	_, err := m.db.ShopToken(t.Context(), acme)
	require.ErrorIs(t, err, postgres.ErrNotFound, "none of them got anything")

	for name, attack := range map[string]struct {
		query  string
		status int
	}{
		"no shop":         {"", 400},
		"no Shopify shop": {"?shop=evil.example.com", 400},
		"shop in a path":  {"?shop=acme.myshopify.com/evil", 400},
		"shop twice":      {"?shop=" + acme + "&shop=other.myshopify.com", 400},
		"not configured":  {"?shop=other.myshopify.com", 403},
		"signed falsely":  {"?shop=" + acme + "&hmac=00", 403},
	} {
		got := m.get(m.browser(), m.url+"/shopify/install"+attack.query)
		assert.Equal(t, attack.status, got.StatusCode, "%s: %s", name, got.body)
		assert.Empty(t, got.Header.Get("Set-Cookie"), name)
	}

	client := m.browser()
	back := m.agrees(client)
	require.Equal(t, http.StatusFound, m.get(client, back).StatusCode)
	replayed := m.get(client, back)
	assert.Equal(t, http.StatusBadRequest, replayed.StatusCode, "a callback is good once")
	begun := m.get(m.browser(), m.url+"/shopify/install?shop=ACME.myshopify.com")
	cookie := begun.Header.Get("Set-Cookie")
	assert.Contains(t, cookie, "HttpOnly")
	assert.Contains(t, cookie, "SameSite=Lax")
	assert.Contains(t, cookie, "Max-Age=600")
}

func TestAttacksOnTheWebhooks(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	m.installs()
	token := m.shop.NewCheckout(leaves)
	m.sim.DeliverDue(t.Context())
	m.comes(token, cart.Waiting)
	m.applied()
	updates := m.cart(token).Updates
	genuine := m.sim.Sent()[0]
	post := func(d shopify.Delivery, digest string, body []byte) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url+"/webhooks/shopify", strings.NewReader(string(body)))
		require.NoError(t, err)
		req.Header = d.Headers(digest)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}
	bought := []byte(strings.Replace(string(genuine.Body), `"completed_at":null`, `"completed_at":"2030-01-01T00:00:00Z"`, 1))
	assert.Equal(t, 401, post(genuine.Delivery, "", bought), "unsigned")
	assert.Equal(t, 401, post(genuine.Delivery, shopify.Sign(clientSecret, genuine.Body), bought), "changed after signing")
	assert.Equal(t, 401, post(genuine.Delivery, shopify.Sign("wrong", bought), bought), "signed by somebody else")
	uninstall := genuine.Delivery
	uninstall.Topic, uninstall.WebhookID = shopify.AppUninstalled, uuid.NewString()
	assert.Equal(t, 401, post(uninstall, shopify.Sign("wrong", genuine.Body), genuine.Body))
	assert.Equal(t, 200, post(genuine.Delivery, shopify.Sign(clientSecret, genuine.Body), genuine.Body), "replayed: taken once")
	m.applied()
	assert.Equal(t, updates, m.comes(token, cart.Waiting).Updates)
	crossed := genuine.Delivery
	crossed.Shop, crossed.WebhookID = "other.myshopify.com", uuid.NewString()
	assert.Equal(t, 200, post(crossed, shopify.Sign(clientSecret, genuine.Body), genuine.Body), "of a shop that is not ours: kept, without effect")
	carts, err := m.db.Carts(t.Context(), postgres.CartFilter{Limit: 10})
	require.NoError(t, err)
	assert.Len(t, carts, 1)
	redact := crossed
	redact.Topic, redact.Shop, redact.WebhookID = shopify.ShopRedact, acme, uuid.NewString()
	body := []byte(`{"shop_id": 1, "shop_domain": "other.myshopify.com"}`)
	assert.Equal(t, 200, post(redact, shopify.Sign(clientSecret, body), body))
	requests, err := m.db.PrivacyRequests(t.Context(), 10)
	require.NoError(t, err)
	assert.Empty(t, requests, "a redaction of one shop cannot be turned on another")
}

func TestMerchantPage_ShowsAndPausesTheShop(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	plain := m.browser()

	outside := m.get(plain, m.url+"/app?shop="+acme)
	assert.Equal(t, "/shopify/install?shop="+acme, outside.Header.Get("Location"))
	framed := m.get(plain, m.url+"/app?embedded=1&shop="+acme)
	assert.Contains(t, framed.body, `target="_top"`, "inside the frame the merchant is led out of it to install")

	m.installs()
	token := m.shop.NewCheckout(leaves)
	m.sim.DeliverDue(t.Context())
	m.comes(token, cart.Waiting)
	assert.Equal(t, "https://admin.shopify.com/store/acme/apps/id", m.get(plain, m.url+"/app?shop="+acme).Header.Get("Location"))
	framed = m.get(plain, m.url+"/app?"+m.sim.SignQuery(url.Values{"embedded": {"1"}, "shop": {acme}}).Encode())
	require.Equal(t, http.StatusOK, framed.StatusCode)
	assert.Contains(t, framed.Header.Get("Content-Security-Policy"), "frame-ancestors https://"+acme+" https://admin.shopify.com")
	assert.Empty(t, framed.Header.Get("X-Frame-Options"))
	assert.Empty(t, framed.Header.Get("Set-Cookie"))
	assert.Contains(t, framed.body, `<meta name="shopify-api-key" content="id"`)
	assert.Less(t, strings.Index(framed.body, "https://cdn.shopify.com/shopifycloud/app-bridge.js"), strings.Index(framed.body, "merchant.js"))
	assert.NotContains(t, framed.body, "Asha", "the page alone tells nothing")
	assert.Equal(t, http.StatusForbidden, m.get(plain, m.url+"/app?embedded=1&hmac=00&shop="+acme).StatusCode)
	elsewhere := m.get(plain, m.url+"/app?embedded=1&shop=other.myshopify.com")
	assert.Equal(t, http.StatusForbidden, elsewhere.StatusCode)
	assert.Contains(t, elsewhere.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	assert.Contains(t, m.get(plain, m.url+"/").Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "the operator's pages stay outside frames")

	bearer := func() string { return "Bearer " + m.shop.SessionToken("1") }
	page := m.get(plain, m.url+"/app/shop", "Authorization", bearer())
	require.Equal(t, http.StatusOK, page.StatusCode, page.body)
	assert.Contains(t, page.body, "Asha")
	paused := m.send(plain, http.MethodPost, m.url+"/app/pause", url.Values{}, "Authorization", bearer())
	assert.Contains(t, paused.body, "Resume calling")
	row, err := m.db.Shop(t.Context(), acme)
	require.NoError(t, err)
	assert.Equal(t, "merchant", row.PausedBy)
	resumed := m.send(plain, http.MethodPost, m.url+"/app/resume", url.Values{}, "Authorization", bearer())
	assert.Contains(t, resumed.body, "Pause calling")
	refused := m.send(plain, http.MethodPost, m.url+"/app/suppress", url.Values{"phone": {"12"}}, "Authorization", bearer())
	assert.Contains(t, refused.body, "Not done")
	suppressed := m.send(plain, http.MethodPost, m.url+"/app/suppress", url.Values{"phone": {"98765 43210"}}, "Authorization", bearer())
	assert.Contains(t, suppressed.body, "do-not-call list")
	assert.Equal(t, cart.OptedOut, m.comes(token, cart.Stopped).Reason)

	now := time.Now()
	claims := func(change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{
			"iss": "https://" + acme + "/admin", "dest": "https://" + acme, "aud": "id", "sub": "1",
			"exp": now.Add(time.Minute).Unix(), "nbf": now.Unix(), "iat": now.Unix(),
		}
		change(c)
		signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(clientSecret))
		require.NoError(t, err)
		return signed
	}
	require.Equal(t, 200, m.get(plain, m.url+"/app/shop", "Authorization", "Bearer "+claims(func(jwt.MapClaims) {})).StatusCode)
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"dest": "https://" + acme}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	for name, attack := range map[string]struct {
		token  string
		status int
	}{
		"no token":               {"", 401},
		"the API's token":        {token, 401},
		"unsigned":               {unsigned, 401},
		"expired":                {claims(func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Minute).Unix() }), 401},
		"not yet good":           {claims(func(c jwt.MapClaims) { c["nbf"] = now.Add(time.Minute).Unix() }), 401},
		"for another app":        {claims(func(c jwt.MapClaims) { c["aud"] = "other" }), 401},
		"issued by another shop": {claims(func(c jwt.MapClaims) { c["iss"] = "https://other.myshopify.com/admin" }), 401},
		"for an unknown shop":    {m.other.SessionToken("1"), 403},
		"dest is no Shopify shop": {claims(func(c jwt.MapClaims) {
			c["dest"], c["iss"] = "https://evil.example.com", "https://evil.example.com/admin"
		}), 401},
	} {
		for _, path := range []string{"/app/shop", "/app/pause"} {
			method := http.MethodGet
			if path == "/app/pause" {
				method = http.MethodPost
			}
			got := m.send(plain, method, m.url+path, url.Values{}, "Authorization", "Bearer "+attack.token)
			assert.Equal(t, attack.status, got.StatusCode, "%s %s: %s", name, path, got.body)
			assert.NotContains(t, got.body, "Asha", name)
		}
	}
	row, err = m.db.Shop(t.Context(), acme)
	require.NoError(t, err)
	assert.Nil(t, row.PausedAt)
}

func TestADataRequestIsHandedOut(t *testing.T) {
	t.Parallel()
	m := newMall(t, setup{store: func(s *config.Store) { s.Policy.Delay = time.Hour }})
	m.installs()
	token := m.shop.NewCheckout(leaves)
	m.shop.SendDataRequest(cart.Customer{Email: "asha@example.org"}, "")
	m.sim.DeliverDue(t.Context())
	m.comes(token, cart.Waiting)

	status, list := m.api(http.MethodGet, "/api/v1/privacy", nil)
	require.Equal(t, http.StatusOK, status)
	requests := list["requests"].([]any)
	require.Len(t, requests, 1)
	request := requests[0].(map[string]any)
	assert.Equal(t, "data_request", request["kind"])
	assert.Nil(t, request["done_at"])
	assert.NotEmpty(t, request["due_at"])
	id := request["id"].(string)

	status, export := m.api(http.MethodGet, "/api/v1/privacy/"+id, nil)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, "asha@example.org", export["person"].(map[string]any)["email"])
	carts := export["carts"].([]any)
	require.Len(t, carts, 1)
	assert.Equal(t, "+919876543210", carts[0].(map[string]any)["phone"])
	assert.NotNil(t, carts[0].(map[string]any)["checkout"])
	assert.NotEmpty(t, carts[0].(map[string]any)["ledger"])
	assert.NotNil(t, export["request"].(map[string]any)["done_at"])

	status, _ = m.api(http.MethodPost, "/api/v1/privacy/"+id+"/done", nil)
	assert.Equal(t, http.StatusOK, status)
	status, gone := m.api(http.MethodGet, "/api/v1/privacy/"+id, nil)
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, gone["type"], "not-exportable")
	status, _ = m.api(http.MethodGet, "/api/v1/privacy/"+uuid.NewString(), nil)
	assert.Equal(t, http.StatusNotFound, status)
	anybody := m.get(m.browser(), m.url+"/api/v1/privacy")
	assert.Equal(t, http.StatusUnauthorized, anybody.StatusCode)
}
