package postgres_test

import (
	"context"
	"testing"

	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADeletedCheckoutIsNotAnotherOneOfTheSameCart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	known := b.keeps("known", func(c *postgres.Cart) { c.Checkout.ID, c.Checkout.CartToken = "6", "shared" })
	nameless := b.keeps("nameless", func(c *postgres.Cart) { c.Checkout.CartToken = "its own" })
	b.tx(func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.CartOfDeletedForUpdate(ctx, shop, "5", "shared", "")
		require.ErrorIs(t, err, postgres.ErrNotFound)
		for _, ids := range [][2]string{{"6", "shared"}, {"6", ""}, {"", "shared"}} {
			c, err := tx.CartOfDeletedForUpdate(ctx, shop, ids[0], ids[1], "")
			require.NoError(t, err)
			assert.Equal(t, known.ID, c.ID, "%v", ids)
		}
		c, err := tx.CartOfDeletedForUpdate(ctx, shop, "7", "its own", "")
		require.NoError(t, err)
		assert.Equal(t, nameless.ID, c.ID)
		return nil
	})
}
