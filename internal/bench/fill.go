package bench

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// filledAtOnce is how many rows one statement adds.
	filledAtOnce = 10_000
	// patterns is how many rows that the program has made are copied.
	patterns = 500
)

// fill runs a statement for n rows, with the first number and the last of each of its shares.
func (r *run) fill(ctx context.Context, what, statement string, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var mu sync.Mutex
	told := time.Now()
	var group sync.WaitGroup
	for range max(runtime.NumCPU(), 2) {
		group.Go(func() {
			for ctx.Err() == nil {
				from := next.Add(filledAtOnce) - filledAtOnce
				if from >= int64(n) {
					return
				}
				if _, err := r.pool.Exec(ctx, statement, from, min(from+filledAtOnce, int64(n))-1); err != nil {
					cancel(fmt.Errorf("fill in %s: %w", what, err))
					return
				}
				mu.Lock()
				if time.Since(told) > 10*time.Second {
					told = time.Now()
					r.say("  %s of %s", grouped(float64(from)), grouped(float64(n)))
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// settle lets the database do now what follows upon a fill, so that it does not happen while something is measured.
func (r *run) settle(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		if _, err := r.pool.Exec(ctx, `VACUUM (ANALYZE) `+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	// Whoever may not order a checkpoint does without.
	_, _ = r.pool.Exec(ctx, `CHECKPOINT`)
	return ctx.Err()
}

// fillWebhooks adds webhooks of today, copies of some that the program has kept, until there are as many as wanted.
func (r *run) fillWebhooks(ctx context.Context) error {
	var there int
	if err := r.pool.QueryRow(ctx, `SELECT count(*) FROM webhooks`).Scan(&there); err != nil {
		return fmt.Errorf("count webhooks: %w", err)
	}
	missing := max(r.kept-there, 0)
	r.say("filling in %s webhooks of the day", grouped(float64(missing)))
	if err := r.fill(ctx, "webhooks", webhooksLikeOthers, missing); err != nil {
		return err
	}
	return r.settle(ctx, "webhooks")
}

// webhooksLikeOthers copies webhooks of today under keys and checkouts of their own. The payloads stay compressed as
// they are.
const webhooksLikeOthers = `
	WITH pattern AS MATERIALIZED (
		SELECT row_number() OVER () - 1 AS i, count(*) OVER () AS n, day, shop, topic, received_at, payload
		FROM (
			SELECT day, shop, topic, received_at, payload
			FROM webhooks
			WHERE payload IS NOT NULL AND checkout IS NOT NULL
			LIMIT ` + patternsText + `
		) AS kept
	)
	INSERT INTO webhooks (day, key, shop, topic, received_at, payload, checkout)
	SELECT day, substring(sha256(convert_to('filled ' || number, 'UTF8')) FOR 16), shop, topic, received_at, payload,
		hashtextextended('filled ' || number, 0)
	FROM generate_series($1::bigint, $2::bigint) AS number
	JOIN pattern ON pattern.i = number % pattern.n`

// patternsText is patterns in SQL.
const patternsText = "500"

// fillCarts adds carts that wait for hours, to the shop whose carts are called, until there are as many as wanted.
func (r *run) fillCarts(ctx context.Context, wanted int) error {
	var there int
	err := r.pool.QueryRow(ctx, `
		SELECT count(*)
		FROM carts
		WHERE shop = $1 AND state = 'waiting'`, callingShop).Scan(&there)
	if err != nil {
		return fmt.Errorf("count carts: %w", err)
	}
	missing := max(wanted-there, 0)
	r.say("filling in %s waiting carts", grouped(float64(missing)))
	// The pattern carts stay in the other shop, so a share of the fill never copies a copy.
	if err := r.fill(ctx, "carts", cartsLikeOthers, missing); err != nil {
		return err
	}
	return r.settle(ctx, "carts", "person_keys", "ledger", "river_job")
}

// cartsLikeOthers copies waiting carts with their jobs, their first ledger entries and the keys of their persons,
// under ids and keys of their own. They wake six hours to thirty hours from now.
const cartsLikeOthers = `
	WITH pattern AS MATERIALIZED (
		SELECT row_number() OVER () - 1 AS i, count(*) OVER () AS n, c.id, c.state, c.reason, c.checkout,
			c.phone, c.phone_from, c.country, c.total, c.currency, c.assistant, c.last_activity_at, c.attempts, c.updates,
			c.arm, c.attribution, c.created_at, c.updated_at, c.email_key, c.phone_key, c.person
		FROM (
			SELECT id, state, reason, checkout, phone, phone_from, country, total, currency, assistant, last_activity_at,
				attempts, updates, arm, attribution, created_at, updated_at, email_key, phone_key, person
			FROM carts
			WHERE shop = '` + waitingShop + `' AND state = 'waiting'
			ORDER BY id
			LIMIT ` + patternsText + `
		) AS c
	),
	entry AS MATERIALIZED (
		SELECT p.i, l.event, l.from_state, l.to_state, l.reason, l.trace
		FROM pattern AS p
		CROSS JOIN LATERAL (
			SELECT event, from_state, to_state, reason, trace
			FROM ledger
			WHERE cart_id = p.id
			ORDER BY id
			LIMIT 1
		) AS l
	),
	fresh AS MATERIALIZED (
		SELECT number, p.i, nextval('river_job_id_seq') AS job, md5(salt) AS token,
			(
				lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') ||
				'7' || substr(md5('id' || salt), 1, 3) || '8' || substr(md5('id' || salt), 4, 15)
			)::uuid AS id,
			now() + interval '6 hours' + number % 86400 * interval '1 second' AS wake,
			substring(sha256(convert_to('email' || salt, 'UTF8')) FOR octet_length(p.email_key)) AS email_key,
			substring(sha256(convert_to('phone' || salt, 'UTF8')) FOR octet_length(p.phone_key)) AS phone_key,
			(
				SELECT array_agg(
					substring(k FOR 1) ||
					substring(sha256(k || convert_to(salt, 'UTF8')) FOR greatest(octet_length(k) - 1, 1))
				)
				FROM unnest(p.person) AS k
			) AS person
		FROM generate_series($1::bigint, $2::bigint) AS number
		CROSS JOIN LATERAL (SELECT number || ' of ' || txid_current() AS salt) AS s
		JOIN pattern AS p ON p.i = number % p.n
	),
	jobs AS (
		INSERT INTO river_job (id, args, kind, max_attempts, queue, state, scheduled_at, priority)
		SELECT job, jsonb_build_object('cart_id', id), 'wake_cart', 25, 'default', 'scheduled', wake, 1
		FROM fresh
	),
	named AS (
		INSERT INTO person_keys (key, shop, cart_id)
		SELECT DISTINCT told, '` + callingShop + `', id
		FROM fresh
		CROSS JOIN unnest(person) AS told
	),
	told AS (
		INSERT INTO ledger (cart_id, at, event, from_state, to_state, reason, trace)
		SELECT fresh.id, now(), event, from_state, to_state, reason, trace
		FROM fresh
		JOIN entry USING (i)
	)
	INSERT INTO carts (
		id, shop, token, checkout_id, cart_token, customer_id, email_key, phone_key, state, reason, checkout, phone,
		phone_from, country, total, currency, assistant, last_activity_at, wake_at, wake_job_id, wake_job_at, attempts,
		updates, arm, attribution, created_at, updated_at, person, person_at
	)
	SELECT f.id, '` + callingShop + `', f.token, 'filled ' || f.job, md5(f.token), 'filled ' || f.job, f.email_key,
		f.phone_key, p.state, p.reason, p.checkout, p.phone, p.phone_from, p.country, p.total, p.currency, p.assistant,
		p.last_activity_at, f.wake, f.job, f.wake, p.attempts, p.updates, p.arm, p.attribution, p.created_at,
		p.updated_at, f.person, p.updated_at
	FROM fresh AS f
	JOIN pattern AS p USING (i)`

// sizesOnDisk notes what a cart and a webhook take on disk, with their indexes, while only new checkouts have come.
func (r *run) sizesOnDisk(ctx context.Context) error {
	const tables = `
		SELECT
			pg_total_relation_size('carts')::float8 / greatest((SELECT count(*) FROM carts), 1),
			(
				pg_total_relation_size('carts') + pg_total_relation_size('ledger') + pg_total_relation_size('person_keys')
				+ pg_total_relation_size('river_job')
			)::float8 / greatest((SELECT count(*) FROM carts), 1),
			(
				SELECT sum(pg_total_relation_size(relid))::float8
				FROM pg_partition_tree('webhooks')
			) / greatest((SELECT count(*) FROM webhooks), 1)`
	var cart, whole, webhook float64
	if err := r.pool.QueryRow(ctx, tables).Scan(&cart, &whole, &webhook); err != nil {
		return fmt.Errorf("measure the tables: %w", err)
	}
	r.disk = []Row{
		{ID: "bytes-cart", Group: groupDisk, What: "a cart", Value: cart, Unit: "bytes"},
		{
			ID: "bytes-cart-all", Group: groupDisk, What: "a cart with its ledger entry, keys and job", Value: whole,
			Unit: "bytes",
		},
		{ID: "bytes-webhook", Group: groupDisk, What: "a webhook", Value: webhook, Unit: "bytes"},
	}
	return nil
}
