package postgres_test

import (
	"context"
	"testing"

	"ringback/internal/cart"
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
		_, err := tx.CartOfDeletedForUpdate(ctx, shop, cart.Ref{ID: "5", CartToken: "shared"})
		require.ErrorIs(t, err, postgres.ErrNotFound)
		for _, ref := range []cart.Ref{{ID: "6", CartToken: "shared"}, {ID: "6"}, {CartToken: "shared"}} {
			c, err := tx.CartOfDeletedForUpdate(ctx, shop, ref)
			require.NoError(t, err)
			assert.Equal(t, known.ID, c.ID, "%v", ref)
		}
		c, err := tx.CartOfDeletedForUpdate(ctx, shop, cart.Ref{ID: "7", CartToken: "its own"})
		require.NoError(t, err)
		assert.Equal(t, nameless.ID, c.ID)
		return nil
	})
}
