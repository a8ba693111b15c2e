package zoneinfo_test

import (
	"testing"
	"time"

	"ringback/internal/zoneinfo"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The data knows the rules of 2026, whatever the machine's files say: release 2026f or newer.
func TestLoad_KnowsTheRulesOf2026(t *testing.T) {
	t.Parallel()
	assert.GreaterOrEqual(t, zoneinfo.Version(), "2026f")
	for name, want := range map[string]map[string]string{
		// British Columbia and Alberta keep one time all year since November 2026.
		"America/Vancouver": {"2026-07-01": "-0700", "2026-11-28": "-0700", "2027-01-15": "-0700", "2027-07-01": "-0700"},
		"America/Edmonton":  {"2026-07-01": "-0600", "2026-11-28": "-0600", "2027-01-15": "-0600"},
		"America/Winnipeg":  {"2026-07-01": "-0500", "2026-11-28": "-0500", "2027-01-15": "-0500"},
		// The Northwest Territories go with Alberta.
		"America/Yellowknife": {"2026-11-28": "-0600", "2027-01-15": "-0600"},
		"America/Havana":      {"2026-11-28": "-0400", "2027-01-15": "-0400"},
		"Africa/Casablanca":   {"2026-07-28": "+0100", "2026-11-28": "+0000", "2027-01-15": "+0000"},
		// These did not change.
		"America/New_York": {"2026-07-01": "-0400", "2026-11-28": "-0500"},
		"Asia/Kolkata":     {"2026-11-28": "+0530"},
		"Europe/Berlin":    {"2026-07-01": "+0200", "2026-11-28": "+0100"},
	} {
		zone, err := zoneinfo.Load(name)
		require.NoError(t, err)
		assert.Equal(t, name, zone.String())
		for day, offset := range want {
			noon, err := time.Parse(time.DateTime, day+" 12:00:00")
			require.NoError(t, err)
			assert.Equal(t, offset, noon.In(zone).Format("-0700"), "%s on %s", name, day)
		}
	}
}

func TestLoad_KnowsOldNamesAndRefusesUnknownOnes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Asia/Calcutta", "US/Pacific", "Europe/Kiev", "Etc/GMT+5", "GMT"} {
		_, err := zoneinfo.Load(name)
		assert.NoError(t, err, name)
	}
	utc, err := zoneinfo.Load("UTC")
	require.NoError(t, err)
	assert.Same(t, time.UTC, utc)
	for _, name := range []string{"", "Local", "Mars/Phobos", "../etc/passwd", "asia/kolkata"} {
		_, err := zoneinfo.Load(name)
		assert.ErrorIs(t, err, zoneinfo.ErrUnknown, name)
	}
}

func TestLoad_IgnoresTheMachinesFiles(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	zone, err := zoneinfo.Load("America/Regina")
	require.NoError(t, err)
	assert.Equal(t, "America/Regina", zone.String())
}

func TestWarning_TellsOfDataOlderThanAYear(t *testing.T) {
	t.Parallel()
	released := zoneinfo.Released()
	require.False(t, released.IsZero())
	assert.Empty(t, zoneinfo.Warning(released.AddDate(0, 11, 0)))
	assert.Contains(t, zoneinfo.Warning(released.AddDate(1, 0, 2)), zoneinfo.Version())
}
