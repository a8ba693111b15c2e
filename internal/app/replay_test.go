package app_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recordings are our own recorded payloads and those in the folders that RINGBACK_SAMPLES names, separated as in PATH.
func recordings(t *testing.T) []string {
	t.Helper()
	folders := append([]string{"../shopify/testdata"}, filepath.SplitList(os.Getenv("RINGBACK_SAMPLES"))...)
	var files []string
	for _, folder := range folders {
		found, err := filepath.Glob(filepath.Join(folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, found, folder)
		files = append(files, found...)
	}
	return files
}

func TestReplayedRecordingsAreAnsweredAndExplained(t *testing.T) {
	t.Parallel()
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{store: func(s *config.Store) {
				s.Country, s.Policy.AcceptWeakerConsent = "US", []string{"CA", "IN", "US"}
			}})
			var out strings.Builder
			err := app.Replay{
				URL: w.url, Shop: acme, Secret: clientSecret, Version: "2026-10", Now: time.Now(), Client: http.DefaultClient, Out: &out,
			}.Run(context.Background(), []string{file})
			require.NoError(t, err, out.String())
			assert.NotContains(t, out.String(), "FAIL")

			carts, err := w.db.Carts(context.Background(), postgres.CartFilter{Limit: 10})
			require.NoError(t, err)
			for _, c := range carts {
				final := w.settles(c.Token)
				entries, err := w.db.Ledger(context.Background(), final.ID)
				require.NoError(t, err)
				require.NotEmpty(t, entries, "every cart explains itself")
				if final.Phone == "" && !final.Checkout.Test {
					assert.Contains(t, []cart.Reason{cart.NoPhone, cart.Ordered, cart.Deleted}, final.Reason)
					assert.Empty(t, final.Calls)
					continue
				}
				if final.State == cart.Purchased {
					continue
				}
				if final.Checkout.Test {
					assert.Equal(t, cart.Test, final.Reason)
					assert.Empty(t, final.Calls)
					continue
				}
				require.Len(t, final.Calls, 1, "a cart with a usable phone is called")
				assert.Equal(t, cart.Completed, final.Calls[0].Outcome)
			}
			assert.Empty(t, w.voice.Refusals(), "every request is valid against the published schema")
		})
	}
}

// settles waits until nothing more happens to a checkout's cart by itself.
func (w *world) settles(tok string) *postgres.Cart {
	w.t.Helper()
	var c *postgres.Cart
	w.eventually("cart "+tok+" settles", func() bool {
		c = w.cart(tok)
		return c != nil && (c.State.Settled() || c.State == cart.Watching)
	})
	return c
}
