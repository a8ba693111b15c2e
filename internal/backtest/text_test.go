package backtest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// week are carts of a week with something of everything.
func week() []*history {
	day := func(n int) time.Time { return monday.AddDate(0, 0, n) }
	return []*history{
		abandoned(1, day(0)),
		abandoned(2, day(0).Add(time.Hour), worth(6400), ended(cart.NoAnswer, cart.Completed)),
		abandoned(3, day(1), worth(480)),
		abandoned(4, day(1).Add(2*time.Hour), bought(day(1).Add(2*time.Hour+30*time.Minute))),
		abandoned(5, day(2), func(c *history) { c.Checkout.AcceptsSMS = nil }),
		abandoned(6, day(3).Add(10*time.Hour), in(bazar)),
		abandoned(7, day(4), func(c *history) { c.Erased = true }),
		abandoned(8, day(4), in("gone.myshopify.com")),
		abandoned(9, day(5).Add(3*time.Hour), said(cart.Insights{OptedOut: true})),
		abandoned(10, day(6), phoned(9)),
	}
}

func TestTheReportAsTextAndJSON(t *testing.T) {
	t.Parallel()
	offer := func(attempt int) func(*policy.Rules) {
		return func(r *policy.Rules) {
			r.Offers = []policy.OfferRule{{When: policy.OfferWhen{Attempt: attempt}, Code: "BACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
		}
	}
	was := policyOf(t, offer(2))
	is := policyOf(t, offer(1), func(r *policy.Rules) {
		r.Delay = 20 * time.Minute
		r.Eligibility.MinTotal = amount("1000")
		r.Windows = []policy.Window{{From: "10:00", To: "17:00"}}
	})
	for name, report := range map[string]backtest.Report{
		"alone":   replayed(t, is, week()...),
		"against": compared(t, was, is, week()...),
		"nothing": compared(t, was, is),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			require.NoError(t, report.Write(&text))
			golden(t, name+".txt", text.Bytes())
			raw, err := json.MarshalIndent(report, "", " ")
			require.NoError(t, err)
			golden(t, name+".json", raw)
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestLongTables(t *testing.T) {
	t.Parallel()
	carts := crowd(4321)
	report := compared(t, policyOf(t), policyOf(t, func(r *policy.Rules) { r.Delay = time.Hour }), carts...)
	var text bytes.Buffer
	require.NoError(t, report.Write(&text))
	assert.Contains(t, text.String(), "4,321 carts, decided anew; nobody was called.")
	assert.Contains(t, text.String(), "The first 20 of 4,321 differences")
	assert.Contains(t, text.String(), " 3600")
}
