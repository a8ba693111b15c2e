package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ringback/internal/config"
	"ringback/internal/loopback"
	"ringback/internal/outbound"
	"ringback/internal/postgres"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Endpoints are the configured addresses that events are sent to.
type Endpoints struct {
	list []*Endpoint
	byID map[string]*Endpoint
}

// Endpoint is an address that events are sent to.
type Endpoint struct {
	// ID is a hash of the address.
	ID string
	// Host is the part of the address that may be shown, such as "https://crm.example.com".
	Host string
	// Types and Stores are what it is told of; empty means everything.
	Types  []outbound.Type
	Stores []string

	url     string
	signers []*standardwebhooks.Webhook
	client  *http.Client
}

// NewEndpoints makes the endpoints of a configuration.
func NewEndpoints(configured []config.Endpoint) (*Endpoints, error) {
	all := &Endpoints{byID: map[string]*Endpoint{}}
	for i, c := range configured {
		p := &Endpoint{ID: endpointID(c.URL), Stores: c.Stores, url: c.URL}
		for _, t := range c.Events {
			p.Types = append(p.Types, outbound.Type(t))
		}
		u, err := url.Parse(c.URL)
		if err != nil {
			return nil, fmt.Errorf("integrations.endpoints[%d].url is not a usable address", i)
		}
		p.Host = u.Scheme + "://" + u.Host
		for _, s := range c.Secret {
			signer, err := standardwebhooks.NewWebhook(s.Reveal())
			if err != nil {
				return nil, fmt.Errorf("integrations.endpoints[%d].secret is not whsec_ and base64", i)
			}
			p.signers = append(p.signers, signer)
		}
		p.client = newEndpointClient(loopback.Host(u.Hostname()), c.Private)
		all.list, all.byID[p.ID] = append(all.list, p), p
	}
	return all, nil
}

// endpointID names an address without telling it.
func endpointID(address string) string {
	sum := sha256.Sum256([]byte("endpoint " + address))
	return hex.EncodeToString(sum[:6])
}

// Endpoints lists the configured endpoints.
func (e *Engine) Endpoints() []*Endpoint { return e.endpoints.list }

// any reports whether there is anybody to tell.
func (p *Endpoints) any() bool { return len(p.list) > 0 }

func (p *Endpoints) ids() []string {
	ids := make([]string, len(p.list))
	for i, endpoint := range p.list {
		ids[i] = endpoint.ID
	}
	return ids
}

// wants reports whether an endpoint is told of a type of event of a shop.
func (p *Endpoint) wants(shop string, t outbound.Type) bool {
	return (len(p.Types) == 0 || slices.Contains(p.Types, t)) &&
		(len(p.Stores) == 0 || slices.Contains(p.Stores, shop))
}

// NoteEndpoints remembers the configured endpoints.
func (e *Engine) NoteEndpoints(ctx context.Context) error {
	noted := make([]postgres.Endpoint, len(e.endpoints.list))
	for i, p := range e.endpoints.list {
		noted[i] = postgres.Endpoint{ID: p.ID, Host: p.Host}
	}
	if len(noted) == 0 {
		return nil
	}
	return e.db.NoteEndpoints(ctx, noted)
}

const (
	// endpointTimeout bounds one request to an endpoint.
	endpointTimeout = 10 * time.Second
	// mostAnswer is how much of an answer is read.
	mostAnswer = 64 << 10
)

// errNotPublic: the host of an endpoint has an address that it must not have.
var errNotPublic = errors.New("the host's address is not a public one; if it is in your own network, write " +
	"private: true beside the url")

// newEndpointClient makes the client for one endpoint. It connects to public addresses only, to those of this machine
// when the URL names it, and to those of private networks when that is permitted. The address is checked when the
// connection is made, so a name that changes its address in between gains nothing. No redirect is followed, and no
// proxy is used, which would connect to addresses that are not checked here.
func newEndpointClient(local, private bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: endpointTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return errNotPublic
			}
			ip := to.Addr().Unmap()
			if loopback.Public(ip) || local && ip.IsLoopback() || private && loopback.Private(ip) {
				return nil
			}
			return errNotPublic
		},
	}
	return &http.Client{
		Timeout: endpointTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: endpointTimeout,
			MaxIdleConnsPerHost: streamsAtOnce, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: mostAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what an endpoint made of an event.
type answer struct {
	status int
	// wrong says why the event was not taken; "" when it was.
	wrong string
	// retryAfter is how long the endpoint asks to be left alone; 0 when it does not.
	retryAfter time.Duration
	// takenOver is true when the endpoint cares for the customer from now on.
	takenOver bool
}

// post sends a message, signed by each of the endpoint's secrets. Without an answer, wrong says why.
func (p *Endpoint) post(
	ctx context.Context, id string, now time.Time, body []byte,
) (resp *http.Response, wrong string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, "the address cannot be used"
	}
	signatures := make([]string, len(p.signers))
	for i, s := range p.signers {
		if signatures[i], err = s.Sign(id, now, body); err != nil {
			return nil, "the message could not be signed"
		}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Ringback")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err = p.client.Do(req)
	var timeout net.Error
	switch {
	case errors.Is(err, errNotPublic):
		return nil, errNotPublic.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, "no answer came within " + endpointTimeout.String()
	case err != nil:
		// The error repeats the address.
		return nil, "the endpoint could not be reached"
	}
	return resp, ""
}

// send posts an event.
func (p *Endpoint) send(ctx context.Context, id string, now time.Time, body []byte) answer {
	resp, wrong := p.post(ctx, id, now, body)
	if wrong != "" {
		return answer{wrong: wrong}
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	a := answer{status: resp.StatusCode}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		a.takenOver = err == nil && takenOver(content)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		a.wrong = fmt.Sprintf("the endpoint answered %d; redirects are not followed", resp.StatusCode)
	default:
		a.wrong = fmt.Sprintf("the endpoint answered %d", resp.StatusCode)
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
			a.retryAfter = min(time.Duration(seconds)*time.Second, longestBackOff)
		}
	}
	return a
}

// takenOver reports whether an answer says that the endpoint cares for the customer from now on: {"suppress": true} or
// {"handled": true}.
func takenOver(content []byte) bool {
	var said map[string]any
	if json.Unmarshal(content, &said) != nil {
		return false
	}
	return said["suppress"] == true || said["handled"] == true
}
