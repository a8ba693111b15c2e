package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// truth sums up carts and calls by reading all of them.
func (b *bench) truth(shop string, from, to time.Time) postgres.Stats {
	b.t.Helper()
	s := postgres.Stats{
		Carts: map[cart.State]int{}, Reasons: map[cart.Reason]int{}, Outcomes: map[cart.Outcome]int{},
		Offers: map[cart.OfferFate]int{},
	}
	args := pgx.NamedArgs{"shop": shop, "from": from, "to": to}
	each := func(query string, values []any, add func()) {
		rows, err := b.pool.Query(context.Background(), query, args)
		require.NoError(b.t, err)
		_, err = pgx.ForEachRow(rows, values, func() error { add(); return nil })
		require.NoError(b.t, err)
	}
	const within = ` WHERE (@shop = '' OR shop = @shop) AND created_at >= @from AND created_at < @to `
	var state cart.State
	var reason cart.Reason
	var outcome cart.Outcome
	var n, m int
	each(`SELECT state, reason, count(*) FROM carts`+within+`GROUP BY 1, 2`, []any{&state, &reason, &n}, func() {
		s.Carts[state] += n
		s.Reasons[reason] += n
	})
	each(`SELECT outcome, count(*), count(answered_at) FROM calls`+within+`AND sent_at IS NOT NULL AND state <> 'rejected'
		GROUP BY 1`, []any{&outcome, &n, &m}, func() {
		s.Calls += n
		s.Answered += m
		if outcome != "" {
			s.Outcomes[outcome] += n
		}
	})
	var p postgres.Purchases
	const (
		currency = `COALESCE(NULLIF("order" ->> 'currency', ''), currency)`
		total    = `COALESCE(("order" ->> 'total')::numeric, total)`
		refunded = `COALESCE(("order" ->> 'refunded')::numeric, 0)`
		called   = `COALESCE(("order" ->> 'cancelled')::numeric, 0)`
		sums     = `count(*), sum(` + total + `), sum(` + refunded + `), sum(` + called + `)`
		door     = `COALESCE(("order" ->> 'cash_on_delivery')::boolean, false)::int`
		doorSums = `sum(` + door + `), sum(` + door + `*` + total + `), sum(` + door + `*` + refunded + `),
			sum(` + door + `*` + called + `)`
	)
	bought := within + `AND state = 'purchased' `
	each(`SELECT attribution, `+currency+`, `+sums+`, `+doorSums+` FROM carts`+bought+`GROUP BY 1, 2 ORDER BY 1, 2`,
		[]any{
			&p.Attribution, &p.Currency, &p.Count, &p.Gross, &p.Refunded, &p.Cancelled,
			&p.CashOnDelivery.Count, &p.CashOnDelivery.Gross, &p.CashOnDelivery.Refunded, &p.CashOnDelivery.Cancelled,
		},
		func() { s.Purchases = append(s.Purchases, p) })
	var a postgres.Arm
	each(`SELECT arm, count(*), count(*) FILTER (WHERE state = 'purchased'),
			count(*) FILTER (WHERE state = 'purchased' AND ("order" ->> 'cancelled')::numeric > 0)
		FROM carts`+within+`AND arm <> '' GROUP BY 1 ORDER BY 1`,
		[]any{&a.Arm, &a.Carts, &a.Purchased, &a.Cancelled}, func() { s.Arms = append(s.Arms, a) })
	var in postgres.ArmAmount
	each(`SELECT arm, `+currency+`, `+sums+` FROM carts`+bought+`AND arm <> '' GROUP BY 1, 2 ORDER BY 1, 2`,
		[]any{&a.Arm, &in.Currency, &in.Count, &in.Gross, &in.Refunded, &in.Cancelled}, func() {
			for i := range s.Arms {
				if s.Arms[i].Arm == a.Arm {
					s.Arms[i].Amounts = append(s.Arms[i].Amounts, in)
				}
			}
		})
	var fate cart.OfferFate
	each(`SELECT offer_fate, count(*) FROM calls`+within+`AND offer_fate <> '' GROUP BY 1`, []any{&fate, &n}, func() {
		s.Offers[fate] = n
	})
	var why postgres.AbandonReason
	each(`SELECT abandon_reason, count(*) FROM calls`+within+`AND abandon_reason <> '' GROUP BY 1 ORDER BY 2 DESC, 1`,
		[]any{&why.Reason, &why.Calls}, func() { s.AbandonReasons = append(s.AbandonReasons, why) })
	return s
}

// plain is a Stats that can be compared: amounts are text.
func plain(s postgres.Stats) string {
	sum := func(s postgres.Sum) string {
		return fmt.Sprint(
			s.Count, " ", s.Gross.StringFixed(2), " ", s.Refunded.StringFixed(2), " ", s.Cancelled.StringFixed(2),
		)
	}
	text := fmt.Sprint(s.Carts, s.Reasons, s.Calls, s.Answered, s.Outcomes)
	for _, p := range s.Purchases {
		text += fmt.Sprint("; ", p.Attribution, p.Currency, sum(p.Sum), " door ", sum(p.CashOnDelivery))
	}
	for _, a := range s.Arms {
		text += fmt.Sprint("; ", a.Arm, a.Carts, a.Purchased, a.Cancelled)
		for _, m := range a.Amounts {
			text += fmt.Sprint(" ", m.Currency, sum(m.Sum))
		}
	}
	return text
}

func (b *bench) trueCounts(shop string) []postgres.StateCount {
	b.t.Helper()
	rows, err := b.pool.Query(context.Background(), `
		SELECT shop, state, reason, count(*)
		FROM carts
		WHERE $1 = '' OR shop = $1
		GROUP BY shop, state, reason
		ORDER BY shop, state, reason`, shop)
	require.NoError(b.t, err)
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[postgres.StateCount])
	require.NoError(b.t, err)
	return counts
}

// sumsAreTrue compares what is shown of some spans of time with the truth.
func (b *bench) sumsAreTrue(t require.TestingT, spans ...[2]time.Time) {
	ctx := context.Background()
	load, err := b.db.Load(ctx)
	require.NoError(t, err)
	byState := map[cart.State]int{}
	for _, s := range []string{"", shop, otherShop} {
		counts, err := b.db.CountCarts(ctx, s)
		require.NoError(t, err)
		require.ElementsMatch(t, b.trueCounts(s), counts, "carts of %q", s)
		for _, c := range counts {
			if s == "" {
				byState[c.State] += c.Count
			}
		}
		for _, span := range spans {
			stats, err := b.db.Stats(ctx, s, span[0], span[1])
			require.NoError(t, err)
			require.Equal(t, plain(b.truth(s, span[0], span[1])), plain(stats), "%q from %s to %s", s, span[0], span[1])
		}
	}
	require.Equal(t, byState, load.Carts)
}

const otherShop = "bolt.myshopify.com"

// history changes carts and calls at random.
type history struct {
	*bench
	carts []*postgres.Cart
}

func (h *history) instant(t *rapid.T, label string) time.Time {
	// Whole hours and days are as likely as any other instant.
	unit := rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 24 * time.Hour}).Draw(t, label+" unit")
	ago := rapid.Int64Range(0, int64(5*24*time.Hour/unit)).Draw(t, label)
	return noon.Truncate(unit).Add(-time.Duration(ago) * unit)
}

func (h *history) begin(t *rapid.T) {
	h.now = h.instant(t, "made")
	h.carts = append(h.carts, h.keeps(uuid.NewString(), func(c *postgres.Cart) {
		c.Shop = rapid.SampledFrom([]string{shop, otherShop}).Draw(t, "shop")
		c.Arm = rapid.SampledFrom([]cart.Arm{"", cart.ArmCall, cart.ArmHoldout}).Draw(t, "arm")
		h.turn(t, c)
	}))
	h.now = noon
}

// turn gives a cart another state, and perhaps a call another outcome.
func (h *history) turn(t *rapid.T, c *postgres.Cart) {
	c.State = rapid.SampledFrom(cart.States()).Draw(t, "state")
	c.Reason = rapid.SampledFrom([]cart.Reason{cart.Delay, cart.Ordered, cart.Expired}).Draw(t, "reason")
	c.Attribution, c.Order = "", nil
	c.Checkout.Total = decimal.New(rapid.Int64Range(1, 1_000_000).Draw(t, "total"), -2)
	if c.State == cart.Purchased {
		c.Attribution = rapid.SampledFrom([]cart.Attribution{"", cart.ByCall, cart.ByOffer}).Draw(t, "attribution")
		if rapid.Bool().Draw(t, "ordered") {
			c.Order = &cart.Order{
				ID: "1", Total: decimal.New(rapid.Int64Range(1, 1_000_000).Draw(t, "paid"), -2),
				Currency:       rapid.SampledFrom([]string{"", "INR", "USD"}).Draw(t, "currency"),
				CashOnDelivery: rapid.Bool().Draw(t, "door"),
			}
			if rapid.Bool().Draw(t, "refunded") {
				back := decimal.New(rapid.Int64Range(1, 5_000).Draw(t, "back"), -2)
				c.Order.AddRefunds(cart.Refund{ID: "1", Amount: cart.Amount{Value: back}})
			}
			if rapid.Bool().Draw(t, "cancelled") {
				c.Order.CancelledAt = &h.now
			}
			c.Order.Settle()
		}
	}
	if rapid.Bool().Draw(t, "another call") && len(c.Calls) < 3 {
		c.Calls = append(c.Calls, cart.Call{
			ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: c.Shop, Attempt: len(c.Calls) + 1, State: cart.Placing,
			CreatedAt: h.instant(t, "called"), Provider: "mirai",
		})
	}
	for i := range c.Calls {
		call := &c.Calls[i]
		at := call.CreatedAt
		call.State = rapid.SampledFrom([]cart.CallState{cart.Placed, cart.Closed, cart.Rejected}).Draw(t, "call")
		call.Outcome = rapid.SampledFrom([]cart.Outcome{"", cart.Completed, cart.Busy}).Draw(t, "outcome")
		call.SentAt, call.AnsweredAt = nil, nil
		call.AbandonReason = rapid.SampledFrom([]string{"", "price", "trust"}).Draw(t, "why")
		call.OfferFate = rapid.SampledFrom([]cart.OfferFate{"", cart.OfferSent, cart.OfferAccepted}).Draw(t, "offer")
		if rapid.Bool().Draw(t, "sent") {
			call.SentAt = &at
		}
		if rapid.Bool().Draw(t, "answered") {
			call.AnsweredAt = &at
		}
	}
}

// some is one of the carts; the first is begun when there is none.
func (h *history) some(t *rapid.T) *postgres.Cart {
	if len(h.carts) == 0 {
		h.begin(t)
	}
	return rapid.SampledFrom(h.carts).Draw(t, "cart")
}

func (h *history) save(c *postgres.Cart, before []cart.Call) {
	h.tx(func(ctx context.Context, tx *postgres.Tx) error { return tx.SaveCart(ctx, c, "pool", before) })
}

func (h *history) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"begin": h.begin,
		"turn": func(t *rapid.T) {
			c := h.some(t)
			before := append([]cart.Call(nil), c.Calls...)
			h.turn(t, c)
			h.save(c, before)
		},
		"erase": func(t *rapid.T) {
			c := h.some(t)
			c.ErasedAt = &h.now
			c.Checkout, c.Phone = cart.Checkout{Total: c.Checkout.Total, Currency: c.Checkout.Currency}, ""
			h.save(c, c.Calls)
		},
		"write as another program does": func(t *rapid.T) {
			h.exec(`UPDATE carts SET state = 'stopped', reason = 'declined', arm = 'call' WHERE id = $1`, h.some(t).ID)
			h.exec(`UPDATE calls SET outcome = 'lost', sent_at = created_at WHERE cart_id = $1`, h.some(t).ID)
		},
		"fold": func(t *rapid.T) {
			_, err := h.db.FoldSums(context.Background())
			require.NoError(t, err)
		},
		"look": func(t *rapid.T) {
			from, to := h.instant(t, "from"), h.instant(t, "to")
			if to.Before(from) {
				from, to = to, from
			}
			h.sumsAreTrue(t, [2]time.Time{from, to.Add(time.Second)})
		},
	}
}

func TestSums_AreTheTruthAtAnyTime(t *testing.T) {
	t.Parallel()
	h := &history{bench: newBench(t)}
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(h.actions())
		h.actions()["look"](t)
	})
}

func TestSums_CountWhatWasThereBeforeThem(t *testing.T) {
	t.Parallel()
	h := &history{bench: newBench(t)}
	ctx := t.Context()
	// As it was before the migration.
	h.exec(`DELETE FROM counted_shops`)
	h.exec(`ALTER TABLE carts DISABLE TRIGGER USER`)
	h.exec(`ALTER TABLE calls DISABLE TRIGGER USER`)
	all := [2]time.Time{noon.Add(-10 * 24 * time.Hour), noon.Add(time.Hour)}
	rapid.Check(t, func(t *rapid.T) { h.begin(t) })
	h.exec(`UPDATE calls SET abandon_reason = '', offer_fate = ''`)
	h.exec(`ALTER TABLE carts ENABLE TRIGGER USER`)
	h.exec(`ALTER TABLE calls ENABLE TRIGGER USER`)
	h.sumsAreTrue(t, all)
	for done := false; !done; {
		// Carts go on changing meanwhile.
		rapid.Check(t, func(t *rapid.T) {
			h.begin(t)
			h.actions()["turn"](t)
		})
		counted, err := h.db.FoldSums(ctx)
		require.NoError(t, err)
		require.False(t, counted, "nothing is folded before all is counted")
		h.sumsAreTrue(t, all)
		done, err = h.db.CountNextShop(ctx)
		require.NoError(t, err)
	}
	h.sumsAreTrue(t, all)
	counted, err := h.db.FoldSums(ctx)
	require.NoError(t, err)
	assert.True(t, counted)
	h.sumsAreTrue(t, all, [2]time.Time{noon.Add(-50 * time.Hour), noon.Add(-time.Hour)})
	var left int
	require.NoError(t, h.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM cart_deltas) + (SELECT count(*) FROM call_deltas)
			+ (SELECT count(*) FROM money_deltas) + (SELECT count(*) FROM said_deltas)`).Scan(&left))
	assert.Zero(t, left)
}
