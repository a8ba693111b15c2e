package shopify_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// install goes through the grant as a browser would and returns the callback's query.
func (w *world) install(t testing.TB, state string) url.Values {
	address, err := w.app.AuthorizeURL(domain, state)
	require.NoError(t, err)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, address, nil)
	require.NoError(t, err)
	res, err := browser.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusFound, res.StatusCode)
	back, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, redirect, back.Scheme+"://"+back.Host+back.Path)
	return back.Query()
}

// tokens installs the app.
func (w *world) tokens(t testing.TB) shopify.Tokens {
	state := shopify.NewState()
	cb, err := w.app.VerifyCallback(w.install(t, state), domain, state)
	require.NoError(t, err)
	tokens, err := w.app.Exchange(soon(t), cb.Shop, cb.Code)
	require.NoError(t, err)
	return tokens
}

func TestInstall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	now := w.clock.Now()
	tokens := w.tokens(t)
	assert.True(t, tokens.Access.Set())
	assert.True(t, tokens.Refresh.Set())
	assert.Equal(t, now.Add(time.Hour), tokens.ExpiresAt)
	assert.Equal(t, now.Add(90*24*time.Hour), tokens.RefreshExpiresAt)
	assert.Empty(t, tokens.Missing(shopify.DefaultScopes()))
	assert.False(t, tokens.Stale(now.Add(54*time.Minute)))
	assert.True(t, tokens.Stale(now.Add(55*time.Minute)))

	info, err := w.clientWith(t, tokens.Access, "2026-10").ShopInfo(soon(t))
	require.NoError(t, err)
	assert.Equal(t, shopify.ShopInfo{Domain: domain, Name: "Loom", Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN"}, info)
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	app := shopify.App{ClientID: "app-id", RedirectURL: redirect}
	address, err := app.AuthorizeURL("Loom.myshopify.com", "st")
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	assert.Equal(t, "https://loom.myshopify.com/admin/oauth/authorize", u.Scheme+"://"+u.Host+u.Path)
	assert.Equal(t, url.Values{
		"client_id": {"app-id"}, "redirect_uri": {redirect}, "state": {"st"}, "scope": {"read_orders,read_customers,write_discounts"},
	}, u.Query())
	for _, shop := range []string{"", "evil.example", "loom.myshopify.com.evil.example", "loom.myshopify.com@evil.example", "loom.myshopify.com/x"} {
		_, err := app.AuthorizeURL(shop, "st")
		assert.Error(t, err, shop)
	}
	_, err = app.AuthorizeURL(domain, "")
	assert.ErrorContains(t, err, "state")
	one, another := shopify.NewState(), shopify.NewState()
	assert.NotEqual(t, one, another)
	assert.Len(t, one, 48)
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const state = "the-browsers-state"
	genuine := func() url.Values { return w.install(t, state) }
	signed := func(change func(url.Values)) url.Values {
		q := genuine()
		change(q)
		return w.sim.SignQuery(q)
	}
	unsigned := func(change func(url.Values)) url.Values {
		q := genuine()
		change(q)
		return q
	}
	now := w.clock.Now()
	for name, tt := range map[string]struct {
		query       url.Values
		shop, state string
		want        error
	}{
		"genuine":                   {genuine(), domain, state, nil},
		"genuine, shop in capitals": {genuine(), "LOOM.myshopify.com", state, nil},
		"another code":              {unsigned(func(q url.Values) { q.Set("code", "stolen") }), domain, state, shopify.ErrCallbackSignature},
		"another shop":              {unsigned(func(q url.Values) { q.Set("shop", "evil.myshopify.com") }), "evil.myshopify.com", state, shopify.ErrCallbackSignature},
		"a parameter more":          {unsigned(func(q url.Values) { q.Set("admin", "1") }), domain, state, shopify.ErrCallbackSignature},
		"no hmac":                   {unsigned(func(q url.Values) { q.Del("hmac") }), domain, state, shopify.ErrCallbackSignature},
		"empty hmac":                {unsigned(func(q url.Values) { q.Set("hmac", "") }), domain, state, shopify.ErrCallbackSignature},
		"hmac of nothing":           {url.Values{"hmac": {"00"}}, domain, state, shopify.ErrCallbackSignature},
		"two shops":                 {unsigned(func(q url.Values) { q.Add("shop", "evil.myshopify.com") }), domain, state, shopify.ErrCallbackSignature},
		"two hmacs":                 {unsigned(func(q url.Values) { q.Add("hmac", q.Get("hmac")) }), domain, state, shopify.ErrCallbackSignature},
		"shop hidden in the code":   {unsigned(func(q url.Values) { q.Set("code", q.Get("code")+"&host="+q.Get("host")); q.Del("host") }), domain, state, shopify.ErrCallbackSignature},
		"state of another browser":  {genuine(), domain, "another", shopify.ErrCallbackState},
		"no state kept":             {signed(func(q url.Values) { q.Set("state", "") }), domain, "", shopify.ErrCallbackState},
		"shop of another install":   {genuine(), "other.myshopify.com", state, shopify.ErrCallbackShop},
		"no shop kept":              {genuine(), "", state, shopify.ErrCallbackShop},
		"a shop that is none":       {signed(func(q url.Values) { q.Set("shop", "evil.example") }), "evil.example", state, shopify.ErrCallbackShop},
		"no shop":                   {signed(func(q url.Values) { q.Del("shop") }), domain, state, shopify.ErrCallbackShop},
		"no code":                   {signed(func(q url.Values) { q.Del("code") }), domain, state, shopify.ErrCallbackCode},
		"replayed from an hour ago": {signed(func(q url.Values) { q.Set("timestamp", stamp(now.Add(-time.Hour))) }), domain, state, shopify.ErrCallbackStale},
		"from the future":           {signed(func(q url.Values) { q.Set("timestamp", stamp(now.Add(time.Hour))) }), domain, state, shopify.ErrCallbackStale},
		"without a time":            {signed(func(q url.Values) { q.Del("timestamp") }), domain, state, shopify.ErrCallbackStale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cb, err := w.app.VerifyCallback(tt.query, tt.shop, tt.state)
			require.ErrorIs(t, err, tt.want)
			if tt.want == nil {
				assert.Equal(t, domain, cb.Shop)
				assert.True(t, cb.Code.Set())
				assert.NotEmpty(t, cb.Host)
				return
			}
			assert.Empty(t, cb)
		})
	}

	t.Run("secrets", func(t *testing.T) {
		t.Parallel()
		q := genuine()
		for _, tt := range []struct {
			secrets secret.List
			want    bool
		}{
			{secret.List{"hush"}, true}, {secret.List{"new", "hush"}, true}, {secret.List{"other"}, false},
			{nil, false}, {secret.List{""}, false},
		} {
			app := w.app
			app.Secrets = tt.secrets
			assert.Equal(t, tt.want, app.VerifyQuery(q))
		}
	})
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	code := secret.Secret(w.install(t, "st").Get("code"))
	_, err := w.app.Exchange(soon(t), "other.myshopify.com", code)
	require.Error(t, err, "another shop's code")
	code = secret.Secret(w.install(t, "st").Get("code"))
	_, err = w.app.Exchange(soon(t), domain, code)
	require.NoError(t, err)
	_, err = w.app.Exchange(soon(t), domain, code)
	require.ErrorIs(t, err, shopify.ErrReinstall)
	assert.NotContains(t, err.Error(), code.Reveal())

	code = secret.Secret(w.install(t, "st").Get("code"))
	w.clock.Advance(2 * time.Minute)
	_, err = w.app.Exchange(soon(t), domain, code)
	require.ErrorIs(t, err, shopify.ErrReinstall)
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first := w.tokens(t)
	w.clock.Advance(time.Hour)
	_, err := w.clientWith(t, first.Access, "2026-10").ShopInfo(soon(t))
	require.ErrorIs(t, err, shopify.ErrUnauthorized, "it expired")

	lost, err := w.app.Refresh(soon(t), domain, first.Refresh)
	require.NoError(t, err)
	second, err := w.app.Refresh(soon(t), domain, first.Refresh)
	require.NoError(t, err, "a pair that was lost before it was stored does no harm")
	assert.NotEqual(t, lost.Access, second.Access)
	assert.NotEqual(t, first.Refresh, second.Refresh)
	assert.Equal(t, w.clock.Now().Add(time.Hour), second.ExpiresAt)

	_, err = w.clientWith(t, second.Access, "2026-10").ShopInfo(soon(t))
	require.NoError(t, err)
	_, err = w.app.Refresh(soon(t), domain, first.Refresh)
	require.ErrorIs(t, err, shopify.ErrReinstall, "the old one ends when the new one is used")
	assert.False(t, shopify.Temporary(err))

	w.clock.Advance(91 * 24 * time.Hour)
	_, err = w.app.Refresh(soon(t), domain, second.Refresh)
	require.ErrorIs(t, err, shopify.ErrReinstall, "after 90 days")
	_, err = w.app.Refresh(soon(t), domain, "")
	require.ErrorIs(t, err, shopify.ErrReinstall)
}

func TestAWrongSecretIsNotTheShopsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tokens := w.tokens(t)
	app := w.app
	app.Secrets = secret.List{"typo"}
	_, err := app.Refresh(soon(t), domain, tokens.Refresh)
	require.ErrorIs(t, err, shopify.ErrClient)
	require.NotErrorIs(t, err, shopify.ErrReinstall)

	app.Secrets = nil
	_, err = app.Refresh(soon(t), domain, tokens.Refresh)
	require.ErrorIs(t, err, shopify.ErrClient)

	app.Secrets = secret.List{"not in force yet", "hush"}
	_, err = app.Refresh(soon(t), domain, tokens.Refresh)
	require.NoError(t, err)
}

func TestTokenCallsFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status    int
		body      string
		want      error
		temporary bool
	}{
		"outage":            {502, `<html>`, shopify.ErrOutage, true},
		"too many requests": {429, ``, shopify.ErrThrottled, true},
		"unauthorized":      {401, ``, shopify.ErrReinstall, false},
		"invalid grant":     {400, `{"error":"invalid_grant","error_description":"gone"}`, shopify.ErrReinstall, false},
		"bad request":       {400, `<html>nothing we know</html>`, shopify.ErrRefused, false},
		"the shop is gone":  {404, ``, shopify.ErrShopUnavailable, false},
		"the app is gone":   {401, `{"error":"invalid_client"}`, shopify.ErrClient, false},
		"a redirect":        {302, ``, shopify.ErrRefused, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			app := shopify.App{ClientID: "app-id", Secrets: secret.List{"s3cr3t"}, BaseURL: server.URL}
			_, err := app.Refresh(soon(t), domain, "shprt_secret")
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, tt.temporary, shopify.Temporary(err))
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.NotContains(t, err.Error(), "shprt_secret")
			assert.Equal(t, 1, calls, "no redirect is followed")
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(nil)
		server.Close()
		app := shopify.App{ClientID: "app-id", Secrets: secret.List{"s3cr3t"}, BaseURL: server.URL}
		_, err := app.Refresh(soon(t), domain, "shprt_secret")
		require.ErrorIs(t, err, shopify.ErrOutage)
		assert.True(t, shopify.Temporary(err))
	})
	t.Run("no answer in time", func(t *testing.T) {
		t.Parallel()
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
		defer server.Close()
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		app := shopify.App{ClientID: "app-id", Secrets: secret.List{"s3cr3t"}, BaseURL: server.URL}
		_, err := app.Refresh(ctx, domain, "shprt_secret")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, shopify.Temporary(err))
	})
	t.Run("an answer without a token", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
		defer server.Close()
		app := shopify.App{ClientID: "app-id", Secrets: secret.List{"s3cr3t"}, BaseURL: server.URL}
		_, err := app.Refresh(soon(t), domain, "shprt_secret")
		require.ErrorContains(t, err, "access_token: missing")
	})
}

func TestMissingScopes(t *testing.T) {
	t.Parallel()
	tokens := shopify.Tokens{Scopes: []string{"write_orders", "read_customers"}}
	assert.Equal(t, []string{"write_customers", "read_discounts"},
		tokens.Missing([]string{"read_orders", "write_orders", "read_customers", "write_customers", "read_discounts"}))
}
