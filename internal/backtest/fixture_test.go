package backtest_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/zoneinfo"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

const (
	acme  = "acme.myshopify.com"
	bazar = "bazar.myshopify.com"
)

// monday is a Monday at ten in Kolkata.
var monday = time.Date(2026, time.September, 7, 4, 30, 0, 0, time.UTC)

// later is past everything that the fixtures lead to.
var later = monday.AddDate(0, 2, 0)

var kolkata = mustZone("Asia/Kolkata")

func mustZone(name string) *time.Location {
	zone, err := zoneinfo.Load(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// careful are rules under which a cart that nothing speaks against is called 45 minutes after its last touch, from ten
// to seven.
func careful() policy.Rules {
	r := policy.DefaultRules()
	r.Consent, r.AcceptWeakerConsent = policy.On(policy.ConsentSMS), []string{"IN"}
	r.Windows = []policy.Window{{From: "10:00", To: "19:00"}}
	r.QuietHours = policy.QuietOff
	r.Caps = policy.Caps{}
	r.Attempts = policy.Attempts{Max: 3, Spacing: policy.Spacing{
		NoAnswer: 2 * time.Hour, Voicemail: 4 * time.Hour, Busy: time.Hour, Failed: time.Hour, Timeout: time.Hour,
		Lost: time.Hour,
	}}
	r.Breakers = nil
	return r
}

// policyOf gives both shops the same rules.
func policyOf(t testing.TB, changes ...func(*policy.Rules)) backtest.Policy {
	t.Helper()
	p := backtest.Policy{}
	for _, shop := range []string{acme, bazar} {
		rules := careful()
		for _, change := range changes {
			change(&rules)
		}
		require.NoError(t, rules.Compile(policy.Store{Shop: shop, Timezone: "Asia/Kolkata", Country: "IN", Currency: "INR"}))
		p[shop] = backtest.Store{Rules: &rules, Country: "IN", Location: kolkata}
	}
	return p
}

// numbered is an id whose order is that of n.
func numbered(n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	id[6], id[8] = 0x70, 0x80
	return id
}

// number is a phone number of its own for every n.
func number(n int) string { return fmt.Sprintf("+9198%08d", n) }

// history is a cart of the past, as a test writes it.
type history struct {
	ID       uuid.UUID
	Shop     string
	Checkout cart.Checkout
	// KnownAt is when the checkout was first heard of, TouchedAt when its customer last touched it.
	KnownAt, TouchedAt time.Time
	BoughtAt           *time.Time
	Order              cart.Order
	OrderedAt          *time.Time
	Ended              *ending
	Suppressions       []backtest.Suppression
	Calls              []attempt
	Dials              []backtest.Dial
	Erased             bool
}

// ending is what ended a cart from outside.
type ending struct {
	At    time.Time
	Event cart.Event
}

// attempt is how a call went.
type attempt struct {
	Outcome  cart.Outcome
	Took     time.Duration
	EndedAt  time.Time
	Answered bool
	Refused  bool
	Dials    int
	Insights cart.Insights
}

func (a attempt) call() cart.Call {
	if a.EndedAt.IsZero() {
		a.EndedAt = monday.Add(time.Hour)
	}
	sent := a.EndedAt.Add(-a.Took)
	call := cart.Call{
		State: cart.Closed, Outcome: a.Outcome, CreatedAt: sent, SentAt: &sent, EndedAt: &a.EndedAt, ClosedAt: &a.EndedAt,
		Dials: a.Dials, Insights: a.Insights,
	}
	if a.Answered {
		call.AnsweredAt = &sent
	}
	if a.Refused {
		call.State, call.SentAt, call.EndedAt = cart.Rejected, nil, nil
	}
	return call
}

// cart is the history as a backtest takes it.
func (h *history) cart(tried, against backtest.Policy) *backtest.Cart {
	c := &backtest.Cart{
		ID: h.ID, Shop: h.Shop, Token: h.Checkout.Token, OrderedAt: h.OrderedAt, Suppressions: h.Suppressions, Dials: h.Dials, Erased: h.Erased,
		Phones: backtest.ReadPhones(h.Shop, []cart.Checkout{h.Checkout}, tried, against),
	}
	seen, known := h.Checkout, h.KnownAt
	seen.UpdatedAt = h.TouchedAt
	if h.TouchedAt.After(known) {
		known = h.TouchedAt
	}
	happens := func(at time.Time, e cart.Event) {
		if at.Before(known) {
			at = known
		}
		c.Events = append(c.Events, backtest.Event{At: at, Event: e})
	}
	happens(known, cart.CheckoutSeen{Checkout: seen})
	if at := h.BoughtAt; at != nil {
		order := h.Order
		order.CreatedAt = *at
		happens(*at, cart.OrderSeen{Order: order})
	}
	if h.Ended != nil {
		happens(h.Ended.At, h.Ended.Event)
	}
	slices.SortStableFunc(c.Events, func(a, b backtest.Event) int { return a.At.Compare(b.At) })
	for _, a := range h.Calls {
		c.Calls = append(c.Calls, a.call())
	}
	return c
}

// abandoned is a cart that was left at a moment by the customer with the n-th number, who permits calls.
func abandoned(n int, at time.Time, changes ...func(*history)) *history {
	yes := true
	c := &history{
		ID: numbered(n), Shop: acme, KnownAt: at, TouchedAt: at,
		Checkout: cart.Checkout{
			Token: fmt.Sprintf("token-%d", n), Currency: "INR", Total: decimal.NewFromInt(1895), AcceptsSMS: &yes, SMSPhone: number(n),
			Phones:    []cart.RawPhone{{From: "shipping", Number: number(n), Country: "IN"}},
			Shipping:  &cart.Address{CountryCode: "IN"},
			Items:     []cart.Item{{Title: "Kurta", SKU: "K-1", Quantity: 1, Price: decimal.NewFromInt(1895)}},
			CreatedAt: at, UpdatedAt: at,
		},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func phoned(n int) func(*history) {
	return func(c *history) {
		c.Checkout.Phones[0].Number, c.Checkout.SMSPhone = number(n), number(n)
	}
}

func worth(total int64) func(*history) {
	return func(c *history) { c.Checkout.Total = decimal.NewFromInt(total) }
}

func bought(at time.Time) func(*history) {
	return func(c *history) { c.BoughtAt = &at }
}

func in(shop string) func(*history) {
	return func(c *history) { c.Shop = shop }
}

func ended(outcomes ...cart.Outcome) func(*history) {
	return func(c *history) {
		for _, o := range outcomes {
			c.Calls = append(c.Calls, attempt{Outcome: o, Took: time.Minute, EndedAt: c.TouchedAt.Add(time.Hour), Dials: 1})
		}
	}
}

func said(in cart.Insights) func(*history) {
	return func(c *history) {
		c.Calls = append(c.Calls, attempt{
			Outcome: cart.Completed, Took: time.Minute, EndedAt: c.TouchedAt.Add(time.Hour), Dials: 1, Answered: true, Insights: in,
		})
	}
}

// each gives the carts to a policy and, unless it is nil, another, as a source of carts does.
func each(histories []*history, tried, against backtest.Policy) iter.Seq2[*backtest.Cart, error] {
	carts := make([]*backtest.Cart, len(histories))
	for i, h := range histories {
		carts[i] = h.cart(tried, against)
	}
	return func(yield func(*backtest.Cart, error) bool) {
		for _, c := range carts {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func replayed(t testing.TB, p backtest.Policy, carts ...*history) backtest.Report {
	t.Helper()
	report, err := backtest.Run(each(carts, p, nil), backtest.Options{Policy: p, Now: later})
	require.NoError(t, err)
	return report
}

func compared(t testing.TB, was, is backtest.Policy, carts ...*history) backtest.Report {
	t.Helper()
	report, err := backtest.Run(each(carts, is, was), backtest.Options{Policy: is, Against: was, Now: later})
	require.NoError(t, err)
	return report
}
