package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ringback/internal/cart"

	"github.com/jackc/pgx/v5"
)

// IncomingWebhook is a webhook about a checkout that is to be kept and applied later.
type IncomingWebhook struct {
	Shop      string
	WebhookID string
	Topic     string
	// Checkout is the checkout's token.
	Checkout string
	Payload  []byte
	// TriggeredAt, APIVersion and Test are what its headers told, for whoever decodes it.
	TriggeredAt time.Time
	APIVersion  string
	Test        bool
}

// CheckoutHash is the number that stands for a checkout where its token is too long.
func CheckoutHash(shop, token string) int64 { return lockKey("checkout", shop+" "+token) }

// QueueParts is how many parts the intake queue has. Webhooks about one checkout are in one part.
const QueueParts = 4

func queuePart(checkout int64) int16 { return int16(uint64(checkout) % QueueParts) }

// recentDays are the daily partitions that a webhook's key is looked for in, named one by one: a look-up by a range of
// days would read the whole day. Tomorrow is another machine's today.
func recentDays(now time.Time) []time.Time {
	day := now.Truncate(24 * time.Hour)
	days := make([]time.Time, 0, keptDays+2)
	for i := -keptDays; i <= 1; i++ {
		days = append(days, day.AddDate(0, 0, i))
	}
	return days
}

// clocksApart is how far the clocks of whoever sends and keeps webhooks may differ.
const clocksApart = 15 * time.Minute

// onOtherDay reports whether a webhook may have been kept on another day than today: whoever kept it did so after it
// was triggered.
func onOtherDay(now, triggered time.Time) bool {
	day := now.Truncate(24 * time.Hour)
	return triggered.Add(-clocksApart).Before(day) || !now.Add(clocksApart).Before(day.AddDate(0, 0, 1))
}

// planByIndex makes the planner use indexes until the transaction ends. The tables of the intake grow from nothing to
// millions of rows within a day: a plan made for an empty table would read the full one.
const planByIndex = `
	SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
		set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true)`

// KeepWebhooks records webhooks and puts the new ones in the intake queue, in one transaction. It reports for each
// whether it is new: one with the same shop and id was never kept. When it returns without an error, they are durable.
func (db *DB) KeepWebhooks(ctx context.Context, webhooks []IncomingWebhook) (fresh []bool, err error) {
	now := db.Now()
	day := now.Truncate(24 * time.Hour)
	n := len(webhooks)
	keys := make([][]byte, n)
	order := make([]int, n)
	for i := range webhooks {
		keys[i], order[i] = webhookKey(webhooks[i].Shop, webhooks[i].WebhookID), i
	}
	// In one order, whoever keeps: two transactions with the same webhooks must not wait for each other.
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	sorted, shops, topics := make([][]byte, n), make([]string, n), make([]string, n)
	payloads, checkouts := make([][]byte, n), make([]int64, n)
	triggered, versions, tests := make([]*time.Time, n), make([]string, n), make([]bool, n)
	parts, places, otherDays := make([]int16, n), make([]int32, n), make([]bool, n)
	for place, i := range order {
		w := &webhooks[i]
		sorted[place], shops[place], topics[place] = keys[i], w.Shop, w.Topic
		payloads[place], checkouts[place] = w.Payload, CheckoutHash(w.Shop, w.Checkout)
		versions[place], tests[place], parts[place] = w.APIVersion, w.Test, queuePart(checkouts[place])
		places[place], otherDays[place] = int32(i), onOtherDay(now, w.TriggeredAt)
		if !w.TriggeredAt.IsZero() {
			triggered[place] = &w.TriggeredAt
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(planByIndex)
	kept := map[string]bool{}
	batch.Queue(`
		WITH x AS (
			SELECT key, shop, topic, payload, checkout, triggered_at, api_version, test, part, place, other_day
			FROM unnest(
				$3::bytea[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], $8::timestamptz[], $9::text[], $10::boolean[],
				$12::smallint[], $13::integer[], $14::boolean[]
			) AS x (key, shop, topic, payload, checkout, triggered_at, api_version, test, part, place, other_day)
		),
		kept AS (
			INSERT INTO webhooks (day, key, shop, topic, received_at, payload, checkout)
			SELECT $1, key, shop, topic, $2, payload, checkout
			FROM x
			WHERE NOT other_day OR (
				SELECT true
				FROM webhooks AS w
				WHERE w.key = x.key AND w.day = ANY ($11::date[])
				LIMIT 1
			) IS NULL
			ON CONFLICT (day, key) DO NOTHING
			RETURNING key
		),
		queued AS (
			INSERT INTO intake_queue (part, day, received_at, keys, checkouts, triggered_at, api_versions, tests)
			SELECT part, $1, $2, array_agg(key ORDER BY place), array_agg(checkout ORDER BY place),
				array_agg(triggered_at ORDER BY place), array_agg(api_version ORDER BY place), array_agg(test ORDER BY place)
			FROM x
			WHERE key IN (SELECT key FROM kept)
			GROUP BY part
		)
		SELECT key
		FROM kept`,
		day, now, sorted, shops, topics, payloads, checkouts, triggered, versions, tests, recentDays(now),
		parts, places, otherDays).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var key []byte
				if err := rows.Scan(&key); err != nil {
					return err
				}
				kept[string(key)] = true
			}
			return rows.Err()
		})
	if err := db.intake.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("keep webhooks: %w", err)
	}
	fresh = make([]bool, n)
	for i := range webhooks {
		// Of two with one key in one batch, only the first is new.
		fresh[i] = kept[string(keys[i])]
		delete(kept, string(keys[i]))
	}
	return fresh, nil
}

// QueuedWebhook is a kept webhook that is taken from the intake queue to be applied.
type QueuedWebhook struct {
	Shop        string
	Topic       string
	APIVersion  string
	TriggeredAt time.Time
	Test        bool
	ReceivedAt  time.Time
	// Payload is nil when it was erased or its day was dropped.
	Payload []byte
	// Alone is true when it is to be applied in a transaction of its own. Tries counts the times that it could not be.
	Alone bool
	Tries int

	row      int64
	checkout int64
	day      time.Time
	key      []byte
}

// Kept names the webhook.
func (w *QueuedWebhook) Kept() KeptWebhook { return KeptWebhook{shop: w.Shop, day: w.day, key: w.key} }

// Row is the id of the row of the queue that the webhook came with.
func (w *QueuedWebhook) Row() int64 { return w.row }

// CheckoutKey is equal for two webhooks of a shop that are about one checkout.
func (w *QueuedWebhook) CheckoutKey() int64 { return w.checkout }

func scanQueued(row pgx.CollectableRow) (QueuedWebhook, error) {
	var w QueuedWebhook
	var triggered *time.Time
	err := row.Scan(&w.row, &w.day, &w.ReceivedAt, &w.Alone, &w.Tries, &w.key, &w.checkout, &triggered,
		&w.APIVersion, &w.Test, &w.Shop, &w.Topic, &w.Payload)
	inUTC(&w.ReceivedAt)
	if triggered != nil {
		w.TriggeredAt = triggered.UTC()
	}
	return w, err
}

// InIntakeTx is InTx on the connections of the intake, so that it never waits for those of jobs.
func (db *DB) InIntakeTx(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return db.retry(ctx, db.intake, fn)
}

// TakeQueued takes up to rows rows of a part of the intake queue, oldest first. What is not committed goes back. A
// webhook that is to be applied alone comes first and by itself. Nothing is taken while another transaction has rows of
// the part.
func (tx *Tx) TakeQueued(ctx context.Context, part, rows int) ([]QueuedWebhook, error) {
	var mine bool
	var taken []QueuedWebhook
	batch := &pgx.Batch{}
	batch.Queue(planByIndex)
	// What a crash undoes of this transaction is back in the queue. A transaction that builds on this one commits later,
	// and makes both durable.
	batch.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
	batch.Queue(`SELECT pg_try_advisory_xact_lock($1)`, lockKey("intake queue", strconv.Itoa(part))).
		QueryRow(func(row pgx.Row) error { return row.Scan(&mine) })
	if err := tx.SendBatch(ctx, batch).Close(); err != nil || !mine {
		return nil, err
	}
	found, err := tx.Query(ctx, `
		WITH taken AS (
			DELETE FROM intake_queue
			WHERE id = ANY (ARRAY(
				SELECT id
				FROM intake_queue
				WHERE part = $1 AND (due_at IS NULL OR due_at <= $3)
				ORDER BY alone DESC, id
				LIMIT (
					SELECT CASE WHEN count(*) > 0 THEN 1 ELSE $2 END
					FROM intake_queue
					WHERE part = $1 AND alone AND (due_at IS NULL OR due_at <= $3)
				)
			))
			RETURNING id, day, received_at, alone, tries, keys, checkouts, triggered_at, api_versions, tests
		)
		SELECT taken.id, taken.day, taken.received_at, taken.alone, taken.tries, q.key, q.checkout, q.triggered_at,
			q.api_version, q.test, w.shop, w.topic, w.payload
		FROM taken
		CROSS JOIN LATERAL unnest(
			taken.keys, taken.checkouts, taken.triggered_at, taken.api_versions, taken.tests
		) WITH ORDINALITY AS q (key, checkout, triggered_at, api_version, test, place)
		CROSS JOIN LATERAL (
			SELECT shop, topic, payload
			FROM webhooks
			WHERE webhooks.day = taken.day AND webhooks.key = q.key
			LIMIT 1
		) AS w
		ORDER BY taken.id, q.place`, part, rows, tx.Now)
	if err == nil {
		taken, err = pgx.CollectRows(found, scanQueued)
	}
	if err != nil {
		return nil, fmt.Errorf("take queued webhooks: %w", err)
	}
	for i := range taken {
		if taken[i].ReceivedAt.After(tx.Now) {
			// It was kept after this transaction began: what is applied happens after it was kept.
			tx.Now = taken[i].ReceivedAt
		}
	}
	return taken, nil
}

// QueueAlone puts webhooks back, each to be applied alone, not before a time when one is given.
func (tx *Tx) QueueAlone(ctx context.Context, webhooks []QueuedWebhook, due *time.Time) error {
	batch := &pgx.Batch{}
	for i := range webhooks {
		w := &webhooks[i]
		var triggered *time.Time
		if !w.TriggeredAt.IsZero() {
			triggered = &w.TriggeredAt
		}
		batch.Queue(`
			INSERT INTO intake_queue (
				part, day, received_at, keys, checkouts, triggered_at, api_versions, tests, alone, tries, due_at
			)
			VALUES ($1, $2, $3, ARRAY[$4::bytea], ARRAY[$5::bigint], ARRAY[$6::timestamptz], ARRAY[$7::text],
				ARRAY[$8::boolean], true, $9, $10)`,
			queuePart(w.checkout), w.day, w.ReceivedAt, w.key, w.checkout, triggered, w.APIVersion, w.Test, w.Tries, due)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("queue webhooks alone: %w", err)
	}
	return nil
}

// DropQueuedPayloads forgets what webhooks tell that are about a cart which was erased already.
func (tx *Tx) DropQueuedPayloads(ctx context.Context, webhooks []QueuedWebhook) error {
	batch := &pgx.Batch{}
	for i := range webhooks {
		batch.Queue(`
			UPDATE webhooks
			SET payload = NULL
			WHERE day = $1 AND key = $2`, webhooks[i].day, webhooks[i].key)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("drop payloads of an erased cart: %w", err)
	}
	return nil
}

// WebhooksPending reports whether something that was kept may change what is known of a cart: a webhook of its checkout
// waits to be applied, or one of its shop waits to be handled.
func (tx *Tx) WebhooksPending(ctx context.Context, c *cart.Cart) (bool, error) {
	var pending bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (
				SELECT 1
				FROM intake_queue
				WHERE $2 = ANY (checkouts)
			)
			OR EXISTS (
				SELECT 1
				FROM waiting_webhooks
				WHERE shop = $1
			)`, c.Shop, CheckoutHash(c.Shop, c.Token)).Scan(&pending)
	if err != nil {
		return false, fmt.Errorf("look for pending webhooks: %w", err)
	}
	return pending, nil
}

// LastQueued is when the newest webhook was kept that has yet to be applied; the zero time when there is none.
func (db *DB) LastQueued(ctx context.Context) (time.Time, error) {
	var last *time.Time
	err := db.pool.QueryRow(ctx, `
		SELECT max(received_at)
		FROM intake_queue`).Scan(&last)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the intake queue: %w", err)
	}
	if last == nil {
		return time.Time{}, nil
	}
	return *last, nil
}

// QueuedUntil reports whether webhooks that were kept up to an instant have yet to be applied. Those that were tried in
// vain do not count.
func (db *DB) QueuedUntil(ctx context.Context, last time.Time) (bool, error) {
	var queued bool
	err := db.pool.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT 1
			FROM intake_queue
			WHERE received_at <= $1 AND tries = 0
		)`, last).Scan(&queued)
	if err != nil {
		return false, fmt.Errorf("read the intake queue: %w", err)
	}
	return queued, nil
}

// IntakeLag says how far the carts are behind the webhooks that were kept.
type IntakeLag struct {
	// Queued counts the webhooks that have yet to be applied.
	Queued int
	// Oldest is how long the oldest of them has waited; zero when there is none.
	Oldest time.Duration
}

// IntakeLag reads the lag.
func (db *DB) IntakeLag(ctx context.Context) (IntakeLag, error) {
	var lag IntakeLag
	var oldest *time.Time
	err := db.pool.QueryRow(ctx, `
		SELECT COALESCE(sum(cardinality(keys)), 0), min(received_at)
		FROM intake_queue`).Scan(&lag.Queued, &oldest)
	if err != nil {
		return lag, fmt.Errorf("read the intake queue: %w", err)
	}
	if oldest != nil {
		lag.Oldest = max(db.Now().Sub(*oldest), 0)
	}
	return lag, nil
}

// Disturbed reports whether an error of the database says nothing against what was to be stored: the connection broke,
// or another transaction was in the way. Trying again can help.
func Disturbed(err error) bool {
	if _, unstorable := Unstorable(err); unstorable {
		return false
	}
	return lostToAnother(err) || unreachable(err) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
