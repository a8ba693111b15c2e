package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// KeepOrder records an order of a person: the tombstone that a checkout which comes later will meet. It reports whether
// the order is new or newer than what was known. A cancellation within the second of the order is newer, too.
func (tx *Tx) KeepOrder(ctx context.Context, shop string, o cart.Order, p cart.Person) (bool, error) {
	keys := without(hashPerson(tx.hasher, shop, p), nil)
	var kept bool
	err := tx.QueryRow(ctx, `
		WITH kept AS (
			INSERT INTO orders (
				shop, order_id, checkout_token, cart_token, customer_id, email_key, phone_keys, name, total, currency, codes,
				created_at, updated_at, received_at, person, person_at, own_cart_only, money
			)
			VALUES (
				@shop, @id, @checkout_token, @cart_token, @customer_id, @email_key, @phone_keys, @name, @total, @currency,
				@codes, @created_at, @updated_at, @now, @person, @updated_at, @own_cart_only, @money
			)
			ON CONFLICT (shop, order_id) DO UPDATE
			SET checkout_token = excluded.checkout_token,
				cart_token = excluded.cart_token,
				customer_id = excluded.customer_id,
				email_key = excluded.email_key,
				phone_keys = excluded.phone_keys,
				total = excluded.total,
				codes = excluded.codes,
				updated_at = excluded.updated_at,
				person = ARRAY(SELECT DISTINCT unnest(orders.person || excluded.person)),
				person_at = excluded.person_at,
				own_cart_only = excluded.own_cart_only,
				money = excluded.money
			WHERE excluded.updated_at > orders.updated_at
				OR orders.updated_at > @now
				OR (excluded.money ? 'cancelled_at' AND NOT COALESCE(orders.money ? 'cancelled_at', false))
			RETURNING shop, order_id
		),
		keyed AS (
			INSERT INTO person_keys (key, shop, order_id)
			SELECT key, shop, order_id
			FROM kept
			CROSS JOIN unnest(@person::bytea[]) AS key
			ON CONFLICT DO NOTHING
		)
		SELECT EXISTS (SELECT 1 FROM kept)`,
		pgx.StrictNamedArgs{
			"shop": shop, "id": o.ID, "checkout_token": o.CheckoutToken, "cart_token": o.CartToken,
			"customer_id": o.CustomerID, "email_key": tx.hasher.Email(o.Email),
			"phone_keys": numberKeys(tx.hasher, p), "name": o.Name, "total": o.Total, "currency": o.Currency,
			"codes": orEmpty(o.Codes), "created_at": o.CreatedAt, "updated_at": o.UpdatedAt, "now": tx.Now,
			"person": asBytes(keys), "own_cart_only": o.OwnCartOnly(),
			"money": moneyOf(&o),
		}).Scan(&kept)
	if err != nil {
		return false, fmt.Errorf("keep order: %w", err)
	}
	return kept, nil
}

// OrderTaken ties an order to the cart that it counts for. Of one that was erased the order tells no more than keyed
// hashes.
func (tx *Tx) OrderTaken(ctx context.Context, shop, orderID string, cartID uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		WITH erased AS (
			SELECT 1
			FROM carts
			WHERE id = $3 AND erased_at IS NOT NULL
		)
		UPDATE orders
		SET cart_id = $3,
			customer_id = CASE WHEN EXISTS (SELECT 1 FROM erased) THEN '' ELSE customer_id END,
			codes = CASE WHEN EXISTS (SELECT 1 FROM erased) THEN '{}' ELSE codes END
		WHERE shop = $1 AND order_id = $2`, shop, orderID, cartID)
	if err != nil {
		return fmt.Errorf("tie order to cart: %w", err)
	}
	return nil
}

// OrderOfCheckout finds an order of which word came before that of its checkout, by the checkout's or the cart's token.
// A cart token outlives a purchase: an order made before the checkout began is another one's. The cart is known by the
// order's keys from then on.
func (tx *Tx) OrderOfCheckout(ctx context.Context, c *Cart) (cart.Order, cart.Match, error) {
	if c.unordered {
		return cart.Order{}, "", ErrNotFound
	}
	var o cart.Order
	var match cart.Match
	var person [][]byte
	var money *keptMoney
	f := newFilter()
	f.addIf("checkout_token <> '' AND checkout_token = @token", "token", c.Token)
	if c.Checkout.CartToken != "" {
		f.add("cart_token <> '' AND cart_token = @cart_token AND created_at >= @since", "cart_token", c.Checkout.CartToken)
		f.args["since"] = orderedSince(&c.Cart)
	}
	f.args["shop"], f.args["token"] = c.Shop, c.Token
	err := tx.QueryRow(ctx, `
		SELECT order_id, name, checkout_token, cart_token, customer_id, total, currency, codes, created_at, updated_at,
			person, money,
			CASE WHEN checkout_token = @token THEN 'checkout_token' ELSE 'cart_token' END
		FROM orders
		WHERE shop = @shop AND `+f.anyOf()+`
		ORDER BY checkout_token = @token DESC, created_at
		LIMIT 1`, f.args).
		Scan(
			&o.ID, &o.Name, &o.CheckoutToken, &o.CartToken, &o.CustomerID, &o.Total, &o.Currency, &o.Codes, &o.CreatedAt, &o.UpdatedAt,
			&person, &money, &match,
		)
	if errors.Is(err, pgx.ErrNoRows) {
		return cart.Order{}, "", ErrNotFound
	}
	if err != nil {
		return cart.Order{}, "", fmt.Errorf("find order of checkout: %w", err)
	}
	inUTC(&o.CreatedAt, &o.UpdatedAt)
	money.fill(&o)
	c.keys = append(c.keys, without(asKeys(person), c.keys)...)
	return o, match, nil
}

// KnownOrder is what is remembered of an order.
type KnownOrder struct {
	ID       string
	Name     string
	Total    decimal.Decimal
	Currency string
	// Codes are the discount codes that it used.
	Codes      []string
	CustomerID string
	// CartID is the cart that it counts for; nil when there is none.
	CartID    *uuid.UUID
	CreatedAt time.Time
}

// KnownOrders lists what is remembered of a person's orders in a shop, linked ones among them, oldest first.
func (db *DB) KnownOrders(ctx context.Context, shop string, p cart.Person) ([]KnownOrder, error) {
	ids, err := db.OrdersOfPerson(ctx, shop, p)
	if err != nil {
		return nil, err
	}
	rows, err := db.pool.Query(ctx, `
		SELECT order_id, name, total, currency, codes, customer_id, cart_id, created_at
		FROM orders
		WHERE shop = $1 AND order_id = ANY ($2)
		ORDER BY created_at, order_id`, shop, ids)
	if err != nil {
		return nil, fmt.Errorf("list a person's orders: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (KnownOrder, error) {
		var o KnownOrder
		err := row.Scan(&o.ID, &o.Name, &o.Total, &o.Currency, &o.Codes, &o.CustomerID, &o.CartID, &o.CreatedAt)
		inUTC(&o.CreatedAt)
		return o, err
	})
}

// MatchedCart is a cart that an order belongs to, and by what.
type MatchedCart struct {
	ID    uuid.UUID
	Match cart.Match
	State cart.State
	// Owner is true for the cart that the order counts for already.
	Owner bool
}

// CartsOfOrder finds the carts that an order may belong to and locks them, the best match first: by a single-use code,
// checkout token, cart token, customer, email, phone, or a link through what else the person was told with. Matches by
// cart token, which outlives a purchase, and by person are limited to carts that were there before the order, those by
// person to carts whose last activity is within the window before it.
func (tx *Tx) CartsOfOrder(ctx context.Context, shop string, o cart.Order, p cart.Person, window time.Duration) ([]MatchedCart, error) {
	of, err := tx.PersonOf(ctx, shop, p)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH coded AS (
			SELECT cart_id
			FROM discounts
			WHERE shop = @shop AND code <> '' AND upper(code) IN (SELECT upper(c) FROM unnest(@codes::text[]) AS c)
		)
		SELECT id, state,
			CASE
				WHEN id = ANY (ARRAY(SELECT cart_id FROM coded)) THEN 'discount_code'
				WHEN token = @checkout_token THEN 'checkout_token'
				WHEN cart_token = @cart_token AND @cart_token <> '' AND (checkout ->> 'created_at')::timestamptz <= @created_at::timestamptz
					THEN 'cart_token'
				ELSE ''
			END,
			last_activity_at
		FROM carts
		WHERE shop = @shop
			AND (
				id = ANY (ARRAY(SELECT cart_id FROM coded))
				OR (token = @checkout_token AND @checkout_token <> '')
				OR (
					cart_token = @cart_token AND @cart_token <> ''
					AND (checkout ->> 'created_at')::timestamptz <= @created_at::timestamptz
				)
				OR (
					id = ANY (@person::uuid[])
					AND (checkout ->> 'created_at')::timestamptz <= @created_at::timestamptz
					AND GREATEST(last_activity_at, (SELECT max(sent_at) FROM calls WHERE cart_id = carts.id)) >= @since
				)
			)
		ORDER BY id
		FOR UPDATE`,
		pgx.StrictNamedArgs{
			"shop": shop, "checkout_token": o.CheckoutToken, "cart_token": o.CartToken, "person": slices.Collect(maps.Keys(of.Carts)),
			"created_at": o.CreatedAt, "since": o.CreatedAt.Add(-window), "codes": orEmpty(o.Codes),
		})
	if err != nil {
		return nil, fmt.Errorf("match order: %w", err)
	}
	type candidate struct {
		MatchedCart
		activity time.Time
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (candidate, error) {
		var f candidate
		err := row.Scan(&f.ID, &f.State, &f.Match, &f.activity)
		if f.Match == "" {
			f.Match = of.Carts[f.ID]
		}
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("match order: %w", err)
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		if a.Match != b.Match {
			return strength(a.Match) - strength(b.Match)
		}
		return b.activity.Compare(a.activity)
	})
	matched := make([]MatchedCart, len(all))
	for i := range all {
		matched[i] = all[i].MatchedCart
	}
	return matched, nil
}

// strength orders the matches: the strongest has the lowest number.
func strength(m cart.Match) int {
	switch m {
	case cart.MatchCode:
		return 1
	case cart.MatchCheckout:
		return 2
	case cart.MatchCart:
		return 3
	case cart.MatchCustomer:
		return 4
	case cart.MatchEmail:
		return 5
	case cart.MatchPhone:
		return 6
	case cart.MatchLinked:
		return 7
	}
	return 99
}

// offerSpend sums what the shop's offers cost since an instant: the value of each code that an order redeemed, unless
// it is known that the agent did not mention it.
const offerSpend = `
	SELECT COALESCE(sum(
		CASE WHEN k.offer ->> 'type' = 'percentage'
			THEN (c."order" ->> 'total')::numeric * (k.offer ->> 'value')::numeric / 100
			ELSE (k.offer ->> 'value')::numeric
		END), 0)
	FROM carts AS c
	JOIN LATERAL (
		SELECT offer
		FROM calls
		WHERE calls.cart_id = c.id AND offer IS NOT NULL AND offer_fate <> 'unmentioned'
		ORDER BY id DESC
		LIMIT 1
	) AS k ON true
	WHERE c.shop = @shop AND c.attribution = 'offer' AND c.purchased_at >= @month`

func scanDecimal(row pgx.Row) (decimal.Decimal, error) {
	var d decimal.Decimal
	err := row.Scan(&d)
	return d, err
}
