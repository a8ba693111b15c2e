package intake

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"ringback/internal/shopify"
)

// refused counts the webhooks of configured shops whose signature fits none of the secrets. Anybody can send one, so
// they are written and logged once a minute and shop, however many come.
type refused struct {
	mu    sync.Mutex
	shops map[string]*refusals
}

type refusals struct {
	// times counts those that were not told yet.
	times int
	told  time.Time
}

// count counts one more and returns how many are to be told now; 0 for none.
func (r *refused) count(shop string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.shops[shop]
	if of == nil {
		of = &refusals{}
		r.shops[shop] = of
	}
	of.times++
	if !of.told.IsZero() && now.Sub(of.told) < noteEvery {
		return 0
	}
	times := of.times
	of.times, of.told = 0, now
	return times
}

// noteRefused tells of a webhook with a wrong signature. What it says of itself is not proven: only a configured shop
// and a topic of Shopify's are named.
func (i *Intake) noteRefused(r *http.Request) {
	shop, err := shopify.ParseShop(r.Header.Get(shopify.HeaderShop))
	if err != nil || i.engine.Store(shop) == nil {
		return
	}
	topic := r.Header.Get(shopify.HeaderTopic)
	if !slices.Contains(shopify.SubscribedTopics(), topic) && !slices.Contains(shopify.ComplianceTopics(), topic) {
		topic = "unknown"
	}
	times := i.refused.count(shop, i.engine.Now())
	if times == 0 {
		return
	}
	i.log.WarnContext(r.Context(), "webhooks were refused: their signature does not fit the shop's secrets",
		"shop", shop, "topic", topic, "times", times)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeWithin)
	defer cancel()
	if err := i.engine.NoteRefusedSignatures(ctx, shop, topic, times); err != nil {
		i.log.WarnContext(ctx, "refused webhooks were not noted", "shop", shop, "error", err)
	}
}
