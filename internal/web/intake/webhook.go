package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

// webhook receives whatever Shopify sends. The signature is checked first, over the raw body. A signed request is
// answered with 200 once it is stored, 413 when it is too large, and 503 when it cannot be stored now.
func (i *Intake) webhook(c echo.Context) error {
	r := c.Request()
	sum := shopify.NewVerifier(i.secretsOf(r.Header.Get(shopify.HeaderShop)), r.Header.Get(shopify.HeaderHMAC))
	received, err := i.readBody(c, shopify.MaxBody, sum)
	if err != nil {
		return err
	}
	defer received.release()
	if !sum.Signed() {
		i.noteRefused(r)
		return problem.New(http.StatusUnauthorized, "signature", "Unauthorized",
			"The signature in "+shopify.HeaderHMAC+" does not match the body.")
	}
	content, err := received.bytes()
	if err != nil {
		return SendAgain(c)
	}
	delivery, err := shopify.ParseHeaders(r.Header)
	if err != nil {
		i.log.WarnContext(r.Context(), "webhook stored without being read: its headers are unusable",
			"error", err, "request_id", request.ID(c))
		delivery = unidentified(content)
	}
	ctx, cancel := storing(r)
	defer cancel()
	taken, err := i.engine.TakeWebhook(ctx, delivery, content)
	if err != nil {
		return i.notStored(c, "webhook not kept", err)
	}
	i.note(ctx, delivery.Shop)
	return c.JSON(http.StatusOK, map[string]any{"taken": taken})
}

// unidentified stands for the headers of a webhook that has no usable ones. No shop has an empty name, so the webhook
// is stored but not acted upon. The hash of its body is its id.
func unidentified(content []byte) shopify.Delivery {
	sum := sha256.Sum256(content)
	return shopify.Delivery{Topic: "unknown", WebhookID: "sha256:" + hex.EncodeToString(sum[:])}
}

// secretsOf are the secrets that a shop's webhooks may be signed with.
func (i *Intake) secretsOf(shop string) secret.List {
	store, _ := i.config.Store(shop)
	return i.config.Shopify.SecretsOf(store)
}

// noted remembers when the last webhook of each shop was recorded, so that the database is written once a minute and
// not at each webhook.
type noted struct {
	note func(ctx context.Context, shop string) error

	mu   sync.Mutex
	last map[string]time.Time
}

// noteEvery is how often a shop's last webhook is recorded.
const noteEvery = time.Minute

// due reports whether the shop's last webhook should be recorded now.
func (n *noted) due(shop string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.last[shop]; ok && now.Sub(last) < noteEvery {
		return false
	}
	n.last[shop] = now
	return true
}

// note records that a configured shop's webhooks arrive. A failure is logged only: the webhook itself is stored.
func (i *Intake) note(ctx context.Context, shop string) {
	if i.engine.Store(shop) == nil || !i.noted.due(shop, i.engine.Now()) {
		return
	}
	if err := i.noted.note(ctx, shop); err != nil {
		i.log.WarnContext(ctx, "webhook not noted", "shop", shop, "error", err)
	}
}
