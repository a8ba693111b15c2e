package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// testLines counts the lines that test calls take; a condition on test_calls follows.
const testLines = `SELECT count(*) FROM test_calls WHERE holds_line AND`

// LinesToGive reports whether an assistant has a free line and a ready cart, those in skip left out, or until when its
// account rests, if it does. It takes no lock.
func (db *DB) LinesToGive(
	ctx context.Context, assistant, account string, lines int, skip []uuid.UUID,
) (give bool, rests *time.Time, err error) {
	err = db.pool.QueryRow(ctx, `
		SELECT EXISTS (
				SELECT 1
				FROM carts
				WHERE assistant = $1 AND state = 'ready' AND id <> ALL ($3)
			)
			AND (
				SELECT count(*) + (`+testLines+` assistant = $1) < $2
				FROM calls
				WHERE assistant = $1 AND holds_line
			),
			(
				SELECT until
				FROM account_rests
				WHERE account = $4 AND until > $5
			)`, assistant, lines, orEmpty(skip), account, db.Now()).Scan(&give, &rests)
	if err != nil {
		return false, nil, fmt.Errorf("look for free lines: %w", err)
	}
	return give, rests, nil
}

// AssistantLock is the key of the advisory lock under which an assistant's lines are given out.
func AssistantLock(assistant string) int64 { return lockKey("assistant", assistant) }

// LineUse is how an assistant's lines are used.
type LineUse struct {
	// Busy is how many are taken.
	Busy int
	// Rest is the account's last rest.
	Rest Rest
}

// LockLines makes this transaction the only one that gives out an assistant's lines, and tells how they are used. It
// never waits: locked is false when another transaction has the lock.
func (tx *Tx) LockLines(ctx context.Context, assistant, account string) (use LineUse, locked bool, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_try_advisory_xact_lock($1)`, AssistantLock(assistant)).
		QueryRow(func(row pgx.Row) error { return row.Scan(&locked) })
	// A statement of its own: it sees what was committed before the lock was taken.
	batch.Queue(`
		SELECT count(*) + (`+testLines+` assistant = $1)
		FROM calls
		WHERE assistant = $1 AND holds_line`, assistant).
		QueryRow(func(row pgx.Row) error { return row.Scan(&use.Busy) })
	batch.Queue(restQuery, account).
		QueryRow(func(row pgx.Row) (err error) {
			use.Rest, err = scanRest(row)
			return err
		})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return LineUse{}, false, fmt.Errorf("lock an assistant's lines: %w", err)
	}
	return use, locked, nil
}

// PlacingSince counts the calls that were given a line of an assistant since an instant and are not placed yet.
func (tx *Tx) PlacingSince(ctx context.Context, assistant string, since time.Time) (int, error) {
	var n int
	err := tx.QueryRow(ctx, `
		SELECT count(*)
		FROM calls
		WHERE assistant = $1 AND holds_line AND state = 'placing' AND created_at > $2`, assistant, since).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count calls that are being placed: %w", err)
	}
	return n, nil
}

// NextReady locks the assistant's ready carts that should be called next, at most limit of them, and lists their ids in
// that order: those that became ready before waitedSince, the longest waiting first, then the most valuable. It passes
// over carts that are locked just now, and those in skip.
//
// The rows must come off the indexes that are in their order: ready carts come and go faster than statistics are made,
// and a planner that takes thousands of them for one would sort them all to find the first.
func (tx *Tx) NextReady(
	ctx context.Context, assistant string, waitedSince time.Time, skip []uuid.UUID, limit int,
) (ids []uuid.UUID, err error) {
	take := func(rows pgx.Rows) error {
		more, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		ids = append(ids, more...)
		return err
	}
	maySort := func(b *pgx.Batch, may bool) {
		b.Queue(`SELECT set_config('enable_sort', $1::boolean::text, true)`, may)
	}
	longest, rest := &pgx.Batch{}, &pgx.Batch{}
	maySort(longest, false)
	longest.Queue(`
		SELECT id
		FROM carts
		WHERE assistant = $1 AND state = 'ready' AND ready_at < $2 AND id <> ALL ($3)
		ORDER BY ready_at
		LIMIT $4
		FOR UPDATE SKIP LOCKED`, assistant, waitedSince, orEmpty(skip), limit).Query(take)
	if err := tx.SendBatch(ctx, longest).Close(); err != nil {
		return nil, fmt.Errorf("find the carts that waited longest: %w", err)
	}
	if len(ids) < limit {
		rest.Queue(`
			SELECT id
			FROM carts
			WHERE assistant = $1 AND state = 'ready' AND id <> ALL ($2)
			ORDER BY total DESC, ready_at
			LIMIT $3
			FOR UPDATE SKIP LOCKED`, assistant, append(orEmpty(skip), ids...), limit-len(ids)).Query(take)
	}
	maySort(rest, true)
	if err := tx.SendBatch(ctx, rest).Close(); err != nil {
		return nil, fmt.Errorf("find the most valuable carts: %w", err)
	}
	return ids, nil
}

// LockedCarts loads carts that this transaction has locked, with their calls, in the order of their ids here.
func (tx *Tx) LockedCarts(ctx context.Context, ids []uuid.UUID) ([]*Cart, error) {
	found := make(map[uuid.UUID]*Cart, len(ids))
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = ANY ($1)`, ids).
		Query(func(rows pgx.Rows) error {
			carts, err := pgx.CollectRows(rows, scanCart)
			for i := range carts {
				found[carts[i].ID] = &carts[i]
			}
			return err
		})
	batch.Queue(`
		SELECT `+callColumns+`
		FROM calls
		WHERE cart_id = ANY ($1)
		ORDER BY id`, ids).
		Query(func(rows pgx.Rows) error {
			calls, err := pgx.CollectRows(rows, scanCall)
			for i := range calls {
				c := found[calls[i].CartID]
				c.Calls = append(c.Calls, calls[i])
			}
			return err
		})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("load carts: %w", err)
	}
	carts := make([]*Cart, len(ids))
	for i, id := range ids {
		carts[i] = found[id]
	}
	return carts, nil
}

// AssistantLoad is an assistant that carts wait for.
type AssistantLoad struct {
	Assistant string
	// Busy is how many of its lines are taken.
	Busy int
}

// WaitedFor lists the assistants that have ready carts.
func (db *DB) WaitedFor(ctx context.Context) ([]AssistantLoad, error) {
	rows, err := db.pool.Query(ctx, `
		WITH RECURSIVE waited AS (
			(
				SELECT assistant
				FROM carts
				WHERE state = 'ready'
				ORDER BY assistant
				LIMIT 1
			)
			UNION ALL
			SELECT (
				SELECT carts.assistant
				FROM carts
				WHERE state = 'ready' AND carts.assistant > waited.assistant
				ORDER BY carts.assistant
				LIMIT 1
			)
			FROM waited
			WHERE waited.assistant IS NOT NULL
		)
		SELECT assistant, (
			SELECT count(*) + (`+testLines+` assistant = waited.assistant)
			FROM calls
			WHERE calls.assistant = waited.assistant AND holds_line
		)
		FROM waited
		WHERE assistant IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("list the assistants that carts wait for: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[AssistantLoad])
}

// ForgetFill takes away the notes with which the program before says that a fill_lines job of an assistant is wanted.
// While they stand, it inserts no other.
func (db *DB) ForgetFill(ctx context.Context, assistant string) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM fills
		WHERE assistant IN ($1, 'late ' || $1)`, assistant)
	if err != nil {
		return fmt.Errorf("forget a fill: %w", err)
	}
	return nil
}

// MoveReadyCarts puts a shop's ready carts in the pool of the assistant that the shop uses now.
func (db *DB) MoveReadyCarts(ctx context.Context, shop, assistant string) error {
	_, err := db.pool.Exec(ctx, `
		UPDATE carts
		SET assistant = $2
		WHERE shop = $1 AND state = 'ready' AND assistant <> $2`, shop, assistant)
	if err != nil {
		return fmt.Errorf("move ready carts: %w", err)
	}
	return nil
}
