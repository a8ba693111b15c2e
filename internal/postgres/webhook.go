package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// keptDays is how many daily partitions a webhook's key is looked for in: Shopify retries for four hours and promises
// no more; a merchant's clock and a slow day are allowed for.
const keptDays = 3

// KeepWebhook records a webhook as it came and reports whether it is new: one with the same shop and id was never kept.
// With inTurn, and while webhooks of the shop wait to be acted upon, it records nothing and reports that.
func (tx *Tx) KeepWebhook(
	ctx context.Context, shop, webhookID, topic string, payload []byte, inTurn bool,
) (fresh, waiting bool, err error) {
	key := webhookKey(shop, webhookID)
	day, days := tx.Now.Truncate(24*time.Hour), recentDays(tx.Now)
	err = tx.QueryRow(ctx, `
		WITH turn AS (
			SELECT $8 AND EXISTS (
				SELECT 1
				FROM waiting_webhooks
				WHERE shop = $3
			) AS waits
		), kept AS (
			INSERT INTO webhooks (day, key, shop, topic, received_at, payload)
			SELECT $1, $2, $3, $4, $5, $6
			FROM turn
			WHERE NOT turn.waits
				AND (
					SELECT true
					FROM webhooks
					WHERE key = $2 AND day = ANY ($7::date[])
					LIMIT 1
				) IS NULL
			ON CONFLICT (day, key) DO NOTHING
			RETURNING true
		)
		SELECT EXISTS (SELECT 1 FROM kept), waits
		FROM turn`, day, key, shop, topic, tx.Now, payload, days, inTurn).Scan(&fresh, &waiting)
	if err != nil {
		return false, false, fmt.Errorf("keep webhook: %w", err)
	}
	return fresh, waiting, nil
}

// WebhookAbout ties a kept webhook to the cart that it was about, so that both can be erased together. What comes about
// a cart that was erased already is not kept.
func (tx *Tx) WebhookAbout(ctx context.Context, shop, webhookID string, cartID uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		UPDATE webhooks
		SET cart_id = $3,
			payload = CASE WHEN (SELECT erased_at FROM carts WHERE id = $3) IS NULL THEN payload END
		WHERE day = $1 AND key = $2`, tx.Now.Truncate(24*time.Hour), webhookKey(shop, webhookID), cartID)
	if err != nil {
		return fmt.Errorf("tie webhook to cart: %w", err)
	}
	return nil
}

// WebhookFailed notes why a kept webhook could not be used.
func (tx *Tx) WebhookFailed(ctx context.Context, w KeptWebhook, why string) error {
	_, err := tx.Exec(ctx, `
		UPDATE webhooks
		SET error = $3
		WHERE day = $1 AND key = $2`, w.day, w.key, why)
	if err != nil {
		return fmt.Errorf("note why webhook failed: %w", err)
	}
	return nil
}

func webhookKey(shop, webhookID string) []byte {
	sum := sha256.Sum256([]byte(shop + "\x00" + webhookID))
	return sum[:16]
}

// KeepCallback records what a voice API sent, with the reason why it changes nothing. call is nil when it names no call
// of ours. It is kept without its payload when it is about a cart that was erased, or names somebody who was.
func (db *DB) KeepCallback(
	ctx context.Context, provider string, call *uuid.UUID, kind string, payload []byte, failure string,
) error {
	return db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		kept := payload
		if call == nil {
			var erased bool
			err := tx.QueryRow(ctx, `SELECT EXISTS (`+erasedNames+`)`, pgx.StrictNamedArgs{
				"shop": "", "keys": keysIn(tx.hasher, "", "", payload), "born": nil,
			}).Scan(&erased)
			if err != nil {
				return fmt.Errorf("keep callback: %w", err)
			}
			if erased {
				kept = nil
			}
		}
		return tx.KeepCallback(ctx, provider, call, kind, kept, failure)
	})
}

// KeepCallback records what a voice API sent about a call of ours; without its payload when the call's cart was erased.
// failure is why it could not be used as it is meant, "" when it was. It waits for an erasure of the cart that is under
// way.
func (tx *Tx) KeepCallback(
	ctx context.Context, provider string, call *uuid.UUID, kind string, payload []byte, failure string,
) error {
	_, err := tx.Exec(ctx, `
		WITH about AS (
			SELECT carts.erased_at
			FROM calls
			JOIN carts ON carts.id = calls.cart_id
			WHERE calls.id = $4
			FOR SHARE OF carts
		)
		INSERT INTO callbacks (day, received_at, provider, call_id, type, payload, error)
		VALUES ($1, $2, $3, $4, $5, CASE WHEN (SELECT erased_at FROM about) IS NULL THEN $6::bytea END, NULLIF($7, ''))`,
		tx.Now.Truncate(24*time.Hour), tx.Now, provider, call, eventType(kind), payload, failure)
	if err != nil {
		return fmt.Errorf("keep callback: %w", err)
	}
	return nil
}

// eventName is the form of the names that providers give to their events.
var eventName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]{0,59}$`)

// eventType is the provider's name of an event; "other" for a text that is no name and may say something of a person,
// since the type outlives the payload.
func eventType(told string) string {
	if !eventName.MatchString(told) {
		return "other"
	}
	return told
}

// CallbackPayload reads the raw message about a call that has the given SHA-256 prefix; ErrNotFound when it was erased
// or dropped.
func (db *DB) CallbackPayload(ctx context.Context, call uuid.UUID, digest []byte) ([]byte, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT payload
		FROM callbacks
		WHERE call_id = $1 AND payload IS NOT NULL AND substring(sha256(payload) FOR $3) = $2
		LIMIT 1`, call, digest, len(digest))
	if err != nil {
		return nil, fmt.Errorf("read callback: %w", err)
	}
	payload, err := nilIfNone(pgx.CollectRows(rows, pgx.RowTo[[]byte]))
	if err != nil {
		return nil, fmt.Errorf("read callback: %w", err)
	}
	if payload == nil {
		return nil, ErrNotFound
	}
	return *payload, nil
}

// KeptCallback is what a voice API sent about a call of ours.
type KeptCallback struct {
	Provider string
	// Cart is the call's, locked by the transaction.
	Cart    *Cart
	Call    uuid.UUID
	Kind    string
	Payload []byte
	// Failure is why it could not be used as it is meant, "" when it was.
	Failure string
}

// KeepCallbacks records what voice APIs sent; without the payload where the call's cart was erased.
func (tx *Tx) KeepCallbacks(ctx context.Context, all []KeptCallback) error {
	n := len(all)
	providers, calls, kinds := make([]string, n), make([]uuid.UUID, n), make([]string, n)
	payloads, failures := make([][]byte, n), make([]string, n)
	for i, cb := range all {
		providers[i], calls[i], kinds[i], failures[i] = cb.Provider, cb.Call, eventType(cb.Kind), cb.Failure
		if cb.Cart.ErasedAt == nil {
			payloads[i] = cb.Payload
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO callbacks (day, received_at, provider, call_id, type, payload, error)
		SELECT $1, $2, provider, call_id, type, payload, NULLIF(error, '')
		FROM unnest($3::text[], $4::uuid[], $5::text[], $6::bytea[], $7::text[]) WITH ORDINALITY
			AS x (provider, call_id, type, payload, error, place)
		ORDER BY place`, tx.Now.Truncate(24*time.Hour), tx.Now, providers, calls, kinds, payloads, failures)
	if err != nil {
		return fmt.Errorf("keep callbacks: %w", err)
	}
	return nil
}
