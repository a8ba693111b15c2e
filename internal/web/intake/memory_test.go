package intake_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/shopify"
	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promises opens a connection, announces a body of some length and sends a part of it.
func promises(s *webtest.Site, path string, promised int, sent []byte) net.Conn {
	s.T.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.T.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	require.NoError(s.T, err)
	s.T.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", path, strings.TrimPrefix(s.URL, "http://"), promised)
	require.NoError(s.T, err)
	// Whoever is refused cannot send the rest.
	_, _ = conn.Write(sent)
	return conn
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

//nolint:paralleltest // it measures the heap, which all tests share
func TestIntake_UnfinishedBodiesHoldLittleMemoryAndKeepNobodyOut(t *testing.T) {
	for _, size := range []int{1 << 20, 60 << 10} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			s := webtest.New(t)
			c, token := webtest.CallingCart(s)
			part := bytes.Repeat([]byte(" "), size-1)
			before := heap()
			var all sync.WaitGroup
			for i := range 600 {
				path := "/webhooks/shopify"
				if i%3 == 0 {
					path = "/webhooks/voice/mirai/" + token
				}
				all.Go(func() { promises(s, path, size, part) })
			}
			all.Wait()
			assert.Less(t, int64(heap())-int64(before), int64(180<<20))

			for i := range 20 {
				a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", webtest.Checkout(fmt.Sprint("real-", i)))
				assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
			}
			large := append(webtest.Checkout("large"), bytes.Repeat([]byte(" "), 700<<10)...)
			require.Eventually(t, func() bool {
				return s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", large).StatusCode == http.StatusOK
			}, 20*time.Second, 10*time.Millisecond, "a large one gets in when it is sent again")
			a := s.Callback("mirai", token, "pk", "sk", webtest.MiraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
			assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
		})
	}
}

func TestIntake_AnIdleBodyIsCutOff(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for _, path := range []string{"/webhooks/shopify", "/webhooks/voice/mirai/token"} {
		conn := promises(s, path, 1000, []byte("{"))
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		assert.NotEmpty(t, response.Header.Get("Retry-After"))
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "the connection is closed")
	}
}

// After a large webhook, its connection is used for the next one.
func TestIntake_TakesManyLargeWebhooks(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	body := append(webtest.Checkout("t"), bytes.Repeat([]byte(" "), 10<<20)...)
	for range 12 {
		a := s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "shared new", body)
		require.Equal(t, http.StatusOK, a.StatusCode, a.Text())
	}
	assert.Equal(t, 12, s.Count(`SELECT count(*) FROM webhooks`))
	webtest.IsProblem(t, s.Webhook(webtest.Acme, shopify.CheckoutsCreate, "guess", body), http.StatusUnauthorized)
}
