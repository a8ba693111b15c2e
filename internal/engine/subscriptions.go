package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/shopify"

	"github.com/riverqueue/river"
)

// EnsureSubscriptions creates or repairs a shop's webhook subscriptions. What has to be put right after the first time
// is drift: it is logged, counted and noted on the shop.
func (e *Engine) EnsureSubscriptions(ctx context.Context, domain string) (shopify.Repair, error) {
	var repair shopify.Repair
	failed := e.askShopify(ctx, domain, func(ctx context.Context, c *shopify.Client) (err error) {
		repair, err = c.Ensure(ctx, e.publicURL+route.ShopifyWebhooks, shopify.SubscribedTopics())
		return err
	})
	if refusedForGood(failed) {
		err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
			return u.NoteFault(ctx, domain, postgres.FaultSubscriptions, detailOf(failed))
		})
		failed = errors.Join(failed, err)
	}
	if failed != nil && !repair.Any() {
		return repair, failed
	}
	drift := false
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		drift = false
		if failed == nil {
			if err := u.EndFault(ctx, domain, postgres.FaultSubscriptions); err != nil {
				return err
			}
			before, err := u.Subscribed(ctx, domain)
			if err != nil || !before || !repair.Any() {
				return err
			}
			drift = true
		}
		detail := fmt.Sprintf("created: %s; removed: %s", topics(repair.Created), topics(repair.Removed))
		return u.NoteShop(ctx, domain, "subscriptions_repaired", detail)
	})
	if drift && err == nil {
		e.metrics.shopify.drifted(domain, repair)
		e.log.Warn("webhook subscriptions had drifted", "shop", domain, "created", repair.Created, "removed", repair.Removed)
	}
	return repair, errors.Join(failed, err)
}

// refusedForGood reports whether Shopify answered, and will not do what it was asked to.
func refusedForGood(err error) bool {
	var api *shopify.APIError
	return errors.As(err, &api) && !shopify.Temporary(err) && !errors.Is(err, shopify.ErrUnauthorized)
}

func topics(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// RepairSubscriptions ensures one shop's subscriptions for a job.
func (e *Engine) RepairSubscriptions(ctx context.Context, shop string) error {
	_, err := e.EnsureSubscriptions(ctx, shop)
	return e.settle(shop, "ensure subscriptions", err)
}

// EnsureAllSubscriptions inserts a job for each connected shop.
func (e *Engine) EnsureAllSubscriptions(ctx context.Context) error {
	return e.forEachConnected(ctx, longestSpread, func(shop string) river.JobArgs { return EnsureSubscriptions{Shop: shop} })
}

// settle says what a failed request to Shopify means for its job. An error that only a person can remedy is logged and
// final: the periodic job asks again anyway. Any other error is retried.
func (e *Engine) settle(domain, what string, err error) error {
	if err == nil {
		return nil
	}
	var api *shopify.APIError
	switch {
	case errors.Is(err, ErrNotConnected):
		return nil
	case errors.Is(err, errUnknownShop):
		return err
	case errors.Is(err, shopify.ErrThrottled) && errors.As(err, &api) && api.RetryAfter > 0:
		return later(api.RetryAfter+time.Second, nil)
	case errors.As(err, &api) && !shopify.Temporary(err):
		e.log.Warn("Shopify will not do it", "shop", domain, "what", what, "error", err)
		return &FinalError{Err: err}
	}
	return err
}
