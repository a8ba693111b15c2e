package voicetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Lab is a server that misbehaves in a given way and counts what reaches it.
type Lab struct {
	// URL is the server's address.
	URL string
	// RootCAs trusts the server's certificate; nil without TLS.
	RootCAs *x509.CertPool

	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	conns    int
	bytes    int
	requests []*Seen
	open     map[net.Conn]bool
}

// Seen is one whole request that arrived.
type Seen struct {
	Request *http.Request
	Body    []byte
}

// NewLab starts a server that gives every connection to behave, until the test ends.
func NewLab(t *testing.T, behave func(*Lab, net.Conn)) *Lab {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{URL: "http://" + listener.Addr().String(), listener: listener, open: map[net.Conn]bool{}}
	l.serving.Add(1)
	go l.serve(behave)
	t.Cleanup(l.close)
	return l
}

// NewTLSLab starts a server that does the same after a TLS handshake.
func NewTLSLab(t *testing.T, behave func(*Lab, net.Conn)) *Lab {
	t.Helper()
	// The certificate is that of httptest.
	helper := httptest.NewTLSServer(nil)
	config, roots := helper.TLS.Clone(), x509.NewCertPool()
	roots.AddCert(helper.Certificate())
	helper.Close()
	config.NextProtos = []string{"http/1.1"}
	l := NewLab(t, func(l *Lab, raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.HandshakeContext(t.Context()) == nil {
			behave(l, conn)
		}
	})
	l.URL = strings.Replace(l.URL, "http://", "https://", 1)
	l.RootCAs = roots
	return l
}

func (l *Lab) serve(behave func(*Lab, net.Conn)) {
	defer l.serving.Done()
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.conns++
		l.open[conn] = true
		l.mu.Unlock()
		l.serving.Add(1)
		go func() {
			defer l.serving.Done()
			defer conn.Close()
			behave(l, conn)
		}()
	}
}

func (l *Lab) close() {
	l.listener.Close()
	l.mu.Lock()
	for conn := range l.open {
		conn.Close()
	}
	l.mu.Unlock()
	l.serving.Wait()
}

// Conns is how many connections came.
func (l *Lab) Conns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns
}

// Bytes is how many bytes of requests came.
func (l *Lab) Bytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// Requests are the whole requests that came.
func (l *Lab) Requests() []*Seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Seen(nil), l.requests...)
}

// Read reads a whole request, or returns nil when none comes.
func (l *Lab) Read(conn net.Conn) *Seen {
	r, err := http.ReadRequest(bufio.NewReader(&counter{conn, l}))
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	seen := &Seen{Request: r, Body: body}
	l.mu.Lock()
	l.requests = append(l.requests, seen)
	l.mu.Unlock()
	return seen
}

// ReadSome reads at least n bytes of a request and no more than it must.
func (l *Lab) ReadSome(conn net.Conn, n int) {
	_, _ = io.ReadFull(&counter{conn, l}, make([]byte, n))
}

// counter counts what is read of a connection.
type counter struct {
	io.Reader
	lab *Lab
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.lab.mu.Lock()
	c.lab.bytes += n
	c.lab.mu.Unlock()
	return n, err
}

// Reset ends a connection with a TCP reset.
func Reset(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	conn.Close()
}

// Answer reads a request and answers it.
func Answer(status int, body string, header ...string) func(*Lab, net.Conn) {
	return func(l *Lab, conn net.Conn) {
		if l.Read(conn) == nil {
			return
		}
		var head strings.Builder
		fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", status,
			http.StatusText(status), len(body))
		for _, line := range header {
			head.WriteString(line + "\r\n")
		}
		_, _ = io.WriteString(conn, head.String()+"\r\n"+body)
	}
}

// Say reads a request and writes raw bytes.
func Say(raw string) func(*Lab, net.Conn) {
	return func(l *Lab, conn net.Conn) {
		if l.Read(conn) != nil {
			_, _ = io.WriteString(conn, raw)
		}
	}
}

// unresolvable is a dialler whose name server knows no name at all.
func unresolvable(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { server.Close(); <-done })
	go func() {
		defer close(done)
		query := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if reply := noSuchName(query[:n]); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	return (&net.Dialer{Resolver: resolver}).DialContext
}

// noSuchName answers a DNS query with NXDOMAIN (RFC 1035, section 4.1).
func noSuchName(query []byte) []byte {
	const header, typeAndClass = 12, 4
	if len(query) < header {
		return nil
	}
	end := bytes.IndexByte(query[header:], 0)
	if end < 0 || header+end+1+typeAndClass > len(query) {
		return nil
	}
	reply := bytes.Clone(query[:header+end+1+typeAndClass])
	reply[2], reply[3] = 0x81, 0x83
	copy(reply[4:header], []byte{0, 1, 0, 0, 0, 0, 0, 0})
	return reply
}

// afterReset is a dialler that hands a connection out only once the other side's reset has arrived, so that not one
// byte can be written to it.
func afterReset(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		conn.Close()
		return nil, errors.New("the lab was to reset the connection, and did not")
	}
	return conn, nil
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}
