package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func refund(id, amount, currency string) cart.Event {
	return cart.OrderRefunded{OrderID: "9", Refund: cart.Refund{
		ID: id, Amount: cart.Amount{Value: decimal.RequireFromString(amount), Currency: currency},
	}}
}

// ordered is a story whose customer has bought for 1,000 INR after a call.
func ordered(t testing.TB) *story {
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, talked...)
	s.passes(time.Minute)
	s.does(version(s, nil))
	require.Equal(t, cart.ByCall, s.cart.Attribution)
	return s
}

func version(s *story, change func(*cart.Order)) cart.OrderSeen {
	o := cart.Order{
		ID: "9", Name: "#1009", Total: decimal.NewFromInt(1000), Currency: "INR", CreatedAt: s.now, UpdatedAt: s.now,
	}
	if s.cart.Order != nil {
		o.CreatedAt = s.cart.Order.CreatedAt
	}
	if change != nil {
		change(&o)
	}
	return cart.OrderSeen{Order: o, Match: cart.MatchCheckout}
}

func (s *story) money() string {
	m := s.cart.Order.Money()
	return strings.Join([]string{m.Gross.String(), m.Refunded.String(), m.Cancelled.String(), m.Net.String()}, " ")
}

func TestMoney_WhatIsGivenBackIsTakenOff(t *testing.T) {
	t.Parallel()
	told := func(events ...cart.Event) func(*story) []cart.Event {
		return func(*story) []cart.Event { return events }
	}
	amount := func(v int64) *decimal.Decimal { d := decimal.NewFromInt(v); return &d }
	for name, c := range map[string]struct {
		events func(*story) []cart.Event
		// gross, refunded, cancelled, net.
		want string
	}{
		"refunded":              {told(refund("1", "400", "INR")), "1000 400 0 600"},
		"refunded twice":        {told(refund("1", "400", ""), refund("2", "100.5", "inr")), "1000 500.5 0 499.5"},
		"told twice":            {told(refund("1", "400", "INR"), refund("1", "400", "INR")), "1000 400 0 600"},
		"first told as pending": {told(refund("1", "0", ""), refund("1", "400", "INR")), "1000 400 0 600"},
		"more than the order":   {told(refund("1", "5000", "INR")), "1000 1000 0 0"},
		"only back into stock":  {told(refund("1", "0", "")), "1000 0 0 1000"},
		"a third currency":      {told(refund("1", "9", "CHF")), "1000 0 0 1000"},
		"another order's": {told(cart.OrderRefunded{
			OrderID: "10", Refund: cart.Refund{ID: "1", Amount: cart.Amount{Value: *amount(400)}},
		}), "1000 0 0 1000"},
		"the customer's currency": {func(s *story) []cart.Event {
			return []cart.Event{
				version(s, func(o *cart.Order) { o.Presented = &cart.Amount{Value: decimal.NewFromInt(10), Currency: "EUR"} }),
				refund("1", "4", "EUR"),
			}
		}, "1000 400 0 600"},
		"an unpaid return": {func(s *story) []cart.Event {
			return []cart.Event{refund("1", "0", ""), version(s, func(o *cart.Order) { o.CurrentTotal = amount(700) })}
		}, "1000 300 0 700"},
		"an addition": {func(s *story) []cart.Event {
			return []cart.Event{version(s, func(o *cart.Order) { o.CurrentTotal = amount(1200) })}
		}, "1000 0 0 1000"},
		"by the API": {func(s *story) []cart.Event {
			return []cart.Event{version(s, func(o *cart.Order) { o.RefundedTotal = amount(250) })}
		}, "1000 250 0 750"},
		"cancelled": {func(s *story) []cart.Event {
			return []cart.Event{version(s, func(o *cart.Order) { o.CancelledAt = &o.UpdatedAt })}
		}, "1000 0 1000 0"},
		"cancelled after a refund": {func(s *story) []cart.Event {
			return []cart.Event{refund("1", "400", "INR"), version(s, func(o *cart.Order) { o.CancelledAt = &o.UpdatedAt })}
		}, "1000 0 1000 0"},
		"cancelled in the second of the order": {func(s *story) []cart.Event {
			return []cart.Event{version(s, func(o *cart.Order) { o.UpdatedAt, o.CancelledAt = o.CreatedAt, &s.now })}
		}, "1000 0 1000 0"},
		"an older version after the cancellation": {func(s *story) []cart.Event {
			return []cart.Event{
				version(s, func(o *cart.Order) { o.CancelledAt = &o.UpdatedAt }),
				version(s, func(o *cart.Order) { o.UpdatedAt = o.UpdatedAt.Add(-time.Second) }),
			}
		}, "1000 0 1000 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ordered(t)
			s.passes(24 * time.Hour)
			for _, e := range c.events(s) {
				s.does(e)
			}
			assert.Equal(t, c.want, s.money())
			assert.Equal(t, cart.ByCall, s.cart.Attribution, "attribution does not change")
			assert.Equal(t, cart.Purchased, s.cart.State, "nothing revives the cart")
		})
	}
}

func TestMoney_LedgerSaysWhatDidNotStay(t *testing.T) {
	t.Parallel()
	s := ordered(t)
	last := func() cart.Entry { return s.ledger[len(s.ledger)-1] }
	s.does(refund("1", "400", "INR"))
	assert.Equal(t, "refund", last().Event)
	assert.Equal(t, []cart.Step{{Rule: "order", Saw: "refunded: 400 of 1000 INR", Verdict: cart.VerdictOK}}, last().Trace)
	entries := len(s.ledger)
	s.does(refund("1", "400", "INR"))
	s.passes(time.Minute)
	s.does(version(s, nil))
	assert.Len(t, s.ledger, entries, "nothing new was lost")
	s.passes(time.Minute)
	s.does(version(s, func(o *cart.Order) { o.CancelledAt = &o.UpdatedAt }))
	assert.Equal(t, "cancelled: none of 1000 INR stayed", last().Trace[0].Saw)
}

// Whatever the order in which they come, and however often, the same is known in the end.
func TestMoney_DoesNotDependOnTheOrderOfItsMessages(t *testing.T) {
	t.Parallel()
	test := t
	rapid.Check(t, func(t *rapid.T) {
		s := ordered(test)
		bought := s.now
		at := func(minutes int) func(*cart.Order) {
			return func(o *cart.Order) { o.UpdatedAt = bought.Add(time.Duration(minutes) * time.Minute) }
		}
		current := decimal.NewFromInt(450)
		events := []cart.Event{
			refund("1", "300", "INR"), refund("2", "200", "INR"), version(s, nil), version(s, at(1)),
			version(s, func(o *cart.Order) { at(2)(o); o.CurrentTotal = &current }),
		}
		want := "1000 550 0 450"
		if rapid.Bool().Draw(t, "cancelled") {
			want = "1000 0 1000 0"
			events = append(events, version(s, func(o *cart.Order) {
				at(2)(o)
				o.CancelledAt, o.CurrentTotal = &o.UpdatedAt, &current
			}))
		}
		s.passes(time.Hour)
		for _, e := range append(rapid.Permutation(events).Draw(t, "order"), rapid.Permutation(events).Draw(t, "again")...) {
			s.does(e)
		}
		require.Equal(t, want, s.money())
	})
}
