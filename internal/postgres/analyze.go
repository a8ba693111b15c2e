package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// withoutStatistics finds the tables that have rows and no statistics. Autovacuum never looks at a partitioned table
// itself.
const withoutStatistics = `
	SELECT oid::regclass::text
	FROM pg_class AS c
	WHERE relnamespace = current_schema()::regnamespace
		AND (
			relkind = 'r' AND pg_relation_size(oid) > 0
			OR relkind = 'p' AND EXISTS (
				SELECT
				FROM pg_inherits
				WHERE inhparent = c.oid AND pg_relation_size(inhrelid) > 0
			)
		)
		AND NOT EXISTS (
			SELECT
			FROM pg_stats
			WHERE schemaname = current_schema() AND tablename = c.relname
		)`

// outgrown finds the tables that have become more than twice as large since their statistics were made. Small ones do
// not matter.
const outgrown = `
	SELECT oid::regclass::text
	FROM pg_class AS c
	WHERE relnamespace = current_schema()::regnamespace
		AND (
			relkind = 'r'
				AND pg_relation_size(oid) > (2 * greatest(relpages, 0)::bigint + 64) * current_setting('block_size')::bigint
			OR relkind = 'p' AND (
				SELECT sum(greatest(part.reltuples, 0))
				FROM pg_inherits
				JOIN pg_class AS part ON part.oid = inhrelid
				WHERE inhparent = c.oid
			) > 2 * greatest(c.reltuples, 0) + 1000
		)`

// AnalyzeOutgrown makes new statistics of the tables that have outgrown theirs. Autovacuum would do so within a minute
// or more, and until then statements keep the plans that were right for small tables. It returns the tables.
func (db *DB) AnalyzeOutgrown(ctx context.Context) ([]string, error) {
	return analyze(ctx, db.pool, outgrown)
}

// analyze makes statistics of the tables that a query finds, passing over those that are being vacuumed.
func analyze(ctx context.Context, pool *pgxpool.Pool, query string) ([]string, error) {
	found, err := collectStrings(ctx, pool, query)
	if err != nil {
		return nil, fmt.Errorf("find tables to analyze: %w", err)
	}
	var done []string
	var failed []error
	for _, table := range found {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, milliseconds(lockWithin))
			if err != nil {
				return err
			}
			// The name comes from the database, which has quoted it.
			_, err = tx.Exec(ctx, `ANALYZE `+table)
			return err
		})
		switch {
		case err == nil:
			done = append(done, table)
		case !hasState(err, lockNotAvailable) && !hasState(err, undefinedTable):
			failed = append(failed, fmt.Errorf("analyze %s: %w", table, err))
		}
	}
	return done, errors.Join(failed...)
}
