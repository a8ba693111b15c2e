package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// See the migration that makes the tables for how the sums are kept.

// The spans that are summed up.
const (
	sumHour = time.Hour
	sumDay  = 24 * time.Hour
)

// stretch is a part of a span of time. Its sums are those of each of its hours or days, as span says.
type stretch struct {
	span     string
	from, to time.Time
}

// stretches divides a span of time into parts that are summed up and the edges that are not. Of a shop only whole days are.
func stretches(shop string, from, to time.Time) (summed, edges []stretch) {
	unit := sumDay
	if shop == "" {
		unit = sumHour
	}
	first, last := ceil(from, unit), to.Truncate(unit)
	if !first.Before(last) {
		return nil, []stretch{{from: from, to: to}}
	}
	add := func(list *[]stretch, span string, from, to time.Time) {
		if from.Before(to) {
			*list = append(*list, stretch{span, from, to})
		}
	}
	add(&edges, "", from, first)
	add(&edges, "", last, to)
	firstDay, lastDay := ceil(first, sumDay), last.Truncate(sumDay)
	if !firstDay.Before(lastDay) {
		firstDay, lastDay = last, last
	}
	add(&summed, "hour", first, firstDay)
	add(&summed, "day", firstDay, lastDay)
	add(&summed, "hour", lastDay, last)
	return summed, edges
}

// ceil is the first instant from t on at which a unit of time begins, in UTC.
func ceil(t time.Time, unit time.Duration) time.Time {
	if begin := t.Truncate(unit); begin.Before(t) {
		return begin.Add(unit)
	}
	return t
}

// counted reports whether the sums hold all that was there before they were kept.
func (db *DB) counted(ctx context.Context) (bool, error) {
	var yes bool
	err := db.pool.QueryRow(ctx, allCounted).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("ask whether carts are counted: %w", err)
	}
	return yes, nil
}

const allCounted = `
	SELECT EXISTS (
		SELECT
		FROM counted_shops
		WHERE shop = ''
	)`

const (
	// foldPage is how many rows one transaction adds to the sums.
	foldPage = 10_000
	// foldWithin is after which time a run leaves the rest to the next one.
	foldWithin = 10 * time.Second
)

// foldCarts, foldCalls and foldSaid add rows to the sums of which they are part.
const (
	foldCarts = `
		WITH gone AS (
			DELETE FROM cart_deltas
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM cart_deltas LIMIT $1))
			RETURNING shop, since, state, reason, arm, attribution, currency, carts, revenue
		), folded AS (
			INSERT INTO cart_sums (span, shop, since, state, reason, arm, attribution, currency, carts, revenue)
			SELECT span, shop, since, state, reason, arm, attribution, currency, sum(carts), sum(revenue)
			FROM (
				SELECT 'ever' AS span, shop, '-infinity'::timestamptz AS since, state, reason,
					'' AS arm, '' AS attribution, '' AS currency, carts, 0 AS revenue
				FROM gone
				UNION ALL
				SELECT 'ever', '', '-infinity', state, reason, '', '', '', carts, 0
				FROM gone
				UNION ALL
				SELECT 'day', shop, date_trunc('day', since, 'UTC'), state, reason,
					arm, attribution, currency, carts, revenue
				FROM gone
				UNION ALL
				SELECT 'day', '', date_trunc('day', since, 'UTC'), state, reason,
					arm, attribution, currency, carts, revenue
				FROM gone
				UNION ALL
				SELECT 'hour', '', since, state, reason, arm, attribution, currency, carts, revenue
				FROM gone
			) AS parts
			GROUP BY span, shop, since, state, reason, arm, attribution, currency
			HAVING sum(carts) <> 0 OR sum(revenue) <> 0
			ON CONFLICT (span, shop, since, state, reason, arm, attribution, currency) DO UPDATE
			SET carts = cart_sums.carts + excluded.carts, revenue = cart_sums.revenue + excluded.revenue
		)
		SELECT count(*)
		FROM gone`
	foldCalls = `
		WITH gone AS (
			DELETE FROM call_deltas
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM call_deltas LIMIT $1))
			RETURNING shop, since, outcome, calls, answered
		), folded AS (
			INSERT INTO call_sums (span, shop, since, outcome, calls, answered)
			SELECT span, shop, since, outcome, sum(calls), sum(answered)
			FROM (
				SELECT 'day' AS span, shop, date_trunc('day', since, 'UTC') AS since, outcome, calls, answered
				FROM gone
				UNION ALL
				SELECT 'day', '', date_trunc('day', since, 'UTC'), outcome, calls, answered
				FROM gone
				UNION ALL
				SELECT 'hour', '', since, outcome, calls, answered
				FROM gone
			) AS parts
			GROUP BY span, shop, since, outcome
			HAVING sum(calls) <> 0 OR sum(answered) <> 0
			ON CONFLICT (span, shop, since, outcome) DO UPDATE
			SET calls = call_sums.calls + excluded.calls, answered = call_sums.answered + excluded.answered
		)
		SELECT count(*)
		FROM gone`
	foldMoney = `
		WITH gone AS (
			DELETE FROM money_deltas
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM money_deltas LIMIT $1))
			RETURNING shop, since, ` + moneyColumns + `
		), folded AS (
			INSERT INTO money_sums (span, shop, since, ` + moneyColumns + `)
			SELECT span, shop, since, ` + summedMoney + `
			FROM (
				SELECT 'day' AS span, shop, date_trunc('day', since, 'UTC') AS since, ` + moneyColumns + `
				FROM gone
				UNION ALL
				SELECT 'day', '', date_trunc('day', since, 'UTC'), ` + moneyColumns + `
				FROM gone
				UNION ALL
				SELECT 'hour', '', since, ` + moneyColumns + `
				FROM gone
			) AS parts
			GROUP BY span, shop, since, arm, attribution, currency
			ON CONFLICT (span, shop, since, arm, attribution, currency) DO UPDATE
			SET refunded = money_sums.refunded + excluded.refunded,
				cancelled = money_sums.cancelled + excluded.cancelled,
				cancelled_carts = money_sums.cancelled_carts + excluded.cancelled_carts,
				cod_carts = money_sums.cod_carts + excluded.cod_carts,
				cod_gross = money_sums.cod_gross + excluded.cod_gross,
				cod_refunded = money_sums.cod_refunded + excluded.cod_refunded,
				cod_cancelled = money_sums.cod_cancelled + excluded.cod_cancelled
		)
		SELECT count(*)
		FROM gone`
	foldSaid = `
		WITH gone AS (
			DELETE FROM said_deltas
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM said_deltas LIMIT $1))
			RETURNING shop, since, kind, value, calls
		), folded AS (
			INSERT INTO said_sums (span, shop, since, kind, value, calls)
			SELECT span, shop, since, kind, value, sum(calls)
			FROM (
				SELECT 'day' AS span, shop, date_trunc('day', since, 'UTC') AS since, kind, value, calls
				FROM gone
				UNION ALL
				SELECT 'day', '', date_trunc('day', since, 'UTC'), kind, value, calls
				FROM gone
				UNION ALL
				SELECT 'hour', '', since, kind, value, calls
				FROM gone
			) AS parts
			GROUP BY span, shop, since, kind, value
			HAVING sum(calls) <> 0
			ON CONFLICT (span, shop, since, kind, value) DO UPDATE
			SET calls = said_sums.calls + excluded.calls
		)
		SELECT count(*)
		FROM gone`
)

// FoldSums adds what changed to the sums that the pages show, unless another process is about it. counted is false while
// what was there before the sums were kept has yet to be counted; see CountNextShop.
func (db *DB) FoldSums(ctx context.Context) (counted bool, err error) {
	until := time.Now().Add(foldWithin)
	for more := true; more && time.Now().Before(until); {
		err := db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
			more = false
			ours, err := tx.lockSums(ctx)
			if err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, allCounted).Scan(&counted); err != nil || !counted || !ours {
				return err
			}
			for _, fold := range []string{foldCarts, foldCalls, foldMoney, foldSaid} {
				var gone int
				if err := tx.QueryRow(ctx, fold, foldPage).Scan(&gone); err != nil {
					return err
				}
				more = more || gone == foldPage
			}
			_, err = tx.Exec(ctx, `
				DELETE FROM cart_sums
				WHERE carts = 0 AND revenue = 0`)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				DELETE FROM said_sums
				WHERE calls = 0`)
			return err
		})
		if err != nil {
			return counted, fmt.Errorf("fold the sums of carts and calls: %w", err)
		}
	}
	return counted, nil
}

// lockSums lets one transaction at a time change the sums. It reports whether it is this one.
func (tx *Tx) lockSums(ctx context.Context) (bool, error) {
	var ours bool
	err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, lockKey("sums", "")).Scan(&ours)
	return ours, err
}

// CountNextShop counts the carts and calls of one shop that were there before the sums were kept, and reports whether
// there was no shop left. It looks at one moment: what was added to the sums until then is part of what it counts, and
// is replaced. The error is ErrBusy while another process is about it.
func (db *DB) CountNextShop(ctx context.Context) (done bool, err error) {
	err = pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(raw pgx.Tx) error {
		tx := &Tx{Tx: raw, Now: db.Now(), db: db, hasher: db.hasher}
		done, err = tx.countNextShop(ctx)
		return err
	})
	if lostToAnother(err) {
		// Another process has counted a shop meanwhile.
		return false, ErrBusy
	}
	if err != nil {
		return false, fmt.Errorf("count carts and calls: %w", err)
	}
	return done, nil
}

func (tx *Tx) countNextShop(ctx context.Context) (done bool, err error) {
	if ours, err := tx.lockSums(ctx); err != nil {
		return false, err
	} else if !ours {
		return false, ErrBusy
	}
	var shop string
	err = tx.QueryRow(ctx, `
		WITH RECURSIVE shops AS (
			(SELECT shop FROM carts ORDER BY shop LIMIT 1)
			UNION ALL
			SELECT (SELECT shop FROM carts WHERE carts.shop > shops.shop ORDER BY shop LIMIT 1)
			FROM shops
			WHERE shops.shop IS NOT NULL
		)
		SELECT shop
		FROM shops
		WHERE shop IS NOT NULL AND shop NOT IN (SELECT shop FROM counted_shops)
		LIMIT 1`).Scan(&shop)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	batch := &pgx.Batch{}
	if shop != "" {
		batch.Queue(`DELETE FROM cart_deltas WHERE shop = $1`, shop)
		batch.Queue(`DELETE FROM call_deltas WHERE shop = $1`, shop)
		batch.Queue(`DELETE FROM money_deltas WHERE shop = $1`, shop)
		batch.Queue(`
			INSERT INTO cart_deltas (shop, since, state, reason, arm, attribution, currency, carts, revenue)
			SELECT shop, date_trunc('hour', created_at, 'UTC'), `+countedCarts+`
			FROM carts
			WHERE shop = $1
			GROUP BY 1, 2, 3, 4, 5, 6, 7`, shop)
		batch.Queue(`
			INSERT INTO call_deltas (shop, since, outcome, calls, answered)
			SELECT shop, date_trunc('hour', created_at, 'UTC'), outcome, count(*), count(answered_at)
			FROM calls
			WHERE shop = $1 AND `+countedCall+`
			GROUP BY 1, 2, 3`, shop)
		batch.Queue(`
			INSERT INTO money_deltas (shop, since, `+moneyColumns+`)
			SELECT shop, date_trunc('hour', created_at, 'UTC'), `+countedMoney+`
			FROM carts
			WHERE shop = $1 AND state = 'purchased' AND "order" IS NOT NULL
			GROUP BY 1, 2, 3, 4, 5`, shop)
	}
	batch.Queue(`INSERT INTO counted_shops (shop, counted_at) VALUES ($1, $2)`, shop, tx.Now)
	return shop == "", tx.SendBatch(ctx, batch).Close()
}
