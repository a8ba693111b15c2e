package postgres_test

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const shop = "acme.myshopify.com"

// noon is the moment at which these tests happen, unless they move it.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// bench is a database with a clock that the test sets.
type bench struct {
	t    *testing.T
	db   *postgres.DB
	pool *pgxpool.Pool
	now  time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), now: noon}
	box, err := seal.NewBox(hex.EncodeToString(seal.NewKey()))
	require.NoError(t, err)
	b.db, err = postgres.Open(context.Background(), b.pool, box, func() time.Time { return b.now })
	require.NoError(t, err)
	return b
}

func (b *bench) tx(fn func(context.Context, *postgres.Tx) error) {
	b.t.Helper()
	require.NoError(b.t, b.db.InTx(context.Background(), fn))
}

// keeps stores a cart; change makes it differ from an ordinary waiting one.
func (b *bench) keeps(token string, change ...func(*postgres.Cart)) *postgres.Cart {
	b.t.Helper()
	wake := b.now.Add(time.Hour)
	c := &postgres.Cart{Cart: cart.Cart{
		ID: uuid.Must(uuid.NewV7()), Shop: shop, Token: token, State: cart.Waiting, Reason: cart.Delay, Phone: "+919876543210",
		Country: "IN", LastActivityAt: b.now, WakeAt: &wake, CreatedAt: b.now, UpdatedAt: b.now,
		Checkout: cart.Checkout{
			Token: token, CartToken: "cart-" + token, Email: token + "@example.com", Total: decimal.RequireFromString("1895.50"),
			Currency: "INR", CreatedAt: b.now.Add(-time.Minute), UpdatedAt: b.now,
		},
	}}
	for _, f := range change {
		f(c)
	}
	b.tx(func(ctx context.Context, tx *postgres.Tx) error { return tx.SaveCart(ctx, c, "pool", nil) })
	return c
}

func TestACartComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.keeps("tok", func(c *postgres.Cart) {
		at, seconds, credits := b.now, 45, decimal.RequireFromString("1.5")
		c.State, c.Reason, c.Attempts, c.WakeAt = cart.Calling, cart.Due, 1, nil
		c.Checkout.Attributes = map[string]string{"call_me": "yes"}
		c.Order = &cart.Order{ID: "9", Total: decimal.RequireFromString("10"), CreatedAt: b.now, UpdatedAt: b.now}
		c.Calls = []cart.Call{{
			ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: shop, Attempt: 1, State: cart.Closed, Outcome: cart.Completed, Provider: "mirai",
			Assistant: "pool", ProviderCallID: "p", Phone: c.Phone, Priority: true, CreatedAt: b.now, SentAt: &at, PlacedAt: &at,
			PickedUpAt: &at, AnsweredAt: &at, EndedAt: &at, ClosedAt: &at, Dials: 1,
			Seen:    []cart.ReportKind{cart.ReportFinished, cart.ReportRinging},
			Digests: [][]byte{{1, 2}}, TokenHash: []byte("hash"), DurationSeconds: &seconds, Summary: "said", RecordingURL: "https://r",
			Transcript: "agent: hello", AbandonReason: "price", OfferFate: cart.OfferMentioned,
			Analysis: &cart.Analysis{Sentiment: "positive", Findings: []cart.Finding{
				{Name: "size", Value: `"M"`}, {Name: "n", Value: "3"},
			}},
			RequiredActions: []string{"mail"}, Insights: cart.Insights{Callback: true, CallbackAt: &at}, CreditsUsed: &credits,
			Offer: &cart.Offer{Code: "TEN", Value: decimal.NewFromInt(10), Type: "percentage", ApplyAs: "additional"},
		}}
	})
	got, err := b.db.CartByToken(context.Background(), shop, "tok")
	require.NoError(t, err)
	assert.Equal(t, c.Checkout.Total.String(), got.Checkout.Total.String())
	assert.Equal(t, c.Checkout.Attributes, got.Checkout.Attributes)
	assert.Equal(t, c.Order.ID, got.Order.ID)
	require.Len(t, got.Calls, 1)
	want, have := c.Calls[0], got.Calls[0]
	assert.True(t, want.CreditsUsed.Equal(*have.CreditsUsed))
	assert.True(t, want.Offer.Value.Equal(have.Offer.Value))
	want.CreditsUsed, have.CreditsUsed, want.Offer, have.Offer = nil, nil, nil, nil
	assert.Equal(t, want, have)

	ref, err := b.db.CallByToken(context.Background(), []byte("hash"))
	require.NoError(t, err)
	assert.Equal(t, c.Calls[0].ID, ref.CallID)
	_, err = b.db.CallByToken(context.Background(), []byte("guess"))
	require.ErrorIs(t, err, postgres.ErrNotFound)
}

func TestAnAttemptCannotBeMadeTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.keeps("tok")
	call := func(state cart.CallState) cart.Call {
		return cart.Call{ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: shop, Attempt: 1, State: state, Phone: c.Phone, CreatedAt: b.now}
	}
	save := func(calls ...cart.Call) error {
		return b.db.InTx(context.Background(), func(ctx context.Context, tx *postgres.Tx) error {
			again := *c
			again.Calls = calls
			return tx.SaveCart(ctx, &again, "pool", nil)
		})
	}
	require.NoError(t, save(call(cart.Rejected)))
	require.NoError(t, save(call(cart.Rejected)), "what surely reached nobody may be made again")
	require.NoError(t, save(call(cart.Placing)))
	require.ErrorContains(t, save(call(cart.Placing)), "calls_once_per_attempt")
}

func TestAWebhookIsKeptOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.db.MakePartitions(context.Background(), 2))
	keep := func(shop, id string) (fresh bool) {
		b.tx(func(ctx context.Context, tx *postgres.Tx) (err error) {
			fresh, _, err = tx.KeepWebhook(ctx, shop, id, "checkouts/update", []byte(`{}`), true)
			return err
		})
		return fresh
	}
	assert.True(t, keep(shop, "1"))
	assert.False(t, keep(shop, "1"))
	assert.True(t, keep("other.myshopify.com", "1"), "ids are per shop")
	assert.True(t, keep(shop, "2"))
	b.now = b.now.Add(13 * time.Hour)
	assert.False(t, keep(shop, "1"), "a retry after midnight is known")
	b.now = b.now.AddDate(0, 0, 5)
	assert.True(t, keep(shop, "3"), "a day without a partition of its own is no loss")
	assert.False(t, keep(shop, "3"))
}

func TestDaysAreDroppedWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := context.Background()
	count := func() (n int) {
		require.NoError(t, b.pool.QueryRow(ctx, `SELECT count(*) FROM webhooks`).Scan(&n))
		return n
	}
	for i := range 6 {
		b.now = noon.AddDate(0, 0, i)
		if i != 2 {
			require.NoError(t, b.db.MakePartitions(ctx, 1))
		}
		b.tx(func(ctx context.Context, tx *postgres.Tx) error {
			_, _, err := tx.KeepWebhook(ctx, shop, b.now.String(), "checkouts/update", []byte(`{}`), true)
			return err
		})
	}
	require.NoError(t, b.db.MakePartitions(ctx, 3), "it may be asked for again")
	require.NoError(t, b.db.DropPartitions(ctx, noon.AddDate(0, 0, 3)))
	assert.Equal(t, 3, count(), "the days before are gone, the one without a partition too")
	require.NoError(t, b.db.DropPartitions(ctx, noon.AddDate(0, 0, 3)))
	assert.Equal(t, 3, count())
}

func TestOrdersFindTheirCarts(t *testing.T) {
	t.Parallel()
	order := func(change func(*cart.Order)) cart.Order {
		o := cart.Order{ID: "1", CreatedAt: noon.Add(time.Hour), UpdatedAt: noon.Add(time.Hour)}
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		order  cart.Order
		phones []string
		want   []cart.Match
	}{
		"by checkout":          {order: order(func(o *cart.Order) { o.CheckoutToken = "tok" }), want: []cart.Match{cart.MatchCheckout}},
		"by cart token":        {order: order(func(o *cart.Order) { o.CartToken = "cart-tok" }), want: []cart.Match{cart.MatchCart}},
		"by customer":          {order: order(func(o *cart.Order) { o.CustomerID = "77" }), want: []cart.Match{cart.MatchCustomer}},
		"by email":             {order: order(func(o *cart.Order) { o.Email = "TOK@example.com" }), want: []cart.Match{cart.MatchEmail}},
		"by phone":             {phones: []string{"+919876543210"}, order: order(func(*cart.Order) {}), want: []cart.Match{cart.MatchPhone}},
		"by nothing":           {order: order(func(*cart.Order) {})},
		"another's":            {order: order(func(o *cart.Order) { o.CheckoutToken, o.Email = "x", "x@example.com" })},
		"bought before":        {order: order(func(o *cart.Order) { o.Email = "tok@example.com"; o.CreatedAt = noon.Add(-time.Hour) })},
		"bought much later":    {order: order(func(o *cart.Order) { o.Email = "tok@example.com"; o.CreatedAt = noon.Add(80 * time.Hour) })},
		"its own, even later":  {order: order(func(o *cart.Order) { o.CheckoutToken = "tok"; o.CreatedAt = noon.Add(8000 * time.Hour) }), want: []cart.Match{cart.MatchCheckout}},
		"the strongest counts": {order: order(func(o *cart.Order) { o.CheckoutToken, o.Email = "tok", "tok@example.com" }), want: []cart.Match{cart.MatchCheckout}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			kept := b.keeps("tok", func(c *postgres.Cart) { c.Checkout.Customer.ID = "77" })
			b.keeps("foreign", func(c *postgres.Cart) { c.Shop = "other.myshopify.com"; c.Checkout.CartToken = "cart-tok" })
			b.keeps("null", func(c *postgres.Cart) { c.Phone, c.Checkout.CartToken, c.Checkout.Email = "", "", "" })
			b.tx(func(ctx context.Context, tx *postgres.Tx) error {
				found, err := tx.CartsOfOrder(ctx, shop, c.order, cart.PersonWith(c.order.CustomerID, []string{c.order.Email}, c.phones), 72*time.Hour)
				require.NoError(t, err)
				var matches []cart.Match
				for _, m := range found {
					assert.Equal(t, kept.ID, m.ID)
					matches = append(matches, m.Match)
				}
				assert.Equal(t, c.want, matches)
				return nil
			})
		})
	}
}

func TestSuppressionsOutliveTheirValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := context.Background()
	c := b.keeps("tok")
	suppressed := func(c *postgres.Cart) (scope string) {
		b.tx(func(ctx context.Context, tx *postgres.Tx) error {
			n, err := tx.QueriedFacts(ctx, c, postgres.Horizon{Dials: time.Hour}, uuid.Nil)
			require.NoError(t, err)
			scope = n.Suppressed
			return nil
		})
		return scope
	}
	assert.Empty(t, suppressed(c))
	b.tx(func(ctx context.Context, tx *postgres.Tx) error {
		made, err := tx.Suppress(ctx, shop, cart.PersonWith("", []string{"tok@example.com"}, []string{c.Phone}), "call")
		assert.Len(t, made, 2)
		return err
	})
	assert.Equal(t, "shop", suppressed(c))
	other := b.keeps("elsewhere", func(c *postgres.Cart) { c.Shop = "other.myshopify.com" })
	assert.Empty(t, suppressed(other), "the wish was for one shop")

	erasure, err := b.db.ToErase(ctx, shop, "IN", cart.PersonWith("", []string{"tok@example.com"}, []string{c.Phone}))
	require.NoError(t, err)
	require.NoError(t, b.db.ForgetPerson(ctx, erasure))
	scope := shop
	list, err := b.db.Suppressions(ctx, &scope, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Nil(t, list[0].Value)
	assert.Nil(t, list[1].Value)
	assert.Equal(t, "shop", suppressed(c), "the hash still keeps the person from being called")

	b.tx(func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.Suppress(ctx, "", cart.PersonWith("", nil, []string{c.Phone}), "api")
		return err
	})
	assert.Equal(t, "all", suppressed(other))
}

func TestNearCountsEveryDialToThePhone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.keeps("first", func(c *postgres.Cart) {
		sent := b.now.Add(-30 * time.Minute)
		c.Calls = []cart.Call{
			{ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: shop, Attempt: 1, State: cart.Closed, Outcome: cart.NoAnswer, Phone: c.Phone, CreatedAt: sent, SentAt: &sent, Dials: 3},
			{ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: shop, Attempt: 2, State: cart.Rejected, Phone: c.Phone, CreatedAt: sent},
			{ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: shop, Attempt: 2, State: cart.Placing, Phone: c.Phone, CreatedAt: b.now},
		}
	})
	second := b.keeps("second", func(c *postgres.Cart) { c.LastActivityAt = b.now.Add(-time.Minute) })
	b.tx(func(ctx context.Context, tx *postgres.Tx) error {
		facts, err := tx.QueriedFacts(ctx, second, postgres.Horizon{Dials: time.Hour, ShopCalls: true}, uuid.Nil)
		require.NoError(t, err)
		assert.Len(t, facts.Dials, 4, "the provider's redials count, what was rejected does not")
		assert.Len(t, facts.ShopCalls, 2)
		assert.True(t, facts.OpenCall)
		require.NotNil(t, facts.NewerCart)
		assert.Equal(t, first.ID, *facts.NewerCart)

		own, err := tx.QueriedFacts(ctx, first, postgres.Horizon{Dials: time.Hour}, first.Calls[2].ID)
		require.NoError(t, err)
		assert.Len(t, own.Dials, 3, "the call that is decided on is left out")
		assert.False(t, own.OpenCall)
		assert.Nil(t, own.NewerCart)
		return nil
	})
}

func TestTheDataKeySurvivesAChangeOfTheEncryptionKey(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ctx := context.Background()
	older, newer := hex.EncodeToString(seal.NewKey()), hex.EncodeToString(seal.NewKey())
	open := func(keys ...string) (*postgres.DB, error) {
		box, err := seal.NewBox(keys...)
		require.NoError(t, err)
		return postgres.Open(ctx, pool, box, time.Now)
	}
	db, err := open(older)
	require.NoError(t, err)
	before := db.Token("anything")
	_, err = open(newer)
	require.ErrorIs(t, err, seal.ErrOpen, "another key alone does not open the data")
	_, err = open(newer, older)
	require.NoError(t, err)
	db, err = open(newer)
	require.NoError(t, err, "it was sealed anew under the first key")
	assert.Equal(t, before, db.Token("anything"), "hashes stay what they were")
}
