package postgres_test

import (
	"context"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyALaterConsentLiftsAWithdrawal(t *testing.T) {
	t.Parallel()
	const phone, email = "+919876543210", "asha@example.com"
	for name, c := range map[string]struct {
		sources []string
		// given is how long after the last of them the consent was given.
		given time.Duration
		left  int
	}{
		"given again":                          {[]string{postgres.SourceShopify}, time.Minute, 0},
		"given before, told of late":           {[]string{postgres.SourceShopify}, -time.Minute, 2},
		"given between two withdrawals":        {[]string{postgres.SourceShopify, postgres.SourceShopify}, -time.Minute, 2},
		"opted out":                            {[]string{"call"}, time.Minute, 2},
		"withdrawn, then opted out by a call":  {[]string{postgres.SourceShopify, "call"}, time.Minute, 2},
		"opted out by a call, then withdrawn":  {[]string{"call", postgres.SourceShopify}, time.Minute, 2},
		"withdrawn, then asked for by the API": {[]string{postgres.SourceShopify, "api"}, time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for _, source := range c.sources {
				b.now = b.now.Add(time.Hour)
				b.tx(func(ctx context.Context, tx *postgres.Tx) error {
					_, err := tx.Suppress(ctx, shop, cart.PersonWith("", []string{email}, []string{phone}), source)
					return err
				})
			}
			b.tx(func(ctx context.Context, tx *postgres.Tx) error {
				return tx.LiftWithdrawal(ctx, shop, cart.PersonWith("", []string{email}, []string{phone}), b.now.Add(c.given))
			})
			scope := shop
			left, err := b.db.Suppressions(t.Context(), &scope, [16]byte{}, 10)
			require.NoError(t, err)
			assert.Len(t, left, c.left)
		})
	}
}

func TestSuppressWithdrawn_CountsFromWhenTheConsentWasWithdrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		withdrawn []time.Duration
		given     time.Duration
		left      int
	}{
		"given after a withdrawal that was told of late":    {[]time.Duration{-time.Hour}, -time.Minute, 0},
		"given before a withdrawal that was told of late":   {[]time.Duration{-time.Hour}, -2 * time.Hour, 1},
		"given between two, the first told of first":        {[]time.Duration{-3 * time.Hour, -time.Hour}, -2 * time.Hour, 1},
		"given between two, the second told of first":       {[]time.Duration{-time.Hour, -3 * time.Hour}, -2 * time.Hour, 1},
		"given after two, the second of them told of first": {[]time.Duration{-time.Hour, -3 * time.Hour}, -time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			person := cart.PersonWith("", nil, []string{"+919876543210"})
			for _, at := range c.withdrawn {
				b.tx(func(ctx context.Context, tx *postgres.Tx) error {
					return tx.SuppressWithdrawn(ctx, shop, person, tx.Now.Add(at))
				})
			}
			b.tx(func(ctx context.Context, tx *postgres.Tx) error {
				return tx.LiftWithdrawal(ctx, shop, person, tx.Now.Add(c.given))
			})
			scope := shop
			left, err := b.db.Suppressions(t.Context(), &scope, [16]byte{}, 10)
			require.NoError(t, err)
			assert.Len(t, left, c.left)
		})
	}
}
