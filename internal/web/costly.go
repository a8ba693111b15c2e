package web

import (
	"context"
	"sync"
	"time"
)

// costly keeps an answer that may take long to find, the longer the more it cost: with millions of carts counting them takes
// a while, and neither pages nor scrapes may keep the database at it.
type costly[T any] struct {
	read func(context.Context) (T, error)

	mu    sync.Mutex
	until time.Time
	value T
}

// An answer holds costFactor times as long as it took to find, which may be costWithin.
const (
	costFactor = 20
	costWithin = 20 * time.Second
)

func newCostly[T any](read func(context.Context) (T, error)) *costly[T] {
	return &costly[T]{read: read}
}

// get returns the answer, found anew when it is too old. A failure is not kept.
func (k *costly[T]) get(ctx context.Context) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	started := time.Now()
	if started.Before(k.until) {
		return k.value, nil
	}
	// Whoever asked may hang up; the answer is for all who wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), costWithin)
	defer cancel()
	value, err := k.read(ctx)
	if err != nil {
		return value, err
	}
	now := time.Now()
	k.value, k.until = value, now.Add(costFactor*now.Sub(started))
	return value, nil
}
