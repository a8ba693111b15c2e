package backtest_test

import (
	"errors"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// at is an hour of the week in a report: the day from Monday, 0, and the hour.
type at [2]int

func TestWhatComesOfCarts(t *testing.T) {
	t.Parallel()
	suppressed := func(when time.Time, all bool) func(*backtest.Cart) {
		return func(c *backtest.Cart) {
			c.Suppressions = []backtest.Suppression{{Phone: c.Checkout.SMSPhone, All: all, At: when}}
		}
	}
	for name, test := range map[string]struct {
		rules func(*policy.Rules)
		carts []*backtest.Cart
		// hours are the calls' hours, with how many there are.
		hours  map[at]int
		offers map[string]int
		// ends are the carts without a call.
		ends map[cart.Reason]int
	}{
		"called when the delay is over": {
			carts: []*backtest.Cart{abandoned(1, monday)},
			hours: map[at]int{{0, 10}: 1},
		},
		"called when the window opens": {
			carts: []*backtest.Cart{abandoned(1, monday.Add(9*time.Hour))},
			hours: map[at]int{{1, 10}: 1},
		},
		"not before it was known": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) { c.KnownAt = monday.Add(3 * time.Hour) })},
			hours: map[at]int{{0, 13}: 1},
		},
		"no consent": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) { c.Checkout.AcceptsSMS = nil })},
			ends:  map[cart.Reason]int{cart.NoConsent: 1},
		},
		"no phone": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) { c.Checkout.Phones, c.Checkout.SMSPhone = nil, "" })},
			ends:  map[cart.Reason]int{cart.NoPhone: 1},
		},
		"too small": {
			rules: func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") },
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday, worth(2000))},
			hours: map[at]int{{0, 10}: 1},
			ends:  map[cart.Reason]int{cart.Ineligible: 1},
		},
		"expired before the window opens": {
			rules: func(r *policy.Rules) {
				r.ExpiresAfter = 4 * time.Hour
				r.Windows = []policy.Window{{Days: []string{"sun"}, From: "10:00", To: "11:00"}}
			},
			carts: []*backtest.Cart{abandoned(1, monday)},
			ends:  map[cart.Reason]int{cart.Expired: 1},
		},
		"bought before the call was due": {
			carts: []*backtest.Cart{abandoned(1, monday, bought(monday.Add(30*time.Minute)))},
			ends:  map[cart.Reason]int{cart.Ordered: 1},
		},
		"bought after the call": {
			carts: []*backtest.Cart{abandoned(1, monday, bought(monday.Add(50*time.Minute)), ended(cart.NoAnswer))},
			hours: map[at]int{{0, 10}: 1},
		},
		"bought otherwise": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) { soon := monday.Add(time.Minute); c.OrderedAt = &soon })},
			ends:  map[cart.Reason]int{cart.Superseded: 1},
		},
		"deleted in time": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) { c.Ended = &backtest.Ending{At: monday.Add(time.Minute), Reason: cart.Deleted} })},
			ends:  map[cart.Reason]int{cart.Deleted: 1},
		},
		"suppressed in time": {
			carts: []*backtest.Cart{abandoned(1, monday, suppressed(monday.Add(time.Minute), false)), abandoned(2, monday, suppressed(monday, true))},
			ends:  map[cart.Reason]int{cart.Suppressed: 2},
		},
		"suppressed too late": {
			carts: []*backtest.Cart{abandoned(1, monday, suppressed(monday.Add(time.Hour), false))},
			hours: map[at]int{{0, 10}: 1},
		},
		"suppressed at another number": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) {
				c.Suppressions = []backtest.Suppression{{Phone: number(2), At: monday}}
			})},
			hours: map[at]int{{0, 10}: 1},
		},
		"attempts go on as they were answered": {
			rules: func(r *policy.Rules) {
				r.Offers = []policy.OfferRule{{When: policy.OfferWhen{Attempt: 2}, Code: "BACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
			},
			carts:  []*backtest.Cart{abandoned(1, monday, ended(cart.NoAnswer))},
			hours:  map[at]int{{0, 10}: 1, {0, 12}: 1},
			offers: map[string]int{"": 1, "BACK10": 1},
		},
		"no more attempts than are allowed": {
			rules: func(r *policy.Rules) { r.Attempts.Max = 2 },
			carts: []*backtest.Cart{abandoned(1, monday, ended(cart.NoAnswer, cart.NoAnswer, cart.NoAnswer))},
			hours: map[at]int{{0, 10}: 1, {0, 12}: 1},
		},
		"no more attempts once spoken to": {
			carts: []*backtest.Cart{abandoned(1, monday, said(cart.Insights{Interested: true}))},
			hours: map[at]int{{0, 10}: 1},
		},
		"no more attempts when lost after an answer": {
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) {
				c.Calls = []backtest.Attempt{{Outcome: cart.Lost, Answered: true, Took: time.Minute}}
			})},
			hours: map[at]int{{0, 10}: 1},
		},
		"called back when asked": {
			carts: []*backtest.Cart{abandoned(1, monday, said(cart.Insights{Callback: true, CallbackAt: instant(monday.Add(6 * time.Hour))}))},
			hours: map[at]int{{0, 10}: 1, {0, 16}: 1},
		},
		"called back a day later when no time was told": {
			carts: []*backtest.Cart{abandoned(1, monday, said(cart.Insights{Callback: true}))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"a newer cart takes the older one's place": {
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1))},
			hours: map[at]int{{0, 11}: 1},
			ends:  map[cart.Reason]int{cart.Superseded: 1},
		},
		"a newer cart that cannot be called does not": {
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), func(c *backtest.Cart) { c.Checkout.AcceptsSMS = nil })},
			hours: map[at]int{{0, 10}: 1},
			ends:  map[cart.Reason]int{cart.NoConsent: 1},
		},
		"a newer cart of another shop does not": {
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {0, 11}: 1},
		},
		"a cap holds across carts and shops": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} },
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"a cap of the shop does not count another shop": {
			rules: func(r *policy.Rules) {
				r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour, Scope: policy.ScopeShop}}
			},
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {0, 11}: 1},
		},
		"redials of the provider count": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 2, Every: 24 * time.Hour}} },
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) {
				c.Calls = []backtest.Attempt{{Outcome: cart.NoAnswer, Took: time.Minute, Dials: 2}}
			})},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"calls from outside of the backtest count": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} },
			carts: []*backtest.Cart{abandoned(1, monday, func(c *backtest.Cart) {
				c.Dials = []backtest.Dial{
					{Phone: number(1), Dial: policy.Dial{At: monday.Add(-4 * time.Hour), Shop: bazar}},
					{Phone: number(2), Dial: policy.Dial{At: monday, Shop: bazar}},
					{Phone: number(1), Dial: policy.Dial{At: monday.AddDate(0, 0, 9), Shop: bazar}},
				}
			})},
			hours: map[at]int{{1, 10}: 1},
		},
		"a shop's day is full, and the most valuable go first": {
			rules: func(r *policy.Rules) { r.Caps.DailyCalls = 1 },
			carts: []*backtest.Cart{abandoned(1, monday), abandoned(2, monday, worth(9000), bought(monday.Add(50*time.Minute))), abandoned(3, monday, in(bazar))},
			hours: map[at]int{{0, 10}: 2, {1, 10}: 1},
		},
		"who asked not to be called is not called for the next cart": {
			carts: []*backtest.Cart{
				abandoned(1, monday, said(cart.Insights{OptedOut: true})), abandoned(2, monday.Add(2*time.Hour), phoned(1)),
				abandoned(3, monday.Add(2*time.Hour), phoned(1), in(bazar)),
			},
			hours: map[at]int{{0, 10}: 1, {0, 12}: 1},
			ends:  map[cart.Reason]int{cart.Suppressed: 1},
		},
		"an offer keeps the next one away": {
			rules: func(r *policy.Rules) {
				r.OfferCooldown = 720 * time.Hour
				r.Offers = []policy.OfferRule{{Code: "TAKE5", Value: decimal.NewFromInt(5), Type: policy.OfferPercentage}}
			},
			carts:  []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(2*time.Hour), phoned(1))},
			hours:  map[at]int{{0, 10}: 1, {0, 12}: 1},
			offers: map[string]int{"TAKE5": 1, "": 1},
		},
		"a month's budget is spent by what was redeemed": {
			rules: func(r *policy.Rules) {
				r.OfferBudget.Monthly = amount("150")
				r.Offers = []policy.OfferRule{{Code: "HUNDRED", Value: decimal.NewFromInt(100), Type: policy.OfferFixed}}
			},
			carts: []*backtest.Cart{
				abandoned(1, monday, bought(monday.Add(time.Hour)), func(c *backtest.Cart) { c.Order.Codes = []string{"hundred"} }),
				abandoned(2, monday, bought(monday.Add(time.Hour))),
				abandoned(3, monday.Add(2*time.Hour)),
				abandoned(4, monday.AddDate(0, 1, 0)),
			},
			hours:  map[at]int{{0, 10}: 2, {0, 12}: 1, {2, 10}: 1},
			offers: map[string]int{"HUNDRED": 3, "": 1},
		},
		"everybody is held out": {
			rules: func(r *policy.Rules) { r.Holdout = 1 },
			carts: []*backtest.Cart{abandoned(1, monday)},
			ends:  map[cart.Reason]int{cart.Holdout: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes []func(*policy.Rules)
			if test.rules != nil {
				changes = append(changes, test.rules)
			}
			got := replayed(t, policyOf(t, changes...), test.carts...).Policy

			hours, calls := map[at]int{}, 0
			for day := range got.Hours {
				for hour, n := range got.Hours[day] {
					if n > 0 {
						hours[at{day, hour}] = n
					}
					calls += n
				}
			}
			assert.Equal(t, orNone(test.hours), hours)
			assert.Equal(t, calls, got.Calls)
			ends := map[cart.Reason]int{}
			for _, c := range got.NotCalled {
				ends[c.Reason] += c.Carts
			}
			assert.Equal(t, orNone(test.ends), ends)
			assert.Len(t, test.carts, got.Called+sum(ends))
			if test.offers != nil {
				offers := map[string]int{}
				for _, o := range got.Offers {
					offers[o.Code] = o.Calls
				}
				assert.Equal(t, test.offers, offers)
			}
		})
	}
}

func TestCartsThatCannotBeDecidedAreLeftOut(t *testing.T) {
	t.Parallel()
	report := replayed(t, policyOf(t),
		abandoned(1, monday, func(c *backtest.Cart) { c.Erased = true }), abandoned(2, monday, in("unknown.myshopify.com")), abandoned(3, monday))
	assert.Equal(t, 1, report.Carts)
	assert.Equal(t, backtest.LeftOut{Erased: 1, UnknownShop: 1}, report.LeftOut)
}

func TestCartsOfAShopThatOnlyTheNewPolicyHasAreNotCompared(t *testing.T) {
	t.Parallel()
	was := policyOf(t)
	delete(was, bazar)
	report := compared(t, was, policyOf(t), abandoned(1, monday), abandoned(2, monday, in(bazar)))
	assert.Equal(t, 2, report.Policy.Called)
	assert.Equal(t, 1, report.Against.Carts)
	assert.Equal(t, 1, report.Unchanged)
	assert.Empty(t, report.Changes)
}

func TestWhatLiesAheadIsCounted(t *testing.T) {
	t.Parallel()
	p, carts := policyOf(t), []*backtest.Cart{abandoned(1, monday), abandoned(2, monday.Add(-2*time.Hour))}
	report, err := backtest.Run(each(carts, p, nil), backtest.Options{Policy: p, Now: monday.Add(10 * time.Minute)})
	require.NoError(t, err)
	assert.Equal(t, 2, report.Policy.Called)
	assert.Equal(t, 1, report.Policy.Ahead)
}

func TestAnErrorOfReadingEndsTheRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("the line is down")
	_, err := backtest.Run(func(yield func(*backtest.Cart, error) bool) { yield(nil, broken) }, backtest.Options{Policy: policyOf(t), Now: later})
	assert.ErrorIs(t, err, broken)
}

func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	var told []int
	p := policyOf(t)
	_, err := backtest.Run(each(crowd(5000), p, nil), backtest.Options{Policy: p, Now: later, Progress: func(n int) { told = append(told, n) }})
	require.NoError(t, err)
	assert.Equal(t, []int{4096, 5000}, told)
}

func TestACartThatComesOutOfTurnIsReplayedAllTheSame(t *testing.T) {
	t.Parallel()
	carts := append(crowd(5000), abandoned(6000, monday.AddDate(0, 0, -20)))
	report := replayed(t, policyOf(t), carts...)
	assert.Equal(t, 5001, report.Policy.Carts)
}

func orNone[K comparable](m map[K]int) map[K]int {
	if m == nil {
		return map[K]int{}
	}
	return m
}

func sum[K comparable](m map[K]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

func amount(text string) *decimal.Decimal {
	d := decimal.RequireFromString(text)
	return &d
}

func instant(at time.Time) *time.Time { return &at }

// crowd are carts of as many customers, a second apart.
func crowd(n int) []*backtest.Cart {
	carts := make([]*backtest.Cart, n)
	for i := range carts {
		carts[i] = abandoned(i, monday.Add(time.Duration(i)*time.Second), worth(int64(500+i%3000)))
	}
	return carts
}
