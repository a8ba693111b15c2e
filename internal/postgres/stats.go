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
	// Purchases and Revenue by attribution and currency.
	Purchases []Purchases
	// Arms compares the customers who may be called with those held out.
	Arms []Arm
}

// Purchases are the purchases owed to one thing, in one currency.
type Purchases struct {
	Attribution cart.Attribution
	Currency    string
	Count       int
	Revenue     decimal.Decimal
}

// Arm is one side of the holdout: how many carts, how many of them bought.
type Arm struct {
	Arm       cart.Arm
	Carts     int
	Purchased int
}

// countedCarts are the columns by which carts are counted, then their number and their revenue, for a query that groups by them.
const countedCarts = `
			state, reason, arm,
			CASE WHEN state = 'purchased' THEN attribution ELSE '' END AS attribution,
			CASE WHEN state = 'purchased' THEN COALESCE(NULLIF("order" ->> 'currency', ''), currency) ELSE '' END AS currency,
			count(*) AS carts,
			sum(CASE WHEN state = 'purchased' THEN COALESCE(("order" ->> 'total')::numeric, total) ELSE 0 END) AS revenue`

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
	}
	batch.Queue(carts, f.args).Query(sum.addCarts)
	batch.Queue(calls, f.args).Query(sum.addCalls)
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
}

func newSummary() *summary {
	return &summary{
		Stats:     Stats{Carts: map[cart.State]int{}, Reasons: map[cart.Reason]int{}, Outcomes: map[cart.Outcome]int{}},
		purchases: map[[2]string]*Purchases{},
		arms:      map[cart.Arm]*Arm{},
	}
}

func (s *summary) addCarts(rows pgx.Rows) error {
	var state cart.State
	var reason cart.Reason
	var arm cart.Arm
	var p Purchases
	columns := []any{&state, &reason, &arm, &p.Attribution, &p.Currency, &p.Count, &p.Revenue}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		if p.Count == 0 {
			return nil
		}
		s.Carts[state] += p.Count
		s.Reasons[reason] += p.Count
		bought := 0
		if state == cart.Purchased {
			bought = p.Count
			s.addPurchases(p)
		}
		if arm != "" {
			if s.arms[arm] == nil {
				s.arms[arm] = &Arm{Arm: arm}
			}
			s.arms[arm].Carts += p.Count
			s.arms[arm].Purchased += bought
		}
		return nil
	})
	return err
}

func (s *summary) addPurchases(p Purchases) {
	key := [2]string{string(p.Attribution), p.Currency}
	if s.purchases[key] == nil {
		s.purchases[key] = &Purchases{Attribution: p.Attribution, Currency: p.Currency}
	}
	s.purchases[key].Count += p.Count
	s.purchases[key].Revenue = s.purchases[key].Revenue.Add(p.Revenue)
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

func (s *summary) stats() Stats {
	for _, p := range s.purchases {
		s.Purchases = append(s.Purchases, *p)
	}
	slices.SortFunc(s.Purchases, func(a, b Purchases) int {
		return cmp.Or(cmp.Compare(a.Attribution, b.Attribution), cmp.Compare(a.Currency, b.Currency))
	})
	for _, a := range s.arms {
		s.Arms = append(s.Arms, *a)
	}
	slices.SortFunc(s.Arms, func(a, b Arm) int { return cmp.Compare(a.Arm, b.Arm) })
	return s.Stats
}
