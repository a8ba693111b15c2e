package simvoice

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const (
	// maxTries is how often an event is sent that was not accepted; firstWait is the first wait between two tries.
	maxTries  = 8
	firstWait = 20 * time.Millisecond
	// maxWait bounds the wait between two tries.
	maxWait = time.Second
)

// outbox sends the events of one call, one after the other, without holding up the call's life.
type outbox struct {
	call  *call
	queue chan []byte
	// held is an event that is sent after its successor.
	held []byte
}

func newOutbox(c *call) *outbox {
	// A call has a few dozen events at most. The buffer keeps the call from waiting for the receiver.
	o := &outbox{call: c, queue: make(chan []byte, 256)}
	c.server.spawn(o.run)
	return o
}

// send queues an event, twice or after its successor as the random numbers say.
func (o *outbox) send(typ string, data map[string]any) {
	s := o.call.server
	if data == nil {
		data = map[string]any{}
	}
	if _, told := data["call"]; !told {
		data["call"] = o.call.part()
	}
	event := map[string]any{"event": map[string]any{"type": typ, "data": data}}
	if len(o.call.metadata) > 0 {
		event["metadata"] = o.call.metadata
	}
	body, err := json.Marshal(event)
	if err != nil {
		return
	}
	if s.opts.Watch != nil {
		o.call.mu.Lock()
		order := o.call.order
		o.call.mu.Unlock()
		s.opts.Watch(Event{Order: order, ProviderCallID: o.call.id, Type: typ, At: s.opts.Now()})
	}
	copies := 1
	if o.call.chance.Float64() < s.opts.Duplicates {
		copies = 2
	}
	late := o.call.chance.Float64() < s.opts.Disorder
	for range copies {
		if late && o.held == nil {
			o.held = body
			continue
		}
		o.queue <- body
	}
	if !late && o.held != nil {
		o.queue <- o.held
		o.held = nil
	}
}

// close lets the queue drain.
func (o *outbox) close() {
	if o.held != nil {
		o.queue <- o.held
	}
	close(o.queue)
}

func (o *outbox) run() {
	for body := range o.queue {
		o.deliver(body)
	}
}

// deliver posts one event until it is taken.
func (o *outbox) deliver(body []byte) {
	s := o.call.server
	wait := firstWait
	for try := 0; try < maxTries && s.ctx.Err() == nil; try++ {
		if o.post(body) {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
		}
		wait = min(2*wait, maxWait)
	}
	s.mu.Lock()
	s.tally.undelivered++
	s.mu.Unlock()
}

// post sends the event once and reports whether it was taken.
func (o *outbox) post(body []byte) bool {
	s := o.call.server
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, o.call.callback, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-public-key", s.opts.PublicKey)
	req.Header.Set("x-signature", sign(s.opts.PrivateKey.Reveal(), body))
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}

// sign is the signature that the API sends along: the lowercase hex HMAC-SHA256 of the body, keyed with the account's
// private key. It is written here anew, so that the simulation tests the client's own reading of the documents.
func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
