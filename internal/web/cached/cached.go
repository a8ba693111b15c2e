// Package cached keeps values that are expensive to read.
package cached

import (
	"context"
	"sync"
	"time"
)

// Value is read anew only after a while, which is the longer the longer the reading took. With millions of carts
// counting them is slow, and neither pages nor scrapes may keep the database busy with it. It is safe for concurrent
// use.
type Value[T any] struct {
	read func(context.Context) (T, error)

	mu    sync.Mutex
	until time.Time
	value T
}

// A value is kept factor times as long as its reading took, which may be readWithin.
const (
	factor     = 20
	readWithin = 20 * time.Second
)

// New makes a value that is read when it is first asked for.
func New[T any](read func(context.Context) (T, error)) *Value[T] {
	return &Value[T]{read: read}
}

// Get returns the value. A failure to read it is not kept.
func (v *Value[T]) Get(ctx context.Context) (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	started := time.Now()
	if started.Before(v.until) {
		return v.value, nil
	}
	// The client may hang up; the reading is for all who wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
	defer cancel()
	value, err := v.read(ctx)
	if err != nil {
		return value, err
	}
	now := time.Now()
	v.value, v.until = value, now.Add(factor*now.Sub(started))
	return value, nil
}
