package policy

import (
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noonInIndia is a Monday's noon in India, where nothing stands against a call.
var noonInIndia = time.Date(2026, time.September, 14, 6, 30, 0, 0, time.UTC)

// due is a cart that may be called at noonInIndia.
func due() *cart.Cart {
	return &cart.Cart{
		Shop: testShop, State: cart.Waiting, Phone: "+919876543210", PhoneFrom: "shipping", Country: "IN",
		LastActivityAt: noonInIndia.Add(-time.Hour),
		Checkout: cart.Checkout{
			Currency: "INR", Total: decimal.RequireFromString("1895"), SourceName: "web",
			Shipping: &cart.Address{CountryCode: "IN", ProvinceCode: "MH"},
			Items:    something(),
			Customer: cart.Customer{Tags: []string{"VIP"}},
		},
	}
}

// something is what lies in a cart.
func something() []cart.Item {
	return []cart.Item{{SKU: "TEE-1", ProductID: "11", Vendor: "Acme", Quantity: 2}}
}

// rulesWith gives the default rules, without consent asked for, as change leaves them.
func rulesWith(t testing.TB, change func(*Rules)) *Rules {
	t.Helper()
	r := DefaultRules()
	r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
	if change != nil {
		change(&r)
	}
	require.Empty(t, r.Problems())
	require.NoError(t, r.Compile(testStore))
	return &r
}

// stepOf gives the step of a rule, which must be in the trace.
func stepOf(t testing.TB, d cart.Decision, rule string) cart.Step {
	t.Helper()
	for _, s := range d.Trace {
		if s.Rule == rule {
			return s
		}
	}
	require.Failf(t, "no such step", "%s in %v", rule, d.Trace)
	return cart.Step{}
}

// ended is a call of the cart that was dialled at a moment and ended a minute later.
func ended(at time.Time, o cart.Outcome) cart.Call {
	sent, end := at, at.Add(time.Minute)
	return cart.Call{ID: uuid.Must(uuid.NewV7()), State: cart.Closed, Outcome: o, CreatedAt: sent, SentAt: &sent,
		EndedAt: &end}
}

func TestDecide_EveryRule(t *testing.T) {
	t.Parallel()
	minutes := func(n int) time.Time { return noonInIndia.Add(time.Duration(n) * time.Minute) }
	tomorrow := time.Date(2026, time.September, 15, 4, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		rules func(*Rules)
		cart  func(*cart.Cart)
		facts func(*Facts)
		want  cart.Decision
		// rule and saw name the step that made the decision.
		rule, saw string
	}{
		{name: "nothing stands against it", want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "moment",
			saw: "every rule agrees"},
		{
			name: "without the costly facts", facts: func(f *Facts) { f.Queried = nil },
			want: cart.Decision{Action: cart.ActLook, Reason: cart.Due}, rule: "moment", saw: "nothing in the cart",
		},
		{
			name: "bought", cart: func(c *cart.Cart) { c.State = cart.Purchased },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Ordered}, rule: "state", saw: "bought",
		},
		{
			name: "an order without a state", cart: func(c *cart.Cart) { c.Order = &cart.Order{} },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Ordered}, rule: "state", saw: "bought",
		},
		{
			name: "stopped stays stopped", cart: func(c *cart.Cart) { c.State, c.Reason = cart.Stopped, cart.Declined },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Declined}, rule: "state", saw: "stopped: declined",
		},
		{
			name: "erased", cart: func(c *cart.Cart) { c.ErasedAt = &noonInIndia },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Redacted}, rule: "state", saw: "erased",
		},
		{
			name: "uninstalled", facts: func(f *Facts) { f.Shop.Uninstalled = true },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Uninstalled}, rule: "installed", saw: "removed",
		},
		{
			name: "no phone", cart: func(c *cart.Cart) { c.Phone = "" },
			want: cart.Decision{Action: cart.ActWatch, Reason: cart.NoPhone}, rule: "phone", saw: "no number",
		},
		{
			name: "no consent", rules: func(r *Rules) { r.Consent = On(ConsentSMS) },
			want: cart.Decision{Action: cart.ActWatch, Reason: cart.NoConsent}, rule: "consent",
			saw: "sms_marketing: the checkout does not say",
		},
		{
			name: "suppressed", facts: func(f *Facts) { f.Queried.Suppressed = "all" },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Suppressed}, rule: "suppression", saw: "suppressed for all",
		},
		{
			name: "bought otherwise", facts: func(f *Facts) { f.Queried.Ordered = true },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Superseded}, rule: "other_order", saw: "placed another order",
		},
		{
			name: "a newer cart", facts: func(f *Facts) { f.Queried.NewerCart = &uuid.Max },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Superseded}, rule: "one_cart_per_phone", saw: "newer cart",
		},
		{
			name: "expired", cart: func(c *cart.Cart) { c.LastActivityAt = noonInIndia.Add(-72 * time.Hour) },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Expired}, rule: "expiry",
			saw: "expires at 2026-09-14T06:30:00Z",
		},
		{
			name: "never touched, but made",
			cart: func(c *cart.Cart) { c.LastActivityAt, c.CreatedAt = time.Time{}, minutes(-20) },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Delay, Until: minutes(25)}, rule: "moment",
			saw: "2026-09-14T06:55:00Z",
		},
		{
			name: "too early", cart: func(c *cart.Cart) { c.LastActivityAt = minutes(-30) },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Delay, Until: minutes(15)}, rule: "delay",
			saw: "last touched at 2026-09-14T06:00:00Z, due 45m later",
		},
		{
			name: "the delay ends at night", cart: func(c *cart.Cart) { c.LastActivityAt = minutes(-30) },
			rules: func(r *Rules) { r.Delay = 10 * time.Hour },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "hours",
			saw: "Mon 21:30 in Asia/Kolkata; opens at 2026-09-15T04:30:00Z",
		},
		{
			name: "the next opening is past the expiry", cart: func(c *cart.Cart) { c.LastActivityAt = minutes(-30) },
			rules: func(r *Rules) { r.Delay, r.ExpiresAfter = 10*time.Hour, 12*time.Hour },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: minutes(-30).Add(12 * time.Hour)},
			rule:  "moment", saw: "first possible at 2026-09-15T04:30:00Z, which is past the expiry",
		},
		{
			name:  "the next opening is the expiry",
			cart:  func(c *cart.Cart) { c.LastActivityAt = tomorrow.Add(-12 * time.Hour) },
			rules: func(r *Rules) { r.Delay, r.ExpiresAfter = 10*time.Hour, 12*time.Hour },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "moment",
			saw: "past the expiry",
		},
		{
			name: "paused", facts: func(f *Facts) { f.Shop.Paused = true },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Paused, Until: minutes(15)}, rule: "paused", saw: "halted",
		},
		{
			name: "paused, and about to expire", facts: func(f *Facts) { f.Shop.Paused = true },
			cart: func(c *cart.Cart) { c.LastActivityAt = noonInIndia.Add(-72*time.Hour + 5*time.Minute) },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Paused, Until: minutes(5)}, rule: "paused", saw: "halted",
		},
		{
			name:  "paused until after the windows close",
			facts: func(f *Facts) { at := minutes(9 * 60); f.Shop.Breaker, f.Shop.BreakerUntil = true, &at },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "paused",
			saw: "paused itself until 2026-09-14T15:30:00Z",
		},
		{
			name: "paused by itself without end", facts: func(f *Facts) { f.Shop.Breaker = true },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Breaker, Until: minutes(15)}, rule: "paused",
			saw: "until it is resumed",
		},
		{
			name:  "a breaker that has run out",
			facts: func(f *Facts) { at := minutes(-1); f.Shop.Breaker, f.Shop.BreakerUntil = true, &at },
			want:  cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "paused", saw: "paused itself until",
		},
		{
			name: "another call to the phone", facts: func(f *Facts) { f.Queried.OpenCall = true },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.OtherCall, Until: minutes(2)}, rule: "other_call",
			saw: "another call to this phone",
		},
		{
			name:  "a call of its own that was sent",
			cart:  func(c *cart.Cart) { c.Calls = []cart.Call{{State: cart.Placed, SentAt: &noonInIndia}} },
			rules: func(r *Rules) { r.Attempts.Spacing.Failed = time.Minute },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.OtherCall, Until: minutes(2)}, rule: "other_call",
			saw: "a call of this cart",
		},
		{
			name: "its own call about to be sent",
			cart: func(c *cart.Cart) { c.State, c.Calls = cart.Calling, []cart.Call{{State: cart.Placing}} },
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "state", saw: "calling",
		},
		{
			name: "spoken to", cart: func(c *cart.Cart) { c.Attempts, c.Calls = 1, []cart.Call{ended(minutes(-90), cart.Completed)} },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Reached}, rule: "attempts", saw: "spoken to",
		},
		{
			name: "not interested", cart: func(c *cart.Cart) {
				call := ended(minutes(-90), cart.Completed)
				call.Insights.Declined = true
				c.Attempts, c.Calls = 1, []cart.Call{call}
			},
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Declined}, rule: "attempts", saw: "not interested",
		},
		{
			name: "opted out, whatever the operator wants", facts: func(f *Facts) { f.Forced = true }, cart: func(c *cart.Cart) {
				call := ended(minutes(-90), cart.Completed)
				call.Insights.OptedOut = true
				c.Attempts, c.Calls = 1, []cart.Call{call}
			},
			want: cart.Decision{Action: cart.ActStop, Reason: cart.OptedOut}, rule: "attempts", saw: "not to be called",
		},
		{
			name: "refused by the provider",
			cart: func(c *cart.Cart) { c.Attempts, c.Calls = 1, []cart.Call{ended(minutes(-90), cart.Skipped)} },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Refused}, rule: "attempts", saw: "will not dial",
		},
		{
			name: "used up", cart: func(c *cart.Cart) { c.Attempts = 2 },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Exhausted}, rule: "attempts", saw: "2 of 2 calls",
		},
		{
			name: "used up, but an operator asks", cart: func(c *cart.Cart) { c.Attempts, c.LastActivityAt = 2, minutes(-1) },
			facts: func(f *Facts) { f.Forced = true },
			want:  cart.Decision{Action: cart.ActCall, Reason: cart.ByOperator}, rule: "attempts", saw: "an operator asked",
		},
		{
			name: "too soon after no answer",
			cart: func(c *cart.Cart) { c.Attempts, c.Calls = 1, []cart.Call{ended(minutes(-61), cart.NoAnswer)} },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Spacing, Until: minutes(60)}, rule: "spacing",
			saw: "last call no_answer at 2026-09-14T05:30:00Z, next one 2h later",
		},
		{
			name:  "the spacing ends after the windows close",
			cart:  func(c *cart.Cart) { c.Attempts, c.Calls = 1, []cart.Call{ended(minutes(-1), cart.Lost)} },
			rules: func(r *Rules) { r.Attempts.Spacing.Lost = 8 * time.Hour },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "spacing", saw: "lost",
		},
		{
			name: "asked for a later call", cart: func(c *cart.Cart) {
				at := minutes(30)
				c.Attempts, c.CallbackAt, c.Calls = 1, &at, []cart.Call{ended(minutes(-1), cart.Completed)}
			},
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Callback, Until: minutes(30)}, rule: "callback",
			saw: "asked for a call at 2026-09-14T07:00:00Z",
		},
		{
			name: "the time that was asked for has come", cart: func(c *cart.Cart) {
				at := minutes(-1)
				c.Attempts, c.CallbackAt, c.LastActivityAt, c.Calls = 1, &at, minutes(-2), []cart.Call{ended(minutes(-5),
					cart.Completed)}
			},
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "spacing", saw: "the customer asked for a call",
		},
		{
			name: "asked for a call at night", cart: func(c *cart.Cart) { at := minutes(10 * 60); c.CallbackAt = &at },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "callback",
			saw: "asked for a call",
		},
		{
			name: "asked for a call after the expiry",
			cart: func(c *cart.Cart) { at := minutes(4 * 24 * 60); c.CallbackAt = &at },
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Callback, Until: minutes(4 * 24 * 60)}, rule: "expiry",
			saw: "expires at 2026-09-21T06:30:00Z",
		},
		{
			name: "asked for a call next year",
			cart: func(c *cart.Cart) { at := noonInIndia.AddDate(1, 0, 0); c.CallbackAt = &at },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Expired}, rule: "expiry", saw: "more than 720h from now",
		},
		{
			name: "asked for a call, but against a cap", cart: func(c *cart.Cart) { at := minutes(-1); c.CallbackAt = &at },
			facts: func(f *Facts) { f.Queried.Dials = []Dial{{At: minutes(-23 * 60), Shop: "other.myshopify.com"}} },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Cap, Until: minutes(60)}, rule: "caps.per_phone",
			saw: "1 of 1 call in 24h, 1 of 3 calls in 720h; free at 2026-09-14T07:30:00Z",
		},
		{
			name:  "a cap of the shop alone",
			rules: func(r *Rules) { r.Caps.PerPhone = []Cap{{Calls: 2, Every: 2 * time.Hour, Scope: ScopeShop}} },
			facts: func(f *Facts) {
				f.Queried.Dials = []Dial{{At: minutes(-100), Shop: testShop}, {At: minutes(-30), Shop: testShop},
					{At: minutes(-10), Shop: "other.myshopify.com"}}
			},
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Cap, Until: minutes(20)}, rule: "caps.per_phone",
			saw: "2 of 2 calls in 2h by this shop",
		},
		{
			name:  "the cap frees after the windows close",
			facts: func(f *Facts) { f.Queried.Dials = []Dial{{At: minutes(-10), Shop: testShop}} },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Cap, Until: minutes(24*60 - 10)}, rule: "caps.per_phone",
			saw: "free at",
		},
		{
			name: "a cap that frees after the expiry", facts: func(f *Facts) {
				f.Queried.Dials = []Dial{{At: minutes(-24 * 60)}, {At: minutes(-48 * 60)}, {At: minutes(-72 * 60)}}
			},
			want: cart.Decision{Action: cart.ActWait, Reason: cart.Cap, Until: minutes(71 * 60)}, rule: "moment",
			saw: "past the expiry",
		},
		{
			name: "the shop's calls of the day are used up", rules: func(r *Rules) { r.Caps.DailyCalls = 2 },
			facts: func(f *Facts) { f.Queried.ShopCalls = []time.Time{minutes(-10), minutes(-11), minutes(-13 * 60)} },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "caps.daily_calls",
			saw: "2 of 2 calls today",
		},
		{
			name: "the shop's calls of yesterday do not count", rules: func(r *Rules) { r.Caps.DailyCalls = 2 },
			facts: func(f *Facts) {
				f.Queried.ShopCalls = []time.Time{minutes(-10), minutes(-12*60 - 1), minutes(-13 * 60)}
			},
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "caps.daily_calls", saw: "1 of 2 calls today",
		},
		{
			name: "an operator does not pass over hours", facts: func(f *Facts) { f.Forced = true },
			rules: func(r *Rules) { r.Windows = []Window{{From: "10:00", To: "12:00"}} },
			want:  cart.Decision{Action: cart.ActWait, Reason: cart.Window, Until: tomorrow}, rule: "hours", saw: "opens at",
		},
		{
			name: "an operator does pass over the holdout", facts: func(f *Facts) { f.Forced = true },
			rules: func(r *Rules) { r.Holdout = 1 },
			want:  cart.Decision{Action: cart.ActCall, Reason: cart.ByOperator}, rule: "holdout", saw: "an operator asked",
		},
		{
			name: "held out", rules: func(r *Rules) { r.Holdout = 1 },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Holdout, Arm: cart.ArmHoldout}, rule: "holdout",
			saw: "drawn: holdout",
		},
		{
			name: "called before there was a holdout", rules: func(r *Rules) { r.Holdout = 1 },
			cart: func(c *cart.Cart) { c.Attempts = 1 },
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "holdout", saw: "not held out",
		},
		{
			name: "held out before", cart: func(c *cart.Cart) { c.Arm = cart.ArmHoldout },
			want: cart.Decision{Action: cart.ActStop, Reason: cart.Holdout, Arm: cart.ArmHoldout}, rule: "holdout",
			saw: "decided before",
		},
		{
			name: "not held out before", cart: func(c *cart.Cart) { c.Arm = cart.ArmCall },
			rules: func(r *Rules) { r.Holdout = 1 },
			want:  cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "holdout", saw: "decided before",
		},
		{
			name: "worth hurrying for", rules: func(r *Rules) { r.PriorityAbove = amount("1895") },
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due, Priority: true}, rule: "priority",
			saw: "total 1895.00 INR, goes before others from 1895.00",
		},
		{
			name: "not worth hurrying for", rules: func(r *Rules) { r.PriorityAbove = amount("1895.01") },
			want: cart.Decision{Action: cart.ActCall, Reason: cart.Due}, rule: "priority", saw: "total",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := Facts{Cart: due(), Queried: &QueriedFacts{}}
			if c.cart != nil {
				c.cart(f.Cart)
			}
			if c.facts != nil {
				c.facts(&f)
			}
			got := Decide(rulesWith(t, c.rules), f, noonInIndia)
			step := stepOf(t, got, c.rule)
			assert.Contains(t, step.Saw, c.saw)
			if c.want.Action == cart.ActCall && c.want.Arm == "" && !f.Forced {
				c.want.Arm = cart.ArmCall
			}
			c.want.Trace, c.want.Consent = got.Trace, got.Consent
			assert.Equal(t, c.want, got)
		})
	}
}

func TestDecide_RulesWithProblemsNeverCall(t *testing.T) {
	t.Parallel()
	r := DefaultRules() // no consent was chosen
	d := Decide(&r, Facts{Cart: due(), Queried: &QueriedFacts{}}, noonInIndia)
	assert.Equal(t, cart.ActWait, d.Action)
	assert.Contains(t, d.Trace[0].Saw, "consent: must be chosen")
	assert.Error(t, r.Compile(testStore))
	assert.Nil(t, Zones(&r, due()))
	_, ok := nextOpening(&r, due(), noonInIndia)
	assert.False(t, ok)
}

func TestDecide_UncompiledRulesKnowNoStore(t *testing.T) {
	t.Parallel()
	r := DefaultRules()
	r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
	assert.Equal(t, cart.ActCall, Decide(&r, Facts{Cart: due(), Queried: &QueriedFacts{}}, noonInIndia).Action)
	r.Eligibility.MinTotal = amount("1")
	d := Decide(&r, Facts{Cart: due(), Queried: &QueriedFacts{}}, noonInIndia)
	assert.Equal(t, cart.Ineligible, d.Reason, "no amount can be compared without a currency")
}

func TestCompile_NamesTheStoresValue(t *testing.T) {
	t.Parallel()
	r := DefaultRules()
	r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
	assert.ErrorContains(t, r.Compile(Store{}), "timezone: is missing")
	assert.ErrorContains(t, r.Compile(Store{Timezone: "Asia/Bombay City"}),
		`timezone: "Asia/Bombay City" is not a time zone`)
	assert.ErrorContains(t, r.Compile(Store{Timezone: "Local"}), "not a time zone")
}

func TestSpacing_Grows(t *testing.T) {
	t.Parallel()
	s := DefaultRules().Attempts.Spacing
	assert.Equal(t, 2*time.Hour, s.after(cart.NoAnswer, 3), "not without a factor")
	s.Backoff = 1.5
	assert.Equal(t, 2*time.Hour, s.after(cart.NoAnswer, 1))
	assert.Equal(t, 3*time.Hour, s.after(cart.NoAnswer, 2))
	assert.Equal(t, 45*time.Minute, s.after(cart.Busy, 3))
	assert.Equal(t, time.Hour, s.after(cart.Aborted, 1))
	assert.Equal(t, 4*time.Hour, s.after(cart.Timeout, 1))
	assert.Equal(t, 24*time.Hour, s.after(cart.Lost, 1))
	s.Backoff = 10
	assert.Equal(t, PlanningHorizon, s.after(cart.Lost, 20), "and not beyond all measure")
}

func TestSpacing_AnotherTimeOfDay(t *testing.T) {
	t.Parallel()
	r := rulesWith(t, func(r *Rules) {
		r.Attempts.Spacing.OtherTimeOfDay = true
		r.Attempts.Spacing.NoAnswer = time.Minute
		r.Caps.PerPhone = nil
		r.ExpiresAfter = 10 * 24 * time.Hour
	})
	decide := func(called, now time.Time) cart.Decision {
		c := due()
		c.LastActivityAt = called.Add(-time.Hour)
		c.Attempts, c.Calls = 1, []cart.Call{ended(called, cart.NoAnswer)}
		return Decide(r, Facts{Cart: c, Queried: &QueriedFacts{}}, now)
	}
	morning := local(t, "Asia/Kolkata", "2026-09-14 10:30")
	d := decide(morning, local(t, "Asia/Kolkata", "2026-09-14 11:00"))
	assert.Equal(t, local(t, "Asia/Kolkata", "2026-09-14 12:00").UTC(), d.Until,
		"a morning's call is followed by one after noon")
	assert.Contains(t, stepOf(t, d, "spacing").Saw, "at another time of day")

	afternoon := local(t, "Asia/Kolkata", "2026-09-14 14:00")
	d = decide(afternoon, local(t, "Asia/Kolkata", "2026-09-14 14:30"))
	assert.Equal(t, local(t, "Asia/Kolkata", "2026-09-14 17:00").UTC(), d.Until, "an afternoon's by one in the evening")

	evening := local(t, "Asia/Kolkata", "2026-09-14 18:00")
	d = decide(evening, local(t, "Asia/Kolkata", "2026-09-14 18:30"))
	assert.Equal(t, local(t, "Asia/Kolkata", "2026-09-15 10:00").UTC(), d.Until, "an evening's by one the next morning")

	only := *r
	only.Windows = []Window{{From: "10:00", To: "12:00"}}
	require.NoError(t, only.Compile(testStore))
	c := due()
	c.LastActivityAt, c.Attempts, c.Calls = morning, 1, []cart.Call{ended(morning, cart.NoAnswer)}
	d = Decide(&only, Facts{Cart: c, Queried: &QueriedFacts{}}, morning.Add(time.Hour))
	assert.Equal(t, local(t, "Asia/Kolkata", "2026-09-16 10:30").UTC(), d.Until, "after two days any time will do")
}

func TestCaps_JurisdictionsAddTheirOwn(t *testing.T) {
	t.Parallel()
	paris := local(t, "Europe/Paris", "2026-09-14 11:00")
	french := due()
	french.Phone, french.Country, french.Checkout.Shipping = "+33612345678", "FR", &cart.Address{CountryCode: "FR"}
	french.LastActivityAt = paris.Add(-time.Hour)
	free := func(r *Rules) { r.Caps.PerPhone, r.ExpiresAfter = nil, PlanningHorizon }

	d := Decide(rulesWith(t, free),
		Facts{Cart: french, Queried: &QueriedFacts{Dials: []Dial{{At: paris.AddDate(0, 0, -37), Refused: true}}}}, paris)
	assert.Equal(t, cart.ActWait, d.Action)
	assert.Equal(t, cart.Cap, d.Reason, "sixty days' silence after a refusal")
	assert.Equal(t, paris.AddDate(0, 0, 23).UTC().Format(time.DateOnly), d.Until.Format(time.DateOnly))

	dials := []Dial{{At: paris.AddDate(0, 0, -1)}, {At: paris.AddDate(0, 0, -2)}, {At: paris.AddDate(0, 0, -3)},
		{At: paris.AddDate(0, 0, -29)}}
	d = Decide(rulesWith(t, free), Facts{Cart: french, Queried: &QueriedFacts{Dials: dials}}, paris)
	assert.Equal(t, paris.AddDate(0, 0, 1).UTC(), d.Until, "four calls in thirty days")

	floridian := due()
	now := local(t, "America/New_York", "2026-09-14 15:00")
	floridian.Phone, floridian.Country, floridian.Checkout.Shipping = "+13055550123", "US", &cart.Address{CountryCode: "US", ProvinceCode: "FL"}
	floridian.LastActivityAt = now.Add(-time.Hour)
	dials = []Dial{{At: now.Add(-time.Hour)}, {At: now.Add(-2 * time.Hour)}, {At: now.Add(-23 * time.Hour)}}
	d = Decide(rulesWith(t, free), Facts{Cart: floridian, Queried: &QueriedFacts{Dials: dials}}, now)
	assert.Equal(t, now.Add(time.Hour).UTC(), d.Until, "three calls in 24 hours in Florida")

	d = Decide(rulesWith(t, func(r *Rules) {
		free(r)
		r.Jurisdictions = map[string]Override{"US-FL": {Caps: []Cap{{Calls: 4, Every: 24 * time.Hour}}}}
	}), Facts{Cart: floridian, Queried: &QueriedFacts{Dials: dials}}, now)
	assert.Equal(t, cart.ActCall, d.Action, "a store may set a cap of its own")

	georgian := *floridian
	georgian.Phone, georgian.Checkout.Shipping = "+14045550123", &cart.Address{CountryCode: "US", ProvinceCode: "GA"}
	assert.Equal(t, cart.ActCall,
		Decide(rulesWith(t, free), Facts{Cart: &georgian, Queried: &QueriedFacts{Dials: dials}},
			now).Action, "but not in Georgia")
}

func TestLongestCap_IncludesTheTable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 8760*time.Hour, LongestCap(rulesWith(t, nil)), "Washington's silence after a refusal")
	assert.Equal(t, 720*time.Hour, LongestCap(rulesWith(t, func(r *Rules) { r.QuietHours = QuietOff })))
	assert.Equal(t, 8770*time.Hour,
		LongestCap(rulesWith(t, func(r *Rules) { r.Caps.PerPhone = []Cap{{Calls: 1, Every: 8770 * time.Hour}} })))
}

func TestHoldout_IsStableAndOfItsSize(t *testing.T) {
	t.Parallel()
	held := 0
	const people = 20000
	for i := range people {
		phone := "+91987" + time.Unix(int64(i), 0).UTC().Format("1504050102")
		small, large := armOf(testShop, phone, "", 0.1), armOf(testShop, phone, "", 0.4)
		require.Equal(t, small, armOf(testShop, phone, "", 0.1))
		if small == cart.ArmHoldout {
			held++
			require.Equal(t, cart.ArmHoldout, large, "who is held out stays so when the share grows")
		}
		require.Equal(t, cart.ArmCall, armOf(testShop, phone, "", 0))
		require.Equal(t, cart.ArmHoldout, armOf(testShop, phone, "", 1))
	}
	assert.InDelta(t, 0.1, float64(held)/people, 0.02)
	moved := 0
	for i := range 1000 {
		phone := "+1212555" + time.Unix(int64(i), 0).UTC().Format("0405")
		if armOf(testShop, phone, "", 0.5) != armOf(testShop, phone, "autumn", 0.5) {
			moved++
		}
	}
	assert.Greater(t, moved, 300, "a salt draws anew")
}
