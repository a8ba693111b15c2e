package guard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func TestPages_CarrySecurityHeaders(t *testing.T) {
	t.Parallel()
	open, locked := webtest.New(t, webtest.WithUI), webtest.New(t, webtest.WithPassword)
	for _, a := range []webtest.Answer{
		open.Page("/"), open.Page("/carts"), open.Page("/nothing"), open.Page("/carts/none"), open.Page("/carts?state=none"),
		locked.Page("/"), locked.Page("/login"), locked.LogIn("wrong"),
	} {
		assert.Equal(t, strictPolicy, a.Header.Get("Content-Security-Policy"), a.Request.URL.Path)
		assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "DENY", a.Header.Get("X-Frame-Options"))
		assert.Equal(t, "same-origin", a.Header.Get("Referrer-Policy"))
		assert.Contains(t, a.Header.Values("Cache-Control"), "no-store")
	}
	jobs := open.Page("/jobs/")
	assert.Equal(t, "jobs at /jobs/", jobs.Text())
	policy := jobs.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe-eval")
	assert.NotContains(t, policy, "http")
}

// Without a password a loopback listener is not enough: tunnels and hostile host names lead to it.
func TestPages_WithoutPasswordAreForThisMachine(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithUI)
	for _, host := range []string{"127.0.0.1:8080", "localhost", "LOCALHOST:80", "[::1]:8080", "[::1]", "ringback.localhost"} {
		assert.Equal(t, http.StatusOK, s.Send(http.MethodGet, "/carts", nil, "Host", host).StatusCode, host)
	}
	for _, header := range [][]string{
		{"Host", "calls.example.com"}, {"Host", "127.0.0.1.evil.example"}, {"Host", "localhost.evil.example:8080"}, {"Host", "10.0.0.7"},
		{"X-Forwarded-For", "203.0.113.9"}, {"Forwarded", "for=203.0.113.9"}, {"X-Real-Ip", "203.0.113.9"}, {"X-Forwarded-Host", "calls.example.com"},
		{"Cf-Connecting-Ip", "203.0.113.9"},
	} {
		for _, path := range []string{"/", "/carts", "/jobs/", "/jobs/api/jobs"} {
			a := s.Send(http.MethodGet, path, nil, header...)
			webtest.IsProblem(t, a, http.StatusForbidden)
			assert.Contains(t, a.Text(), "security.dashboard_password")
		}
	}
	assert.Equal(t, http.StatusOK, s.Send(http.MethodGet, "/healthz", nil, "Host", "calls.example.com").StatusCode)
	a := s.Send(http.MethodGet, "/api/v1/carts", nil, "Host", "calls.example.com", "Authorization", "Bearer "+webtest.APIToken)
	assert.Equal(t, http.StatusOK, a.StatusCode, "the API has its token")

	locked := webtest.New(t, webtest.WithPassword)
	assert.Equal(t, http.StatusOK, locked.Send(http.MethodGet, "/login", nil, "Host", "calls.example.com").StatusCode)
}

func TestMetrics_AreForThisMachineAndTheAPIToken(t *testing.T) {
	t.Parallel()
	withoutToken := func(o *web.Options) { o.Config.Security.APIToken = "" }
	for name, s := range map[string]*webtest.Site{
		"open": webtest.New(t), "with a password": webtest.New(t, webtest.WithPassword), "without a token": webtest.New(t, webtest.WithPassword, withoutToken),
	} {
		assert.Equal(t, http.StatusOK, s.Send(http.MethodGet, "/metrics", nil).StatusCode, name)
		assert.Equal(t, http.StatusOK, s.Send(http.MethodHead, "/metrics", nil, "Host", "localhost:8080").StatusCode, name)
		for _, header := range [][]string{
			{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-For", ""}, {"X-Forwarded-Proto", "https"},
			{"Forwarded", "for=127.0.0.1"}, {"Via", "1.1 proxy"}, {"X-Real-Ip", "127.0.0.1"}, {"True-Client-Ip", "203.0.113.9"},
			{"Cf-Connecting-Ip", "203.0.113.9"}, {"Host", "calls.example.com"}, {"Host", "127.0.0.1.evil.example"},
		} {
			a := s.Send(http.MethodGet, "/metrics", nil, header...)
			bearer := s.Send(http.MethodGet, "/metrics", nil, append(header, "Authorization", "Bearer "+webtest.APIToken)...)
			wrong := s.Send(http.MethodGet, "/metrics", nil, append(header, "Authorization", "Bearer "+webtest.Password)...)
			if name == "without a token" {
				for _, a := range []webtest.Answer{a, bearer, wrong} {
					webtest.IsProblem(t, a, http.StatusForbidden)
					assert.Contains(t, a.Text(), "security.api_token")
				}
				continue
			}
			webtest.IsProblem(t, a, http.StatusUnauthorized)
			assert.NotContains(t, a.Text(), "ringback_carts")
			webtest.IsProblem(t, wrong, http.StatusUnauthorized)
			assert.Equal(t, http.StatusOK, bearer.StatusCode, "%s %v", name, header)
			assert.Contains(t, bearer.Text(), "ringback_carts")
		}
	}
	s := webtest.New(t, webtest.WithPassword)
	s.LogIn(webtest.Password)
	webtest.IsProblem(t, s.Send(http.MethodGet, "/metrics", nil, "X-Forwarded-For", "203.0.113.9"), http.StatusUnauthorized)
}

func TestForms_OfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithUI)
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		for _, path := range []string{"/shops/" + webtest.Acme + "/pause", "/suppressions", "/jobs/api/jobs/cancel"} {
			a := s.Send(http.MethodPost, path, strings.NewReader("phone=%2B919876543210"), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
			p := webtest.IsProblem(t, a, http.StatusForbidden)
			assert.Equal(t, "urn:ringback:problem:cross-origin", p["type"], "%s %v", path, header)
		}
		a := s.Send(http.MethodGet, "/carts", nil, header...)
		assert.Equal(t, http.StatusOK, a.StatusCode, "links from elsewhere are fine")
	}
	shop, err := s.DB.Shop(t.Context(), webtest.Acme)
	require.NoError(t, err)
	assert.Nil(t, shop.PausedAt)
	assert.Zero(t, s.Count(`SELECT count(*) FROM suppressions`))

	a := s.Send(http.MethodPost, "/shops/"+webtest.Acme+"/pause", nil, "Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusSeeOther, a.StatusCode, "a proxy may change the host; public_url is ours")
	locked := webtest.New(t, webtest.WithPassword)
	a = locked.Send(http.MethodPost, "/login", strings.NewReader("password="+url.QueryEscape(webtest.Password)), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, a.StatusCode)
}

func TestForms_AreBounded(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	a := s.Form("/suppressions", url.Values{"phone": {strings.Repeat("1", 70_000)}})
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode)
}
