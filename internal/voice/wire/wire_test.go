package wire_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/voice"
	"ringback/internal/voice/voicetest"
	"ringback/internal/voice/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNew_TakesEncryptedAndLoopbackAddressesOnly(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"https://api.example.com", "https://api.example.com/v1/", "http://127.0.0.1:8080", "http://localhost:1", "http://x.localhost:1", "http://[::1]:1"} {
		_, err := wire.New(base, 0, nil, voice.Network{})
		require.NoError(t, err, base)
	}
	for _, base := range []string{"", "api.example.com", "http://api.example.com", "ftp://127.0.0.1", "https://user:pw@api.example.com", "https://api.example.com?x=1", "http://127.0.0.1.example.com"} {
		_, err := wire.New(base, 0, nil, voice.Network{})
		require.ErrorContains(t, err, "voice.base_url", base)
	}
	_, err := wire.New("https://api.example.com", 0, http.Header{"X-Key": {"sk_1\n"}}, voice.Network{})
	require.ErrorContains(t, err, "X-Key")
	assert.NotContains(t, err.Error(), "sk_1")
}

func TestClient_NameUnderLocalhostIsThisMachine(t *testing.T) {
	t.Parallel()
	lab := voicetest.NewLab(t, voicetest.Answer(200, `{"id":"call-1"}`))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(lab.URL, "http://"))
	require.NoError(t, err)
	c, err := wire.New("http://voice.localhost:"+port, 0, nil, voice.Network{})
	require.NoError(t, err)
	body, err := c.Place(t.Context(), "/call", struct{}{}, nil)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"call-1"}`, string(body))
}

func TestPlace_RetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header []string
		want   time.Duration
	}{
		"none":                {nil, 0},
		"seconds":             {[]string{"Retry-After: 7"}, 7 * time.Second},
		"a date":              {[]string{"Date: Wed, 04 Mar 2026 10:00:00 GMT", "Retry-After: Wed, 04 Mar 2026 10:01:30 GMT"}, 90 * time.Second},
		"a date gone by":      {[]string{"Date: Wed, 04 Mar 2026 10:00:00 GMT", "Retry-After: Wed, 04 Mar 2026 09:00:00 GMT"}, 0},
		"negative":            {[]string{"Retry-After: -5"}, 0},
		"beyond all patience": {[]string{"Retry-After: 99999999999"}, 24 * time.Hour},
		"rubbish":             {[]string{"Retry-After: soon"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := voicetest.NewLab(t, voicetest.Answer(429, `{}`, test.header...))
			c, err := wire.New(lab.URL, 0, nil, voice.Network{})
			require.NoError(t, err)
			_, err = c.Place(t.Context(), "/call", struct{}{}, nil)
			var failed *voice.NotPlacedError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, test.want, failed.RetryAfter)
		})
	}
}

func TestPlace_MessagesOfErrors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"code":400,"message":"Bad number"}`:                            "Bad number",
		`{"status_code":400,"message":"Bad number"}`:                     "Bad number",
		`{"error":{"message":"Bad number"}}`:                             "Bad number",
		`{"errors":[{"message":"Bad number"},{"msg":"bad name"}]}`:       "Bad number; bad name",
		`{"success":false,"data":{"message":"Bad number"}}`:              "Bad number",
		`<html>Bad Request</html>`:                                       "Bad Request",
		``:                                                               "Bad Request",
		`{"message":{"message":{"message":{"message":"too deep"}}}}`:     "Bad Request",
		`{"message":"call +919000012345 on https://x.example/t failed"}`: "call [number] on [link] failed",
	} {
		lab := voicetest.NewLab(t, voicetest.Answer(400, body))
		c, err := wire.New(lab.URL, 0, nil, voice.Network{})
		require.NoError(t, err)
		_, err = c.Place(t.Context(), "/call", struct{}{}, nil)
		var refused *voice.RefusedError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, want, refused.Message, body)
		assert.Equal(t, 400, refused.Status)
	}
}

func TestPlace_StatusesThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nLocation: ://\r\nContent-Length: 0\r\n\r\n",
	} {
		lab := voicetest.NewLab(t, voicetest.Say(raw))
		c, err := wire.New(lab.URL, 0, nil, voice.Network{})
		require.NoError(t, err)
		_, err = c.Place(t.Context(), "/call", struct{}{}, nil)
		var uncertain *voice.UncertainError
		var refused *voice.RefusedError
		require.True(t, errors.As(err, &uncertain) || errors.As(err, &refused), "%q: %v", raw, err)
		assert.Len(t, lab.Requests(), 1)
	}
}

// broken is a connection that takes some bytes and then fails.
type broken struct {
	net.Conn
	takes int
}

func (b *broken) Write(p []byte) (int, error) {
	n := min(b.takes, len(p))
	b.takes -= n
	if n > 0 {
		if _, err := b.Conn.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return n, errors.New("the cable was pulled")
}

// Whether an attempt may be made again hangs on whether a single byte left, whatever the error is.
func TestPlace_OneByteDecides(t *testing.T) {
	t.Parallel()
	for takes, sent := range map[int]bool{0: false, 1: true, 60: true} {
		lab := voicetest.NewLab(t, voicetest.Answer(200, `{}`))
		var dialled atomic.Int32
		c, err := wire.New(lab.URL, 0, nil, voice.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled.Add(1)
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &broken{conn, takes}, nil
		}})
		require.NoError(t, err)
		_, err = c.Place(t.Context(), "/call", struct{}{}, nil)
		var failed *voice.NotPlacedError
		var uncertain *voice.UncertainError
		assert.Equal(t, !sent, errors.As(err, &failed), "%d bytes: %v", takes, err)
		assert.Equal(t, sent, errors.As(err, &uncertain), "%d bytes: %v", takes, err)
		assert.EqualValues(t, 1, dialled.Load(), "nothing is tried twice")
	}
}

// stuck is a connection whose writes hang until it is closed, and then may or may not have gone out.
type stuck struct {
	net.Conn
	closed chan struct{}
}

func (s *stuck) Write([]byte) (int, error) {
	<-s.closed
	return 0, net.ErrClosed
}

func (s *stuck) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return s.Conn.Close()
}

// A write that is still under way when the time is up may yet go out: that is uncertain, unless it is known to have failed whole.
func TestPlace_WriteUnderWayIsUncertain(t *testing.T) {
	t.Parallel()
	lab := voicetest.NewLab(t, func(l *voicetest.Lab, conn net.Conn) { l.Read(conn) })
	c, err := wire.New(lab.URL, 100*time.Millisecond, nil, voice.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &stuck{conn, make(chan struct{})}, nil
	}})
	require.NoError(t, err)
	_, err = c.Place(t.Context(), "/call", struct{}{}, nil)
	require.Error(t, err)
	var failed *voice.NotPlacedError
	if errors.As(err, &failed) {
		assert.Zero(t, lab.Bytes(), "told as not placed, so nothing may have arrived")
	}
}

func TestPlace_BodyThatCannotBeEncodedIsNotSent(t *testing.T) {
	t.Parallel()
	lab := voicetest.NewLab(t, voicetest.Answer(200, `{}`))
	c, err := wire.New(lab.URL, 0, nil, voice.Network{})
	require.NoError(t, err)
	_, err = c.Place(t.Context(), "/call", map[string]any{"f": func() {}}, nil)
	var failed *voice.NotPlacedError
	require.ErrorAs(t, err, &failed)
	assert.Zero(t, lab.Conns())
}

func TestAsk_PathStaysBelowTheBase(t *testing.T) {
	t.Parallel()
	lab := voicetest.NewLab(t, voicetest.Answer(200, `{}`))
	c, err := wire.New(lab.URL+"/base/", 0, nil, voice.Network{})
	require.NoError(t, err)
	_, err = c.Ask(t.Context(), http.MethodPut, "/v2/call/a%2Fb", struct{}{}, voice.RefusedContent, nil)
	require.NoError(t, err)
	assert.Equal(t, "/base/v2/call/a%2Fb", lab.Requests()[0].Request.RequestURI)
}
