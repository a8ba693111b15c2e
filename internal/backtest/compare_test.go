package backtest_test

import (
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHowPoliciesDiffer(t *testing.T) {
	t.Parallel()
	offer := func(code string, attempt int) func(*policy.Rules) {
		return func(r *policy.Rules) {
			r.Offers = []policy.OfferRule{{When: policy.OfferWhen{Attempt: attempt}, Code: code, Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
		}
	}
	delay := func(d time.Duration) func(*policy.Rules) { return func(r *policy.Rules) { r.Delay = d } }
	unchanged := func(*policy.Rules) {}
	for name, test := range map[string]struct {
		was, is func(*policy.Rules)
		cart    *history
		kind    backtest.Kind
		rule    string
		// before and after are what the rule said; "" when it was not looked at.
		before, after cart.Verdict
	}{
		"too small from now on": {
			unchanged, func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") }, abandoned(1, monday),
			backtest.NotCalled, "eligibility.total", "", cart.VerdictWatch,
		},
		"small enough from now on": {
			func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") }, unchanged, abandoned(1, monday),
			backtest.CalledNow, "eligibility.total", cart.VerdictWatch, "",
		},
		"the bound moves": {
			func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") }, func(r *policy.Rules) { r.Eligibility.MinTotal = amount("1000") }, abandoned(1, monday),
			backtest.CalledNow, "eligibility.total", cart.VerdictWatch, cart.VerdictOK,
		},
		"a shorter delay": {delay(time.Hour), delay(time.Minute), abandoned(1, monday), backtest.Earlier, "delay", cart.VerdictWait, cart.VerdictWait},
		"a longer delay":  {delay(time.Minute), delay(time.Hour), abandoned(1, monday), backtest.Later, "delay", cart.VerdictWait, cart.VerdictWait},
		"no delay at all": {delay(time.Hour), delay(0), abandoned(1, monday), backtest.Earlier, "delay", cart.VerdictWait, cart.VerdictOK},
		"bought meanwhile": {
			delay(time.Minute), delay(time.Hour), abandoned(1, monday, bought(monday.Add(30*time.Minute))),
			backtest.NotCalled, "delay", cart.VerdictWait, cart.VerdictWait,
		},
		"other hours": {
			unchanged, func(r *policy.Rules) { r.Windows = []policy.Window{{From: "14:00", To: "15:00"}} }, abandoned(1, monday),
			backtest.Later, "hours", cart.VerdictOK, cart.VerdictWait,
		},
		"held out":      {unchanged, func(r *policy.Rules) { r.Holdout = 1 }, abandoned(1, monday), backtest.NotCalled, "holdout", cart.VerdictOK, cart.VerdictStop},
		"an offer":      {unchanged, offer("A", 1), abandoned(1, monday), backtest.OtherOffer, "offer", "", cart.VerdictOK},
		"another offer": {offer("A", 1), offer("B", 1), abandoned(1, monday), backtest.OtherOffer, "offer", cart.VerdictOK, cart.VerdictOK},
		"an offer with the second call": {
			unchanged, offer("A", 2), abandoned(1, monday, ended(cart.Busy)), backtest.OtherOffer, "offer", "", cart.VerdictOK,
		},
		"first of all": {
			unchanged, func(r *policy.Rules) { r.PriorityAbove = amount("1000") }, abandoned(1, monday), backtest.OtherPriority, "priority", "", cart.VerdictOK,
		},
		"fewer attempts": {
			unchanged, func(r *policy.Rules) { r.Attempts.Max = 1 }, abandoned(1, monday, ended(cart.Busy)), backtest.FewerCalls, "attempts", cart.VerdictOK, cart.VerdictStop,
		},
		"more attempts": {
			func(r *policy.Rules) { r.Attempts.Max = 1 }, unchanged, abandoned(1, monday, ended(cart.Busy)), backtest.MoreCalls, "attempts", cart.VerdictStop, cart.VerdictOK,
		},
		"the second attempt later": {
			unchanged, func(r *policy.Rules) { r.Attempts.Spacing.Busy = 3 * time.Hour }, abandoned(1, monday, ended(cart.Busy)), backtest.Later, "spacing", cart.VerdictWait, cart.VerdictWait,
		},
		"not called for another reason": {
			func(r *policy.Rules) { r.Eligibility.MinTotal = amount("2000") },
			func(r *policy.Rules) { r.Consent = policy.On("attribute:yes") },
			abandoned(1, monday),
			backtest.OtherEnd, "consent", cart.VerdictOK, cart.VerdictWatch,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := compared(t, policyOf(t, test.was), policyOf(t, test.is), test.cart)
			require.Equal(t, []backtest.Change{{Kind: test.kind, Carts: 1}}, report.Changes)
			require.Len(t, report.Differences, 1)
			d := report.Differences[0]
			assert.Equal(t, test.cart.ID, d.CartID)
			assert.Equal(t, test.kind, d.Kind)
			assert.Equal(t, test.rule, d.Rule)
			assert.Equal(t, test.before, verdictOf(d.Was.Step))
			assert.Equal(t, test.after, verdictOf(d.Is.Step))
			assert.Zero(t, report.Unchanged)
		})
	}
}

func verdictOf(s *cart.Step) cart.Verdict {
	if s == nil {
		return ""
	}
	return s.Verdict
}

func TestTheFirstTwentyDifferencesComeInTheCartsOrder(t *testing.T) {
	t.Parallel()
	// The first cart is settled last.
	carts := crowd(5000)
	carts[0] = abandoned(0, monday, func(c *history) { c.TouchedAt = monday.AddDate(0, 0, 2) })
	report := compared(t, policyOf(t), policyOf(t, func(r *policy.Rules) { r.Delay = time.Hour }), carts...)
	require.Equal(t, []backtest.Change{{Kind: backtest.Later, Carts: 5000}}, report.Changes)
	require.Len(t, report.Differences, 20)
	for i, d := range report.Differences {
		assert.Equal(t, carts[i].ID, d.CartID)
		assert.Equal(t, "delay", d.Rule)
	}
}

func TestANumberIsReadAnewUnderEveryPolicy(t *testing.T) {
	t.Parallel()
	// SMS consent is for the second number; other consents take the first.
	c := abandoned(1, monday, func(c *history) {
		yes := true
		c.Checkout.AcceptsMarketing = &yes
		c.Checkout.SMSPhone = number(2)
		c.Suppressions = []backtest.Suppression{{Phone: number(2), At: monday}}
	})
	marketing := policyOf(t, func(r *policy.Rules) { r.Consent = policy.On(policy.ConsentMarketing) })
	report := compared(t, policyOf(t), marketing, c)
	assert.Equal(t, 1, report.Policy.Called)
	assert.Zero(t, report.Against.Called)
	assert.Equal(t, "suppression", report.Differences[0].Rule)
}
