package backtest_test

import (
	"encoding/binary"
	"fmt"
	"iter"
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

// careful are rules under which a cart that nothing speaks against is called 45 minutes after its last touch, from ten to seven.
func careful() policy.Rules {
	r := policy.DefaultRules()
	r.Consent = policy.ConsentSMS
	r.Windows = []policy.Window{{From: "10:00", To: "19:00"}}
	r.QuietHours = policy.QuietOff
	r.Caps = policy.Caps{}
	r.Attempts = policy.Attempts{Max: 3, Spacing: policy.Spacing{NoAnswer: 2 * time.Hour, Busy: time.Hour, Failed: time.Hour, Timeout: time.Hour, Lost: time.Hour}}
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

// abandoned is a cart that was left at a moment by the customer with the n-th number, who permits calls.
func abandoned(n int, at time.Time, changes ...func(*backtest.Cart)) *backtest.Cart {
	yes := true
	c := &backtest.Cart{
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

func phoned(n int) func(*backtest.Cart) {
	return func(c *backtest.Cart) {
		c.Checkout.Phones[0].Number, c.Checkout.SMSPhone = number(n), number(n)
	}
}

func worth(total int64) func(*backtest.Cart) {
	return func(c *backtest.Cart) { c.Checkout.Total = decimal.NewFromInt(total) }
}

func bought(at time.Time) func(*backtest.Cart) {
	return func(c *backtest.Cart) { c.BoughtAt = &at }
}

func in(shop string) func(*backtest.Cart) {
	return func(c *backtest.Cart) { c.Shop = shop }
}

func ended(outcomes ...cart.Outcome) func(*backtest.Cart) {
	return func(c *backtest.Cart) {
		for _, o := range outcomes {
			c.Calls = append(c.Calls, backtest.Attempt{Outcome: o, Took: time.Minute, EndedAt: c.TouchedAt.Add(time.Hour), Dials: 1})
		}
	}
}

func said(in cart.Insights) func(*backtest.Cart) {
	return func(c *backtest.Cart) {
		c.Calls = append(c.Calls, backtest.Attempt{
			Outcome: cart.Completed, Took: time.Minute, EndedAt: c.TouchedAt.Add(time.Hour), Dials: 1, Answered: true, Insights: in,
		})
	}
}

// each gives the carts to a policy and, unless it is nil, another, as a source of carts does.
func each(carts []*backtest.Cart, tried, against backtest.Policy) iter.Seq2[*backtest.Cart, error] {
	for _, c := range carts {
		c.Phones = backtest.ReadPhones(c.Shop, c.Checkout, tried, against)
	}
	return func(yield func(*backtest.Cart, error) bool) {
		for _, c := range carts {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func replayed(t testing.TB, p backtest.Policy, carts ...*backtest.Cart) backtest.Report {
	t.Helper()
	report, err := backtest.Run(each(carts, p, nil), backtest.Options{Policy: p, Now: later})
	require.NoError(t, err)
	return report
}

func compared(t testing.TB, was, is backtest.Policy, carts ...*backtest.Cart) backtest.Report {
	t.Helper()
	report, err := backtest.Run(each(carts, is, was), backtest.Options{Policy: is, Against: was, Now: later})
	require.NoError(t, err)
	return report
}
