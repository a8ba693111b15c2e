package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringback/internal/shopify"

	"github.com/riverqueue/river"
)

type (
	// EnsureSubscriptions makes a shop's webhook subscriptions what they should be.
	EnsureSubscriptions struct {
		Shop string `json:"shop"`
	}
	// EnsureAllSubscriptions does so for every connected shop.
	EnsureAllSubscriptions struct{}
)

// Kind implements river.JobArgs.
func (EnsureSubscriptions) Kind() string    { return "ensure_subscriptions" }
func (EnsureAllSubscriptions) Kind() string { return "ensure_all_subscriptions" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (EnsureSubscriptions) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChore, MaxAttempts: 3, UniqueOpts: onceAtATime}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (EnsureAllSubscriptions) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChore, MaxAttempts: 3, UniqueOpts: onceAtATime}
}

// EnsureSubscriptions creates or repairs a shop's webhook subscriptions. What has to be put right after the first time is drift: it is
// logged, counted and noted on the shop.
func (e *Engine) EnsureSubscriptions(ctx context.Context, domain string) (shopify.Repair, error) {
	var repair shopify.Repair
	failed := e.askShopify(ctx, domain, func(ctx context.Context, c *shopify.Client) (err error) {
		repair, err = c.Ensure(ctx, e.publicURL+"/webhooks/shopify", shopify.SubscribedTopics())
		return err
	})
	if failed != nil && !repair.Any() {
		return repair, failed
	}
	drift := false
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		drift = false
		if failed == nil {
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

func topics(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

type ensureWorker struct {
	river.WorkerDefaults[EnsureSubscriptions]
	engine *Engine
}

// Timeout implements river.Worker: repairing a dozen topics may meet the rate limit.
func (w *ensureWorker) Timeout(*river.Job[EnsureSubscriptions]) time.Duration { return 2 * time.Minute }

// Work ensures one shop's subscriptions.
func (w *ensureWorker) Work(ctx context.Context, job *river.Job[EnsureSubscriptions]) error {
	_, err := w.engine.EnsureSubscriptions(ctx, job.Args.Shop)
	return w.engine.settle(job.Args.Shop, "ensure subscriptions", err)
}

type ensureAllWorker struct {
	river.WorkerDefaults[EnsureAllSubscriptions]
	engine *Engine
}

// Work hands the shops out.
func (w *ensureAllWorker) Work(ctx context.Context, _ *river.Job[EnsureAllSubscriptions]) error {
	return w.engine.forEachConnected(ctx, longestSpread, func(shop string) river.JobArgs { return EnsureSubscriptions{Shop: shop} })
}

// settle says what a failed errand to Shopify means for its job: one that cannot succeed without somebody's doing is given up
// and logged, since its periodic successor tries anyway; any other is tried again.
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
		return river.JobSnooze(api.RetryAfter + time.Second)
	case errors.As(err, &api) && !shopify.Temporary(err):
		e.log.Warn("Shopify will not do it", "shop", domain, "what", what, "error", err)
		return river.JobCancel(err)
	}
	return err
}
