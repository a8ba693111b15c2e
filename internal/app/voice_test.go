package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/policy"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// count asks the database for a number.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// joins adds a worker on the world's database.
func (w *world) joins(change ...func(*config.Config)) (leave func()) {
	w.t.Helper()
	cfg := *w.cfg
	cfg.Server.PublicURL = w.url
	cfg.Worker.Enabled = true
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, &cfg, app.Work, slog.New(slog.DiscardHandler))
	require.NoError(w.t, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	leave = sync.OnceFunc(func() {
		cancel()
		err := <-done
		a.Close()
		require.NoError(w.t, err)
	})
	w.t.Cleanup(leave)
	return leave
}

// metric reads one value off /metrics, "" when it is not there.
func (w *world) metric(name string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/metrics", http.NoBody)
	require.NoError(w.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

func TestThreeProcessesShareTheLinesByValue(t *testing.T) {
	t.Parallel()
	const carts, lines = 300, 10
	linesAre := func(cfg *config.Config, n int) {
		store := cfg.Stores[acme]
		store.Voice.Lines = n
		cfg.Stores[acme] = store
	}
	w := newWorld(t, setup{
		voice:  func(o *simvoice.Options) { o.Lines, o.Speed = lines, 1000 },
		config: func(cfg *config.Config) { linesAre(cfg, 0) },
	})
	for i := range carts {
		w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("shared%d", i), func(c map[string]any) {
			c["total_price"] = fmt.Sprintf("%d.00", 1000+i*71%carts)
		}))
	}
	w.eventually("all carts are ready", func() bool { return w.count(`SELECT count(*) FROM carts WHERE state = 'ready'`) == carts })
	w.stop()

	linesAre(w.cfg, lines)
	w.start()
	t.Cleanup(w.stop)
	w.joins()
	w.joins()
	w.eventually("all carts were called", func() bool { return w.count(`SELECT count(*) FROM carts WHERE state = 'stopped'`) == carts })
	stats := w.voice.Stats()
	assert.LessOrEqual(t, stats.MostOpen, lines)
	assert.Zero(t, stats.Over)
	assert.Len(t, w.voice.Calls(), carts)
	assert.Equal(t, carts, w.count(`SELECT count(DISTINCT cart_id) FROM calls`))
	// The ledger's ids tell the order in which lines were given, because that is done under the assistant's lock.
	assert.Zero(t, w.count(`
		SELECT count(*)
		FROM (
			SELECT total - lag(total) OVER (ORDER BY ledger.id) AS step
			FROM ledger
			JOIN carts ON carts.id = cart_id
			WHERE event = 'line_free'
		) AS given
		WHERE step > 0`), "lines given to a cart while a more valuable one was ready")
}

func TestACartThatWaitedLongGoesFirstAndWaitsAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) { o.Timing.Ring = 1000 * time.Hour },
		store: func(s *config.Store) { s.Voice.Lines, s.Voice.MaxWait = 1, time.Hour },
	})
	w.took(shopify.CheckoutsCreate, checkout("holder"))
	w.eventually("the call rings", func() bool {
		c := w.cart("holder")
		return c != nil && len(c.Calls) == 1 && c.Calls[0].State == cart.Ringing
	})
	w.took(shopify.CheckoutsCreate, checkout("cheap", func(c map[string]any) { c["total_price"] = "10.00" }))
	w.took(shopify.CheckoutsCreate, checkout("dear", func(c map[string]any) { c["total_price"] = "90000.00" }))
	w.comes("cheap", cart.Ready)
	w.comes("dear", cart.Ready)
	_, err := w.pool.Exec(context.Background(), `UPDATE carts SET ready_at = ready_at - interval '61 minutes' WHERE token = 'cheap'`)
	require.NoError(t, err)
	const pool = `{assistant="as",provider="mirai"}`
	w.eventually("the metrics show who waits", func() bool { return w.metric("ringback_ready_carts"+pool) == "2" })
	assert.Equal(t, "1", w.metric("ringback_lines_busy"+pool))
	assert.Equal(t, "1", w.metric("ringback_lines"+pool))

	w.took(shopify.OrdersCreate, order("holder"))
	w.comes("cheap", cart.Calling)
	assert.Equal(t, cart.Ready, w.cart("dear").State, "it waits its turn")
	w.eventually("waits are counted once they are over", func() bool { return w.metric(`ringback_line_wait_seconds_count{shop="`+acme+`"}`) == "2" })
	w.took(shopify.OrdersCreate, order("cheap"))
	w.comes("dear", cart.Calling)
}

func TestTheProvidersRedialsCountAgainstTheCaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Redials = 2
			o.Timing.Redial = time.Minute
			o.Script = func(simvoice.Order) simvoice.Behaviour {
				return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer}}
			}
		},
		store: func(s *config.Store) {
			s.Voice.Retries = "provider"
			s.Policy.Caps.PerPhone = []policy.Cap{{Calls: 3, Every: 24 * time.Hour}}
		},
	})
	w.took(shopify.CheckoutsCreate, checkout("redialled"))
	w.eventually("the provider is done and the cap holds", func() bool {
		c := w.cart("redialled")
		return c != nil && c.State == cart.Waiting && len(c.Calls) == 1 && c.Calls[0].State == cart.Closed && time.Until(*c.WakeAt) > 23*time.Hour
	})
	c := w.cart("redialled")
	assert.Equal(t, cart.Cap, c.Reason)
	assert.Equal(t, cart.NoAnswer, c.Calls[0].Outcome)
	assert.Equal(t, 3, c.Calls[0].Dials)
	assert.Nil(t, c.Calls[0].AbortAt, "its redials are its own")
	assert.Equal(t, 1, c.Attempts)
	assert.Len(t, w.voice.Calls(), 1)
}

func TestACallPutOffLeavesItsLineAndIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Lines = 1
			o.Timing.Reschedule = 3 * time.Hour // 5.4 s, more than the silence below
			o.Script = func(order simvoice.Order) simvoice.Behaviour {
				if order.Phone == phone("later") {
					return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.Rescheduled, simvoice.Talks}}
				}
				return simvoice.Behaviour{}
			}
		},
		store: func(s *config.Store) { s.Voice.Lines, s.Voice.Silence, s.Voice.Retries = 1, time.Second, "provider" },
	})
	w.took(shopify.CheckoutsCreate, checkout("later"))
	w.comes("later", cart.Calling)
	w.took(shopify.CheckoutsCreate, checkout("next"))
	next := w.comes("next", cart.Stopped)
	c := w.comes("later", cart.Stopped)
	require.Len(t, next.Calls, 1)
	assert.True(t, next.Calls[0].CreatedAt.Before(*c.Calls[0].ClosedAt), "the line was used while the provider kept the cart")
	require.Len(t, c.Calls, 1)
	assert.Equal(t, cart.Completed, c.Calls[0].Outcome)
	assert.Equal(t, 2, c.Calls[0].Dials)
	assert.Nil(t, c.Calls[0].AbortAt)
}

func TestActionsAreForwardedSignedUntilTaken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var ids []string
	var bodies [][]byte
	unsigned := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-Ringback-Signature") != engine.SignForwarded("tell-nobody", r.Header.Get("X-Ringback-Timestamp"), body) {
			unsigned++
		}
		ids, bodies = append(ids, r.Header.Get("X-Ringback-Id")), append(bodies, body)
		if len(ids) <= 2 {
			rw.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(receiver.Close)
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Duplicates = 1
			o.Script = func(simvoice.Order) simvoice.Behaviour {
				return simvoice.Behaviour{Actions: []simvoice.Action{{Name: "create_order", Payload: map[string]any{"paymentMode": "cod"}}}}
			}
		},
		config: func(c *config.Config) {
			c.Integrations = config.Integrations{WebhookURL: receiver.URL, WebhookSecret: "tell-nobody"}
		},
	})
	w.took(shopify.CheckoutsCreate, checkout("acted"))
	c := w.comes("acted", cart.Stopped)
	w.eventually("the action is taken", func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = 'forward_action' AND state = 'completed'`) == 1
	})
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, ids, 3, "refused twice, then taken, and not sent again")
	assert.Zero(t, unsigned)
	assert.NotEmpty(t, ids[0])
	assert.Equal(t, []string{ids[0], ids[0], ids[0]}, ids, "one delivery has one id")
	var told map[string]any
	require.NoError(t, json.Unmarshal(bodies[2], &told))
	assert.Equal(t, "call.action", told["type"])
	assert.Equal(t, c.ID.String(), told["cart_id"])
	assert.Equal(t, c.Calls[0].ID.String(), told["call_id"])
	assert.Contains(t, string(bodies[2]), `"paymentMode":"cod"`)

	ledger, err := w.db.Ledger(context.Background(), c.ID)
	require.NoError(t, err)
	actions := 0
	for _, entry := range ledger {
		if entry.Event == "call.action" {
			actions++
			assert.True(t, slices.ContainsFunc(entry.Trace, func(s cart.Step) bool { return s.Rule == "action" && strings.Contains(s.Saw, "create_order") }))
		}
	}
	assert.Equal(t, 1, actions, "the ledger tells of it once")
}

// mixed is what the nth of many carts meets.
func mixed(n int) simvoice.Behaviour {
	said := func(name string, value any) simvoice.Behaviour {
		return simvoice.Behaviour{Insights: map[string]any{name: value}}
	}
	ends := func(e ...simvoice.Ending) simvoice.Behaviour { return simvoice.Behaviour{Dials: e} }
	all := []simvoice.Behaviour{
		{}, said("do_not_call", true), said("not_interested", true), said("callback_requested", true), ends(simvoice.NoAnswer),
		ends(simvoice.Busy), ends(simvoice.Failed), ends(simvoice.TimesOut), ends(simvoice.Skipped), ends(simvoice.Invalid),
		{Actions: []simvoice.Action{{Name: "send_whatsapp"}}}, {Placement: simvoice.Lose}, {Placement: simvoice.Garble},
		ends(simvoice.Rescheduled, simvoice.Talks),
	}
	return all[n%len(all)]
}

func TestDuplicatesAndDisorderChangeNothing(t *testing.T) {
	t.Parallel()
	const carts = 100
	run := func(t *testing.T, trouble float64) map[string]string {
		byPhone := map[string]simvoice.Behaviour{}
		for i := range carts {
			byPhone[phone(fmt.Sprintf("mixed%d", i))] = mixed(i)
		}
		w := newWorld(t, setup{
			voice: func(o *simvoice.Options) {
				o.Lines, o.Redials, o.Seed, o.Duplicates, o.Disorder = 10, 1, 7, trouble, trouble
				o.Script = simvoice.ByPhone(byPhone)
			},
			store: func(s *config.Store) { s.Voice.Lines = 10; s.Policy.Attempts.Max = 2 },
		})
		for i := range carts {
			w.took(shopify.CheckoutsCreate, checkout(fmt.Sprintf("mixed%d", i)))
		}
		w.eventually("every cart has come to rest", func() bool {
			return w.count(`SELECT count(*) FROM carts WHERE state = 'stopped' OR state = 'waiting' AND wake_at > now() + interval '1 hour'`) == carts &&
				w.count(`SELECT count(*) FROM calls WHERE state NOT IN ('closed', 'rejected')`) == 0
		})
		require.NoError(t, w.voice.Idle(t.Context()))
		ends := map[string]string{}
		for i := range carts {
			tok := fmt.Sprintf("mixed%d", i)
			c := w.cart(tok)
			ends[tok] = fmt.Sprintf("%s, %s", c.State, c.Reason)
			for _, call := range c.Calls {
				ends[tok] += fmt.Sprintf("; %s %s, summary %t, recording %t", call.State, call.Outcome, call.Summary != "", call.RecordingURL != "")
			}
		}
		assert.Zero(t, w.voice.Stats().Undelivered)
		return ends
	}
	var calm, wild map[string]string
	t.Run("both", func(t *testing.T) {
		t.Run("undisturbed", func(t *testing.T) {
			t.Parallel()
			calm = run(t, 0)
		})
		t.Run("disturbed", func(t *testing.T) {
			t.Parallel()
			wild = run(t, 0.5)
		})
	})
	require.Len(t, calm, carts)
	assert.Equal(t, calm, wild)
}

func TestARefusedAccountPausesTheShopUntilItIsResumed(t *testing.T) {
	t.Parallel()
	for status, why := range map[int]string{http.StatusPaymentRequired: "credits", http.StatusNotFound: "assistant", http.StatusUnauthorized: "keys"} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			var mended atomic.Bool
			w := newWorld(t, setup{voice: func(o *simvoice.Options) {
				o.Script = func(simvoice.Order) simvoice.Behaviour {
					if mended.Load() {
						return simvoice.Behaviour{}
					}
					return simvoice.Behaviour{Placement: simvoice.Answer, Status: status}
				}
			}})
			w.took(shopify.CheckoutsCreate, checkout("first"))
			w.eventually("the breaker opens", func() bool {
				shop, err := w.db.Shop(context.Background(), acme)
				return err == nil && shop.BreakerAt != nil
			})
			events, err := w.db.ShopEvents(context.Background(), acme, 10)
			require.NoError(t, err)
			require.NotEmpty(t, events)
			assert.Equal(t, "breaker", events[0].Event)
			assert.Contains(t, events[0].Detail, why)
			w.took(shopify.CheckoutsCreate, checkout("second"))
			w.eventually("the next cart waits for the breaker", func() bool { c := w.cart("second"); return c != nil && c.Reason == cart.Breaker })
			assert.Empty(t, w.voice.Calls())

			mended.Store(true)
			code, _ := w.api(http.MethodPost, "/api/v1/shops/"+acme+"/resume", nil)
			require.Equal(t, http.StatusOK, code)
			for _, tok := range []string{"first", "second"} {
				c := w.comes(tok, cart.Stopped)
				assert.Equal(t, cart.Completed, c.Calls[len(c.Calls)-1].Outcome, tok)
				assert.Equal(t, 1, c.Attempts, "a refusal is no attempt")
			}
			assert.Len(t, w.voice.Calls(), 2)
		})
	}
}

func TestAQueuedCallLearnsOfAChangedCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{voice: func(o *simvoice.Options) { o.Timing.Queue = 1000 * time.Hour }})
	w.took(shopify.CheckoutsCreate, checkout("changing"))
	w.eventually("the call is queued", func() bool {
		c := w.cart("changing")
		return c != nil && len(c.Calls) == 1 && c.Calls[0].State == cart.Placed
	})
	require.NotContains(t, string(w.voice.Calls()[0].Order.Payload), "Dupatta")
	w.took(shopify.CheckoutsUpdate, checkout("changing", func(c map[string]any) {
		c["total_price"], c["subtotal_price"] = "2790.00", "2790.00"
		c["line_items"] = []map[string]any{{"title": "Dupatta", "quantity": 2, "price": "1395.00", "variant_id": 3, "product_id": 4, "key": "l"}}
	}))
	w.eventually("the provider knows", func() bool { return strings.Contains(string(w.voice.Calls()[0].Order.Payload), "Dupatta") })
	assert.Contains(t, string(w.voice.Calls()[0].Order.Payload), "2790.00")
	assert.NotContains(t, string(w.voice.Calls()[0].Order.Payload), "Kurta")
	assert.Len(t, w.voice.Calls(), 1)
	assert.Empty(t, w.voice.Refusals())
}

// A voice API that tells nothing of a call but the number it went to.
func TestACallIsKnownByItsNumberAlone(t *testing.T) {
	t.Parallel()
	placed := make(chan string, 10)
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body struct {
			Participant struct{ Number string }
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		placed <- body.Participant.Number
		_, _ = io.WriteString(rw, `{"success":true,"data":{"id":"m-`+body.Participant.Number[3:]+`"}}`)
	}))
	t.Cleanup(api.Close)
	w := newWorld(t, setup{store: func(s *config.Store) {
		useMihu(s)
		s.Voice.BaseURL = api.URL
	}})
	w.took(shopify.CheckoutsCreate, checkout("numbered"))
	w.took(shopify.CheckoutsCreate, checkout("other"))
	for range 2 {
		<-placed
	}
	for _, tok := range []string{"numbered", "other"} {
		w.eventually("the call is placed", func() bool { c := w.cart(tok); return len(c.Calls) == 1 && c.Calls[0].State == cart.Placed })
	}
	tells := func(number, taken string) {
		t.Helper()
		body := fmt.Sprintf(`{"event":"conversation_end_report","data":{"number":%q,"duration":42,"status":"completed","summary":"Wants a smaller size."}}`, number)
		address := w.app.Engine.AssistantCallbackURL(w.app.Engine.Store(acme))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewBufferString(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Contains(t, string(answer), taken)
	}
	tells("+919999999999", string(engine.TakenUnread))
	tells(phone("numbered"), string(engine.TakenNew))
	tells(phone("numbered"), string(engine.TakenUnread))
	c := w.comes("numbered", cart.Stopped)
	assert.Equal(t, cart.Completed, c.Calls[0].Outcome)
	assert.Equal(t, "Wants a smaller size.", c.Calls[0].Summary)
	assert.Equal(t, cart.Calling, w.cart("other").State)
	assert.Equal(t, 4, w.count(`SELECT count(*) FROM callbacks WHERE error <> ''`), "what fits no call is kept: two events a report")
}

func TestAWorkerMustKnowWhereCallbacksGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, err := app.New(t.Context(), w.cfg, app.Work, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "server.public_url")
}
