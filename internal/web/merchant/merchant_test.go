package merchant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ringback/internal/web/webtest"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bearer is a session token as App Bridge sends it from the admin of a shop.
func bearer(t *testing.T, shop string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://" + shop + "/admin", "dest": "https://" + shop, "aud": "ours", "sub": "1",
		"exp": webtest.Now.Add(time.Minute).Unix(), "nbf": webtest.Now.Unix(), "iat": webtest.Now.Unix(),
	}).SignedString([]byte("shared new"))
	require.NoError(t, err)
	return "Bearer " + token
}

func TestMerchant_SeesTheirOwnShopOnly(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Connect(webtest.Acme)
	s.Seed(webtest.SomeCart(), webtest.BoughtCart())
	a := s.Send(http.MethodGet, "/app/shop", nil, "Authorization", bearer(t, webtest.Acme))
	assert.Equal(t, http.StatusOK, a.StatusCode)
	for _, want := range []string{"<h1>acme</h1>", "Active", "Pause calling", "Asha Rao", "1,895.50 INR", "Scheduled: delay", "14:15:00 IST", "No calls yet."} {
		assert.Contains(t, a.Text(), want)
	}
	assert.NotContains(t, a.Text(), "Ben Ito")
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))

	webtest.IsProblem(t, s.Send(http.MethodGet, "/app/shop", nil), http.StatusUnauthorized)
	p := webtest.IsProblem(t, s.Send(http.MethodGet, "/app/shop", nil, "Authorization", bearer(t, "other.myshopify.com")), http.StatusForbidden)
	assert.Equal(t, "urn:ringback:problem:shop-unknown", p["type"])
}

func TestMerchant_PausesResumesAndSuppresses(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	send := func(path string, fields url.Values) string {
		a := s.Send(http.MethodPost, "/app"+path, strings.NewReader(fields.Encode()),
			"Authorization", bearer(t, webtest.Acme), "Content-Type", "application/x-www-form-urlencoded")
		require.Equal(t, http.StatusOK, a.StatusCode, a.Text())
		return a.Text()
	}
	paused := send("/pause", nil)
	assert.Contains(t, paused, "Calling is paused for this shop.")
	assert.Contains(t, paused, "Resume calling")
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM shops WHERE paused_by = 'merchant'`))
	assert.Contains(t, send("/resume", nil), "Pause calling")
	assert.Contains(t, send("/suppress", url.Values{"phone": {"12"}}), "Not done: write a valid phone number")
	assert.Contains(t, send("/suppress", url.Values{"phone": {"98765 43210"}}), "Added to the do-not-call list.")
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM suppressions WHERE scope = $1 AND source = 'merchant'`, webtest.Acme))
}

func TestInstall_IsOfferedToConfiguredShopsOnly(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for query, status := range map[string]int{
		"":           http.StatusBadRequest,
		"?shop=acme": http.StatusBadRequest,
		"?shop=a.myshopify.com&shop=" + webtest.Acme: http.StatusBadRequest,
		"?shop=other.myshopify.com":                  http.StatusForbidden,
		"?hmac=00&shop=" + webtest.Acme:              http.StatusForbidden,
	} {
		webtest.IsProblem(t, s.Send(http.MethodGet, "/shopify/install"+query, nil), status)
	}
	a := s.Send(http.MethodGet, "/shopify/install?shop="+webtest.Acme, nil)
	assert.Equal(t, http.StatusFound, a.StatusCode)
	assert.True(t, strings.HasPrefix(a.Header.Get("Location"), "https://"+webtest.Acme+"/admin/oauth/authorize?"), a.Header.Get("Location"))
	assert.Contains(t, a.Header.Get("Set-Cookie"), "HttpOnly")
	webtest.IsProblem(t, s.Send(http.MethodGet, "/shopify/callback?shop="+webtest.Acme+"&code=x&state=guess", nil), http.StatusForbidden)
}
