package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/outbound"
	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const endpointSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// told is one message that a receiver took.
type told struct {
	id   string
	body outbound.Body
	raw  string
}

// receiver is a system of the store's: it takes messages that are signed and keep to the schema.
type receiver struct {
	t      *testing.T
	url    string
	schema *jsonschema.Schema

	mu sync.Mutex
	// tries counts the requests.
	tries int
	took  []told
	// answers decides what to answer; nil takes everything.
	answers func(told) (status int, body string)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(outbound.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("event.json", parsed))
	schema, err := compiler.Compile("event.json")
	require.NoError(t, err)
	r := &receiver{t: t, schema: schema}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/in"
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	content, err := io.ReadAll(req.Body)
	assert.NoError(r.t, err)
	verifier, err := standardwebhooks.NewWebhook(endpointSecret)
	assert.NoError(r.t, err)
	assert.NoError(r.t, verifier.VerifyIgnoringTimestamp(content, req.Header))
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	assert.NoError(r.t, err)
	assert.NoError(r.t, r.schema.Validate(value), string(content))
	got := told{id: req.Header.Get("webhook-id"), raw: string(content)}
	assert.NoError(r.t, json.Unmarshal(content, &got.body))

	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	status, body := http.StatusOK, ""
	if r.answers != nil {
		status, body = r.answers(got)
	}
	if status < 300 {
		r.took = append(r.took, got)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// answersWith lets the receiver answer from now on as told.
func (r *receiver) answersWith(answers func(told) (int, string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = answers
}

// messages are what was taken so far.
func (r *receiver) messages() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.took)
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries
}

// types are the types of the messages about a cart, in the order in which they were taken.
func (r *receiver) types(id uuid.UUID) []string {
	var types []string
	for _, m := range r.messages() {
		if m.body.Data.CartID != nil && *m.body.Data.CartID == id {
			types = append(types, string(m.body.Type))
		}
	}
	return types
}

func (r *receiver) endpoint() config.Endpoint {
	return config.Endpoint{URL: r.url, Secret: secret.List{endpointSecret}}
}

// delivers sends what is due to each endpoint.
func (h *house) delivers() {
	h.t.Helper()
	for _, p := range h.engine.Endpoints() {
		require.NoError(h.t, h.engine.DeliverEvents(h.t.Context(), p.ID))
	}
}

func TestEvents_AreToldSignedInOrderWithWhatAFollowUpNeeds(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	p := newSomebody(1)
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	token := h.underWay("t1")
	h.report(token, p.action())
	h.report(token, body{"event": body{"type": "call.end-of-call", "data": body{
		"call":     body{"phoneNumber": p.phone},
		"analysis": body{"summary": "wants a call", "insights": body{"interested": true}}, "nonce": "1",
	}}})
	_, err := h.engine.PauseShop(t.Context(), loom, "dashboard")
	require.NoError(t, err)
	_, err = h.engine.ResumeShop(t.Context(), loom, "api")
	require.NoError(t, err)
	h.tell(shopify.OrdersCreate, body{
		"id": 1, "name": "#1", "checkout_token": "t1", "total_price": "999.00", "currency": "INR",
		"created_at": h.clock.Now().Format(time.RFC3339), "updated_at": h.clock.Now().Format(time.RFC3339),
	})
	h.delivers()

	c := h.cart("t1")
	var sequence []int
	ids := map[string]bool{}
	byType := map[outbound.Type]outbound.Body{}
	for _, m := range r.messages() {
		ids[m.id] = true
		byType[m.body.Type] = m.body
		if m.body.Data.CartID != nil {
			sequence = append(sequence, m.body.Data.Sequence)
			assert.Equal(t, c.ID, *m.body.Data.CartID)
			assert.Equal(t, p.phone, *m.body.Data.Phone)
		}
	}
	assert.Len(t, ids, len(r.messages()), "each event has its own id")
	for i := range sequence {
		assert.Equal(t, i+1, sequence[i])
	}
	for _, want := range []outbound.Type{
		outbound.CartWaiting, outbound.CallAction, outbound.CallAnalysed, outbound.CartPurchased, outbound.ShopPaused,
		outbound.ShopResumed,
	} {
		assert.Contains(t, byType, want)
	}
	analysed := byType[outbound.CallAnalysed].Data
	assert.Equal(t, "wants a call", *analysed.Summary)
	assert.True(t, analysed.Insights.Interested)
	assert.Contains(t, string(byType[outbound.CallAction].Data.Action), "send_sms")
	bought := byType[outbound.CartPurchased].Data
	assert.Equal(t, "#1", bought.Order.Name)
	assert.Equal(t, cart.Purchased, *bought.State)
	assert.Equal(t, "dashboard", *byType[outbound.ShopPaused].Data.Source)
	assert.Equal(t, cart.Delay, cart.Reason(*byType[outbound.CartWaiting].Data.Reason), "as it was then")

	h.delivers()
	assert.Len(t, ids, r.requests(), "nothing is sent twice")
	endpoint := h.engine.Endpoints()[0].ID
	due, err := h.db.DueEndpoints(t.Context(), []string{endpoint}, 10)
	require.NoError(t, err)
	assert.Empty(t, due)
	h.tell(shopify.CheckoutsCreate, newSomebody(2).checkout("t2", false, h.clock.Now()))
	require.NoError(t, h.engine.CancelCart(t.Context(), h.cart("t2").ID))
	due, err = h.db.DueEndpoints(t.Context(), []string{endpoint}, 10)
	require.NoError(t, err)
	assert.Equal(t, []postgres.DueEndpoint{{ID: endpoint, Due: 2}}, due)
}

func TestEvents_AfterAnErasureNothingPersonalLeaves(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	h.runs()
	r.answersWith(func(told) (int, string) { return http.StatusServiceUnavailable, "" })
	p := newSomebody(1)
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	token := h.underWay("t1")
	h.report(token, p.action())
	h.report(token, p.analysis(true))
	h.settles("stop_person")
	h.delivers()
	h.redacts(p, "id")
	assert.Empty(t, h.tracesOf(p.marks()))
	r.answersWith(nil)
	h.clock.Advance(time.Hour)
	h.delivers()
	messages := r.messages()
	require.NotEmpty(t, messages)
	for _, m := range messages {
		for _, mark := range p.marks() {
			assert.NotContains(t, m.raw, mark)
		}
	}
	assert.Contains(t, r.types(h.cart("t1").ID), "customer.opted_out")
}

func TestEvents_AnAnswerTakesTheCustomerOver(t *testing.T) {
	t.Parallel()
	for _, said := range []string{`{"suppress": true}`, `{"handled": true, "by": "an agent"}`} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
			h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
			r.answersWith(func(told) (int, string) { return http.StatusOK, `{"handled": "no", "suppress": 1}` })
			h.delivers()
			require.Equal(t, cart.Waiting, h.cart("t1").State)

			h.tell(shopify.CheckoutsCreate, newSomebody(2).checkout("t2", false, h.clock.Now()))
			r.answersWith(func(told) (int, string) { return http.StatusAccepted, said })
			h.delivers()
			assert.Equal(t, cart.Stopped, h.cart("t2").State)
			assert.Equal(t, cart.HandledElsewhere, h.cart("t2").Reason)
			assert.Equal(t, cart.Waiting, h.cart("t1").State)
			h.delivers()
			assert.Equal(t, []string{"cart.waiting", "cart.stopped"}, r.types(h.cart("t2").ID))
		})
	}
}

func TestEvents_OneCartThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	h.tell(shopify.CheckoutsCreate, newSomebody(0).checkout("bad", false, h.clock.Now()))
	bad := h.cart("bad").ID
	r.answersWith(func(m told) (int, string) {
		if m.body.Data.CartID != nil && *m.body.Data.CartID == bad {
			return http.StatusUnprocessableEntity, ""
		}
		return http.StatusOK, ""
	})
	day := h.clock.Now().Add(25 * time.Hour)
	for i := 1; h.clock.Now().Before(day); i++ {
		h.tell(shopify.CheckoutsCreate, newSomebody(i).checkout(fmt.Sprintf("t%d", i), false, h.clock.Now()))
		h.delivers()
		assert.Equal(t, []string{"cart.waiting"}, r.types(h.cart(fmt.Sprintf("t%d", i)).ID), "at once")
		h.clock.Advance(time.Hour)
		if i == 1 {
			require.NoError(t, h.engine.CancelCart(t.Context(), bad))
		}
	}
	assert.Empty(t, r.types(bad))
	deliveries, err := h.db.Deliveries(t.Context(), postgres.DeliveryFilter{Stream: bad, Limit: 10})
	require.NoError(t, err)
	require.Len(t, deliveries, 2)
	assert.Equal(t, postgres.DeliveryFailed, deliveries[1].State, "given up after a day")
	assert.Greater(t, deliveries[1].Tries, 20, "about once an hour")
	assert.Equal(t, http.StatusUnprocessableEntity, deliveries[1].Attempts[0].Status)
	assert.Equal(t, "the endpoint answered 422", deliveries[1].Attempts[0].Error)
	assert.Positive(t, deliveries[0].Tries, "then the next one is tried")

	states, err := h.db.Endpoint(t.Context(), h.engine.Endpoints()[0].ID)
	require.NoError(t, err)
	assert.Nil(t, states.OffAt, "the endpoint works")
}

func TestEvents_AnEndpointThatIsDownGetsEverythingOnceItIsBack(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	const carts = 20
	r.answersWith(func(told) (int, string) { return http.StatusInternalServerError, "" })
	made := 0
	for until := h.clock.Now().Add(time.Hour); h.clock.Now().Before(until); {
		if made < carts {
			h.tell(shopify.CheckoutsCreate, newSomebody(made).checkout(fmt.Sprintf("t%d", made), false, h.clock.Now()))
			require.NoError(t, h.engine.CancelCart(t.Context(), h.cart(fmt.Sprintf("t%d", made)).ID))
			made++
		}
		h.delivers()
		h.clock.Advance(2 * time.Minute)
	}
	assert.Less(t, r.requests(), 50, "it is left alone while it is down")
	r.answersWith(nil)
	for range 3 {
		h.clock.Advance(5 * time.Minute)
		h.delivers()
	}
	for i := range carts {
		assert.Equal(t, []string{"cart.waiting", "cart.stopped"}, r.types(h.cart(fmt.Sprintf("t%d", i)).ID), i)
	}
}

func TestEvents_AnEndpointThatFailsForADayIsSwitchedOffUntilSomebodySwitchesItOn(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	r.answersWith(func(told) (int, string) { return http.StatusInternalServerError, "" })
	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	id := h.engine.Endpoints()[0].ID
	var state postgres.Endpoint
	for hours := 0; state.OffAt == nil; hours++ {
		require.Less(t, hours, 27)
		h.delivers()
		var err error
		state, err = h.db.Endpoint(t.Context(), id)
		require.NoError(t, err)
		h.clock.Advance(time.Hour)
	}
	assert.GreaterOrEqual(t, state.OffAt.Sub(*state.FailingSince), 24*time.Hour)
	assert.Contains(t, h.log.String(), "an endpoint was switched off")
	assert.NotContains(t, h.log.String(), "/in", "the address may be secret")
	tries := r.requests()
	r.answersWith(nil)
	h.delivers()
	assert.Equal(t, tries, r.requests())

	on, err := h.engine.SwitchEndpointOn(t.Context(), id)
	require.NoError(t, err)
	require.True(t, on)
	h.delivers()
	assert.Equal(t, []string{"cart.waiting"}, r.types(h.cart("t1").ID))
}

func TestEvents_GoneSwitchesOffAtOnce(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	r.answersWith(func(told) (int, string) { return http.StatusGone, "" })
	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	h.delivers()
	state, err := h.db.Endpoint(t.Context(), h.engine.Endpoints()[0].ID)
	require.NoError(t, err)
	assert.NotNil(t, state.OffAt)
}

func TestEvents_GoToTheEndpointsThatWantThem(t *testing.T) {
	t.Parallel()
	all, stops, others := newReceiver(t), newReceiver(t), newReceiver(t)
	some := stops.endpoint()
	some.Events = []string{"cart.stopped"}
	elsewhere := others.endpoint()
	elsewhere.Stores = []string{"other.myshopify.com"}
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{all.endpoint(), some, elsewhere}})
	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	id := h.cart("t1").ID
	require.NoError(t, h.engine.CancelCart(t.Context(), id))
	h.delivers()
	assert.Equal(t, []string{"cart.waiting", "cart.stopped"}, all.types(id))
	assert.Equal(t, []string{"cart.stopped"}, stops.types(id))
	assert.Empty(t, others.messages())
}

func TestEvents_RedirectsAndPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	redirects := httptest.NewServer(http.RedirectHandler(r.url, http.StatusTemporaryRedirect))
	t.Cleanup(redirects.Close)
	away := config.Endpoint{URL: redirects.URL, Secret: secret.List{endpointSecret}}
	// A name that is not a loopback host, with the address of this machine.
	name := config.Endpoint{URL: "http://[::ffff:169.254.169.254]:1/", Secret: secret.List{endpointSecret}}
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{away, name}})
	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	h.delivers()
	assert.Zero(t, r.requests())
	deliveries, err := h.db.Deliveries(t.Context(), postgres.DeliveryFilter{Stream: h.cart("t1").ID, Limit: 10})
	require.NoError(t, err)
	var errors []string
	for _, d := range deliveries {
		require.Len(t, d.Attempts, 1)
		errors = append(errors, d.Attempts[0].Error)
	}
	slices.Sort(errors)
	require.Len(t, errors, 2)
	assert.Equal(t, "the endpoint answered 307; redirects are not followed", errors[0])
	assert.Contains(t, errors[1], "not a public one")
}

func TestEvents_NobodyToTellCostsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	assert.Zero(t, h.count(`SELECT count(*) FROM deliveries`))
	assert.Zero(t, h.cart("t1").Events)
}

func TestEvents_TestEventAndReplay(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	id := h.engine.Endpoints()[0].ID
	for i, kind := range outbound.Types() {
		stream, err := h.engine.SendTestEvent(t.Context(), id, kind)
		require.NoError(t, err)
		require.NoError(t, h.engine.TestEndpoint(t.Context(), id, stream))
		require.Len(t, r.messages(), i+1)
		assert.Equal(t, kind, r.messages()[i].body.Type)
		assert.True(t, r.messages()[i].body.Data.Test)
	}
	_, err := h.engine.SendTestEvent(t.Context(), "unknown", outbound.CallBusy)
	require.ErrorIs(t, err, postgres.ErrNotFound)

	h.tell(shopify.CheckoutsCreate, newSomebody(1).checkout("t1", false, h.clock.Now()))
	h.delivers()
	cartID := h.cart("t1").ID
	n, err := h.engine.Replay(t.Context(), postgres.ReplayFilter{Since: h.clock.Now().Add(-time.Minute)})
	require.NoError(t, err)
	assert.Equal(t, 1, n, "test events are not among them")
	h.delivers()
	assert.Equal(t, []string{"cart.waiting", "cart.waiting"}, r.types(cartID))
	messages := r.messages()
	assert.Equal(t, messages[len(messages)-1].id, messages[len(messages)-2].id)
	n, err = h.engine.Replay(t.Context(), postgres.ReplayFilter{Stream: cartID, FailedOnly: true})
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestEvents_OrderHoldsWithFourWorkers(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHouse(t, plan{store: openAllHours, endpoints: []config.Endpoint{r.endpoint()}})
	var carts []uuid.UUID
	for i := range 8 {
		token := fmt.Sprintf("t%d", i)
		h.tell(shopify.CheckoutsCreate, newSomebody(i).checkout(token, false, h.clock.Now()))
		carts = append(carts, h.cart(token).ID)
		call := h.underWay(token)
		for range 6 {
			h.report(call, newSomebody(i).action())
		}
		require.NoError(t, h.engine.CancelCart(t.Context(), carts[i]))
	}
	failed := map[string]bool{}
	r.answersWith(func(m told) (int, string) {
		// Every event fails once.
		if !failed[m.id] {
			failed[m.id] = true
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, ""
	})
	for range 12 {
		var workers sync.WaitGroup
		for range 4 {
			workers.Go(h.delivers)
		}
		workers.Wait()
		h.clock.Advance(11 * time.Minute)
	}
	for _, id := range carts {
		var sequence []int
		for _, m := range r.messages() {
			if *m.body.Data.CartID == id {
				sequence = append(sequence, m.body.Data.Sequence)
			}
		}
		assert.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, sequence)
	}
}
