package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/seal"

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

// Suppress keeps a person from being called, by every key that is given, in one shop or, with scope "", in all. A
// customer account is known in one shop only. It returns what stands suppressed now.
func (tx *Tx) Suppress(ctx context.Context, scope string, p cart.Person, source string) ([]Suppression, error) {
	all, _, err := tx.suppress(ctx, scope, source, tx.Now, suppressedNames(tx.hasher, scope, p))
	return all, err
}

// SuppressWithdrawn keeps a person from being called in a shop, as Suppress does, because they withdrew their consent
// at an instant: consent given after that lifts it.
func (tx *Tx) SuppressWithdrawn(ctx context.Context, scope string, p cart.Person, at time.Time) error {
	_, _, err := tx.suppress(ctx, scope, SourceShopify, at, suppressedNames(tx.hasher, scope, p))
	return err
}

// suppressedNames are the keys of a person that can be suppressed in a scope.
func suppressedNames(h seal.Hasher, scope string, p cart.Person) []suppressedName {
	wanted := slices.Clone(p.Keys)
	slices.SortStableFunc(wanted, func(a, b cart.Key) int { return strings.Compare(string(b.Kind), string(a.Kind)) })
	var names []suppressedName
	for i, key := range hashPerson(h, scope, cart.Person{Keys: wanted}) {
		if scope != "" || key.kind() != cart.KeyCustomer {
			names = append(names, suppressedName{kind: key.kind(), key: key.hash(), value: wanted[i].Value})
		}
	}
	return names
}

// SuppressCart keeps the customer of a cart from being called again in its shop: by the keys of known, and by those
// that were kept of the cart and its calls when their values were erased. It reports whether anything was suppressed
// that was not before.
func (tx *Tx) SuppressCart(ctx context.Context, c *Cart, known cart.Person, source string) (fresh bool, err error) {
	values := map[hashedKey]string{}
	for i, key := range hashPerson(tx.hasher, c.Shop, known) {
		values[key] = known.Keys[i].Value
	}
	keys := slices.Collect(maps.Keys(values))
	for _, key := range c.keys {
		if key.kind() == cart.KeyEmail {
			keys = append(keys, key)
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT phone_key
		FROM carts
		WHERE id = $1 AND phone_key <> ''
		UNION
		SELECT phone_key
		FROM calls
		WHERE cart_id = $1 AND phone_key <> ''`, c.ID)
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return false, fmt.Errorf("suppress: %w", err)
	}
	for _, number := range numbers {
		keys = append(keys, hashedWith(phoneByte, number))
	}
	keys = without(keys, nil)
	// In one order, whoever suppresses: two transactions must not wait for each other.
	slices.Sort(keys)
	names := make([]suppressedName, len(keys))
	for i, key := range keys {
		names[i] = suppressedName{kind: key.kind(), key: key.hash(), value: values[key]}
	}
	_, fresh, err = tx.suppress(ctx, c.Shop, source, tx.Now, names)
	return fresh, err
}

// suppressedName is a key that somebody is not called under: its hash and, unless it was erased, its value.
type suppressedName struct {
	kind  cart.KeyKind
	key   []byte
	value string
}

// suppress keeps names from being called. A withdrawn consent (SourceShopify) becomes the wish of whoever asks for it
// after that, which giving the consent again does not lift. Of somebody who was erased and has begun nothing since, the
// value is not kept.
func (tx *Tx) suppress(ctx context.Context, scope, source string, at time.Time, names []suppressedName) (all []Suppression, fresh bool, err error) {
	for _, n := range names {
		var s Suppression
		err := tx.QueryRow(ctx, `
			INSERT INTO suppressions AS s (id, scope, kind, key, value, source, created_at)
			VALUES (
				@id, @scope, @kind, @key,
				CASE WHEN NOT EXISTS (`+erasedNames+`) THEN NULLIF(@value, '') END,
				@source, @at
			)
			ON CONFLICT (key, scope) DO UPDATE
			SET value = COALESCE(s.value, excluded.value),
				source = CASE WHEN s.source = @shopify THEN excluded.source ELSE s.source END,
				created_at = CASE WHEN s.source = @shopify THEN GREATEST(s.created_at, excluded.created_at) ELSE s.created_at END
			RETURNING id, scope, kind, value, source, created_at`,
			pgx.StrictNamedArgs{
				"id": uuid.Must(uuid.NewV7()), "scope": scope, "kind": n.kind, "key": n.key, "value": n.value, "source": source,
				"at": at, "shopify": SourceShopify, "shop": scope, "keys": [][]byte{n.key}, "born": nil,
			}).Scan(&s.ID, &s.Scope, &s.Kind, &s.Value, &s.Source, &s.CreatedAt)
		if err != nil {
			return nil, false, fmt.Errorf("suppress: %w", err)
		}
		inUTC(&s.CreatedAt)
		all, fresh = append(all, s), fresh || s.CreatedAt.Equal(at.UTC())
	}
	return all, fresh, nil
}

func scanSuppression(row pgx.CollectableRow) (Suppression, error) {
	var s Suppression
	err := row.Scan(&s.ID, &s.Scope, &s.Kind, &s.Value, &s.Source, &s.CreatedAt)
	inUTC(&s.CreatedAt)
	return s, err
}

// Lift says who lifts a suppression and why.
type Lift struct {
	// By is where it was lifted: api, dashboard, shopify.
	By string
	// Reason is the operator's own; it should name nobody.
	Reason string
}

// LiftedSuppression is a suppression that holds no more.
type LiftedSuppression struct {
	Suppression
	Lift
	LiftedAt time.Time
}

// Unsuppress lifts a suppression by id, or those of a person's keys in a scope; it reports whether there was one. The
// rows are kept among the lifted ones.
func (tx *Tx) Unsuppress(ctx context.Context, id uuid.UUID, scope string, p cart.Person, lift Lift) (bool, error) {
	return tx.lift(ctx, lift, `
		id = $4 OR ($4 = '00000000-0000-0000-0000-000000000000' AND scope = $5 AND key = ANY ($6))`,
		id, scope, suppressible(tx.hasher, scope, p))
}

// lift moves the suppressions that a condition names to the lifted ones. The condition's arguments are numbered from
// $4.
func (tx *Tx) lift(ctx context.Context, lift Lift, condition string, args ...any) (bool, error) {
	tag, err := tx.Exec(ctx, `
		WITH gone AS (
			DELETE FROM suppressions
			WHERE `+condition+`
			RETURNING id, scope, kind, key, value, source, created_at
		)
		INSERT INTO lifted_suppressions (id, scope, kind, key, value, source, created_at, lifted_at, lifted_by, lifted_reason)
		SELECT id, scope, kind, key, value, source, created_at, $1, $2, $3
		FROM gone`, append([]any{tx.Now, lift.By, lift.Reason}, args...)...)
	if err != nil {
		return false, fmt.Errorf("lift suppression: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// LiftedSuppressions lists suppressions that were lifted, the newest first, of one scope or, with scope nil, of all,
// older than the id before.
func (db *DB) LiftedSuppressions(ctx context.Context, scope *string, before uuid.UUID, limit int) ([]LiftedSuppression, error) {
	f := suppressionFilter(scope, before, limit)
	rows, err := db.pool.Query(ctx, `
		SELECT id, scope, kind, value, source, created_at, lifted_at, lifted_by, lifted_reason
		FROM lifted_suppressions
		`+f.where()+`
		ORDER BY id DESC
		LIMIT @limit`, f.args)
	if err != nil {
		return nil, fmt.Errorf("list lifted suppressions: %w", err)
	}
	return pgx.CollectRows(rows, scanLifted)
}

func suppressionFilter(scope *string, before uuid.UUID, limit int) *filter {
	f := newFilter()
	if scope != nil {
		f.add("scope = @scope", "scope", *scope)
	}
	f.olderThan(before)
	f.args["limit"] = limit
	return f
}

func scanLifted(row pgx.CollectableRow) (LiftedSuppression, error) {
	var s LiftedSuppression
	err := row.Scan(&s.ID, &s.Scope, &s.Kind, &s.Value, &s.Source, &s.CreatedAt, &s.LiftedAt, &s.By, &s.Reason)
	inUTC(&s.CreatedAt, &s.LiftedAt)
	return s, err
}

// Suppressions lists suppressions, newest first, of one scope or, with scope nil, of all, older than the id before.
func (db *DB) Suppressions(ctx context.Context, scope *string, before uuid.UUID, limit int) ([]Suppression, error) {
	f := suppressionFilter(scope, before, limit)
	rows, err := db.pool.Query(ctx, `
		SELECT id, scope, kind, value, source, created_at
		FROM suppressions
		`+f.where()+`
		ORDER BY id DESC
		LIMIT @limit`, f.args)
	if err != nil {
		return nil, fmt.Errorf("list suppressions: %w", err)
	}
	return pgx.CollectRows(rows, scanSuppression)
}

// SourceShopify is the source of a suppression that came of a consent withdrawn at Shopify, and that giving it again
// lifts.
const SourceShopify = "shopify"

// LiftWithdrawal lifts a suppression that came of a withdrawn consent, if that was given again at an instant after the
// withdrawal: word of an earlier consent that comes late lifts nothing.
func (tx *Tx) LiftWithdrawal(ctx context.Context, scope string, p cart.Person, given time.Time) error {
	_, err := tx.lift(ctx, Lift{By: SourceShopify, Reason: "the consent was given again"}, `
		scope = $4 AND source = $5 AND key = ANY ($6) AND created_at <= $7`,
		scope, SourceShopify, suppressible(tx.hasher, scope, p), given)
	return err
}

// ForgetSuppressed erases the phones and emails of suppressions made, and the reasons of those lifted, before an
// instant. Their keys keep on working.
func (db *DB) ForgetSuppressed(ctx context.Context, before time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE suppressions
		SET value = NULL
		WHERE created_at < $1 AND value IS NOT NULL`, before)
	batch.Queue(`
		UPDATE lifted_suppressions
		SET value = NULL
		WHERE created_at < $1 AND value IS NOT NULL`, before)
	batch.Queue(`
		UPDATE lifted_suppressions
		SET lifted_reason = ''
		WHERE lifted_at < $1 AND lifted_reason <> ''`, before)
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget suppressed persons: %w", err)
	}
	return nil
}
