package web_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func TestPagesCarryTheirHeaders(t *testing.T) {
	t.Parallel()
	open, locked := newSite(t, withUI), newSite(t, withPassword)
	for _, a := range []answer{
		open.page("/"), open.page("/carts"), open.page("/nothing"), open.page("/carts/none"), open.page("/carts?state=none"),
		locked.page("/"), locked.page("/login"), locked.logIn("wrong"),
	} {
		assert.Equal(t, strictPolicy, a.Header.Get("Content-Security-Policy"), a.Request.URL.Path)
		assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "DENY", a.Header.Get("X-Frame-Options"))
		assert.Equal(t, "same-origin", a.Header.Get("Referrer-Policy"))
		assert.Contains(t, a.Header.Values("Cache-Control"), "no-store")
	}
	jobs := open.page("/jobs/")
	assert.Equal(t, "jobs at /jobs/", jobs.text())
	policy := jobs.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe-eval")
	assert.NotContains(t, policy, "http")
}

// Without a password a loopback listener is not enough: tunnels and hostile names lead to it.
func TestPagesWithoutAPasswordAreForThisMachine(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUI)
	for _, host := range []string{"127.0.0.1:8080", "localhost", "LOCALHOST:80", "[::1]:8080", "ringback.localhost"} {
		assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/carts", nil, "Host", host).StatusCode, host)
	}
	for _, header := range [][]string{
		{"Host", "calls.example.com"}, {"Host", "127.0.0.1.evil.example"}, {"Host", "localhost.evil.example:8080"}, {"Host", "10.0.0.7"},
		{"X-Forwarded-For", "203.0.113.9"}, {"Forwarded", "for=203.0.113.9"}, {"X-Real-Ip", "203.0.113.9"}, {"X-Forwarded-Host", "calls.example.com"},
		{"Cf-Connecting-Ip", "203.0.113.9"},
	} {
		for _, path := range []string{"/", "/carts", "/jobs/", "/jobs/api/jobs"} {
			a := s.send(http.MethodGet, path, nil, header...)
			isProblem(t, a, http.StatusForbidden)
			assert.Contains(t, a.text(), "security.dashboard_password")
		}
	}
	assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/healthz", nil, "Host", "calls.example.com").StatusCode)
	a := s.send(http.MethodGet, "/api/v1/carts", nil, "Host", "calls.example.com", "Authorization", "Bearer "+apiToken)
	assert.Equal(t, http.StatusOK, a.StatusCode, "the API has its token")

	locked := newSite(t, withPassword)
	assert.Equal(t, http.StatusOK, locked.send(http.MethodGet, "/login", nil, "Host", "calls.example.com").StatusCode)
}

func TestMetrics_AreForThisMachineAndTheAPIToken(t *testing.T) {
	t.Parallel()
	withoutToken := func(o *web.Options) { o.Config.Security.APIToken = "" }
	for name, s := range map[string]*site{
		"open": newSite(t), "with a password": newSite(t, withPassword), "without a token": newSite(t, withPassword, withoutToken),
	} {
		assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/metrics", nil).StatusCode, name)
		assert.Equal(t, http.StatusOK, s.send(http.MethodHead, "/metrics", nil, "Host", "localhost:8080").StatusCode, name)
		for _, header := range [][]string{
			{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-For", ""}, {"X-Forwarded-Proto", "https"},
			{"Forwarded", "for=127.0.0.1"}, {"Via", "1.1 proxy"}, {"X-Real-Ip", "127.0.0.1"}, {"True-Client-Ip", "203.0.113.9"},
			{"Cf-Connecting-Ip", "203.0.113.9"}, {"Host", "calls.example.com"}, {"Host", "127.0.0.1.evil.example"},
		} {
			a := s.send(http.MethodGet, "/metrics", nil, header...)
			bearer := s.send(http.MethodGet, "/metrics", nil, append(header, "Authorization", "Bearer "+apiToken)...)
			wrong := s.send(http.MethodGet, "/metrics", nil, append(header, "Authorization", "Bearer "+password)...)
			if name == "without a token" {
				for _, a := range []answer{a, bearer, wrong} {
					isProblem(t, a, http.StatusForbidden)
					assert.Contains(t, a.text(), "security.api_token")
				}
				continue
			}
			isProblem(t, a, http.StatusUnauthorized)
			assert.NotContains(t, a.text(), "ringback_carts")
			isProblem(t, wrong, http.StatusUnauthorized)
			assert.Equal(t, http.StatusOK, bearer.StatusCode, "%s %v", name, header)
			assert.Contains(t, bearer.text(), "ringback_carts")
		}
	}
	s := newSite(t, withPassword)
	s.logIn(password)
	isProblem(t, s.send(http.MethodGet, "/metrics", nil, "X-Forwarded-For", "203.0.113.9"), http.StatusUnauthorized)
}

func TestOpenPagesOnOpenListenersAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for listen, fine := range map[string]bool{
		"127.0.0.1:0": true, "localhost:8080": true, "[::1]:8080": true, ":8080": false, "0.0.0.0:8080": false, "10.0.0.7:80": false, "8080": false,
	} {
		for _, password := range []string{"", "a long enough password"} {
			cfg := *s.cfg
			cfg.Server.Listen = listen
			cfg.Security.DashboardPassword = s.cfg.Security.DashboardPassword
			if password != "" {
				cfg.Security.DashboardPassword = "a long enough password"
			}
			_, err := web.New(web.Options{Engine: s.engine, DB: s.db, Config: &cfg, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
			if fine || password != "" && listen != "8080" {
				assert.NoError(t, err, listen)
				continue
			}
			assert.ErrorContains(t, err, "listen", listen)
		}
	}
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUI)
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		for _, path := range []string{"/shops/" + acme + "/pause", "/suppressions", "/jobs/api/jobs/cancel"} {
			a := s.send(http.MethodPost, path, strings.NewReader("phone=%2B919876543210"), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
			p := isProblem(t, a, http.StatusForbidden)
			assert.Equal(t, "urn:ringback:problem:cross-origin", p["type"], "%s %v", path, header)
		}
		a := s.send(http.MethodGet, "/carts", nil, header...)
		assert.Equal(t, http.StatusOK, a.StatusCode, "links from elsewhere are fine")
	}
	shop, err := s.db.Shop(t.Context(), acme)
	require.NoError(t, err)
	assert.Nil(t, shop.PausedAt)
	assert.Zero(t, s.count(`SELECT count(*) FROM suppressions`))

	a := s.send(http.MethodPost, "/shops/"+acme+"/pause", nil, "Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusSeeOther, a.StatusCode, "a proxy may change the host; public_url is ours")
	locked := newSite(t, withPassword)
	a = locked.send(http.MethodPost, "/login", strings.NewReader("password="+url.QueryEscape(password)), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, a.StatusCode)
}

func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.form("/suppressions", url.Values{"phone": {strings.Repeat("1", 70_000)}})
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode)
}

// The log says what happened, never to whom nor with which token.
func TestTheLogHoldsNoPersonsAndNoTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, token := callingCart(s)
	bought := boughtCart()
	s.seed(bought)
	s.callback("mirai", token, "pk", "sk", miraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	s.callback("mirai", token, "pk", "guess", []byte("{}"))
	s.api(http.MethodPost, "/api/v1/suppressions", map[string]string{"phone": "+14155550123", "email": "ben@example.com"})
	s.api(http.MethodDelete, "/api/v1/suppressions?phone=%2B14155550123", nil)
	s.page("/carts/" + bought.ID.String())
	s.page("/suppressions?shop=asha@example.com")
	s.form("/suppressions", url.Values{"email": {"asha@example.com"}})
	s.form("/carts/"+c.ID.String()+"/suppress", url.Values{})
	s.webhook(acme, "checkouts/create", "shared new", checkout("t"))
	s.page("/nobody/asha@example.com")
	s.send("ASHA", "/carts", nil)

	log := s.log.String()
	for _, secret := range []string{token, apiToken, "14155550123", "9876543210", "asha", "ASHA", "Asha", "ben@", "sk", "127.0.0.1"} {
		assert.NotContains(t, log, secret)
	}
	routes := map[string]bool{}
	for line := range strings.Lines(log) {
		var entry struct {
			Msg, Method, Route string
			Status             int
			RequestID          string `json:"request_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Msg == "request" {
			routes[entry.Method+" "+entry.Route] = true
			assert.NotZero(t, entry.Status)
			assert.Len(t, entry.RequestID, 36)
		}
	}
	for _, want := range []string{
		"POST /webhooks/voice/:provider/:token", "POST /webhooks/shopify", "GET /carts/:id", "POST /carts/:id/suppress",
		"DELETE /api/v1/suppressions", "GET unmatched",
	} {
		assert.Contains(t, routes, want)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) {
		o.RiverUI = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of coffee") })
	})
	a := s.page("/jobs/")
	assert.Equal(t, http.StatusInternalServerError, a.StatusCode)
	assert.NotContains(t, a.text(), "coffee")
	assert.Contains(t, s.log.String(), "coffee")
	assert.Equal(t, http.StatusOK, s.page("/carts").StatusCode)
}
