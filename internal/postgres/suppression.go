package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Suppression keeps a person from being called.
type Suppression struct {
	ID uuid.UUID
	// Scope is a shop's domain, or "" for every shop.
	Scope string
	// Kind is "phone", "email" or, in one shop, "customer".
	Kind string
	// Value is the phone in E.164, the email or the customer account's id; nil once personal data was erased.
	Value *string
	// Source is where the wish came from: call, shopify, api, dashboard.
	Source    string
	CreatedAt time.Time
}

// Suppress keeps a person from being called, by every key that is given, in one shop or, with scope "", in all. A customer account is
// known in one shop only. It returns what stands suppressed now. A withdrawn consent (SourceShopify) becomes the wish of whoever asks for it after that, which giving the
// consent again does not lift.
func (tx *Tx) Suppress(ctx context.Context, scope string, p cart.Person, source string) ([]Suppression, error) {
	var all []Suppression
	wanted := slices.Clone(p.Keys)
	slices.SortStableFunc(wanted, func(a, b cart.Key) int { return strings.Compare(string(b.Kind), string(a.Kind)) })
	for i, key := range hashPerson(tx.hasher, scope, cart.Person{Keys: wanted}) {
		if scope == "" && key.kind() == cart.KeyCustomer {
			continue
		}
		k := wanted[i]
		rows, err := tx.Query(ctx, `
			INSERT INTO suppressions AS s (id, scope, kind, key, value, source, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (key, scope) DO UPDATE
			SET value = COALESCE(s.value, excluded.value),
				source = CASE WHEN s.source = $8 THEN excluded.source ELSE s.source END,
				created_at = CASE WHEN s.source = $8 THEN excluded.created_at ELSE s.created_at END
			RETURNING id, scope, kind, value, source, created_at`,
			uuid.Must(uuid.NewV7()), scope, k.Kind, key.hash(), k.Value, source, tx.Now, SourceShopify)
		if err != nil {
			return nil, fmt.Errorf("suppress: %w", err)
		}
		row, err := pgx.CollectExactlyOneRow(rows, scanSuppression)
		if err != nil {
			return nil, fmt.Errorf("suppress: %w", err)
		}
		all = append(all, row)
	}
	return all, nil
}

func scanSuppression(row pgx.CollectableRow) (Suppression, error) {
	var s Suppression
	err := row.Scan(&s.ID, &s.Scope, &s.Kind, &s.Value, &s.Source, &s.CreatedAt)
	inUTC(&s.CreatedAt)
	return s, err
}

// Unsuppress lifts a suppression by id, or those of a person's keys in a scope; it reports whether there was one.
func (tx *Tx) Unsuppress(ctx context.Context, id uuid.UUID, scope string, p cart.Person) (bool, error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM suppressions
		WHERE id = $1 OR ($1 = '00000000-0000-0000-0000-000000000000' AND scope = $2 AND key = ANY ($3))`,
		id, scope, suppressible(tx.hasher, scope, p))
	if err != nil {
		return false, fmt.Errorf("lift suppression: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Suppressions lists suppressions, newest first, of one scope or, with scope nil, of all, older than the id before.
func (db *DB) Suppressions(ctx context.Context, scope *string, before uuid.UUID, limit int) ([]Suppression, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT id, scope, kind, value, source, created_at
		FROM suppressions
		WHERE ($1::text IS NULL OR scope = $1)
			AND ($2::uuid = '00000000-0000-0000-0000-000000000000' OR id < $2)
		ORDER BY id DESC
		LIMIT $3`, scope, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list suppressions: %w", err)
	}
	return pgx.CollectRows(rows, scanSuppression)
}

// SourceShopify is the source of a suppression that came of a consent withdrawn at Shopify, and that giving it again lifts.
const SourceShopify = "shopify"

// LiftWithdrawal takes away a suppression that came of a withdrawn consent, if that was given again at an instant after we learned
// of the withdrawal: word of an earlier consent that comes late lifts nothing.
func (tx *Tx) LiftWithdrawal(ctx context.Context, scope string, p cart.Person, given time.Time) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM suppressions
		WHERE scope = $1 AND source = $2 AND key = ANY ($3) AND created_at <= $4`,
		scope, SourceShopify, suppressible(tx.hasher, scope, p), given)
	if err != nil {
		return fmt.Errorf("lift withdrawal: %w", err)
	}
	return nil
}
