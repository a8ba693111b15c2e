package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/secret"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const precheckSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// checker is a store's own system that is asked before a call.
type checker struct {
	*httptest.Server
	asked atomic.Int64
	last  atomic.Value
}

// newChecker answers what says writes, after it checked the signature.
func newChecker(t *testing.T, says func(w http.ResponseWriter, r *http.Request)) *checker {
	t.Helper()
	c := &checker{}
	verifier, err := standardwebhooks.NewWebhook(precheckSecret)
	require.NoError(t, err)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, verifier.Verify(body, r.Header))
		var question map[string]any
		assert.NoError(t, json.Unmarshal(body, &question))
		c.last.Store(question)
		says(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func writes(status int, text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func (c *checker) configured(onError string, timeout time.Duration) setup {
	return setup{store: func(s *config.Store) {
		s.Precheck = config.Precheck{
			URL: c.URL, Secret: secret.List{precheckSecret}, Timeout: timeout, OnError: onError, Cache: time.Hour,
		}
	}}
}

func TestPrecheck_DecidesWhetherTheCallGoesOut(t *testing.T) {
	t.Parallel()
	slow := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	}
	stop := `{"verdict":"stop","reason":"litigator"}`
	until := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
	wait := `{"verdict":"wait","until":"` + until.Format(time.RFC3339) + `"}`
	for name, c := range map[string]struct {
		says    func(http.ResponseWriter, *http.Request)
		onError string
		// state is what the cart comes to, reason why; "" for a call that is made.
		state  cart.State
		reason cart.Reason
	}{
		"allow":              {writes(200, `{"verdict":"allow","reason":"clean"}`), "wait", "", ""},
		"wait":               {writes(200, wait), "call", cart.Waiting, cart.PrecheckWait},
		"stop":               {writes(200, stop), "call", cart.Stopped, cart.PrecheckStop},
		"slow, wait":         {slow, "wait", cart.Waiting, cart.PrecheckWait},
		"slow, call":         {slow, "call", "", ""},
		"500":                {writes(500, `{"verdict":"allow"}`), "wait", cart.Waiting, cart.PrecheckWait},
		"500, call":          {writes(500, ``), "call", "", ""},
		"rubbish":            {writes(200, `<html>`), "wait", cart.Waiting, cart.PrecheckWait},
		"an unknown verdict": {writes(200, `{"verdict":"perhaps"}`), "wait", cart.Waiting, cart.PrecheckWait},
		"a redirect":         {writes(302, ``), "wait", cart.Waiting, cart.PrecheckWait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := newChecker(t, c.says)
			w := newWorld(t, checker.configured(c.onError, 400*time.Millisecond))
			w.took("checkouts/create", checkout("asked"))
			if c.state == "" {
				w.eventually("the call is made", func() bool { return len(w.voice.Calls()) == 1 })
			} else {
				w.eventually("the cart is held back", func() bool {
					found := w.cart("asked")
					return found.State == c.state && found.Reason == c.reason
				})
				assert.Empty(t, w.voice.Calls())
				assert.Zero(t, w.count(`SELECT count(*) FROM calls WHERE holds_line`), "no line is held")
			}
			if name == "wait" {
				assert.WithinDuration(t, until, *w.cart("asked").WakeAt, time.Second)
			}
			question := checker.last.Load().(map[string]any)
			assert.Equal(t, acme, question["shop"])
			assert.Equal(t, phone("asked"), question["phone"])
			assert.Equal(t, "IN", question["country"])
			assert.Equal(t, "mobile", question["line_type"])
		})
	}
}

func TestPrecheck_AnswerIsBelievedForAWhile(t *testing.T) {
	t.Parallel()
	checker := newChecker(t, writes(200, `{"verdict":"stop","reason":"Call Asha on 98123 00001"}`))
	w := newWorld(t, checker.configured("wait", time.Second))
	same := func(p map[string]any) { p["phone"] = "+919812300055" }
	for _, name := range []string{"first", "again"} {
		w.took("checkouts/create", checkout(name, same))
		w.eventually("the cart is stopped", func() bool { return w.cart(name).Reason == cart.PrecheckStop })
	}
	assert.EqualValues(t, 1, checker.asked.Load())
	assert.Zero(t, w.count(`SELECT count(*) FROM ledger WHERE trace::text LIKE '%98123%'`), "free text is not kept")
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM prechecks WHERE reason = 'other'`))
}
