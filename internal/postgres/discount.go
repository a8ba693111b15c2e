package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Discount is a single-use code of one attempt.
type Discount struct {
	CartID  uuid.UUID
	Attempt int
	Shop    string
	// Code is empty after erasure.
	Code string
	// GID is Shopify's id; empty until Shopify has answered.
	GID           string
	EndsAt        time.Time
	CreatedAt     time.Time
	RedeemedAt    *time.Time
	DeactivatedAt *time.Time
}

const discountColumns = `cart_id, attempt, shop, code, gid, ends_at, created_at, redeemed_at, deactivated_at`

func scanDiscount(row pgx.CollectableRow) (Discount, error) {
	var d Discount
	err := row.Scan(&d.CartID, &d.Attempt, &d.Shop, &d.Code, &d.GID, &d.EndsAt, &d.CreatedAt, &d.RedeemedAt, &d.DeactivatedAt)
	inUTC(&d.EndsAt, &d.CreatedAt)
	inUTC(d.RedeemedAt, d.DeactivatedAt)
	return d, err
}

// Discount reads the code of an attempt; ErrNotFound when none was wanted.
func (db *DB) Discount(ctx context.Context, cartID uuid.UUID, attempt int) (Discount, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+discountColumns+`
		FROM discounts
		WHERE cart_id = $1 AND attempt = $2`, cartID, attempt)
	if err != nil {
		return Discount{}, fmt.Errorf("read discount: %w", err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDiscount)
	if errors.Is(err, pgx.ErrNoRows) {
		return Discount{}, ErrNotFound
	}
	if err != nil {
		return Discount{}, fmt.Errorf("read discount: %w", err)
	}
	return d, nil
}

// KeepDiscount records a code before Shopify is asked for it, or, with a GID, what Shopify answered.
func (db *DB) KeepDiscount(ctx context.Context, d Discount) error {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO discounts (cart_id, attempt, shop, code, gid, ends_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (cart_id, attempt) DO UPDATE
		SET code = excluded.code,
			gid = excluded.gid,
			ends_at = excluded.ends_at,
			deactivated_at = NULL`, d.CartID, d.Attempt, d.Shop, d.Code, d.GID, d.EndsAt, db.Now())
	if err != nil {
		return fmt.Errorf("keep discount: %w", err)
	}
	return nil
}

// DiscountsRedeemed notes that an order used codes of ours.
func (tx *Tx) DiscountsRedeemed(ctx context.Context, shop string, codes []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE discounts
		SET redeemed_at = $3
		WHERE shop = $1
			AND upper(code) IN (SELECT upper(c) FROM unnest($2::text[]) AS c)
			AND code <> ''
			AND redeemed_at IS NULL`, shop, codes, tx.Now)
	if err != nil {
		return fmt.Errorf("note redeemed discounts: %w", err)
	}
	return nil
}

// DiscountsToEnd lists codes of the given shops that ended unused before an instant and still stand in their shops.
func (db *DB) DiscountsToEnd(ctx context.Context, before time.Time, shops []string, limit int) ([]Discount, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+discountColumns+`
		FROM discounts
		WHERE gid <> '' AND redeemed_at IS NULL AND deactivated_at IS NULL AND ends_at < $1 AND shop = ANY ($2)
		ORDER BY ends_at
		LIMIT $3`, before, shops, limit)
	if err != nil {
		return nil, fmt.Errorf("list ended discounts: %w", err)
	}
	return pgx.CollectRows(rows, scanDiscount)
}

// DiscountEnded notes that a code was deactivated, or can no longer be.
func (db *DB) DiscountEnded(ctx context.Context, d Discount) error {
	_, err := db.pool.Exec(ctx, `
		UPDATE discounts
		SET deactivated_at = $3
		WHERE cart_id = $1 AND attempt = $2`, d.CartID, d.Attempt, db.Now())
	if err != nil {
		return fmt.Errorf("note ended discount: %w", err)
	}
	return nil
}

// DiscountsOfCarts lists the codes of carts, oldest first.
func (db *DB) DiscountsOfCarts(ctx context.Context, carts []uuid.UUID) ([]Discount, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+discountColumns+`
		FROM discounts
		WHERE cart_id = ANY ($1)
		ORDER BY created_at`, carts)
	if err != nil {
		return nil, fmt.Errorf("list discounts: %w", err)
	}
	return pgx.CollectRows(rows, scanDiscount)
}
