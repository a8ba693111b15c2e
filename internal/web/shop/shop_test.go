package shop_test

import (
	"context"
	"net/http"
	"testing"

	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResume_SaysWhatToDoAboutAShopThatRemovedTheApp(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(o *web.Options) {
		o.Engine.Store(webtest.Bolt).Config.AdminToken = secret.Secret("shpat_old")
	})
	require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		for _, shop := range []string{webtest.Acme, webtest.Bolt} {
			if _, err := tx.UninstallShop(ctx, shop, webtest.Now); err != nil {
				return err
			}
		}
		return nil
	}))
	for shop, remedy := range map[string]string{webtest.Acme: "/shopify/install?shop=" + webtest.Acme, webtest.Bolt: "admin_token of " + webtest.Bolt} {
		p := webtest.IsProblem(t, s.API(http.MethodPost, "/api/v1/shops/"+shop+"/resume", nil), http.StatusConflict)
		assert.Equal(t, "urn:ringback:problem:shop-uninstalled", p["type"])
		assert.Contains(t, p["detail"], remedy)

		a := s.Form("/shops/"+shop+"/resume", nil)
		assert.Equal(t, http.StatusConflict, a.StatusCode)
		assert.Contains(t, a.Text(), remedy)
		assert.Contains(t, s.Page("/shops/"+shop).Text(), remedy)
	}
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM river_job WHERE kind = 'regain_access'`), "only a custom app's token can be asked about")
}
