package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// UnknownShop is the reason with which a webhook is kept whose shop the process does not know.
const UnknownShop = "unknown_shop"

// WaitingWebhook is a kept webhook that waits for a process that knows its shop.
type WaitingWebhook struct {
	Shop       string
	Topic      string
	APIVersion string
	// TriggeredAt is when the event happened at the shop; zero when that was not told.
	TriggeredAt time.Time
	// Test marks a test notification.
	Test       bool
	ReceivedAt time.Time
	// Payload is nil when it was erased or its day was dropped.
	Payload []byte

	id  int64
	day time.Time
	key []byte
}

// WebhookWaits lets a kept webhook wait for a process that knows its shop. triggeredAt is zero when the headers did not
// tell it.
func (tx *Tx) WebhookWaits(
	ctx context.Context, w KeptWebhook, apiVersion string, triggeredAt, receivedAt time.Time, test bool,
) error {
	var at *time.Time
	if !triggeredAt.IsZero() {
		at = &triggeredAt
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO waiting_webhooks (shop, day, key, api_version, triggered_at, received_at, test)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, w.shop, w.day, w.key, apiVersion, at, receivedAt, test)
	if err != nil {
		return fmt.Errorf("let webhook wait: %w", err)
	}
	return tx.WebhookFailed(ctx, w, UnknownShop)
}

// WebhooksWait reports whether webhooks of a shop wait to be acted upon.
func (tx *Tx) WebhooksWait(ctx context.Context, shop string) (bool, error) {
	var waiting bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT 1
			FROM waiting_webhooks
			WHERE shop = $1
		)`, shop).Scan(&waiting)
	if err != nil {
		return false, fmt.Errorf("look for waiting webhooks: %w", err)
	}
	return waiting, nil
}

// ShopsWaiting lists the shops that webhooks wait for.
func (db *DB) ShopsWaiting(ctx context.Context) ([]string, error) {
	shops, err := collectStrings(ctx, db.pool, `
		SELECT DISTINCT shop
		FROM waiting_webhooks`)
	if err != nil {
		return nil, fmt.Errorf("list shops with waiting webhooks: %w", err)
	}
	return shops, nil
}

// NextWaitingWebhook takes the shop's oldest waiting webhook, which no other transaction then takes; ErrNotFound when
// there is none.
func (tx *Tx) NextWaitingWebhook(ctx context.Context, shop string) (WaitingWebhook, error) {
	if err := tx.lock(ctx, "waiting webhooks", shop); err != nil {
		return WaitingWebhook{}, err
	}
	w := WaitingWebhook{Shop: shop}
	var at *time.Time
	err := tx.QueryRow(ctx, `
		SELECT id, day, key, api_version, triggered_at, received_at, test
		FROM waiting_webhooks
		WHERE shop = $1
		ORDER BY id
		LIMIT 1`, shop).Scan(&w.id, &w.day, &w.key, &w.APIVersion, &at, &w.ReceivedAt, &w.Test)
	if errors.Is(err, pgx.ErrNoRows) {
		return w, ErrNotFound
	}
	if err != nil {
		return w, fmt.Errorf("take a waiting webhook: %w", err)
	}
	if at != nil {
		w.TriggeredAt = at.UTC()
	}
	err = tx.QueryRow(ctx, `
		SELECT topic, payload
		FROM webhooks
		WHERE day = $1 AND key = $2`, w.day, w.key).Scan(&w.Topic, &w.Payload)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return w, fmt.Errorf("read a waiting webhook: %w", err)
	}
	return w, nil
}

// WaitingWebhookDone takes a webhook out of the line. about is the cart that it was about, uuid.Nil for none; failure
// is why it could not be used, "" when it was.
func (tx *Tx) WaitingWebhookDone(ctx context.Context, w WaitingWebhook, about uuid.UUID, failure string) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		DELETE FROM waiting_webhooks
		WHERE shop = $1 AND id = $2`, w.Shop, w.id)
	batch.Queue(`
		UPDATE webhooks
		SET error = NULLIF($3, ''),
			cart_id = COALESCE(NULLIF($4, '00000000-0000-0000-0000-000000000000'::uuid), cart_id),
			payload = CASE WHEN (SELECT erased_at FROM carts WHERE id = $4) IS NULL THEN payload END
		WHERE day = $1 AND key = $2`, w.day, w.key, failure, about)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("finish a waiting webhook: %w", err)
	}
	return nil
}

// DropWaitingWebhooks forgets the waiting webhooks whose payloads are past their retention.
func (db *DB) DropWaitingWebhooks(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM waiting_webhooks
		WHERE day < $1`, before.UTC().Truncate(24*time.Hour))
	if err != nil {
		return fmt.Errorf("drop old waiting webhooks: %w", err)
	}
	return nil
}
