package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The kinds of privacy request.
const (
	PrivacyDataRequest    = "data_request"
	PrivacyRedactCustomer = "redact_customer"
	PrivacyRedactShop     = "redact_shop"
)

// privacyDeadline is how long Shopify gives an app to act.
const privacyDeadline = 30 * 24 * time.Hour

// PrivacyRequest is a wish to see or to erase what is kept of a person or a shop.
type PrivacyRequest struct {
	ID          uuid.UUID
	Shop        string
	Kind        string
	RequestedAt time.Time
	DueAt       time.Time
	DoneAt      *time.Time
	// Carts is how many carts it concerned, once done.
	Carts int
}

// AskPrivacy records a privacy request that came by a webhook; the person is sealed until it is done.
func (tx *Tx) AskPrivacy(ctx context.Context, shop, kind, webhookID string, p cart.Person) (uuid.UUID, error) {
	plain, err := json.Marshal(askedBy(p))
	if err != nil {
		return uuid.Nil, err
	}
	id := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		INSERT INTO privacy_requests (id, shop, kind, person, webhook_day, webhook_key, requested_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, shop, kind, tx.db.box.Seal(plain, sealedRequest+id.String()), tx.Now.Truncate(24*time.Hour), webhookKey(shop, webhookID),
		tx.Now, tx.Now.Add(privacyDeadline))
	if err != nil {
		return uuid.Nil, fmt.Errorf("record privacy request: %w", err)
	}
	return id, nil
}

// asker is how a person is kept with a request. The program before reads Email and knows no Emails.
type asker struct {
	CustomerID string
	Email      string
	Emails     []string
	Phones     []string
}

func askedBy(p cart.Person) asker {
	a := asker{Emails: p.Emails(), Phones: p.Numbers()}
	if ids := p.CustomerIDs(); len(ids) > 0 {
		a.CustomerID = ids[0]
	}
	if len(a.Emails) > 0 {
		a.Email = a.Emails[0]
	}
	return a
}

func (a asker) person() cart.Person {
	return cart.PersonWith(a.CustomerID, append([]string{a.Email}, a.Emails...), a.Phones)
}

// PrivacyRequest reads a request with the person it is about, who is empty once it is done. ErrNotFound for an unknown
// one.
func (db *DB) PrivacyRequest(ctx context.Context, id uuid.UUID) (PrivacyRequest, cart.Person, error) {
	var r PrivacyRequest
	var p cart.Person
	var sealed []byte
	err := db.pool.QueryRow(ctx, `
		SELECT id, shop, kind, requested_at, due_at, done_at, carts, person
		FROM privacy_requests
		WHERE id = $1`, id).Scan(&r.ID, &r.Shop, &r.Kind, &r.RequestedAt, &r.DueAt, &r.DoneAt, &r.Carts, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, p, ErrNotFound
	}
	if err != nil {
		return r, p, fmt.Errorf("read privacy request: %w", err)
	}
	if sealed == nil {
		return r, p, nil
	}
	plain, _, err := db.box.Open(sealed, sealedRequest+id.String())
	if err != nil {
		return r, p, fmt.Errorf("open privacy request: %w", err)
	}
	var a asker
	err = json.Unmarshal(plain, &a)
	return r, a.person(), err
}

// PrivacyRequests lists the newest requests, the open ones first.
func (db *DB) PrivacyRequests(ctx context.Context, limit int) ([]PrivacyRequest, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT id, shop, kind, requested_at, due_at, done_at, carts
		FROM privacy_requests
		ORDER BY done_at IS NOT NULL, requested_at DESC
		LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list privacy requests: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PrivacyRequest])
}

// PrivacyBacklog is how many privacy requests are not done, and how many of those are past their deadline.
type PrivacyBacklog struct{ Open, Overdue int }

// OpenPrivacyRequests counts the requests that are not done, by kind.
func (db *DB) OpenPrivacyRequests(ctx context.Context) (map[string]PrivacyBacklog, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT kind, count(*), count(*) FILTER (WHERE due_at < $1)
		FROM privacy_requests
		WHERE done_at IS NULL
		GROUP BY kind`, db.Now())
	if err != nil {
		return nil, fmt.Errorf("count privacy requests: %w", err)
	}
	open := map[string]PrivacyBacklog{}
	var kind string
	var n PrivacyBacklog
	_, err = pgx.ForEachRow(rows, []any{&kind, &n.Open, &n.Overdue}, func() error {
		open[kind] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count privacy requests: %w", err)
	}
	return open, nil
}

// SuppressionsOfPerson lists what keeps a person from being called in a shop, by every key that the person is known by
// there, and what did so until it was lifted.
func (db *DB) SuppressionsOfPerson(ctx context.Context, shop string, p cart.Person) ([]Suppression, []LiftedSuppression, error) {
	f, err := db.PersonOf(ctx, shop, p)
	if err != nil {
		return nil, nil, err
	}
	hashes := hashesOf(f.reach.Keys, cart.KeyCustomer, cart.KeyEmail, cart.KeyPhone)
	rows, err := db.pool.Query(ctx, `
		SELECT id, scope, kind, value, source, created_at
		FROM suppressions
		WHERE key = ANY ($1) AND scope IN ('', $2)
		ORDER BY id`, hashes, shop)
	if err != nil {
		return nil, nil, fmt.Errorf("list a person's suppressions: %w", err)
	}
	held, err := pgx.CollectRows(rows, scanSuppression)
	if err != nil {
		return nil, nil, fmt.Errorf("list a person's suppressions: %w", err)
	}
	rows, err = db.pool.Query(ctx, `
		SELECT id, scope, kind, value, source, created_at, lifted_at, lifted_by, lifted_reason
		FROM lifted_suppressions
		WHERE key = ANY ($1) AND scope IN ('', $2)
		ORDER BY id`, hashes, shop)
	if err != nil {
		return nil, nil, fmt.Errorf("list a person's suppressions: %w", err)
	}
	lifted, err := pgx.CollectRows(rows, scanLifted)
	return held, lifted, err
}

// PrivacyAnswered marks a data request as answered. Whom it was about stays known for a while, in case it must be
// answered again.
func (tx *Tx) PrivacyAnswered(ctx context.Context, id uuid.UUID, carts int) error {
	_, err := tx.Exec(ctx, `
		UPDATE privacy_requests
		SET done_at = COALESCE(done_at, $2), carts = $3
		WHERE id = $1`, id, tx.Now, carts)
	if err != nil {
		return fmt.Errorf("answer privacy request: %w", err)
	}
	return nil
}

// ForgetAnswered forgets whom the data requests were about that were answered before an instant.
func (db *DB) ForgetAnswered(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		UPDATE privacy_requests
		SET person = NULL
		WHERE done_at < $1 AND person IS NOT NULL`, before)
	if err != nil {
		return fmt.Errorf("forget answered privacy requests: %w", err)
	}
	return nil
}

// ForgetUnanswered forgets whom the data requests were about that are still open at a time long after their deadline.
// They stay open, for somebody to close.
func (db *DB) ForgetUnanswered(ctx context.Context, dueBefore time.Time) error {
	_, err := db.pool.Exec(ctx, `
		UPDATE privacy_requests
		SET person = NULL
		WHERE kind = $1 AND done_at IS NULL AND due_at < $2 AND person IS NOT NULL`, PrivacyDataRequest, dueBefore)
	if err != nil {
		return fmt.Errorf("forget unanswered privacy requests: %w", err)
	}
	return nil
}

// PrivacyDone closes a request and forgets whom it was about, in the request and in the webhook that brought it.
func (tx *Tx) PrivacyDone(ctx context.Context, id uuid.UUID, carts int) error {
	_, err := tx.Exec(ctx, `
		WITH done AS (
			UPDATE privacy_requests
			SET done_at = COALESCE(done_at, $2), carts = $3, person = NULL
			WHERE id = $1
			RETURNING webhook_day, webhook_key
		)
		UPDATE webhooks
		SET payload = NULL
		FROM done
		WHERE webhooks.day = done.webhook_day AND webhooks.key = done.webhook_key`, id, tx.Now, carts)
	if err != nil {
		return fmt.Errorf("close privacy request: %w", err)
	}
	return nil
}

// ForgetCart erases what is kept beside a cart that was erased: the raw messages about it and its calls.
func (tx *Tx) ForgetCart(ctx context.Context, c *cart.Cart) error {
	calls := make([]uuid.UUID, len(c.Calls))
	for i := range c.Calls {
		calls[i] = c.Calls[i].ID
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE webhooks
		SET payload = NULL
		WHERE cart_id = $1`, c.ID)
	batch.Queue(`
		UPDATE callbacks
		SET payload = NULL
		WHERE call_id = ANY ($1)`, calls)
	batch.Queue(`
		UPDATE orders
		SET customer_id = '', codes = '{}'
		WHERE cart_id = $1`, c.ID)
	batch.Queue(`
		UPDATE discounts
		SET code = ''
		WHERE cart_id = $1`, c.ID)
	batch.Queue(scrubActions+`
			AND cart_id = $1`, c.ID)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget what surrounds cart %s: %w", c.ID, err)
	}
	return nil
}

// ForgetPerson erases a person's values where only hashes are needed, and the raw messages of the shop that speak of
// the person without belonging to a cart. The carts themselves are erased before.
func (db *DB) ForgetPerson(ctx context.Context, e *Erasure) error {
	hashes := hashesOf(e.keys, cart.KeyCustomer, cart.KeyEmail, cart.KeyPhone)
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE suppressions
		SET value = NULL
		WHERE key = ANY ($1) AND scope IN ('', $2)`, hashes, e.shop)
	batch.Queue(`
		UPDATE lifted_suppressions
		SET value = NULL, lifted_reason = ''
		WHERE key = ANY ($1) AND scope IN ('', $2)`, hashes, e.shop)
	batch.Queue(`
		UPDATE orders
		SET customer_id = '', codes = '{}'
		WHERE shop = $1 AND order_id = ANY ($2)`, e.shop, e.orders)
	batch.Queue(forgetTestCalls+`
			WHERE shop = $1 AND phone_key = ANY ($2)`+andTheirCallbacks, e.shop, hashes)
	batch.Queue(`
		DELETE FROM prechecks
		WHERE shop = $1 AND phone_key = ANY ($2)`, e.shop, hashes)
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget person: %w", err)
	}
	if err := db.forgetAsker(ctx, e); err != nil {
		return err
	}
	speaks := db.speaks(e)
	if err := db.wipe(ctx, webhookPayloads(e.checkouts), e.shop, speaks); err != nil {
		return err
	}
	return db.forgetTraces(ctx, e.shop, speaks)
}

// forgetAsker closes the open data requests of somebody who is now erased: there is nothing left to hand out.
func (db *DB) forgetAsker(ctx context.Context, e *Erasure) error {
	ids, err := db.ids(ctx, `
		SELECT id
		FROM privacy_requests
		WHERE shop = $1 AND kind = $2 AND person IS NOT NULL`, e.shop, PrivacyDataRequest)
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, asker, err := db.PrivacyRequest(ctx, id)
		if err != nil {
			return err
		}
		same := slices.ContainsFunc(hashPerson(db.hasher, e.shop, asker), func(key hashedKey) bool { return slices.Contains(e.keys, key) })
		if _, shares := asker.Shares(e.told); !same && !shares {
			continue
		}
		if err := db.InTx(ctx, func(ctx context.Context, tx *Tx) error { return tx.PrivacyDone(ctx, id, 0) }); err != nil {
			return err
		}
	}
	return nil
}

// ForgetTraces erases what job errors, and messages that belong to no call, say of people of a shop.
func (db *DB) ForgetTraces(ctx context.Context, shop string, people []cart.Person) error {
	return db.forgetTraces(ctx, shop, func(text []byte) bool {
		return slices.ContainsFunc(people, func(p cart.Person) bool { return spokenOf(p, text) })
	})
}

func (db *DB) forgetTraces(ctx context.Context, shop string, speaks func([]byte) bool) error {
	days, err := db.partitions(ctx, "callbacks")
	if err != nil {
		return err
	}
	for _, table := range days {
		if err := db.wipe(ctx, strayCallbacks(table), shop, speaks); err != nil {
			return err
		}
	}
	return db.wipe(ctx, jobErrors(), shop, speaks)
}

// ForgetShop erases the raw messages of a shop and the values of its suppressions.
func (db *DB) ForgetShop(ctx context.Context, shop string) error {
	err := db.inPages(ctx, `
		UPDATE webhooks
		SET payload = NULL
		WHERE (day, key) IN (SELECT day, key FROM webhooks WHERE shop = $1 AND payload IS NOT NULL LIMIT $2)`, shop)
	if err == nil {
		err = db.inPages(ctx, `
			UPDATE orders
			SET customer_id = '', codes = '{}'
			WHERE (shop, order_id) IN (
				SELECT shop, order_id
				FROM orders
				WHERE shop = $1 AND (customer_id <> '' OR codes <> '{}')
				LIMIT $2
			)`, shop)
	}
	if err != nil {
		return fmt.Errorf("forget shop: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE suppressions
		SET value = NULL
		WHERE scope = $1`, shop)
	batch.Queue(`
		UPDATE lifted_suppressions
		SET value = NULL, lifted_reason = ''
		WHERE scope = $1`, shop)
	batch.Queue(`
		UPDATE privacy_requests
		SET person = NULL, done_at = COALESCE(done_at, $2)
		WHERE shop = $1 AND kind = $3`, shop, db.Now(), PrivacyDataRequest)
	batch.Queue(`
		DELETE FROM shop_tokens
		WHERE shop = $1`, shop)
	batch.Queue(forgetTestCalls+`
			WHERE shop = $1`+andTheirCallbacks, shop)
	batch.Queue(`
		DELETE FROM prechecks
		WHERE shop = $1`, shop)
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget shop: %w", err)
	}
	return nil
}

// wipePage is how many texts one transaction reads. A reader holds a lock that maintenance has to wait for, so it must
// be short.
const wipePage = 200

// place is where somebody may be spoken of: a query for a page of keys and texts after a key, with whether the text
// belongs to one of the checkouts, and what forgets the texts of some keys.
type place struct {
	name, read, forget string
	// checkouts are hashes of the person's checkouts; see CheckoutHash.
	checkouts []int64
}

// wipe forgets what speaks of somebody in one place, page by page in the order of the keys.
func (db *DB) wipe(ctx context.Context, p place, shop string, speaks func([]byte) bool) error {
	for after, read := "", wipePage; read == wipePage; {
		err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) (err error) {
			after, read, err = wipeAfter(ctx, tx, p, shop, after, speaks)
			return err
		})
		if hasState(err, undefinedTable) {
			// The day was dropped meanwhile.
			return nil
		}
		if err != nil {
			return fmt.Errorf("forget what %s tell of a person: %w", p.name, err)
		}
	}
	return nil
}

// wipeAfter does one page and returns the key of its last row and how many rows it read.
func wipeAfter(ctx context.Context, tx pgx.Tx, p place, shop, after string, speaks func([]byte) bool) (last string, read int, err error) {
	rows, err := tx.Query(ctx, p.read, shop, after, wipePage, orEmpty(p.checkouts))
	if err != nil {
		return "", 0, err
	}
	var found []string
	var text []byte
	var belongs bool
	_, err = pgx.ForEachRow(rows, []any{&last, &text, &belongs}, func() error {
		read++
		if belongs || speaks(text) {
			found = append(found, last)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return last, read, err
	}
	_, err = tx.Exec(ctx, p.forget, found)
	return last, read, err
}

// webhookPayloads are the raw webhooks of a shop, about some checkouts or others. Their key is the day and the
// hexadecimal key.
func webhookPayloads(checkouts []int64) place {
	return place{
		name:      "webhooks",
		checkouts: checkouts,
		read: `
			SELECT day::text || encode(key, 'hex') AS name, payload, COALESCE(checkout = ANY ($4::bigint[]), false)
			FROM webhooks
			WHERE shop = $1
				AND payload IS NOT NULL
				AND (day, key) > (COALESCE(NULLIF(left($2, 10), ''), '0001-01-01')::date, decode(substr($2, 11), 'hex'))
			ORDER BY day, key
			LIMIT $3`,
		forget: `
			UPDATE webhooks
			SET payload = NULL
			WHERE (day, key) IN (SELECT left(k, 10)::date, decode(substr(k, 11), 'hex') FROM unnest($1::text[]) AS k)`,
	}
}

// jobErrors are what providers said of requests, which may repeat the number that was dialled. Their key is the job's
// id.
func jobErrors() place {
	return place{
		name: "job errors",
		read: `
			SELECT id::text AS name, convert_to(array_to_string(errors, ' '), 'UTF8'), cardinality($4::bigint[]) < 0
			FROM river_job
			WHERE state IN ('retryable', 'cancelled', 'discarded')
				AND errors <> '{}'
				AND $1 <> ''
				AND id > COALESCE(NULLIF($2, ''), '0')::bigint
			ORDER BY id
			LIMIT $3
			FOR UPDATE SKIP LOCKED`,
		forget: `
			UPDATE river_job
			SET errors = '{}'
			WHERE id = ANY ($1::text[]::bigint[])`,
	}
}

// strayCallbacks are the callbacks of one day's table that belong to no call. Nothing in them tells their shop. Their
// key is where the row lies: the day's table is read in that order, from where the last page ended.
func strayCallbacks(table string) place {
	name := pgx.Identifier{table}.Sanitize()
	return place{
		name: "callbacks",
		read: `
			SELECT ctid::text AS name, payload, cardinality($4::bigint[]) < 0
			FROM ` + name + `
			WHERE call_id IS NULL
				AND payload IS NOT NULL
				AND $1 <> ''
				AND ctid > COALESCE(NULLIF($2, ''), '(0,0)')::tid
			ORDER BY ctid
			LIMIT $3
			FOR UPDATE`,
		forget: `
			UPDATE ` + name + `
			SET payload = NULL
			WHERE ctid = ANY ($1::text[]::tid[])`,
	}
}

// spokenOf reports whether a raw message names the person. It errs on the side of yes: a message too many is
// forgotten a few days early.
func spokenOf(p cart.Person, payload []byte) bool {
	return namedIn(p, payload) || namedIn(p, unescaped(payload))
}

// unescaped is a JSON text with its escapes resolved; nil when it has none.
func unescaped(payload []byte) []byte {
	if !bytes.Contains(payload, []byte(`\`)) {
		return nil
	}
	var value any
	if json.Unmarshal(payload, &value) != nil {
		return nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return nil
	}
	return b.Bytes()
}

func namedIn(p cart.Person, payload []byte) bool {
	low := bytes.ToLower(payload)
	var digits []byte
	for _, k := range p.Keys {
		if k.Kind != cart.KeyPhone {
			if bytes.Contains(low, []byte(k.Value)) {
				return true
			}
			continue
		}
		if digits == nil {
			digits = onlyDigits(low)
		}
		if n := strings.TrimPrefix(k.Value, "+"); len(n) >= nationalDigits && bytes.Contains(digits, []byte(n[len(n)-nationalDigits:])) {
			return true
		}
	}
	return false
}

func onlyDigits(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// nationalDigits is how many last digits of a number are looked for: it may have been typed without its country code.
const nationalDigits = 8

// CartsToErase lists carts whose last activity is older than before and whose personal data is still there.
func (db *DB) CartsToErase(ctx context.Context, before time.Time, limit int) ([]uuid.UUID, error) {
	return db.ids(ctx, `
		SELECT id
		FROM carts
		WHERE erased_at IS NULL AND last_activity_at < $1 AND updated_at < $1
		ORDER BY last_activity_at
		LIMIT $2`, before, limit)
}

// CartsOfShop lists the ids of a shop's carts after the id after.
func (db *DB) CartsOfShop(ctx context.Context, shop string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	return db.ids(ctx, `
		SELECT id
		FROM carts
		WHERE shop = $1 AND id > $2
		ORDER BY id
		LIMIT $3`, shop, after, limit)
}
