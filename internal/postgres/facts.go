package postgres

import (
	"context"
	"fmt"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Horizon says how far back the costly facts must reach.
type Horizon struct {
	// Dials is the longest sliding window of the caps per phone.
	Dials time.Duration
	// ShopCalls is true when a cap per shop and day is set.
	ShopCalls bool
	// Offers is how long an offer keeps the next one away; 0 leaves them out.
	Offers time.Duration
	// Month is when the store's calendar month began; zero leaves the spend out.
	Month time.Time
}

// Near loads what a decision about a cart near its call looks at. The call except is left out: it is the one being decided on.
func (tx *Tx) Near(ctx context.Context, c *cart.Cart, h Horizon, except uuid.UUID) (*policy.Near, error) {
	near := &policy.Near{}
	phoneKey, emailKey := notNil(tx.hasher.Phone(c.Phone)), tx.hasher.Email(c.Checkout.KnownEmail())
	batch := &pgx.Batch{}

	batch.Queue(`
		SELECT scope
		FROM suppressions
		WHERE key = ANY ($1) AND scope IN ('', $2)
		ORDER BY scope
		LIMIT 1`, [][]byte{phoneKey, notNil(emailKey)}, c.Shop).
		Query(func(rows pgx.Rows) error {
			scope, err := nilIfNone(pgx.CollectRows(rows, pgx.RowTo[string]))
			if scope != nil {
				near.Suppressed = "shop"
				if *scope == "" {
					near.Suppressed = "all"
				}
			}
			return err
		})

	batch.Queue(`
		SELECT COALESCE(sent_at, created_at), shop, insights, dials
		FROM calls
		WHERE phone_key = $1 AND created_at > $2 AND state <> 'rejected' AND id <> $3`, phoneKey, tx.Now.Add(-h.Dials), except).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var d policy.Dial
				var in cart.Insights
				var dials int
				if err := rows.Scan(&d.At, &d.Shop, &in, &dials); err != nil {
					return err
				}
				d.At, d.Refused = d.At.UTC(), in.OptedOut || in.Declined
				// The provider's own redials reached the same phone.
				for range max(dials, 1) {
					near.Dials = append(near.Dials, d)
				}
			}
			return rows.Err()
		})

	batch.Queue(`
		SELECT EXISTS (
			SELECT 1
			FROM calls
			WHERE phone_key = $1 AND cart_id <> $2 AND created_at > $3 AND state NOT IN ('closed', 'rejected')
		)`, phoneKey, c.ID, tx.Now.AddDate(0, 0, -7)).
		QueryRow(func(row pgx.Row) error { return row.Scan(&near.OpenCall) })

	batch.Queue(`
		SELECT id
		FROM carts
		WHERE shop = $1
			AND phone_key = $2
			AND id <> $3
			AND state IN ('waiting', 'ready', 'calling')
			AND (last_activity_at, id) > ($4, $3)
		LIMIT 1`, c.Shop, phoneKey, c.ID, c.LastActivityAt).
		Query(func(rows pgx.Rows) (err error) {
			near.NewerCart, err = nilIfNone(pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]))
			return err
		})

	batch.Queue(`
		SELECT EXISTS (
			SELECT 1
			FROM orders
			WHERE shop = $1
				AND (customer_id = $2 AND $2 <> '' OR email_key = $3 OR phone_keys @> ARRAY[$4::bytea])
				AND created_at >= $5
		)`, c.Shop, c.Checkout.Customer.ID, emailKey, phoneKey, orderedSince(c)).
		QueryRow(func(row pgx.Row) error { return row.Scan(&near.Ordered) })

	if h.ShopCalls {
		batch.Queue(`
			SELECT COALESCE(sent_at, created_at)
			FROM calls
			WHERE shop = $1 AND created_at > $2 AND state <> 'rejected' AND id <> $3`, c.Shop, tx.Now.Add(-26*time.Hour), except).
			Query(func(rows pgx.Rows) (err error) {
				near.ShopCalls, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
				return err
			})
	}
	if h.Offers > 0 {
		batch.Queue(`
			SELECT sent_at, offer ->> 'code'
			FROM calls
			WHERE shop = $1 AND phone_key = $2 AND created_at > $3 AND sent_at IS NOT NULL AND offer IS NOT NULL AND cart_id <> $4`,
			c.Shop, phoneKey, tx.Now.Add(-h.Offers), c.ID).
			Query(func(rows pgx.Rows) error {
				for rows.Next() {
					var g policy.GivenOffer
					if err := rows.Scan(&g.At, &g.Code); err != nil {
						return err
					}
					near.OffersGiven = append(near.OffersGiven, g)
				}
				return rows.Err()
			})
	}
	if !h.Month.IsZero() {
		batch.Queue(offerSpend, pgx.StrictNamedArgs{"shop": c.Shop, "month": h.Month}).QueryRow(func(row pgx.Row) error {
			var err error
			near.OfferSpend, err = scanDecimal(row)
			return err
		})
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("load facts: %w", err)
	}
	return near, nil
}

// orderedSince is the moment from which an order of the same person answers this cart.
func orderedSince(c *cart.Cart) time.Time {
	if !c.Checkout.CreatedAt.IsZero() {
		return c.Checkout.CreatedAt
	}
	return c.CreatedAt
}
