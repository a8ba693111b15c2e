package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"
)

// target is a server that takes webhooks.
type target struct {
	addr   string
	secret secret.Secret
	// again counts the webhooks that were answered with 503 and sent again.
	again atomic.Int64
}

// load says what is sent to a target.
type load struct {
	shop string
	// connections send one webhook after the other.
	connections int
	// webhooks are sent in all; 0 sends for a duration.
	webhooks int
	duration time.Duration
	// versions of each checkout are sent, one after the other.
	versions int
	// rate is how many webhooks a second are sent, as they fall due; 0 sends as fast as they are answered.
	rate float64
	// from is the number of the first checkout: no two loads send the same.
	from int64
	// touched says when the customer touched the nth checkout of the load last; nil for now.
	touched func(n int64) time.Time
}

// sent is what came of a load.
type sent struct {
	webhooks int
	took     time.Duration
	// latencies are sorted.
	latencies []time.Duration
}

func (s *sent) perSecond() float64 { return float64(s.webhooks) / s.took.Seconds() }

// quantile is the latency that a share of the webhooks did not pass.
func (s *sent) quantile(share float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	return s.latencies[min(int(float64(len(s.latencies))*share), len(s.latencies)-1)]
}

// send sends webhooks and waits until each was answered with 200. Its latency lasts until then.
func (t *target) send(ctx context.Context, l load) (*sent, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(l.from)
	var group sync.WaitGroup
	all := make([][]time.Duration, l.connections)
	began := time.Now()
	for i := range l.connections {
		group.Go(func() {
			latencies, err := t.connection(ctx, l, began, &next)
			if err != nil {
				cancel(err)
			}
			all[i] = latencies
		})
	}
	group.Wait()
	s := &sent{took: time.Since(began), latencies: slices.Concat(all...)}
	s.webhooks = len(s.latencies)
	slices.Sort(s.latencies)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// connection sends webhooks on one connection until the load is over.
func (t *target) connection(ctx context.Context, l load, began time.Time, next *atomic.Int64) ([]time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	w := writer{load: l, secret: t.secret}
	w.versions = max(w.versions, 1)
	answers := bufio.NewReader(conn)
	var latencies []time.Duration
	for ctx.Err() == nil {
		n := next.Add(1) - 1 - l.from
		if l.webhooks > 0 && n >= int64(l.webhooks) {
			break
		}
		asked := time.Now()
		if l.rate > 0 {
			due := began.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			if l.duration > 0 && due.Sub(began) > l.duration {
				break
			}
			wait(ctx, time.Until(due))
			// Waiting behind a slow answer counts.
			asked = due
		} else if l.duration > 0 && asked.Sub(began) > l.duration {
			break
		}
		if err := t.post(ctx, conn, answers, w.request(n)); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(asked))
	}
	return latencies, nil
}

// comeBack is how long a sender waits that was told to come back.
const comeBack = 100 * time.Millisecond

// post sends a request until it is answered with 200. Whoever answers 503 asks to be sent it again.
func (t *target) post(ctx context.Context, conn net.Conn, answers *bufio.Reader, request []byte) error {
	for {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		switch status, err := readAnswer(answers); {
		case err != nil:
			return err
		case status == http.StatusOK:
			return nil
		case status != http.StatusServiceUnavailable:
			return fmt.Errorf("%s answered %d", t.addr, status)
		}
		t.again.Add(1)
		if wait(ctx, comeBack); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// readAnswer reads one HTTP answer with a Content-Length and returns its status.
func readAnswer(r *bufio.Reader) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	parts := bytes.Fields(line)
	if len(parts) < 2 {
		return 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	status, err := strconv.Atoi(string(parts[1]))
	if err != nil {
		return 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}

// writer writes the requests of webhooks.
type writer struct {
	load
	secret secret.Secret
	body   bytes.Buffer
	whole  bytes.Buffer
}

// request is the nth webhook of the load. It is overwritten by the next.
func (w *writer) request(n int64) []byte {
	number, version := w.from+n/int64(w.versions), int(n%int64(w.versions))
	now := time.Now().UTC()
	touched := now
	if w.touched != nil {
		touched = w.touched(n).UTC()
	}
	w.body.Reset()
	writeCheckout(&w.body, w.shop, number, version, touched)
	topic := shopify.CheckoutsCreate
	if version > 0 {
		topic = shopify.CheckoutsUpdate
	}
	w.whole.Reset()
	fmt.Fprintf(&w.whole, "POST "+route.ShopifyWebhooks+" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n%s: %s\r\n%s: %s\r\n%s: %s\r\n%s: 2026-10\r\n%s: bench-%d-%d\r\n%s: %s\r\n\r\n",
		w.body.Len(), shopify.HeaderTopic, topic, shopify.HeaderShop, w.shop,
		shopify.HeaderHMAC, shopify.Sign(w.secret, w.body.Bytes()), shopify.HeaderAPIVersion,
		shopify.HeaderWebhookID, number, version, shopify.HeaderTriggeredAt, now.Format(time.RFC3339Nano))
	w.whole.Write(w.body.Bytes())
	return w.whole.Bytes()
}
