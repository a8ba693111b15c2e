package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// readHeader bounds how long a server waits for the head of a request.
const readHeader = 5 * time.Second

// serveHTTP answers requests on a free port of this machine until end is called.
func serveHTTP(ctx context.Context, h http.Handler) (addr string, end func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: readHeader}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), func() { _ = server.Close() }, nil
}

// serveWebhooks has webhooks handled by echo until end is called.
func serveWebhooks(ctx context.Context, handler echo.HandlerFunc) (addr string, end func(), err error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST(route.ShopifyWebhooks, handler)
	return serveHTTP(ctx, e)
}

// signed reads a request's body and checks its signature.
func signed(c echo.Context, key secret.Secret) ([]byte, error) {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, err
	}
	sum := shopify.NewVerifier(secret.List{key}, c.Request().Header.Get(shopify.HeaderHMAC))
	if _, err := sum.Write(body); err != nil {
		return nil, err
	}
	if !sum.Signed() {
		return nil, echo.NewHTTPError(http.StatusUnauthorized)
	}
	return body, nil
}

// serveNothing answers webhooks that are signed well and does nothing else: no intake can be faster.
func serveNothing(ctx context.Context, key secret.Secret) (addr string, end func(), err error) {
	return serveWebhooks(ctx, func(c echo.Context) error {
		if _, err := signed(c, key); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
}

// simpleJob stands for what a simple intake leaves to a job.
type simpleJob struct {
	Key []byte `json:"key"`
}

// Kind implements river.JobArgs.
func (simpleJob) Kind() string { return "simple" }

// serveSimple is the intake that most would write: one transaction for each webhook, with a row that keeps
// duplicates out and one River job. Nobody works the jobs.
func serveSimple(ctx context.Context, pool *pgxpool.Pool, key secret.Secret) (addr string, end func(), err error) {
	silent := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: silent})
	if err != nil {
		return "", nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return "", nil, fmt.Errorf("make the tables of the simple intake: %w", err)
	}
	_, err = pool.Exec(ctx, `
		CREATE TABLE webhooks (
			key         BYTEA PRIMARY KEY,
			shop        TEXT NOT NULL,
			topic       TEXT NOT NULL,
			received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
			payload     BYTEA COMPRESSION lz4
		)`)
	if err != nil {
		return "", nil, fmt.Errorf("make the tables of the simple intake: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: silent})
	if err != nil {
		return "", nil, err
	}
	return serveWebhooks(ctx, func(c echo.Context) error {
		body, err := signed(c, key)
		if err != nil {
			return err
		}
		d, err := shopify.ParseHeaders(c.Request().Header)
		if err != nil {
			return err
		}
		if err := keepSimply(c.Request().Context(), pool, client, d, body); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
}

// keepSimply keeps one webhook and a job for it, unless it was kept before.
func keepSimply(
	ctx context.Context, pool *pgxpool.Pool, client *river.Client[pgx.Tx], d shopify.Delivery, body []byte,
) error {
	sum := sha256.Sum256([]byte(d.Shop + " " + d.WebhookID))
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var fresh bool
		err := tx.QueryRow(ctx, `
			INSERT INTO webhooks (key, shop, topic, payload)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING
			RETURNING true`, sum[:16], d.Shop, d.Topic, body).Scan(&fresh)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = client.InsertTx(ctx, tx, simpleJob{Key: sum[:16]}, nil)
		return err
	})
}
