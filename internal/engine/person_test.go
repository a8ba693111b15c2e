package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/jobs"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// permissive lets every cart be called once it has lain for a minute.
func permissive(s *config.Store) {
	s.Policy.Consent, s.Policy.QuietHours = policy.On(policy.ConsentNotRequired), policy.QuietOff
	s.Policy.AcceptWeakerConsent, s.Policy.Delay = []string{"IN"}, time.Minute
	s.Policy.Windows = []policy.Window{{From: "00:00", To: "24:00"}}
	s.Policy.Caps = policy.Caps{}
	s.PurchaseCheck = 0
}

// takes gives the engine a webhook as the front door would.
func (h *house) takes(topic string, payload any) {
	h.t.Helper()
	body, err := json.Marshal(payload)
	require.NoError(h.t, err)
	d := shopify.Delivery{
		Topic: topic, Shop: loom, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: h.clock.Now(),
	}
	taken, err := h.take(h.t.Context(), d, body)
	require.NoError(h.t, err)
	require.Equal(h.t, engine.TakenNew, taken)
}

// names are what somebody gives at a checkout or with an order; empty ones are left out.
type names struct {
	email, account, contact  string
	customer                 int
	phone, delivery, billing string
}

func (n names) customerPayload() any {
	if n.customer == 0 && n.account == "" {
		return nil
	}
	c := map[string]any{"email": orNil(n.account)}
	if n.customer != 0 {
		c["id"] = n.customer
	}
	return c
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func addressWith(phone string) any {
	if phone == "" {
		return nil
	}
	return map[string]any{"first_name": "Nila", "city": "Kochi", "country": "India", "country_code": "IN", "phone": phone}
}

// idOf is the number of a checkout with a token.
func idOf(token string) uint32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(token))
	return sum.Sum32()
}

// begins lets somebody begin or touch a checkout.
func (h *house) begins(token string, n names) {
	h.t.Helper()
	began := h.clock.Now()
	if known, err := h.db.CartByToken(h.t.Context(), loom, token); err == nil {
		began = known.Checkout.CreatedAt
	}
	h.takes(shopify.CheckoutsUpdate, map[string]any{
		"id": idOf(token), "token": token, "cart_token": "c-" + token, "email": orNil(n.email), "phone": orNil(n.phone),
		"customer": n.customerPayload(), "shipping_address": addressWith(n.delivery), "billing_address": addressWith(n.billing),
		"currency": "INR", "total_price": "1499.00",
		"abandoned_checkout_url": "https://" + loom + "/1/checkouts/ac/" + token + "/recover",
		"created_at":             began.Format(time.RFC3339Nano), "updated_at": h.clock.Now().Format(time.RFC3339Nano),
		"line_items": []map[string]any{{"title": "Saree", "quantity": 1, "price": "1499.00", "variant_id": 1}},
	})
}

// buys lets somebody buy otherwise than by a checkout that we know.
func (h *house) buys(id int, n names) {
	h.t.Helper()
	h.takes(shopify.OrdersCreate, map[string]any{
		"id": id, "name": fmt.Sprintf("#%d", id), "email": orNil(n.email), "contact_email": orNil(n.contact),
		"phone": orNil(n.phone), "customer": n.customerPayload(), "shipping_address": addressWith(n.delivery),
		"billing_address": addressWith(n.billing), "currency": "INR", "total_price": "1499.00",
		"created_at": h.clock.Now().Format(time.RFC3339Nano), "updated_at": h.clock.Now().Format(time.RFC3339Nano),
	})
}

// mustForget lets Shopify ask for a customer's erasure by an email.
func (h *house) mustForget(email string) {
	h.t.Helper()
	h.takes(shopify.CustomersRedact, map[string]any{"shop_domain": loom, "customer": map[string]any{"email": email}})
}

// looks lets an hour pass and every look that is due be taken.
func (h *house) looks() {
	h.t.Helper()
	h.clock.Advance(time.Hour)
	defer h.givesLines(h.engine)()
	client, err := jobs.NewClient(h.engine, h.pool, 10, slog.New(slog.DiscardHandler))
	require.NoError(h.t, err)
	require.NoError(h.t, client.Start(context.WithoutCancel(h.t.Context())))
	assert.Eventually(h.t, func() bool {
		var n int
		err := h.pool.QueryRow(h.t.Context(), `
			SELECT count(*)
			FROM carts
			WHERE (state = 'ready' OR state = 'waiting' AND wake_at < $1)
				AND NOT EXISTS (SELECT 1 FROM calls WHERE cart_id = carts.id)`, h.clock.Now()).Scan(&n)
		return err == nil && n == 0
	}, time.Minute, 20*time.Millisecond, "carts are not looked at: %s", h.log)
	require.NoError(h.t, client.Stop(context.WithoutCancel(h.t.Context())))
}

// of reads a checkout's cart.
func (h *house) of(token string) *postgres.Cart {
	h.t.Helper()
	c, err := h.db.CartByToken(h.t.Context(), loom, token)
	require.NoError(h.t, err)
	return c
}

// notes are what a cart's ledger says of its order.
func (h *house) notes(id uuid.UUID) string {
	h.t.Helper()
	ledger, err := h.db.Ledger(h.t.Context(), id)
	require.NoError(h.t, err)
	text := ""
	for _, e := range ledger {
		for _, s := range e.Trace {
			if s.Rule == "order" {
				text += s.Saw
			}
		}
	}
	return text
}

func TestIntake_OrderUnderAnyNameOfTheCustomerIsTheCarts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	cases := []struct {
		name  string
		cart  names
		order names
		note  string
	}{
		{
			"the account's email beside the order's own", names{email: "acc1@example.com", phone: "+919847010101"},
			names{email: "desk1@example.com", customer: 41, account: "ACC1@example.com", phone: "+919847019901"},
			"under the typed email",
		},
		{
			"the contact email", names{email: "acc2@example.com", phone: "+919847010201"},
			names{email: "desk2@example.com", contact: "acc2@example.com"}, "under the typed email",
		},
		{
			"the cart's account email",
			names{email: "typed3@example.com", account: "own3@example.com", customer: 43, phone: "+919847010301"},
			names{email: "own3@example.com"}, "under the account's email",
		},
		{
			"the cart's delivery number", names{email: "a4@example.com", phone: "+919847010401", delivery: "98470 10402"},
			names{email: "b4@example.com", phone: "+919847010402"}, "under the delivery number",
		},
		{
			"the cart's billing number at the order's delivery",
			names{email: "a5@example.com", phone: "+919847010501", billing: "9847010502"},
			names{email: "b5@example.com", delivery: "09847010502"}, "under the billing number",
		},
		{
			"the customer account alone", names{email: "a6@example.com", customer: 46, phone: "+919847010601"},
			names{email: "b6@example.com", customer: 46}, "under the customer account",
		},
	}
	for i, c := range cases {
		h.begins(fmt.Sprintf("any%d", i), c.cart)
	}
	h.clock.Advance(10 * time.Second)
	for i, c := range cases {
		h.buys(8100+i, c.order)
	}
	for i, c := range cases {
		kept := h.of(fmt.Sprintf("any%d", i))
		assert.Equal(t, cart.Purchased, kept.State, c.name)
		assert.Equal(t, fmt.Sprintf("bought: order #%d %s", 8100+i, c.note), h.notes(kept.ID), c.name)
	}
}

func TestIntake_NobodyIsCalledWhoBoughtUnderAnotherName(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	// The cart gets its number after the order.
	h.begins("late", names{email: "nila@example.com"})
	h.clock.Advance(5 * time.Second)
	h.buys(8201, names{email: "guest@example.com", phone: "+919847020101"})
	h.clock.Advance(5 * time.Second)
	h.begins("late", names{email: "nila@example.com", phone: "+919847020102", delivery: "+919847020101"})

	// The cart comes after the order, and what ties the two together after both.
	h.begins("began", names{email: "tara@example.com", phone: "+919847020202"})
	h.clock.Advance(5 * time.Second)
	h.buys(8202, names{email: "office@example.com"})
	h.clock.Advance(5 * time.Second)
	h.begins("tie", names{email: "office@example.com", account: "tara@example.com"})

	h.begins("control", names{email: "usha@example.com", phone: "+919847020303"})
	h.looks()
	assert.Empty(t, h.of("late").Calls)
	assert.Empty(t, h.of("began").Calls)
	assert.Len(t, h.of("control").Calls, 1, "who has not bought is called")
}

func TestSuppress_CountsUnderEveryNameOfAPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.begins("one", names{email: "veena@example.com", phone: "+919847030101", delivery: "+919847030102"})
	h.begins("two", names{email: "veena.work@example.com", phone: "+919847030102"})
	h.begins("other", names{email: "someone@example.com", phone: "+919847030103"})
	_, err := h.engine.Suppress(h.t.Context(), loom, "", "VEENA@example.com", "api")
	require.NoError(t, err)
	assert.Equal(t, cart.OptedOut, h.of("one").Reason)
	assert.Equal(t, cart.OptedOut, h.of("two").Reason, "the same person by the number that both carts have")

	h.begins("three", names{email: "veena.work@example.com", phone: "+919847030104"})
	h.looks()
	assert.Empty(t, h.of("three").Calls, "a cart that comes later, under a third number")
	assert.Len(t, h.of("other").Calls, 1)
}

func TestConsent_WithdrawnUnderOneNameIsWithdrawnUnderAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: func(s *config.Store) {
		permissive(s)
		s.Policy.Consent = policy.On(policy.ConsentMarketing)
	}})
	agreed := func(token string, n names) {
		h.begins(token, n)
		h.takes(shopify.CustomersEmailConsentUpdate, map[string]any{
			"customer_id": n.customer, "email_address": n.email,
			"email_marketing_consent": map[string]any{"state": "subscribed"},
		})
		require.Equal(t, cart.Waiting, h.of(token).State)
	}
	agreed("first", names{email: "asma@example.com", customer: 51, phone: "+919847040101"})
	agreed("second", names{email: "asma.b@example.com", customer: 51, phone: "+919847040102"})
	h.clock.Advance(time.Second)
	h.takes(shopify.CustomersEmailConsentUpdate, map[string]any{
		"email_address": "asma@example.com", "email_marketing_consent": map[string]any{"state": "unsubscribed"},
	})
	assert.Equal(t, cart.NoConsent, h.of("first").Reason)
	assert.Equal(t, cart.NoConsent, h.of("second").Reason)
	h.clock.Advance(time.Second)
	h.takes(shopify.CustomersEmailConsentUpdate, map[string]any{
		"email_address": "asma.b@example.com", "email_marketing_consent": map[string]any{"state": "subscribed"},
	})
	assert.Equal(t, cart.NoConsent, h.of("first").Reason, "consent given under one name permits no call under another")
}

func TestPrivacy_EraseAndExportByTheAccountsEmail(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	n := names{email: "typed9@example.com", account: "own9@example.com", customer: 59, phone: "+919847050101"}
	h.begins("mine", n)
	h.begins("stranger", names{email: "z9@example.com", phone: "+919847050102"})
	ids, err := h.db.CartsOfPerson(t.Context(), loom, cart.PersonWith("", []string{"own9@example.com"}, nil))
	require.NoError(t, err)
	assert.Equal(t, []uuid.UUID{h.of("mine").ID}, ids, "what an export contains")
	h.mustForget("own9@example.com")
	h.work()
	assert.NotNil(t, h.of("mine").ErasedAt)
	assert.Nil(t, h.of("stranger").ErasedAt)
	assert.Empty(t, h.tracesOf([]string{"typed9@", "own9@", "9847050101"}))

	ids, err = h.db.CartsOfPerson(t.Context(), loom, cart.PersonWith("", []string{"typed9@example.com"}, nil))
	require.NoError(t, err)
	assert.Equal(t, []uuid.UUID{h.of("mine").ID}, ids, "hashes of every name outlive it")
}

func TestIntake_CartIsKnownByTheNamesOfTheOrderThatItBecame(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"checkout", "order"} {
		h := newHouse(t, plan{store: permissive})
		order := map[string]any{
			"id": 8801, "name": "#8801", "checkout_token": "sold", "email": "paid@example.com", "contact_email": "billed@example.com",
			"phone": "+919847150102", "currency": "INR", "total_price": "1499.00",
			"created_at": h.clock.Now().Add(time.Second), "updated_at": h.clock.Now().Add(time.Second),
		}
		if first == "order" {
			h.takes(shopify.OrdersCreate, order)
		}
		h.begins("sold", names{email: "looked@example.com", phone: "+919847150101"})
		if first == "checkout" {
			h.takes(shopify.OrdersCreate, order)
		}
		require.Equal(t, cart.Purchased, h.of("sold").State)
		assert.Equal(t, []string{"sold"}, h.foundBy("billed@example.com", ""), "%s first", first)

		h.begins("later", names{email: "looked@example.com", phone: "+919847150103"})
		_, err := h.engine.Suppress(t.Context(), loom, "", "paid@example.com", "api")
		require.NoError(t, err)
		assert.Equal(t, cart.OptedOut, h.of("later").Reason, "%s first", first)

		h.mustForget("billed@example.com")
		h.work()
		assert.NotNil(t, h.of("sold").ErasedAt)
		assert.Empty(t, h.tracesOf([]string{"looked@", "paid@", "billed@", "98471501"}))
	}
}

func TestSupersede_StopsThePersonsOlderCartUnderAnotherNumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.begins("older", names{email: "kavya@example.com", phone: "+919847060101"})
	h.clock.Advance(10 * time.Second)
	h.begins("newer", names{email: "kavya@example.com", phone: "+919847060102"})
	h.looks()
	assert.Equal(t, cart.Superseded, h.of("older").Reason)
	assert.Empty(t, h.of("older").Calls)
	assert.Len(t, h.of("newer").Calls, 1)
}

func TestSupersede_ManyNewCartsOfOnePersonNeedOneJob(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	for i := range 6 {
		h.begins(fmt.Sprintf("visit%d", i), names{email: "kavya@example.com", phone: "+919847060101"})
		h.clock.Advance(time.Second)
	}
	assert.Len(t, h.waitingOf("supersede"), 1, "the job that waits is turned to the newest cart")
	h.workUntil("no older cart is left", func() bool {
		for i := range 5 {
			if h.of(fmt.Sprintf("visit%d", i)).Reason != cart.Superseded {
				return false
			}
		}
		return true
	})
	assert.NotEqual(t, cart.Superseded, h.of("visit5").Reason)
}

func TestIntake_SharedNumberMakesNobodyOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	for i := range cart.MostOthers + 2 {
		h.begins(fmt.Sprintf("desk%d", i), names{
			email: fmt.Sprintf("guest%d@example.com", i), phone: fmt.Sprintf("+9198470701%02d", i), delivery: "+914842300300",
		})
	}
	h.begins("again", names{email: "guest1@example.com", phone: "+919847070199"})
	h.clock.Advance(10 * time.Second)
	h.buys(8301, names{email: "guest0@example.com"})
	h.looks()
	assert.Equal(t, cart.Purchased, h.of("desk0").State)
	assert.Equal(t, cart.Superseded, h.of("desk1").Reason)
	assert.Len(t, h.of("again").Calls, 1)
	for i := 2; i < cart.MostOthers+2; i++ {
		assert.Len(t, h.of(fmt.Sprintf("desk%d", i)).Calls, 1, "guest %d has nothing to do with guest 0", i)
	}
}

// TestIntake_PersonsOfManyNames lets random persons tell their names in random events, in random order, and buy or opt
// out under one.
func TestIntake_PersonsOfManyNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's dice
	type person struct {
		carts   []string
		refuses bool
	}
	var persons []person
	var events []func()
	for i := range 12 {
		p := person{refuses: i%3 != 0}
		var emails, numbers []string
		for j := range 1 + draw.IntN(4) {
			emails = append(emails, fmt.Sprintf("p%d-%d@example.com", i, j))
		}
		for j := range 1 + draw.IntN(4) {
			numbers = append(numbers, fmt.Sprintf("+91984708%02d%02d", i, j))
		}
		of := func(list []string) string { return list[draw.IntN(len(list))] }
		// One cart after the other tells two names, so that all are linked.
		all := max(len(emails), len(numbers))
		for j := range all {
			token := fmt.Sprintf("many%d-%d", i, j)
			p.carts = append(p.carts, token)
			n := names{
				email: emails[j%len(emails)], account: emails[(j+1)%len(emails)], phone: numbers[j%len(numbers)],
				delivery: numbers[(j+1)%len(numbers)],
			}
			events = append(events, func() { h.begins(token, n) })
		}
		if !p.refuses {
			persons = append(persons, p)
			continue
		}
		if i%2 == 0 {
			n := names{email: of(emails)}
			if draw.IntN(2) == 0 {
				n = names{phone: of(numbers)}
			}
			events = append(events, func() { h.buys(8400+i, n) })
		} else {
			mail, phone := of(emails), ""
			if draw.IntN(2) == 0 {
				mail, phone = "", of(numbers)
			}
			events = append(events, func() {
				_, err := h.engine.Suppress(h.t.Context(), loom, phone, mail, "api")
				require.NoError(h.t, err)
			})
		}
		persons = append(persons, p)
	}
	draw.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	// An order answers carts that began no later, so the clock stands still while all this is told.
	for _, happens := range events {
		happens()
	}
	h.looks()
	for i, p := range persons {
		called := 0
		for _, token := range p.carts {
			called += len(h.of(token).Calls)
		}
		if p.refuses {
			assert.Zero(t, called, "person %d bought or opted out under one name", i)
		} else {
			assert.Equal(t, 1, called, "person %d has several carts and is called for one", i)
		}
	}
}

// wroteBefore makes carts and orders what the program before person_keys leaves behind.
func (h *house) wroteBefore() {
	h.t.Helper()
	for _, statement := range []string{
		`DELETE FROM person_keys`,
		`UPDATE carts SET person = NULL, person_at = NULL`,
		`UPDATE orders SET person = NULL, person_at = NULL`,
	} {
		_, err := h.pool.Exec(h.t.Context(), statement)
		require.NoError(h.t, err)
	}
}

func (h *house) fills() {
	h.t.Helper()
	missing, err := h.db.PersonKeysMissing(h.t.Context())
	require.NoError(h.t, err)
	require.True(h.t, missing)
	require.NoError(h.t, h.engine.FillPersonKeys(h.t.Context()))
	missing, err = h.db.PersonKeysMissing(h.t.Context())
	require.NoError(h.t, err)
	require.False(h.t, missing)
}

// foundBy lists the tokens of the carts that belong to whoever has an email or a number.
func (h *house) foundBy(email, number string) []string {
	h.t.Helper()
	ids, err := h.db.CartsOfPerson(h.t.Context(), loom, cart.PersonWith("", []string{email}, []string{number}))
	require.NoError(h.t, err)
	tokens := []string{}
	for _, id := range ids {
		c, err := h.db.Cart(h.t.Context(), id)
		require.NoError(h.t, err)
		tokens = append(tokens, c.Token)
	}
	return tokens
}

func TestFillPersonKeys_FindsWhatThePreviousProgramWrote(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.begins("typed", names{
		email: "anju@example.com", account: "anju.own@example.com", customer: 71, phone: "+919847090101", delivery: "+919847090102",
	})
	h.begins("erased", names{email: "bindu@example.com", phone: "+919847090201"})
	for i := range 230 {
		n := names{email: fmt.Sprintf("many%d@example.com", i), phone: fmt.Sprintf("+91984709%04d", 1000+i)}
		h.begins(fmt.Sprintf("many%d", i), n)
	}
	h.mustForget("bindu@example.com")
	h.work()
	h.buys(8501, names{email: "order@example.com", contact: "anju.own@example.com"})
	h.wroteBefore()

	assert.Equal(t, []string{"typed"}, h.foundBy("anju@example.com", ""), "by its columns, as before")
	assert.Equal(t, []string{"typed"}, h.foundBy("", "+919847090101"))
	assert.Equal(t, []string{"erased"}, h.foundBy("bindu@example.com", ""))
	assert.Empty(t, h.foundBy("anju.own@example.com", ""), "no column holds it")

	h.fills()
	for _, name := range []string{"anju@example.com", "anju.own@example.com"} {
		assert.Equal(t, []string{"typed"}, h.foundBy(name, ""), name)
	}
	assert.Equal(t, []string{"typed"}, h.foundBy("", "+919847090102"))
	assert.Equal(t, []string{"erased"}, h.foundBy("bindu@example.com", ""))
	assert.Equal(t, []string{"many229"}, h.foundBy("", "+919847091229"))
	orders, err := h.db.OrdersOfPerson(t.Context(), loom, cart.PersonWith("", []string{"order@example.com"}, nil))
	require.NoError(t, err)
	assert.Equal(t, []string{"8501"}, orders)

	// An older process that is still at work updates a cart: it knows nothing of keys.
	_, err = h.pool.Exec(t.Context(), `
		UPDATE carts
		SET checkout = jsonb_set(checkout, '{customer,email}', '"anju.new@example.com"'),
			updated_at = updated_at + interval '1 second'
		WHERE token = 'typed'`)
	require.NoError(t, err)
	h.fills()
	assert.Equal(t, []string{"typed"}, h.foundBy("anju.new@example.com", ""))
	assert.Equal(t, []string{"typed"}, h.foundBy("anju.own@example.com", ""), "a key once told stays")
}

func TestFillPersonKeys_RunsUntilDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.begins("cart", names{email: "typed11@example.com", account: "own11@example.com", phone: "+919847110101"})
	h.wroteBefore()
	client, err := jobs.NewClient(h.engine, h.pool, 5, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, client.Start(context.WithoutCancel(t.Context())))
	assert.Eventually(t, func() bool {
		missing, err := h.db.PersonKeysMissing(t.Context())
		return err == nil && !missing
	}, time.Minute, 20*time.Millisecond, "the sweep fills what is missing: %s", h.log)
	require.NoError(t, client.Stop(context.WithoutCancel(t.Context())))
	assert.Equal(t, []string{"cart"}, h.foundBy("own11@example.com", ""))
}

func TestCallNear_CartOfThePreviousProgramKnowsAllItsNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.begins("cart", names{email: "typed12@example.com", account: "own12@example.com", phone: "+919847120101"})
	h.buys(8601, names{email: "own12@example.com", phone: "+919847120102"})
	require.Equal(t, cart.Purchased, h.of("cart").State)
	h.begins("open", names{email: "typed13@example.com", account: "own13@example.com", phone: "+919847130101"})
	_, err := h.pool.Exec(t.Context(), `INSERT INTO suppressions (id, scope, kind, key, value, source, created_at)
		SELECT gen_random_uuid(), '', 'email', substring(key FROM 2), 'x', 'api', now()
		FROM person_keys
		WHERE cart_id = $1 AND get_byte(key, 0) = ascii('e')`, h.of("open").ID)
	require.NoError(t, err)
	_, err = h.pool.Exec(t.Context(), `
		DELETE FROM suppressions
		WHERE key = (SELECT email_key FROM carts WHERE token = 'open')`)
	require.NoError(t, err)
	h.wroteBefore()
	h.looks()
	assert.Empty(t, h.of("open").Calls)
	assert.Equal(t, cart.Suppressed, h.of("open").Reason)
}

func TestPurge_OrdersTakeTheirKeysAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.buys(8701, names{email: "gone@example.com", phone: "+919847140101"})
	h.clock.Advance(20 * 24 * time.Hour)
	h.buys(8702, names{email: "kept@example.com"})
	h.clock.Advance(11 * 24 * time.Hour)
	require.NoError(t, h.db.DropOrders(t.Context(), h.clock.Now().Add(-30*24*time.Hour)))
	var orders []string
	rows, err := h.pool.Query(t.Context(), `SELECT DISTINCT order_id FROM person_keys`)
	require.NoError(t, err)
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		orders = append(orders, id)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, []string{"8702"}, orders)
}
