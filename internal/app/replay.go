package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// Replay signs recorded webhooks as Shopify would and posts them to a server.
type Replay struct {
	// URL is the server's address, without a path.
	URL string
	// Shop is the *.myshopify.com domain the webhooks are for.
	Shop string
	// Secret signs them.
	Secret secret.Secret
	// Version is the API version that the webhooks claim.
	Version string
	// AsRecorded keeps the times in the payloads. Otherwise they are moved, together, so that the newest of each is now.
	AsRecorded bool
	// Now is the moment that "now" means.
	Now    time.Time
	Client *http.Client
	// Out gets a line per webhook.
	Out io.Writer
}

// Run posts the files in order. A file's name tells its topic, as in checkouts_update.some-name.json. It returns an
// error when any file could not be read or was not answered 200.
func (r Replay) Run(ctx context.Context, files []string) error {
	failed := 0
	for _, file := range files {
		if err := r.file(ctx, file); err != nil {
			failed++
			fmt.Fprintf(r.Out, "FAIL  %s: %v\n", filepath.Base(file), err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files failed", failed, len(files))
	}
	return nil
}

func (r Replay) file(ctx context.Context, file string) error {
	topic, ok := shopify.TopicOfFile(file)
	if !ok {
		return errors.New("the name tells no topic: begin it with one, as in checkouts_update.NAME.json")
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	bodies := [][]byte{body}
	if list, err := shopify.SplitCheckouts(body); err == nil && len(list) > 0 {
		bodies = list
	}
	for _, b := range bodies {
		status, err := r.post(ctx, topic, b)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s was answered %d", topic, status)
		}
		fmt.Fprintf(r.Out, "200   %-24s %s\n", topic, filepath.Base(file))
	}
	return nil
}

func (r Replay) post(ctx context.Context, topic string, body []byte) (int, error) {
	body = bytes.ReplaceAll(body, []byte("{shop}.myshopify.com"), []byte(r.Shop))
	if !r.AsRecorded {
		fresh, err := freshen(body, r.Now)
		if err != nil {
			return 0, err
		}
		body = fresh
	}
	delivery := shopify.Delivery{
		Topic: topic, Shop: r.Shop, WebhookID: uuid.NewString(), EventID: uuid.NewString(), APIVersion: r.Version, TriggeredAt: r.Now,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(r.URL, "/")+route.ShopifyWebhooks, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = delivery.Headers(shopify.Sign(r.Secret, body))
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, nil
}

// freshened are the fields of a payload that say when something happened.
var freshened = []string{"created_at", "updated_at", "completed_at", "processed_at", "closed_at", "cancelled_at"}

// freshen moves the times of a recorded payload so that the newest of them is now, keeping their distances.
func freshen(body []byte, now time.Time) ([]byte, error) {
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(body, &payload); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	times := map[string]time.Time{}
	var newest time.Time
	for _, field := range freshened {
		var text string
		if json.Unmarshal(payload[field], &text) != nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			continue
		}
		times[field] = at
		if at.After(newest) {
			newest = at
		}
	}
	for field, at := range times {
		moved, err := json.Marshal(at.Add(now.Sub(newest)).Format(time.RFC3339))
		if err != nil {
			return nil, err
		}
		payload[field] = moved
	}
	return json.Marshal(payload)
}
