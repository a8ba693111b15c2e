package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringback/internal/shopify"
)

// Install exchanges the code of a checked callback for tokens, keeps them, marks the shop as installed and has its
// webhooks subscribed to and what it missed fetched. The errors are errUnknownShop's, and those of
// shopify.App.Exchange.
func (e *Engine) Install(ctx context.Context, cb shopify.Callback) error {
	if _, err := e.knownStore(cb.Shop); err != nil {
		return err
	}
	app := e.App(cb.Shop)
	tokens, err := app.Exchange(ctx, cb.Shop, cb.Code)
	if err != nil {
		return fmt.Errorf("exchange the code of %s: %w", cb.Shop, err)
	}
	wanted := app.Scopes
	if len(wanted) == 0 {
		wanted = shopify.DefaultScopes()
	}
	missing := strings.Join(tokens.Missing(wanted), ", ")
	// The code is used up: what came of it is kept even if the merchant's browser has gone.
	err = e.inTx(context.WithoutCancel(ctx), func(ctx context.Context, u *unit) error {
		if err := u.InstallShop(ctx, cb.Shop, asShopToken(tokens)); err != nil {
			return err
		}
		if missing != "" {
			if err := u.NoteShop(ctx, cb.Shop, "scopes_missing", missing); err != nil {
				return err
			}
		}
		if err := u.insert(ctx, EnsureSubscriptions{Shop: cb.Shop}, time.Time{}); err != nil {
			return err
		}
		return u.insert(ctx, ReconcileShop{Shop: cb.Shop}, time.Time{})
	})
	if err != nil {
		return err
	}
	e.log.Info("a shop installed the app", "shop", cb.Shop)
	if missing != "" {
		e.log.Warn("the merchant did not grant all scopes", "shop", cb.Shop, "missing", missing)
	}
	return nil
}
