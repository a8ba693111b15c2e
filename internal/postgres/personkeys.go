package postgres

import (
	"context"
	"fmt"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// keysMissing asks whether there are carts or orders whose keys have yet to be written. It names the order of the
// partial indexes that hold just those rows: no statistics tell the planner how few they are, and without an order it
// would read the tables. The fill goes the other way, so that this does not walk over what it has done.
const keysMissing = `
	SELECT (
			SELECT id
			FROM carts
			WHERE person_at IS DISTINCT FROM updated_at
			ORDER BY id DESC
			LIMIT 1
		) IS NOT NULL
		OR (
			SELECT order_id
			FROM orders
			WHERE person_at IS DISTINCT FROM updated_at
			ORDER BY shop DESC, order_id DESC
			LIMIT 1
		) IS NOT NULL`

// PersonKeysMissing reports whether there are carts or orders whose keys have yet to be written: the program before
// wrote them.
func (db *DB) PersonKeysMissing(ctx context.Context) (bool, error) {
	var missing bool
	err := db.pool.QueryRow(ctx, keysMissing).Scan(&missing)
	if err != nil {
		return false, fmt.Errorf("look for missing keys of persons: %w", err)
	}
	return missing, nil
}

// FillCartKeys writes the missing keys of up to limit carts after the id after, passing over those that are locked just
// now. personOf reads a checkout. It returns how many it wrote and the last one's id.
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
		all := make([]uuid.UUID, len(carts))
		var keys [][]byte
		var shops []string
		var owners []uuid.UUID
		for i := range carts {
			c := &carts[i]
			all[i] = c.ID
			c.Person = personOf(&c.Cart)
			for _, k := range tx.keysOf(c) {
				keys, shops, owners = append(keys, []byte(k)), append(shops, c.Shop), append(owners, c.ID)
			}
		}
		batch := &pgx.Batch{}
		batch.Queue(`
			INSERT INTO person_keys (key, shop, cart_id)
			SELECT key, shop, cart_id
			FROM unnest($1::bytea[], $2::text[], $3::uuid[]) AS told (key, shop, cart_id)
			ON CONFLICT DO NOTHING`, keys, shops, owners)
		batch.Queue(`
			UPDATE carts
			SET person = COALESCE(told.keys, '{}'), person_at = updated_at
			FROM unnest($1::uuid[]) AS filled (id)
			LEFT JOIN (
				SELECT cart_id, array_agg(key) AS keys
				FROM unnest($2::bytea[], $3::uuid[]) AS told (key, cart_id)
				GROUP BY cart_id
			) AS told ON told.cart_id = filled.id
			WHERE carts.id = filled.id`, all, keys, owners)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return 0, last, fmt.Errorf("write missing keys of carts: %w", err)
	}
	return filled, last, nil
}

// FillOrderKeys writes the missing keys of up to limit orders, passing over those that are locked just now: those that
// the columns hold. It returns how many it wrote.
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
			had := asKeys(o.Person)
			keys := asBytes(append(had, without(columnKeys(tx.hasher, o.Shop, o.Customer, o.Email, o.Numbers), had)...))
			batch.Queue(`
				INSERT INTO person_keys (key, shop, order_id)
				SELECT key, $2, $3
				FROM unnest($1::bytea[]) AS key
				ON CONFLICT DO NOTHING`, keys, o.Shop, o.ID)
			batch.Queue(`
				UPDATE orders
				SET person = $3, person_at = updated_at
				WHERE shop = $1 AND order_id = $2`, o.Shop, o.ID, keys)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("write missing keys of orders: %w", err)
	}
	return filled, nil
}

// SettleFill clears away what writing the keys of most carts left behind: every row of them twice, and the entries of
// an index that is empty now but not small. Nobody waits for it.
func (db *DB) SettleFill(ctx context.Context) error {
	for _, statement := range []string{`VACUUM (ANALYZE) carts`, `VACUUM (ANALYZE) orders`, `ANALYZE person_keys`} {
		if _, err := db.pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("clear up after writing missing keys: %w", err)
		}
	}
	return nil
}
