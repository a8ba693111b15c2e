package shopify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/sim/simshop"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]shopify.Access{
		"not of the form": {Shop: domain, Token: "t", Version: "stable"},
		"api version":     {Shop: domain, Token: "t", Version: "2026-13"},
		"no access token": {Shop: domain, Version: "2026-10"},
		"myshopify.com":   {Shop: "evil.example", Token: "t", Version: "2026-10"},
	} {
		_, err := shopify.NewClient(a)
		assert.ErrorContains(t, err, name)
	}
}

func TestScanningCheckouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	since := w.clock.Now()
	w.shop.NewCheckout(scarf)
	w.clock.Advance(time.Minute)
	mark := w.clock.Now()
	var want []string
	for i := range 20 {
		token := w.shop.NewCheckout(scarf)
		if i == 3 {
			_, err := w.shop.Buy(token)
			require.NoError(t, err)
		}
		c, _ := w.shop.Checkout(token)
		want = append(want, c.ID)
		w.clock.Advance(time.Second)
	}
	w.shop.NewCheckout(func(*cart.Checkout) {}) // without contact: nobody hears of it
	client := w.client(t)

	scan := func(since time.Time) (found []cart.Checkout, pages int) {
		for cursor := ""; ; pages++ {
			page, err := client.AbandonedCheckouts(soon(t), since, cursor)
			require.NoError(t, err)
			assert.Empty(t, page.Problems)
			found = append(found, page.Items...)
			if cursor = page.Next; cursor == "" {
				return found, pages + 1
			}
		}
	}
	all, _ := scan(since)
	assert.Len(t, all, 21)
	found, pages := scan(mark)
	assert.Equal(t, 3, pages)
	var got []string
	for _, c := range found {
		got = append(got, c.ID)
	}
	assert.Equal(t, want, got, "each once, the completed one too")
	assert.NotNil(t, found[3].CompletedAt)

	c := found[0]
	webhook, _ := w.shop.Checkout(all[1].Token)
	assert.Empty(t, webhook, "GraphQL tells no token")
	assert.Empty(t, c.Token)
	assert.NotEmpty(t, c.CartToken, "from the recovery link")
	yes, two := true, 2
	assert.Equal(t, cart.Customer{ID: "603851970716743426", FirstName: "Asha", LastName: "Rao", Email: "asha@example.org", Tags: []string{"vip"}, Orders: &two}, c.Customer)
	assert.Equal(t, []cart.RawPhone{
		{From: "customer", Number: "+919812300001"}, {From: "shipping", Number: "98123 00002", Country: "IN"},
	}, c.Phones)
	assert.Equal(t, &yes, c.AcceptsMarketing)
	assert.Equal(t, &yes, c.AcceptsSMS)
	assert.Equal(t, "+919812300001", c.SMSPhone)
	assert.Equal(t, "INR", c.Currency)
	assert.True(t, decimal.RequireFromString("901").Equal(c.Total))
	assert.True(t, decimal.RequireFromString("0.05").Equal(c.TaxLines[0].Rate))
	assert.Equal(t, map[string]string{"call_me": "yes"}, c.Attributes)
	assert.Equal(t, "HELLO", c.Codes[0].Code)
	require.Len(t, c.Items, 1)
	assert.Equal(t, "Scarf", c.Items[0].Title)
	assert.Equal(t, 2, c.Items[0].Quantity)
	assert.Equal(t, "Mysuru", c.Shipping.City)
	assert.Nil(t, c.Billing)
	assert.Equal(t, mark, c.UpdatedAt)
}

func TestScanningOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := w.shop.NewCheckout(scarf)
	want, err := w.shop.Buy(token, "MERCHANTS-OWN")
	require.NoError(t, err)
	w.clock.Advance(time.Minute)
	mark := w.clock.Now()
	for range 120 {
		w.shop.BuyElsewhere(cart.Checkout{Email: "b@example.org", Total: decimal.New(5, 0)})
	}
	for version, tokens := range map[string]bool{"2026-04": false, "2026-07": true, "2026-10": true} {
		client := w.clientWith(t, secret.Secret(w.shop.Install(shopify.DefaultScopes()...)), version)
		page, err := client.Orders(soon(t), want.CreatedAt, "")
		require.NoError(t, err)
		require.NotEmpty(t, page.Items)
		got := page.Items[0]
		assert.Equal(t, want.ID, got.ID)
		assert.Equal(t, []string{"HELLO", "MERCHANTS-OWN"}, got.Codes)
		assert.Equal(t, "IN", got.Country)
		assert.Equal(t, "603851970716743426", got.CustomerID)
		assert.True(t, want.Total.Equal(got.Total))
		assert.Equal(t, tokens, got.CheckoutToken == token, version)
	}
	seen := map[string]bool{}
	client := w.client(t)
	for cursor := ""; ; {
		page, err := client.Orders(soon(t), mark, cursor)
		require.NoError(t, err)
		for _, o := range page.Items {
			assert.False(t, seen[o.ID])
			seen[o.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	assert.Len(t, seen, 120)
}

func TestAMissingScopeIsToldBesideTheData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.shop.NewCheckout(scarf)
	page, err := w.client(t, "read_orders").AbandonedCheckouts(soon(t), time.Time{}, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Empty(t, page.Items[0].Customer.ID)
	assert.Equal(t, "98123 00002", page.Items[0].Phones[0].Number)
	require.Len(t, page.Problems, 1)
	assert.Equal(t, "ACCESS_DENIED", page.Problems[0].Code)
	assert.Equal(t, "abandonedCheckouts.nodes.0.customer", page.Problems[0].Path)

	page, err = w.client(t, "read_customers").AbandonedCheckouts(soon(t), time.Time{}, "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	assert.NotEmpty(t, page.Problems, "an empty page is not taken for a shop without checkouts")
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(cfg *simshop.Config) { cfg.Clock, cfg.Points, cfg.Rate = time.Now, 1000, 4000 })
	for range 40 {
		w.shop.NewCheckout(scarf)
	}
	client := w.client(t)
	w.shop.DrainPoints()
	found := 0
	for cursor := ""; ; {
		page, err := client.AbandonedCheckouts(soon(t), time.Time{}, cursor)
		require.NoError(t, err)
		found += len(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	assert.Equal(t, 40, found)
}

func TestThrottlingNeverOutlivesTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(cfg *simshop.Config) { cfg.Clock, cfg.Points, cfg.Rate = time.Now, 1000, 1 })
	client := w.client(t)
	w.shop.DrainPoints()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := client.AbandonedCheckouts(ctx, time.Time{}, "")
	require.ErrorIs(t, err, shopify.ErrThrottled)
	assert.NoError(t, ctx.Err(), "it says so at once rather than at the deadline")
	assert.Greater(t, shopify.RetryAfter(err), time.Minute)
	assert.True(t, shopify.Temporary(err))
	_, err = client.AbandonedCheckouts(ctx, time.Time{}, "")
	require.ErrorIs(t, err, shopify.ErrThrottled, "known without asking")
	assert.NoError(t, ctx.Err())
}

func TestAScanLeavesPointsForAPurchaseCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(cfg *simshop.Config) { cfg.Points, cfg.Rate = 1000, 0.001 })
	token := w.shop.NewCheckout(scarf)
	client := w.client(t)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := client.AbandonedCheckouts(ctx, time.Time{}, "")
		cancel()
		if err != nil {
			require.ErrorIs(t, err, shopify.ErrThrottled)
			break
		}
	}
	c, _ := w.shop.Checkout(token)
	_, err := client.CheckoutCompleted(soon(t), cart.Ref{ID: c.ID, Token: token})
	require.NoError(t, err)
}

func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	w.sim.FailNext(2, http.StatusServiceUnavailable)
	_, err := client.ShopInfo(soon(t))
	require.NoError(t, err)
	w.sim.FailNext(10, http.StatusBadGateway)
	_, err = client.ShopInfo(soon(t))
	require.ErrorIs(t, err, shopify.ErrOutage)
	assert.True(t, shopify.Temporary(err))
	w.sim.FailNext(0, 0)

	w.sim.FailNext(1, http.StatusServiceUnavailable)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = client.ShopInfo(ctx)
	require.ErrorIs(t, err, shopify.ErrOutage, "there is no time for another try")
}

func TestRefusalsAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		401: shopify.ErrUnauthorized, 402: shopify.ErrShopUnavailable, 403: shopify.ErrDenied, 404: shopify.ErrShopUnavailable,
		423: shopify.ErrShopUnavailable, 400: shopify.ErrRefused, 302: shopify.ErrRefused,
	} {
		var calls atomic.Int32
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"errors":"asha@example.org"}`)
		})
		_, err := client.ShopInfo(soon(t))
		require.ErrorIs(t, err, want, status)
		assert.False(t, shopify.Temporary(err))
		assert.EqualValues(t, 1, calls.Load())
		assert.NotContains(t, err.Error(), "shpat_secret")
		assert.NotContains(t, err.Error(), "asha", "an answer that is not understood is not quoted")
	}
}

func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`<html>`:                        shopify.ErrOutage,
		`{}`:                            shopify.ErrOutage,
		`[]`:                            shopify.ErrOutage,
		`{"data":null}`:                 shopify.ErrOutage,
		`{"errors":[{"message":"no"}]}`: shopify.ErrRefused,
		`{"data":null,"errors":[{"message":"x","extensions":{"code":"ACCESS_DENIED"}}]}`:         shopify.ErrDenied,
		`{"data":null,"errors":[{"message":"x","extensions":{"code":"SHOP_INACTIVE"}}]}`:         shopify.ErrShopUnavailable,
		`{"data":null,"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`: shopify.ErrOutage,
		`{"data":{},"errors":[{"message":"x","extensions":{"code":"THROTTLED"}}]}`:               shopify.ErrThrottled,
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		_, err := client.ShopInfo(ctx)
		cancel()
		assert.ErrorIs(t, err, want, body)
	}
}

func TestACostlyQueryAsksForLess(t *testing.T) {
	t.Parallel()
	var sizes []int
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Variables struct {
				First int `json:"first"`
			} `json:"variables"`
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		sizes = append(sizes, body.Variables.First)
		if body.Variables.First > 2 {
			fmt.Fprint(w, `{"errors":[{"message":"Query cost is 1200","extensions":{"code":"MAX_COST_EXCEEDED","cost":1200}}]}`)
			return
		}
		fmt.Fprint(w, `{"data":{"abandonedCheckouts":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}`)
	})
	for range 2 {
		_, err := client.AbandonedCheckouts(soon(t), time.Time{}, "")
		require.NoError(t, err)
	}
	assert.Equal(t, []int{7, 3, 1, 1}, sizes, "and remembers it")
}

func TestAnotherVersionIsReportedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var log bytes.Buffer
	client, err := shopify.NewClient(shopify.Access{
		Shop: domain, Token: secret.Secret(w.shop.Install("read_orders")), Version: "2024-10", BaseURL: w.url,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	for range 2 {
		_, err = client.ShopInfo(soon(t))
		require.NoError(t, err)
	}
	assert.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")), log.String())
	assert.Contains(t, log.String(), "asked=2024-10 served=2026-01")
	assert.NotContains(t, log.String(), "shpat_")
}

func TestTheTokenGoesToTheShopOnly(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with the token %q", r.Header.Get("X-Shopify-Access-Token"))
	}))
	defer elsewhere.Close()
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	_, err := client.ShopInfo(soon(t))
	require.ErrorIs(t, err, shopify.ErrRefused)
}

func TestATokenOfAnotherShopIsNoticed(t *testing.T) {
	t.Parallel()
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{"shop":{"myshopifyDomain":"other.myshopify.com"}}}`)
	})
	_, err := client.ShopInfo(soon(t))
	require.ErrorContains(t, err, "belongs to other.myshopify.com")
}

func TestPurchaseCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := w.shop.NewCheckout(scarf)
	other := w.shop.NewCheckout(scarf)
	_, err := w.shop.Buy(other)
	require.NoError(t, err)
	c, _ := w.shop.Checkout(token)
	client := w.client(t)
	old := w.clientWith(t, secret.Secret(w.shop.Install(shopify.DefaultScopes()...)), "2026-04")

	for _, cl := range []*shopify.Client{client, old} {
		got, err := cl.CheckoutCompleted(soon(t), cart.Ref{ID: c.ID, Token: token})
		require.NoError(t, err)
		assert.Equal(t, shopify.Completion{}, got, "not bought, though another checkout was")
	}
	order, err := w.shop.Buy(token)
	require.NoError(t, err)

	for name, ask := range map[string]cart.Ref{"by both": {ID: c.ID, Token: token}, "by token": {Token: token}} {
		got, err := client.CheckoutCompleted(soon(t), ask)
		require.NoError(t, err, name)
		assert.True(t, got.Completed, name)
		require.NotNil(t, got.Order, name)
		assert.Equal(t, order.ID, got.Order.ID)
		assert.Equal(t, order.CreatedAt, *got.At)
	}
	for _, cl := range []*shopify.Client{client, old} {
		got, err := cl.CheckoutCompleted(soon(t), cart.Ref{ID: c.ID})
		require.NoError(t, err)
		assert.True(t, got.Completed)
		assert.Nil(t, got.Order)
	}
	for _, token := range []string{"", `x" OR status:any`} {
		_, err = client.CheckoutCompleted(soon(t), cart.Ref{Token: token})
		require.ErrorIs(t, err, shopify.ErrCannotAsk)
	}
	_, err = old.CheckoutCompleted(soon(t), cart.Ref{Token: token})
	require.ErrorIs(t, err, shopify.ErrCannotAsk)
	got, err := client.CheckoutCompleted(soon(t), cart.Ref{ID: "999", Token: "no-such-token"})
	require.NoError(t, err)
	assert.False(t, got.Completed)
}

func TestASearchThatIsIgnoredFindsNoPurchase(t *testing.T) {
	t.Parallel()
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{"checkout":null,"orders":{"nodes":[{"id":"gid://shopify/Order/1","checkoutToken":"somebody-elses"},{"id":"gid://shopify/Order/2"}]}}}`)
	})
	got, err := client.CheckoutCompleted(soon(t), cart.Ref{ID: "5", Token: "mine"})
	require.NoError(t, err)
	assert.False(t, got.Completed)
}

func TestHalfAnAnswerIsNotANo(t *testing.T) {
	t.Parallel()
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{"checkout":null,"orders":null},"errors":[{"message":"denied","path":["orders"],"extensions":{"code":"ACCESS_DENIED"}}]}`)
	})
	_, err := client.CheckoutCompleted(soon(t), cart.Ref{ID: "5", Token: "mine"})
	require.Error(t, err)
}

func TestASlowPurchaseCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	client := answering(t, func(http.ResponseWriter, *http.Request) { <-ended })
	t.Cleanup(func() { close(ended) })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := client.CheckoutCompleted(ctx, cart.Ref{ID: "5", Token: "mine"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.True(t, shopify.Temporary(err))
}
