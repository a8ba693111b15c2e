package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/policy"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Shop is the state of a shop as a whole.
type Shop struct {
	Domain        string
	InstalledAt   *time.Time
	UninstalledAt *time.Time
	PausedAt      *time.Time
	PausedBy      string
	BreakerAt     *time.Time
	BreakerReason string
	BreakerUntil  *time.Time
	ResumedAt     *time.Time
	LastWebhookAt *time.Time
	CreditsLeft   *decimal.Decimal
	// AccessLostAt is since when Shopify refuses our token; AccessLostReason says what must be done about it.
	AccessLostAt     *time.Time
	AccessLostReason string
	// ReconciledUntil is the instant up to which everything that changed at Shopify has been looked at; nil before the
	// first time.
	ReconciledUntil *time.Time
	// SubscribedAt is when the webhook subscriptions were first complete since the install; nil before.
	SubscribedAt *time.Time
	// LongestGap is the longest usual time between two webhooks; 0 when it is not known.
	LongestGap time.Duration
}

// State is what the policy looks at. A breaker that is past its time is closed.
func (s Shop) State(now time.Time) policy.Shop {
	return policy.Shop{
		Paused:       s.PausedAt != nil,
		Breaker:      s.BreakerAt != nil && (s.BreakerUntil == nil || s.BreakerUntil.After(now)),
		BreakerUntil: s.BreakerUntil,
		Uninstalled:  s.UninstalledAt != nil,
	}
}

const shopColumns = `
	domain, installed_at, uninstalled_at, paused_at, paused_by, breaker_at, breaker_reason, breaker_until,
	resumed_at, last_webhook_at, credits_left, access_lost_at, access_lost_reason, reconciled_until,
	subscribed_at, longest_gap_seconds`

func scanShop(row pgx.CollectableRow) (Shop, error) {
	var s Shop
	var gap float64
	err := row.Scan(&s.Domain, &s.InstalledAt, &s.UninstalledAt, &s.PausedAt, &s.PausedBy, &s.BreakerAt, &s.BreakerReason,
		&s.BreakerUntil, &s.ResumedAt, &s.LastWebhookAt, &s.CreditsLeft, &s.AccessLostAt, &s.AccessLostReason,
		&s.ReconciledUntil, &s.SubscribedAt, &gap)
	inUTC(s.InstalledAt, s.UninstalledAt, s.PausedAt, s.BreakerAt, s.BreakerUntil, s.ResumedAt, s.LastWebhookAt,
		s.AccessLostAt, s.ReconciledUntil, s.SubscribedAt)
	s.LongestGap = time.Duration(gap * float64(time.Second))
	return s, err
}

// EnsureShops makes a row for every configured shop that has none.
func (db *DB) EnsureShops(ctx context.Context, domains []string) error {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO shops (domain)
		SELECT unnest($1::text[])
		ON CONFLICT (domain) DO NOTHING`, domains)
	if err != nil {
		return fmt.Errorf("make shops: %w", err)
	}
	return nil
}

// Shop reads a shop; ErrNotFound for an unknown one.
func (tx *Tx) Shop(ctx context.Context, domain string) (Shop, error) { return shop(ctx, tx, domain) }

// Shop reads a shop; ErrNotFound for an unknown one.
func (db *DB) Shop(ctx context.Context, domain string) (Shop, error) {
	return shop(ctx, db.pool, domain)
}

func shop(ctx context.Context, q querier, domain string) (Shop, error) {
	rows, err := q.Query(ctx, `
		SELECT `+shopColumns+`
		FROM shops
		WHERE domain = $1`, domain)
	if err != nil {
		return Shop{}, fmt.Errorf("read shop: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanShop)
	if errors.Is(err, pgx.ErrNoRows) {
		return Shop{}, ErrNotFound
	}
	if err != nil {
		return Shop{}, fmt.Errorf("read shop: %w", err)
	}
	return s, nil
}

// Shops lists all shops by name.
func (db *DB) Shops(ctx context.Context) ([]Shop, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+shopColumns+`
		FROM shops
		ORDER BY domain`)
	if err != nil {
		return nil, fmt.Errorf("list shops: %w", err)
	}
	return pgx.CollectRows(rows, scanShop)
}

// PauseShop halts calling for a shop; by says who asked. It reports whether the shop was not paused before.
func (tx *Tx) PauseShop(ctx context.Context, domain, by string) (bool, error) {
	return tx.changeShop(ctx, domain, "paused", by, `
		UPDATE shops
		SET paused_at = $2, paused_by = $3
		WHERE domain = $1 AND paused_at IS NULL`, domain, tx.Now, by)
}

// ResumeShop allows calling again and closes the breaker. It reports whether the shop was halted before.
func (tx *Tx) ResumeShop(ctx context.Context, domain, by string) (bool, error) {
	return tx.changeShop(ctx, domain, "resumed", by, `
		UPDATE shops
		SET paused_at = NULL, paused_by = '', breaker_at = NULL, breaker_reason = '', breaker_until = NULL, resumed_at = $2
		WHERE domain = $1 AND (paused_at IS NOT NULL OR breaker_at IS NOT NULL)`, domain, tx.Now)
}

// TripBreaker halts calling for a shop because of what went wrong, until a moment or, when that is nil, until resumed
// by hand.
func (tx *Tx) TripBreaker(ctx context.Context, domain, why string, until *time.Time) (bool, error) {
	return tx.changeShop(ctx, domain, "breaker", why, `
		UPDATE shops
		SET breaker_at = $2, breaker_reason = $3, breaker_until = $4
		WHERE domain = $1 AND (breaker_at IS NULL OR breaker_until <= $2)`, domain, tx.Now, why, until)
}

// CloseBreakers closes the breakers that are past their time and returns their shops.
func (tx *Tx) CloseBreakers(ctx context.Context) ([]string, error) {
	rows, err := tx.Query(ctx, `
		UPDATE shops
		SET breaker_at = NULL, breaker_reason = '', breaker_until = NULL, resumed_at = $1
		WHERE breaker_until <= $1
		RETURNING domain`, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("close breakers: %w", err)
	}
	domains, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("close breakers: %w", err)
	}
	for _, d := range domains {
		if err := tx.NoteShop(ctx, d, "breaker_closed", "its time is over"); err != nil {
			return nil, err
		}
	}
	return domains, nil
}

// UninstallShop marks that the merchant removed the app at an instant. A word older than the newest install changes
// nothing.
func (tx *Tx) UninstallShop(ctx context.Context, domain string, at time.Time) (bool, error) {
	return tx.changeShop(ctx, domain, "uninstalled", "", `
		UPDATE shops
		SET uninstalled_at = $2
		WHERE domain = $1 AND uninstalled_at IS NULL AND (installed_at IS NULL OR installed_at <= $3)`, domain, tx.Now, at)
}

// gapFades is what remains of the longest gap at each note of a webhook, once a minute at the most: half of it after a
// busy day. The gap of a night so holds until the next one.
const gapFades = 0.9995

// HeardFromShop notes the time of the newest webhook, and how long the shop had been silent; at most once a minute, to
// keep the row cool.
func (db *DB) HeardFromShop(ctx context.Context, domain string) error {
	now := db.Now()
	_, err := db.pool.Exec(ctx, `
		UPDATE shops
		SET last_webhook_at = $2,
			longest_gap_seconds = GREATEST(
				longest_gap_seconds * $4, COALESCE(extract(epoch FROM $2 - last_webhook_at), 0)::float8)
		WHERE domain = $1 AND (last_webhook_at IS NULL OR last_webhook_at < $3)`,
		domain, now, now.Add(-time.Minute), gapFades)
	if err != nil {
		return fmt.Errorf("note webhook: %w", err)
	}
	return nil
}

// SetCredits remembers the balance that the provider told of.
func (tx *Tx) SetCredits(ctx context.Context, domain string, left decimal.Decimal) error {
	_, err := tx.Exec(ctx, `
		UPDATE shops
		SET credits_left = $2
		WHERE domain = $1`, domain, left)
	if err != nil {
		return fmt.Errorf("remember credits: %w", err)
	}
	return nil
}

func (tx *Tx) changeShop(ctx context.Context, domain, event, detail, query string, args ...any) (bool, error) {
	tag, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("change shop: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	return true, tx.NoteShop(ctx, domain, event, detail)
}

// NoteShop adds to what happened to a shop as a whole.
func (tx *Tx) NoteShop(ctx context.Context, domain, event, detail string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO shop_events (shop, at, event, detail)
		VALUES ($1, $2, $3, $4)`, domain, tx.Now, event, detail)
	if err != nil {
		return fmt.Errorf("note on shop: %w", err)
	}
	tx.Noted = append(tx.Noted, ShopEvent{Shop: domain, At: tx.Now, Event: event, Detail: detail})
	return nil
}

// ShopEvent is something that happened to a shop as a whole.
type ShopEvent struct {
	Shop   string
	At     time.Time
	Event  string
	Detail string
}

// ShopEvents lists the newest events of a shop, or of all shops when domain is "".
func (db *DB) ShopEvents(ctx context.Context, domain string, limit int) ([]ShopEvent, error) {
	f := newFilter()
	f.addIf("shop = @shop", "shop", domain)
	f.args["limit"] = limit
	rows, err := db.pool.Query(ctx, `
		SELECT shop, at, event, detail
		FROM shop_events
		`+f.where()+`
		ORDER BY id DESC
		LIMIT @limit`, f.args)
	if err != nil {
		return nil, fmt.Errorf("list shop events: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ShopEvent])
}
