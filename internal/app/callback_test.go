package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/mirai"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// placedCall is what a voice API was asked.
type placedCall struct {
	CallbackURL string `json:"callbackUrl"`
	Metadata    struct {
		CallID string `json:"call_id"`
	} `json:"metadata"`
	ID string `json:"-"`
}

// path is where the callbacks go, on whichever server.
func (p placedCall) path(t *testing.T) string {
	u, err := url.Parse(p.CallbackURL)
	require.NoError(t, err)
	return u.Path
}

// useMirai gives a store an account at Mirai.
func useMirai(s *config.Store, pair mirai.Pair) {
	s.Voice.Provider, s.Voice.Settings = mirai.Name, &mirai.Settings{Pair: pair}
}

// useMihu moves a store to Mihu. It keeps its former keys.
func useMihu(s *config.Store) {
	s.Voice.Others = map[string]config.Settings{s.Voice.Provider: s.Voice.Settings}
	s.Voice.Provider, s.Voice.Settings = mihu.Name, &mihu.Settings{Token: "t"}
	s.Voice.Assistant = "3f0c9a3e-6d0a-4a43-9b1c-0b6d6a0f7d11"
}

// quietVoice is a voice API that takes calls, or refuses them with a status, and says nothing of them by itself.
func quietVoice(t *testing.T, status int) (address string, placed chan placedCall) {
	placed = make(chan placedCall, 100)
	n := 0
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/initiate") {
			rw.WriteHeader(http.StatusOK)
			return
		}
		var call placedCall
		_ = json.NewDecoder(r.Body).Decode(&call)
		n++
		call.ID = fmt.Sprintf("p-%d", n)
		rw.WriteHeader(status)
		_ = json.NewEncoder(rw).Encode(map[string]any{"callId": call.ID})
		placed <- call
	}))
	t.Cleanup(api.Close)
	return api.URL, placed
}

// says is a callback of Mirai's; more is merged into it.
func says(typ string, more map[string]any) []byte {
	event := map[string]any{"event": map[string]any{"type": typ, "data": map[string]any{}}}
	for k, v := range more {
		event[k] = v
	}
	body, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return body
}

// optOut is a report in which the customer asks never to be called again.
func optOut(more ...string) []byte {
	event := map[string]any{"type": "end-of-call", "data": map[string]any{"analysis": map[string]any{"insights": map[string]any{"do_not_call": true}}}}
	all := map[string]any{"event": event}
	for _, id := range more {
		all["metadata"] = map[string]any{"call_id": id}
	}
	body, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return body
}

// calledBack posts a callback and returns the status; with an empty public key that header is left out.
func (w *world) calledBack(base, path, public string, key secret.Secret, body []byte) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+path, strings.NewReader(string(body)))
	require.NoError(w.t, err)
	if public != "" {
		req.Header.Set("x-public-key", public)
	}
	req.Header.Set("x-signature", mirai.Sign(key, body))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

func (w *world) suppressed() int { return w.count(`SELECT count(*) FROM suppressions`) }

// quiet is a world whose calls say nothing; tok's call is placed.
func quiet(t *testing.T, tok string, change func(*config.Store)) (*world, placedCall) {
	address, placed := quietVoice(t, http.StatusOK)
	w := newWorld(t, setup{store: func(s *config.Store) {
		s.Voice.BaseURL = address
		if change != nil {
			change(s)
		}
	}})
	w.took(shopify.CheckoutsCreate, checkout(tok))
	call := <-placed
	w.eventually("the call is placed", func() bool { c := w.cart(tok); return len(c.Calls) == 1 && c.Calls[0].State == cart.Placed })
	return w, call
}

// restarts starts the program anew with a changed store.
func (w *world) restarts(change func(*config.Store)) {
	w.t.Helper()
	w.stop()
	store(w.cfg, change)
	w.start()
	w.t.Cleanup(w.stop)
}

func TestCallback_OfACallOfAShopThatThisServerDoesNotKnowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	old := w.serves(older)
	assert.Equal(t, http.StatusServiceUnavailable, w.calledBack(old, call.path(t), "pk", "sk", optOut()))
	assert.Equal(t, http.StatusUnauthorized, w.calledBack(old, call.path(t), "pk", "wrong", optOut()), "the account's keys are known")
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", optOut()))
	assert.NotZero(t, w.suppressed())
}

func TestCallback_OfACallOfAnAccountThatThisServerDoesNotKnowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	old := w.serves(func(cfg *config.Config) {
		store(cfg, func(s *config.Store) { useMirai(s, mirai.Pair{PublicKey: "pk2", PrivateKey: "sk2"}) })
	})
	assert.Equal(t, http.StatusServiceUnavailable, w.calledBack(old, call.path(t), "pk", "sk", optOut()))
	newer := w.serves(func(cfg *config.Config) {
		store(cfg, func(s *config.Store) { useMirai(s, mirai.Pair{PublicKey: "pk", PrivateKey: "sk2"}) })
	})
	assert.Equal(t, http.StatusServiceUnavailable, w.calledBack(newer, call.path(t), "pk", "sk", optOut()), "the key that the call was placed with is not known")
	assert.Zero(t, w.suppressed())
}

func TestCallback_KeysAreRotatedWithoutLosingAReport(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Store){
		"private key": func(s *config.Store) {
			useMirai(s, mirai.Pair{PublicKey: "pk", PrivateKey: "sk2", PrivateKeys: secret.List{"sk2", "sk"}})
		},
		"pair": func(s *config.Store) {
			useMirai(s, mirai.Pair{
				PublicKey: "pk2", PublicKeys: []string{"pk2", "pk"}, PrivateKey: "sk2", PrivateKeys: secret.List{"sk2", "sk"},
			})
		},
		"provider": useMihu,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, call := quiet(t, "tok", nil)
			w.restarts(change)
			assert.Equal(t, http.StatusUnauthorized, w.calledBack(w.url, call.path(t), "pk", "wrong", optOut()))
			assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", optOut()))
			assert.NotZero(t, w.suppressed())
			c := w.cart("tok")
			assert.Equal(t, cart.OptedOut, c.Reason)
			assert.Equal(t, "mirai", c.Calls[0].Provider)
		})
	}
}

func TestCallback_AtACallsOwnURLIsAboutThatCallWhateverIDItNames(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "", "sk", optOut(uuid.NewString())))
	assert.NotZero(t, w.suppressed())
	assert.Zero(t, w.count(`SELECT count(*) FROM callbacks WHERE call_id IS NULL`))
}

func TestCallback_OnARejectedCallIsKeptAndHeeded(t *testing.T) {
	t.Parallel()
	address, placed := quietVoice(t, http.StatusTooManyRequests)
	w := newWorld(t, setup{store: func(s *config.Store) { s.Voice.BaseURL = address }})
	w.took(shopify.CheckoutsCreate, checkout("tok"))
	call := <-placed
	w.eventually("the call is rejected", func() bool { c := w.cart("tok"); return len(c.Calls) == 1 && c.Calls[0].State == cart.Rejected })
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", says("call.lifecycle-ended", nil)))
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM callbacks WHERE error LIKE '%did not take%'`), "kept with the reason")
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", says("call.in-progress", nil)))
	assert.Equal(t, 1, w.cart("tok").Attempts, "it was dialled")
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", optOut()))
	assert.NotZero(t, w.suppressed())
	assert.Equal(t, 3, w.count(`SELECT count(*) FROM callbacks`))
	assert.Equal(t, cart.Stopped, w.cart("tok").State)
}

func TestCallback_WithAnUnknownTokenMustNameAnAccount(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	const garbage = "/webhooks/voice/mirai/garbage"
	assert.Equal(t, http.StatusUnauthorized, w.calledBack(w.url, garbage, "", "sk", optOut(call.Metadata.CallID)))
	assert.Equal(t, http.StatusUnauthorized, w.calledBack(w.url, garbage, "other", "sk", optOut(call.Metadata.CallID)))
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, garbage, "pk", "sk", optOut(call.Metadata.CallID)))
	assert.NotZero(t, w.suppressed())
}

func TestCallback_OfAnotherAccountOnTheSameAssistantIsNotBelieved(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	w.stop()
	other := w.cfg.Stores[acme]
	useMirai(&other, mirai.Pair{PublicKey: "pk2", PrivateKey: "sk2"})
	w.cfg.Stores["beta.myshopify.com"] = other
	w.start()
	t.Cleanup(w.stop)
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, "/webhooks/voice/mirai/garbage", "pk2", "sk2", optOut(call.Metadata.CallID)), "kept, about no call")
	assert.Equal(t, http.StatusUnauthorized, w.calledBack(w.url, call.path(t), "pk2", "sk2", optOut()))
	assert.Zero(t, w.suppressed())
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", optOut()))
	assert.NotZero(t, w.suppressed())
}

func TestCallback_AtTheURLOfAnAssistantThatNoStoreUsesAnyMoreIsHeeded(t *testing.T) {
	t.Parallel()
	placed := make(chan struct{}, 1)
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`{"success":true,"data":{"id":"m-1"}}`))
		placed <- struct{}{}
	}))
	t.Cleanup(api.Close)
	w := newWorld(t, setup{store: func(s *config.Store) {
		useMihu(s)
		s.Voice.BaseURL = api.URL
	}})
	w.took(shopify.CheckoutsCreate, checkout("tok"))
	<-placed
	w.eventually("the call is placed", func() bool { c := w.cart("tok"); return len(c.Calls) == 1 && c.Calls[0].State == cart.Placed })
	at, err := url.Parse(w.app.Engine.AssistantCallbackURL(w.app.Engine.Store(acme)))
	require.NoError(t, err)
	said := []byte(`{"event":"conversation_end_report","data":{"call_id":"m-1","duration":42,"status":"completed","call_end_analysis":{"do_not_call":true}}}`)
	old := w.serves(older)
	assert.Equal(t, http.StatusServiceUnavailable, w.calledBack(old, at.Path, "", "", said), "the shop is not known here")
	w.restarts(func(s *config.Store) {
		useMirai(s, mirai.Pair{PublicKey: "pk", PrivateKey: "sk"})
		s.Voice.Assistant = "as"
	})
	assert.Equal(t, http.StatusOK, w.calledBack(w.url, at.Path, "", "", said))
	assert.NotZero(t, w.suppressed())
	assert.Equal(t, http.StatusUnauthorized, w.calledBack(w.url, "/webhooks/voice/mihu/garbage", "", "", said))
}
