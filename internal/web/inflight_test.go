package web_test

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promises opens a connection, promises a body of some bytes and sends what is given of it.
func (s *site) promises(path string, promised int, sent []byte) net.Conn {
	s.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", path, strings.TrimPrefix(s.url, "http://"), promised)
	require.NoError(s.t, err)
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
			s := newSite(t)
			c, token := callingCart(s)
			part := bytes.Repeat([]byte(" "), size-1)
			before := heap()
			var all sync.WaitGroup
			for i := range 600 {
				path := "/webhooks/shopify"
				if i%3 == 0 {
					path = "/webhooks/voice/mirai/" + token
				}
				all.Go(func() { s.promises(path, size, part) })
			}
			all.Wait()
			assert.Less(t, int64(heap())-int64(before), int64(180<<20))

			for i := range 20 {
				a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", checkout(fmt.Sprint("real-", i)))
				assert.Equal(t, http.StatusOK, a.StatusCode, a.text())
			}
			large := append(checkout("large"), bytes.Repeat([]byte(" "), 700<<10)...)
			require.Eventually(t, func() bool {
				return s.webhook(acme, shopify.CheckoutsCreate, "shared new", large).StatusCode == http.StatusOK
			}, 20*time.Second, 10*time.Millisecond, "a large one gets in when it is sent again")
			a := s.callback("mirai", token, "pk", "sk", miraiEvent(c.Calls[0].ID, "PHONE_CALL_CONNECTED"))
			assert.Equal(t, http.StatusOK, a.StatusCode, a.text())
		})
	}
}

func TestIntake_AnIdleBodyIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/webhooks/shopify", "/webhooks/voice/mirai/token"} {
		conn := s.promises(path, 1000, []byte("{"))
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

// A connection is used for the next webhook after a large one.
func TestIntake_TakesManyLargeWebhooks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := append(checkout("t"), bytes.Repeat([]byte(" "), 10<<20)...)
	for range 12 {
		a := s.webhook(acme, shopify.CheckoutsCreate, "shared new", body)
		require.Equal(t, http.StatusOK, a.StatusCode, a.text())
	}
	assert.Equal(t, 12, s.count(`SELECT count(*) FROM webhooks`))
	isProblem(t, s.webhook(acme, shopify.CheckoutsCreate, "guess", body), http.StatusUnauthorized)
}
