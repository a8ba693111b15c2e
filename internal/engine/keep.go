package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/shopify"
)

const (
	// keepers is how many transactions keep webhooks at a time in a process. One writes while the other commits.
	keepers = 2
	// keptTogether is how many webhooks one transaction keeps at most.
	keptTogether = 128
	// keepQueue is how many webhooks may wait for a transaction; beyond that senders are told to come back.
	keepQueue = 2048
	// keepWithin bounds one transaction that keeps webhooks.
	keepWithin = 15 * time.Second
)

// ErrFull says that so many webhooks wait to be kept that no other is taken in just now.
var ErrFull = errors.New("too many webhooks wait to be kept")

// keeper keeps verified webhooks about checkouts: those that come together share one transaction. See RunIntake.
type keeper struct {
	mu   sync.RWMutex
	open bool
	in   chan *keeping
	// more is until when, in Unix nanoseconds, others are taken to follow soon; crowded is until when they are taken to
	// come in numbers.
	more, crowded atomic.Int64
}

const (
	// crowd is from how many webhooks in one transaction on they come in numbers, and crowdedFor how long that is taken to
	// last.
	crowd      = 8
	crowdedFor = 30 * time.Millisecond
	moreFor    = 15 * time.Millisecond
	// few is below how many webhooks a transaction waits gatherFor for others, while they come in numbers.
	few       = 12
	gatherFor = time.Millisecond
)

// note notes that webhooks were taken together.
func (k *keeper) note(n int) {
	now := time.Now()
	k.more.Store(now.Add(moreFor).UnixNano())
	if n >= crowd {
		k.crowded.Store(now.Add(crowdedFor).UnixNano())
	}
}

// inNumbers reports whether webhooks come in numbers.
func (k *keeper) inNumbers() bool { return time.Now().UnixNano() < k.crowded.Load() }

// patience is how long webhooks may wait for the appliers, as others come now.
func (k *keeper) patience() time.Duration {
	switch now := time.Now().UnixNano(); {
	case now < k.crowded.Load():
		return linger
	case now < k.more.Load():
		return shortLinger
	}
	return 0
}

// keeping is a webhook that waits to be kept.
type keeping struct {
	webhook postgres.IncomingWebhook
	// done gets the answer; it has room for it.
	done chan kept
}

type kept struct {
	fresh bool
	err   error
}

// keep has a webhook kept and waits until it is durable. ok is false when no keeper runs in this process.
func (k *keeper) keep(ctx context.Context, w postgres.IncomingWebhook) (fresh, ok bool, err error) {
	item := &keeping{webhook: w, done: make(chan kept, 1)}
	k.mu.RLock()
	if !k.open {
		k.mu.RUnlock()
		return false, false, nil
	}
	select {
	case k.in <- item:
		k.mu.RUnlock()
	default:
		k.mu.RUnlock()
		return false, true, ErrFull
	}
	select {
	case answer := <-item.done:
		return answer.fresh, true, answer.err
	case <-ctx.Done():
		return false, true, ctx.Err()
	}
}

// run keeps webhooks until ctx ends; then it keeps what waits and takes in no more.
func (k *keeper) run(ctx context.Context, keep func(context.Context, []postgres.IncomingWebhook) ([]bool, error)) {
	in := make(chan *keeping, keepQueue)
	k.mu.Lock()
	k.in, k.open = in, true
	k.mu.Unlock()
	var group sync.WaitGroup
	for range keepers {
		group.Go(func() {
			for first := range in {
				items := gather([]*keeping{first}, in, keptTogether)
				if len(items) < few && k.inNumbers() {
					items = await(items, in)
				}
				k.note(len(items))
				keepTogether(context.WithoutCancel(ctx), items, keep)
			}
		})
	}
	<-ctx.Done()
	k.mu.Lock()
	k.open = false
	k.mu.Unlock()
	close(in)
	group.Wait()
}

// gather takes whatever waits, to some that were taken, until there are most.
func gather[T any](items []T, in <-chan T, most int) []T {
	for len(items) < most {
		select {
		case item, more := <-in:
			if !more {
				return items
			}
			items = append(items, item)
		default:
			return items
		}
	}
	return items
}

// await takes what comes within gatherFor, until it is not few any more: each transaction costs as much as several
// webhooks.
func await(items []*keeping, in <-chan *keeping) []*keeping {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for len(items) < few {
		select {
		case item, more := <-in:
			if !more {
				return items
			}
			items = append(items, item)
		case <-timer.C:
			return items
		}
	}
	return gather(items, in, keptTogether)
}

// keepTogether keeps webhooks in one transaction. When the database cannot hold one of them, each is kept by itself, so
// that it does not spoil the others.
func keepTogether(
	ctx context.Context, items []*keeping, keep func(context.Context, []postgres.IncomingWebhook) ([]bool, error),
) {
	within, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	webhooks := make([]postgres.IncomingWebhook, len(items))
	for i, item := range items {
		webhooks[i] = item.webhook
	}
	fresh, err := keep(within, webhooks)
	if _, unstorable := postgres.Unstorable(err); unstorable && len(items) > 1 {
		for _, item := range items {
			keepTogether(ctx, []*keeping{item}, keep)
		}
		return
	}
	for i, item := range items {
		if err != nil {
			item.done <- kept{err: err}
		} else {
			item.done <- kept{fresh: fresh[i]}
		}
	}
}

// keepCheckout keeps a webhook about a checkout in the intake queue. ok is false for a webhook that must go the other
// way: another topic, a shop that this process does not know, a body that has to be looked at whole.
func (e *Engine) keepCheckout(ctx context.Context, d shopify.Delivery, body []byte) (taken Taken, ok bool, err error) {
	if !isCheckout(d.Topic) || e.stores[d.Shop] == nil {
		return "", false, nil
	}
	peeked, readable := shopify.PeekCheckout(body)
	if origin := peeked.Origin(); !readable || origin != "" && origin != d.Shop {
		return "", false, nil
	}
	fresh, ok, err := e.keeper.keep(ctx, postgres.IncomingWebhook{
		Shop: d.Shop, WebhookID: d.WebhookID, Topic: d.Topic, Checkout: peeked.Token, Payload: body,
		TriggeredAt: d.TriggeredAt, APIVersion: d.APIVersion, Test: d.Test,
	})
	if _, unstorable := postgres.Unstorable(err); unstorable {
		return "", false, nil
	}
	if !ok || err != nil {
		return "", ok, err
	}
	if !fresh {
		return TakenBefore, true, nil
	}
	return TakenNew, true, nil
}
