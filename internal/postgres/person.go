package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ringback/internal/cart"
	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// hashedKey is a key of a person as person_keys holds it: a byte for its kind, then a keyed hash.
type hashedKey string

// The first byte of a hashed key.
const (
	customerByte = 'c'
	emailByte    = 'e'
	phoneByte    = 'p'
)

func hashedWith(kind byte, hash []byte) hashedKey {
	if len(hash) == 0 {
		return ""
	}
	return hashedKey(kind) + hashedKey(hash)
}

func (k hashedKey) kind() cart.KeyKind {
	switch k[0] {
	case customerByte:
		return cart.KeyCustomer
	case emailByte:
		return cart.KeyEmail
	}
	return cart.KeyPhone
}

// hash is what the tables with a column for one kind hold.
func (k hashedKey) hash() []byte { return []byte(k[1:]) }

func hashesOf(keys []hashedKey, kinds ...cart.KeyKind) [][]byte {
	hashes := [][]byte{}
	for _, k := range keys {
		if slices.Contains(kinds, k.kind()) {
			hashes = append(hashes, k.hash())
		}
	}
	return hashes
}

func asBytes(keys []hashedKey) [][]byte {
	raw := make([][]byte, len(keys))
	for i, k := range keys {
		raw[i] = []byte(k)
	}
	return raw
}

func asKeys(raw [][]byte) []hashedKey {
	keys := make([]hashedKey, 0, len(raw))
	for _, k := range raw {
		if len(k) > 1 {
			keys = append(keys, hashedKey(k))
		}
	}
	return keys
}

// without are the keys that are not among others, each once.
func without(keys, others []hashedKey) []hashedKey {
	var rest []hashedKey
	for _, k := range keys {
		if k != "" && !slices.Contains(others, k) && !slices.Contains(rest, k) {
			rest = append(rest, k)
		}
	}
	return rest
}

// hashPerson hashes a person's keys; those of customer accounts are of one shop.
func hashPerson(h seal.Hasher, shop string, p cart.Person) []hashedKey {
	keys := make([]hashedKey, len(p.Keys))
	for i, k := range p.Keys {
		keys[i] = hashKey(h, shop, k)
	}
	return keys
}

func hashKey(h seal.Hasher, shop string, k cart.Key) hashedKey {
	switch k.Kind {
	case cart.KeyCustomer:
		return hashedWith(customerByte, h.Customer(shop, k.Value))
	case cart.KeyEmail:
		return hashedWith(emailByte, h.Email(k.Value))
	case cart.KeyPhone:
		return hashedWith(phoneByte, h.Phone(k.Value))
	}
	return ""
}

// hashPerson is the function hashPerson, which hashes each key once in a transaction.
func (tx *Tx) hashPerson(shop string, p cart.Person) []hashedKey {
	keys := make([]hashedKey, len(p.Keys))
	for i, k := range p.Keys {
		name := shopKey{shop, k.Kind, k.Value}
		known, ok := tx.hashes[name]
		if !ok {
			known = hashKey(tx.hasher, shop, k)
			tx.hashes[name] = known
		}
		keys[i] = known
	}
	return keys
}

// suppressible are the hashes of a person's keys as suppressions holds them.
func suppressible(h seal.Hasher, shop string, p cart.Person) [][]byte {
	return hashesOf(hashPerson(h, shop, p), cart.KeyCustomer, cart.KeyEmail, cart.KeyPhone)
}

// numberKeys are the hashes of a person's numbers.
func numberKeys(h seal.Hasher, p cart.Person) [][]byte {
	return hashesOf(hashPerson(h, "", p), cart.KeyPhone)
}

// owner is a cart or an order of a shop.
type owner struct {
	cart  uuid.UUID
	order string
}

// Found is what belongs to a person in a shop.
type Found struct {
	// Carts and Orders say by what each is the person's: the strongest kind of key that it shares with them, or
	// MatchLinked.
	Carts  map[uuid.UUID]cart.Match
	Orders map[string]cart.Match

	reach cart.Reach[hashedKey, owner]
}

// others are the person's carts but one, without those that only shared keys tie to them. A cart with the number own,
// which is to be called, is among them all the same.
func (f *Found) others(but uuid.UUID, own hashedKey) []uuid.UUID {
	ids := []uuid.UUID{}
	for o, tie := range f.reach.Ties {
		if o.order == "" && o.cart != but && (!tie.Shared || own != "" && slices.Contains(tie.Direct, own)) {
			ids = append(ids, o.cart)
		}
	}
	return ids
}

// linking are the person's keys without the shared ones; the number own is among them all the same.
func (f *Found) linking(own hashedKey) []hashedKey {
	keys := without(f.reach.Keys, f.reach.Shared)
	if own != "" && slices.Contains(f.reach.Shared, own) {
		keys = append(keys, own)
	}
	return keys
}

// sender is what a pool and a transaction have in common.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// found finds what belongs to the person of some keys. customers are the ids of the accounts among them: a cart or an
// order that the program before has written is found by those.
func found(
	ctx context.Context, q sender, h seal.Hasher, shop string, keys []hashedKey, customers []string,
) (*Found, error) {
	reach, err := cart.Walk(keys, hashedKey.kind, func(keys []hashedKey) ([]cart.Told[hashedKey, owner], error) {
		return toldUnder(ctx, q, h, shop, keys, customers)
	})
	if err != nil {
		return nil, fmt.Errorf("find what is a person's: %w", err)
	}
	return newFound(reach), nil
}

func newFound(reach cart.Reach[hashedKey, owner]) *Found {
	f := &Found{Carts: map[uuid.UUID]cart.Match{}, Orders: map[string]cart.Match{}, reach: reach}
	for o, tie := range reach.Ties {
		match := cart.MatchLinked
		for _, k := range tie.Direct {
			if m := matchBy(k.kind()); strength(m) < strength(match) {
				match = m
			}
		}
		if o.order == "" {
			f.Carts[o.cart] = match
		} else {
			f.Orders[o.order] = match
		}
	}
	return f
}

func matchBy(kind cart.KeyKind) cart.Match {
	switch kind {
	case cart.KeyCustomer:
		return cart.MatchCustomer
	case cart.KeyEmail:
		return cart.MatchEmail
	case cart.KeyPhone:
		return cart.MatchPhone
	}
	return cart.MatchPhone
}

// underKey reads what stands under the key asked.key in asked.shop, the newest 200 carts and 100 orders.
const underKey = `
			(
				SELECT key, cart_id, order_id
				FROM person_keys
				WHERE key = asked.key AND shop = asked.shop AND cart_id > '00000000-0000-0000-0000-000000000000'
				ORDER BY cart_id DESC
				LIMIT 200
			)
			UNION ALL
			(
				SELECT key, cart_id, order_id
				FROM person_keys
				WHERE key = asked.key AND shop = asked.shop AND cart_id = '00000000-0000-0000-0000-000000000000'
				ORDER BY order_id DESC
				LIMIT 100
			)`

// toldUnder reads what stands under some keys, the newest 200 carts and 100 orders of each: only a key that many people
// share has more. The array is a subquery, so that it has no length to plan by: one plan serves all, and planning would
// take longer than the reading.
func toldUnder(
	ctx context.Context, q sender, h seal.Hasher, shop string, keys []hashedKey, customers []string,
) ([]cart.Told[hashedKey, owner], error) {
	var told []cart.Told[hashedKey, owner]
	missing := false
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT k.key, k.cart_id, k.order_id,
			COALESCE(
				CASE WHEN k.order_id = ''
					THEN (SELECT person FROM carts WHERE id = k.cart_id)
					ELSE (SELECT person FROM orders WHERE shop = $1 AND order_id = k.order_id)
				END, '{}')
		FROM (SELECT $1::text AS shop, unnest((SELECT $2::bytea[])) AS key) AS asked
		CROSS JOIN LATERAL (`+underKey+`
		) AS k`, shop, asBytes(keys)).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var under []byte
				var o owner
				var with [][]byte
				if err := rows.Scan(&under, &o.cart, &o.order, &with); err != nil {
					return err
				}
				told = append(told, cart.Told[hashedKey, owner]{Owner: o, Under: hashedKey(under), Keys: asKeys(with)})
			}
			return rows.Err()
		})
	batch.Queue(keysMissing).QueryRow(func(row pgx.Row) error { return row.Scan(&missing) })
	if err := q.SendBatch(ctx, batch).Close(); err != nil || !missing {
		return told, err
	}
	unfilled := &pgx.Batch{}
	queueUnfilled(unfilled, h, shop, keys, customers, func(o owner, with []hashedKey) {
		for _, k := range with {
			if slices.Contains(keys, k) {
				told = append(told, cart.Told[hashedKey, owner]{Owner: o, Under: k, Keys: with})
			}
		}
	})
	return told, q.SendBatch(ctx, unfilled).Close()
}

// queueUnfilled adds the look-ups of the carts and orders whose keys have yet to be written, by the columns that the
// program before writes. There are none once the fill is done. The condition is written so that it does not match the
// partial index of such rows: at first that holds all of them, and a person's few are found by the columns' own
// indexes.
func queueUnfilled(
	batch *pgx.Batch, h seal.Hasher, shop string, keys []hashedKey, customers []string, take func(owner, []hashedKey),
) {
	emails, numbers := hashesOf(keys, cart.KeyEmail), hashesOf(keys, cart.KeyPhone)
	read := func(rows pgx.Rows) error {
		for rows.Next() {
			var o owner
			var customer string
			var email []byte
			var numbers, person [][]byte
			if err := rows.Scan(&o.cart, &o.order, &customer, &email, &numbers, &person); err != nil {
				return err
			}
			with := asKeys(person)
			take(o, append(with, without(columnKeys(h, shop, customer, email, numbers), with)...))
		}
		return rows.Err()
	}
	batch.Queue(`
		SELECT id, '', customer_id, email_key, array_remove(ARRAY[phone_key], NULL), person
		FROM carts
		WHERE COALESCE(person_at <> updated_at, true)
			AND shop = $1
			AND (customer_id = ANY ($2) OR email_key = ANY ($3) OR phone_key = ANY ($4))
		LIMIT 200`, shop, orEmpty(customers), emails, numbers).Query(read)
	batch.Queue(`
		SELECT '00000000-0000-0000-0000-000000000000'::uuid, order_id, customer_id, email_key, phone_keys, person
		FROM orders
		WHERE COALESCE(person_at <> updated_at, true)
			AND shop = $1
			AND (customer_id = ANY ($2) OR email_key = ANY ($3) OR phone_keys && $4)
		LIMIT 100`, shop, orEmpty(customers), emails, numbers).Query(read)
}

// columnKeys are the keys that the columns for one key of a kind hold.
func columnKeys(h seal.Hasher, shop, customer string, email []byte, numbers [][]byte) []hashedKey {
	keys := []hashedKey{hashedWith(customerByte, h.Customer(shop, customer)), hashedWith(emailByte, email)}
	for _, n := range numbers {
		keys = append(keys, hashedWith(phoneByte, n))
	}
	return without(keys, nil)
}

// PersonOf finds what belongs to a person in a shop: what was told under one of their keys, and what is linked to that.
// See cart.Walk.
func (db *DB) PersonOf(ctx context.Context, shop string, p cart.Person) (*Found, error) {
	return found(ctx, db.pool, db.hasher, shop, without(hashPerson(db.hasher, shop, p), nil), p.CustomerIDs())
}

// PersonOf is DB.PersonOf within the transaction.
func (tx *Tx) PersonOf(ctx context.Context, shop string, p cart.Person) (*Found, error) {
	return found(ctx, tx, tx.hasher, shop, without(hashPerson(tx.hasher, shop, p), nil), p.CustomerIDs())
}

// PersonOfCart finds what belongs to the person of a cart, by every key that it was ever told with. The answer is kept
// with the cart until it is told with another key.
func (tx *Tx) PersonOfCart(ctx context.Context, c *Cart) (*Found, error) {
	keys := tx.keysOf(c)
	if c.found != nil && len(c.foundBy) == len(keys) {
		return c.found, nil
	}
	f, err := found(ctx, tx, tx.hasher, c.Shop, keys, []string{c.Checkout.Customer.ID})
	if err != nil {
		return nil, err
	}
	c.found, c.foundBy = f, keys
	return f, nil
}

// ReachOfCart are the keys of the person of a cart, hashed, those of linked carts and orders among them: what is found
// by another person's keys is another's.
func (tx *Tx) ReachOfCart(ctx context.Context, c *Cart) ([]string, error) {
	f, err := tx.PersonOfCart(ctx, c)
	if err != nil {
		return nil, err
	}
	keys := tx.PersonKeys(c)
	for _, k := range f.reach.Keys {
		keys = append(keys, string(k))
	}
	return keys, nil
}

// CartsOfPerson lists the ids of the carts that belong to a person in a shop (in every shop when shop is ""), linked
// ones among them.
func (db *DB) CartsOfPerson(ctx context.Context, shop string, p cart.Person) ([]uuid.UUID, error) {
	if shop != "" {
		return db.cartsUnder(ctx, []string{shop}, hashPerson(db.hasher, shop, p), p.CustomerIDs())
	}
	keys := hashPerson(db.hasher, "", p)
	shops, err := db.shopsUnder(ctx, keys)
	if err != nil {
		return nil, err
	}
	return db.cartsUnder(ctx, shops, keys, nil)
}

// cartsUnder lists the ids of the carts of the person of some keys in some shops, linked ones among them.
func (db *DB) cartsUnder(ctx context.Context, shops []string, keys []hashedKey, customers []string) ([]uuid.UUID, error) {
	all := map[uuid.UUID]bool{}
	for _, shop := range shops {
		f, err := found(ctx, db.pool, db.hasher, shop, without(keys, nil), customers)
		if err != nil {
			return nil, err
		}
		for id := range f.Carts {
			all[id] = true
		}
		// Under a key of many carts not all were looked at.
		ids, err := db.ids(ctx, `
			SELECT DISTINCT cart_id
			FROM person_keys
			WHERE key = ANY ($1) AND shop = $2 AND order_id = ''`, asBytes(f.reach.Keys), shop)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			all[id] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }), nil
}

// CartsSuppressed lists the ids of the carts of whoever a suppression keeps from being called, linked ones among them.
// ErrNotFound when there is no such suppression.
func (db *DB) CartsSuppressed(ctx context.Context, id uuid.UUID) ([]uuid.UUID, error) {
	var scope string
	var kind cart.KeyKind
	var hash []byte
	err := db.pool.QueryRow(ctx, `
		SELECT scope, kind, key
		FROM suppressions
		WHERE id = $1`, id).Scan(&scope, &kind, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read suppression: %w", err)
	}
	keys := []hashedKey{hashedWith(map[cart.KeyKind]byte{
		cart.KeyCustomer: customerByte, cart.KeyEmail: emailByte, cart.KeyPhone: phoneByte,
	}[kind], hash)}
	shops := []string{scope}
	if scope == "" {
		if shops, err = db.shopsUnder(ctx, keys); err != nil {
			return nil, err
		}
	}
	return db.cartsUnder(ctx, shops, keys, nil)
}

// CartsWith lists the ids of a cart and of the others of its person, without those that only keys of many people tie to
// it.
func (tx *Tx) CartsWith(ctx context.Context, c *Cart) ([]uuid.UUID, error) {
	f, err := tx.PersonOfCart(ctx, c)
	if err != nil {
		return nil, err
	}
	ids := append(f.others(c.ID, tx.numberOf(c)), c.ID)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return ids, nil
}

// shopsUnder lists the shops in which something was told under some keys.
func (db *DB) shopsUnder(ctx context.Context, keys []hashedKey) ([]string, error) {
	emails, numbers := hashesOf(keys, cart.KeyEmail), hashesOf(keys, cart.KeyPhone)
	shops, err := collectStrings(ctx, db.pool, `
		SELECT shop
		FROM person_keys
		WHERE key = ANY ($1)
		UNION
		SELECT shop
		FROM carts
		WHERE COALESCE(person_at <> updated_at, true) AND (email_key = ANY ($2) OR phone_key = ANY ($3))`,
		asBytes(without(keys, nil)), emails, numbers)
	if err != nil {
		return nil, fmt.Errorf("find a person's shops: %w", err)
	}
	return shops, nil
}

// OrdersOfPerson lists the ids of the orders that belong to a person in a shop, linked ones among them.
func (db *DB) OrdersOfPerson(ctx context.Context, shop string, p cart.Person) ([]string, error) {
	f, err := db.PersonOf(ctx, shop, p)
	if err != nil {
		return nil, err
	}
	return db.ordersUnder(ctx, shop, f, f.reach.Keys)
}

// ordersUnder lists the ids of the orders that were found, and of those under some keys that were too many to be looked
// at.
func (db *DB) ordersUnder(ctx context.Context, shop string, f *Found, keys []hashedKey) ([]string, error) {
	ids, err := collectStrings(ctx, db.pool, `
		SELECT DISTINCT order_id
		FROM person_keys
		WHERE key = ANY ($1) AND shop = $2 AND order_id <> ''`, asBytes(keys), shop)
	if err != nil {
		return nil, fmt.Errorf("find a person's orders: %w", err)
	}
	all := map[string]bool{}
	for id := range f.Orders {
		all[id] = true
	}
	for _, id := range ids {
		all[id] = true
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// ActiveCartsOfPerson lists and locks the carts of a person in a shop that may still be called, in the order in which
// every transaction locks carts, with what ties each to the person.
func (tx *Tx) ActiveCartsOfPerson(ctx context.Context, shop string, p cart.Person) ([]MatchedCart, error) {
	f, err := tx.PersonOf(ctx, shop, p)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		SELECT id, state
		FROM carts
		WHERE id = ANY ($1) AND state IN ('watching', 'waiting', 'ready', 'calling')
		ORDER BY id
		FOR UPDATE`, slices.Collect(maps.Keys(f.Carts)))
	if err != nil {
		return nil, fmt.Errorf("find a person's carts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (MatchedCart, error) {
		var m MatchedCart
		err := row.Scan(&m.ID, &m.State)
		m.Match = f.Carts[m.ID]
		return m, err
	})
}

// numberOf is the key of the number that a cart is called at.
func (tx *Tx) numberOf(c *Cart) hashedKey { return hashedWith(phoneByte, tx.hasher.Phone(c.Phone)) }

// keysOf are all keys that a cart has and is to have.
func (tx *Tx) keysOf(c *Cart) []hashedKey {
	p := cart.PersonWith(c.Checkout.Customer.ID, []string{c.Checkout.KnownEmail()}, []string{c.Phone})
	told := tx.hashPerson(c.Shop, c.Person.With(p))
	return append(slices.Clone(c.keys), without(told, c.keys)...)
}

// queueKeys adds the writing of the keys that carts have not got yet.
func queueKeys(batch *pgx.Batch, saves []CartSave, keys [][]hashedKey) {
	var fresh [][]byte
	var shops []string
	var carts []uuid.UUID
	for i := range saves {
		c := saves[i].Cart
		for _, k := range without(keys[i], c.written) {
			fresh, shops, carts = append(fresh, []byte(k)), append(shops, c.Shop), append(carts, c.ID)
		}
	}
	if len(fresh) == 0 {
		return
	}
	batch.Queue(`
		INSERT INTO person_keys (key, shop, cart_id)
		SELECT key, shop, cart_id
		FROM unnest($1::bytea[], $2::text[], $3::uuid[]) AS x (key, shop, cart_id)
		ON CONFLICT DO NOTHING`, fresh, shops, carts)
}
