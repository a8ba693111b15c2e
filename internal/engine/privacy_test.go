package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The person who is erased, in every form in which something of them is kept.
var (
	meera = cart.Customer{ID: "5550001234", FirstName: "Meerakshi", LastName: "Vaidyanathan", Email: "meera.v@example.org"}
	home  = cart.Address{
		FirstName: "Meerakshi", LastName: "Vaidyanathan", Name: "Meerakshi Vaidyanathan", Address1: "17 Tamarind Passage", City: "Madurai",
		CountryCode: "IN", Country: "India", Zip: "625001", Phone: "+919876512345",
	}
	traces = []string{"meera.v@example.org", "9876512345", "98765 12345", "Meerakshi", "Vaidyanathan", "Tamarind", "625001", meera.ID}
)

// dump returns every value of every table as text: what is packed or compressed in the database is unpacked here.
func (h *house) dump() map[string][]byte {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `
		SELECT oid::regclass::text
		FROM pg_class
		WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition`)
	require.NoError(h.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	require.Greater(h.t, len(tables), 10)
	dump := map[string][]byte{}
	for _, table := range tables {
		var b bytes.Buffer
		rows, err := h.pool.Query(h.t.Context(), `TABLE `+table)
		require.NoError(h.t, err)
		for rows.Next() {
			values, err := rows.Values()
			require.NoError(h.t, err)
			for _, v := range values {
				writeValue(&b, reflect.ValueOf(v))
				b.WriteByte('\n')
			}
		}
		require.NoError(h.t, rows.Err())
		dump[table] = b.Bytes()
	}
	return dump
}

func writeValue(b *bytes.Buffer, v reflect.Value) {
	if !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		writeValue(b, v.Elem())
	case reflect.Slice, reflect.Array:
		if raw, ok := v.Interface().([]byte); ok {
			b.Write(raw)
			return
		}
		for i := range v.Len() {
			writeValue(b, v.Index(i))
			b.WriteByte(' ')
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			fmt.Fprint(b, k, "=")
			writeValue(b, v.MapIndex(k))
			b.WriteByte(' ')
		}
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// tracesOf lists where something of the person still stands.
func (h *house) tracesOf(what []string) []string {
	h.t.Helper()
	var found []string
	for table, content := range h.dump() {
		low := bytes.ToLower(content)
		for _, trace := range what {
			if bytes.Contains(low, []byte(strings.ToLower(trace))) {
				found = append(found, table+": "+trace)
			}
		}
	}
	return found
}

// lives puts the person into every corner of the database: a cart with a call and its messages, an order, suppressions,
// codes, raw messages that belong to nothing, and the errors of jobs.
func (h *house) lives() uuid.UUID {
	h.t.Helper()
	ctx := h.t.Context()
	yes := true
	token := h.shop.NewCheckout(func(c *cart.Checkout) {
		c.Customer, c.Email, c.Shipping, c.Billing = meera, meera.Email, &home, &home
		c.Phones = []cart.RawPhone{{From: "phone", Number: "98765 12345", Country: "IN"}}
		c.AcceptsSMS, c.SMSPhone = &yes, "+919876512345"
		c.Attributes = map[string]string{"gift_note": "for Meerakshi"}
		c.Items = []cart.Item{{Title: "Scarf", Quantity: 1, Price: decimalOf("450")}}
	})
	h.after(time.Minute)
	h.shop.Update(token, func(c *cart.Checkout) { c.Items[0].Quantity = 2 })
	h.after(time.Minute)
	found, err := h.db.CartByToken(ctx, loom, token)
	require.NoError(h.t, err)
	callID := uuid.Must(uuid.NewV7())
	offer := &cart.Offer{Code: "MEERA-Vaidyanathan", Unique: true, Type: "percentage", Value: decimalOf("10")}
	seconds := 30
	require.NoError(h.t, h.db.InTx(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := tx.CartForUpdate(ctx, found.ID)
		if err != nil {
			return err
		}
		before := c.Calls
		at := tx.Now
		c.Calls = append(c.Calls, cart.Call{
			ID: callID, CartID: c.ID, Shop: loom, Attempt: 1, State: cart.Closed, Outcome: cart.Completed, Provider: "mirai", Phone: c.Phone,
			Offer: offer, CreatedAt: at, SentAt: &at, AnsweredAt: &at, ClosedAt: &at, DurationSeconds: &seconds, TokenHash: []byte("h"),
			Summary: "Meerakshi wants it sent to Tamarind Passage", RecordingURL: "https://rec.example/9876512345",
			Transcript:    "customer: Meerakshi speaking, Tamarind Passage",
			AbandonReason: "vaidyanathan",
			Analysis: &cart.Analysis{Sentiment: "Meerakshi was glad", Findings: []cart.Finding{
				{Name: "who", Value: `"Vaidyanathan of Tamarind Passage"`},
			}},
			RequiredActions: []string{"ring Vaidyanathan back"}, Error: "number +919876512345 was odd",
		})
		if err := tx.SaveCart(ctx, c, "as", before); err != nil {
			return err
		}
		_, err = tx.Suppress(ctx, loom, cart.PersonWith("", []string{meera.Email}, []string{"+919876512345"}), "api")
		return err
	}))
	require.NoError(h.t, h.db.KeepDiscount(ctx, postgres.Discount{CartID: found.ID, Attempt: 1, Shop: loom, Code: offer.Code, GID: "gid://1", EndsAt: h.clock.Now()}))
	body := []byte(`{"type":"call.end","customer":"Meerakshi","phone":"+919876512345"}`)
	require.NoError(h.t, h.db.KeepCallback(ctx, "mirai", &callID, "call.end", body, ""))
	require.NoError(h.t, h.db.KeepCallback(ctx, "mirai", nil, "call.end", body, "it names no call of ours"))
	_, err = h.pool.Exec(ctx, `
		INSERT INTO river_job (kind, args, max_attempts, state, finalized_at, errors)
		VALUES ('update_call', '{}', 3, 'cancelled', now(), ARRAY['{"error": "422: +919876512345 of Meerakshi is no number"}'::jsonb])`)
	require.NoError(h.t, err)
	_, err = h.shop.Buy(token)
	require.NoError(h.t, err)
	// Escaped as Shopify escapes it, and known by the phone alone.
	var other cart.Checkout
	other.Email, other.Phones = meera.Email, []cart.RawPhone{{From: "phone", Number: "+919876512345"}}
	h.shop.BuyElsewhere(other)
	h.shop.NewCheckout(func(c *cart.Checkout) {
		c.Phones, c.AcceptsSMS, c.SMSPhone = []cart.RawPhone{{From: "phone", Number: "+919876512345"}}, &yes, "+919876512345"
		c.Shipping = &cart.Address{Name: "Meerakshi V.", CountryCode: "IN", Phone: "+919876512345"}
	})
	h.after(time.Minute)
	return found.ID
}

func TestAfterARedactionNothingOfThePersonIsLeft(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]struct {
		customer cart.Customer
		phone    string
	}{
		"by all names":      {meera, "98765 12345"},
		"by an email alone": {cart.Customer{Email: strings.ToUpper(meera.Email)}, ""},
		"by the id alone":   {cart.Customer{ID: meera.ID}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{})
			h.subscribe()
			id := h.lives()
			h.shop.NewCheckout(shopper(8))
			h.shop.SendDataRequest(meera, "")
			h.after(time.Minute)
			for _, trace := range []string{"calls: Meerakshi", "webhooks: Tamarind", "callbacks: Meerakshi", "river_job: Meerakshi", "suppressions: meera.v@example.org", "carts: Tamarind", "discounts: Vaidyanathan"} {
				require.Contains(t, h.tracesOf(traces), trace, "the search must be able to find it")
			}

			h.shop.SendRedact(by.customer, by.phone)
			h.after(time.Minute)
			h.work()
			assert.Empty(t, h.tracesOf(traces))

			c, err := h.db.Cart(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, cart.Purchased, c.State, "what it came to stays")
			assert.Equal(t, "900", c.Order.Total.String())
			ledger, err := h.db.Ledger(t.Context(), id)
			require.NoError(t, err)
			assert.NotEmpty(t, ledger)
			var suppressed int
			require.NoError(t, h.pool.QueryRow(t.Context(), `SELECT count(*) FROM suppressions WHERE value IS NULL`).Scan(&suppressed))
			assert.Equal(t, 2, suppressed, "they are still not called")
			assert.Contains(t, h.tracesOf([]string{"asha8@example.org"}), "carts: asha8@example.org", "others stay")

			requests, err := h.db.PrivacyRequests(t.Context(), 10)
			require.NoError(t, err)
			require.Len(t, requests, 2)
			for _, r := range requests {
				assert.NotNil(t, r.DoneAt, r.Kind)
			}
		})
	}
}

func TestALateWebhookBringsNobodyBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.subscribe()
	h.lives()
	late := h.sim.Sent()[0]
	h.shop.SendRedact(meera, "98765 12345")
	h.after(time.Minute)
	h.work()
	require.Empty(t, h.tracesOf(traces))
	late.WebhookID = "delivered-late"
	_, err := h.take(t.Context(), late.Delivery, late.Body)
	require.NoError(t, err)
	assert.Empty(t, h.tracesOf(traces))
}

func TestAShopsRedactionReachesAShopThatLeftTheConfiguration(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.install()
	h.subscribe()
	h.lives()
	h.shop.Uninstall()
	h.after(48 * time.Hour)
	h.engine = h.without(loom)
	h.shop.SendShopRedact()
	h.after(time.Minute)
	h.work()
	assert.Empty(t, h.tracesOf(traces))
	requests, err := h.db.PrivacyRequests(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, requests, 1)
	assert.NotNil(t, requests[0].DoneAt)
	assert.Equal(t, 2, requests[0].Carts)
}

func TestARequestOfAnotherShopIsNotBelieved(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	taken, err := h.take(t.Context(), shopify.Delivery{Topic: shopify.ShopRedact, Shop: loom, WebhookID: "1"},
		[]byte(`{"shop_id": 1, "shop_domain": "other.myshopify.com"}`))
	require.NoError(t, err)
	assert.Equal(t, engine.TakenUnread, taken)
	requests, err := h.db.PrivacyRequests(t.Context(), 10)
	require.NoError(t, err)
	assert.Empty(t, requests)
}

func TestADataRequestIsExportedAndForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.subscribe()
	id := h.lives()
	h.shop.SendDataRequest(meera, "")
	h.after(time.Minute)
	requests, err := h.db.PrivacyRequests(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, requests, 1)
	request := requests[0]
	assert.Nil(t, request.DoneAt)
	assert.Equal(t, 30*24*time.Hour, request.DueAt.Sub(request.RequestedAt))
	assert.Equal(t, 1, h.metric("ringback_privacy_requests_open", postgres.PrivacyDataRequest, "false"))

	export, err := h.engine.Export(t.Context(), request.ID)
	require.NoError(t, err)
	require.NotEmpty(t, export.Carts)
	assert.Equal(t, id, export.Carts[0].ID)
	assert.Equal(t, "Tamarind", strings.Fields(export.Carts[0].Checkout.Shipping.Address1)[1])
	assert.Len(t, export.Carts[0].Calls, 1)
	assert.NotEmpty(t, export.Carts[0].Ledger)
	assert.Len(t, export.Discounts, 1)
	assert.NotEmpty(t, export.Suppressions)
	assert.NotNil(t, export.Request.DoneAt)
	assert.Zero(t, h.metric("ringback_privacy_requests_open", postgres.PrivacyDataRequest, "false"))

	_, err = h.engine.Export(t.Context(), request.ID)
	require.NoError(t, err, "it can be made again")
	_, err = h.engine.ClosePrivacyRequest(t.Context(), request.ID)
	require.NoError(t, err)
	_, err = h.engine.Export(t.Context(), request.ID)
	require.ErrorIs(t, err, engine.ErrNotExportable)
}

func TestARequestPastItsDeadlineShows(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{})
	h.shop.SendDataRequest(meera, "")
	h.after(time.Minute)
	h.clock.Advance(31 * 24 * time.Hour)
	assert.Equal(t, 1, h.metric("ringback_privacy_requests_open", postgres.PrivacyDataRequest, "true"))
}
