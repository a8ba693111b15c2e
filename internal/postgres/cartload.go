package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ringback/internal/cart"

	"github.com/jackc/pgx/v5"
)

// CheckoutOf names a checkout of a shop.
type CheckoutOf struct {
	Shop string
	cart.Ref
}

// Loaded is what is known of some checkouts, with their carts locked.
type Loaded struct {
	// Carts are the carts of the checkouts that have one; nil for the others.
	Carts []*Cart
	// StandIns marks the checkouts that a cart stands in for, because Shopify's API told of them before a webhook did.
	StandIns []bool
	// Shops are the checkouts' shops.
	Shops map[string]Shop
	// Waiting are the shops of which webhooks wait that came before.
	Waiting map[string]bool
	// KeysMissing is true while there are carts whose keys have yet to be written: PrefetchPersons is then of no use.
	KeysMissing bool
}

// namedCarts are the ids of the carts that are named by shop and token. Each is looked up by itself, whatever the
// planner takes the table to be: one that was empty a moment ago may have a million rows.
const namedCarts = `ARRAY(
			SELECT named.id
			FROM unnest($1::text[], $2::text[]) AS x (shop, token)
			CROSS JOIN LATERAL (
				SELECT id
				FROM carts
				WHERE shop = x.shop AND token = x.token
				LIMIT 1
			) AS named
		)`

// LoadCheckouts locks some checkouts and loads their carts for an update, with everything that the next versions of
// them need, in one round trip. No checkout may be among them twice.
func (tx *Tx) LoadCheckouts(ctx context.Context, checkouts []CheckoutOf) (*Loaded, error) {
	l := &Loaded{
		Carts: make([]*Cart, len(checkouts)), StandIns: make([]bool, len(checkouts)),
		Shops: map[string]Shop{}, Waiting: map[string]bool{},
	}
	type name struct{ shop, token string }
	places, standIns := map[name]int{}, map[name]int{}
	var shops, tokens []string
	var locks []int64
	for i, c := range checkouts {
		places[name{c.Shop, c.Token}] = i
		shops, tokens = append(shops, c.Shop), append(tokens, c.Token)
		if c.ID != "" {
			standIns[name{c.Shop, StandIn(c.ID)}] = i
			shops, tokens = append(shops, c.Shop), append(tokens, StandIn(c.ID))
		}
		locks = append(locks, checkoutLocks(c.Shop, c.Ref)...)
		l.Shops[c.Shop] = Shop{}
	}
	domains := slices.Sorted(maps.Keys(l.Shops))
	batch := &pgx.Batch{}
	batch.Queue(takeLocks, lockOrder(locks))
	batch.Queue(planByIndex)
	batch.Queue(`
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = ANY (`+namedCarts+`)
		ORDER BY id
		FOR UPDATE`, shops, tokens).
		Query(func(rows pgx.Rows) error {
			carts, err := pgx.CollectRows(rows, scanCart)
			for i := range carts {
				c := &carts[i]
				if at, ok := places[name{c.Shop, c.Token}]; ok {
					l.Carts[at] = c
				} else {
					l.StandIns[standIns[name{c.Shop, c.Token}]] = true
				}
			}
			return err
		})
	batch.Queue(`
		SELECT `+callColumns+`
		FROM calls
		WHERE cart_id = ANY (`+namedCarts+`)
		ORDER BY id`, shops, tokens).
		Query(func(rows pgx.Rows) error {
			calls, err := pgx.CollectRows(rows, scanCall)
			for _, call := range calls {
				for _, c := range l.Carts {
					if c != nil && c.ID == call.CartID {
						c.Calls = append(c.Calls, call)
					}
				}
			}
			return err
		})
	batch.Queue(`
		SELECT `+shopColumns+`
		FROM shops
		WHERE domain = ANY ($1)`, domains).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanShop)
			for _, s := range found {
				l.Shops[s.Domain] = s
			}
			return err
		})
	batch.Queue(`
		SELECT DISTINCT shop
		FROM waiting_webhooks
		WHERE shop = ANY ($1)`, domains).
		Query(func(rows pgx.Rows) error {
			waiting, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, shop := range waiting {
				l.Waiting[shop] = true
			}
			return err
		})
	batch.Queue(keysMissing).QueryRow(func(row pgx.Row) error { return row.Scan(&l.KeysMissing) })
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("load checkouts: %w", err)
	}
	return l, nil
}

// PersonKeys are the keys of everybody that a cart may be of, hashed: two carts that share one may be the same
// person's.
func (tx *Tx) PersonKeys(c *Cart) []string {
	keys := tx.keysOf(c)
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = string(k)
	}
	return all
}

// PrefetchPersons finds, in one round trip, what a new version of each cart may meet: an order of its checkout, and
// what belongs to its person. What is found is kept with the cart, so that OrderOfCheckout, OrderOfPerson and
// OlderActiveCarts need not ask again. The carts' Person must have been told with the new version.
func (tx *Tx) PrefetchPersons(ctx context.Context, carts []*Cart, checkouts []CheckoutOf) error {
	var places []int32
	var shops []string
	var keys [][]byte
	asked := make([][]hashedKey, len(carts))
	tokens, cartTokens, domains := make([]string, len(carts)), make([]string, len(carts)), make([]string, len(carts))
	for i, c := range carts {
		asked[i] = tx.keysOf(c)
		for _, k := range asked[i] {
			places, shops, keys = append(places, int32(i)), append(shops, c.Shop), append(keys, []byte(k))
		}
		domains[i], tokens[i], cartTokens[i] = c.Shop, checkouts[i].Token, checkouts[i].CartToken
	}
	told := make([][]cart.Told[hashedKey, owner], len(carts))
	ordered := make([]bool, len(carts))
	batch := &pgx.Batch{}
	batch.Queue(planByIndex)
	batch.Queue(`
		SELECT asked.place, k.key, k.cart_id, k.order_id,
			COALESCE(
				CASE WHEN k.order_id = ''
					THEN (SELECT person FROM carts WHERE id = k.cart_id)
					ELSE (SELECT person FROM orders WHERE shop = asked.shop AND order_id = k.order_id)
				END, '{}')
		FROM unnest($1::integer[], $2::text[], $3::bytea[]) AS asked (place, shop, key)
		CROSS JOIN LATERAL (`+underKey+`
		) AS k`, places, shops, keys).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var at int
				var under []byte
				var o owner
				var with [][]byte
				if err := rows.Scan(&at, &under, &o.cart, &o.order, &with); err != nil {
					return err
				}
				told[at] = append(told[at], cart.Told[hashedKey, owner]{Owner: o, Under: hashedKey(under), Keys: asKeys(with)})
			}
			return rows.Err()
		})
	batch.Queue(`
		SELECT asked.place
		FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (shop, token, cart_token, place)
		WHERE (
				SELECT true
				FROM orders AS o
				WHERE o.shop = asked.shop AND o.checkout_token = asked.token AND o.checkout_token <> ''
				LIMIT 1
			)
			OR asked.cart_token <> '' AND (
				SELECT true
				FROM orders AS o
				WHERE o.shop = asked.shop AND o.cart_token = asked.cart_token AND o.cart_token <> ''
				LIMIT 1
			)`, domains, tokens, cartTokens).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			for _, place := range found {
				ordered[place-1] = true
			}
			return err
		})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("prefetch persons: %w", err)
	}
	for i, c := range carts {
		c.unordered = !ordered[i]
		first := true
		reach, err := cart.Walk(asked[i], hashedKey.kind, func(keys []hashedKey) ([]cart.Told[hashedKey, owner], error) {
			if first {
				first = false
				return told[i], nil
			}
			return toldUnder(ctx, tx, tx.hasher, c.Shop, keys, nil)
		})
		if err != nil {
			return fmt.Errorf("find what is a person's: %w", err)
		}
		c.found, c.foundBy = newFound(reach), asked[i]
	}
	return nil
}
