package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	acme  = "acme.myshopify.com"
	bazar = "bazar.myshopify.com"
)

// monday is a Monday at ten in Kolkata.
var monday = time.Date(2026, time.September, 7, 4, 30, 0, 0, time.UTC)

// configured is a configuration of both shops.
func configured(changes ...func(*policy.Rules)) *config.Config {
	rules := policy.DefaultRules()
	rules.Consent, rules.AcceptWeakerConsent = policy.On(policy.ConsentSMS), []string{"IN"}
	rules.QuietHours = policy.QuietOff
	rules.Windows = []policy.Window{{From: "10:00", To: "19:00"}}
	rules.Attempts.Max = 3
	for _, change := range changes {
		change(&rules)
	}
	store := config.Store{Timezone: "Asia/Kolkata", Country: "IN", Currency: "INR", Policy: rules}
	return &config.Config{Stores: map[string]config.Store{acme: store, bazar: store}}
}

// past is a database whose clock the test sets.
type past struct {
	*postgres.DB
	now time.Time
}

func newPast(t testing.TB) *past {
	t.Helper()
	box, err := seal.NewBox(strings.Repeat("0123456789abcdef", 4))
	require.NoError(t, err)
	p := &past{now: monday}
	p.DB, err = postgres.Open(t.Context(), pgtest.New(t), box, func() time.Time { return p.now })
	require.NoError(t, err)
	return p
}

func number(n int) string { return fmt.Sprintf("+9198%08d", n) }

func email(n int) string { return fmt.Sprintf("customer%d@example.com", n) }

// id is the n-th cart's, in order.
func id(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01991f00-0000-7000-8000-%012d", n))
}

// has stores a cart of the n-th customer, left at a moment.
func (p *past) has(t *testing.T, n int, at time.Time, changes ...func(*cart.Cart)) {
	t.Helper()
	yes := true
	c := cart.Cart{
		ID: id(n), Shop: acme, Token: fmt.Sprintf("token-%d", n), State: cart.Waiting, Reason: cart.Delay, Phone: number(n), PhoneFrom: "sms_marketing",
		Country: "IN", LastActivityAt: at, CreatedAt: at, UpdatedAt: at,
		Checkout: cart.Checkout{
			Token: fmt.Sprintf("token-%d", n), Currency: "INR", Total: decimal.NewFromInt(1895), Email: email(n), AcceptsSMS: &yes, SMSPhone: number(n),
			Customer: cart.Customer{ID: fmt.Sprint(7000 + n)}, Phones: []cart.RawPhone{{From: "shipping", Number: number(n), Country: "IN"}},
			Items: []cart.Item{{Title: "Kurta", Quantity: 1, Price: decimal.NewFromInt(1895)}}, CreatedAt: at, UpdatedAt: at,
		},
	}
	for _, change := range changes {
		change(&c)
	}
	p.does(t, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SaveCart(ctx, &postgres.Cart{Cart: c}, "a", nil)
	})
}

func (p *past) does(t *testing.T, fn func(context.Context, *postgres.Tx) error) {
	t.Helper()
	require.NoError(t, p.InTx(t.Context(), fn))
}

// called adds a call that went out at a moment and took a minute.
func called(at time.Time, o cart.Outcome, changes ...func(*cart.Call)) func(*cart.Cart) {
	return func(c *cart.Cart) {
		end := at.Add(time.Minute)
		call := cart.Call{
			ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: c.Shop, Attempt: len(c.Calls) + 1, State: cart.Closed, Outcome: o, Provider: "mirai",
			Assistant: "a", Phone: c.Phone, CreatedAt: at, SentAt: &at, EndedAt: &end, ClosedAt: &end, Dials: 1,
		}
		for _, change := range changes {
			change(&call)
		}
		c.Calls = append(c.Calls, call)
		c.Attempts = len(c.Calls)
	}
}

func purchased(at time.Time, codes ...string) func(*cart.Cart) {
	return func(c *cart.Cart) {
		c.State, c.Reason, c.PurchasedAt = cart.Purchased, cart.Ordered, &at
		c.Order = &cart.Order{ID: "1", CreatedAt: at, UpdatedAt: at, Codes: codes, Total: decimal.NewFromInt(1700)}
	}
}

func (p *past) backtest(t *testing.T, r Request) backtest.Report {
	t.Helper()
	var out, errs bytes.Buffer
	p.now = monday.AddDate(0, 1, 0)
	r.DB, r.Now, r.JSON, r.Out, r.Err = p.DB, p.now, true, &out, &errs
	require.NoError(t, Run(t.Context(), r))
	var report backtest.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	return report
}

func ends(r backtest.Result) map[cart.Reason]int {
	ends := map[cart.Reason]int{}
	for _, c := range r.NotCalled {
		ends[c.Reason] = c.Carts
	}
	return ends
}

func TestStoredCartsAreDecidedAnew(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.has(t, 1, monday)
	p.has(t, 2, monday, purchased(monday.Add(10*time.Minute)))
	p.has(t, 3, monday, func(c *cart.Cart) { c.Checkout.AcceptsSMS = nil })
	p.has(t, 4, monday, func(c *cart.Cart) { c.State, c.Reason = cart.Stopped, cart.Deleted })
	p.does(t, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.AppendLedger(ctx, cart.Entry{
			CartID: id(4), At: monday.Add(5 * time.Minute), Event: "checkout_deleted", From: cart.Waiting, To: cart.Stopped, Reason: cart.Deleted,
		})
	})
	p.has(t, 5, monday)
	p.has(t, 6, monday)
	p.has(t, 7, monday)
	p.now = monday.Add(20 * time.Minute)
	p.does(t, func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := tx.Suppress(ctx, acme, cart.PersonWith("", nil, []string{number(5)}), "api"); err != nil {
			return err
		}
		if _, err := tx.Suppress(ctx, "", cart.PersonWith("", []string{email(6)}, nil), "api"); err != nil {
			return err
		}
		_, err := tx.Suppress(ctx, bazar, cart.PersonWith("", []string{email(7)}, []string{number(7)}), "api")
		return err
	})
	p.has(t, 8, monday)
	p.does(t, func(ctx context.Context, tx *postgres.Tx) error {
		o := cart.Order{ID: "99", Email: email(8), CreatedAt: monday.Add(time.Minute), UpdatedAt: monday}
		_, err := tx.KeepOrder(ctx, acme, o, cart.PersonWith("", []string{email(8)}, nil))
		return err
	})
	p.has(t, 9, monday, func(c *cart.Cart) { at := monday; c.ErasedAt = &at })

	report := p.backtest(t, Request{Config: configured()})
	assert.Equal(t, 8, report.Carts)
	assert.Equal(t, 1, report.LeftOut.Erased)
	assert.Equal(t, 2, report.Policy.Called, "the first, and the one that only another shop may not call")
	assert.Equal(t, map[cart.Reason]int{cart.Ordered: 1, cart.NoConsent: 1, cart.Deleted: 1, cart.Suppressed: 2, cart.Superseded: 1}, ends(report.Policy))
	assert.Equal(t, 2, report.Policy.Hours[0][10])
	assert.Nil(t, report.Against)
}

func TestRecordedCallsCarryOn(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	gave := func(c *cart.Call) {
		c.Offer = &cart.Offer{Code: "BACK10", Value: decimal.NewFromInt(10), Type: "percentage", ApplyAs: "additional"}
	}
	// The checkout came back with the code that the second call gave, and with the purchase as the customer's newest
	// touch.
	bought := monday.Add(6 * time.Hour)
	p.has(t, 1, monday,
		called(monday.Add(46*time.Minute), cart.NoAnswer), called(monday.Add(3*time.Hour), cart.Completed, gave),
		purchased(bought, "BACK10"), func(c *cart.Cart) {
			c.LastActivityAt = bought
			c.Checkout.Codes = []cart.DiscountCode{{Code: "back10"}}
			c.Checkout.CompletedAt = &bought
		})
	rules, err := policyOf(configured(), acme)
	require.NoError(t, err)
	p.does(t, func(ctx context.Context, tx *postgres.Tx) error {
		known := cart.Cart{Shop: acme, Phone: number(1), Country: "IN", LastActivityAt: monday}
		known.Checkout = cart.Checkout{SMSPhone: number(1), AcceptsSMS: new(true), Items: []cart.Item{{Title: "Kurta", Quantity: 1}}, Total: decimal.NewFromInt(1895)}
		trace := policy.Decide(rules[acme].Rules, policy.Facts{Cart: &known}, monday).Trace
		return tx.AppendLedger(ctx, cart.Entry{CartID: id(1), At: monday, Event: "checkout", To: cart.Waiting, Reason: cart.Delay, Trace: trace})
	})
	offering := func(r *policy.Rules) {
		r.Caps.PerPhone = nil
		r.Offers = []policy.OfferRule{{When: policy.OfferWhen{Attempt: 2}, Code: "BACK10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage}}
	}
	report := p.backtest(t, Request{Config: configured(offering)})
	assert.Equal(t, 1, report.Policy.Called, "called after the touch that the ledger knows of, not bought before")
	assert.Equal(t, []backtest.OfferCount{{Code: "", Calls: 1}, {Code: "BACK10", Calls: 1}}, report.Policy.Offers)
	assert.Equal(t, 1, report.Policy.Hours[0][10])
}

func TestShopsAndTimesNarrowTheBacktest(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	capped := configured(func(r *policy.Rules) { r.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}} })
	same := func(c *cart.Cart) {
		c.Phone, c.Checkout.SMSPhone, c.Checkout.Phones[0].Number = number(1), number(1), number(1)
	}
	p.has(t, 1, monday.AddDate(0, 0, -1), called(monday.Add(-2*time.Hour), cart.NoAnswer))
	p.has(t, 2, monday, same)
	p.has(t, 3, monday, func(c *cart.Cart) { c.Shop = bazar })

	report := p.backtest(t, Request{Config: capped, From: monday})
	assert.Equal(t, 2, report.Carts)
	assert.Equal(t, 1, report.Policy.Hours[0][10], "bazar's")
	assert.Equal(t, 1, report.Policy.Hours[1][10], "acme's waits for the call of the cart that is left out")

	assert.Equal(t, 2, p.backtest(t, Request{Config: capped, Shop: acme}).Carts)
	assert.Equal(t, 1, p.backtest(t, Request{Config: capped, To: monday}).Carts)
	assert.Zero(t, p.backtest(t, Request{Config: capped, From: monday.Add(time.Second)}).Carts)
}

func TestPoliciesAreCompared(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.has(t, 1, monday)
	report := p.backtest(t, Request{Config: configured(func(r *policy.Rules) { r.Delay = 0 }), Against: configured()})
	assert.Equal(t, []backtest.Change{{Kind: backtest.Earlier, Carts: 1}}, report.Changes)
	require.Len(t, report.Differences, 1)
	assert.Equal(t, "delay", report.Differences[0].Rule)
	assert.Equal(t, "token-1", report.Differences[0].CheckoutToken)
}

func TestManyBatchesAreRead(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.hasMany(t, 2500)
	report := p.backtest(t, Request{Config: configured()})
	assert.Equal(t, 2500, report.Carts)
	assert.Equal(t, 2500, report.Policy.Called)
}

// hasMany stores carts of as many customers.
func (p *past) hasMany(tb testing.TB, n int) {
	tb.Helper()
	_, err := p.Pool().Exec(tb.Context(), `
		INSERT INTO carts (
			id, shop, token, state, reason, checkout, phone, phone_key, email_key, customer_id, country, last_activity_at, created_at, updated_at
		)
		SELECT ('01991f00-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, 'token-' || n, 'waiting', 'delay',
			jsonb_build_object(
				'token', 'token-' || n, 'sms_phone', '+9198' || lpad(n::text, 8, '0'), 'accepts_sms', true, 'currency', 'INR', 'total', '1895',
				'email', 'customer' || n || '@example.com', 'items', '[{"title": "Kurta", "quantity": 1, "price": "1895"}]'::jsonb
			),
			'+9198' || lpad(n::text, 8, '0'), sha256(n::text::bytea), sha256(n::text::bytea), n::text, 'IN', $2, $2, $2
		FROM generate_series(1, $3::int) AS n`, acme, monday, n)
	require.NoError(tb, err)
}

// BenchmarkStored reports how many stored carts are read and decided a second.
func BenchmarkStored(b *testing.B) {
	const carts = 20_000
	p := newPast(b)
	p.hasMany(b, carts)
	p.now = monday.AddDate(0, 1, 0)
	_, err := p.Pool().Exec(b.Context(), `ANALYZE`)
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		r := Request{Config: configured(), Against: configured(), DB: p.DB, Now: p.now, Out: io.Discard, Err: io.Discard}
		require.NoError(b, Run(b.Context(), r))
		n += carts
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "carts/s")
	b.ReportMetric(0, "ns/op")
}

func TestWhatCannotBeBacktestedIsSaid(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	discard := func(r Request) Request { r.Out, r.Err = &bytes.Buffer{}, &bytes.Buffer{}; return r }
	broken := configured(func(r *policy.Rules) { r.Consent = nil })
	assert.ErrorContains(t, Run(t.Context(), discard(Request{Config: broken, DB: p.DB})), "policy.consent")
	assert.ErrorContains(t, Run(t.Context(), discard(Request{Config: configured(), Against: broken, DB: p.DB})), "the policy to compare with: stores.")
	assert.ErrorContains(t, Run(t.Context(), discard(Request{Config: configured(), Shop: "none.myshopify.com", DB: p.DB})), "none.myshopify.com is not among")
	assert.ErrorContains(t, Run(t.Context(), discard(Request{Config: configured(), Dir: t.TempDir()})), "say with -shop")
	assert.ErrorContains(t, Run(t.Context(), discard(Request{Config: configured(), Shop: acme, Dir: t.TempDir()})), "holds no checkouts")
	assert.ErrorIs(t, Run(t.Context(), discard(Request{Config: configured(), Shop: acme, Dir: filepath.Join(t.TempDir(), "none")})), os.ErrNotExist)
	ended, end := context.WithCancel(t.Context())
	end()
	assert.ErrorIs(t, Run(ended, discard(Request{Config: configured(), DB: p.DB})), context.Canceled)
}

// The rule's words are read back; this fails when they change.
func TestTheLastTouchIsReadFromWhatTheDelaySaw(t *testing.T) {
	t.Parallel()
	rules, err := policyOf(configured(), acme)
	require.NoError(t, err)
	yes := true
	c := cart.Cart{Shop: acme, Phone: number(1), Country: "IN", LastActivityAt: monday}
	c.Checkout = cart.Checkout{SMSPhone: number(1), AcceptsSMS: &yes, Items: []cart.Item{{Title: "Kurta", Quantity: 1}}, Total: decimal.NewFromInt(1895)}
	var saw string
	for _, step := range policy.Decide(rules[acme].Rules, policy.Facts{Cart: &c}, monday).Trace {
		if step.Rule == "delay" {
			saw = step.Saw
		}
	}
	at, delay, ok := touchSeen(saw)
	require.True(t, ok, saw)
	assert.Equal(t, monday, at.UTC())
	assert.Equal(t, 45*time.Minute, delay)

	for _, other := range []string{"", "an operator asked for a call", "last touched at noon, due 1h later"} {
		_, _, ok := touchSeen(other)
		assert.False(t, ok, other)
	}
}

func TestReadingAheadStopsWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	read := 0
	batches := func(yield func([]*backtest.Cart, error) bool) {
		for yield([]*backtest.Cart{{}, {}}, nil) {
			read++
		}
	}
	for _, err := range ahead(batches) {
		require.NoError(t, err)
		break
	}
	assert.Less(t, read, 10)

	broken := errors.New("gone")
	for _, err := range ahead(func(yield func([]*backtest.Cart, error) bool) { yield(nil, broken) }) {
		assert.ErrorIs(t, err, broken)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		terminal bool
		want     string
	}{
		"plain":    {false, "3000 carts read, 500 a second\n"},
		"terminal": {true, "\r\x1b[K2000 carts read, 2000 a second\r\x1b[K3000 carts read, 500 a second\r\x1b[K"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			now := monday
			p := newProgress(&out, test.terminal, func() time.Time { return now })
			p.tell(1000)
			now = now.Add(time.Second)
			p.tell(2000)
			now = now.Add(5 * time.Second)
			p.tell(3000)
			p.end()
			assert.Equal(t, test.want, out.String())
		})
	}
}
