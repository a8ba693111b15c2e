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
	suppressed := func(when time.Time, all bool) func(*history) {
		return func(c *history) {
			c.Suppressions = []backtest.Suppression{{Phone: c.Checkout.SMSPhone, All: all, At: when}}
		}
	}
	for name, test := range map[string]struct {
		rules func(*policy.Rules)
		carts []*history
		// hours are the calls' hours, with how many there are.
		hours  map[at]int
		offers map[string]int
		// ends are the carts without a call.
		ends map[cart.Reason]int
	}{
		"called when the delay is over": {
			carts: []*history{abandoned(1, monday)},
			hours: map[at]int{{0, 10}: 1},
		},
		"called when the window opens": {
			carts: []*history{abandoned(1, monday.Add(9*time.Hour))},
			hours: map[at]int{{1, 10}: 1},
		},
		"not before it was known": {
			carts: []*history{abandoned(1, monday, func(c *history) { c.KnownAt = monday.Add(3 * time.Hour) })},
			hours: map[at]int{{0, 13}: 1},
		},
		"no consent": {
			carts: []*history{abandoned(1, monday, func(c *history) { c.Checkout.AcceptsSMS = nil })},
			ends:  map[cart.Reason]int{cart.NoConsent: 1},
		},
		"no phone": {
			carts: []*history{abandoned(1, monday, func(c *history) { c.Checkout.Phones, c.Checkout.SMSPhone = nil, "" })},
			ends:  map[cart.Reason]int{cart.NoPhone: 1},
		},
		"too small": {
			rules: func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") },
			carts: []*history{abandoned(1, monday), abandoned(2, monday, worth(2000))},
			hours: map[at]int{{0, 10}: 1},
			ends:  map[cart.Reason]int{cart.Ineligible: 1},
		},
		"expired before the window opens": {
			rules: func(r *policy.Rules) {
				r.ExpiresAfter = 4 * time.Hour
				r.Windows = []policy.Window{{Days: []string{"sun"}, From: "10:00", To: "11:00"}}
			},
			carts: []*history{abandoned(1, monday)},
			ends:  map[cart.Reason]int{cart.Expired: 1},
		},
		"bought before the call was due": {
			carts: []*history{abandoned(1, monday, bought(monday.Add(30*time.Minute)))},
			ends:  map[cart.Reason]int{cart.Ordered: 1},
		},
		"bought after the call": {
			carts: []*history{abandoned(1, monday, bought(monday.Add(50*time.Minute)), ended(cart.NoAnswer))},
			hours: map[at]int{{0, 10}: 1},
		},
		"bought otherwise": {
			carts: []*history{abandoned(1, monday, func(c *history) { soon := monday.Add(time.Minute); c.OrderedAt = &soon })},
			ends:  map[cart.Reason]int{cart.Superseded: 1},
		},
		"deleted in time": {
			carts: []*history{abandoned(1, monday, func(c *history) { c.Ended = &ending{At: monday.Add(time.Minute), Event: cart.CheckoutDeleted{}} })},
			ends:  map[cart.Reason]int{cart.Deleted: 1},
		},
		"suppressed in time": {
			carts: []*history{abandoned(1, monday, suppressed(monday.Add(time.Minute), false)), abandoned(2, monday, suppressed(monday, true))},
			ends:  map[cart.Reason]int{cart.Suppressed: 2},
		},
		"suppressed too late": {
			carts: []*history{abandoned(1, monday, suppressed(monday.Add(time.Hour), false))},
			hours: map[at]int{{0, 10}: 1},
		},
		"suppressed at another number": {
			carts: []*history{abandoned(1, monday, func(c *history) {
				c.Suppressions = []backtest.Suppression{{Phone: number(2), At: monday}}
			})},
			hours: map[at]int{{0, 10}: 1},
		},
		"attempts go on as they were answered": {
			rules: func(r *policy.Rules) {
				r.Offers = []policy.OfferRule{{When: policy.OfferWhen{Attempt: 2}, Code: "BACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
			},
			carts:  []*history{abandoned(1, monday, ended(cart.NoAnswer))},
			hours:  map[at]int{{0, 10}: 1, {0, 12}: 1},
			offers: map[string]int{"": 1, "BACK10": 1},
		},
		"no more attempts than are allowed": {
			rules: func(r *policy.Rules) { r.Attempts.Max = 2 },
			carts: []*history{abandoned(1, monday, ended(cart.NoAnswer, cart.NoAnswer, cart.NoAnswer))},
			hours: map[at]int{{0, 10}: 1, {0, 12}: 1},
		},
		"no more attempts once spoken to": {
			carts: []*history{abandoned(1, monday, said(cart.Insights{Interested: true}))},
			hours: map[at]int{{0, 10}: 1},
		},
		"no more attempts when lost after an answer": {
			carts: []*history{abandoned(1, monday, func(c *history) {
				c.Calls = []attempt{{Outcome: cart.Lost, Answered: true, Took: time.Minute}}
			})},
			hours: map[at]int{{0, 10}: 1},
		},
		"called back when asked": {
			carts: []*history{abandoned(1, monday, said(cart.Insights{Callback: true, CallbackAt: instant(monday.Add(6 * time.Hour))}))},
			hours: map[at]int{{0, 10}: 1, {0, 16}: 1},
		},
		"called back a day later when no time was told": {
			carts: []*history{abandoned(1, monday, said(cart.Insights{Callback: true}))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"called back a day later when the time told was before the end of the call": {
			carts: []*history{abandoned(1, monday, said(cart.Insights{Callback: true, CallbackAt: instant(monday.Add(30 * time.Minute))}))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"a time before the end of the call stays misunderstood when the call is made earlier": {
			// The recorded call ended at 11:00; this one ends at 10:46, before the time that the customer named.
			carts: []*history{abandoned(1, monday, said(cart.Insights{Callback: true, CallbackAt: instant(monday.Add(55 * time.Minute))}))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"called back as long after the end of a later call as was asked": {
			rules: func(r *policy.Rules) { r.Delay = 3 * time.Hour },
			carts: []*history{abandoned(1, monday, said(cart.Insights{Callback: true, CallbackAt: instant(monday.Add(2 * time.Hour))}))},
			hours: map[at]int{{0, 13}: 1, {0, 14}: 1},
		},
		"the provider refused the number": {
			carts: []*history{abandoned(1, monday, func(c *history) { c.Calls = []attempt{{Outcome: cart.Invalid, Refused: true}} })},
			ends:  map[cart.Reason]int{cart.Refused: 1},
		},
		"called sooner when an operator asks": {
			rules: func(r *policy.Rules) { r.Delay = 5 * time.Hour },
			carts: []*history{abandoned(1, monday, func(c *history) { c.Ended = &ending{At: monday.Add(time.Minute), Event: cart.OperatorCalled{}} })},
			hours: map[at]int{{0, 10}: 1},
		},
		"opted out by another way": {
			carts: []*history{
				abandoned(1, monday, func(c *history) { c.Ended = &ending{At: monday.Add(time.Minute), Event: cart.OptOut{}} }),
				abandoned(2, monday.Add(2*time.Hour), phoned(1)),
			},
			ends: map[cart.Reason]int{cart.OptedOut: 1, cart.Suppressed: 1},
		},
		"a cart that is only watched makes room for a newer one": {
			carts: []*history{
				abandoned(1, monday, func(c *history) { c.Checkout.AcceptsSMS = nil }), abandoned(2, monday.Add(20*time.Minute), phoned(1)),
			},
			hours: map[at]int{{0, 11}: 1},
			ends:  map[cart.Reason]int{cart.Superseded: 1},
		},
		"a newer cart takes the older one's place": {
			carts: []*history{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1))},
			hours: map[at]int{{0, 11}: 1},
			ends:  map[cart.Reason]int{cart.Superseded: 1},
		},
		"a newer cart that cannot be called does not": {
			carts: []*history{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), func(c *history) { c.Checkout.AcceptsSMS = nil })},
			hours: map[at]int{{0, 10}: 1},
			ends:  map[cart.Reason]int{cart.NoConsent: 1},
		},
		"a newer cart of another shop does not": {
			carts: []*history{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {0, 11}: 1},
		},
		"a cap holds across carts and shops": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} },
			carts: []*history{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"a cap of the shop does not count another shop": {
			rules: func(r *policy.Rules) {
				r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour, Scope: policy.ScopeShop}}
			},
			carts: []*history{abandoned(1, monday), abandoned(2, monday.Add(20*time.Minute), phoned(1), in(bazar))},
			hours: map[at]int{{0, 10}: 1, {0, 11}: 1},
		},
		"redials of the provider count": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 2, Every: 24 * time.Hour}} },
			carts: []*history{abandoned(1, monday, func(c *history) {
				c.Calls = []attempt{{Outcome: cart.NoAnswer, Took: time.Minute, Dials: 2}}
			})},
			hours: map[at]int{{0, 10}: 1, {1, 10}: 1},
		},
		"calls from outside of the backtest count": {
			rules: func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} },
			carts: []*history{abandoned(1, monday, func(c *history) {
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
			carts: []*history{abandoned(1, monday), abandoned(2, monday, worth(9000), bought(monday.Add(50*time.Minute))), abandoned(3, monday, in(bazar))},
			hours: map[at]int{{0, 10}: 2, {1, 10}: 1},
		},
		"who asked not to be called is not called for the next cart": {
			carts: []*history{
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
			carts:  []*history{abandoned(1, monday), abandoned(2, monday.Add(2*time.Hour), phoned(1))},
			hours:  map[at]int{{0, 10}: 1, {0, 12}: 1},
			offers: map[string]int{"TAKE5": 1, "": 1},
		},
		"a month's budget is spent by what was redeemed": {
			rules: func(r *policy.Rules) {
				r.OfferBudget.Monthly = amount("150")
				r.Offers = []policy.OfferRule{{Code: "HUNDRED", Value: decimal.NewFromInt(100), Type: policy.OfferFixed}}
			},
			carts: []*history{
				abandoned(1, monday, bought(monday.Add(time.Hour)), func(c *history) { c.Order.Codes = []string{"hundred"} }),
				abandoned(2, monday, bought(monday.Add(time.Hour))),
				abandoned(3, monday.Add(2*time.Hour)),
				abandoned(4, monday.AddDate(0, 1, 0)),
			},
			hours:  map[at]int{{0, 10}: 2, {0, 12}: 1, {2, 10}: 1},
			offers: map[string]int{"HUNDRED": 3, "": 1},
		},
		"everybody is held out": {
			rules: func(r *policy.Rules) { r.Holdout = 1 },
			carts: []*history{abandoned(1, monday)},
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
		abandoned(1, monday, func(c *history) { c.Erased = true }), abandoned(2, monday, in("unknown.myshopify.com")), abandoned(3, monday))
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
	p, carts := policyOf(t), []*history{abandoned(1, monday), abandoned(2, monday.Add(-2*time.Hour))}
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
func crowd(n int) []*history {
	carts := make([]*history, n)
	for i := range carts {
		carts[i] = abandoned(i, monday.Add(time.Duration(i)*time.Second), worth(int64(500+i%3000)))
	}
	return carts
}

func TestNumbers_ACartWithTwoIsSeenAtBoth(t *testing.T) {
	t.Parallel()
	// The customer first typed the number of another cart's customer.
	p := policyOf(t, func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} })
	for _, workers := range []int{1, 16} {
		carts := []*backtest.Cart{}
		for c, err := range each([]*history{abandoned(1, monday), abandoned(2, monday, phoned(2)), abandoned(3, monday.Add(time.Minute))}, p, nil) {
			require.NoError(t, err)
			carts = append(carts, c)
		}
		mistyped := abandoned(3, monday.Add(time.Minute), phoned(1)).Checkout
		corrected := abandoned(3, monday.Add(2*time.Minute), phoned(2)).Checkout
		carts[2].Events = []backtest.Event{
			{At: mistyped.UpdatedAt, Event: cart.CheckoutSeen{Checkout: mistyped}}, {At: corrected.UpdatedAt, Event: cart.CheckoutSeen{Checkout: corrected}},
		}
		carts[2].Phones = backtest.ReadPhones(acme, []cart.Checkout{mistyped, corrected}, p, nil)
		source := func(yield func(*backtest.Cart, error) bool) {
			for _, c := range carts {
				if !yield(c, nil) {
					return
				}
			}
		}
		report, err := backtest.Run(source, backtest.Options{Policy: p, Now: later, Workers: workers})
		require.NoError(t, err)
		require.Equal(t, 1, report.Policy.Called, "both older carts made room for the third, at one number after the other")
	}
}

func TestOffers_ASingleUseCodeCostsWhatItsOrderRedeemed(t *testing.T) {
	t.Parallel()
	unique := func(r *policy.Rules) {
		r.OfferBudget.Monthly = amount("150")
		r.Offers = []policy.OfferRule{{Code: "YOU", Value: decimal.NewFromInt(100), Type: policy.OfferFixed, Source: policy.OfferUnique}}
	}
	p := policyOf(t, unique)
	minted := cart.Offer{Code: "YOU-7KQ", Value: decimal.NewFromInt(100), Type: policy.OfferFixed, Unique: true}
	first := abandoned(1, monday, ended(cart.NoAnswer), bought(monday.Add(time.Hour)), func(c *history) { c.Order.Codes = []string{minted.Code} })
	var carts []*backtest.Cart
	for c, err := range each([]*history{first, abandoned(2, monday.Add(2*time.Hour))}, p, nil) {
		require.NoError(t, err)
		for i := range c.Calls {
			c.Calls[i].Offer = &minted
		}
		carts = append(carts, c)
	}
	report, err := backtest.Run(func(yield func(*backtest.Cart, error) bool) {
		_ = yield(carts[0], nil) && yield(carts[1], nil)
	}, backtest.Options{Policy: p, Now: later})
	require.NoError(t, err)
	assert.Equal(t, []backtest.OfferCount{{Code: "", Calls: 1}, {Code: "YOU", Calls: 1}}, report.Policy.Offers)
}
