package web_test

import (
	"context"
	"net/http"
	"testing"

	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/web"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResume_SaysWhatToDoAboutAShopThatRemovedTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) {
		o.Engine.Store(bolt).Config.AdminToken = secret.Secret("shpat_old")
	})
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		for _, shop := range []string{acme, bolt} {
			if _, err := tx.UninstallShop(ctx, shop, now); err != nil {
				return err
			}
		}
		return nil
	}))
	for shop, remedy := range map[string]string{acme: "/shopify/install?shop=" + acme, bolt: "admin_token of " + bolt} {
		p := isProblem(t, s.api(http.MethodPost, "/api/v1/shops/"+shop+"/resume", nil), http.StatusConflict)
		assert.Equal(t, "urn:ringback:problem:shop-uninstalled", p["type"])
		assert.Contains(t, p["detail"], remedy)

		a := s.form("/shops/"+shop+"/resume", nil)
		assert.Equal(t, http.StatusConflict, a.StatusCode)
		assert.Contains(t, a.text(), remedy)
		assert.Contains(t, s.page("/shops/"+shop).text(), remedy)
	}
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM river_job WHERE kind = 'regain_access'`), "only a custom app's token can be asked about")
}
