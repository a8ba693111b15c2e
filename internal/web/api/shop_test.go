package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/web/webtest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shopAnswer is what a test reads of a shop.
type shopAnswer struct {
	Shop    string `json:"shop"`
	Status  string `json:"status"`
	Reasons []struct {
		Code, Says, Remedy string
		Since              *time.Time
	} `json:"reasons"`
}

func (a shopAnswer) codes() string {
	var codes []string
	for _, r := range a.Reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, " ")
}

func standingOf(t *testing.T, s *webtest.Site, shop string) shopAnswer {
	t.Helper()
	a := s.API(http.MethodGet, "/api/v1/shops/"+shop, nil)
	require.Equal(t, http.StatusOK, a.StatusCode)
	var got shopAnswer
	require.NoError(t, json.Unmarshal(a.Content, &got))
	return got
}

func change(t *testing.T, s *webtest.Site, do func(context.Context, *postgres.Tx) error) {
	t.Helper()
	require.NoError(t, s.DB.InTx(t.Context(), do))
}

func TestShop_SaysWhatIsWrongAndTheRemedy(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)

	got := standingOf(t, s, webtest.Acme)
	assert.Equal(t, "not_connected", got.Status)
	assert.Equal(t, "never_connected", got.codes())
	assert.Contains(t, got.Reasons[0].Remedy, "/shopify/install?shop=acme.myshopify.com")

	wrong := s.Send(http.MethodPost, "/webhooks/shopify", strings.NewReader(`{}`),
		"X-Shopify-Shop-Domain", webtest.Acme, "X-Shopify-Topic", "checkouts/update",
		"X-Shopify-Hmac-Sha256", "bm90IGEgc2lnbmF0dXJl")
	require.Equal(t, http.StatusUnauthorized, wrong.StatusCode)
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "never_connected signatures_refused", got.codes())
	assert.Contains(t, got.Reasons[1].Remedy, "client_secrets")
	assert.Contains(t, s.Log.String(), `"topic":"checkouts/update","times":1`)

	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.InstallShop(ctx, webtest.Acme, postgres.ShopToken{Access: "abc"})
	})
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "failing", got.Status, "no webhook was taken yet")
	assert.Equal(t, "signatures_refused", got.codes())

	require.NoError(t, s.DB.HeardFromShop(t.Context(), webtest.Acme))
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "attention", got.Status, "anybody can send a wrong signature")
	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.EndFault(ctx, webtest.Acme, postgres.FaultSignatures)
	})
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "active", got.Status)
	assert.Empty(t, got.Reasons)

	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.NoteFault(ctx, webtest.Acme, postgres.FaultSubscriptions, "the address is not allowed")
	})
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "failing", got.Status)
	assert.Equal(t, "subscriptions_missing", got.codes())
	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.EndFault(ctx, webtest.Acme, postgres.FaultSubscriptions)
	})

	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.LoseAccess(ctx, webtest.Acme, "abc", "needs reinstall")
		return err
	})
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "failing", got.Status)
	assert.Equal(t, "token_dead", got.codes())
	s.Connect(webtest.Acme)

	change(t, s, func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := tx.TripBreaker(ctx, webtest.Acme, "8 of 10 calls failed", nil); err != nil {
			return err
		}
		return tx.SetCredits(ctx, webtest.Acme, decimal.NewFromInt(7))
	})
	got = standingOf(t, s, webtest.Acme)
	assert.Equal(t, "paused", got.Status)
	assert.Equal(t, "breaker_open credits_low", got.codes())
	assert.Contains(t, got.Reasons[0].Says, "8 of 10 calls failed")
	assert.NotNil(t, got.Reasons[0].Since)
}

func TestShops_ListsThemAll(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Connect(webtest.Acme)
	a := s.API(http.MethodGet, "/api/v1/shops", nil)
	require.Equal(t, http.StatusOK, a.StatusCode)
	webtest.Conforms(t, a, object{"shops": list{shopSchema}})
	var got struct{ Shops []shopAnswer }
	require.NoError(t, json.Unmarshal(a.Content, &got))
	require.Len(t, got.Shops, 2)
	assert.Equal(t, webtest.Acme, got.Shops[0].Shop)
	assert.Equal(t, "active", got.Shops[0].Status)
	assert.Equal(t, webtest.Bolt, got.Shops[1].Shop)
	assert.Equal(t, "not_connected", got.Shops[1].Status)
	assert.Contains(t, got.Shops[1].codes(), "outside_hours", "it is four in the morning in New York")

	webtest.IsProblem(t, s.API(http.MethodGet, "/api/v1/shops/other.myshopify.com", nil), http.StatusNotFound)
	webtest.IsProblem(t, s.Send(http.MethodGet, "/api/v1/shops", nil), http.StatusUnauthorized)
}
