package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// partitioned are the tables that are kept by day of receipt.
var partitioned = []string{"webhooks", "callbacks"}

const dayForm = "20060102"

// MakePartitions makes the daily partitions from today on, for the given number of days. Rows of a day without one go
// to a catch-all partition, so nothing depends on this but the ease of dropping a day. The error is ErrBusy when a
// table was in use.
func (db *DB) MakePartitions(ctx context.Context, days int) error {
	today := db.Now().Truncate(24 * time.Hour)
	var busy error
	for _, table := range partitioned {
		for i := range days {
			err := db.makePartition(ctx, table, today.AddDate(0, 0, i))
			if errors.Is(err, ErrBusy) {
				// Its other days would wait in vain too.
				busy = errors.Join(busy, err)
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return busy
}

func (db *DB) makePartition(ctx context.Context, table string, day time.Time) error {
	name := table + "_" + day.Format(dayForm)
	err := db.maintain(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('partitions', 0))`); err != nil {
			return err
		}
		var exists bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&exists); err != nil || exists {
			return err
		}
		var begun bool
		rest := pgx.Identifier{table + "_rest"}.Sanitize()
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+rest+` WHERE day = $1)`, day).Scan(&begun); err != nil {
			return err
		}
		if begun {
			// The day has begun in the catch-all partition and stays there.
			return nil
		}
		// A partition's bounds are no place for parameters; a date in this form needs no quoting beyond the quotes.
		_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
			pgx.Identifier{name}.Sanitize(), pgx.Identifier{table}.Sanitize(),
			day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)))
		return err
	})
	if hasState(err, checkViolation) {
		// The day's first row came to the catch-all partition between the look and the lock.
		return nil
	}
	if err != nil {
		return fmt.Errorf("make partition %s: %w", name, err)
	}
	return nil
}

// DropPartitions drops the days before the given one, whole. The error is ErrBusy when a table was in use.
func (db *DB) DropPartitions(ctx context.Context, before time.Time) error {
	before = before.UTC().Truncate(24 * time.Hour)
	var busy error
	for _, table := range partitioned {
		err := db.dropPartitions(ctx, table, before)
		if err != nil && !errors.Is(err, ErrBusy) {
			return err
		}
		busy = errors.Join(busy, err)
		rest := pgx.Identifier{table + "_rest"}.Sanitize()
		err = db.inPages(ctx, `
			DELETE FROM `+rest+`
			WHERE ctid IN (SELECT ctid FROM `+rest+` WHERE day < $1 LIMIT $2)`, before)
		if err != nil {
			return fmt.Errorf("empty %s: %w", rest, err)
		}
	}
	return busy
}

func (db *DB) dropPartitions(ctx context.Context, table string, before time.Time) error {
	names, err := db.partitions(ctx, table)
	if err != nil {
		return err
	}
	for _, name := range names {
		day, err := time.Parse(dayForm, strings.TrimPrefix(name, table+"_"))
		if err != nil || !day.Before(before) {
			continue
		}
		err = db.maintain(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+pgx.Identifier{name}.Sanitize())
			return err
		})
		if err != nil {
			return fmt.Errorf("drop partition %s: %w", name, err)
		}
	}
	return nil
}

// partitions lists the tables that hold a partitioned table's rows, the catch-all one too.
func (db *DB) partitions(ctx context.Context, table string) ([]string, error) {
	names, err := collectStrings(ctx, db.pool, `
		SELECT relname::text
		FROM pg_inherits
		JOIN pg_class ON pg_class.oid = inhrelid
		WHERE inhparent = $1::regclass
		ORDER BY relname`, table)
	if err != nil {
		return nil, fmt.Errorf("list the partitions of %s: %w", table, err)
	}
	return names, nil
}

// DropOrders forgets orders that no checkout can meet any more, with their refunds and the keys that they were found
// by.
func (db *DB) DropOrders(ctx context.Context, before time.Time) error {
	err := db.inPages(ctx, `
		WITH gone AS (
			SELECT shop, order_id, person
			FROM orders
			WHERE received_at < $1
			LIMIT $2
			FOR UPDATE
		),
		unkeyed AS (
			DELETE FROM person_keys
			USING gone
			CROSS JOIN unnest(gone.person) AS told
			WHERE person_keys.key = told
				AND person_keys.shop = gone.shop
				AND person_keys.cart_id = '00000000-0000-0000-0000-000000000000'
				AND person_keys.order_id = gone.order_id
		)
		DELETE FROM orders
		USING gone
		WHERE orders.shop = gone.shop AND orders.order_id = gone.order_id`, before)
	if err == nil {
		err = db.inPages(ctx, `
			DELETE FROM refunds
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM refunds WHERE received_at < $1 LIMIT $2))`, before)
	}
	if err != nil {
		return fmt.Errorf("drop old orders: %w", err)
	}
	return nil
}
