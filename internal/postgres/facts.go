package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
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

// QueriedFacts loads the facts for a decision about a cart that need queries. They cover everything that belongs to the
// cart's person, under each of the person's keys. The call except is left out: it is the one being decided on.
func (tx *Tx) QueriedFacts(ctx context.Context, c *Cart, h Horizon, except uuid.UUID) (*policy.QueriedFacts, error) {
	f, err := tx.PersonOfCart(ctx, c)
	if err != nil {
		return nil, err
	}
	facts := &policy.QueriedFacts{}
	own := tx.numberOf(c)
	carts := f.others(c.ID, own)
	numbers := hashesOf(f.linking(own), cart.KeyPhone)
	batch := &pgx.Batch{}

	// A call counts by the number that was called, in every shop, or by its cart.
	batch.Queue(`
		SELECT COALESCE(sent_at, created_at), shop, insights, dials
		FROM calls
		WHERE (phone_key = ANY ($1) OR cart_id = ANY ($2)) AND created_at > $3 AND state <> 'rejected' AND id <> $4`,
		numbers, append(carts, c.ID), tx.Now.Add(-h.Dials), except).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var d policy.Dial
				var in cart.Insights
				var dials int
				if err := rows.Scan(&d.At, &d.Shop, &in, &dials); err != nil {
					return err
				}
				d.At, d.Refused = d.At.UTC(), in.Refused()
				// The provider's own redials reached the same phone.
				for range max(dials, 1) {
					facts.Dials = append(facts.Dials, d)
				}
			}
			return rows.Err()
		})

	// The open calls are counted: to find whether there is one, the planner would read all calls and hope to meet it soon.
	batch.Queue(`
		SELECT
			(
				SELECT CASE scope WHEN '' THEN 'all' ELSE 'shop' END
				FROM suppressions
				WHERE key = ANY ($1) AND scope IN ('', $2)
				ORDER BY scope
				LIMIT 1
			),
			(
				SELECT count(*) > 0
				FROM calls
				WHERE (phone_key = ANY ($3) OR cart_id = ANY ($4))
					AND cart_id <> $5
					AND created_at > $6
					AND state NOT IN ('closed', 'rejected')
			),
			(
				SELECT id
				FROM carts
				WHERE id = ANY ($4)
					AND state IN ('waiting', 'ready', 'calling')
					AND (last_activity_at, id) > ($7, $5)
				LIMIT 1
			),
			EXISTS (
				SELECT 1
				FROM orders
				WHERE shop = $2 AND order_id = ANY ($8) AND created_at >= $9 AND NOT own_cart_only
			)`,
		hashesOf(f.reach.Keys, cart.KeyCustomer, cart.KeyEmail, cart.KeyPhone), c.Shop, numbers, carts, c.ID,
		tx.Now.AddDate(0, 0, -7), c.LastActivityAt, slices.Collect(maps.Keys(f.Orders)), orderedSince(&c.Cart)).
		QueryRow(func(row pgx.Row) error {
			var suppressed *string
			err := row.Scan(&suppressed, &facts.OpenCall, &facts.NewerCart, &facts.Ordered)
			if suppressed != nil {
				facts.Suppressed = *suppressed
			}
			return err
		})

	if h.ShopCalls {
		batch.Queue(`
			SELECT COALESCE(sent_at, created_at)
			FROM calls
			WHERE shop = $1 AND created_at > $2 AND state <> 'rejected' AND id <> $3`, c.Shop, tx.Now.Add(-26*time.Hour), except).
			Query(func(rows pgx.Rows) (err error) {
				facts.ShopCalls, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
				return err
			})
	}
	if h.Offers > 0 {
		batch.Queue(`
			SELECT sent_at, offer ->> 'code'
			FROM calls
			WHERE shop = $1
				AND (phone_key = ANY ($2) OR cart_id = ANY ($3))
				AND cart_id <> $4
				AND created_at > $5
				AND sent_at IS NOT NULL
				AND offer IS NOT NULL
				AND offer_fate <> 'unmentioned'`,
			c.Shop, numbers, carts, c.ID, tx.Now.Add(-h.Offers)).
			Query(func(rows pgx.Rows) error {
				for rows.Next() {
					var g policy.GivenOffer
					if err := rows.Scan(&g.At, &g.Code); err != nil {
						return err
					}
					facts.OffersGiven = append(facts.OffersGiven, g)
				}
				return rows.Err()
			})
	}
	if !h.Month.IsZero() {
		batch.Queue(offerSpend, pgx.StrictNamedArgs{"shop": c.Shop, "month": h.Month}).QueryRow(func(row pgx.Row) error {
			var err error
			facts.OfferSpend, err = scanDecimal(row)
			return err
		})
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("load facts: %w", err)
	}
	return facts, nil
}

// orderedSince is the moment from which an order of the same person answers this cart.
func orderedSince(c *cart.Cart) time.Time {
	if !c.Checkout.CreatedAt.IsZero() {
		return c.Checkout.CreatedAt
	}
	return c.CreatedAt
}
