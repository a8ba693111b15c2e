package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"

	"github.com/jackc/pgx/v5"
)

// standIn begins the token of a cart whose checkout Shopify's API told of without a token. No real token holds a colon.
const standIn = "id:"

// StandIn is the token of a cart until the real one is known; id is the checkout's numeric id.
func StandIn(id string) string { return standIn + id }

// IsStandIn reports whether a cart's token only stands in for the real one.
func IsStandIn(token string) bool { return strings.HasPrefix(token, standIn) }

// Scan is where the reconciling of a shop stands.
type Scan struct {
	Shop string
	// Since is from when on changes are looked at, BeganAt when the scan began.
	Since   time.Time
	BeganAt time.Time
	// Part is what is being scanned, Cursor where in it.
	Part   string
	Cursor string
	// Partial is true when a part of some answer was missing: what it told of must be looked at again.
	Partial bool
}

// Scan reads where a shop's reconciling stands; ErrNotFound when none is under way.
func (db *DB) Scan(ctx context.Context, shop string) (Scan, error) {
	var s Scan
	err := db.pool.QueryRow(ctx, `
		SELECT shop, since, began_at, part, cursor, partial
		FROM scans
		WHERE shop = $1`, shop).Scan(&s.Shop, &s.Since, &s.BeganAt, &s.Part, &s.Cursor, &s.Partial)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, ErrNotFound
	}
	if err != nil {
		return s, fmt.Errorf("read scan: %w", err)
	}
	inUTC(&s.Since, &s.BeganAt)
	return s, nil
}

// KeepScan remembers where a shop's reconciling stands.
func (db *DB) KeepScan(ctx context.Context, s Scan) error {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO scans (shop, since, began_at, part, cursor, partial)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (shop) DO UPDATE
		SET since = excluded.since,
			began_at = excluded.began_at,
			part = excluded.part,
			cursor = excluded.cursor,
			partial = excluded.partial`, s.Shop, s.Since, s.BeganAt, s.Part, s.Cursor, s.Partial)
	if err != nil {
		return fmt.Errorf("keep scan: %w", err)
	}
	return nil
}

// FinishScan ends a shop's reconciling. Unless it was partial, everything up to its beginning has been looked at.
func (tx *Tx) FinishScan(ctx context.Context, s Scan) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		DELETE FROM scans
		WHERE shop = $1`, s.Shop)
	if !s.Partial {
		batch.Queue(`
			UPDATE shops
			SET reconciled_until = $2
			WHERE domain = $1`, s.Shop, s.BeganAt)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("finish scan: %w", err)
	}
	return nil
}

// DropScan forgets where a shop's reconciling stands, so that it begins anew.
func (db *DB) DropScan(ctx context.Context, shop string) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM scans
		WHERE shop = $1`, shop)
	if err != nil {
		return fmt.Errorf("drop scan: %w", err)
	}
	return nil
}

// CartOfCheckoutForUpdate finds the cart of a checkout without using its token, which Shopify's API does not tell: by
// the checkout's id, or by the cart token of a cart whose checkout id we do not know. It locks the cart; ErrNotFound
// when there is none.
func (tx *Tx) CartOfCheckoutForUpdate(ctx context.Context, shop string, ref cart.Ref) (*Cart, error) {
	return tx.lockedCart(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE shop = $1
			AND (
				checkout_id = $2 AND $2 <> ''
				OR cart_token = $3 AND $3 <> '' AND checkout_id = ''
			)
		ORDER BY checkout_id = $2 DESC, id DESC
		LIMIT 1
		FOR UPDATE`, shop, ref.ID, ref.CartToken)
}

// AdoptCart gives a cart with a stand-in token the real token of its checkout. It finds the cart by the checkout's id,
// else by the cart token, and reports whether there was one. When by is set, a checkout that began after it does not
// match.
func (tx *Tx) AdoptCart(ctx context.Context, shop string, ref cart.Ref, by time.Time) (bool, error) {
	if ref.Token == "" || ref.ID == "" && ref.CartToken == "" {
		return false, nil
	}
	var before *time.Time
	if !by.IsZero() {
		before = &by
	}
	tag, err := tx.Exec(ctx, `
		UPDATE carts
		SET token = $2, checkout = jsonb_set(checkout, '{token}', to_jsonb($2::text))
		WHERE id = (
				SELECT id
				FROM carts
				WHERE shop = $1
					AND starts_with(token, $5)
					AND (
						checkout_id = $3 AND $3 <> ''
						OR cart_token = $4 AND $4 <> '' AND $3 = ''
					)
					AND ($6::timestamptz IS NULL OR (checkout ->> 'created_at')::timestamptz <= $6)
				LIMIT 1
			)
			AND NOT EXISTS (
				SELECT 1
				FROM carts
				WHERE shop = $1 AND token = $2
			)`, shop, ref.Token, ref.ID, ref.CartToken, standIn, before)
	if err != nil {
		return false, fmt.Errorf("adopt cart: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// OrderOfPerson finds an order that came before the cart of the same person and that no cart accounts for: made after
// the checkout began and at most window after its last activity. ErrNotFound when there is none.
func (tx *Tx) OrderOfPerson(ctx context.Context, c *Cart, window time.Duration) (cart.Order, cart.Match, error) {
	f, err := tx.PersonOfCart(ctx, c)
	if err != nil {
		return cart.Order{}, "", err
	}
	if len(f.Orders) == 0 {
		return cart.Order{}, "", ErrNotFound
	}
	var o cart.Order
	err = tx.QueryRow(ctx, `
		SELECT order_id, name, checkout_token, cart_token, customer_id, total, currency, codes, created_at, updated_at
		FROM orders
		WHERE shop = $1
			AND order_id = ANY ($2)
			AND cart_id IS NULL
			AND NOT own_cart_only
			AND created_at BETWEEN $3 AND $4
		ORDER BY created_at
		LIMIT 1`,
		c.Shop, slices.Collect(maps.Keys(f.Orders)), orderedSince(&c.Cart), c.LastActivityAt.Add(window)).
		Scan(&o.ID, &o.Name, &o.CheckoutToken, &o.CartToken, &o.CustomerID, &o.Total, &o.Currency, &o.Codes, &o.CreatedAt, &o.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return cart.Order{}, "", ErrNotFound
	}
	if err != nil {
		return cart.Order{}, "", fmt.Errorf("find order of person: %w", err)
	}
	inUTC(&o.CreatedAt, &o.UpdatedAt)
	return o, f.Orders[o.ID], nil
}
