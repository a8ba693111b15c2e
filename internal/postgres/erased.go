package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// erasedNames finds whether one of @keys names somebody who was erased in @shop, or in any shop when that is "", and of
// whom there is nothing new: no cart of theirs has begun since and, where @born is given, what is looked at was made
// before the erasure.
const erasedNames = `
	SELECT 1
	FROM erased_people AS e
	WHERE (@shop::text = '' OR e.shop = @shop)
		AND e.key = ANY (@keys::bytea[])
		AND CASE
			WHEN @born::timestamptz IS NULL THEN NOT EXISTS (
				SELECT 1
				FROM carts AS c
				WHERE c.shop = e.shop AND c.erased_at IS NULL AND c.id IN (
					SELECT k.cart_id
					FROM person_keys AS k
					WHERE k.shop = e.shop AND k.key = e.name AND k.order_id = ''
				)
			)
			ELSE e.erased_at >= @born
		END`

// Erasure is what is known of a person who is to be erased in a shop.
type Erasure struct {
	// Carts are the person's, linked ones among them.
	Carts []uuid.UUID

	shop, country string
	// checkouts are hashes of the carts' checkouts, as webhooks bear them.
	checkouts []int64
	// keys are the person's without those that many people share.
	keys   []hashedKey
	orders []string
	// told is what the keys stand for, as far as it is known: text that names somebody is found more surely by it.
	told cart.Person
}

// ToErase finds what is kept of a person in a shop. country is the shop's, for phones without a country code.
func (db *DB) ToErase(ctx context.Context, shop, country string, p cart.Person) (*Erasure, error) {
	f, err := db.PersonOf(ctx, shop, p)
	if err != nil {
		return nil, err
	}
	e := &Erasure{shop: shop, country: country, keys: without(f.reach.Keys, f.reach.Shared), told: p}
	if e.Carts, err = db.CartsOfPerson(ctx, shop, p); err != nil {
		return nil, err
	}
	if e.checkouts, err = db.checkoutHashes(ctx, shop, e.Carts); err != nil {
		return nil, err
	}
	e.orders, err = db.ordersUnder(ctx, shop, f, e.keys)
	return e, err
}

// checkoutHashes are the hashes that webhooks about some carts of a shop bear.
func (db *DB) checkoutHashes(ctx context.Context, shop string, carts []uuid.UUID) ([]int64, error) {
	tokens, err := collectStrings(ctx, db.pool, `
		SELECT token
		FROM carts
		WHERE id = ANY ($1)`, orEmpty(carts))
	if err != nil {
		return nil, fmt.Errorf("find the checkouts of a person: %w", err)
	}
	hashes := make([]int64, len(tokens))
	for i, token := range tokens {
		hashes[i] = CheckoutHash(shop, token)
	}
	return hashes, nil
}

// Tell adds what the person's keys stand for, so that it is looked for as well. Other keys of others are left out.
func (db *DB) Tell(e *Erasure, others cart.Person) {
	for i, key := range hashPerson(db.hasher, e.shop, others) {
		if slices.Contains(e.keys, key) {
			e.told = e.told.With(cart.Person{Keys: others.Keys[i : i+1]})
		}
	}
}

// RememberErased notes under which keys a person is erased, so that nothing that comes later brings them back. It comes
// before anything is erased.
func (db *DB) RememberErased(ctx context.Context, e *Erasure) error {
	return db.rememberErased(ctx, e.shop, e.keys, e.told.Numbers())
}

// RememberErasedCarts is RememberErased for everybody that some carts of a shop are of. numbers are those known in
// plain.
func (db *DB) RememberErasedCarts(ctx context.Context, shop string, carts []*Cart, numbers []string) error {
	var keys []hashedKey
	for _, c := range carts {
		keys = append(keys, c.keys...)
	}
	return db.rememberErased(ctx, shop, keys, numbers)
}

func (db *DB) rememberErased(ctx context.Context, shop string, keys []hashedKey, numbers []string) error {
	var erased, names [][]byte
	add := func(key []byte, name hashedKey) {
		if len(key) > 0 {
			erased, names = append(erased, key), append(names, []byte(name))
		}
	}
	for _, key := range keys {
		add(key.hash(), key)
	}
	for _, number := range numbers {
		if name := hashedWith(phoneByte, db.hasher.Phone(number)); slices.Contains(keys, name) {
			add(ending(db.hasher, number), name)
		}
	}
	_, err := db.pool.Exec(ctx, `
		INSERT INTO erased_people (shop, key, name, erased_at)
		SELECT DISTINCT ON (key) $1, key, name, $4::timestamptz
		FROM unnest($2::bytea[], $3::bytea[]) AS n (key, name)
		ORDER BY key, name
		ON CONFLICT (shop, key) DO UPDATE
		SET erased_at = excluded.erased_at`, shop, orEmpty(erased), orEmpty(names), db.Now())
	if err != nil {
		return fmt.Errorf("remember who was erased: %w", err)
	}
	return nil
}

// speaks reports whether a raw text names the person, by what the keys stand for or by any text in it that has one of
// the keys.
func (db *DB) speaks(e *Erasure) func([]byte) bool {
	wanted := map[string]bool{}
	for _, key := range e.keys {
		wanted[string(key.hash())] = true
	}
	return func(text []byte) bool {
		return spokenOf(e.told, text) || slices.ContainsFunc(keysIn(db.hasher, e.shop, e.country, text), func(key []byte) bool {
			return wanted[string(key)]
		})
	}
}

// ForgetErased forgets that people were erased before an instant: by then nothing that was made before it can still
// come.
func (db *DB) ForgetErased(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM erased_people
		WHERE erased_at < $1`, before)
	if err != nil {
		return fmt.Errorf("forget who was erased: %w", err)
	}
	return nil
}

// KeptWebhook names a webhook that was kept.
type KeptWebhook struct {
	shop string
	day  time.Time
	key  []byte
}

// Kept names a webhook that was kept in this transaction.
func (tx *Tx) Kept(shop, webhookID string) KeptWebhook {
	return KeptWebhook{shop: shop, day: tx.Now.Truncate(24 * time.Hour), key: webhookKey(shop, webhookID)}
}

// Kept names the webhook that waits.
func (w WaitingWebhook) Kept() KeptWebhook { return KeptWebhook{shop: w.Shop, day: w.day, key: w.key} }

// LeaveErasedOut drops the payload of a webhook that belongs to no cart, and what its order tells of the customer, when
// it names somebody who was erased. born is when the order was made; nil for a webhook about something else. Country is
// that of the shop, for phones without a country code.
func (tx *Tx) LeaveErasedOut(ctx context.Context, w KeptWebhook, country string, payload []byte, order *cart.Order) error {
	var some bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT 1
			FROM erased_people
			WHERE shop = $1
		)`, w.shop).Scan(&some)
	if err != nil {
		return fmt.Errorf("leave erased persons out: %w", err)
	}
	if !some {
		return nil
	}
	args := pgx.StrictNamedArgs{
		"shop": w.shop, "keys": keysIn(tx.hasher, w.shop, country, payload), "born": nil, "day": w.day, "key": w.key,
	}
	if order != nil && !order.CreatedAt.IsZero() {
		args["born"] = order.CreatedAt
	}
	tag, err := tx.Exec(ctx, `
		UPDATE webhooks
		SET payload = NULL
		WHERE day = @day AND key = @key AND EXISTS (`+erasedNames+`)`, args)
	if err != nil {
		return fmt.Errorf("leave erased persons out: %w", err)
	}
	if tag.RowsAffected() == 0 || order == nil {
		return nil
	}
	return tx.forgetOrder(ctx, w.shop, order.ID)
}

// forgetOrder erases what an order tells of its customer beside the keyed hashes.
func (tx *Tx) forgetOrder(ctx context.Context, shop, orderID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE orders
		SET customer_id = '', codes = '{}'
		WHERE shop = $1 AND order_id = $2`, shop, orderID)
	if err != nil {
		return fmt.Errorf("forget order: %w", err)
	}
	return nil
}

var (
	addresses = regexp.MustCompile(`[^\s"'<>(),;:@\\]+@[^\s"'<>(),;:@\\]+`)
	numbers   = regexp.MustCompile(`\+?\p{Nd}[\p{Nd}\s().\-]{5,24}\p{Nd}`)
	wholes    = regexp.MustCompile(`[0-9]{4,20}`)
)

// keysIn returns the keys of every email, phone and id that a raw message holds, wherever it stands and whatever it is.
// Most of them name nobody. shop is "" for a message of which the shop is not known; it then has no ids.
func keysIn(h seal.Hasher, shop, country string, payload []byte) [][]byte {
	seen := map[string]bool{}
	keys := [][]byte{}
	add := func(key []byte) {
		if key != nil && !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, key)
		}
	}
	text := payload
	if plain := unescaped(payload); plain != nil {
		text = plain
	}
	for _, address := range addresses.FindAll(text, -1) {
		add(h.Email(strings.TrimRight(string(address), ".")))
	}
	for _, number := range numbers.FindAll(text, -1) {
		add(h.Phone(policy.Number(string(number), country)))
		add(ending(h, string(number)))
	}
	if shop != "" {
		for _, id := range wholes.FindAll(text, -1) {
			add(h.Customer(shop, string(id)))
		}
	}
	return keys
}

// ending is the key of a number's last digits, by which it is found without its country code; nil for a number with
// fewer.
func ending(h seal.Hasher, number string) []byte {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if len(digits) < nationalDigits {
		return nil
	}
	return h.Ending(digits[len(digits)-nationalDigits:])
}
