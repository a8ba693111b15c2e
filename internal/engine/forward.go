package engine

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/secret"
)

// Forwarding is the operator's own system, which is told of what agents do.
type Forwarding struct {
	// URL is empty when nothing is forwarded.
	URL    string
	Secret secret.Secret
	Client *http.Client
}

func (e *Engine) forwards() bool { return e.forwarding.URL != "" }

// The headers of what is forwarded. The signature is the lowercase hex HMAC-SHA256, keyed with
// integrations.webhook_secret, of the timestamp, a full stop and the raw body.
const (
	headerSignature = "X-Ringback-Signature"
	headerTimestamp = "X-Ringback-Timestamp"
	headerID        = "X-Ringback-Id"
)

// forwarded is the body of what is forwarded.
type forwarded struct {
	Type     string          `json:"type"`
	Shop     string          `json:"shop"`
	CartID   string          `json:"cart_id"`
	Checkout string          `json:"checkout_token"`
	CallID   string          `json:"call_id"`
	Attempt  int             `json:"attempt"`
	Event    json.RawMessage `json:"event"`
}

// ForwardAction sends one action of an agent to the operator's own system. id is the same for every try, so that the
// receiver can tell a repeat.
func (e *Engine) ForwardAction(ctx context.Context, action ForwardAction, id string) error {
	if !e.forwards() {
		// Whoever inserted the job knows where to.
		return errUnknownReceiver
	}
	ref, err := e.db.CallRef(ctx, action.CallID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	payload, err := e.db.CallbackPayload(ctx, action.CallID, action.Digest)
	if errors.Is(err, postgres.ErrNotFound) {
		// Erased or past its retention: there is nothing left to tell.
		return nil
	}
	if err != nil {
		return err
	}
	c, err := e.db.Cart(ctx, ref.CartID)
	if err != nil {
		return err
	}
	call := c.Call(ref.CallID)
	body, err := json.Marshal(forwarded{
		Type: "call.action", Shop: c.Shop, CartID: c.ID.String(), Checkout: c.Token,
		CallID: call.ID.String(), Attempt: call.Attempt, Event: payload,
	})
	if err != nil {
		return err
	}
	return e.forward(ctx, id, body)
}

func (e *Engine) forward(ctx context.Context, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.forwarding.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(e.db.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(headerID, id)
	req.Header.Set(headerTimestamp, stamp)
	req.Header.Set(headerSignature, SignForwarded(e.forwarding.Secret, stamp, body))
	resp, err := e.forwarding.Client.Do(req)
	if err != nil {
		return errors.New("integrations.webhook_url could not be reached")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= 300 {
		return fmt.Errorf("integrations.webhook_url answered %d", resp.StatusCode)
	}
	return nil
}

// SignForwarded returns the signature of a forwarded body, as its receiver should compute it.
func SignForwarded(secret secret.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// forwardTimeout bounds one request to the operator's own system.
const forwardTimeout = 10 * time.Second
