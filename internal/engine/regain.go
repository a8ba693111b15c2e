package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/shopify"
)

// RegainAllAccess asks Shopify whether it takes the admin_token of a shop, or of every shop that lost access when shop
// is empty.
func (e *Engine) RegainAllAccess(ctx context.Context, shop string) error {
	shops := []string{shop}
	if shop == "" {
		var err error
		if shops, err = e.db.ShopsWithoutAccess(ctx); err != nil {
			return err
		}
	}
	var failed []error
	for _, shop := range shops {
		err := e.RegainAccess(ctx, shop)
		if shopify.Temporary(err) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// RegainAccess asks Shopify something with the admin_token of a shop; when it answers, the shop has access again. The
// error is ErrNotConnected for a shop that has no admin_token, else Shopify's.
func (e *Engine) RegainAccess(ctx context.Context, domain string) error {
	store := e.stores[domain]
	if store == nil || !store.Config.AdminToken.Set() {
		return ErrNotConnected
	}
	return e.askShopify(ctx, domain, func(ctx context.Context, c *shopify.Client) error {
		_, err := c.ShopInfo(ctx)
		return err
	})
}

// noteAccess notes that Shopify took the token of the configuration in a request that began at an instant. A shop that
// removed its custom app before that has installed it again: its webhooks are subscribed to anew and what it missed is
// fetched.
func (e *Engine) noteAccess(ctx context.Context, domain string, began time.Time) error {
	regained := false
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		if regained, err = u.RegainAccess(ctx, domain, began); err != nil || !regained {
			return err
		}
		if err := u.insert(ctx, EnsureSubscriptions{Shop: domain}, time.Time{}); err != nil {
			return err
		}
		return u.insert(ctx, ReconcileShop{Shop: domain}, time.Time{})
	})
	if regained && err == nil {
		e.log.Info("Shopify takes our access to a shop again", "shop", domain)
	}
	return err
}
