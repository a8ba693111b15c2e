package wording_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/wording"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
)

func TestReason_EveryReasonHasALabelAndASentence(t *testing.T) {
	t.Parallel()
	labels := map[string]cart.Reason{}
	for _, r := range cart.Reasons() {
		label, sentence := wording.Reason(r), wording.ReasonSentence(r)
		assert.NotEmpty(t, label, r)
		assert.Regexp(t, `^[A-Z].*\.$`, sentence, r)
		assert.NotContains(t, label, "_", r)
		assert.Empty(t, labels[label], "%s has the label of %s", r, labels[label])
		labels[label] = r
	}
	assert.Equal(t, "Not yet known", wording.Reason("not_yet_known"))
	assert.Empty(t, wording.ReasonSentence("not_yet_known"))
}

func TestState_EveryStateHasALabelAndASentence(t *testing.T) {
	t.Parallel()
	for _, s := range cart.States() {
		assert.NotEmpty(t, wording.State(s), s)
		assert.NotEmpty(t, wording.StateSentence(s), s)
	}
}

func TestEvent_UnknownNamesStayReadable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Order received", wording.Event("order"))
	assert.Equal(t, "Call: voice mail", wording.Event("call.voice_mail"))
	assert.Equal(t, "Moon rose", wording.Event("moon_rose"))
}

func TestMoney_FollowsTheCurrency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ amount, currency, want string }{
		{"1299", "INR", "1,299.00 INR"},
		{"12000", "JPY", "12,000 JPY"},
		{"-1234567.891", "EUR", "-1,234,567.89 EUR"},
		{"5", "", "5.00"},
		{"0.5", "KWD", "0.500 KWD"},
	} {
		assert.Equal(t, c.want, wording.Money(decimal.RequireFromString(c.amount), c.currency))
	}
}

func TestOffer_TellsWhatIsGiven(t *testing.T) {
	t.Parallel()
	ten := decimal.NewFromInt(10)
	assert.Equal(t, "TEN, 10 % off", wording.Offer(&cart.Offer{Code: "TEN", Value: ten, Type: "percentage"}, "INR"))
	assert.Equal(t, "TEN, 10.00 INR off", wording.Offer(&cart.Offer{Code: "TEN", Value: ten, Type: "fixed"}, "INR"))
	assert.Empty(t, wording.Offer(nil, "INR"))
}

func TestSpan_UsesItsLargestUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                            "0 s",
		59 * time.Second:             "59 s",
		45 * time.Minute:             "45 min",
		2*time.Hour + 5*time.Minute:  "2 h 5 min",
		23*time.Hour + 5*time.Minute: "23 h",
		24 * time.Hour:               "1 day",
		75 * time.Hour:               "3 days",
	} {
		assert.Equal(t, want, wording.Span(d))
	}
}

func TestDistance_TellsTheDirection(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	assert.Equal(t, "in 45 min", wording.Distance(now.Add(45*time.Minute), now))
	assert.Equal(t, "1 day ago", wording.Distance(now.Add(-25*time.Hour), now))
	assert.Equal(t, "now", wording.Distance(now, now))
}

func TestDuration_DropsZeroUnits(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "72h", wording.Duration(72*time.Hour))
	assert.Equal(t, "45m", wording.Duration(45*time.Minute))
	assert.Equal(t, "1h30m", wording.Duration(90*time.Minute))
	assert.Equal(t, "10s", wording.Duration(10*time.Second))
	assert.Equal(t, "1m5s", wording.Duration(65*time.Second))
}

func TestMasked_HidesTheMiddle(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "+91••••••••08", wording.Masked("+919810000008"))
	assert.Equal(t, "••••", wording.Masked("1234"))
}

func TestStep_IsOneLine(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Calling hours: Mon 10:00 in Asia/Kolkata: OK",
		wording.Step(cart.Step{Rule: "hours", Saw: "Mon 10:00 in Asia/Kolkata", Verdict: cart.VerdictOK}))
	assert.Equal(t, "Do-not-call list: not checked",
		wording.Step(cart.Step{Rule: "suppression", Verdict: cart.VerdictSkipped}))
}

func TestAmount_HasTheDecimalsOfItsCurrency(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ amount, code, want string }{
		{"1895", "INR", "1895.00"}, {"1895", "JPY", "1895"}, {"1.5", "KWD", "1.500"}, {"0", "", "0.00"}, {"7.005", "XYZ1",
			"7.01"}, {"-3", "USD", "-3.00"},
	} {
		assert.Equal(t, test.want, wording.Amount(decimal.RequireFromString(test.amount), test.code))
	}
	assert.True(t, wording.Sound(decimal.RequireFromString("123456789.99")))
	assert.False(t, wording.Sound(decimal.New(1, 1_000_000)))
	assert.False(t, wording.Sound(decimal.New(1, -1_000_000)))
}
