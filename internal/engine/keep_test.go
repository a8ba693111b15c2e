package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"ringback/internal/postgres"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func incoming(id string) postgres.IncomingWebhook {
	return postgres.IncomingWebhook{Shop: "loom.myshopify.com", WebhookID: id}
}

// running runs a keeper until the test ends and waits until it is open.
func running(t *testing.T, keep func(context.Context, []postgres.IncomingWebhook) ([]bool, error)) *keeper {
	t.Helper()
	k := &keeper{}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	group.Go(func() { k.run(ctx, keep) })
	t.Cleanup(func() { stop(); group.Wait() })
	opens(t, k)
	return k
}

func opens(t *testing.T, k *keeper) {
	t.Helper()
	require.Eventually(t, func() bool {
		k.mu.RLock()
		defer k.mu.RUnlock()
		return k.open
	}, waitFor, tick)
}

const (
	waitFor = time.Minute
	tick    = time.Millisecond
)

func TestKeeper_OneThatCannotBeStoredSpoilsNoOther(t *testing.T) {
	t.Parallel()
	unstorable := &pgconn.PgError{Code: "54000"}
	k := running(t, func(_ context.Context, webhooks []postgres.IncomingWebhook) ([]bool, error) {
		fresh := make([]bool, len(webhooks))
		for i, w := range webhooks {
			if w.WebhookID == "bad" {
				return nil, unstorable
			}
			fresh[i] = true
		}
		return fresh, nil
	})
	var group sync.WaitGroup
	for n := range 200 {
		group.Go(func() {
			id := fmt.Sprint(n)
			if n == 77 {
				id = "bad"
			}
			fresh, ok, err := k.keep(t.Context(), incoming(id))
			assert.True(t, ok)
			if n == 77 {
				assert.ErrorIs(t, err, unstorable)
				return
			}
			assert.NoError(t, err)
			assert.True(t, fresh)
		})
	}
	group.Wait()
}

func TestKeeper_FullQueueIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	let, begun := make(chan struct{}), make(chan struct{}, keepQueue)
	k := running(t, func(_ context.Context, webhooks []postgres.IncomingWebhook) ([]bool, error) {
		begun <- struct{}{}
		<-let
		return make([]bool, len(webhooks)), nil
	})
	var group sync.WaitGroup
	keep := func() {
		group.Go(func() {
			_, _, err := k.keep(context.WithoutCancel(t.Context()), incoming("x"))
			assert.NoError(t, err)
		})
	}
	// One for each keeper, which then hold still.
	for range keepers {
		keep()
		<-begun
	}
	for range keepQueue {
		keep()
	}
	require.Eventually(t, func() bool { return len(k.in) == keepQueue }, waitFor, tick)
	_, ok, err := k.keep(t.Context(), incoming("one too many"))
	assert.True(t, ok)
	require.ErrorIs(t, err, ErrFull)
	close(let)
	group.Wait()
}

func TestKeeper_KeepsWhatWaitsWhenItIsStopped(t *testing.T) {
	t.Parallel()
	let, begun := make(chan struct{}), make(chan struct{}, keepQueue)
	var mu sync.Mutex
	kept := 0
	k := &keeper{}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		k.run(ctx, func(ctx context.Context, webhooks []postgres.IncomingWebhook) ([]bool, error) {
			begun <- struct{}{}
			<-let
			mu.Lock()
			defer mu.Unlock()
			kept += len(webhooks)
			return make([]bool, len(webhooks)), ctx.Err()
		})
		close(ended)
	}()
	opens(t, k)
	var group sync.WaitGroup
	for n := range 50 {
		group.Go(func() {
			_, _, err := k.keep(context.WithoutCancel(t.Context()), incoming(fmt.Sprint(n)))
			assert.NoError(t, err)
		})
	}
	<-begun
	require.Eventually(t, func() bool { return len(k.in)+len(begun) > 0 }, waitFor, tick)
	stop()
	close(let)
	<-ended
	group.Wait()
	_, ok, err := k.keep(t.Context(), incoming("late"))
	assert.False(t, ok, "it is taken the other way")
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	assert.LessOrEqual(t, kept, 50)
}

func TestRecovered_SaysNothingOfThePanic(t *testing.T) {
	t.Parallel()
	err := func() (err error) {
		defer recovered(&err)
		panic(errors.New("Nila Menon, +919812345678"))
	}()
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "Nila")
	assert.NotContains(t, err.Error(), "9812345678")
}
