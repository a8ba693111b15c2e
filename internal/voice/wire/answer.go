package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ringback/internal/voice"
)

// maxRetryAfter bounds how long a provider may tell us to wait.
const maxRetryAfter = 24 * time.Hour

// Place sends the request that places a call and returns the body of the answer that took it. Its errors are those of
// voice.Provider.Place. The private words are kept out of them.
func (c *Client) Place(ctx context.Context, path string, body any, private []string) ([]byte, error) {
	a, f := c.exchange(ctx, http.MethodPost, path, body)
	if f != nil {
		if f.sent {
			return nil, &voice.UncertainError{Err: f.err}
		}
		return nil, &voice.NotPlacedError{Err: f.err}
	}
	told := fmt.Errorf("status %d: %s", a.status, c.message(a, private))
	switch {
	case a.status >= 200 && a.status < 300:
		if a.err != nil {
			return nil, &voice.UncertainError{Err: fmt.Errorf("the provider's answer broke off: %w", a.err)}
		}
		return a.body, nil
	case a.status == http.StatusConflict, a.status == http.StatusLocked, a.status == http.StatusTooEarly,
		a.status == http.StatusTooManyRequests:
		throttled := a.status == http.StatusTooManyRequests
		return nil, &voice.NotPlacedError{RetryAfter: retryAfter(a.header), Throttled: throttled, Err: told}
	case a.status == http.StatusRequestTimeout, a.status < 300, a.status >= 500:
		// A 408 can come from a proxy that had already passed the request on.
		return nil, &voice.UncertainError{Err: told}
	}
	refused := c.refusal(a, voice.RefusedAssistant, private)
	if refused.Kind == voice.RefusedContent && blamesAssistant.MatchString(refused.Message) {
		refused.Kind = voice.RefusedAssistant
	}
	return nil, refused
}

// blamesAssistant matches the message of a 400 that is about the assistant, and would meet every call, rather than
// about this call.
var blamesAssistant = regexp.MustCompile(
	`(?i)\b(invalid|unknown|missing|no such|archived|inactive) (assistant|agent)|` +
		`\b(assistant|agent)(_?id)?\b.{0,30}\b(not found|invalid|not exist|archived|inactive|disabled)\b`,
)

// Ask sends any other request and returns the body of the answer. The errors are *voice.RefusedError, with the kind
// notFound for a 404, and *voice.TemporaryError.
func (c *Client) Ask(
	ctx context.Context, method, path string, body any, notFound voice.RefusalKind, private []string,
) ([]byte, error) {
	a, f := c.exchange(ctx, method, path, body)
	if f != nil {
		return nil, &voice.TemporaryError{Err: f.err}
	}
	switch {
	case a.status >= 200 && a.status < 300:
		if a.err != nil {
			return nil, &voice.TemporaryError{Err: fmt.Errorf("the provider's answer broke off: %w", a.err)}
		}
		return a.body, nil
	case a.status == http.StatusLocked, a.status == http.StatusTooEarly, a.status == http.StatusTooManyRequests,
		a.status == http.StatusRequestTimeout, a.status < 300, a.status >= 500:
		return nil, &voice.TemporaryError{
			RetryAfter: retryAfter(a.header),
			Err:        fmt.Errorf("status %d: %s", a.status, c.message(a, private)),
		}
	}
	return nil, c.refusal(a, notFound, private)
}

// refusal reads a 3xx or 4xx answer.
func (c *Client) refusal(a *answer, notFound voice.RefusalKind, private []string) *voice.RefusedError {
	e := &voice.RefusedError{Kind: voice.RefusedOther, Status: a.status, Message: c.message(a, private)}
	switch a.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusConflict:
		e.Kind = voice.RefusedContent
	case http.StatusPaymentRequired:
		e.Kind = voice.RefusedCredits
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind = voice.RefusedKeys
	case http.StatusNotFound:
		e.Kind = notFound
	}
	if a.status < 400 {
		e.Message = "the provider's address answers with a redirect, which is not followed; correct voice.base_url"
	}
	return e
}

// Decline returns the message of an answer that refuses the request in spite of a success status.
func (c *Client) Decline(body []byte, private []string) string {
	return c.message(&answer{status: http.StatusOK, body: body}, private)
}

// message returns what the answer says, without personal data and secrets, or else the text of its status.
func (c *Client) message(a *answer, private []string) string {
	if text := voice.Scrub(messageOf(a.body), append(c.secrets, private...)...); text != "" {
		return text
	}
	if text := http.StatusText(a.status); text != "" {
		return text
	}
	return "no message"
}

// messageOf reads the forms in which the providers write an error: {"code","message"}, {"status_code","message"},
// {"error":…} and {"errors":[…]}.
func messageOf(body []byte) string {
	var told map[string]any
	if json.Unmarshal(body, &told) != nil {
		return ""
	}
	for _, key := range []string{"message", "error", "detail", "errors", "data"} {
		if text := textOf(told[key], 3); text != "" {
			return text
		}
	}
	return ""
}

// textOf finds text in a value of unknown shape, at most depth levels down.
func textOf(v any, depth int) string {
	if depth == 0 {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var texts []string
		for _, item := range v {
			if text := textOf(item, depth-1); text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, "; ")
	case map[string]any:
		for _, key := range []string{"message", "msg", "error", "detail"} {
			if text := textOf(v[key], depth-1); text != "" {
				return text
			}
		}
	}
	return ""
}

// retryAfter reads the header of that name, in seconds or as a date. A date is compared with the answer's own Date,
// so that our clock does not matter.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// ErrNoID: the provider took a call and did not name it.
var ErrNoID = errors.New("the provider's answer names no call")
