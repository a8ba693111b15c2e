package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/policy"

	"github.com/jackc/pgx/v5"
)

// Precheck reads what an endpoint said of a number at or after an instant; ErrNotFound when it said nothing.
func (db *DB) Precheck(ctx context.Context, shop, phone, endpoint string, since time.Time) (policy.Precheck, error) {
	var p policy.Precheck
	err := db.pool.QueryRow(ctx, `
		SELECT verdict, reason, until, asked_at
		FROM prechecks
		WHERE shop = $1 AND phone_key = $2 AND endpoint = $3 AND asked_at >= $4`,
		shop, db.hasher.Phone(phone), endpoint, since).Scan(&p.Verdict, &p.Reason, &p.Until, &p.AskedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read precheck: %w", err)
	}
	inUTC(p.Until, &p.AskedAt)
	return p, nil
}

// KeepPrecheck remembers what an endpoint said of a number.
func (db *DB) KeepPrecheck(ctx context.Context, shop, phone, endpoint string, p policy.Precheck) error {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO prechecks (shop, phone_key, endpoint, verdict, reason, until, asked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (shop, phone_key, endpoint) DO UPDATE
		SET verdict = excluded.verdict, reason = excluded.reason, until = excluded.until, asked_at = excluded.asked_at`,
		shop, db.hasher.Phone(phone), endpoint, p.Verdict, p.Reason, p.Until, p.AskedAt)
	if err != nil {
		return fmt.Errorf("keep precheck: %w", err)
	}
	return nil
}

// ForgetPrechecks deletes what was said before an instant.
func (db *DB) ForgetPrechecks(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM prechecks
		WHERE asked_at < $1`, before)
	if err != nil {
		return fmt.Errorf("forget prechecks: %w", err)
	}
	return nil
}
