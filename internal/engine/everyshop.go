package engine

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/robfig/cron/v3"
)

// longestSpread bounds the time over which work for all shops is spread.
const longestSpread = 5 * time.Minute

// spread is over how long the shops' jobs of a cron expression are spread: half the time to its next run.
func spread(expression string, now time.Time) time.Duration {
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return 0
	}
	first := schedule.Next(now)
	return min(schedule.Next(first).Sub(first)/2, longestSpread)
}

// forEachConnected inserts a job for every shop whose Admin API can be asked, spread over some time, each shop always
// at the same place: they must not come to Shopify and to our own database all at once.
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
