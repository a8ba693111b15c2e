package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/zoneinfo"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMoment_IsShownByTheStoresClock(t *testing.T) {
	t.Parallel()
	kolkata, err := zoneinfo.Load("Asia/Kolkata")
	require.NoError(t, err)
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for at, want := range map[string][2]string{
		"2026-11-21T08:59:58Z": {"14:29:58 IST", "2 s ago"},
		"2026-11-21T09:00:00Z": {"14:30:00 IST", "now"},
		"2026-11-21T11:30:00Z": {"17:00 IST", "in 2 h 30 min"},
		"2026-11-20T18:00:00Z": {"Fri 20 Nov, 23:30 IST", "15 h ago"},
		"2026-11-20T18:30:00Z": {"00:00 IST", "14 h ago"},
		"2026-11-22T09:00:00Z": {"Sun 22 Nov, 14:30 IST", "in 1 day"},
		"2025-11-21T09:00:00Z": {"21 Nov 2025, 14:30 IST", "365 days ago"},
	} {
		instant, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		m := moment{at: instant, zone: kolkata, now: now}
		assert.Equal(t, want, [2]string{m.local(), m.distance()}, at)
		assert.Equal(t, at, m.machine())
	}
}

func TestTone_EveryStateAndCallHasOne(t *testing.T) {
	t.Parallel()
	for _, state := range cart.States() {
		assert.NotEmpty(t, stateTone(state), state)
	}
	for _, call := range []cart.Call{
		{State: cart.Placing}, {State: cart.Uncertain}, {State: cart.Placed}, {State: cart.Ringing}, {State: cart.Talking}, {State: cart.Ended},
		{State: cart.Rejected}, {State: cart.Closed, Outcome: cart.Lost},
	} {
		assert.NotEmpty(t, callTone(&call))
	}
}

func TestArms_SmallOnesAreNotCompared(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Called group: 12.5 % bought. Control group, never called: 1 of 29 bought (too few to compare).", armsSay([]postgres.Arm{
		{Arm: cart.ArmCall, Carts: 400, Purchased: 50}, {Arm: cart.ArmHoldout, Carts: 29, Purchased: 1},
	}))
}

func TestCached_HoldsLongerTheMoreItCost(t *testing.T) {
	t.Parallel()
	asked, failing := 0, true
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	k := newCostly(func(ctx context.Context) (int, error) {
		asked++
		require.NoError(t, ctx.Err(), "one who hangs up spoils nothing for the others")
		if failing {
			return 0, errors.New("away")
		}
		<-time.After(10 * time.Millisecond)
		return asked, nil
	})
	_, err := k.get(ctx)
	require.Error(t, err)
	failing = false
	for range 3 {
		n, err := k.get(ctx)
		require.NoError(t, err, "a failure is not kept")
		assert.Equal(t, 2, n)
	}
	require.Eventually(t, func() bool { n, _ := k.get(ctx); return n == 3 }, 5*time.Second, 5*time.Millisecond, "and in time it is found anew")
}
