package wire

import (
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gate is a connection whose writes tell that they began, and end as told.
type gate struct {
	net.Conn
	began chan struct{}
	end   chan error
	took  int
}

func (g *gate) Write(p []byte) (int, error) {
	close(g.began)
	if err := <-g.end; err != nil {
		return 0, err
	}
	g.took += len(p)
	return len(p), nil
}

func newGate() *gate { return &gate{began: make(chan struct{}), end: make(chan error, 1)} }

func TestTap_SealedLetsNothingLeave(t *testing.T) {
	t.Parallel()
	g := newGate()
	conn := &tap{Conn: g}
	conn.arm()
	assert.False(t, conn.seal())
	n, err := conn.Write([]byte("POST"))
	require.ErrorIs(t, err, net.ErrClosed)
	assert.Zero(t, n)
	assert.Zero(t, g.took)
}

func TestTap_WriteUnderWayCountsAsSent(t *testing.T) {
	t.Parallel()
	g := newGate()
	conn := &tap{Conn: g}
	conn.arm()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = conn.Write([]byte("POST"))
	}()
	<-g.began
	assert.True(t, conn.seal(), "it may yet go out")
	g.end <- errors.New("reset")
	<-done
}

func TestTap_BytesBeforeTheRequestDoNotCount(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.end <- nil
	conn := &tap{Conn: g}
	_, err := conn.Write([]byte("a TLS handshake"))
	require.NoError(t, err)
	conn.arm()
	assert.False(t, conn.seal())
}
