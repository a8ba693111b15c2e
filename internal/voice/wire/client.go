package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"ringback/internal/loopback"
	"ringback/internal/voice"
)

const (
	// defaultTimeout bounds one exchange when the configuration does not.
	defaultTimeout = 15 * time.Second
	// maxBody bounds what is read of an answer, in bytes.
	maxBody = 256 << 10
	// maxHeader bounds an answer's headers, in bytes.
	maxHeader = 64 << 10
)

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Client sends requests to one provider's address. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	timeout time.Duration
	header  http.Header
	secrets []string
	// transport is used without an http.Client around it, which would look at redirects and cookies.
	transport *http.Transport
}

// New makes a client for the provider at base: https, or http on a loopback host. The header goes out with every
// request and its values never show in an error. A timeout of 0 is 15 seconds.
func New(base string, timeout time.Duration, header http.Header, network voice.Network) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, errors.New("voice.base_url: not a URL; write one like https://api.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("voice.base_url: takes a scheme, a host and a path only")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback.Host(u.Hostname())) {
		return nil, fmt.Errorf("voice.base_url: %s://%s is not encrypted; write an https:// address", u.Scheme, u.Host)
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	c := &Client{base: u, timeout: timeout, header: header}
	for name, values := range header {
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				return nil, fmt.Errorf("voice: the value for the header %s has characters that a header cannot "+
					"carry; look for a line break or a quote in it", name)
			}
			c.secrets = append(c.secrets, v, strings.TrimPrefix(v, "Bearer "))
		}
	}
	dial := network.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	proxy := http.ProxyFromEnvironment
	if loopback.Host(u.Hostname()) {
		dial, proxy = onThisMachine(dial), nil
	}
	c.transport = &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &tap{Conn: conn}, nil
		},
		TLSClientConfig:        &tls.Config{RootCAs: network.RootCAs, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              http1(),
	}
	return c, nil
}

// http1 permits HTTP/1.1 alone, because the tap counts on one request per connection.
func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// onThisMachine dials localhost in place of a name under .localhost: a name server may not know that those names are
// this machine, and what is sent to them may be unencrypted.
func onThisMachine(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err == nil && net.ParseIP(host) == nil {
			address = net.JoinHostPort("localhost", port)
		}
		return dial(ctx, network, address)
	}
}

// answer is what a provider replied.
type answer struct {
	status int
	header http.Header
	body   []byte
	// err says that the body could not be read to its end.
	err error
}

// failure is an exchange without an answer.
type failure struct {
	// sent reports whether a byte of the request may have reached the provider.
	sent bool
	err  error
}

// exchange sends one request and reads the answer. Exactly one of its results is set.
func (c *Client) exchange(ctx context.Context, method, path string, body any) (*answer, *failure) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, &failure{err: fmt.Errorf("encode the request: %w", err)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var used atomic.Pointer[tap]
	var got atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if t := tapOf(info.Conn); t != nil {
			t.arm()
			used.Store(t)
		}
		got.Store(true)
	}})
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), bytes.NewReader(raw))
	if err != nil {
		return nil, &failure{err: err}
	}
	// Without GetBody net/http has no way to send the body a second time.
	req.GetBody = nil
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Ringback")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		f := &failure{sent: got.Load(), err: err}
		if t := used.Load(); t != nil {
			f.sent = t.seal()
		}
		return nil, f
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	if a.status == http.StatusSwitchingProtocols {
		// The body would be the bare connection, which no timeout ends.
		return a, nil
	}
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if a.err == nil && len(a.body) > maxBody {
		a.err = fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	return a, nil
}
