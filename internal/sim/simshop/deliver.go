package simshop

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"ringback/internal/shopify"
)

// subscription is a topic's webhook subscription.
type subscription struct {
	id        int64
	topic     string
	uri       string
	createdAt time.Time
	// failures counts the consecutive deliveries that failed.
	failures int
}

// delivery is one webhook on its way.
type delivery struct {
	shop    *Shop
	sub     *subscription
	uri     string
	headers shopify.Delivery
	body    []byte
	due     time.Time
	tries   int
}

// Sent is one request that carried a webhook, for a test to look at.
type Sent struct {
	shopify.Delivery
	URI  string
	Body []byte
	// Try is 1 for the first request of a webhook.
	Try int
	// Status is the answer's HTTP status; 0 when there was none.
	Status int
}

// webhookVersion is the version the payloads are made for.
const webhookVersion = "2026-10"

// retryAfter are the waits before each of Shopify's 8 retries, four hours in all.
var retryAfter = [...]time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
	2 * time.Hour,
}

// tell sends a webhook to all that are subscribed. The caller holds the lock.
func (p *Shop) tell(topic string, body object, at time.Time) {
	p.tellEvent(topic, p.sim.uuid(), body, at)
}

func (p *Shop) tellEvent(topic, event string, body object, at time.Time) {
	for _, s := range p.subscriptions {
		if s.topic == topic {
			p.enqueue(topic, event, s.uri, body, at, s)
		}
	}
}

// enqueue schedules a webhook with the configured faults. The payload is fixed here: retries send it unchanged.
func (p *Shop) enqueue(topic, event, uri string, body object, at time.Time, sub *subscription) {
	sim := p.sim
	// All random numbers are drawn every time, so that one more fault does not change the others.
	dropped := sim.rand.Float64() < sim.cfg.Trouble.Dropped
	duplicated := sim.rand.Float64() < sim.cfg.Trouble.Duplicated
	delayed := sim.rand.Float64() < sim.cfg.Trouble.Delayed
	delay := time.Duration(sim.rand.Float64() * float64(sim.cfg.Trouble.MaxDelay))
	id := sim.uuid()
	// Compliance webhooks and webhooks without an address have no faults.
	if sub == nil {
		dropped, delayed = false, false
	}
	if uri == "" || dropped {
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic("simshop: " + err.Error())
	}
	d := &delivery{shop: p, sub: sub, uri: uri, body: raw, due: at, headers: shopify.Delivery{
		Topic: topic, Shop: p.cfg.Domain, WebhookID: id, EventID: event, APIVersion: webhookVersion, TriggeredAt: at,
	}}
	if delayed {
		d.due = at.Add(delay)
	}
	sim.queue = append(sim.queue, d)
	if duplicated {
		again := *d
		sim.queue = append(sim.queue, &again)
	}
}

// DeliverDue sends every webhook that is due by the clock, oldest first, retries included, and returns how many
// requests it made. It returns early when the context ends.
func (s *Shopify) DeliverDue(ctx context.Context) int {
	n := 0
	for ctx.Err() == nil {
		d := s.next()
		if d == nil {
			return n
		}
		s.send(ctx, d)
		n++
	}
	return n
}

// next takes the oldest due delivery off the queue.
func (s *Shopify) next() *delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	best := -1
	for i, d := range s.queue {
		if !d.due.After(now) && (best < 0 || d.due.Before(s.queue[best].due)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	d := s.queue[best]
	s.queue = slices.Delete(s.queue, best, best+1)
	return d
}

// NextDue is when the next webhook is to be sent; false when none waits.
func (s *Shopify) NextDue() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var at time.Time
	for _, d := range s.queue {
		if at.IsZero() || d.due.Before(at) {
			at = d.due
		}
	}
	return at, !at.IsZero()
}

// Run sends webhooks as they become due until the context ends.
func (s *Shopify) Run(ctx context.Context) {
	const look = 20 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		s.DeliverDue(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// send makes one request, and plans the next one if it fails.
func (s *Shopify) send(ctx context.Context, d *delivery) {
	d.tries++
	status := s.post(ctx, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, Sent{Delivery: d.headers, URI: d.uri, Body: d.body, Try: d.tries, Status: status})
	if status >= 200 && status < 300 {
		if d.sub != nil {
			d.sub.failures = 0
		}
		return
	}
	if d.tries <= len(retryAfter) {
		d.due = s.now().Add(retryAfter[d.tries-1])
		s.queue = append(s.queue, d)
	}
	if d.sub == nil {
		return
	}
	if d.sub.failures++; d.sub.failures > len(retryAfter) {
		// Shopify deletes a subscription of the API after 8 failures in a row.
		d.shop.subscriptions = slices.DeleteFunc(d.shop.subscriptions, func(x *subscription) bool { return x == d.sub })
	}
}

// post returns the status of the answer, or 0.
func (s *Shopify) post(ctx context.Context, d *delivery) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.uri, bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	req.Header = d.headers.Headers(shopify.Sign(s.cfg.ClientSecret, d.body))
	res, err := s.http.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode
}

// Sent returns every request made so far that carried a webhook, in order.
func (s *Shopify) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}
