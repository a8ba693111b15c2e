package dashboard_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/webtest"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// parse reads a page and checks what holds for all of them: it has one heading, loads nothing from other
// hosts and runs no inline code.
func parse(t testing.TB, a webtest.Answer) *html.Node {
	t.Helper()
	require.Contains(t, a.Header.Get("Content-Type"), "text/html")
	doc, err := html.Parse(strings.NewReader(a.Text()))
	require.NoError(t, err)
	count := map[string]int{}
	ids := map[string]bool{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		assert.NotContains(t, []string{"script", "style", "iframe", "object"}, n.Data)
		for _, attribute := range n.Attr {
			assert.NotEqual(t, "style", attribute.Key)
			assert.False(t, strings.HasPrefix(attribute.Key, "on"), attribute.Key)
			switch attribute.Key {
			case "src", "action":
				assert.True(t, strings.HasPrefix(attribute.Val, "/"), attribute.Val)
			case "href":
				if n.Data != "a" {
					assert.True(t, strings.HasPrefix(attribute.Val, "/"), attribute.Val)
				}
			case "id":
				assert.False(t, ids[attribute.Val], "id %q twice", attribute.Val)
				ids[attribute.Val] = true
			}
		}
		if n.Data == "img" {
			assert.True(t, has(n, "alt"), "a picture without words")
		}
	}
	for element, want := range map[string]int{"h1": 1, "main": 1, "title": 1, "html": 1} {
		assert.Equal(t, want, count[element], element)
	}
	return doc
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// words is the text of a page, with single spaces.
func words(doc *html.Node) string {
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func read(s *webtest.Site, path string) (string, webtest.Answer) {
	s.T.Helper()
	a := s.Page(path)
	require.Equal(s.T, http.StatusOK, a.StatusCode, a.Text())
	return words(parse(s.T, a)), a
}

func TestPages_OfNewInstallationAreEmptyButComplete(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for path, want := range map[string]string{
		"/":                           "No calls yet.",
		"/carts":                      "No carts yet.",
		"/calls":                      "No calls here yet.",
		"/suppressions":               "Nobody is on this list.",
		"/shops":                      "none yet",
		"/shops/" + webtest.Acme:      "Nothing has happened yet.",
		"/carts?live=on":              "Auto-refresh: every 10 s",
		"/?note=paused":               "Calling is paused for this shop.",
		"/?note=%3Cb%3E":              "Overview",
		"/calls?shop=" + webtest.Bolt: "No calls here yet.",
	} {
		text, _ := read(s, path)
		assert.Contains(t, text, want, path)
	}
	text, _ := read(s, "/")
	assert.NotContains(t, text, "Jobs", "there is no River UI to lead to")
}

func TestOverview_ShowsFigures(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithUI)
	s.Connect(webtest.Acme)
	s.Connect(webtest.Bolt)
	s.Seed(webtest.SomeCart(), webtest.SomeCart(), webtest.BoughtCart())
	webtest.CallingCart(s)
	_, err := s.Engine.PauseShop(t.Context(), webtest.Bolt, "api")
	require.NoError(t, err)
	require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SetCredits(ctx, webtest.Acme, decimal.RequireFromString("1234.5"))
	}))
	text, a := read(s, "/")
	for _, want := range []string{
		"108.00 USD won back", "Carts won back 1 of 4", "Calls answered 1 of 2", "1 of 7 lines busy", "1 cart being called",
		"Called group: 1 of 1 bought (too few to compare).",
		"Scheduled 2 Delay 2", "Purchased 1", "Ben Ito 1 Completed 1 min 35 s COMEBACK10", "Asha Rao 1 Accepted by the voice API",
		"bolt paused api", "bolt Paused", "acme Active 3 0 1,234.5 now", "Jobs",
	} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, a.Text(), `href="/carts?reason=delay&amp;state=waiting"`)
	assert.Less(t, strings.Index(text, "bolt Paused"), strings.Index(text, "acme Active"), "what is halted comes first")
}

func TestLists_LeadOn(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for range 55 {
		c := webtest.BoughtCart()
		s.Seed(c)
	}
	s.Seed(webtest.SomeCart())
	for path, chosen := range map[string]string{
		"/carts?state=purchased": `<option value="purchased" selected>`, "/calls?shop=" + webtest.Bolt: `<option value="bolt.myshopify.com" selected>`,
	} {
		text, a := read(s, path)
		assert.Equal(t, 50, strings.Count(text, "Ben Ito"), path)
		assert.NotContains(t, text, "Newest")
		next := regexp.MustCompile(`href="([^"]*cursor=[^"]*)"`).FindStringSubmatch(a.Text())
		require.Len(t, next, 2)
		text, a = read(s, strings.ReplaceAll(next[1], "&amp;", "&"))
		assert.Equal(t, 5, strings.Count(text, "Ben Ito"), path)
		assert.Contains(t, text, "Newest")
		assert.NotContains(t, text, "Older")
		assert.Contains(t, a.Text(), chosen, "the choice is kept")
	}
	text, _ := read(s, "/carts?shop="+webtest.Acme)
	assert.Contains(t, text, "Asha Rao 1,895.50 INR Scheduled Delay in 30 min 0 15 min ago")
	a := s.Page("/carts?state=lost")
	assert.Equal(t, http.StatusBadRequest, a.StatusCode)
	assert.Contains(t, words(parse(t, a)), "state : write one of watching, waiting")
}

func TestCartPage_TellsItsStory(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := webtest.BoughtCart()
	s.Seed(c)
	text, a := read(s, "/carts/"+c.ID.String())
	for _, want := range []string{
		"Ben Ito", "Purchased The customer bought. Won back by a call.", "Call 1 Completed 03:20:00 EST", "talked 1 min 35 s",
		"offered COMEBACK10, 10 % off", "Will buy today.", "Checkout update from Shopify Scheduled", "Why: 2 steps", "a mobile number of the checkout",
		"#1017 , 108.00 USD", "2 × Brass lamp Large 947.75 USD", "+14155550123", "ben@example.com", "Never call this customer",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "Call now", "nothing can be asked of a settled cart")
	assert.Contains(t, a.Text(), `<title>Cart of bolt · Ringback</title>`, "names stay out of the history")
	assert.Contains(t, a.Text(), `href="https://bolt.myshopify.com/admin/orders/5551"`)
	assert.Contains(t, a.Text(), `<time datetime="2026-11-21T08:20:00Z" title="21 Nov 2026, 08:20:00 UTC">`)

	for _, id := range []string{uuid.NewString(), "x"} {
		a := s.Page("/carts/" + id)
		assert.Equal(t, http.StatusNotFound, a.StatusCode)
		parse(t, a)
	}
}

// What shops and voice APIs send is shown as text, whatever it is.
func TestPages_StrangeContentIsHarmless(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithUI)
	c := webtest.BoughtCart()
	const bad = `<script>alert(1)</script><b onclick=x>"'&`
	c.Checkout.Customer.FirstName, c.Checkout.Items[0].Title = bad, bad
	c.Calls[0].Summary, c.Calls[0].Error, c.Calls[0].RecordingURL = bad, bad, "javascript:alert(1)"
	c.Calls[0].Offer.Code, c.Order.Name, c.Order.ID, c.Token = bad, bad, "1/../../evil?x=#", bad
	c.Reason = cart.Reason(bad)
	s.Seed(c)
	for _, path := range []string{"/", "/carts", "/calls", "/carts/" + c.ID.String(), "/shops/" + webtest.Bolt} {
		text, a := read(s, path)
		assert.Contains(t, text, "<script>alert(1)</script>", path)
		assert.NotContains(t, a.Text(), "javascript:")
	}
}

func TestCartPage_OperatorCallsAndStops(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, settled := webtest.SomeCart(), webtest.BoughtCart()
	s.Seed(c, settled)
	calling, _ := webtest.CallingCart(s)
	path := "/carts/" + c.ID.String()
	text, _ := read(s, path)
	for _, want := range []string{
		"Scheduled The customer may still be shopping", "Next check 15:00:00 IST (in 30 min)", "Call now", "Stop this cart", "in acme",
		"in every shop", "Not called yet.",
	} {
		assert.Contains(t, text, want)
	}
	for _, step := range []struct{ form, want string }{
		{path + "/call", path + "?note=called"},
		{path + "/cancel", path + "?note=stopped"},
		{path + "/cancel", path + "?note=settled"},
		{"/carts/" + settled.ID.String() + "/call", "/carts/" + settled.ID.String() + "?note=settled"},
		{"/carts/" + calling.ID.String() + "/call", "/carts/" + calling.ID.String() + "?note=calling"},
	} {
		a := s.Form(step.form, nil)
		assert.Equal(t, http.StatusSeeOther, a.StatusCode, a.Text())
		assert.Equal(t, step.want, a.Header.Get("Location"))
	}
	text, _ = read(s, path+"?note=stopped")
	assert.Contains(t, text, "The cart is stopped. A call under way is being cancelled.")
	assert.Contains(t, text, "Stopped An operator stopped the cart.")
	assert.Equal(t, http.StatusNotFound, s.Form("/carts/"+uuid.NewString()+"/call", nil).StatusCode)
}

func TestCartPage_OperatorSuppressesCustomer(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, other := webtest.SomeCart(), webtest.BoughtCart()
	nobody := webtest.SomeCart()
	nobody.Phone, nobody.Checkout = "", cart.Checkout{Token: nobody.Token}
	s.Seed(c, other, nobody)

	assert.Equal(t, "/carts/"+c.ID.String()+"?note=suppressed", s.Form("/carts/"+c.ID.String()+"/suppress", url.Values{"scope": {"shop"}}).Header.Get("Location"))
	assert.Equal(t, 2, s.Count(`SELECT count(*) FROM suppressions WHERE scope = $1 AND source = 'dashboard'`, webtest.Acme))
	found, err := s.DB.Cart(t.Context(), c.ID)
	require.NoError(t, err)
	assert.Equal(t, cart.Stopped, found.State)

	s.Form("/carts/"+other.ID.String()+"/suppress", url.Values{"scope": {"all"}})
	assert.Equal(t, 2, s.Count(`SELECT count(*) FROM suppressions WHERE scope = ''`))
	assert.Contains(t, s.Form("/carts/"+nobody.ID.String()+"/suppress", nil).Header.Get("Location"), "note=no-person")
	text, _ := read(s, "/carts/"+nobody.ID.String())
	assert.Contains(t, text, "Unknown customer")
	assert.NotContains(t, text, "Never call this customer")
}

func TestSuppressionsPage_AddsAndLifts(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	a := s.Form("/suppressions", url.Values{"shop": {"nowhere"}, "phone": {"12"}, "email": {"nobody"}})
	assert.Equal(t, http.StatusBadRequest, a.StatusCode)
	text := words(parse(t, a))
	for _, want := range []string{"write a valid phone number", "write an address such as", "Shop: write the domain"} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, a.Text(), `value="nobody"`, "what was typed is kept")

	a = s.Form("/suppressions", url.Values{"shop": {webtest.Acme}, "phone": {"98765 43210"}})
	assert.Equal(t, "/suppressions?note=suppressed", a.Header.Get("Location"))
	text, a = read(s, "/suppressions")
	assert.Contains(t, text, "+919876543210 acme Dashboard")
	lift := regexp.MustCompile(`action="(/suppressions/[^"]+/lift)"`).FindStringSubmatch(a.Text())
	require.Len(t, lift, 2)
	for _, reason := range []string{"", "  ", "asha@example.com wants it"} {
		a = s.Form(lift[1], url.Values{"reason": {reason}})
		assert.Equal(t, http.StatusUnprocessableEntity, a.StatusCode)
		assert.Contains(t, words(parse(t, a)), "Not lifted. Reason:")
		assert.NotContains(t, a.Text(), "asha@example.com")
	}
	why := url.Values{"reason": {"  asked for\tit  in a chat "}}
	assert.Equal(t, "/suppressions?note=lifted", s.Form(lift[1], why).Header.Get("Location"))
	assert.Equal(t, "/suppressions?note=gone", s.Form(lift[1], why).Header.Get("Location"))
	assert.Equal(t, http.StatusNotFound, s.Form("/suppressions/x/lift", nil).StatusCode)
	text, _ = read(s, "/suppressions")
	assert.Contains(t, text, "Nobody is on this list.")
	assert.Contains(t, text, "Dashboard asked for it in a chat", "what was lifted stays on record")
}

func TestPages_SayThatAnAccountRests(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	account := engine.AccountOf(s.Engine.Store(webtest.Acme))
	require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.RestAccount(ctx, account, postgres.Rest{Until: tx.Now.Add(45 * time.Second), Refusals: 1})
	}))
	const says = "The voice API answered that there are too many calls; the next one is tried in 45 s."
	text, _ := read(s, "/")
	assert.Contains(t, text, "mirai meera: "+says)
	text, _ = read(s, "/shops/"+webtest.Acme)
	assert.Contains(t, text, says)
}

func TestOverview_SaysHowFarTheCartsAreBehind(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	_, err := s.DB.KeepWebhooks(t.Context(), []postgres.IncomingWebhook{
		{Shop: webtest.Acme, WebhookID: "1", Topic: "checkouts/update", Checkout: "a", Payload: []byte("{}")},
		{Shop: webtest.Acme, WebhookID: "2", Topic: "checkouts/update", Checkout: "b", Payload: []byte("{}")},
	})
	require.NoError(t, err)
	_, err = s.Pool.Exec(t.Context(), `UPDATE intake_queue SET received_at = received_at - interval '7 seconds'`)
	require.NoError(t, err)
	text, _ := read(s, "/")
	assert.Contains(t, text, "2 webhooks wait to be applied, the oldest for 7 s")
	a := s.Send(http.MethodGet, "/readyz", nil)
	assert.JSONEq(t, `{"status": "ready", "intake_queued_webhooks": 2, "intake_lag_seconds": 7}`, a.Text())
}

func TestHoursPage_ShowsTheTableOfADay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	path := "/shops/" + webtest.Acme + "/hours"
	text, _ := read(s, path+"?country=es&at=2026-12-28")
	for _, part := range []string{"ES Spain", "10-15 16-20", "from 2026-12-28", "Consent voice", "Consent lasts 730 days",
		"To be said ai, recording, opt_out, caller, number", "Confidence A/B", "art. 96.3 TRLGDCU"} {
		assert.Contains(t, text, part)
	}
	assert.NotContains(t, text, "France")
	text, _ = read(s, path)
	assert.Less(t, strings.Index(text, "IN India"), strings.Index(text, "US United States"), "the shop's country first")
	assert.Contains(t, text, "US-ME Maine Off")
	text, _ = read(s, path+"?country=KR")
	assert.Contains(t, text, "No row covers KR")
	assert.Equal(t, http.StatusBadRequest, s.Page(path+"?at=tomorrow").StatusCode)
	assert.Equal(t, http.StatusNotFound, s.Page("/shops/other.myshopify.com/hours").StatusCode)
}

func TestShopPage_OperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	path := "/shops/" + webtest.Acme
	text, _ := read(s, path)
	assert.Contains(t, text, "Not connected The shop has never been connected")
	assert.Contains(t, text, "install the app, at http://127.0.0.1:8080/shopify/install?shop=acme.myshopify.com.")
	s.Connect(webtest.Acme)
	text, _ = read(s, path)
	assert.Contains(t, text, "Active Pause calling")
	assert.Contains(t, text, "Zone Asia/Kolkata")
	assert.Equal(t, path+"?note=paused", s.Form(path+"/pause", nil).Header.Get("Location"))
	assert.Equal(t, path+"?note=unchanged", s.Form(path+"/pause", nil).Header.Get("Location"))
	text, _ = read(s, path)
	assert.Contains(t, text, "Paused Calling is paused, by dashboard. since 14:30:00 IST Resume calling. Resume calling")
	assert.Equal(t, path+"?note=resumed", s.Form(path+"/resume", nil).Header.Get("Location"))

	require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.TripBreaker(ctx, webtest.Acme, "8 of 10 calls failed", nil)
		return err
	}))
	text, _ = read(s, path)
	assert.Contains(t, text, "Auto-paused The shop paused itself: 8 of 10 calls failed. since 14:30:00 IST")
	assert.Contains(t, text, "Resume calling")
	assert.Equal(t, http.StatusNotFound, s.Page("/shops/other.myshopify.com").StatusCode)
	assert.Equal(t, http.StatusNotFound, s.Form("/shops/other.myshopify.com/pause", nil).StatusCode)
}

// A cart stays when its shop leaves the configuration.
func TestCartPage_OfForgottenShopIsShown(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := webtest.BoughtCart()
	c.Shop = "gone.myshopify.com"
	s.Seed(c)
	require.NoError(t, s.DB.EnsureShops(t.Context(), []string{c.Shop}))
	text, _ := read(s, "/carts/"+c.ID.String())
	assert.Contains(t, text, "This shop is no longer in the configuration")
	assert.NotContains(t, text, "Never call")
	text, _ = read(s, "/shops")
	assert.Contains(t, text, "gone Not configured")
	text, _ = read(s, "/carts")
	assert.Contains(t, text, "Ben Ito gone")
}

func TestPages_AreCompressed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/carts", nil)
	require.NoError(t, err)
	request.Header.Set("Accept-Encoding", "gzip")
	assert.Equal(t, "gzip", s.Do(request).Header.Get("Content-Encoding"))
}
