package engine

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"
)

// onceAtATime keeps a second job with the same arguments out while the first has not finished. A finished one is in nobody's way.
var onceAtATime = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
	rivertype.JobStateScheduled,
}}

// longestSpread bounds the time over which work for all shops is spread.
const longestSpread = 5 * time.Minute

// periodic are the errands to Shopify that come back: hourly, or by a cron expression of the configuration, where an empty one turns it off.
func (c Shopify) periodic() ([]*river.PeriodicJob, error) {
	list := []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(endDiscountsEvery), func() (river.JobArgs, *river.InsertOpts) { return EndDiscounts{}, nil }, nil),
	}
	for _, p := range []struct {
		key, expression string
		args            river.JobArgs
	}{
		{"reconcile_every", c.ReconcileEvery, ReconcileAll{}},
		{"subscriptions_every", c.SubscriptionsEvery, EnsureAllSubscriptions{}},
	} {
		if p.expression == "" {
			continue
		}
		schedule, err := cron.ParseStandard(p.expression)
		if err != nil {
			return nil, fmt.Errorf("shopify.%s: %w", p.key, err)
		}
		list = append(list, river.NewPeriodicJob(schedule, func() (river.JobArgs, *river.InsertOpts) { return p.args, nil },
			&river.PeriodicJobOpts{RunOnStart: true}))
	}
	return list, nil
}

// spread is over how long the shops' jobs of a cron expression are spread: half the time to its next run.
func spread(expression string, now time.Time) time.Duration {
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return 0
	}
	first := schedule.Next(now)
	return min(schedule.Next(first).Sub(first)/2, longestSpread)
}

// forEachConnected inserts a job for every shop whose Admin API can be asked, spread over some time, each shop always at the same
// place: they must not come to Shopify and to our own database all at once.
func (e *Engine) forEachConnected(ctx context.Context, over time.Duration, args func(shop string) river.JobArgs) error {
	shops, err := e.connectedShops(ctx)
	if err != nil {
		return err
	}
	now := e.db.Now()
	for batch := range slices.Chunk(shops, 1000) {
		inserts := make([]river.InsertManyParams, len(batch))
		for i, shop := range batch {
			inserts[i] = river.InsertManyParams{Args: args(shop), InsertOpts: &river.InsertOpts{ScheduledAt: now.Add(placeIn(over, shop))}}
		}
		if _, err := e.river.InsertMany(ctx, inserts); err != nil {
			return fmt.Errorf("insert a job for each shop: %w", err)
		}
	}
	return nil
}

// placeIn is a shop's place in a span of time.
func placeIn(span time.Duration, shop string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(shop))
	return span * time.Duration(h.Sum32()%1000) / 1000
}

// connectedShops lists the configured shops whose Admin API can be asked.
func (e *Engine) connectedShops(ctx context.Context) ([]string, error) {
	installed, err := e.db.ShopsWithToken(ctx)
	if err != nil {
		return nil, err
	}
	var shops []string
	for _, store := range e.Stores() {
		if store.Config.AdminToken.Set() || slices.Contains(installed, store.Domain) {
			shops = append(shops, store.Domain)
		}
	}
	return shops, nil
}
