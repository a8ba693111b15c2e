package bench

import (
	"context"
	"fmt"
	"log/slog"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice/providers"
)

// The shops of the program. The carts of one wait for hours. Those of the other are called soon, at any hour.
const (
	waitingShop = "bench-waiting.myshopify.com"
	callingShop = "bench-calling.myshopify.com"
)

// lines is how many calls may go on at once: enough for every cart that falls due.
const lines = 1000

// conns and workers are the program's settings that matter most.
const (
	conns   = 20
	workers = 20
)

const configuration = `
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:0"}
database: {url: %q, max_conns: %d}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
shopify: {client_id: bench, client_secrets: [%q]}
worker: {concurrency: %d}
log: {level: error}
defaults:
  timezone: Asia/Kolkata
  country: IN
  currency: INR
  voice:
    provider: mirai
    base_url: %q
    public_key: pk
    private_key: sk
    workspace: bench
    assistant: bench
    lines: %d
stores:
  %s:
    policy: {delay: 6h, consent: {basis: "attribute:automated_calls", proves: voice}}
  %s:
    policy:
      delay: %s
      consent: {basis: "attribute:automated_calls", proves: voice}
      windows: [{from: "00:00", to: "24:00"}]
      quiet_hours: "off"
      attempts: {max: 1}
      caps: {per_phone: []}
      breakers: []
`

// startProgram runs the whole program, with workers, until end is called. When it ends before, failed is told.
func startProgram(
	ctx context.Context, failed context.CancelCauseFunc, databaseURL, voiceURL string, key secret.Secret, log *slog.Logger,
) (addr string, end func() error, err error) {
	text := fmt.Appendf(nil, configuration, databaseURL, conns, key.Reveal(), workers, voiceURL, lines, waitingShop,
		callingShop, callDelay)
	nothing := func(string) (string, bool) { return "", false }
	cfg, _, err := config.Parse("the benchmark's configuration", text, nothing, providers.Config())
	if err != nil {
		return "", nil, err
	}
	a, err := app.New(ctx, cfg, app.Serve, log)
	if err != nil {
		return "", nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := a.Run(running)
		if running.Err() == nil {
			failed(fmt.Errorf("the program ended: %w", err))
		}
		done <- err
	}()
	return a.Addr(), func() error {
		stop()
		err := <-done
		a.Close()
		return err
	}, nil
}
