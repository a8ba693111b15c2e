package intake_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWebhook_SignedIsKept(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for i, c := range []struct{ shop, secret string }{
		{webtest.Acme, "shared new"}, {webtest.Acme, "shared old"}, {webtest.Bolt, "bolt's own"}, {"stranger.myshopify.com", "shared new"},
	} {
		a := s.Webhook(c.shop, shopify.CheckoutsCreate, c.secret, webtest.Checkout("t"))
		assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
		assert.Equal(t, i+1, s.Count(`SELECT count(*) FROM webhooks`))
	}
	assert.Equal(t, 2, s.Count(`SELECT count(*) FROM carts`), "one a configured shop")
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL AND shop = 'stranger.myshopify.com'`))
	var kept []byte
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT payload FROM webhooks WHERE shop = $1`, webtest.Bolt).Scan(&kept))
	assert.Equal(t, webtest.Checkout("t"), kept, "kept as it came")

	shop, err := s.DB.Shop(t.Context(), webtest.Acme)
	require.NoError(t, err)
	require.NotNil(t, shop.LastWebhookAt)
	assert.Equal(t, webtest.Now, *shop.LastWebhookAt)
}

func TestWebhook_UnsignedIsRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	body := webtest.Checkout("t")
	for name, send := range map[string]func() webtest.Answer{
		"a wrong secret":         func() webtest.Answer { return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "guess", body) },
		"an empty secret":        func() webtest.Answer { return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "", body) },
		"another store's secret": func() webtest.Answer { return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "bolt's own", body) },
		"the shared for its own": func() webtest.Answer { return s.Webhook(webtest.Bolt, shopify.CheckoutsCreate, "shared new", body) },
		"its own, written in caps": func() webtest.Answer {
			return s.Webhook("BOLT.myshopify.com", shopify.CheckoutsCreate, "shared new", body)
		},
		"no signature": func() webtest.Answer {
			return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, "")
		},
		"a hex signature": func() webtest.Answer {
			return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, hex.EncodeToString(webtest.MAC("shared new", body)))
		},
		"another body's": func() webtest.Answer {
			return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", body, shopify.HeaderHMAC, shopify.Sign("shared new", append(body, ' ')))
		},
		"nothing at all": func() webtest.Answer { return s.Send(http.MethodPost, "/webhooks/shopify", nil) },
	} {
		p := webtest.IsProblem(t, send(), http.StatusUnauthorized)
		assert.Equal(t, "urn:ringback:problem:signature", p["type"], name)
	}
	assert.Zero(t, s.Count(`SELECT count(*) FROM webhooks`))
}

func TestWebhook_NothingIsKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(o *web.Options) { o.Config.Shopify.ClientSecrets = secret.List{""} })
	webtest.IsProblem(t, s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "", webtest.Checkout("t")), http.StatusUnauthorized)
}

// A signed request is answered with 200, 413 or 503 only. After other answers Shopify would remove the subscription.
func TestWebhook_SignedWithBadHeadersIsKept(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for i, header := range [][]string{
		{shopify.HeaderShop, ""}, {shopify.HeaderShop, "evil.example.com"}, {shopify.HeaderTopic, ""}, {shopify.HeaderWebhookID, ""},
		{shopify.HeaderTopic, strings.Repeat("x", 300)},
	} {
		body := webtest.Checkout(string(rune('a' + i)))
		a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", body, header...)
		assert.Equal(t, http.StatusOK, a.StatusCode, "%v %s", header, a.Text())
	}
	assert.Equal(t, 5, s.Count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
	assert.Zero(t, s.Count(`SELECT count(*) FROM carts`))
	for _, body := range []string{"", "{", "[]", "null", `{"token": 7}`, "\xff\xfe"} {
		a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", []byte(body))
		assert.Equal(t, http.StatusOK, a.StatusCode, "%q", body)
	}
	a := s.Webhook(webtest.Acme, "products/update", "shared new", []byte(`{}`))
	assert.Equal(t, http.StatusOK, a.StatusCode, "a topic that is not ours")
}

func TestWebhook_DuplicateChangesNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for _, want := range []string{"taken", "duplicate", "duplicate"} {
		a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", webtest.Checkout("t"), shopify.HeaderWebhookID, "the same")
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.JSONEq(t, `{"taken": "`+want+`"}`, a.Text())
	}
	assert.Equal(t, 1, s.Count(`SELECT updates FROM carts`))
}

func TestWebhook_TooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	fits := bytes.Repeat([]byte(" "), shopify.MaxBody)
	assert.Equal(t, http.StatusOK, s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", fits).StatusCode)
	// A body that is announced as too large is refused before it is sent.
	webtest.IsProblem(t, announces(t, s, "/webhooks/shopify", shopify.MaxBody+1), http.StatusRequestEntityTooLarge)
	tooLarge := append(fits, ' ')
	for _, path := range []string{"/webhooks/shopify", "/webhooks/voice/mirai/token"} {
		// Without a length it is found out while reading.
		webtest.IsProblem(t, streams(t, s, path, tooLarge), http.StatusRequestEntityTooLarge)
	}
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM webhooks`))
}

// announces sends the head of a request alone, with the length of a body that does not follow, and returns the answer.
func announces(t *testing.T, s *webtest.Site, path string, length int) webtest.Answer {
	t.Helper()
	return raw(t, s, path, fmt.Sprintf("Content-Length: %d", length), func(io.Writer) {})
}

// streams sends a body in one chunk, without telling its length before, and returns the answer, which may come before the end of the body.
func streams(t *testing.T, s *webtest.Site, path string, body []byte) webtest.Answer {
	t.Helper()
	return raw(t, s, path, "Transfer-Encoding: chunked", func(w io.Writer) {
		// The server may hang up on what it does not want.
		_, _ = fmt.Fprintf(w, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	})
}

// raw sends a request over a connection of its own, so that its answer is read whatever becomes of its body.
func raw(t *testing.T, s *webtest.Site, path, header string, send func(io.Writer)) webtest.Answer {
	t.Helper()
	address := strings.TrimPrefix(s.URL, "http://")
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
	return webtest.Answer{Response: response, Content: content}
}

func TestIntake_UnkeptMessageIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, token := webtest.CallingCart(s)
	s.Pool.Close()
	a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", webtest.Checkout("t"))
	webtest.IsProblem(t, a, http.StatusServiceUnavailable)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	a = s.Callback("mirai", token, "pk", "sk", webtest.MiraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	webtest.IsProblem(t, a, http.StatusServiceUnavailable)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.NotContains(t, s.Log.String(), token)
	assert.NotContains(t, s.Log.String(), "9876543210")
}

func TestCallback_SignedIsKept(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, token := webtest.CallingCart(s)
	a := s.Callback("mirai", token, "pk", "sk", webtest.MiraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
	assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM callbacks WHERE call_id = $1`, c.Calls[0].ID))
	a = s.Callback("mirai", token, "pk", "sk", []byte("not json"))
	assert.Equal(t, http.StatusOK, a.StatusCode, "unreadable but kept")
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM callbacks WHERE error IS NOT NULL`))
}

func TestCallback_ForgedIsRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, token := webtest.CallingCart(s)
	body := webtest.MiraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED")
	for name, a := range map[string]webtest.Answer{
		"a wrong key":           s.Callback("mirai", token, "pk", "guess", body),
		"another account's key": s.Callback("mirai", token, "pk2", "sk2", body),
		"another provider":      s.Callback("mihu", token, "pk", "sk", body),
		"an unknown provider":   s.Callback("acme", token, "pk", "sk", body),
		"unsigned":              s.Send(http.MethodPost, "/webhooks/voice/mirai/"+token, bytes.NewReader(body)),
		"no token, unsigned":    s.Send(http.MethodPost, "/webhooks/voice/mirai/x", bytes.NewReader(body)),
	} {
		p := webtest.IsProblem(t, a, http.StatusUnauthorized)
		assert.Equal(t, "urn:ringback:problem:signature", p["type"], name)
	}
	assert.Zero(t, s.Count(`SELECT count(*) FROM callbacks`))
	found, err := s.DB.Cart(t.Context(), c.ID)
	require.NoError(t, err)
	assert.Equal(t, cart.Placed, found.Calls[0].State)
}

// A shop's last webhook is recorded once a minute, not at each webhook.
func TestWebhook_ShopsLastIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", webtest.Checkout("a"))
	require.NoError(t, s.DB.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE shops SET last_webhook_at = NULL`)
		return err
	}))
	s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", webtest.Checkout("b"))
	assert.Zero(t, s.Count(`SELECT count(*) FROM shops WHERE last_webhook_at IS NOT NULL`))
}
