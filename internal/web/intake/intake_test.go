package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web/webtest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A webhook that the database cannot store as it is must not be sent again and again: Shopify removes a subscription after a few
// failures.
func TestWebhook_UnstorableIsKeptUnread(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	noise := rand.New(rand.NewPCG(1, 2))
	long := make([]byte, 9000)
	for i := range long {
		long[i] = byte('a' + noise.IntN(26))
	}
	for name, send := range map[string]struct {
		topic string
		body  map[string]any
	}{
		"a checkout's token":      {shopify.CheckoutsCreate, map[string]any{"token": string(long), "updated_at": "2026-11-21T08:45:00Z"}},
		"a checkout's cart token": {shopify.CheckoutsCreate, map[string]any{"token": "t", "cart_token": string(long), "updated_at": "2026-11-21T08:45:00Z"}},
		"an order's token":        {shopify.OrdersCreate, map[string]any{"id": 7, "checkout_token": string(long), "updated_at": "2026-11-21T08:45:00Z"}},
	} {
		body, err := json.Marshal(send.body)
		require.NoError(t, err)
		a := s.Webhook(webtest.Acme, send.topic, "shared new", body)
		assert.Equal(t, http.StatusOK, a.StatusCode, "%s: %s", name, a.Text())
	}
	assert.Equal(t, 3, s.Count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL AND payload IS NOT NULL`))
	assert.Zero(t, s.Count(`SELECT count(*) FROM webhooks WHERE error LIKE '%' || $1 || '%'`, string(long[:20])))
}

// postAndLeave sends a request and hangs up without waiting for the answer.
func postAndLeave(t *testing.T, to string, h http.Header, body []byte) {
	t.Helper()
	u, err := url.Parse(to)
	require.NoError(t, err)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(string(body)))
	request.Header = h
	require.NoError(t, request.Write(conn))
	require.NoError(t, conn.Close())
}

func TestIntake_SenderThatHangsUpIsHeard(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	// The database is slow for as long as this lock is held.
	tx, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `LOCK TABLE webhooks, callbacks IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)

	body := webtest.Checkout("t")
	delivery := shopify.Delivery{Topic: shopify.CheckoutsCreate, Shop: webtest.Acme, WebhookID: uuid.NewString(), TriggeredAt: webtest.Now}
	postAndLeave(t, s.URL+"/webhooks/shopify", delivery.Headers(shopify.Sign(secret.Secret("shared new"), body)), body)
	report := []byte(`{"event":{"type":"call.ended","data":{"call":{"callId":"nobody's"}}}}`)
	postAndLeave(t, s.URL+"/webhooks/voice/mirai/"+uuid.NewString(), http.Header{"X-Public-Key": {"pk"}, "X-Signature": {hexMAC("sk", report)}}, report)
	require.Eventually(t, func() bool {
		return s.Count(`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IN ('webhooks'::regclass, 'callbacks'::regclass)`) == 2
	}, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Rollback(context.Background()))
	assert.Eventually(t, func() bool {
		return s.Count(`SELECT count(*) FROM webhooks`) == 1 && s.Count(`SELECT count(*) FROM callbacks`) == 1
	}, 5*time.Second, 20*time.Millisecond)
}

func hexMAC(secret string, body []byte) string { return fmt.Sprintf("%x", webtest.MAC(secret, body)) }

func TestIntake_BrokenOffBodyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /webhooks/shopify HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{", u.Host)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	require.NoError(t, err)
	assert.Contains(t, string(answer[:n]), "503")
}
