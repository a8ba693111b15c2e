package engine_test

import (
	"context"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSweep_AsksAgainForAnAbortThatWasNeverAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	call := h.callingCart(func(c *cart.Call) {
		asked := h.clock.Now()
		c.State, c.ProviderCallID, c.AbortAt = cart.Placed, "p", &asked
	})
	asks := func() (n int) {
		require.NoError(t, h.engine.Sweep(t.Context()))
		for _, kind := range h.waiting() {
			if kind == "abort_call" {
				n++
			}
		}
		return n
	}
	h.clock.Advance(14 * time.Second)
	assert.Zero(t, asks(), "the job that asks may be at it")
	h.clock.Advance(2 * time.Second)
	assert.Equal(t, 1, asks())
	assert.Equal(t, 1, asks(), "while a job waits to ask, there is no second one")

	// The process that runs the job dies.
	_, err := h.pool.Exec(t.Context(), `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() WHERE kind = 'abort_call'`)
	require.NoError(t, err)
	assert.Equal(t, 1, asks())
	_, err = h.pool.Exec(t.Context(), `UPDATE calls SET aborted_at = now() WHERE id = $1`, call)
	require.NoError(t, err)
	_, err = h.pool.Exec(t.Context(), `DELETE FROM river_job`)
	require.NoError(t, err)
	assert.Zero(t, asks(), "the provider has answered")
}

func TestSweep_KeepsTheSumsThatPagesShow(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	unfolded := func() (n int) {
		require.NoError(t, h.pool.QueryRow(t.Context(), `SELECT count(*) FROM cart_deltas`).Scan(&n))
		return n
	}
	h.begins("first", names{email: "kavya@example.com", phone: "+919847060101"})
	assert.NotZero(t, unfolded())
	require.NoError(t, h.engine.Sweep(t.Context()))
	assert.Zero(t, unfolded())
	assert.Empty(t, h.waitingOf("count_carts"), "a new database has nothing to count")

	// As after an upgrade.
	_, err := h.pool.Exec(t.Context(), `TRUNCATE counted_shops, cart_sums`)
	require.NoError(t, err)
	require.NoError(t, h.engine.Sweep(t.Context()))
	assert.Len(t, h.waitingOf("count_carts"), 1)
	h.workUntil("the carts are counted and folded", func() bool {
		var sum int
		err := h.pool.QueryRow(t.Context(), `
			SELECT COALESCE(sum(carts), 0)
			FROM cart_sums
			WHERE span = 'ever' AND shop = ''`).Scan(&sum)
		return err == nil && sum == 1
	})
	counts, err := h.db.CountCarts(t.Context(), loom)
	require.NoError(t, err)
	assert.Len(t, counts, 1)
}

// callingCart stores a cart with one open call and returns the call's id.
func (h *house) callingCart(change func(*cart.Call)) uuid.UUID {
	h.t.Helper()
	now := h.clock.Now()
	watch := now.Add(15 * time.Minute)
	c := postgres.Cart{Cart: cart.Cart{
		ID: uuid.Must(uuid.NewV7()), Shop: loom, Token: uuid.NewString(), State: cart.Calling, Reason: cart.Due, Phone: "+919876543210",
		LastActivityAt: now, CreatedAt: now, UpdatedAt: now,
	}}
	assistant := h.engine.Store(loom).Config.Voice.AssistantKey()
	call := cart.Call{
		ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: loom, Attempt: 1, State: cart.Placing, Provider: "mirai", Assistant: assistant,
		HoldsLine: true, Phone: c.Phone, CreatedAt: now, SentAt: &now, WatchAt: &watch,
	}
	change(&call)
	c.Calls = []cart.Call{call}
	require.NoError(h.t, h.db.InTx(h.t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SaveCart(ctx, &c, assistant, nil)
	}))
	return call.ID
}
