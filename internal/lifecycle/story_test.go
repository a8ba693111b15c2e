package lifecycle_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

const shop = "acme.myshopify.com"

// start is a Tuesday noon in India.
var start = time.Date(2026, 3, 10, 6, 30, 0, 0, time.UTC)

// story plays events on one cart as the shell would, and remembers what followed.
type story struct {
	t       testing.TB
	cart    cart.Cart
	rules   lifecycle.Rules
	facts   policy.Facts
	now     time.Time
	effects []lifecycle.Effect
	ledger  []cart.Entry
}

func newStory(t testing.TB, change ...func(*policy.Rules)) *story {
	t.Helper()
	r := policy.DefaultRules()
	r.Consent, r.AcceptWeakerConsent = policy.On(policy.ConsentNotRequired), []string{"IN"}
	r.Windows = []policy.Window{{From: "00:00", To: "24:00"}}
	r.QuietHours = policy.QuietOff
	r.Caps.PerPhone = nil
	r.Attempts.Max = 3
	r.Offers = []policy.OfferRule{{
		When: policy.OfferWhen{Attempt: 2}, Code: "COMEBACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage,
		ApplyAs: policy.OfferAdditional, Source: policy.OfferShared,
	}}
	for _, c := range change {
		c(&r)
	}
	require.NoError(t, r.Compile(policy.Store{Shop: shop, Timezone: "Asia/Kolkata", Country: "IN", Currency: "INR"}))
	return &story{
		t:    t,
		now:  start,
		cart: cart.Cart{ID: uuid.Must(uuid.NewV7()), Shop: shop, Token: "tok"},
		rules: lifecycle.Rules{Policy: &r, Country: "IN", Voice: lifecycle.Voice{
			Provider: "mirai", Assistant: "pool", Silence: 15 * time.Minute, OurRetries: true, CanAbort: true,
			Machine: lifecycle.Machine{ShorterThan: 12 * time.Second, HungUpWithin: 2 * time.Second},
		}},
		facts: policy.Facts{Queried: &policy.QueriedFacts{}},
	}
}

// does applies one event and returns what followed.
func (s *story) does(e cart.Event) []lifecycle.Effect {
	s.t.Helper()
	before := s.cart
	result := lifecycle.Apply(s.cart, e, s.rules, s.facts, s.now)
	after, effects := result.Cart, result.Effects
	s.cart, s.effects = after, effects
	require.True(s.t, after.State.Valid() || after.State == "" && before.State == "", "state %q", after.State)
	for _, f := range effects {
		if r, ok := f.(lifecycle.Record); ok {
			require.True(s.t, r.Entry.Reason.Valid(), "reason %q", r.Entry.Reason)
			require.Equal(s.t, before.State, r.Entry.From)
			require.Equal(s.t, after.State, r.Entry.To)
			s.ledger = append(s.ledger, r.Entry)
		}
	}
	s.sound()
	return effects
}

// sound checks what is true of every cart at every moment.
func (s *story) sound() {
	s.t.Helper()
	c := s.cart
	require.Equal(s.t, c.State == cart.Waiting, c.WakeAt != nil, "a cart has a wake exactly when it waits: %s", c.State)
	require.Equal(s.t, c.State == cart.Ready, c.ReadyAt != nil, "a cart waits for a line exactly when it is ready: %s",
		c.State)
	open := 0
	attempts := map[int]int{}
	for _, call := range c.Calls {
		if call.State.Open() {
			open++
		} else {
			require.False(s.t, call.HoldsLine, "a call that is over holds no line")
		}
		if call.State != cart.Rejected {
			attempts[call.Attempt]++
		}
		require.Equal(s.t, call.State == cart.Closed, call.State == cart.Closed && call.Outcome != "",
			"a closed call has an outcome")
	}
	require.LessOrEqual(s.t, open, 1, "at most one call is under way")
	if c.State == cart.Calling {
		require.Equal(s.t, 1, open, "a calling cart has a call under way")
	}
	for n, times := range attempts {
		require.Equal(s.t, 1, times, "attempt %d was made %d times", n, times)
	}
}

func (s *story) passes(d time.Duration) { s.now = s.now.Add(d) }

func (s *story) checkout(change ...func(*cart.Checkout)) cart.Event {
	c := cart.Checkout{
		Token: "tok", ID: "1", CartToken: "cart", Email: "asha@example.com", Currency: "INR",
		Phones:    []cart.RawPhone{{From: "shipping", Number: "98765 43210", Country: "IN"}},
		Total:     decimal.NewFromInt(1895),
		Items:     []cart.Item{{Title: "Kurta", Quantity: 1, Price: decimal.NewFromInt(1895)}},
		CreatedAt: s.now, UpdatedAt: s.now,
	}
	for _, f := range change {
		f(&c)
	}
	return cart.CheckoutSeen{Checkout: c, Via: "webhook"}
}

func (s *story) wakes() {
	s.t.Helper()
	require.Equal(s.t, cart.Waiting, s.cart.State)
	if s.cart.WakeAt.After(s.now) {
		s.now = *s.cart.WakeAt
	}
	s.does(cart.Woken{})
}

// calls brings the cart to the point where its request has gone out and was taken, and returns the call's id.
func (s *story) calls() uuid.UUID {
	s.t.Helper()
	for s.cart.State == cart.Waiting {
		s.wakes()
	}
	require.Equal(s.t, cart.Ready, s.cart.State)
	id := s.sends()
	s.does(cart.PlaceAccepted{CallID: id, ProviderCallID: "p-" + id.String()})
	return id
}

// sends brings a ready cart to the point where its request may go out.
func (s *story) sends() uuid.UUID {
	s.t.Helper()
	id := uuid.Must(uuid.NewV7())
	require.Contains(s.t, s.does(cart.LineFree{CallID: id}), lifecycle.Effect(lifecycle.Place{CallID: id}))
	require.Contains(s.t, s.does(cart.SendBegun{CallID: id, TokenHash: []byte("hash")}),
		lifecycle.Effect(lifecycle.Send{CallID: id}))
	return id
}

func (s *story) hears(id uuid.UUID, kinds ...cart.ReportKind) {
	s.t.Helper()
	for _, k := range kinds {
		s.does(report(id, k, s.now))
	}
}

func report(id uuid.UUID, k cart.ReportKind, at time.Time) cart.CallReported {
	return cart.CallReported{CallID: id, Report: cart.Report{Kind: k, ProviderType: "call." + string(k), At: at},
		Digest: []byte(k)}
}

func has[T lifecycle.Effect](effects []lifecycle.Effect) bool {
	for _, f := range effects {
		if _, ok := f.(T); ok {
			return true
		}
	}
	return false
}
