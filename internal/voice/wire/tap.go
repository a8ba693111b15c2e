package wire

import (
	"crypto/tls"
	"net"
	"sync"
)

// tap is a connection that knows whether anything may have been sent through it since it was armed.
type tap struct {
	net.Conn
	mu     sync.Mutex
	armed  bool
	sealed bool
	sent   bool
}

// Write implements net.Conn. A write that is under way counts as sent. It no longer counts when the kernel refused
// every byte of it.
func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	if t.sealed {
		t.mu.Unlock()
		return 0, net.ErrClosed
	}
	before := t.sent
	t.sent = before || t.armed
	t.mu.Unlock()

	n, err := t.Conn.Write(p)
	if n == 0 && err != nil && !before {
		t.mu.Lock()
		t.sent = false
		t.mu.Unlock()
	}
	return n, err
}

// arm starts the count: what follows is the request.
func (t *tap) arm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = true
}

// seal lets nothing more leave. It reports whether anything may have left since the count began.
func (t *tap) seal() (sent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sealed = true
	return t.sent
}

// tapOf finds the tap under a connection as net/http hands it out, nil when there is none.
func tapOf(c net.Conn) *tap {
	for {
		switch conn := c.(type) {
		case *tap:
			return conn
		case *tls.Conn:
			c = conn.NetConn()
		default:
			return nil
		}
	}
}
