package jurisdictions_test

import (
	"strings"
	"testing"
	"time"

	"ringback/internal/jurisdictions"
	"ringback/internal/policy"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func printed(t *testing.T, country, day string, rules *policy.Rules) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, jurisdictions.Print(&text, jurisdictions.Request{Rules: rules, Country: country, At: at}))
	return text.String()
}

func TestPrint_ShowsTheTermsOfTheDay(t *testing.T) {
	t.Parallel()
	before, after := printed(t, "es", "2026-12-27", nil), printed(t, "ES", "2026-12-28", nil)
	assert.Contains(t, before, "ES  Spain  until 2026-12-27")
	assert.NotContains(t, before, "lasts")
	assert.Contains(t, after, "ES  Spain  from 2026-12-28")
	assert.Contains(t, after, "lasts         730")
	for _, part := range []string{
		"Mon-Fri       10:00-15:00, 16:00-20:00", "Sat-Sun       none", "consent       voice",
		"basis         art. 96.3 TRLGDCU",
		"disclose      ai, recording, opt_out, caller, number", "confidence    A/B", "sources       blog.sepin.es",
	} {
		assert.Contains(t, after, part)
	}
}

func TestPrint_ShowsEveryRowOfACountry(t *testing.T) {
	t.Parallel()
	text := printed(t, "US", "2026-11-26", nil)
	assert.Contains(t, text, "US-*  United States, state not known")
	assert.Contains(t, text, "US-ME  Maine  OFF  from 2025-09-23")
	assert.Contains(t, text, "also kept     Mardi Gras, Good Friday, Day after Thanksgiving")
	assert.Contains(t, text, "limits        3 calls in 24h, 1 call in 8h, none for 8760h after a no")
	assert.NotContains(t, text, "Canada")
	one := printed(t, "US-FL", "2026-11-26", nil)
	assert.Contains(t, one, "Florida")
	assert.NotContains(t, one, "Georgia")
	all := printed(t, "", "2026-11-26", nil)
	assert.Contains(t, all, "default  Every other country  OFF")
}

func TestPrint_ShowsAStoresChanges(t *testing.T) {
	t.Parallel()
	rules := policy.DefaultRules()
	rules.Jurisdictions = map[string]policy.Override{
		"AE": {Calls: "on"}, "KR": {MonFri: []string{"11:00-15:00"}}, "GR": {Sat: []string{"10:00-12:00"}},
	}
	rules.Closed = []policy.Closing{{Row: "US-LA", Until: "2026-12-05"}}
	text := printed(t, "", "2026-11-26", &rules)
	assert.Contains(t, text, "AE  United Arab Emirates  (changed by the store)")
	assert.Contains(t, text, "KR  KR, by the store  (changed by the store)\n    Mon-Fri       11:00-15:00")
	assert.Contains(t, text, "GR  GR, by the store  (changed by the store)")
	assert.Contains(t, text, "US-LA  Louisiana  CLOSED until 2026-12-05")
}

func TestPrint_SaysWhenNoRowCoversACountry(t *testing.T) {
	t.Parallel()
	err := jurisdictions.Print(&strings.Builder{}, jurisdictions.Request{Country: "KR", At: time.Now()})
	assert.ErrorContains(t, err, `no row covers "KR"`)
}
