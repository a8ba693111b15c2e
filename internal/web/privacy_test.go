package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/webtest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dataRequest asks for what is kept of the customer of someCart.
func dataRequest(s *webtest.Site) string {
	s.T.Helper()
	var id uuid.UUID
	require.NoError(s.T, s.DB.InTx(s.T.Context(), func(ctx context.Context, tx *postgres.Tx) (err error) {
		id, err = tx.AskPrivacy(ctx, webtest.Acme, postgres.PrivacyDataRequest, "w1", cart.PersonWith("", []string{"asha@example.com"}, nil))
		return err
	}))
	return id.String()
}

func TestPrivacy_HeadHandsNothingOutAndMarksNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Seed(webtest.SomeCart())
	path := "/api/v1/privacy/" + dataRequest(s)
	for range 2 {
		a := s.API(http.MethodHead, path, nil)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Empty(t, a.Content)
		assert.Equal(t, 1, s.Count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NULL`))
	}
	assert.Equal(t, http.StatusNotFound, s.API(http.MethodHead, "/api/v1/privacy/"+uuid.NewString(), nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, s.Send(http.MethodHead, path, nil).StatusCode)

	a := s.API(http.MethodGet, path, nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	var export struct {
		Carts        []json.RawMessage `json:"carts"`
		Orders       []json.RawMessage `json:"orders"`
		Suppressions []json.RawMessage `json:"suppressions"`
		Lifted       []json.RawMessage `json:"lifted_suppressions"`
	}
	require.NoError(t, json.Unmarshal(a.Content, &export))
	assert.Len(t, export.Carts, 1)
	assert.NotNil(t, export.Orders)
	assert.NotNil(t, export.Suppressions)
	assert.NotNil(t, export.Lifted)
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NOT NULL`))
	assert.Equal(t, http.StatusOK, s.API(http.MethodPost, path+"/done", nil).StatusCode)
	assert.Equal(t, http.StatusConflict, s.API(http.MethodHead, path, nil).StatusCode, "nothing is left to hand out")
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
	lifted, id, cartPath := made[0].ID.String(), dataRequest(s), "/carts/"+c.ID.String()
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
