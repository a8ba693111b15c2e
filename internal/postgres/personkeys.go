package postgres

import (
	"context"
	"fmt"
	"slices"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PersonKeysMissing reports whether there are carts or orders whose keys have yet to be written: the program before wrote them.
func (db *DB) PersonKeysMissing(ctx context.Context) (bool, error) {
	var missing bool
	err := db.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM carts WHERE person_at IS DISTINCT FROM updated_at)
			OR EXISTS (SELECT 1 FROM orders WHERE person_at IS DISTINCT FROM updated_at)`).Scan(&missing)
	if err != nil {
		return false, fmt.Errorf("look for missing keys of persons: %w", err)
	}
	return missing, nil
}

// FillCartKeys writes the missing keys of up to limit carts after the id after, passing over those that are locked just now. personOf
// reads a checkout. It returns how many it wrote and the last one's id.
func (db *DB) FillCartKeys(
	ctx context.Context, after uuid.UUID, limit int, personOf func(*cart.Cart) cart.Person,
) (filled int, last uuid.UUID, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT `+cartColumns+`
			FROM carts
			WHERE person_at IS DISTINCT FROM updated_at AND id > $1
			ORDER BY id
			LIMIT $2
			FOR UPDATE SKIP LOCKED`, after, limit)
		if err != nil {
			return err
		}
		carts, err := pgx.CollectRows(rows, scanCart)
		if err != nil || len(carts) == 0 {
			filled = 0
			return err
		}
		filled, last = len(carts), carts[len(carts)-1].ID
		batch := &pgx.Batch{}
		for i := range carts {
			c := &carts[i]
			c.Person = personOf(&c.Cart)
			keys := tx.keysOf(c)
			queueKeys(batch, c, keys)
			batch.Queue(`
				UPDATE carts
				SET person = $2, person_at = updated_at
				WHERE id = $1`, c.ID, asBytes(keys))
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return 0, last, fmt.Errorf("write missing keys of carts: %w", err)
	}
	return filled, last, nil
}

// FillOrderKeys writes the missing keys of up to limit orders, passing over those that are locked just now: those that the columns hold.
// It returns how many it wrote.
func (db *DB) FillOrderKeys(ctx context.Context, limit int) (filled int, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT shop, order_id, customer_id, email_key, phone_keys, person
			FROM orders
			WHERE person_at IS DISTINCT FROM updated_at
			ORDER BY shop, order_id
			LIMIT $1
			FOR UPDATE SKIP LOCKED`, limit)
		if err != nil {
			return err
		}
		type row struct {
			Shop, ID, Customer string
			Email              []byte
			Numbers, Person    [][]byte
		}
		orders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		if err != nil || len(orders) == 0 {
			filled = 0
			return err
		}
		filled = len(orders)
		batch := &pgx.Batch{}
		for _, o := range orders {
			keys := asKeys(o.Person)
			keys = append(slices.Clone(keys), without(columnKeys(tx.hasher, o.Shop, o.Customer, o.Email, o.Numbers), keys)...)
			batch.Queue(`
				INSERT INTO person_keys (key, shop, order_id)
				SELECT key, $2, $3
				FROM unnest($1::bytea[]) AS key
				ON CONFLICT DO NOTHING`, asBytes(keys), o.Shop, o.ID)
			batch.Queue(`
				UPDATE orders
				SET person = $3, person_at = updated_at
				WHERE shop = $1 AND order_id = $2`, o.Shop, o.ID, asBytes(keys))
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("write missing keys of orders: %w", err)
	}
	return filled, nil
}
