package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/jobs"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	"ringback/internal/voice/mirai"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// body is the body of a message.
type body = map[string]any

// open lets everybody be called at any hour.
func openAllHours(s *config.Store) {
	s.Policy.Consent, s.Policy.AcceptWeakerConsent = policy.On(policy.ConsentNotRequired), []string{"IN"}
	s.Policy.Windows = []policy.Window{{From: "00:00", To: "24:00"}}
	s.Policy.QuietHours = policy.QuietOff
	s.Policy.Caps.PerPhone = nil
}

// somebody has two mails, two numbers and an account. Every value can be told from everybody else's.
type somebody struct {
	id, account, typed    string
	phone, other          string
	name, street, freeRaw string
	orders                int
}

func newSomebody(n int) *somebody {
	return &somebody{
		id: fmt.Sprintf("77%08d", n), account: fmt.Sprintf("account%05d@example.org", n), typed: fmt.Sprintf("typed%05d@example.net", n),
		phone: fmt.Sprintf("+9198100%05d", 2*n+20000), other: fmt.Sprintf("+9198200%05d", 2*n+20001),
		name: fmt.Sprintf("Meerakshi%05d", n), street: fmt.Sprintf("%05d Tamarind Passage", n), freeRaw: fmt.Sprintf("dislikes%05dsaris", n),
	}
}

// marks are what must not be found of an erased person: numbers in national form.
func (p *somebody) marks() []string {
	return []string{p.id, p.account, p.typed, p.phone[3:], p.other[3:], p.name, p.street, p.freeRaw}
}

// checkout is a checkout of theirs: the first kind has the account, both mails and the first number; the second kind
// the other number, to be delivered to the first.
func (p *somebody) checkout(token string, second bool, at time.Time) body {
	address := body{"name": p.name, "address1": p.street, "city": "Madurai", "country_code": "IN", "phone": p.phone}
	c := body{
		"token": token, "cart_token": "c-" + token, "created_at": at.Format(time.RFC3339), "updated_at": at.Format(time.RFC3339),
		"currency": "INR", "presentment_currency": "INR", "total_price": "1499.00", "subtotal_price": "1499.00",
		"line_items":       []body{{"title": "Kurta", "quantity": 1, "price": "1499.00", "sku": "K"}},
		"shipping_address": address, "note": p.freeRaw,
	}
	if second {
		c["phone"] = p.other
		return c
	}
	c["phone"], c["email"] = p.phone, p.typed
	c["customer"] = body{"id": json.Number(p.id), "email": p.account, "first_name": p.name}
	return c
}

func (p *somebody) order(id string, at time.Time) body {
	return body{
		"id": json.Number(id), "name": "#" + id, "email": p.account, "created_at": at.Format(time.RFC3339), "updated_at": at.Format(time.RFC3339),
		"currency": "INR", "total_price": "999.00", "customer": body{"id": json.Number(p.id), "email": p.account, "first_name": p.name},
		"shipping_address": body{"name": p.name, "address1": p.street, "country_code": "IN", "phone": p.phone},
		"discount_codes":   []body{{"code": p.freeRaw}},
	}
}

// redaction asks for their erasure by one of their names.
func (p *somebody) redaction(by string) body {
	customer := map[string]body{
		"id":      {"id": json.Number(p.id)},
		"account": {"email": strings.ToUpper(p.account)},
		"typed":   {"email": p.typed},
		"phone":   {"email": nil, "phone": p.phone[3:8] + " " + p.phone[8:]},
		"other":   {"phone": p.other[3:]},
	}[by]
	return body{"shop_id": 1, "shop_domain": loom, "customer": customer, "orders_to_redact": []int{}}
}

var everyName = []string{"id", "account", "typed", "phone", "other"}

// tell delivers a webhook.
func (h *house) tell(topic string, message body) engine.Taken {
	h.t.Helper()
	raw, err := json.Marshal(message)
	require.NoError(h.t, err)
	d := shopify.Delivery{Topic: topic, Shop: loom, WebhookID: uuid.NewString(), TriggeredAt: h.clock.Now()}
	taken, err := h.take(h.t.Context(), d, raw)
	require.NoError(h.t, err)
	return taken
}

// report delivers a message of the voice API to the callback URL with a token.
func (h *house) report(token string, message body) engine.Taken {
	h.t.Helper()
	raw, err := json.Marshal(message)
	require.NoError(h.t, err)
	header := http.Header{}
	header.Set("x-public-key", "pk")
	header.Set("x-signature", mirai.Sign("sk", raw))
	taken, err := h.engine.TakeCallback(h.t.Context(), "mirai", token, header, raw)
	require.NoError(h.t, err)
	return taken
}

// analysis is a report at the end of a call, full of what the agent heard.
func (p *somebody) analysis(optOut bool) body {
	return body{"event": body{"type": "call.end-of-call", "data": body{
		"call": body{"phoneNumber": p.phone, "recordingUrl": "https://rec.example/" + p.freeRaw},
		"analysis": body{
			"summary": p.name + " of " + p.street + " " + p.freeRaw, "requiredActions": []string{"ring " + p.name},
			"insights": body{"do_not_call": optOut},
		},
		"nonce": uuid.NewString(),
	}}}
}

// action is a report of what the agent wants done.
func (p *somebody) action() body {
	return body{"event": body{"type": "call.action", "data": body{
		"action": "send_sms", "reason": p.name + " " + p.freeRaw, "payload": body{"number": p.phone}, "nonce": uuid.NewString(),
	}}}
}

// underWay puts a call to a cart on the line and returns the token of its callback URL.
func (h *house) underWay(checkout string) string {
	h.t.Helper()
	token := uuid.NewString()
	hash := sha256.Sum256([]byte(token))
	found, err := h.db.CartByToken(h.t.Context(), loom, checkout)
	require.NoError(h.t, err)
	require.NoError(h.t, h.db.InTx(h.t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		c, err := tx.CartForUpdate(ctx, found.ID)
		if err != nil {
			return err
		}
		before := c.Calls
		at, watch := tx.Now, tx.Now.Add(time.Hour)
		c.Calls = append(c.Calls[:len(c.Calls):len(c.Calls)], cart.Call{
			ID: uuid.Must(uuid.NewV7()), CartID: c.ID, Shop: loom, Attempt: len(c.Calls) + 1, State: cart.Placed, Provider: "mirai", Assistant: "as",
			ProviderCallID: "p-" + token, Phone: c.Phone, CreatedAt: at, SentAt: &at, PlacedAt: &at, WatchAt: &watch, TokenHash: hash[:],
		})
		c.State, c.Reason, c.WakeAt, c.Attempts, c.UpdatedAt = cart.Calling, cart.Due, nil, len(c.Calls), at
		return tx.SaveCart(ctx, c, "as", before)
	}))
	return token
}

func (h *house) cart(checkout string) *postgres.Cart {
	h.t.Helper()
	c, err := h.db.CartByToken(h.t.Context(), loom, checkout)
	require.NoError(h.t, err)
	return c
}

// runs works the house's jobs until the test ends.
func (h *house) runs() *river.Client[pgx.Tx] {
	h.t.Helper()
	client, err := jobs.NewClient(h.engine, h.pool, 5, slog.New(slog.DiscardHandler))
	require.NoError(h.t, err)
	ctx := context.WithoutCancel(h.t.Context())
	require.NoError(h.t, client.Start(ctx))
	h.t.Cleanup(func() { assert.NoError(h.t, client.Stop(ctx)) })
	return client
}

// settles waits until the jobs of some kinds are done.
func (h *house) settles(kinds ...string) {
	h.t.Helper()
	var n int
	require.Eventually(h.t, func() bool {
		err := h.pool.QueryRow(h.t.Context(), `
			SELECT count(*)
			FROM river_job
			WHERE state IN ('available', 'running', 'retryable') AND kind = ANY ($1)`, kinds).Scan(&n)
		return err == nil && n == 0
	}, time.Minute, 5*time.Millisecond, "jobs do not end: %v: %s", kinds, h.log)
}

// does has a job worked.
func (h *house) does(client *river.Client[pgx.Tx], args river.JobArgs) {
	h.t.Helper()
	for {
		h.settles(args.Kind())
		inserted, err := client.Insert(h.t.Context(), args, nil)
		require.NoError(h.t, err)
		if inserted.UniqueSkippedAsDuplicate {
			// The one that the program makes by itself at its start is under way, perhaps with the time of before.
			continue
		}
		h.settles(args.Kind())
		return
	}
}

func (h *house) redacts(p *somebody, by string) {
	h.t.Helper()
	h.tell(shopify.CustomersRedact, p.redaction(by))
	h.settles("redact", "stop_person")
}

func (h *house) count(query string, args ...any) int {
	h.t.Helper()
	var n int
	require.NoError(h.t, h.pool.QueryRow(h.t.Context(), query, args...).Scan(&n))
	return n
}

func TestOptOut_HeardAfterErasureStillHolds(t *testing.T) {
	t.Parallel()
	for name, erase := range map[string]func(*house, *river.Client[pgx.Tx], *somebody){
		"redacted": func(h *house, _ *river.Client[pgx.Tx], p *somebody) { h.redacts(p, "phone") },
		"purged": func(h *house, client *river.Client[pgx.Tx], _ *somebody) {
			h.clock.Advance(40 * 24 * time.Hour)
			h.does(client, engine.Purge{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: openAllHours})
			client, p := h.runs(), newSomebody(1)
			h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
			token := h.underWay("t1")
			erase(h, client, p)
			require.NotNil(t, h.cart("t1").ErasedAt)

			require.Equal(t, engine.TakenNew, h.report(token, p.analysis(true)))
			h.settles("stop_person")
			assert.Empty(t, h.tracesOf(p.marks()))
			assert.Positive(t, h.count(`SELECT count(*) FROM suppressions WHERE source = 'call' AND value IS NULL`))

			h.tell(shopify.CheckoutsCreate, p.checkout("t2", false, h.clock.Now()))
			h.comesDue("t2")
			assert.Equal(t, cart.Stopped, h.cart("t2").State)
			assert.Equal(t, cart.Suppressed, h.cart("t2").Reason)
		})
	}
}

// comesDue lets a cart be looked at as one is when it may be called.
func (h *house) comesDue(checkout string) {
	h.t.Helper()
	for range 3 {
		if c := h.cart(checkout); c.State != cart.Waiting {
			return
		}
		h.clock.Advance(2 * time.Hour)
		_, err := h.pool.Exec(h.t.Context(), `
			UPDATE river_job
			SET state = 'available', scheduled_at = now()
			WHERE kind = 'wake_cart' AND state = 'scheduled'`)
		require.NoError(h.t, err)
		h.settles("wake_cart", "stop_person", "supersede")
	}
}

func TestAgentsWords_DoNotEnterTheLedger(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	client, p := h.runs(), newSomebody(1)
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	token := h.underWay("t1")
	h.report(token, p.action())
	// As the program before wrote it, of a cart that is erased and one that is not.
	h.tell(shopify.CheckoutsCreate, newSomebody(2).checkout("t2", false, h.clock.Now()))
	for _, checkout := range []string{"t1", "t2"} {
		for _, saw := range []string{"send_sms " + p.name + " of " + p.street, " " + p.name, p.name + "? " + p.freeRaw} {
			_, err := h.pool.Exec(t.Context(), `
				INSERT INTO ledger (cart_id, at, event, from_state, to_state, reason, trace)
				VALUES ($1, $2, 'call.action', 'calling', 'calling', 'due', jsonb_build_array(
					jsonb_build_object('rule', 'action', 'saw', $3::text, 'verdict', 'ok'),
					jsonb_build_object('rule', 'abort', 'saw', 'kept as it is', 'verdict', 'ok')))`, h.cart(checkout).ID, h.clock.Now(), saw)
			require.NoError(t, err)
		}
	}
	h.redacts(p, "id")
	ledger, err := h.db.Ledger(t.Context(), h.cart("t1").ID)
	require.NoError(t, err)
	var seen []string
	for _, e := range ledger {
		if e.Event == "call.action" {
			for _, s := range e.Trace {
				seen = append(seen, s.Saw)
			}
		}
	}
	assert.Equal(t, []string{"send_sms", "send_sms", "kept as it is", "other", "kept as it is", "other", "kept as it is"}, seen)

	require.Contains(t, h.tracesOf(p.marks()), "ledger: "+p.name, "of the other cart")
	h.clock.Advance(time.Hour)
	h.does(client, engine.Purge{})
	assert.Empty(t, h.tracesOf(p.marks()))
	assert.Equal(t, 6, h.count(`SELECT count(*) FROM ledger WHERE trace @> '[{"saw": "kept as it is"}]'`))
}

func TestMessages_NamingSomebodyErasedAreKeptWithoutPayload(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	h.runs()
	p := newSomebody(1)
	began := h.clock.Now()
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, began))
	token := h.underWay("t1")
	h.clock.Advance(time.Hour)
	h.redacts(p, "account")
	require.Empty(t, h.tracesOf(p.marks()))
	h.clock.Advance(time.Minute)
	for name, late := range map[string]func(){
		"report":         func() { h.report(token, p.analysis(false)) },
		"action":         func() { h.report(token, p.action()) },
		"unreadable":     func() { h.report(token, body{"said": p.name + p.freeRaw + p.phone}) },
		"stray report":   func() { h.report("unknown", p.analysis(false)) },
		"order":          func() { h.tell(shopify.OrdersUpdated, p.order("900", began)) },
		"order again":    func() { h.tell(shopify.OrdersUpdated, p.order("900", began)) },
		"unusable order": func() { h.tell(shopify.OrdersUpdated, body{"email": p.typed, "note": p.freeRaw}) },
		"checkout":       func() { h.tell(shopify.CheckoutsUpdate, p.checkout("t1", false, h.clock.Now())) },
		"customer": func() {
			h.tell(shopify.CustomersUpdate, body{"id": json.Number(p.id), "first_name": p.name, "phone": p.phone, "email": p.account,
				"sms_marketing_consent": body{"state": "unsubscribed"}, "accepts_marketing": false})
		},
		"unknown topic": func() { h.tell("customers/delete", body{"id": json.Number(p.id), "name": p.name}) },
	} {
		late()
		assert.Empty(t, h.tracesOf(p.marks()), name)
	}

	// What the person begins after it is new.
	h.tell(shopify.CheckoutsCreate, p.checkout("t2", false, h.clock.Now()))
	assert.Contains(t, h.tracesOf(p.marks()), "carts: "+p.name)
	assert.Contains(t, h.tracesOf(p.marks()), "webhooks: "+p.street)
	h.tell(shopify.OrdersCreate, p.order("901", h.clock.Now()))
	assert.Equal(t, cart.Purchased, h.cart("t2").State)

	// Others are not concerned.
	q := newSomebody(2)
	h.tell(shopify.OrdersCreate, q.order("902", began))
	h.report("unknown", q.analysis(false))
	found := h.tracesOf(q.marks())
	assert.Contains(t, found, "webhooks: "+q.name)
	assert.Contains(t, found, "callbacks: "+q.name)
}

func TestPurge_LeavesKeysOfSuppressionsAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	client, p := h.runs(), newSomebody(1)
	made, err := h.engine.Suppress(t.Context(), loom, p.phone, p.typed, "api")
	require.NoError(t, err)
	require.Len(t, made, 2)
	_, err = h.engine.Suppress(t.Context(), loom, "", p.account, "api")
	require.NoError(t, err)
	lifted, err := h.engine.Unsuppress(t.Context(), uuid.Nil, loom, "", p.account, postgres.Lift{By: "api", Reason: p.freeRaw})
	require.NoError(t, err)
	require.True(t, lifted)
	h.tell(shopify.CustomersDataRequest, p.redaction("id"))
	h.clock.Advance(29 * 24 * time.Hour)
	h.does(client, engine.Purge{})
	assert.Contains(t, h.tracesOf(p.marks()), "suppressions: "+p.typed)
	assert.Equal(t, 1, h.count(`SELECT count(*) FROM privacy_requests WHERE person IS NOT NULL`))

	h.clock.Advance(32 * 24 * time.Hour)
	h.does(client, engine.Purge{})
	assert.Empty(t, h.tracesOf(p.marks()))
	assert.Equal(t, 1, h.count(`SELECT count(*) FROM privacy_requests WHERE person IS NULL AND done_at IS NULL`), "it stays open")
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	h.comesDue("t1")
	assert.Equal(t, cart.Suppressed, h.cart("t1").Reason)
}

func TestOptOut_CallsOffEveryCallOfThePerson(t *testing.T) {
	t.Parallel()
	for name, optOut := range map[string]func(*house, *somebody, string){
		"on a call": func(h *house, p *somebody, token string) { h.report(token, p.analysis(true)) },
		"by the API": func(h *house, p *somebody, _ string) {
			_, err := h.engine.Suppress(h.t.Context(), loom, "", p.account, "api")
			assert.NoError(h.t, err)
		},
		"on the dashboard": func(h *house, p *somebody, _ string) {
			_, err := h.engine.Suppress(h.t.Context(), "", p.phone, "", "dashboard")
			assert.NoError(h.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: openAllHours})
			h.runs()
			p := newSomebody(1)
			h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
			token := h.underWay("t1")
			h.clock.Advance(time.Minute)
			h.tell(shopify.CheckoutsCreate, p.checkout("t2", true, h.clock.Now()))
			h.underWay("t2")
			h.tell(shopify.CheckoutsCreate, newSomebody(2).checkout("t3", false, h.clock.Now()))
			h.underWay("t3")

			optOut(h, p, token)
			h.settles("stop_person")
			c := h.cart("t2")
			assert.Equal(t, cart.Stopped, c.State)
			assert.NotNil(t, c.Calls[0].AbortAt)
			assert.Equal(t, cart.Stopped, h.cart("t1").State)
			assert.Equal(t, cart.Calling, h.cart("t3").State)
			assert.Positive(t, h.count(`SELECT count(*) FROM river_job WHERE kind = 'abort_call'`))
		})
	}
}

func TestLiftedSuppression_StaysOnRecordAndComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	h.runs()
	p := newSomebody(1)
	_, err := h.engine.Suppress(t.Context(), loom, p.phone, "", "call")
	require.NoError(t, err)
	lifted, err := h.engine.Unsuppress(t.Context(), uuid.Nil, loom, p.phone, "", postgres.Lift{By: "dashboard", Reason: "asked for it"})
	require.NoError(t, err)
	require.True(t, lifted)
	all, err := h.db.LiftedSuppressions(t.Context(), nil, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, []string{"call", "dashboard", "asked for it", p.phone}, []string{all[0].Source, all[0].By, all[0].Reason, *all[0].Value})
	assert.Equal(t, h.db.Now(), all[0].LiftedAt)

	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	token := h.underWay("t1")
	h.report(token, p.analysis(true))
	h.settles("stop_person")
	h.tell(shopify.CheckoutsCreate, p.checkout("t2", false, h.clock.Now()))
	h.comesDue("t2")
	assert.Equal(t, cart.Suppressed, h.cart("t2").Reason, "a later opt-out holds")
	h.redacts(p, "typed")
	assert.Empty(t, h.tracesOf(append(p.marks(), "asked for it")))
}

func TestErasure_HoldsInWhateverOrderThingsHappen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	client := h.runs()
	const first, enough = 10, 30
	people, failed := first, false
	rapid.Check(t, func(t *rapid.T) {
		if people++; people > first+enough && !failed {
			// Each run waits for jobs and takes about a second.
			return
		}
		p := newSomebody(people)
		clears := func(when string) {
			if found := h.tracesOf(p.marks()); len(found) > 0 {
				failed = true
				t.Fatalf("after %s: %v", when, found)
			}
		}
		var checkouts, tokens []string
		clean, optedOut, second := true, false, false
		fresh := func() {
			name := fmt.Sprintf("t%d-%d", people, len(checkouts))
			kind := len(checkouts) > 0 && rapid.Bool().Draw(t, "second")
			second = second || kind
			h.tell(shopify.CheckoutsCreate, p.checkout(name, kind, h.clock.Now()))
			checkouts = append(checkouts, name)
			clean = false
		}
		hear := func() {
			if len(tokens) == 0 {
				return
			}
			token := rapid.SampledFrom(tokens).Draw(t, "call")
			if rapid.Bool().Draw(t, "opt out") {
				optedOut = true
				h.report(token, p.analysis(true))
			}
			h.report(token, p.action())
			h.report(token, p.analysis(false))
			h.settles("stop_person")
		}
		begun := h.clock.Now()
		do := map[string]func(){
			"new cart": fresh,
			"call placed": func() {
				for _, name := range checkouts {
					if c := h.cart(name); !c.State.Settled() && c.OpenCall() == nil {
						tokens = append(tokens, h.underWay(name))
						return
					}
				}
			},
			"report": hear,
			"stray":  func() { h.report("nobody's", p.analysis(true)) },
			"redact": func() {
				// Their other number is known by the second kind of checkout alone.
				known := everyName[:len(everyName)-1]
				if second {
					known = everyName
				}
				h.redacts(p, rapid.SampledFrom(known).Draw(t, "by"))
				clean = true
			},
			"purge": func() {
				h.clock.Advance(35 * 24 * time.Hour)
				h.does(client, engine.Purge{})
			},
			"order": func() {
				p.orders++
				h.tell(shopify.OrdersUpdated, p.order(fmt.Sprintf("9%05d%02d", people, p.orders), begun))
			},
		}
		kinds := []string{"new cart", "call placed", "report", "redact", "purge", "order"}
		fresh()
		for range rapid.IntRange(2, 10).Draw(t, "steps") {
			h.clock.Advance(time.Minute)
			do[rapid.SampledFrom(kinds).Draw(t, "step")]()
			if clean {
				clears("the erasure")
			}
		}
		do["redact"]()
		for range rapid.IntRange(0, 4).Draw(t, "late steps") {
			h.clock.Advance(time.Minute)
			do[rapid.SampledFrom([]string{"report", "order", "stray", "purge"}).Draw(t, "late step")]()
		}
		clears("the last erasure")
		if !optedOut {
			return
		}
		h.clock.Advance(10 * 24 * time.Hour)
		for _, second := range []bool{false, true} {
			name := fmt.Sprintf("t%d-last-%v", people, second)
			h.tell(shopify.CheckoutsCreate, p.checkout(name, second, h.clock.Now()))
			h.comesDue(name)
			if c := h.cart(name); c.State != cart.Stopped || c.Reason != cart.Suppressed {
				failed = true
				t.Fatalf("whoever asked not to be called may be called: %s, %s", c.State, c.Reason)
			}
		}
		h.redacts(p, "phone")
	})
}

func TestExport_ByAnyNameHasEverythingOfThePerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: openAllHours})
	h.runs()
	p := newSomebody(1)
	h.tell(shopify.CheckoutsCreate, p.checkout("t1", false, h.clock.Now()))
	h.underWay("t1")
	h.tell(shopify.CheckoutsCreate, p.checkout("t2", true, h.clock.Now()))
	h.tell(shopify.OrdersCreate, p.order("900", h.clock.Now().Add(-48*time.Hour)))
	h.tell(shopify.CheckoutsCreate, newSomebody(2).checkout("t3", false, h.clock.Now()))
	_, err := h.engine.Suppress(t.Context(), loom, "", p.typed, "api")
	require.NoError(t, err)
	_, err = h.engine.Suppress(t.Context(), loom, p.other, "", "api")
	require.NoError(t, err)
	_, err = h.engine.Unsuppress(t.Context(), uuid.Nil, loom, p.other, "", postgres.Lift{By: "api", Reason: "asked for it"})
	require.NoError(t, err)
	for _, by := range everyName {
		h.tell(shopify.CustomersDataRequest, p.redaction(by))
		requests, err := h.db.PrivacyRequests(t.Context(), 10)
		require.NoError(t, err)
		x, err := h.engine.Export(t.Context(), requests[0].ID)
		require.NoError(t, err, by)
		var checkouts []string
		calls := 0
		for i := range x.Carts {
			checkouts = append(checkouts, x.Carts[i].Token)
			calls += len(x.Carts[i].Calls)
		}
		assert.ElementsMatch(t, []string{"t1", "t2"}, checkouts, by)
		assert.Equal(t, 1, calls, by)
		if assert.Len(t, x.Orders, 1, by) {
			assert.Equal(t, "900", x.Orders[0].ID, by)
		}
		values := map[string]bool{}
		for _, s := range x.Suppressions {
			values[*s.Value] = true
		}
		assert.True(t, values[p.typed], by)
		assert.NotEmpty(t, x.Lifted, by)
	}
}
