package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// partitioned are the tables that are kept by day of receipt.
var partitioned = []string{"webhooks", "callbacks"}

const dayForm = "20060102"

// MakePartitions makes the daily partitions from today on, for the given number of days. Rows of a day without one go to a
// catch-all partition, so nothing depends on this but the ease of dropping a day.
func (db *DB) MakePartitions(ctx context.Context, days int) error {
	today := db.Now().Truncate(24 * time.Hour)
	for _, table := range partitioned {
		for i := range days {
			if err := db.makePartition(ctx, table, today.AddDate(0, 0, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (db *DB) makePartition(ctx context.Context, table string, day time.Time) error {
	name := table + "_" + day.Format(dayForm)
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('partitions', 0))`); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || there {
			return err
		}
		var early bool
		rest := pgx.Identifier{table + "_rest"}.Sanitize()
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+rest+` WHERE day = $1)`, day).Scan(&early); err != nil {
			return err
		}
		if early {
			// The day has begun in the catch-all partition and stays there.
			return nil
		}
		// A partition's bounds are no place for parameters; a date in this form needs no quoting beyond the quotes.
		_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
			pgx.Identifier{name}.Sanitize(), pgx.Identifier{table}.Sanitize(),
			day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)))
		if err != nil {
			return fmt.Errorf("make partition %s: %w", name, err)
		}
		return nil
	})
}

// DropPartitions drops the days before the given one, whole.
func (db *DB) DropPartitions(ctx context.Context, before time.Time) error {
	before = before.UTC().Truncate(24 * time.Hour)
	for _, table := range partitioned {
		names, err := collectStrings(ctx, db.pool, `
			SELECT inhrelid::regclass::text
			FROM pg_inherits
			WHERE inhparent = $1::regclass`, table)
		if err != nil {
			return fmt.Errorf("list partitions: %w", err)
		}
		for _, name := range names {
			day, err := time.Parse(dayForm, strings.TrimPrefix(name, table+"_"))
			if err != nil || !day.Before(before) {
				continue
			}
			if _, err := db.pool.Exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize()); err != nil {
				return fmt.Errorf("drop partition %s: %w", name, err)
			}
		}
		rest := pgx.Identifier{table + "_rest"}.Sanitize()
		if _, err := db.pool.Exec(ctx, `DELETE FROM `+rest+` WHERE day < $1`, before); err != nil {
			return fmt.Errorf("empty %s: %w", rest, err)
		}
	}
	return nil
}

// DropOrders forgets orders that no checkout can meet any more.
func (db *DB) DropOrders(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM orders
		WHERE received_at < $1`, before)
	if err != nil {
		return fmt.Errorf("drop old orders: %w", err)
	}
	return nil
}
