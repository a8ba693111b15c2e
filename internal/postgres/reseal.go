package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// What a sealed value is bound to: one of these, then the value's name. A value that is moved to another row does not
// open there.
const (
	sealedKey     = "key "
	sealedToken   = "shop token "
	sealedRequest = "privacy "
)

// sealedColumns are the places where sealed values are kept: a query for name and value, and an update that replaces a
// value unless it changed meanwhile. context is put before the name to what a value is bound to.
var sealedColumns = []struct{ context, read, write string }{
	{
		context: sealedToken,
		read:    `SELECT shop, sealed FROM shop_tokens`,
		write:   `UPDATE shop_tokens SET sealed = $3 WHERE shop = $1 AND sealed = $2`,
	},
	{
		context: sealedRequest,
		read:    `SELECT id::text, person FROM privacy_requests WHERE person IS NOT NULL`,
		write:   `UPDATE privacy_requests SET person = $3 WHERE id = $1::uuid AND person = $2`,
	},
}

// Reseal seals everything that an old key sealed with the newest one, so that the old key can be taken out of the
// configuration. It returns how many values it sealed anew.
func (db *DB) Reseal(ctx context.Context) (int, error) {
	n := 0
	for _, place := range sealedColumns {
		rows, err := db.pool.Query(ctx, place.read)
		if err != nil {
			return n, fmt.Errorf("read sealed values: %w", err)
		}
		type value struct {
			Name   string
			Sealed []byte
		}
		values, err := pgx.CollectRows(rows, pgx.RowToStructByPos[value])
		if err != nil {
			return n, fmt.Errorf("read sealed values: %w", err)
		}
		for _, v := range values {
			plain, current, err := db.box.Open(v.Sealed, place.context+v.Name)
			if err != nil {
				return n, fmt.Errorf("%s%s: %w", place.context, v.Name, err)
			}
			if current {
				continue
			}
			if _, err := db.pool.Exec(ctx, place.write, v.Name, v.Sealed, db.box.Seal(plain, place.context+v.Name)); err != nil {
				return n, fmt.Errorf("seal %s%s anew: %w", place.context, v.Name, err)
			}
			n++
		}
	}
	return n, nil
}
