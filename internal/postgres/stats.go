package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ringback/internal/cart"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Stats sums up what became of the carts made in a span of time.
type Stats struct {
	// Carts counts by state.
	Carts map[cart.State]int
	// Reasons counts by reason.
	Reasons map[cart.Reason]int
	// Calls counts dialled calls; Answered those that somebody picked up; Outcomes by outcome.
	Calls    int
	Answered int
	Outcomes map[cart.Outcome]int
	// Purchases by attribution and currency.
	Purchases []Purchases
	// Arms compares the customers who may be called with those held out.
	Arms []Arm
	// AbandonReasons counts why carts were left behind, as calls told it, the most frequent first.
	AbandonReasons []AbandonReason
	// Offers counts calls by what became of their offer.
	Offers map[cart.OfferFate]int
}

// AbandonReason is a reason for which carts were left behind, and how many calls told it.
type AbandonReason struct {
	// Reason is a label such as shipping_cost.
	Reason string
	Calls  int
}

// Offered counts the calls with an offer.
func (s Stats) Offered() int {
	n := 0
	for _, calls := range s.Offers {
		n += calls
	}
	return n
}

// Mentioned counts the calls whose agent mentioned the offer. An offer that was accepted was mentioned.
func (s Stats) Mentioned() int { return s.Offers[cart.OfferMentioned] + s.Offers[cart.OfferAccepted] }

// WithReason counts the calls that told why the cart was left behind.
func (s Stats) WithReason() int {
	n := 0
	for _, r := range s.AbandonReasons {
		n += r.Calls
	}
	return n
}

// Sum is what some purchases came to, in one currency, and what of it did not stay.
type Sum struct {
	Count                      int
	Gross, Refunded, Cancelled decimal.Decimal
}

// Net is what stayed.
func (s Sum) Net() decimal.Decimal { return s.Gross.Sub(s.Refunded).Sub(s.Cancelled) }

// Add adds up.
func (s *Sum) Add(o Sum) {
	s.Count += o.Count
	s.Gross, s.Refunded, s.Cancelled = s.Gross.Add(o.Gross), s.Refunded.Add(o.Refunded), s.Cancelled.Add(o.Cancelled)
}

// Purchases are the purchases owed to one thing, in one currency.
type Purchases struct {
	Attribution cart.Attribution
	Currency    string
	Sum
	// CashOnDelivery is the part that is paid at the door.
	CashOnDelivery Sum
}

// Arm is one side of the holdout: how many carts, how many of them bought.
type Arm struct {
	Arm       cart.Arm
	Carts     int
	Purchased int
	// Cancelled counts the purchases that were cancelled.
	Cancelled int
	// Amounts are what its purchases came to, by currency.
	Amounts []ArmAmount
}

// PerCart is what a cart of the arm brought, bought or not; an arm always has carts.
func (a Arm) PerCart(amount ArmAmount) decimal.Decimal {
	const digits = 4
	return amount.Net().DivRound(decimal.NewFromInt(int64(max(a.Carts, 1))), digits)
}

// ArmAmount is what the purchases of an arm came to in one currency.
type ArmAmount struct {
	Currency string
	Sum
}

// countedCarts are the columns by which carts are counted, then their number and their revenue, for a query that groups by them.
const countedCarts = `
			state, reason, arm,
			CASE WHEN state = 'purchased' THEN attribution ELSE '' END AS attribution,
			CASE WHEN state = 'purchased' THEN COALESCE(NULLIF("order" ->> 'currency', ''), currency) ELSE '' END AS currency,
			count(*) AS carts,
			sum(CASE WHEN state = 'purchased' THEN COALESCE(("order" ->> 'total')::numeric, total) ELSE 0 END) AS revenue`

// countedMoney is what is summed up of the orders that did not all stay or are paid at the door; see 00031_money.sql.
const countedMoney = `
			arm, attribution, COALESCE(NULLIF("order" ->> 'currency', ''), currency) AS currency,
			sum(COALESCE(("order" ->> 'refunded')::numeric, 0)) AS refunded,
			sum(COALESCE(("order" ->> 'cancelled')::numeric, 0)) AS cancelled,
			count(*) FILTER (WHERE ("order" ->> 'cancelled')::numeric <> 0) AS cancelled_carts,
			count(*) FILTER (WHERE ` + paidAtTheDoor + `) AS cod_carts,
			COALESCE(sum(COALESCE(("order" ->> 'total')::numeric, total)) FILTER (WHERE ` + paidAtTheDoor + `), 0) AS cod_gross,
			COALESCE(sum(("order" ->> 'refunded')::numeric) FILTER (WHERE ` + paidAtTheDoor + `), 0) AS cod_refunded,
			COALESCE(sum(("order" ->> 'cancelled')::numeric) FILTER (WHERE ` + paidAtTheDoor + `), 0) AS cod_cancelled`

const paidAtTheDoor = `("order" ->> 'cash_on_delivery')::boolean`

// moneyColumns are those of countedMoney as tables have them.
const moneyColumns = `arm, attribution, currency, refunded, cancelled, cancelled_carts,
				cod_carts, cod_gross, cod_refunded, cod_cancelled`

// summedMoney adds up rows that hold the columns of countedMoney.
const summedMoney = `arm, attribution, currency, sum(refunded), sum(cancelled), sum(cancelled_carts)::bigint,
			sum(cod_carts)::bigint, sum(cod_gross), sum(cod_refunded), sum(cod_cancelled)`

// countedCall says which calls count: those that were or may have been dialled.
const countedCall = `sent_at IS NOT NULL AND state <> 'rejected'`

// Stats sums up the carts of a shop, or of all with shop "", that were made from from (inclusive) to to (exclusive).
func (db *DB) Stats(ctx context.Context, shop string, from, to time.Time) (Stats, error) {
	counted, err := db.counted(ctx)
	if err != nil {
		return Stats{}, err
	}
	summed, edges := stretches(shop, from, to)
	if !counted {
		summed, edges = nil, []stretch{{from: from, to: to}}
	}
	sum := newSummary()
	batch := &pgx.Batch{}
	if len(summed) > 0 {
		queueSummed(batch, shop, summed, sum)
	}
	for _, edge := range edges {
		queueEdge(batch, shop, edge, counted, sum)
	}
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Stats{}, fmt.Errorf("sum up: %w", err)
	}
	return sum.stats(), nil
}

// queueSummed reads the sums of some stretches and what was not yet added to them.
func queueSummed(batch *pgx.Batch, shop string, summed []stretch, sum *summary) {
	deltas := newFilter()
	deltas.add("since >= @from", "from", summed[0].from)
	deltas.add("since < @to", "to", summed[len(summed)-1].to)
	deltas.addIf("shop = @shop", "shop", shop)
	args := deltas.args
	var spans []string
	var froms, tos []time.Time
	for _, s := range summed {
		spans, froms, tos = append(spans, s.span), append(froms, s.from), append(tos, s.to)
	}
	args["shop"], args["spans"], args["froms"], args["tos"] = shop, spans, froms, tos
	batch.Queue(`
		SELECT state, reason, arm, attribution, currency, sum(carts)::bigint, sum(revenue)
		FROM (
			SELECT state, reason, arm, attribution, currency, carts, revenue
			FROM unnest(@spans::text[], @froms::timestamptz[], @tos::timestamptz[]) AS part (span, first, last)
			JOIN cart_sums AS s
				ON s.span = part.span AND s.shop = @shop AND s.since >= part.first AND s.since < part.last
			UNION ALL
			SELECT state, reason, arm, attribution, currency, carts, revenue
			FROM cart_deltas
			`+deltas.where()+`
		) AS counted
		GROUP BY 1, 2, 3, 4, 5`, args).Query(sum.addCarts)
	batch.Queue(`
		SELECT outcome, sum(calls)::bigint, sum(answered)::bigint
		FROM (
			SELECT outcome, calls, answered
			FROM unnest(@spans::text[], @froms::timestamptz[], @tos::timestamptz[]) AS part (span, first, last)
			JOIN call_sums AS s
				ON s.span = part.span AND s.shop = @shop AND s.since >= part.first AND s.since < part.last
			UNION ALL
			SELECT outcome, calls, answered
			FROM call_deltas
			`+deltas.where()+`
		) AS counted
		GROUP BY 1`, args).Query(sum.addCalls)
	batch.Queue(`
		SELECT `+summedMoney+`
		FROM (
			SELECT `+moneyColumns+`
			FROM unnest(@spans::text[], @froms::timestamptz[], @tos::timestamptz[]) AS part (span, first, last)
			JOIN money_sums AS s
				ON s.span = part.span AND s.shop = @shop AND s.since >= part.first AND s.since < part.last
			UNION ALL
			SELECT `+moneyColumns+`
			FROM money_deltas
			`+deltas.where()+`
		) AS counted
		GROUP BY 1, 2, 3`, args).Query(sum.addMoney)
	batch.Queue(`
		SELECT kind, value, sum(calls)::bigint
		FROM (
			SELECT kind, value, calls
			FROM unnest(@spans::text[], @froms::timestamptz[], @tos::timestamptz[]) AS part (span, first, last)
			JOIN said_sums AS s
				ON s.span = part.span AND s.shop = @shop AND s.since >= part.first AND s.since < part.last
			UNION ALL
			SELECT kind, value, calls
			FROM said_deltas
			`+deltas.where()+`
		) AS counted
		GROUP BY 1, 2`, args).Query(sum.addSaid)
}

// queueEdge counts what was made in a part of an hour or a day. Of all shops it asks each, because the indexes are by shop.
func queueEdge(batch *pgx.Batch, shop string, edge stretch, counted bool, sum *summary) {
	f := newFilter()
	f.add("created_at >= @from", "from", edge.from)
	f.add("created_at < @to", "to", edge.to)
	eachShop := shop == "" && counted
	if eachShop {
		f.conditions = append(f.conditions, "shop = shops.shop")
	} else {
		f.addIf("shop = @shop", "shop", shop)
	}
	carts := `
		SELECT ` + countedCarts + `
		FROM carts
		` + f.where() + `
		GROUP BY 1, 2, 3, 4, 5`
	calls := `
		SELECT outcome, count(*) AS calls, count(answered_at) AS answered
		FROM calls
		` + f.where() + ` AND ` + countedCall + `
		GROUP BY outcome`
	money := `
		SELECT ` + countedMoney + `
		FROM carts
		` + f.where() + ` AND state = 'purchased' AND "order" IS NOT NULL
		GROUP BY 1, 2, 3`
	said := `
		SELECT kind, value, count(*) AS calls
		FROM calls
		CROSS JOIN LATERAL (VALUES ('reason', abandon_reason), ('offer', offer_fate)) AS said (kind, value)
		` + f.where() + ` AND value <> ''
		GROUP BY kind, value`
	if eachShop {
		carts = `
			SELECT state, reason, arm, attribution, currency, sum(carts)::bigint, sum(revenue)
			FROM (` + shopsWithCarts + `) AS shops
			CROSS JOIN LATERAL (` + carts + `) AS made
			GROUP BY 1, 2, 3, 4, 5`
		calls = `
			SELECT outcome, sum(calls)::bigint, sum(answered)::bigint
			FROM (` + shopsWithCarts + `) AS shops
			CROSS JOIN LATERAL (` + calls + `) AS made
			GROUP BY 1`
		money = `
			SELECT ` + summedMoney + `
			FROM (` + shopsWithCarts + `) AS shops
			CROSS JOIN LATERAL (` + money + `) AS made
			GROUP BY 1, 2, 3`
		said = `
			SELECT kind, value, sum(calls)::bigint
			FROM (` + shopsWithCarts + `) AS shops
			CROSS JOIN LATERAL (` + said + `) AS made
			GROUP BY 1, 2`
	}
	batch.Queue(carts, f.args).Query(sum.addCarts)
	batch.Queue(calls, f.args).Query(sum.addCalls)
	batch.Queue(money, f.args).Query(sum.addMoney)
	batch.Queue(said, f.args).Query(sum.addSaid)
}

const shopsWithCarts = `
	SELECT shop
	FROM cart_sums
	WHERE span = 'ever' AND shop <> ''
	UNION
	SELECT shop
	FROM cart_deltas`

// summary is a Stats in the making.
type summary struct {
	Stats

	purchases map[[2]string]*Purchases
	arms      map[cart.Arm]*Arm
	amounts   map[cart.Arm]map[string]*Sum
	said      map[string]int
}

func newSummary() *summary {
	return &summary{
		Stats: Stats{
			Carts: map[cart.State]int{}, Reasons: map[cart.Reason]int{}, Outcomes: map[cart.Outcome]int{},
			Offers: map[cart.OfferFate]int{},
		},
		purchases: map[[2]string]*Purchases{},
		arms:      map[cart.Arm]*Arm{},
		amounts:   map[cart.Arm]map[string]*Sum{},
		said:      map[string]int{},
	}
}

func (s *summary) addCarts(rows pgx.Rows) error {
	var state cart.State
	var reason cart.Reason
	var arm cart.Arm
	var p Purchases
	columns := []any{&state, &reason, &arm, &p.Attribution, &p.Currency, &p.Count, &p.Gross}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		if p.Count == 0 {
			return nil
		}
		s.Carts[state] += p.Count
		s.Reasons[reason] += p.Count
		bought := 0
		if state == cart.Purchased {
			bought = p.Count
			s.of(p.Attribution, p.Currency).Add(p.Sum)
			s.amountOf(arm, p.Currency).Add(p.Sum)
		}
		s.arm(arm).Carts += p.Count
		s.arm(arm).Purchased += bought
		return nil
	})
	return err
}

// addMoney takes off what did not stay, and tells apart what is paid at the door.
func (s *summary) addMoney(rows pgx.Rows) error {
	var arm cart.Arm
	var attribution cart.Attribution
	var currency string
	var lost, cod Sum
	var cancelled int
	columns := []any{
		&arm, &attribution, &currency, &lost.Refunded, &lost.Cancelled, &cancelled,
		&cod.Count, &cod.Gross, &cod.Refunded, &cod.Cancelled,
	}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		if lost.Refunded.IsZero() && lost.Cancelled.IsZero() && cod.Count == 0 {
			return nil
		}
		p := s.of(attribution, currency)
		p.Add(lost)
		p.CashOnDelivery.Add(cod)
		s.arm(arm).Cancelled += cancelled
		s.amountOf(arm, currency).Add(lost)
		return nil
	})
	return err
}

// of is the line of an attribution in a currency.
func (s *summary) of(a cart.Attribution, currency string) *Purchases {
	key := [2]string{string(a), currency}
	if s.purchases[key] == nil {
		s.purchases[key] = &Purchases{Attribution: a, Currency: currency}
	}
	return s.purchases[key]
}

func (s *summary) arm(a cart.Arm) *Arm {
	if s.arms[a] == nil {
		s.arms[a] = &Arm{Arm: a}
	}
	return s.arms[a]
}

func (s *summary) amountOf(a cart.Arm, currency string) *Sum {
	if s.amounts[a] == nil {
		s.amounts[a] = map[string]*Sum{}
	}
	if s.amounts[a][currency] == nil {
		s.amounts[a][currency] = &Sum{}
	}
	return s.amounts[a][currency]
}

func (s *summary) addCalls(rows pgx.Rows) error {
	var outcome cart.Outcome
	var n, answered int
	_, err := pgx.ForEachRow(rows, []any{&outcome, &n, &answered}, func() error {
		s.Calls += n
		s.Answered += answered
		if outcome != "" && n != 0 {
			s.Outcomes[outcome] += n
		}
		return nil
	})
	return err
}

func (s *summary) addSaid(rows pgx.Rows) error {
	var kind, value string
	var n int
	_, err := pgx.ForEachRow(rows, []any{&kind, &value, &n}, func() error {
		switch {
		case n == 0:
		case kind == "offer":
			s.Offers[cart.OfferFate(value)] += n
		default:
			s.said[value] += n
		}
		return nil
	})
	return err
}

func (s *summary) stats() Stats {
	for reason, n := range s.said {
		s.AbandonReasons = append(s.AbandonReasons, AbandonReason{reason, n})
	}
	slices.SortFunc(s.AbandonReasons, func(a, b AbandonReason) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Reason, b.Reason))
	})
	for _, p := range s.purchases {
		s.Purchases = append(s.Purchases, *p)
	}
	slices.SortFunc(s.Purchases, func(a, b Purchases) int {
		return cmp.Or(cmp.Compare(a.Attribution, b.Attribution), cmp.Compare(a.Currency, b.Currency))
	})
	for name, a := range s.arms {
		if name == "" {
			continue
		}
		for currency, sum := range s.amounts[name] {
			a.Amounts = append(a.Amounts, ArmAmount{Currency: currency, Sum: *sum})
		}
		slices.SortFunc(a.Amounts, func(a, b ArmAmount) int { return cmp.Compare(a.Currency, b.Currency) })
		s.Arms = append(s.Arms, *a)
	}
	slices.SortFunc(s.Arms, func(a, b Arm) int { return cmp.Compare(a.Arm, b.Arm) })
	return s.Stats
}
