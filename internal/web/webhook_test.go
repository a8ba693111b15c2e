package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkout is a checkout as Shopify sends it.
func checkout(token string) []byte {
	body, err := json.Marshal(map[string]any{
		"id": 9001, "token": token, "cart_token": "c-" + token, "email": "asha@example.com", "phone": "+919876543210", "currency": "INR",
		"total_price": "1895.50", "created_at": "2026-11-21T08:30:00Z", "updated_at": "2026-11-21T08:45:00Z",
		"line_items": []any{map[string]any{"title": "Brass lamp", "quantity": 1, "price": "1895.50"}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// webhook posts a body as Shopify would, signed with key; header changes what goes along, an empty value takes it away.
func (s *site) webhook(shop, topic, key string, body []byte, header ...string) answer {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/webhooks/shopify", bytes.NewReader(body))
	require.NoError(s.t, err)
	delivery := shopify.Delivery{Topic: topic, Shop: shop, WebhookID: uuid.NewString(), TriggeredAt: now}
	request.Header = delivery.Headers(shopify.Sign(secret.Secret(key), body))
	for i := 0; i < len(header); i += 2 {
		request.Header.Del(header[i])
		if header[i+1] != "" {
			request.Header.Set(header[i], header[i+1])
		}
	}
	return s.do(request)
}

func (s *site) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), query, args...).Scan(&n))
	return n
}

func TestSignedWebhooksAreTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, c := range []struct{ shop, secret string }{
		{acme, "shared new"}, {acme, "shared old"}, {bolt, "bolt's own"}, {"stranger.myshopify.com", "shared new"},
	} {
		a := s.webhook(c.shop, shopify.CheckoutsCreate, c.secret, checkout("t"))
		assert.Equal(t, http.StatusOK, a.StatusCode, a.text())
		assert.Equal(t, i+1, s.count(`SELECT count(*) FROM webhooks`))
	}
	assert.Equal(t, 2, s.count(`SELECT count(*) FROM carts`), "one a configured shop")
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL AND shop = 'stranger.myshopify.com'`))
	var kept []byte
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT payload FROM webhooks WHERE shop = $1`, bolt).Scan(&kept))
	assert.Equal(t, checkout("t"), kept, "kept as it came")

	shop, err := s.db.Shop(t.Context(), acme)
	require.NoError(t, err)
	require.NotNil(t, shop.LastWebhookAt)
	assert.Equal(t, now, *shop.LastWebhookAt)
}

func TestUnsignedWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := checkout("t")
	for name, send := range map[string]func() answer{
		"a wrong secret":           func() answer { return s.webhook(acme, shopify.CheckoutsCreate, "guess", body) },
		"an empty secret":          func() answer { return s.webhook(acme, shopify.CheckoutsCreate, "", body) },
		"another store's secret":   func() answer { return s.webhook(acme, shopify.CheckoutsCreate, "bolt's own", body) },
		"the shared for its own":   func() answer { return s.webhook(bolt, shopify.CheckoutsCreate, "shared new", body) },
		"its own, written in caps": func() answer { return s.webhook("BOLT.myshopify.com", shopify.CheckoutsCreate, "shared new", body) },
		"no signature": func() answer {
			return s.webhook(acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, "")
		},
		"a hex signature": func() answer {
			return s.webhook(acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, hex.EncodeToString(mac("shared new", body)))
		},
		"another body's": func() answer {
			return s.webhook(acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, shopify.Sign("shared new", append(body, ' ')))
		},
		"nothing at all": func() answer { return s.send(http.MethodPost, "/webhooks/shopify", nil) },
	} {
		p := isProblem(t, send(), http.StatusUnauthorized)
		assert.Equal(t, "urn:ringback:problem:signature", p["type"], name)
	}
	assert.Zero(t, s.count(`SELECT count(*) FROM webhooks`))
}

func mac(secret string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return h.Sum(nil)
}

func TestAnInstallationWithoutSecretsTakesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Config.Shopify.ClientSecrets = secret.List{""} })
	isProblem(t, s.webhook(acme, shopify.CheckoutsCreate, "", checkout("t")), http.StatusUnauthorized)
}

// A signed request is never answered with anything but 200, 413 and 503: Shopify would drop the subscription in the end.
func TestSignedWebhooksWithBadHeadersAreKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, header := range [][]string{
		{shopify.HeaderShop, ""}, {shopify.HeaderShop, "evil.example.com"}, {shopify.HeaderTopic, ""}, {shopify.HeaderWebhookID, ""},
		{shopify.HeaderTopic, strings.Repeat("x", 300)},
	} {
		body := checkout(string(rune('a' + i)))
		a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", body, header...)
		assert.Equal(t, http.StatusOK, a.StatusCode, "%v %s", header, a.text())
	}
	assert.Equal(t, 5, s.count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
	assert.Zero(t, s.count(`SELECT count(*) FROM carts`))
	for _, body := range []string{"", "{", "[]", "null", `{"token": 7}`, "\xff\xfe"} {
		a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", []byte(body))
		assert.Equal(t, http.StatusOK, a.StatusCode, "%q", body)
	}
	a := s.webhook(acme, "products/update", "shared new", []byte(`{}`))
	assert.Equal(t, http.StatusOK, a.StatusCode, "a topic that is not ours")
}

func TestTheSameWebhookTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, want := range []string{"taken", "duplicate", "duplicate"} {
		a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", checkout("t"), shopify.HeaderWebhookID, "the same")
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.JSONEq(t, `{"taken": "`+want+`"}`, a.text())
	}
	assert.Equal(t, 1, s.count(`SELECT updates FROM carts`))
}

func TestLargeWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fits := bytes.Repeat([]byte(" "), shopify.MaxBody)
	assert.Equal(t, http.StatusOK, s.webhook(acme, shopify.CheckoutsCreate, "shared new", fits).StatusCode)
	// A body that is announced as too large is refused before it is sent.
	isProblem(t, s.announces(t, "/webhooks/shopify", shopify.MaxBody+1), http.StatusRequestEntityTooLarge)
	tooLarge := append(fits, ' ')
	for _, path := range []string{"/webhooks/shopify", "/webhooks/voice/mirai/token"} {
		// Without a length it is found out while reading.
		isProblem(t, s.streams(t, path, tooLarge), http.StatusRequestEntityTooLarge)
	}
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM webhooks`))
}

// announces sends the head of a request alone, with the length of a body that does not follow, and returns the answer.
func (s *site) announces(t *testing.T, path string, length int) answer {
	t.Helper()
	return s.raw(t, path, fmt.Sprintf("Content-Length: %d", length), func(io.Writer) {})
}

// streams sends a body in one chunk, without telling its length before, and returns the answer, which may come before the end of the body.
func (s *site) streams(t *testing.T, path string, body []byte) answer {
	t.Helper()
	return s.raw(t, path, "Transfer-Encoding: chunked", func(w io.Writer) {
		// The server may hang up on what it does not want.
		_, _ = fmt.Fprintf(w, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	})
}

// raw sends a request over a connection of its own, so that its answer is read whatever becomes of its body.
func (s *site) raw(t *testing.T, path, header string, send func(io.Writer)) answer {
	t.Helper()
	address := strings.TrimPrefix(s.url, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\nConnection: close\r\n\r\n", path, address, header)
	require.NoError(t, err)
	sent := make(chan struct{})
	go func() { defer close(sent); send(conn) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	_ = conn.Close()
	<-sent
	return answer{response, content}
}

func TestWhatCannotBeKeptIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, token := callingCart(s)
	s.pool.Close()
	a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", checkout("t"))
	isProblem(t, a, http.StatusServiceUnavailable)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	a = s.callback("mirai", token, "pk", "sk", miraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	isProblem(t, a, http.StatusServiceUnavailable)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.NotContains(t, s.log.String(), token)
	assert.NotContains(t, s.log.String(), "9876543210")
}

// callingCart is a cart with a call under way, and the token of its callback address.
func callingCart(s *site) (cart.Cart, string) {
	const token = "the-token-of-this-call"
	c := someCart()
	c.State, c.Reason, c.WakeAt, c.Attempts = cart.Calling, cart.Due, nil, 1
	call := closedCall(c)
	watch, hash := now.Add(time.Hour), sha256.Sum256([]byte(token))
	call.State, call.Outcome, call.HoldsLine, call.WatchAt = cart.Placed, "", true, &watch
	call.AnsweredAt, call.EndedAt, call.ClosedAt, call.DurationSeconds, call.Summary, call.RecordingURL = nil, nil, nil, nil, "", ""
	call.Assistant, call.TokenHash = s.engine.Store(acme).Rules.Voice.Assistant, hash[:]
	c.Calls = []cart.Call{call}
	s.seed(c)
	return c, token
}

// miraiEvent is an event of a call as Mirai reports it.
func miraiEvent(call uuid.UUID, kind string) []byte {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"call_id": call.String()},
		"event":    map[string]any{"type": kind, "data": map[string]any{"call": map[string]any{"id": "prov-1"}}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// callback posts a body as Mirai would for an account, signed with its private key.
func (s *site) callback(provider, token, publicKey, privateKey string, body []byte) answer {
	s.t.Helper()
	return s.send(http.MethodPost, "/webhooks/voice/"+provider+"/"+token, bytes.NewReader(body),
		"Content-Type", "application/json", "X-Public-Key", publicKey, "X-Signature", hex.EncodeToString(mac(privateKey, body)))
}

func TestCallbacksAreTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, token := callingCart(s)
	a := s.callback("mirai", token, "pk", "sk", miraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	assert.Equal(t, http.StatusOK, a.StatusCode, a.text())
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM callbacks WHERE call_id = $1`, c.Calls[0].ID))
	a = s.callback("mirai", token, "pk", "sk", []byte("not json"))
	assert.Equal(t, http.StatusOK, a.StatusCode, "unreadable but kept")
	assert.Equal(t, 1, s.count(`SELECT count(*) FROM callbacks WHERE error IS NOT NULL`))
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, token := callingCart(s)
	body := miraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED")
	for name, a := range map[string]answer{
		"a wrong key":           s.callback("mirai", token, "pk", "guess", body),
		"another account's key": s.callback("mirai", token, "pk2", "sk2", body),
		"another provider":      s.callback("mihu", token, "pk", "sk", body),
		"an unknown provider":   s.callback("acme", token, "pk", "sk", body),
		"unsigned":              s.send(http.MethodPost, "/webhooks/voice/mirai/"+token, bytes.NewReader(body)),
		"no token, unsigned":    s.send(http.MethodPost, "/webhooks/voice/mirai/x", bytes.NewReader(body)),
	} {
		p := isProblem(t, a, http.StatusUnauthorized)
		assert.Equal(t, "urn:ringback:problem:signature", p["type"], name)
	}
	assert.Zero(t, s.count(`SELECT count(*) FROM callbacks`))
	found, err := s.db.Cart(t.Context(), c.ID)
	require.NoError(t, err)
	assert.Equal(t, cart.Placed, found.Calls[0].State)
}

// The database is told of a shop's webhooks once a minute, not at each.
func TestAShopIsHeardFromOnceAMinute(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.webhook(acme, shopify.CheckoutsCreate, "shared new", checkout("a"))
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE shops SET last_webhook_at = NULL`)
		return err
	}))
	s.webhook(acme, shopify.CheckoutsCreate, "shared new", checkout("b"))
	assert.Zero(t, s.count(`SELECT count(*) FROM shops WHERE last_webhook_at IS NOT NULL`))
}
