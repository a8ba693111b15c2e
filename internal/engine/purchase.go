package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
)

// askWithin bounds the question whether the customer has bought. A line waits for it.
const askWithin = time.Second

// The answers to that question, as the metric names them.
const (
	answerBought = "bought"
	answerNot    = "not_bought"
	answerLate   = "late"
	answerFailed = "failed"
)

// checkPurchase asks Shopify whether the checkout was bought, unless the store turns that off, something was heard of
// the checkout lately, or there is no access to the shop's Admin API. If it was bought, the cart learns it. A late or
// failed answer lets the call go out: webhooks and reconciling have not told of a purchase, and Shopify being away must
// not end all calling.
func (e *Engine) checkPurchase(ctx context.Context, store *Store, c *postgres.Cart) error {
	if !e.asksForPurchase(store, c.LastActivityAt) {
		return nil
	}
	connected, err := e.Connected(ctx, c.Shop)
	if err != nil || !connected {
		return err
	}
	ref := c.Checkout.Ref()
	if ref.Token = c.Token; postgres.IsStandIn(c.Token) {
		ref.Token = ""
	}
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var done shopify.Completion
	err = e.askShopify(asking, c.Shop, func(ctx context.Context, client *shopify.Client) (err error) {
		done, err = client.CheckoutCompleted(ctx, ref)
		return err
	})
	answer := answerNot
	switch {
	case err != nil && (asking.Err() != nil || errors.Is(err, shopify.ErrThrottled)):
		answer = answerLate
	case err != nil:
		answer = answerFailed
		e.log.WarnContext(ctx, "Shopify could not say whether a cart was bought; it is called", "shop", c.Shop, "cart", c.ID, "error", err)
	case done.Completed:
		answer = answerBought
	}
	e.metrics.shopify.checks.WithLabelValues(c.Shop, answer).Inc()
	if answer != answerBought {
		return nil
	}
	return e.inTx(ctx, func(ctx context.Context, u *unit) error { return u.takePurchase(ctx, store, c, done) })
}

// asksForPurchase reports whether Shopify is asked about the checkout of a cart that was last heard of at an instant.
func (e *Engine) asksForPurchase(store *Store, heard time.Time) bool {
	after := store.Config.PurchaseCheck
	return after > 0 && e.db.Now().Sub(heard) >= after
}

// takePurchase tells a cart of the purchase that Shopify told of: by its order, or as the checkout's completion.
func (u *unit) takePurchase(ctx context.Context, store *Store, c *postgres.Cart, done shopify.Completion) error {
	if done.Order != nil {
		if _, err := u.takeOrder(ctx, store, *done.Order); err != nil {
			return err
		}
	}
	locked, err := u.CartForUpdate(ctx, c.ID)
	if err != nil || locked.State == cart.Purchased {
		return err
	}
	completed := locked.Checkout
	at := u.Now
	if done.At != nil {
		at = *done.At
	}
	completed.CompletedAt = &at
	_, err = u.apply(ctx, locked, cart.CheckoutSeen{Checkout: completed, Via: cart.ViaReconcile}, nil)
	return err
}
