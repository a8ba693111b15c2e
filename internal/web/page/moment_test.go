package page

import (
	"testing"
	"time"

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
		m := Moment{at: instant, zone: kolkata, now: now}
		assert.Equal(t, want, [2]string{m.Local(), m.Distance()}, at)
		assert.Equal(t, at, m.machine())
	}
}
