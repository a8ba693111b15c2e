package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
)

const (
	// mintWithin bounds how long a call waits for its code.
	mintWithin = 4 * time.Second
	// codeLead is by how much a code begins early: Shopify's clock may be behind ours.
	codeLead = time.Minute
	// longestCode is the life of a code that the store gives no end: one that nobody used must go some day.
	longestCode = 365 * 24 * time.Hour
)

// offerFor returns what goes out in place of a decided offer that asks for a code of its own: the code minted, else the
// store's shared fallback, else an offer without a code, which stands for none. It returns nil when the decided offer
// goes out as it is. The code follows from the cart and the attempt, so a retry never mints two.
func (e *Engine) offerFor(ctx context.Context, c *postgres.Cart, call *cart.Call) *cart.Offer {
	if call.Offer == nil || !call.Offer.Unique {
		return nil
	}
	settled := *call.Offer
	code, err := e.mint(ctx, c, call)
	if err == nil {
		settled.Code = code
		e.metrics.shopify.discounts.WithLabelValues(c.Shop, "minted").Inc()
		return &settled
	}
	settled.Unique, settled.Code, settled.EndsAfter = false, settled.Fallback, 0
	given := "fallback"
	if settled.Code == "" {
		given = "none"
	}
	e.metrics.shopify.discounts.WithLabelValues(c.Shop, given).Inc()
	e.log.WarnContext(ctx, "no code of its own for a call", "shop", c.Shop, "call", call.ID, "given", given, "error", err)
	return &settled
}

// mint makes the code of an attempt, or finds the one that an earlier try made.
func (e *Engine) mint(ctx context.Context, c *postgres.Cart, call *cart.Call) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, mintWithin)
	defer cancel()
	now := e.db.Now()
	known, err := e.db.Discount(ctx, c.ID, call.Attempt)
	if err == nil && known.GID != "" && known.DeactivatedAt == nil && known.EndsAt.After(now) {
		return known.Code, nil
	}
	if err != nil && !errors.Is(err, postgres.ErrNotFound) {
		return "", err
	}
	life := call.Offer.EndsAfter
	if life <= 0 {
		life = longestCode
	}
	wanted := shopify.Discount{
		CartID: c.ID, Attempt: call.Attempt, Prefix: call.Offer.Code, Type: call.Offer.Type, Value: call.Offer.Value,
		StartsAt: now.Add(-codeLead), EndsAt: now.Add(life), CombinesWith: call.Offer.ApplyAs != policy.OfferOverride,
	}
	row := postgres.Discount{CartID: c.ID, Attempt: call.Attempt, Shop: c.Shop, Code: wanted.Code(), EndsAt: wanted.EndsAt}
	if err := e.db.KeepDiscount(ctx, row); err != nil {
		return "", err
	}
	var minted shopify.Minted
	err = e.askShopify(ctx, c.Shop, func(ctx context.Context, client *shopify.Client) error {
		minted, err = client.CreateDiscount(ctx, wanted)
		return err
	})
	if err != nil {
		return "", err
	}
	if !minted.EndsAt.IsZero() && !minted.EndsAt.After(now) {
		return "", errors.New("the code of an earlier try has ended")
	}
	row.GID = minted.GID
	if !minted.EndsAt.IsZero() {
		row.EndsAt = minted.EndsAt
	}
	return minted.Code, e.db.KeepDiscount(ctx, row)
}

// EndDiscounts deactivates the single-use codes of the configured shops that ended unused, so that they do not pile up
// in the shop's admin. One that cannot be deactivated, because the shop is gone or the scope was taken away, is let be:
// it has ended anyway.
func (e *Engine) EndDiscounts(ctx context.Context) error {
	const page = 200
	known := slices.Collect(maps.Keys(e.stores))
	for {
		ended, err := e.db.DiscountsToEnd(ctx, e.db.Now(), known, page)
		if err != nil {
			return err
		}
		for _, d := range ended {
			err := e.askShopify(ctx, d.Shop, func(ctx context.Context, c *shopify.Client) error { return c.DeactivateDiscount(ctx, d.GID) })
			if err != nil && shopify.Temporary(err) {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := e.db.DiscountEnded(ctx, d); err != nil {
				return err
			}
		}
		if len(ended) < page {
			return nil
		}
	}
}
