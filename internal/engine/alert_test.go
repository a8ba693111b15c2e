package engine_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// letters are the mails that people got.
type letters struct {
	mu   sync.Mutex
	list []string
}

func (l *letters) take(_ context.Context, subject, text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, subject+"\n"+text)
	return nil
}

func (l *letters) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

func TestAlerts_ToldOnceWhenTheyComeUpAndWhenTheyAreOver(t *testing.T) {
	t.Parallel()
	got := &letters{}
	h := newHouse(t, plan{mail: got.take})
	other, _, _ := h.process(h.pool, nil, oldKey)
	look := func() {
		for _, e := range []*engine.Engine{h.engine, other, h.engine} {
			require.NoError(t, e.LookAtShops(t.Context()))
		}
	}
	look()
	assert.Equal(t, 1, strings.Count(h.log.String(), "code=never_connected"), "two processes tell once: %s", h.log)
	h.workUntil("the mail", func() bool { return len(got.all()) == 1 })
	assert.Contains(t, got.all()[0], "Ringback: loom.myshopify.com needs attention\nThe shop has never been connected")
	assert.Contains(t, got.all()[0], "https://calls.example.com/shops/loom.myshopify.com")

	h.install()
	require.NoError(t, h.db.HeardFromShop(t.Context(), loom))
	look()
	assert.Contains(t, h.log.String(), "needs attention no longer")
	h.workUntil("the second mail", func() bool { return len(got.all()) == 2 })
	assert.Contains(t, got.all()[1], "needs attention no longer")

	h.clock.Advance(26 * time.Hour)
	look()
	h.workUntil("mails of what came up later", func() bool { return len(got.all()) == 4 })
	assert.Contains(t, strings.Join(got.all(), "\n"), "No webhooks for 1 day, longer than usual")
	assert.Contains(t, strings.Join(got.all(), "\n"), "has not been compared with Shopify for 1 day")

	// The same process without the shop in its configuration leaves its alerts alone.
	require.NoError(t, h.without(loom).LookAtShops(t.Context()))
	assert.Equal(t, 1, strings.Count(h.log.String(), "needs attention no longer"), h.log)

	require.NoError(t, h.db.DropAlerts(t.Context(), h.clock.Now()))
	var kept int
	require.NoError(t, h.pool.QueryRow(t.Context(), `SELECT count(*) FROM alerts`).Scan(&kept))
	assert.Equal(t, 2, kept, "what goes on is kept")
}

func TestHeardFromShop_RemembersTheLongestUsualGap(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	hear := func(after time.Duration) {
		h.clock.Advance(after)
		require.NoError(t, h.db.HeardFromShop(t.Context(), loom))
	}
	hear(0)
	assert.Zero(t, h.shopRow().LongestGap)
	hear(8 * time.Hour)
	assert.Equal(t, 8*time.Hour, h.shopRow().LongestGap)
	for range 600 {
		hear(time.Minute + time.Second)
	}
	assert.InDelta(t, 6*time.Hour, h.shopRow().LongestGap, float64(30*time.Minute), "it fades over a busy day")
}

func TestFault_CountsUntilItEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	in := func(do func(context.Context, *postgres.Tx) error) {
		require.NoError(t, h.db.InTx(t.Context(), do))
	}
	note := func(ctx context.Context, tx *postgres.Tx) error {
		return tx.NoteFault(ctx, loom, postgres.FaultSubscriptions, "refused")
	}
	began := h.clock.Now()
	in(note)
	h.clock.Advance(time.Minute)
	in(note)
	faults, err := h.db.Faults(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []postgres.Fault{{
		Scope: loom, Code: postgres.FaultSubscriptions, Since: began, Last: h.clock.Now(), Times: 2, Detail: "refused",
	}}, faults)
	in(func(ctx context.Context, tx *postgres.Tx) error {
		return tx.EndFault(ctx, loom, postgres.FaultSubscriptions)
	})
	faults, err = h.db.Faults(t.Context())
	require.NoError(t, err)
	assert.Empty(t, faults)
}
