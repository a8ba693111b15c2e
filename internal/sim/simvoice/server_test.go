package simvoice_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/sim/simvoice"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/script"
	"ringback/internal/voice/voicetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// stage is a simulated provider, a client of it, and a receiver of its callbacks.
type stage struct {
	t      *testing.T
	sim    *simvoice.Server
	api    *httptest.Server
	client *mirai.Provider
	hook   *httptest.Server

	mu       sync.Mutex
	taken    []voice.Callback
	bodies   []string
	unproven int
	// turnAway is how many deliveries are answered 503 before one is taken.
	turnAway int
	grown    chan struct{}
}

func newStage(t *testing.T, opts simvoice.Options) *stage {
	t.Helper()
	opts.PublicKey, opts.PrivateKey, opts.Workspace, opts.Assistant = "pk_1", "sk_1", "ws_1", "assistant_1"
	if opts.Speed == 0 {
		opts.Speed = 5000
	}
	sim, err := simvoice.New(opts)
	require.NoError(t, err)
	s := &stage{t: t, sim: sim, grown: make(chan struct{})}
	s.api = httptest.NewServer(sim)
	s.hook = httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(func() {
		sim.Close()
		s.api.Close()
		s.hook.Close()
	})
	s.client = s.clientWith(func(*config.Voice) {})
	return s
}

func (s *stage) clientWith(change func(*config.Voice)) *mirai.Provider {
	s.t.Helper()
	cfg := config.Voice{
		BaseURL: s.api.URL, Timeout: 10 * time.Second, Workspace: "ws_1", Assistant: "assistant_1",
		Settings: &mirai.Settings{Pair: mirai.Pair{PublicKey: "pk_1", PrivateKey: "sk_1"}},
		Insights: config.Insights{OptedOut: "do_not_call", Declined: "not_interested", Callback: "callback_requested", CallbackAt: "callback_at"},
	}
	change(&cfg)
	p, err := mirai.New(cfg, voice.Network{})
	require.NoError(s.t, err)
	return p
}

func (s *stage) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turnAway > 0 {
		s.turnAway--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if s.client.Verify(r.Header, body) != nil {
		s.unproven++
	}
	callbacks, err := s.client.Parse(body)
	if err != nil {
		s.unproven++
	}
	s.taken = append(s.taken, callbacks...)
	s.bodies = append(s.bodies, string(body))
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *stage) request() voice.Request {
	r := voicetest.Request()
	r.CallbackURL = s.hook.URL + "/webhooks/voice/mirai/token"
	return r
}

func (s *stage) place() voice.Receipt {
	s.t.Helper()
	receipt, err := s.client.Place(s.t.Context(), s.request())
	require.NoError(s.t, err)
	return receipt
}

// types are the events taken so far, in the order of their arrival.
func (s *stage) types() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.taken {
		all = append(all, strings.TrimPrefix(c.Report.ProviderType, "call."))
	}
	return all
}

// until waits until an event of the type was taken.
func (s *stage) until(typ string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		s.mu.Lock()
		grown := s.grown
		s.mu.Unlock()
		if slices.Contains(s.types(), typ) {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
			require.Failf(s.t, "no such event", "waited for %s, got %v", typ, s.types())
		}
	}
}

func (s *stage) idle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	require.NoError(s.t, s.sim.Idle(ctx))
}

func TestCall_EventsFollowTheScript(t *testing.T) {
	t.Parallel()
	talk := []string{"initiate", "in-progress", "ended", "completed", "end-of-call"}
	tests := map[string]struct {
		dials   []simvoice.Ending
		redials int
		want    []string
		final   cart.Outcome
		rang    int
	}{
		"talks":          {want: append(slices.Clone(talk), "lifecycle-ended"), final: cart.Completed, rang: 1},
		"no answer":      {dials: []simvoice.Ending{simvoice.NoAnswer}, want: []string{"initiate", "no-answer", "lifecycle-ended"}, final: cart.NoAnswer, rang: 1},
		"busy":           {dials: []simvoice.Ending{simvoice.Busy}, want: []string{"initiate", "busy", "lifecycle-ended"}, final: cart.Busy, rang: 1},
		"failed":         {dials: []simvoice.Ending{simvoice.Failed}, want: []string{"initiate", "failed", "lifecycle-ended"}, final: cart.Failed, rang: 1},
		"too long":       {dials: []simvoice.Ending{simvoice.TimesOut}, want: []string{"initiate", "in-progress", "timeout", "completed", "end-of-call", "lifecycle-ended"}, final: cart.Timeout, rang: 1},
		"no such number": {dials: []simvoice.Ending{simvoice.Invalid}, want: []string{"validation-failed", "lifecycle-ended"}, final: cart.Invalid},
		"do not disturb": {dials: []simvoice.Ending{simvoice.Skipped}, want: []string{"skip", "lifecycle-ended"}, final: cart.Skipped},
		"never heard of": {dials: []simvoice.Ending{simvoice.Silent}},
		"redialled in vain": {dials: []simvoice.Ending{simvoice.NoAnswer, simvoice.Busy}, redials: 2,
			want: []string{"initiate", "no-answer", "initiate", "busy", "initiate", "busy", "lifecycle-ended"}, final: cart.Busy, rang: 3},
		"reached by a redial": {dials: []simvoice.Ending{simvoice.NoAnswer, simvoice.Talks}, redials: 2,
			want: slices.Concat([]string{"initiate", "no-answer"}, talk, []string{"lifecycle-ended"}), final: cart.Completed, rang: 2},
		"put off": {dials: []simvoice.Ending{simvoice.Rescheduled, simvoice.Talks},
			want: slices.Concat(talk, []string{"rescheduled"}, talk, []string{"lifecycle-ended"}), final: cart.Completed, rang: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, simvoice.Options{
				Redials: test.redials,
				Script:  func(simvoice.Order) simvoice.Behaviour { return simvoice.Behaviour{Dials: test.dials} },
				Timing:  simvoice.Timing{Redial: time.Minute, Reschedule: time.Minute},
			})
			receipt := s.place()
			s.idle()
			assert.Equal(t, test.want, s.types())
			assert.Zero(t, s.unproven, "every event is signed and can be read")
			for _, c := range s.taken {
				assert.Equal(t, s.request().CallID, c.CallID, "metadata is echoed")
				assert.Equal(t, receipt.ProviderCallID, c.ProviderCallID)
			}
			if len(test.want) > 0 {
				assert.Equal(t, test.final, s.taken[len(s.taken)-1].Report.FinalStatus)
			}
			require.Len(t, s.sim.Calls(), 1)
			assert.Equal(t, test.rang, s.sim.Calls()[0].Dials)
			assert.Empty(t, s.sim.Refusals())
		})
	}
}

func TestCall_Conversation(t *testing.T) {
	t.Parallel()
	var watched []string
	s := newStage(t, simvoice.Options{
		Script: simvoice.ByPhone(map[string]simvoice.Behaviour{"+919000012345": {
			Talk:     90 * time.Second,
			Summary:  "Wants to be called tomorrow.",
			Insights: map[string]any{"callback_requested": true, "callback_at": "2026-03-05T18:30:00+05:30", "do_not_call": "yes"},
			Actions: []simvoice.Action{{Name: "send_whatsapp", Reason: "missing_address", Discount: "TEN",
				Payload: map[string]any{"number": "+919000012345"}}},
			Sentiment: "positive", Transcript: "agent: Hello.",
		}}),
		Watch: func(e simvoice.Event) { watched = append(watched, e.Type) },
	})
	s.place()
	s.idle()
	assert.Equal(t, []string{"call.initiate", "call.in-progress", "action", "call.ended", "call.completed", "end-of-call", "call.lifecycle-ended"}, watched)
	action, analysed := s.taken[2].Report, s.taken[5]
	assert.Equal(t, "send_whatsapp", action.Action)
	assert.Equal(t, "missing_address", action.ActionReason)
	require.NotNil(t, action.Discount)
	assert.Equal(t, "TEN", *action.Discount)
	assert.Equal(t, "agent: Hello.", analysed.Report.Transcript)
	assert.Equal(t, "positive", analysed.Report.Analysis.Sentiment)
	assert.True(t, *analysed.Report.Analysis.Success)
	assert.Contains(t, analysed.Report.Analysis.Findings, cart.Finding{Name: "do_not_call", Value: `"yes"`})
	assert.JSONEq(t, `{"number":"+919000012345"}`, string(action.ActionPayload))
	assert.Equal(t, "Wants to be called tomorrow.", analysed.Report.Summary)
	assert.Equal(t, 90, *analysed.Report.DurationSeconds)
	assert.True(t, analysed.Report.Insights.OptedOut)
	in := analysed.ReportIn(time.UTC, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)).Insights
	require.NotNil(t, in.CallbackAt)
	assert.Equal(t, time.Date(2026, 3, 5, 13, 0, 0, 0, time.UTC), *in.CallbackAt)
}

func TestAbort_EndsTheRedials(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{
		Redials: 5,
		Script: func(simvoice.Order) simvoice.Behaviour {
			return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer}}
		},
		Timing: simvoice.Timing{Redial: 1000 * time.Hour},
	})
	receipt := s.place()
	s.until("no-answer")
	require.NoError(t, s.client.Abort(t.Context(), receipt.ProviderCallID))
	var refused *voice.AbortRefusedError
	require.ErrorAs(t, s.client.Abort(t.Context(), receipt.ProviderCallID), &refused, "twice is refused")
	s.idle()
	assert.Equal(t, []string{"initiate", "no-answer", "aborted", "lifecycle-ended"}, s.types())
	assert.Equal(t, 1, s.sim.Calls()[0].Dials)
	require.ErrorAs(t, s.client.Abort(t.Context(), "sim-999999"), &refused, "an unknown call")
}

func TestAbort_BeforeTheDial(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Timing: simvoice.Timing{Queue: 10000 * time.Hour}})
	receipt := s.place()
	require.NoError(t, s.client.Abort(t.Context(), receipt.ProviderCallID))
	s.idle()
	assert.Equal(t, []string{"aborted", "lifecycle-ended"}, s.types())
	assert.Zero(t, s.sim.Calls()[0].Dials)
}

func TestAbort_RefusedWhileTalking(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Timing: simvoice.Timing{Talk: 10000 * time.Hour}})
	receipt := s.place()
	s.until("in-progress")
	err := s.client.Abort(t.Context(), receipt.ProviderCallID)
	var refused *voice.AbortRefusedError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Message, "in-progress")
}

func TestUpdate_WhileQueued(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Timing: simvoice.Timing{Queue: 10000 * time.Hour}})
	receipt := s.place()
	r := s.request()
	r.Checkout.Items[0].Title = "Assam"
	require.NoError(t, s.client.Update(t.Context(), receipt.ProviderCallID, r))
	assert.Contains(t, string(s.sim.Calls()[0].Order.Payload), "Assam")
	require.NoError(t, s.client.Abort(t.Context(), receipt.ProviderCallID))
	var refused *voice.RefusedError
	require.ErrorAs(t, s.client.Update(t.Context(), receipt.ProviderCallID, r), &refused)
	require.ErrorAs(t, s.client.Update(t.Context(), "sim-999999", r), &refused)
	assert.Equal(t, 404, refused.Status)
}

func TestPlacement_Faults(t *testing.T) {
	t.Parallel()
	tests := map[simvoice.Placement]struct {
		want  any
		taken int
	}{
		simvoice.Answer:      {want: new(*voice.UncertainError)},
		simvoice.Hang:        {want: new(*voice.UncertainError)},
		simvoice.Drop:        {want: new(*voice.UncertainError)},
		simvoice.Lose:        {want: new(*voice.UncertainError), taken: 1},
		simvoice.HangAndTake: {want: new(*voice.UncertainError), taken: 1},
		simvoice.Garble:      {want: new(*voice.UncertainError), taken: 1},
	}
	for placement, test := range tests {
		t.Run(string(placement), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, simvoice.Options{Script: func(simvoice.Order) simvoice.Behaviour {
				return simvoice.Behaviour{Placement: placement, Status: http.StatusBadGateway}
			}})
			client := s.clientWith(func(cfg *config.Voice) {
				if strings.HasPrefix(string(placement), "hang") {
					cfg.Timeout = 200 * time.Millisecond
				}
			})
			_, err := client.Place(t.Context(), s.request())
			require.ErrorAs(t, err, test.want)
			s.idle()
			assert.Len(t, s.sim.Calls(), test.taken)
			if test.taken > 0 {
				assert.Contains(t, s.types(), "lifecycle-ended", "the callbacks settle what the answer did not")
				assert.Equal(t, s.request().CallID, s.taken[0].CallID)
			}
		})
	}
}

func TestPlacement_AnswersAsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Script: func(simvoice.Order) simvoice.Behaviour {
		return simvoice.Behaviour{Placement: simvoice.Answer, Status: http.StatusTooManyRequests, RetryAfter: 90}
	}})
	_, err := s.client.Place(t.Context(), s.request())
	var failed *voice.NotPlacedError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 90*time.Second, failed.RetryAfter)
	assert.Empty(t, s.sim.Refusals(), "what the script asked for is no mistake of the client's")
}

func TestServer_RefusesWhatTheRealOneWould(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{})
	tests := map[string]struct {
		change  func(*config.Voice)
		request func(*voice.Request)
		kind    voice.RefusalKind
	}{
		"a wrong key":       {change: func(c *config.Voice) { c.Settings.(*mirai.Settings).PrivateKey = "sk_2" }, kind: voice.RefusedKeys},
		"another workspace": {change: func(c *config.Voice) { c.Workspace = "ws_2" }, kind: voice.RefusedKeys},
		"another assistant": {change: func(c *config.Voice) { c.Assistant = "assistant_2" }, kind: voice.RefusedAssistant},
		"an open callback":  {request: func(r *voice.Request) { r.CallbackURL = "http://calls.example.com/x" }, kind: voice.RefusedContent},
		"a foreign payload": {change: func(c *config.Voice) {
			c.Settings.(*mirai.Settings).Payload = map[string]script.Text{"customerName": "{{.Name}}"}
		}, kind: voice.RefusedContent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, r := s.client, s.request()
			if test.change != nil {
				client = s.clientWith(test.change)
			}
			if test.request != nil {
				test.request(&r)
			}
			_, err := client.Place(t.Context(), r)
			var refused *voice.RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.kind, refused.Kind)
		})
	}
	t.Cleanup(func() {
		assert.Len(t, s.sim.Refusals(), len(tests))
		assert.Empty(t, s.sim.Calls())
	})
}

func TestServer_CustomVariantTakesAnyPayload(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Custom: true})
	client := s.clientWith(func(c *config.Voice) {
		c.Settings.(*mirai.Settings).Payload = map[string]script.Text{"customerName": "{{.Name}}"}
	})
	_, err := client.Place(t.Context(), s.request())
	require.NoError(t, err)
	assert.JSONEq(t, `{"customerName":"Asha Rao"}`, string(s.sim.Calls()[0].Order.Payload))
	s.idle()
}

func TestOutbox_EventsAreSentUntilTaken(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{})
	s.turnAway = 3
	s.place()
	s.idle()
	assert.Equal(t, []string{"initiate", "in-progress", "ended", "completed", "end-of-call", "lifecycle-ended"}, s.types())
	assert.Zero(t, s.sim.Stats().Undelivered)
}

func TestOutbox_DuplicatesAndDisorder(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []string {
		s := newStage(t, simvoice.Options{Seed: seed, Duplicates: 0.5, Disorder: 0.5})
		for range 10 {
			s.place()
			s.idle()
		}
		seen := map[[32]byte]bool{}
		for _, body := range s.bodies {
			seen[sha256.Sum256([]byte(body))] = true
		}
		assert.Len(t, seen, 60, "every event arrives, and a duplicate is the same to the last byte")
		assert.Greater(t, len(s.bodies), 60)
		return s.types()
	}
	first := run(1)
	assert.Equal(t, first, run(1), "the same seed gives the same trouble")
	assert.NotEqual(t, first, run(2))
	natural := []string{"initiate", "in-progress", "ended", "completed", "end-of-call", "lifecycle-ended"}
	assert.NotEqual(t, natural, first[:len(natural)])
}

func TestStats_CountLines(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Lines: 2, Timing: simvoice.Timing{Talk: 10000 * time.Hour}})
	before := s.sim.Stats()
	for i := range 3 {
		r := s.request()
		r.Phone = fmt.Sprintf("+9190000123%02d", i)
		_, err := s.client.Place(t.Context(), r)
		require.NoError(t, err)
	}
	s.until("in-progress")
	stats := s.sim.Stats()
	assert.Equal(t, 3, stats.Open)
	assert.Equal(t, 3, stats.MostOpen)
	assert.Equal(t, 1, stats.Over)
	later := s.sim.Stats()
	assert.InDelta(t, 1.5, simvoice.Utilisation(stats, later, 2), 0.001, "three calls on two lines")
	assert.Greater(t, simvoice.Utilisation(before, later, 2), 0.0)
	assert.Zero(t, simvoice.Utilisation(later, later, 2))
}

func TestNew_NeedsAnAccount(t *testing.T) {
	t.Parallel()
	_, err := simvoice.New(simvoice.Options{PublicKey: "pk_1"})
	require.Error(t, err)
}

func TestIdle_GivesUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, simvoice.Options{Timing: simvoice.Timing{Talk: 10000 * time.Hour}})
	s.place()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.sim.Idle(ctx), context.Canceled)
}
