package webtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// Checkout is a checkout as Shopify sends it.
func Checkout(token string) []byte {
	body, err := json.Marshal(map[string]any{
		"id": 9001, "token": token, "cart_token": "c-" + token, "email": "asha@example.com",
		"phone": "+919876543210", "currency": "INR", "total_price": "1895.50",
		"created_at": "2026-11-21T08:30:00Z", "updated_at": "2026-11-21T08:45:00Z",
		"line_items": []any{map[string]any{"title": "Brass lamp", "quantity": 1, "price": "1895.50"}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// Webhook posts a body as Shopify would, signed with key; header holds names and values in turn
// that replace the usual ones; an empty value removes a header.
func (s *Site) Webhook(shop, topic, key string, body []byte, header ...string) Answer {
	s.T.Helper()
	address := s.URL + "/webhooks/shopify"
	request, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, address, bytes.NewReader(body))
	require.NoError(s.T, err)
	delivery := shopify.Delivery{Topic: topic, Shop: shop, WebhookID: uuid.NewString(), TriggeredAt: Now}
	request.Header = delivery.Headers(shopify.Sign(secret.Secret(key), body))
	for i := 0; i < len(header); i += 2 {
		request.Header.Del(header[i])
		if header[i+1] != "" {
			request.Header.Set(header[i], header[i+1])
		}
	}
	return s.Do(request)
}

// MAC is the HMAC-SHA256 of a body.
func MAC(key string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(body)
	return h.Sum(nil)
}

// CallingCart is a cart with a call under way, and the token of its callback address.
func CallingCart(s *Site) (cart.Cart, string) {
	const token = "the-token-of-this-call"
	c := SomeCart()
	c.State, c.Reason, c.WakeAt, c.Attempts = cart.Calling, cart.Due, nil, 1
	call := ClosedCall(c)
	watch, hash := Now.Add(time.Hour), sha256.Sum256([]byte(token))
	call.State, call.Outcome, call.HoldsLine, call.WatchAt = cart.Placed, "", true, &watch
	call.AnsweredAt, call.EndedAt, call.ClosedAt, call.DurationSeconds = nil, nil, nil, nil
	call.Summary, call.RecordingURL = "", ""
	call.Assistant, call.TokenHash = s.Engine.Store(Acme).Rules.Voice.Assistant, hash[:]
	c.Calls = []cart.Call{call}
	s.Seed(c)
	return c, token
}

// MiraiEvent is an event of a call as Mirai reports it.
func MiraiEvent(call uuid.UUID, kind string) []byte {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"call_id": call.String()},
		"event":    map[string]any{"type": kind, "data": map[string]any{"call": map[string]any{"id": "prov-1"}}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// Callback posts a body as Mirai would for an account, signed with its private key.
func (s *Site) Callback(provider, token, publicKey, privateKey string, body []byte) Answer {
	s.T.Helper()
	return s.Send(http.MethodPost, "/webhooks/voice/"+provider+"/"+token, bytes.NewReader(body),
		"Content-Type", "application/json", "X-Public-Key", publicKey,
		"X-Signature", hex.EncodeToString(MAC(privateKey, body)))
}
