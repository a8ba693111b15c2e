package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// another is a second pool on the house's database, as another process has it.
func (h *house) another() *pgxpool.Pool {
	h.t.Helper()
	pool, err := pgxpool.New(h.t.Context(), h.pool.Config().ConnString())
	require.NoError(h.t, err)
	h.t.Cleanup(pool.Close)
	return pool
}

func TestAnInstallKeepsItsTokensSealedAndStartsItsErrands(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()

	token, err := h.db.ShopToken(t.Context(), loom)
	require.NoError(t, err)
	assert.NotEmpty(t, token.Refresh)
	assert.Equal(t, h.clock.Now().Add(time.Hour), token.ExpiresAt)
	assert.Equal(t, []string{"ensure_subscriptions", "reconcile_shop"}, h.waiting())
	assert.NotNil(t, h.shopRow().InstalledAt)
	assert.Equal(t, []string{"installed"}, h.events())
	var sealed []byte
	require.NoError(t, h.pool.QueryRow(t.Context(), `SELECT sealed FROM shop_tokens`).Scan(&sealed))
	assert.NotContains(t, string(sealed), token.Access)
	assert.NotContains(t, h.log.String(), token.Access)
}

func TestTwentyRefreshesMakeOneRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.clock.Advance(2 * time.Hour)
	before := h.sim.TokenCalls()
	other, _, _ := h.process(h.another(), nil, oldKey)
	var all errgroup.Group
	for i := range 20 {
		e := h.engine
		if i%2 == 1 {
			e = other
		}
		all.Go(func() error { return ask(t.Context(), e) })
	}
	require.NoError(t, all.Wait())
	assert.Equal(t, 1, h.sim.TokenCalls()-before, "one request for twenty, in two processes")
}

func TestAKillBetweenRefreshAndStoreLeavesTheShopUsable(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.clock.Advance(2 * time.Hour)
	known, err := h.db.ShopToken(t.Context(), loom)
	require.NoError(t, err)

	// The process dies once Shopify has answered: its connection, and with it the transaction, is gone.
	killed := errors.New("killed")
	_, err = h.db.RenewToken(t.Context(), loom, func(ctx context.Context, tok postgres.ShopToken) (postgres.ShopToken, error) {
		_, err := h.engine.App(loom).Refresh(ctx, loom, secretOf(tok.Refresh))
		assert.NoError(t, err)
		return tok, killed
	})
	require.ErrorIs(t, err, killed)
	kept, err := h.db.ShopToken(t.Context(), loom)
	require.NoError(t, err)
	require.Equal(t, known, kept, "the old pair is still what we know")

	require.NoError(t, ask(t.Context(), h.engine), "the old refresh token is good until the new pair is used")
	renewed, err := h.db.ShopToken(t.Context(), loom)
	require.NoError(t, err)
	assert.NotEqual(t, known.Access, renewed.Access)
	assert.Empty(t, renewed.Former, "forgotten once the new access token was used")
	assert.Nil(t, h.shopRow().AccessLostAt)
}

func TestTheFormerRefreshTokenIsTriedUntilTheNewPairWasUsed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.clock.Advance(2 * time.Hour)
	// A pair was stored that Shopify never made: its refresh token is refused, the former one is not.
	_, err := h.db.RenewToken(t.Context(), loom, func(_ context.Context, tok postgres.ShopToken) (postgres.ShopToken, error) {
		tok.Former, tok.Refresh, tok.Access = tok.Refresh, "shprt_unknown", "shpat_unknown"
		return tok, nil
	})
	require.NoError(t, err)
	require.NoError(t, ask(t.Context(), h.engine))
	assert.Nil(t, h.shopRow().AccessLostAt)
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	var refuse atomic.Int32
	h := newHouse(t, plan{api: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "graphql.json") && refuse.Add(-1) >= 0 {
				http.Error(w, `{"errors":"[API] Invalid API key or access token"}`, http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	h.install()
	refuse.Store(1)
	before := h.sim.TokenCalls()
	require.NoError(t, ask(t.Context(), h.engine), "a token revoked before its time is renewed")
	assert.Equal(t, 1, h.sim.TokenCalls()-before)
	assert.Nil(t, h.shopRow().AccessLostAt)
}

func TestARevokedShopMustReinstall(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.shop.RevokeTokens()
	require.Error(t, ask(t.Context(), h.engine))

	row := h.shopRow()
	require.NotNil(t, row.AccessLostAt)
	assert.Contains(t, row.AccessLostReason, "needs reinstall")
	assert.Equal(t, []string{"installed", "access_lost"}, h.events())
	assert.Equal(t, 1, h.metric("ringback_shop_access_lost", loom))
	calls := h.sim.TokenCalls()
	require.ErrorIs(t, ask(t.Context(), h.engine), engine.ErrNotConnected)
	assert.Equal(t, calls, h.sim.TokenCalls(), "Shopify is not asked in vain")

	h.clock.Advance(time.Minute)
	h.install()
	require.NoError(t, ask(t.Context(), h.engine))
	assert.Nil(t, h.shopRow().AccessLostAt)
	assert.Zero(t, h.metric("ringback_shop_access_lost", loom))
}

func TestAReinstallAfterAnUninstallWorks(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.subscribe()
	h.clock.Advance(time.Minute)
	h.shop.Uninstall()
	h.sim.DeliverDue(t.Context())
	assert.NotNil(t, h.shopRow().UninstalledAt)
	_, err := h.db.ShopToken(t.Context(), loom)
	require.ErrorIs(t, err, postgres.ErrNotFound, "its tokens are dropped")
	require.ErrorIs(t, ask(t.Context(), h.engine), engine.ErrNotConnected)
	late := h.sim.Sent()[0]

	h.clock.Advance(time.Hour)
	h.install()
	assert.Nil(t, h.shopRow().UninstalledAt)
	require.NoError(t, ask(t.Context(), h.engine))

	late.WebhookID = "another-delivery"
	_, err = h.take(t.Context(), late.Delivery, late.Body)
	require.NoError(t, err)
	assert.Nil(t, h.shopRow().UninstalledAt, "a word from before the install undoes nothing")
	require.NoError(t, ask(t.Context(), h.engine))
}

func TestACustomAppsTokenIsUsedAndMissed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	admin := h.shop.Install("read_orders", "read_customers", "write_discounts")
	h.engine, h.db, h.metrics = h.process(h.pool, withAdminToken(admin), oldKey)
	require.NoError(t, ask(t.Context(), h.engine))
	assert.Zero(t, h.sim.TokenCalls())

	h.shop.RevokeTokens()
	require.Error(t, ask(t.Context(), h.engine))
	assert.Contains(t, h.shopRow().AccessLostReason, "admin_token")

	h.engine, h.db, h.metrics = h.process(h.pool, withAdminToken(h.shop.Install("read_orders")), oldKey)
	require.NoError(t, ask(t.Context(), h.engine))
	assert.Nil(t, h.shopRow().AccessLostAt)
	assert.Equal(t, []string{"access_lost", "access_regained"}, h.events())
}

func TestSealedValuesMoveToTheNewKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	_, both, _ := h.process(h.pool, nil, newKey, oldKey)
	n, err := both.Reseal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	n, err = both.Reseal(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	_, alone, _ := h.process(h.pool, nil, newKey)
	token, err := alone.ShopToken(t.Context(), loom)
	require.NoError(t, err)
	assert.NotEmpty(t, token.Access, "the old key can go")
}

func TestSubscriptionsAreRepairedAndDriftIsCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	repair, err := h.engine.EnsureSubscriptions(t.Context(), loom)
	require.NoError(t, err)
	assert.NotEmpty(t, repair.Created)
	assert.Zero(t, h.metric("ringback_subscription_drift_total"), "the first time is no drift")
	complete := h.shop.Subscriptions()
	assert.Contains(t, complete, "checkouts/update")
	assert.Contains(t, complete, "app/uninstalled")

	h.shop.DropSubscription("checkouts/update")
	h.shop.Subscribe("orders/create", "https://elsewhere.example.com")
	_, err = h.engine.EnsureSubscriptions(t.Context(), loom)
	require.NoError(t, err)
	assert.Equal(t, complete, h.shop.Subscriptions())
	assert.Equal(t, 1, h.metric("ringback_subscription_drift_total", "checkouts/update", "created"))
	assert.Equal(t, 1, h.metric("ringback_subscription_drift_total", "orders/create", "removed"))
	assert.Contains(t, h.log.String(), "drifted")
	assert.Contains(t, h.events(), "subscriptions_repaired")

	_, err = h.engine.EnsureSubscriptions(t.Context(), loom)
	require.NoError(t, err)
	assert.Equal(t, 2, h.metric("ringback_subscription_drift_total"))
}
