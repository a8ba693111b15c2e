package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"ringback/internal/web/webtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
