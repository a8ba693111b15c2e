// Package demo tells the whole story on one machine: the real program, an embedded Postgres, and a simulated shop and
// voice API that speak with it over HTTP. Time is compressed by the store's configuration alone.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"ringback/internal/app"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/sim/simshop"
	"ringback/internal/sim/simvoice"

	"golang.org/x/sync/errgroup"
)

// Options say how the demo is run.
type Options struct {
	// DataDir holds the database, the key and the configuration; a second run goes on with them.
	DataDir string
	// Listen is the dashboard's address; when it is taken, a free port of the same host is.
	Listen string
	// Once ends the demo when the story is told, instead of keeping the dashboard open.
	Once bool
	// Out gets the story, Log what the programs log.
	Out, Log io.Writer
	// Colour is true for a terminal.
	Colour bool
}

// What the simulated shop and voice API are told apart by. They exist on this machine only.
const (
	shopDomain   = "chai-and-cotton.myshopify.com"
	clientSecret = "demo-client-secret"
	publicKey    = "pk_demo"
	privateKey   = "sk_demo"
	workspace    = "demo-workspace"
	assistant    = "demo-assistant"
	lines        = 3
)

// speed is how many times faster than a real one a simulated call goes.
const speed = 15

// Run tells the story. It returns nil when the context ends, or when the story is told and Once is set.
func Run(ctx context.Context, o Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
		return err
	}
	listen, err := freeAddress(o.Listen)
	if err != nil {
		return err
	}
	tell := newTeller(o.Out, o.Colour)
	tell.intro(listen)

	cast := newCast()
	calls, err := simvoice.New(simvoice.Options{
		PublicKey: publicKey, PrivateKey: privateKey, Workspace: workspace, Assistant: assistant,
		Lines: lines, Script: cast.script, Speed: speed, Watch: tell.voiceEvent,
		Timing: simvoice.Timing{Queue: 5 * time.Second, Ring: 15 * time.Second, Talk: 40 * time.Second, Process: 5 * time.Second, Analyse: 5 * time.Second},
	})
	if err != nil {
		return err
	}
	defer calls.Close()
	voiceURL, closeVoice, err := serve(calls)
	if err != nil {
		return err
	}
	defer closeVoice()

	shopify := simshop.New(simshop.Config{
		Seed: cast.seed, ClientID: "demo", ClientSecret: clientSecret,
		ComplianceURL: "http://" + listen + route.ShopifyWebhooks,
	})
	shop := shopify.AddShop(simshop.ShopConfig{
		Domain: shopDomain, Name: "Chai & Cotton", Timezone: "Asia/Kolkata", Currency: "INR", Country: "IN",
	})
	token := shop.Install("read_orders", "read_customers", "read_checkouts")
	shopURL, closeShop, err := serve(shopify)
	if err != nil {
		return err
	}
	defer closeShop()

	path, err := writeConfig(o.DataDir, listen, voiceURL)
	if err != nil {
		return err
	}
	cfg, _, err := app.LoadConfig(path)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Serve, app.NewLogger(cfg.Log, o.Log), app.WithShopify(simshop.BaseURL(shopURL)))
	if err != nil {
		return err
	}
	defer a.Close()
	disconnect, err := connect(ctx, a.DB, token)
	if err != nil {
		return err
	}
	defer disconnect()

	topics := []string{
		"checkouts/create", "checkouts/update", "orders/create", "orders/updated", "orders/cancelled", "refunds/create",
	}
	for _, topic := range topics {
		shop.Subscribe(topic, "http://"+listen+route.ShopifyWebhooks)
	}

	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return a.Run(running) })
	group.Go(func() error { shopify.Run(running); return nil })
	group.Go(func() error { return tell.follow(running, a.DB, cast) })
	group.Go(func() error {
		if err := play(running, a, shop, cast, tell); err != nil {
			return err
		}
		tell.end(running, a.DB, listen, path, cast, o.Once)
		if o.Once {
			stop()
		}
		return nil
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// connect gives the program a token for the simulated shop, as an install does. It is taken back at the end: another
// command on the same data must not send it to the real Shopify.
func connect(ctx context.Context, db *postgres.DB, token string) (disconnect func(), err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.InstallShop(ctx, shopDomain, postgres.ShopToken{Access: token})
	})
	return func() {
		_ = db.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *postgres.Tx) error {
			return tx.DropToken(ctx, shopDomain)
		})
	}, err
}

// serve answers HTTP on a free loopback port.
func serve(h http.Handler) (url string, closeServer func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// freeAddress returns the address when nobody listens there, else a free port of the same host.
func freeAddress(address string) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("-listen %q: write host:port", address)
	}
	for _, try := range []string{address, net.JoinHostPort(host, "0")} {
		listener, err := net.Listen("tcp", try)
		if err != nil {
			continue
		}
		defer listener.Close()
		return listener.Addr().String(), nil
	}
	return "", fmt.Errorf("-listen %q: no port of that host is free", address)
}

// writeConfig writes the demo's configuration, so that other commands can be tried on it, and makes its key at the
// first run.
func writeConfig(dir, listen, voiceURL string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	key := filepath.Join(dir, "encryption.key")
	if _, err := os.Stat(key); errors.Is(err, os.ErrNotExist) {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "config.yaml")
	return path, os.WriteFile(path, fmt.Appendf(nil, configuration, listen, listen, dir, shopDomain, voiceURL), 0o600)
}

// configuration is a store whose hours, delays and spacings are seconds.
const configuration = `# The demo's configuration: a real one but for its haste. See config.example.yaml for what everything means.
server: {listen: %q, public_url: "http://%s"}
database: {data_dir: %q}
security: {encryption_key: "file:encryption.key", api_token: demo-token}
shopify: {client_id: demo, client_secrets: [demo-client-secret]}
log: {level: warn}
stores:
  %s:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice:
      provider: mirai
      base_url: %s
      public_key: pk_demo
      private_key: sk_demo
      workspace: demo-workspace
      assistant: demo-assistant
      lines: 3
    policy:
      delay: 4s
      consent: {basis: "attribute:automated_calls", proves: voice}
      consent_text: {version: "2026-11", text: I agree that the shop may call me with an automated voice about my cart.}
      windows: [{from: "00:00", to: "24:00"}]
      quiet_hours: "off"
      attempts: {max: 3, spacing: {no_answer: 4s, voicemail: 4s, busy: 4s, failed: 4s, timeout: 4s}}
      caps: {per_phone: []}
      priority_above: "5000"
      offers:
        - {when: {attempt: 2, min_total: "1000"}, code: COMEBACK10, value: "10", type: percentage, apply_as: additional, description: ten per cent off}
      link: {utm_source: ringback, utm_medium: voice}
`

// seedOf makes every run's people and tokens its own, so that a second run on the same data meets no earlier opt-out.
func seedOf() uint64 {
	var raw [8]byte
	_, _ = rand.Read(raw[:])
	return binary.LittleEndian.Uint64(raw[:])
}
