package backtest_test

import (
	"encoding/json"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawCarts draws carts in the order in which they became known; people is how many customers share them, 0 for one
// each.
func drawCarts(t *rapid.T, people int) []*history {
	n := rapid.IntRange(1, 25).Draw(t, "carts")
	carts := make([]*history, n)
	at := monday
	for i := range carts {
		at = at.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "minutes")) * time.Minute)
		who := i
		if people > 0 {
			who = rapid.IntRange(0, people-1).Draw(t, "who")
		}
		c := abandoned(i, at, phoned(who), worth(rapid.Int64Range(100, 10_000).Draw(t, "total")),
			in(rapid.SampledFrom([]string{acme, bazar}).Draw(t, "shop")))
		c.TouchedAt = at.Add(time.Duration(rapid.IntRange(-60, 600).Draw(t, "touched")) * time.Minute)
		drawHistory(t, c)
		carts[i] = c
	}
	return carts
}

// drawHistory draws what became of a cart.
func drawHistory(t *rapid.T, c *history) {
	after := func(name string) *time.Time {
		if rapid.IntRange(0, 3).Draw(t, name) > 0 {
			return nil
		}
		at := c.TouchedAt.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, name+" after")) * time.Minute)
		return &at
	}
	c.BoughtAt, c.OrderedAt = after("bought"), after("ordered")
	if at := after("suppressed"); at != nil {
		c.Suppressions = []backtest.Suppression{{All: rapid.Bool().Draw(t, "all"), At: *at}}
	}
	if at := after("deleted"); at != nil {
		c.Ended = &ending{At: *at, Event: cart.CheckoutDeleted{}}
	}
	if rapid.Bool().Draw(t, "no consent") {
		c.Checkout.AcceptsSMS = nil
	}
	outcomes := []cart.Outcome{cart.NoAnswer, cart.Busy, cart.Failed, cart.Timeout, cart.Lost, cart.Completed, cart.Skipped}
	for range rapid.IntRange(0, 4).Draw(t, "calls") {
		c.Calls = append(c.Calls, attempt{
			Outcome: rapid.SampledFrom(outcomes).Draw(t, "outcome"), Took: time.Duration(rapid.IntRange(0, 300).Draw(t, "took")) * time.Second,
			EndedAt: c.TouchedAt.Add(time.Hour), Dials: rapid.IntRange(0, 3).Draw(t, "dials"), Answered: rapid.Bool().Draw(t, "answered"),
			Insights: cart.Insights{OptedOut: rapid.IntRange(0, 9).Draw(t, "opted out") == 0, Declined: rapid.IntRange(0, 9).Draw(t, "declined") == 0},
		})
	}
}

// drawRules draws changes of the careful rules.
func drawRules(t *rapid.T) func(*policy.Rules) {
	delay := time.Duration(rapid.IntRange(0, 300).Draw(t, "delay")) * time.Minute
	holdout := rapid.Float64Range(0, 0.5).Draw(t, "holdout")
	attempts := rapid.IntRange(1, 4).Draw(t, "attempts")
	daily := rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "daily")
	perPhone := rapid.IntRange(0, 3).Draw(t, "per phone")
	offered := rapid.Bool().Draw(t, "offer")
	return func(r *policy.Rules) {
		r.Delay, r.Holdout, r.Attempts.Max, r.Caps.DailyCalls = delay, holdout, attempts, daily
		if perPhone > 0 {
			r.Caps.PerPhone = []policy.Cap{{Calls: perPhone, Every: 24 * time.Hour}}
		}
		if offered {
			r.Offers = []policy.OfferRule{{When: policy.OfferWhen{MinTotal: amount("1000")}, Code: "TEN", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
			r.OfferCooldown = 48 * time.Hour
		}
	}
}

func TestAPolicyDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		carts, rules := drawCarts(rt, rapid.IntRange(0, 5).Draw(rt, "people")), drawRules(rt)
		report := compared(t, policyOf(t, rules), policyOf(t, rules), carts...)
		require.Empty(rt, report.Changes)
		require.Empty(rt, report.Differences)
		require.Equal(rt, len(carts), report.Unchanged)
		require.Equal(rt, *report.Against, report.Policy)
	})
}

func TestTheReportDoesNotHangOnHowTheWorkIsSplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		carts := drawCarts(rt, rapid.IntRange(0, 5).Draw(rt, "people"))
		was, is := policyOf(t, drawRules(rt)), policyOf(t, drawRules(rt))
		var reports [3]string
		for i, workers := range []int{1, 2, 7} {
			report, err := backtest.Run(each(carts, is, was), backtest.Options{Policy: is, Against: was, Now: later, Workers: workers})
			require.NoError(rt, err)
			text, err := json.Marshal(report)
			require.NoError(rt, err)
			reports[i] = string(text)
		}
		require.Equal(rt, reports[0], reports[1])
		require.Equal(rt, reports[0], reports[2])
	})
}

func TestEveryCartComesToOneEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		carts := drawCarts(rt, rapid.IntRange(0, 5).Draw(rt, "people"))
		report := compared(t, policyOf(t, drawRules(rt)), policyOf(t, drawRules(rt)), carts...)
		for _, p := range []backtest.Result{report.Policy, *report.Against} {
			ends, offers, hours := 0, 0, 0
			for _, c := range p.NotCalled {
				require.NotEqual(rt, cart.ActWait, c.Action, "a replay that never ends")
				ends += c.Carts
			}
			for _, o := range p.Offers {
				offers += o.Calls
			}
			for _, day := range p.Hours {
				for _, n := range day {
					hours += n
				}
			}
			require.Equal(rt, len(carts), p.Called+ends)
			require.Equal(rt, p.Calls, offers)
			require.Equal(rt, p.Calls, hours)
		}
		changed := 0
		for _, c := range report.Changes {
			changed += c.Carts
		}
		require.Equal(rt, len(carts), changed+report.Unchanged)
		require.Len(rt, report.Differences, min(changed, 20))
		for _, d := range report.Differences {
			assert.NotEmpty(rt, d.Rule, "%+v", d)
		}
	})
}

// Where every customer has one cart, so that none makes room for another.
func TestARestrictionNeverAddsACall(t *testing.T) {
	t.Parallel()
	restrictions := map[string]func(*policy.Rules){
		"total":    func(r *policy.Rules) { r.Eligibility.MinTotal = amount("3000") },
		"country":  func(r *policy.Rules) { r.Eligibility.ExcludeCountries = []string{"IN"} },
		"hours":    func(r *policy.Rules) { r.Windows = []policy.Window{{From: "12:00", To: "15:00"}} },
		"days":     func(r *policy.Rules) { r.Windows[0].Days = []string{"tue", "fri"} },
		"holidays": func(r *policy.Rules) { r.Holidays = []string{"2026-09-08", "2026-09-09"} },
		"table":    func(r *policy.Rules) { r.QuietHours = policy.QuietBuiltin },
		"holdout":  func(r *policy.Rules) { r.Holdout = (r.Holdout + 1) / 2 },
		"attempts": func(r *policy.Rules) { r.Attempts.Max = 1 },
		"expiry":   func(r *policy.Rules) { r.ExpiresAfter /= 4 },
		"cap": func(r *policy.Rules) {
			r.Caps.PerPhone = append(r.Caps.PerPhone, policy.Cap{Calls: 1, Every: 40 * time.Hour})
		},
		"consent": func(r *policy.Rules) { r.Consent = policy.On("attribute:call_me") },
	}
	for name, restrict := range restrictions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				carts, rules := drawCarts(rt, 0), drawRules(rt)
				apart := func(r *policy.Rules) { rules(r); r.Caps.DailyCalls = 0 }
				report := compared(t, policyOf(t, apart), policyOf(t, apart, restrict), carts...)
				require.LessOrEqual(rt, report.Policy.Called, report.Against.Called)
				require.LessOrEqual(rt, report.Policy.Calls, report.Against.Calls)
				for _, c := range report.Changes {
					require.NotContains(rt, []backtest.Kind{backtest.CalledNow, backtest.MoreCalls, backtest.Earlier}, c.Kind)
				}
			})
		})
	}
}

func TestOnePhoneIsNeverCalledAboveItsCap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(1, 4).Draw(rt, "most")
		carts := drawCarts(rt, 1)
		for _, c := range carts {
			for i := range c.Calls {
				c.Calls[i].Dials = 1
			}
		}
		rules := drawRules(rt)
		report := replayed(t, policyOf(t, rules, func(r *policy.Rules) {
			r.Caps.PerPhone = []policy.Cap{{Calls: most, Every: 30 * 24 * time.Hour}}
		}), carts...)
		require.LessOrEqual(rt, report.Policy.Calls, most)
	})
}

func TestAShopIsNeverCalledAboveItsDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(1, 4).Draw(rt, "most")
		carts, rules := drawCarts(rt, 0), drawRules(rt)
		for _, c := range carts {
			c.Shop = acme
			// All within the first week, so that a day of the week is one day.
			c.KnownAt, c.TouchedAt = monday.Add(c.KnownAt.Sub(monday)/12), monday.Add(c.KnownAt.Sub(monday)/12)
		}
		report := replayed(t, policyOf(t, rules, func(r *policy.Rules) { r.Caps.DailyCalls, r.ExpiresAfter = most, 48*time.Hour }), carts...)
		for _, day := range report.Policy.Hours {
			n := 0
			for _, calls := range day {
				n += calls
			}
			require.LessOrEqual(rt, n, most)
		}
	})
}
