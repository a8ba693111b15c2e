package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// queued keeps webhooks about checkouts in one transaction without applying them.
func (h *house) queued(payloads ...map[string]any) {
	h.t.Helper()
	var webhooks []postgres.IncomingWebhook
	for _, p := range payloads {
		raw, err := json.Marshal(p)
		require.NoError(h.t, err)
		webhooks = append(webhooks, postgres.IncomingWebhook{
			Shop: loom, WebhookID: uuid.NewString(), Topic: shopify.CheckoutsUpdate, Checkout: p["token"].(string), Payload: raw,
			TriggeredAt: h.clock.Now(), APIVersion: "2026-10",
		})
	}
	fresh, err := h.db.KeepWebhooks(h.t.Context(), webhooks)
	require.NoError(h.t, err)
	for _, is := range fresh {
		require.True(h.t, is)
	}
}

// newQuietHouse is a house whose intake does not run by itself.
func newQuietHouse(t *testing.T) *house {
	t.Helper()
	return newHouse(t, plan{store: permissive, quiet: true})
}

func TestKeepWebhooks_KnowsDuplicates(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	one := postgres.IncomingWebhook{Shop: loom, WebhookID: "w1", Topic: shopify.CheckoutsCreate, Checkout: "a", Payload: []byte("{}")}
	two, three := one, one
	two.WebhookID, three.WebhookID = "w2", "w3"
	two.TriggeredAt = h.clock.Now()
	fresh, err := h.db.KeepWebhooks(t.Context(), []postgres.IncomingWebhook{one, two, one})
	require.NoError(t, err)
	assert.Equal(t, []bool{true, true, false}, fresh)
	h.clock.Advance(24 * time.Hour)
	fresh, err = h.db.KeepWebhooks(t.Context(), []postgres.IncomingWebhook{two, three})
	require.NoError(t, err)
	assert.Equal(t, []bool{false, true}, fresh, "a retry of the day before is known")
	other := one
	other.Shop = "velvet.myshopify.com"
	fresh, err = h.db.KeepWebhooks(t.Context(), []postgres.IncomingWebhook{other})
	require.NoError(t, err)
	assert.Equal(t, []bool{true}, fresh, "ids are of one shop")
	assert.Equal(t, 4, h.count(`SELECT count(*) FROM webhooks`))
}

// A customer may have bought by a webhook that is kept and not yet applied: nobody is called before it is.
func TestLines_NobodyIsCalledWhileAWebhookOfTheCartWaits(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	payload := h.checkoutPayload("rug", nil)
	h.queued(payload)
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	c := h.of("rug")
	require.Equal(t, cart.Waiting, c.State, c.Reason)
	h.clock.Advance(time.Hour)

	bought := h.checkoutPayload("rug", map[string]any{"completed_at": h.clock.Now().Format(time.RFC3339Nano)})
	h.queued(bought)
	err := h.engine.WakeCart(t.Context(), c.ID, *c.WakeJobID)
	var later *engine.LaterError
	require.ErrorAs(t, err, &later)
	assert.Equal(t, cart.Waiting, h.of("rug").State)

	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	assert.Equal(t, cart.Purchased, h.of("rug").State)
	assert.Zero(t, h.count(`SELECT count(*) FROM calls`))
}

func TestLines_ReadyCartIsPassedOverWhileAWebhookWaits(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.queued(h.checkoutPayload("rug", map[string]any{"total_price": "9000.00"}),
		h.checkoutPayload("mat", map[string]any{"phone": "+919810000342"}))
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	h.clock.Advance(time.Hour)
	for _, token := range []string{"rug", "mat"} {
		c := h.of(token)
		require.NoError(t, h.engine.WakeCart(t.Context(), c.ID, *c.WakeJobID))
		require.Equal(t, cart.Ready, h.of(token).State)
	}
	bought := map[string]any{"total_price": "9000.00", "completed_at": h.clock.Now().Format(time.RFC3339Nano)}
	h.queued(h.checkoutPayload("rug", bought))
	ctx, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { h.engine.GiveLines(ctx, false); return nil })
	t.Cleanup(func() { stop(); _ = group.Wait() })
	require.NoError(t, h.engine.FillLines(t.Context(), h.engine.Store(loom).Config.Voice.AssistantKey()))
	require.Eventually(t, func() bool { return h.of("mat").State == cart.Calling }, time.Minute, time.Millisecond)
	assert.Equal(t, cart.Ready, h.of("rug").State, "the more valuable cart is passed over")
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	assert.Equal(t, cart.Purchased, h.of("rug").State)
	assert.Equal(t, 1, h.count(`SELECT count(*) FROM calls`))
}

func TestApplyQueued_PoisonIsSetAsideAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	// Longer than an index of the database can hold, and not to be compressed.
	var long strings.Builder
	for range 400 {
		long.WriteString(uuid.NewString())
	}
	h.queued(
		h.checkoutPayload("before", nil), h.checkoutPayload(long.String(), nil),
		h.checkoutPayload("unread", map[string]any{"token": "unread", "currency": 7, "line_items": "x"}),
		h.checkoutPayload("after", nil),
	)
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	assert.Equal(t, cart.Waiting, h.of("before").State)
	assert.Equal(t, cart.Waiting, h.of("after").State)
	assert.Zero(t, h.count(`SELECT count(*) FROM intake_queue`))
	assert.Equal(t, 1, h.count(`SELECT count(*) FROM webhooks WHERE error LIKE 'the database cannot hold%'`))
}

// Of several versions that wait, the newest decides and the others count as seen; one that tells of a purchase counts,
// however old.
func TestApplyQueued_VersionsOfOneCheckout(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	at := func(minute int, changes map[string]any) map[string]any {
		p := h.checkoutPayload("rug", changes)
		p["created_at"] = h.clock.Now().Add(-time.Hour).Format(time.RFC3339Nano)
		p["updated_at"] = h.clock.Now().Add(time.Duration(minute-60) * time.Minute).Format(time.RFC3339Nano)
		return p
	}
	h.queued(at(3, map[string]any{"total_price": "3.00"}), at(1, map[string]any{"total_price": "1.00"}),
		at(5, map[string]any{"total_price": "5.00"}), at(4, map[string]any{"total_price": "4.00"}))
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	c := h.of("rug")
	assert.Equal(t, "5", c.Checkout.Total.String())
	assert.Equal(t, 4, c.Updates)
	assert.Equal(t, 1, h.count(`SELECT count(*) FROM ledger WHERE cart_id = $1`, c.ID))

	// An email that only an older version told is the person's all the same.
	h.queued(at(6, map[string]any{"email": "second@example.com"}), at(7, nil))
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	assert.Equal(t, []string{"rug"}, h.foundBy("second@example.com", ""))
	assert.Equal(t, "rug@example.com", h.of("rug").Checkout.Email)

	h.queued(at(8, map[string]any{"completed_at": h.clock.Now().Format(time.RFC3339Nano)}), at(9, nil))
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	assert.Equal(t, cart.Purchased, h.of("rug").State)
}

// What is applied together ends as what is applied one by one.
func TestApplyQueued_EndsAsOneByOne(t *testing.T) {
	t.Parallel()
	together, single := newQuietHouse(t), newQuietHouse(t)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		count := rapid.IntRange(1, 14).Draw(r, "webhooks")
		var all []map[string]any
		for n := range count {
			token := fmt.Sprintf("t%d-%d", run, rapid.IntRange(0, 4).Draw(r, "checkout"))
			person := rapid.IntRange(0, 3).Draw(r, "person")
			changes := map[string]any{
				"email": fmt.Sprintf("p%d-%d@example.com", run, person), "phone": fmt.Sprintf("+9198%04d%04d", run%10000, person),
				"updated_at":  together.clock.Now().Add(time.Duration(n-20) * time.Second).Format(time.RFC3339Nano),
				"created_at":  together.clock.Now().Add(-time.Hour).Format(time.RFC3339Nano),
				"total_price": fmt.Sprintf("%d.00", rapid.IntRange(0, 3).Draw(r, "total")*500+500),
			}
			if rapid.IntRange(0, 9).Draw(r, "bought") == 0 {
				changes["completed_at"] = together.clock.Now().Format(time.RFC3339Nano)
			}
			if rapid.IntRange(0, 5).Draw(r, "anonymous") == 0 {
				changes["email"], changes["phone"] = nil, nil
			}
			all = append(all, together.checkoutPayload(token, changes))
		}
		for _, p := range all {
			single.queued(p)
			if err := single.engine.ApplyQueued(context.Background()); err != nil {
				r.Fatal(err)
			}
		}
		for len(all) > 0 {
			size := rapid.IntRange(1, len(all)).Draw(r, "batch")
			together.queued(all[:size]...)
			all = all[size:]
			if rapid.Bool().Draw(r, "apply") || len(all) == 0 {
				if err := together.engine.ApplyQueued(context.Background()); err != nil {
					r.Fatal(err)
				}
			}
		}
		if a, b := single.outcome(run), together.outcome(run); !assert.ObjectsAreEqual(a, b) {
			r.Fatalf("one by one:\n%s\ntogether:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	})
}

// outcome says how the carts of a run ended, and what they are found by.
func (h *house) outcome(run int) []string {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `
		SELECT token, state, reason, total::text, phone, updates, (
			SELECT count(*) FROM person_keys WHERE cart_id = carts.id
		), checkout ->> 'email'
		FROM carts
		WHERE token LIKE $1
		ORDER BY token`, fmt.Sprintf("t%d-%%", run))
	require.NoError(h.t, err)
	var all []string
	for rows.Next() {
		values, err := rows.Values()
		require.NoError(h.t, err)
		all = append(all, fmt.Sprint(values...))
	}
	require.NoError(h.t, rows.Err())
	return all
}

func TestTakeWebhook_DeletionWaitsForItsCheckout(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.queued(h.checkoutPayload("rug", nil))
	var group errgroup.Group
	group.Go(func() error {
		body, err := json.Marshal(map[string]any{"id": idOf("rug"), "cart_token": "c-rug"})
		if err != nil {
			return err
		}
		d := shopify.Delivery{Topic: shopify.CheckoutsDelete, Shop: loom, WebhookID: "d1", TriggeredAt: h.clock.Now()}
		taken, err := h.engine.TakeWebhook(t.Context(), d, body)
		if err == nil && taken != engine.TakenNew {
			err = errors.New(string(taken))
		}
		return err
	})
	require.NoError(t, h.engine.ApplyQueued(t.Context()))
	require.NoError(t, group.Wait())
	assert.Equal(t, cart.Stopped, h.of("rug").State)
	assert.Equal(t, cart.Deleted, h.of("rug").Reason)
}

func TestErasure_DropsPayloadsThatNameNobodyButBelongToTheCart(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.runs()
	h.begins("rug", names{})
	h.clock.Advance(time.Minute)
	h.begins("rug", names{email: "nila@example.com"})
	require.Equal(t, 2, h.count(`SELECT count(*) FROM webhooks WHERE payload IS NOT NULL`))
	h.mustForget("nila@example.com")
	h.settles("redact")
	assert.Zero(t, h.count(`SELECT count(*) FROM webhooks WHERE payload IS NOT NULL AND topic = $1`, shopify.CheckoutsUpdate))
	h.begins("rug", names{email: "nila@example.com"})
	assert.Zero(t, h.count(`SELECT count(*) FROM webhooks WHERE payload IS NOT NULL AND topic = $1`, shopify.CheckoutsUpdate),
		"what comes about an erased cart is not kept")
}

// Orders, deletions, consents, operators and erasures work on the carts that the appliers work on: nothing is lost and
// nothing stands still.
func TestApplyQueued_BesideEverythingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.runs()
	const people = 40
	who := func(n int) names {
		return names{email: fmt.Sprintf("p%d@example.com", n), phone: fmt.Sprintf("+9198100%05d", n), customer: 1000 + n}
	}
	token := func(n, k int) string { return fmt.Sprintf("s%d-%d", n, k) }
	var group errgroup.Group
	group.SetLimit(24)
	for n := range people {
		for k := range 2 {
			for v := range 3 {
				group.Go(func() error {
					p := h.checkoutPayload(token(n, k), map[string]any{
						"email": who(n).email, "phone": who(n).phone, "customer": who(n).customerPayload(),
						"updated_at": h.clock.Now().Add(time.Duration(v) * time.Millisecond).Format(time.RFC3339Nano),
					})
					return h.sends(shopify.CheckoutsUpdate, p)
				})
			}
		}
		group.Go(func() error {
			switch n % 4 {
			case 0:
				return h.sends(shopify.OrdersCreate, map[string]any{
					"id": 9000 + n, "checkout_token": token(n, 0), "email": who(n).email, "currency": "INR", "total_price": "10.00",
					"created_at": h.clock.Now().Format(time.RFC3339Nano), "updated_at": h.clock.Now().Format(time.RFC3339Nano),
				})
			case 1:
				return h.sends(shopify.CheckoutsDelete, map[string]any{"id": idOf(token(n, 0)), "cart_token": "c-" + token(n, 0)})
			case 2:
				return h.sends(shopify.CustomersRedact, map[string]any{
					"shop_domain": loom, "customer": map[string]any{"email": who(n).email},
				})
			}
			_, err := h.engine.Suppress(h.t.Context(), "", who(n).phone, "", "dashboard")
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Eventually(t, func() bool { return h.count(`SELECT count(*) FROM intake_queue`) == 0 }, time.Minute, 10*time.Millisecond)
	h.settles("redact", "stop_person", "supersede")
	for n := range people {
		for k := range 2 {
			c, err := h.db.CartByToken(t.Context(), loom, token(n, k))
			if n%4 == 2 && errors.Is(err, postgres.ErrNotFound) {
				// Everything that was known of the person was erased before it was applied.
				continue
			}
			require.NoError(t, err)
			switch {
			case n%4 == 0 && k == 0:
				assert.Equal(t, cart.Purchased, c.State, c.Token)
			case n%4 == 3:
				// A version that was applied after the suppression is told by the policy, at the next check at the latest.
				assert.NotEqual(t, cart.Calling, c.State, c.Token)
			}
			if c.ErasedAt == nil {
				assert.NotZero(t, c.Updates, c.Token)
			}
		}
	}
	assert.NotContains(t, h.log.String(), "deadlock")
	assert.Zero(t, h.count(`SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
}

// sends gives the engine a webhook.
func (h *house) sends(topic string, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	d := shopify.Delivery{
		Topic: topic, Shop: loom, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: h.clock.Now(),
	}
	_, err = h.engine.TakeWebhook(h.t.Context(), d, body)
	return err
}
