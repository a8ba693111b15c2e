package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

// retryAfter is when a sender whose message could not be kept should try again, in seconds.
const retryAfter = "30"

// takeWebhook takes in whatever Shopify sends. The signature is checked first, on the raw body: a signed request is answered 200
// once it is kept, 413 when it is too large, or 503 when it cannot be kept now.
func (s *Server) takeWebhook(c echo.Context) error {
	r := c.Request()
	sum := shopify.NewVerifier(s.secretsOf(r.Header.Get(shopify.HeaderShop)), r.Header.Get(shopify.HeaderHMAC))
	incoming, err := s.readBody(c, shopify.MaxBody, sum)
	if err != nil {
		return err
	}
	defer incoming.release()
	if !sum.Signed() {
		return problem.New(http.StatusUnauthorized, "signature", "Unauthorized", "The signature in "+shopify.HeaderHMAC+" does not match the body.")
	}
	body, err := incoming.bytes()
	if err != nil {
		return notKept(c)
	}
	delivery, err := shopify.ParseHeaders(r.Header)
	if err != nil {
		s.log.WarnContext(r.Context(), "a signed webhook has unusable headers; it is kept unread", "error", err, "request_id", request.ID(c))
		delivery = nameless(body)
	}
	ctx, cancel := takingIn(r)
	defer cancel()
	taken, err := s.engine.TakeWebhook(ctx, delivery, body)
	if err != nil {
		return s.sendAgain(c, "webhook not kept", err)
	}
	s.hearFrom(ctx, delivery.Shop)
	return c.JSON(http.StatusOK, map[string]any{"taken": taken})
}

// nameless stands for the headers of a webhook that has none of use. No shop has an empty name, so it is kept but not acted
// upon; the body's hash is its id.
func nameless(body []byte) shopify.Delivery {
	sum := sha256.Sum256(body)
	return shopify.Delivery{Topic: "unknown", WebhookID: "sha256:" + hex.EncodeToString(sum[:])}
}

// secretsOf are the secrets that a shop's webhooks may be signed with.
func (s *Server) secretsOf(shop string) secret.List {
	store, _ := s.config.Store(shop)
	return s.config.Shopify.SecretsOf(store)
}

// takeWithin bounds how long one message may take to be kept.
const takeWithin = 20 * time.Second

// takingIn is the context in which a message is kept. It does not end with the connection: some senders hang up without waiting for
// the answer, and never send again.
func takingIn(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), takeWithin)
}

// readBody reads a message's body, up to limit bytes, and lets sum see it as it comes. The caller releases it. One that breaks off,
// comes too slowly or finds no memory should be sent again: nothing can be said of its signature.
func (s *Server) readBody(c echo.Context, limit int64, sum io.Writer) (*reading, error) {
	r := c.Request()
	if r.ContentLength > limit {
		return nil, problem.OfStatus(http.StatusRequestEntityTooLarge)
	}
	incoming := s.inFlight.begin(c.Response(), c.RealIP())
	err := incoming.readAll(http.MaxBytesReader(c.Response(), r.Body, limit), sum)
	if err == nil && incoming.complete() {
		return incoming, nil
	}
	incoming.abandon()
	incoming.release()
	// The rest of the body is not waited for.
	c.Response().Header().Set("Connection", "close")
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	return nil, notKept(c)
}

// sendAgain asks the sender to try later.
func (s *Server) sendAgain(c echo.Context, what string, err error) error {
	s.log.ErrorContext(c.Request().Context(), what, "error", err, "request_id", request.ID(c))
	return notKept(c)
}

// notKept is the answer to whoever should send a message again.
func notKept(c echo.Context) *problem.Problem {
	c.Response().Header().Set("Retry-After", retryAfter)
	return problem.New(http.StatusServiceUnavailable, "not-kept", "Service Unavailable", "This could not be kept just now; send it again.")
}

// heard remembers when shops were heard from, so that the database is told once a minute and not at each webhook.
type heard struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// heardEvery is how often a shop's last webhook is noted.
const heardEvery = time.Minute

func newHeard() *heard { return &heard{last: map[string]time.Time{}} }

// due reports whether the shop's last webhook should be noted now.
func (h *heard) due(shop string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last, ok := h.last[shop]; ok && now.Sub(last) < heardEvery {
		return false
	}
	h.last[shop] = now
	return true
}

// hearFrom notes that a configured shop's webhooks arrive. That it could not be noted is no reason to have the webhook again.
func (s *Server) hearFrom(ctx context.Context, shop string) {
	if s.engine.Store(shop) == nil || !s.heard.due(shop, s.db.Now()) {
		return
	}
	if err := s.db.HeardFromShop(ctx, shop); err != nil {
		s.log.WarnContext(ctx, "webhook not noted", "shop", shop, "error", err)
	}
}
