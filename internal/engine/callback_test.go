package engine_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"
	"ringback/internal/secret"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counting is a provider that counts how often it is asked to check a body.
type counting struct {
	*mirai.Provider
	checks *atomic.Int64
}

func (c counting) Verify(h http.Header, body []byte) error {
	c.checks.Add(1)
	return c.Provider.Verify(h, body)
}

// manyStores is an engine with stores of as many accounts, each used by two of them.
func manyStores(t testing.TB, stores int) (*engine.Engine, *atomic.Int64) {
	t.Helper()
	var checks atomic.Int64
	all := make(map[string]*engine.Store, stores)
	for i := range stores {
		section := config.Voice{
			Provider: "mirai", BaseURL: "http://127.0.0.1:1", Workspace: "ws", Assistant: fmt.Sprint("as", i),
			Settings: &mirai.Settings{Pair: mirai.Pair{
				PublicKey: fmt.Sprint("pk", i/2), PrivateKey: secret.Secret(fmt.Sprint("sk", i/2)),
			}},
		}
		provider, err := mirai.New(section, voice.Network{})
		require.NoError(t, err)
		domain := fmt.Sprintf("shop%d.myshopify.com", i)
		all[domain] = &engine.Store{Domain: domain, Config: config.Store{Voice: section}, Provider: counting{provider, &checks}}
	}
	box, err := seal.NewBox(oldKey)
	require.NoError(t, err)
	clock := &clock{}
	db, err := postgres.Open(t.Context(), pgtest.New(t), box, clock.Now)
	require.NoError(t, err)
	e := engine.New(engine.Options{
		DB: db, Stores: all, Log: slog.New(slog.DiscardHandler), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
	})
	return e, &checks
}

func TestCallback_GarbageIsRefusedAfterOneCheckAtMost(t *testing.T) {
	t.Parallel()
	e, checks := manyStores(t, 200)
	body := bytes.Repeat([]byte("x"), 1<<20)
	for _, test := range []struct {
		name, public string
		checks       int64
	}{
		{"no account", "", 0}, {"an unknown account", "nobody", 0}, {"a known account", "pk7", 1},
	} {
		checks.Store(0)
		h := http.Header{}
		h.Set("x-signature", "0123")
		if test.public != "" {
			h.Set("x-public-key", test.public)
		}
		_, err := e.TakeCallback(t.Context(), "mirai", "garbage", h, body)
		require.ErrorIs(t, err, engine.ErrUnsigned, test.name)
		assert.Equal(t, test.checks, checks.Load(), test.name)
	}
}

func TestCallback_StoresOfOneAccountShareACheck(t *testing.T) {
	t.Parallel()
	e, checks := manyStores(t, 20)
	body := []byte(`{"event":{"type":"call.initiate"}}`)
	h := http.Header{}
	h.Set("x-public-key", "pk3")
	h.Set("x-signature", mirai.Sign("sk3", body))
	taken, err := e.TakeCallback(t.Context(), "mirai", "garbage", h, body)
	require.NoError(t, err)
	assert.Equal(t, engine.TakenUnread, taken, "it names no call")
	assert.Equal(t, int64(1), checks.Load())
}

// BenchmarkGarbageCallback shows what a stranger's callback of the largest size costs with ten thousand stores.
func BenchmarkGarbageCallback(b *testing.B) {
	e, _ := manyStores(b, 10_000)
	body := bytes.Repeat([]byte("x"), 1<<20)
	h := http.Header{}
	h.Set("x-signature", "0123")
	_, _ = e.TakeCallback(b.Context(), "mirai", "garbage", h, body)
	for b.Loop() {
		if _, err := e.TakeCallback(b.Context(), "mirai", "garbage", h, body); err == nil {
			b.Fatal("garbage was taken")
		}
	}
}
