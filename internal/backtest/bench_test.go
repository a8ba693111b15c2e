package backtest_test

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// everyRule sets rules of every kind but the ones in which a whole shop counts.
func everyRule(r *policy.Rules) {
	r.QuietHours = policy.QuietBuiltin
	r.Eligibility = policy.Eligibility{
		MinTotal: amount("600"), MaxTotal: amount("50000"), Currencies: []string{"INR"}, Countries: []string{"IN"},
		ExcludeSKUs: []string{"GIFT-1"}, ExcludeCustomerTags: []string{"wholesale"}, MinItems: 1,
	}
	r.Holidays = []string{"2026-10-02", "2026-12-25"}
	r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}, {Calls: 3, Every: 720 * time.Hour}}
	r.PriorityAbove = amount("2500")
	r.Offers = []policy.OfferRule{
		{When: policy.OfferWhen{Attempt: 2, MinTotal: amount("1000")}, Code: "COMEBACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage},
		{When: policy.OfferWhen{MinTotal: amount("3000")}, Code: "BIG5", Value: decimal.NewFromInt(5), Type: policy.OfferPercentage},
	}
	r.Holdout = 0.1
}

// BenchmarkRun reports how many carts are decided a second, and what each of them takes of all processors together.
func BenchmarkRun(b *testing.B) {
	const carts = 50_000
	all := crowd(carts)
	daily := func(r *policy.Rules) { r.Caps.DailyCalls = 500 }
	for name, o := range map[string]backtest.Options{
		"one policy":            {Policy: policyOf(b, everyRule), Now: later, Workers: runtime.GOMAXPROCS(0)},
		"against another":       {Policy: policyOf(b, everyRule), Against: policyOf(b, everyRule, func(r *policy.Rules) { r.Delay = time.Hour }), Now: later, Workers: runtime.GOMAXPROCS(0)},
		"with a shop's day cap": {Policy: policyOf(b, everyRule, daily), Now: later, Workers: runtime.GOMAXPROCS(0)},
	} {
		b.Run(name, func(b *testing.B) {
			// As the program does it.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			source := each(all, o.Policy, o.Against)
			began := cpu(b)
			n := 0
			for b.Loop() {
				_, err := backtest.Run(source, o)
				require.NoError(b, err)
				n += carts
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "carts/s")
			b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(n), "cpu-ns/cart")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
