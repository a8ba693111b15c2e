package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"
	"ringback/internal/voice/providers"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// BenchmarkWebhook measures one checkout webhook through the whole program: signature, the transaction, the answer.
// Seven in eight are repeats of checkouts that are known, as real ones are.
func BenchmarkWebhook(b *testing.B) {
	w := &world{pool: pgtest.New(b)}
	api := httptest.NewServer(http.NotFoundHandler())
	b.Cleanup(api.Close)
	cfg, _, err := config.Parse("bench.yaml", []byte(configurationOf(w, api.URL)), func(string) (string, bool) { return "", false }, providers.Config())
	require.NoError(b, err)
	store := cfg.Stores[acme]
	store.Policy.Delay = time.Hour
	cfg.Stores[acme] = store
	cfg.Log.Level = "error"
	a, err := app.New(b.Context(), cfg, app.Serve, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(b.Context()) }()
	b.Cleanup(func() { require.NoError(b, <-done); a.Close() })
	url := "http://" + a.Addr() + "/webhooks/shopify"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

	var n atomic.Int64
	b.ResetTimer()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			payload := checkout(fmt.Sprintf("tok%d", i/8), func(c map[string]any) {
				c["updated_at"] = time.Now().Format(time.RFC3339Nano)
			})
			body, err := json.Marshal(payload)
			if err != nil {
				b.Error(err)
				return
			}
			d := shopify.Delivery{Topic: shopify.CheckoutsUpdate, Shop: acme, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: time.Now()}
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header = d.Headers(shopify.Sign(clientSecret, body))
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("answered %d", resp.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "webhooks/s")
}
