package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNew_OpenPagesOnOpenListenerAreRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for listen, fine := range map[string]bool{
		"127.0.0.1:0": true, "localhost:8080": true, "[::1]:8080": true, ":8080": false, "0.0.0.0:8080": false, "10.0.0.7:80": false, "8080": false,
	} {
		for _, password := range []string{"", "a long enough password"} {
			cfg := *s.Config
			cfg.Server.Listen = listen
			cfg.Security.DashboardPassword = s.Config.Security.DashboardPassword
			if password != "" {
				cfg.Security.DashboardPassword = "a long enough password"
			}
			_, err := web.New(web.Options{Engine: s.Engine, DB: s.DB, Config: &cfg, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
			if fine || password != "" && listen != "8080" {
				assert.NoError(t, err, listen)
				continue
			}
			assert.ErrorContains(t, err, "listen", listen)
		}
	}
}

// The log says what happened. It names no person and no token.
func TestLog_HoldsNoPersonsAndNoTokens(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, token := webtest.CallingCart(s)
	bought := webtest.BoughtCart()
	s.Seed(bought)
	s.Callback("mirai", token, "pk", "sk", webtest.MiraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	s.Callback("mirai", token, "pk", "guess", []byte("{}"))
	s.API(http.MethodPost, "/api/v1/suppressions", map[string]string{"phone": "+14155550123", "email": "ben@example.com"})
	s.API(http.MethodDelete, "/api/v1/suppressions?phone=%2B14155550123", nil)
	s.Page("/carts/" + bought.ID.String())
	s.Page("/suppressions?shop=asha@example.com")
	s.Form("/suppressions", url.Values{"email": {"asha@example.com"}})
	s.Form("/carts/"+c.ID.String()+"/suppress", url.Values{})
	s.Webhook(webtest.Acme, "checkouts/create", "shared new", webtest.Checkout("t"))
	s.Page("/nobody/asha@example.com")
	s.Send("ASHA", "/carts", nil)

	log := s.Log.String()
	for _, secret := range []string{token, webtest.APIToken, "14155550123", "9876543210", "asha", "ASHA", "Asha", "ben@", "sk", "127.0.0.1"} {
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

func TestServer_PanicIsAnswered(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(o *web.Options) {
		o.RiverUI = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of coffee") })
	})
	a := s.Page("/jobs/")
	assert.Equal(t, http.StatusInternalServerError, a.StatusCode)
	assert.NotContains(t, a.Text(), "coffee")
	assert.Contains(t, s.Log.String(), "coffee")
	assert.Equal(t, http.StatusOK, s.Page("/carts").StatusCode)
}

// state is everything in the database, for comparison.
func state(s *webtest.Site) string {
	s.T.Helper()
	rows, err := s.Pool.Query(s.T.Context(), `
		SELECT oid::regclass::text
		FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		ORDER BY 1`)
	require.NoError(s.T, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.T, err)
	var all bytes.Buffer
	for _, table := range tables {
		var sum string
		err := s.Pool.QueryRow(s.T.Context(), fmt.Sprintf(`SELECT COALESCE(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM %s AS t`, table)).Scan(&sum)
		require.NoError(s.T, err)
		fmt.Fprintln(&all, table, sum)
	}
	return all.String()
}

func TestServer_HeadAndOptionsChangeNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := webtest.SomeCart()
	s.Seed(c)
	made, err := s.Engine.Suppress(t.Context(), webtest.Bolt, "+14155550123", "", "api")
	require.NoError(t, err)
	lifted, id, cartPath := made[0].ID.String(), webtest.DataRequest(s), "/carts/"+c.ID.String()
	before := state(s)
	for _, path := range []string{
		"/", "/carts", cartPath, cartPath + "/call", cartPath + "/cancel", cartPath + "/suppress", "/calls", "/suppressions",
		"/suppressions/" + lifted + "/lift", "/shops", "/shops/" + webtest.Acme, "/shops/" + webtest.Acme + "/pause", "/shops/" + webtest.Acme + "/resume",
		"/api/v1/carts", "/api/v1" + cartPath, "/api/v1" + cartPath + "/call", "/api/v1" + cartPath + "/cancel", "/api/v1/calls",
		"/api/v1/suppressions", "/api/v1/suppressions?reason=x&id=" + lifted, "/api/v1/suppressions/" + lifted + "?reason=x",
		"/api/v1/shops/" + webtest.Acme + "/pause", "/api/v1/shops/" + webtest.Acme + "/resume", "/api/v1/stats", "/api/v1/privacy",
		"/api/v1/privacy/" + id, "/api/v1/privacy/" + id + "/done", "/app", "/app/pause", "/app/resume", "/app/suppress",
		"/shopify/install?shop=" + webtest.Acme, "/shopify/callback?shop=" + webtest.Acme + "&code=x&state=y", "/webhooks/shopify",
		"/webhooks/voice/mirai/token", "/healthz", "/readyz", "/metrics",
	} {
		for _, method := range []string{http.MethodHead, http.MethodOptions} {
			a := s.Send(method, path, nil, "Authorization", "Bearer "+webtest.APIToken, "Sec-Fetch-Site", "same-origin")
			assert.Less(t, a.StatusCode, http.StatusInternalServerError, "%s %s", method, path)
			assert.Empty(t, a.Cookies(), "%s %s", method, path)
			assert.Equal(t, before, state(s), "%s %s", method, path)
		}
	}
}
