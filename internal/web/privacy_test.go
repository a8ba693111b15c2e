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

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dataRequest asks for what is kept of the customer of someCart.
func (s *site) dataRequest() string {
	s.t.Helper()
	var id uuid.UUID
	require.NoError(s.t, s.db.InTx(s.t.Context(), func(ctx context.Context, tx *postgres.Tx) (err error) {
		id, err = tx.AskPrivacy(ctx, acme, postgres.PrivacyDataRequest, "w1", cart.PersonWith("", []string{"asha@example.com"}, nil))
		return err
	}))
	return id.String()
}

func TestPrivacy_HeadHandsNothingOutAndMarksNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.seed(someCart())
	path := "/api/v1/privacy/" + s.dataRequest()
	for range 2 {
		a := s.api(http.MethodHead, path, nil)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Empty(t, a.body)
		assert.Equal(t, 1, s.count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NULL`))
	}
	assert.Equal(t, http.StatusNotFound, s.api(http.MethodHead, "/api/v1/privacy/"+uuid.NewString(), nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, s.send(http.MethodHead, path, nil).StatusCode)

	a := s.api(http.MethodGet, path, nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	var export struct {
		Carts        []json.RawMessage `json:"carts"`
		Orders       []json.RawMessage `json:"orders"`
		Suppressions []json.RawMessage `json:"suppressions"`
		Lifted       []json.RawMessage `json:"lifted_suppressions"`
	}
	require.NoError(t, json.Unmarshal(a.body, &export))
	assert.Len(t, export.Carts, 1)
	assert.NotNil(t, export.Orders)
	assert.NotNil(t, export.Suppressions)
	assert.NotNil(t, export.Lifted)
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NOT NULL`))
	assert.Equal(t, http.StatusOK, s.api(http.MethodPost, path+"/done", nil).StatusCode)
	assert.Equal(t, http.StatusConflict, s.api(http.MethodHead, path, nil).StatusCode, "nothing is left to hand out")
}

// state is everything in the database, for comparison.
func (s *site) state() string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `
		SELECT oid::regclass::text
		FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		ORDER BY 1`)
	require.NoError(s.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	var all bytes.Buffer
	for _, table := range tables {
		var sum string
		err := s.pool.QueryRow(s.t.Context(), fmt.Sprintf(`SELECT COALESCE(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM %s AS t`, table)).Scan(&sum)
		require.NoError(s.t, err)
		fmt.Fprintln(&all, table, sum)
	}
	return all.String()
}

func TestHeadAndOptions_ChangeNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := someCart()
	s.seed(c)
	made, err := s.engine.Suppress(t.Context(), bolt, "+14155550123", "", "api")
	require.NoError(t, err)
	lifted, id, cartPath := made[0].ID.String(), s.dataRequest(), "/carts/"+c.ID.String()
	before := s.state()
	for _, path := range []string{
		"/", "/carts", cartPath, cartPath + "/call", cartPath + "/cancel", cartPath + "/suppress", "/calls", "/suppressions",
		"/suppressions/" + lifted + "/lift", "/shops", "/shops/" + acme, "/shops/" + acme + "/pause", "/shops/" + acme + "/resume",
		"/api/v1/carts", "/api/v1" + cartPath, "/api/v1" + cartPath + "/call", "/api/v1" + cartPath + "/cancel", "/api/v1/calls",
		"/api/v1/suppressions", "/api/v1/suppressions?reason=x&id=" + lifted, "/api/v1/suppressions/" + lifted + "?reason=x",
		"/api/v1/shops/" + acme + "/pause", "/api/v1/shops/" + acme + "/resume", "/api/v1/stats", "/api/v1/privacy",
		"/api/v1/privacy/" + id, "/api/v1/privacy/" + id + "/done", "/app", "/app/pause", "/app/resume", "/app/suppress",
		"/shopify/install?shop=" + acme, "/shopify/callback?shop=" + acme + "&code=x&state=y", "/webhooks/shopify",
		"/webhooks/voice/mirai/token", "/healthz", "/readyz", "/metrics",
	} {
		for _, method := range []string{http.MethodHead, http.MethodOptions} {
			a := s.send(method, path, nil, "Authorization", "Bearer "+apiToken, "Sec-Fetch-Site", "same-origin")
			assert.Less(t, a.StatusCode, http.StatusInternalServerError, "%s %s", method, path)
			assert.Empty(t, a.Cookies(), "%s %s", method, path)
			assert.Equal(t, before, s.state(), "%s %s", method, path)
		}
	}
}
