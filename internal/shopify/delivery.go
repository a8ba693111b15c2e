package shopify

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The headers of a webhook delivery (Shopify, "Deliver webhooks through HTTPS").
const (
	HeaderTopic       = "X-Shopify-Topic"
	HeaderHMAC        = "X-Shopify-Hmac-Sha256"
	HeaderShop        = "X-Shopify-Shop-Domain"
	HeaderAPIVersion  = "X-Shopify-API-Version"
	HeaderWebhookID   = "X-Shopify-Webhook-Id"
	HeaderEventID     = "X-Shopify-Event-Id"
	HeaderTriggeredAt = "X-Shopify-Triggered-At"
	HeaderTest        = "X-Shopify-Test"
)

// MaxBody is the largest webhook body taken in, in bytes. Shopify names no bound; an order with hundreds of line items
// has megabytes.
const MaxBody = 16 << 20

// longestHeader bounds the header values we keep.
const longestHeader = 255

// Delivery is what the headers of a webhook say of it. The signature covers the body only, so these are as good as the
// sender that could sign the body.
type Delivery struct {
	// Topic is such as "checkouts/update".
	Topic string
	// Shop is the shop's domain in lower case.
	Shop string
	// WebhookID is unique per delivery and the same in its retries: the key for dropping duplicates, per shop.
	WebhookID string
	// EventID is shared by all deliveries of one action in the shop: for correlation only. May be empty.
	EventID string
	// APIVersion is the version the payload was made for. May be empty.
	APIVersion string
	// TriggeredAt is when the event happened, UTC; zero when the header was missing or unreadable.
	TriggeredAt time.Time
	// Test marks a notification that a merchant sent as a test: its payload is a sample.
	Test bool
}

// ParseHeaders reads a delivery's headers. It fails when the topic, a valid shop or the webhook id is missing.
func ParseHeaders(h http.Header) (Delivery, error) {
	shop, err := ParseShop(h.Get(HeaderShop))
	if err != nil {
		return Delivery{}, fmt.Errorf("%s: %w", HeaderShop, err)
	}
	d := Delivery{
		Shop:       shop,
		Topic:      clean(h.Get(HeaderTopic)),
		WebhookID:  clean(h.Get(HeaderWebhookID)),
		EventID:    clean(h.Get(HeaderEventID)),
		APIVersion: clean(h.Get(HeaderAPIVersion)),
	}
	d.TriggeredAt = parseInstant(h.Get(HeaderTriggeredAt))
	d.Test = testHeader(h.Get(HeaderTest))
	for _, f := range []struct {
		name, value string
		needed      bool
	}{
		{HeaderTopic, d.Topic, true},
		{HeaderWebhookID, d.WebhookID, true},
		{HeaderEventID, d.EventID, false},
		{HeaderAPIVersion, d.APIVersion, false},
	} {
		if f.needed && f.value == "" {
			return Delivery{}, fmt.Errorf("%s is missing", f.name)
		}
		if len(f.value) > longestHeader {
			return Delivery{}, fmt.Errorf("%s has %d characters; at most %d are taken", f.name, len(f.value), longestHeader)
		}
	}
	return d, nil
}

// testHeader reads the mark of a test. What is neither yes nor no marks one as well: a sample must not ring at
// anybody's.
func testHeader(value string) bool {
	switch strings.ToLower(clean(value)) {
	case "", "false", "0", "no":
		return false
	}
	return true
}

// Headers returns the headers that Shopify would send with this delivery; digest is the body's signature (see Sign).
func (d Delivery) Headers(digest string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(HeaderTopic, d.Topic)
	h.Set(HeaderShop, d.Shop)
	h.Set(HeaderWebhookID, d.WebhookID)
	h.Set(HeaderHMAC, digest)
	for name, value := range map[string]string{HeaderEventID: d.EventID, HeaderAPIVersion: d.APIVersion} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if d.Test {
		h.Set(HeaderTest, "true")
	}
	if !d.TriggeredAt.IsZero() {
		h.Set(HeaderTriggeredAt, d.TriggeredAt.UTC().Format(time.RFC3339Nano))
	}
	return h
}
