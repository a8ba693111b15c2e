package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// ShopToken gives access to a shop's Admin API. It is kept sealed and bound to its shop, and never shows itself when
// printed.
type ShopToken struct {
	Access string `json:"access"`
	// Refresh is empty for a token that never expires.
	Refresh string `json:"refresh,omitempty"`
	// Former is the refresh token that the pair was got with. It is kept until the access token was used once: until then
	// Shopify takes it again.
	Former string `json:"former,omitempty"`
	// ExpiresAt and RefreshExpiresAt are UTC; zero means never.
	ExpiresAt        time.Time `json:"expires_at,omitzero"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
	Scopes           []string  `json:"scopes,omitempty"`
}

// Format implements fmt.Formatter.
func (ShopToken) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "[token]") }

// LogValue implements slog.LogValuer.
func (ShopToken) LogValue() slog.Value { return slog.StringValue("[token]") }

func (db *DB) sealToken(shop string, t ShopToken) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return db.box.Seal(plain, sealedToken+shop), nil
}

func (db *DB) openToken(shop string, sealed []byte) (ShopToken, error) {
	var t ShopToken
	plain, _, err := db.box.Open(sealed, sealedToken+shop)
	if err != nil {
		return t, fmt.Errorf("open the token of %s: %w", shop, err)
	}
	if err := json.Unmarshal(plain, &t); err != nil {
		return t, fmt.Errorf("read the token of %s: its content is not what was sealed", shop)
	}
	return t, nil
}

// rowQuerier is what a pool and a transaction have in common.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readToken returns the token and its sealed form; ErrNotFound when there is none, or none that Shopify takes.
func (db *DB) readToken(ctx context.Context, q rowQuerier, shop string) (ShopToken, []byte, error) {
	var sealed []byte
	err := q.QueryRow(ctx, `
		SELECT t.sealed
		FROM shop_tokens AS t
		JOIN shops AS s ON s.domain = t.shop
		WHERE t.shop = $1 AND s.access_lost_at IS NULL`, shop).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return ShopToken{}, nil, ErrNotFound
	}
	if err != nil {
		return ShopToken{}, nil, fmt.Errorf("read the token of %s: %w", shop, err)
	}
	t, err := db.openToken(shop, sealed)
	return t, sealed, err
}

// ShopToken reads a shop's token; ErrNotFound when it has none or access was lost.
func (db *DB) ShopToken(ctx context.Context, shop string) (ShopToken, error) {
	t, _, err := db.readToken(ctx, db.pool, shop)
	return t, err
}

// RenewToken lets renew replace a shop's token while no other process does the same. renew is given the newest token
// and returns it unchanged when there is nothing to do. It may make a request: what is held meanwhile is one connection
// and one lock that nothing but other renewals of the shop waits for. A token that was dropped or replaced by an
// install meanwhile is left alone. ErrNotFound when there is no token.
func (db *DB) RenewToken(ctx context.Context, shop string, renew func(context.Context, ShopToken) (ShopToken, error)) (ShopToken, error) {
	var renewed ShopToken
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKey("shop token", shop)); err != nil {
			return fmt.Errorf("lock the token of %s: %w", shop, err)
		}
		known, sealed, err := db.readToken(ctx, tx, shop)
		if err != nil {
			return err
		}
		if renewed, err = renew(ctx, known); err != nil || renewed.Access == known.Access {
			return err
		}
		fresh, err := db.sealToken(shop, renewed)
		if err != nil {
			return err
		}
		// The old pair is worthless from now on: the new one is kept even if the caller has gone.
		tag, err := tx.Exec(context.WithoutCancel(ctx), `
			UPDATE shop_tokens
			SET sealed = $2, changed_at = $3
			WHERE shop = $1 AND sealed = $4`, shop, fresh, db.Now(), sealed)
		if err != nil {
			return fmt.Errorf("keep the token of %s: %w", shop, err)
		}
		if tag.RowsAffected() == 0 {
			renewed, _, err = db.readToken(ctx, tx, shop)
		}
		return err
	})
	return renewed, err
}

// TokenWorked forgets the refresh token before this one: Shopify no longer takes it.
func (db *DB) TokenWorked(ctx context.Context, shop string, t ShopToken) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		known, sealed, err := db.readToken(ctx, tx, shop)
		if errors.Is(err, ErrNotFound) || err == nil && (known.Access != t.Access || known.Former == "") {
			return nil
		}
		if err != nil {
			return err
		}
		known.Former = ""
		fresh, err := db.sealToken(shop, known)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE shop_tokens
			SET sealed = $2
			WHERE shop = $1 AND sealed = $3`, shop, fresh, sealed)
		if err != nil {
			return fmt.Errorf("keep the token of %s: %w", shop, err)
		}
		return nil
	})
}

// InstallShop marks that the merchant installed the app, now, and keeps the shop's token. What an earlier uninstall or
// a lost access left behind is cleared.
func (tx *Tx) InstallShop(ctx context.Context, shop string, t ShopToken) error {
	sealed, err := tx.db.sealToken(shop, t)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO shop_tokens (shop, sealed, changed_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (shop) DO UPDATE
		SET sealed = excluded.sealed, changed_at = excluded.changed_at`, shop, sealed, tx.Now)
	batch.Queue(`
		INSERT INTO shops (domain, installed_at)
		VALUES ($1, $2)
		ON CONFLICT (domain) DO UPDATE
		SET installed_at = excluded.installed_at,
			uninstalled_at = NULL,
			access_lost_at = NULL,
			access_lost_reason = '',
			subscribed_at = NULL`, shop, tx.Now)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("install %s: %w", shop, err)
	}
	return tx.NoteShop(ctx, shop, "installed", "")
}

// DropToken forgets a shop's token and where its reconciling stood.
func (tx *Tx) DropToken(ctx context.Context, shop string) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		DELETE FROM shop_tokens
		WHERE shop = $1`, shop)
	batch.Queue(`
		DELETE FROM scans
		WHERE shop = $1`, shop)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("drop the token of %s: %w", shop, err)
	}
	return nil
}

// LoseAccess marks that Shopify refuses the token with this access token, which is empty for one from the
// configuration; why says what must be done. It reports false when that was known, or another token has taken its
// place.
func (tx *Tx) LoseAccess(ctx context.Context, shop, access, why string) (bool, error) {
	if access != "" {
		known, _, err := tx.db.readToken(ctx, tx, shop)
		if errors.Is(err, ErrNotFound) || err == nil && known.Access != access {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return tx.changeShop(ctx, shop, "access_lost", why, `
		UPDATE shops
		SET access_lost_at = $2, access_lost_reason = $3
		WHERE domain = $1 AND access_lost_at IS NULL`, shop, tx.Now, why)
}

// RegainAccess marks that Shopify took the shop's token from the configuration in a request that began at an instant. A
// shop that had removed the app before that counts as installed since: an older word of its removal changes nothing any
// more. It reports whether access had been lost, or the app removed.
func (tx *Tx) RegainAccess(ctx context.Context, shop string, began time.Time) (bool, error) {
	return tx.changeShop(ctx, shop, "access_regained", "", `
		UPDATE shops
		SET access_lost_at = NULL,
			access_lost_reason = '',
			installed_at = CASE WHEN uninstalled_at IS NULL THEN installed_at ELSE $2 END,
			subscribed_at = CASE WHEN uninstalled_at IS NULL THEN subscribed_at END,
			uninstalled_at = NULL
		WHERE domain = $1
			AND (access_lost_at IS NOT NULL OR uninstalled_at IS NOT NULL)
			AND (uninstalled_at IS NULL OR uninstalled_at <= $2)`, shop, began)
}

// Subscribed notes that the shop's webhook subscriptions are complete, and reports whether they had been before.
func (tx *Tx) Subscribed(ctx context.Context, shop string) (before bool, err error) {
	tag, err := tx.Exec(ctx, `
		UPDATE shops
		SET subscribed_at = $2
		WHERE domain = $1 AND subscribed_at IS NULL`, shop, tx.Now)
	if err != nil {
		return false, fmt.Errorf("note subscriptions: %w", err)
	}
	return tag.RowsAffected() == 0, nil
}

// ShopsWithToken lists the shops whose token can be used.
func (db *DB) ShopsWithToken(ctx context.Context) ([]string, error) {
	shops, err := collectStrings(ctx, db.pool, `
		SELECT t.shop
		FROM shop_tokens AS t
		JOIN shops AS s ON s.domain = t.shop
		WHERE s.access_lost_at IS NULL AND s.uninstalled_at IS NULL
		ORDER BY t.shop`)
	if err != nil {
		return nil, fmt.Errorf("list shops with a token: %w", err)
	}
	return shops, nil
}

// ShopsWithoutAccess lists the shops that removed the app, or whose token Shopify refuses.
func (db *DB) ShopsWithoutAccess(ctx context.Context) ([]string, error) {
	shops, err := collectStrings(ctx, db.pool, `
		SELECT domain
		FROM shops
		WHERE access_lost_at IS NOT NULL OR uninstalled_at IS NOT NULL
		ORDER BY domain`)
	if err != nil {
		return nil, fmt.Errorf("list shops without access: %w", err)
	}
	return shops, nil
}
