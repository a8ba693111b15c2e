package postgres

import (
	"context"
	"fmt"
)

// WantFill notes that the assistant's free lines should be given out and reports whether that was not noted already.
// It holds the note's lock until the transaction ends, so that a fill which begins meanwhile sees what led to it.
func (tx *Tx) WantFill(ctx context.Context, assistant string) (first bool, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO fills (assistant)
		VALUES ($1)
		ON CONFLICT (assistant) DO UPDATE
		SET assistant = excluded.assistant
		RETURNING xmax = 0`, assistant).Scan(&first)
	if err != nil {
		return false, fmt.Errorf("want fill: %w", err)
	}
	return first, nil
}

// FillBegun takes the note away: whatever happens from now on asks for another fill.
func (db *DB) FillBegun(ctx context.Context, assistant string) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM fills
		WHERE assistant = $1`, assistant)
	if err != nil {
		return fmt.Errorf("begin fill: %w", err)
	}
	return nil
}

// IdleAssistants lists the assistants that have ready carts and no fill on its way.
func (db *DB) IdleAssistants(ctx context.Context) ([]string, error) {
	return collectStrings(ctx, db.pool, `
		SELECT DISTINCT assistant
		FROM carts
		WHERE state = 'ready'
			AND NOT EXISTS (
				SELECT 1
				FROM river_job
				WHERE kind = 'fill_lines'
					AND state IN ('available', 'running', 'scheduled', 'retryable')
					AND args ->> 'assistant' = carts.assistant
			)`)
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
