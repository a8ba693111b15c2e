package engine_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/shopify"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// orderOf is an order of 1,000 INR for a checkout, with changes.
func (h *house) orderOf(token string, changes map[string]any) map[string]any {
	now := h.clock.Now().Format(time.RFC3339Nano)
	p := map[string]any{
		"id": 5001, "name": "#1001", "checkout_token": token, "currency": "INR", "total_price": "1000.00",
		"current_total_price": "1000.00", "payment_gateway_names": []string{"Cash on Delivery (COD)"},
		"created_at": now, "updated_at": now,
	}
	for name, value := range changes {
		p[name] = value
	}
	return p
}

func refundOf(id int, amount string) map[string]any {
	r := map[string]any{"id": id, "order_id": 5001, "transactions": []any{}}
	if amount != "" {
		r["transactions"] = []any{map[string]any{"kind": "refund", "status": "success", "amount": amount, "currency": "INR"}}
	}
	return r
}

// stayed is gross, refunded, cancelled and net of everything that was bought, by the statistics.
func (h *house) stayed() []string {
	h.t.Helper()
	now := h.clock.Now()
	stats, err := h.db.Stats(h.t.Context(), loom, now.AddDate(0, 0, -100), now.Add(time.Hour))
	require.NoError(h.t, err)
	require.Len(h.t, stats.Purchases, 1)
	p := stats.Purchases[0]
	require.Equal(h.t, p.Sum, p.CashOnDelivery, "all of it is paid at the door")
	return []string{p.Gross.String(), p.Refunded.String(), p.Cancelled.String(), p.Net().String()}
}

func TestRefund_IsTakenOffWhatWasWonBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.takes(shopify.CheckoutsCreate, h.checkoutPayload("kept", nil))
	h.takes(shopify.OrdersCreate, h.orderOf("kept", nil))
	require.Equal(t, []string{"1000", "0", "0", "1000"}, h.stayed())
	h.takes(shopify.RefundsCreate, refundOf(1, "400.00"))
	require.Equal(t, []string{"1000", "400", "0", "600"}, h.stayed())
	h.takes(shopify.RefundsCreate, refundOf(1, "400.00"))
	h.takes(shopify.RefundsCreate, refundOf(2, ""))
	h.takesTest(shopify.RefundsCreate, refundOf(3, "1.00"))
	require.Equal(t, []string{"1000", "400", "0", "600"}, h.stayed(), "told again, restocked and a sample")
	_, err := h.db.FoldSums(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"1000", "400", "0", "600"}, h.stayed(), "as folded")

	// The order itself is forgotten after a month; its refund may still come.
	h.clock.Advance(60 * 24 * time.Hour)
	require.NoError(t, h.db.DropOrders(t.Context(), h.clock.Now()))
	assert.Zero(t, h.count(`SELECT count(*) FROM refunds`))
	h.takes(shopify.RefundsCreate, refundOf(4, "100.00"))
	assert.Equal(t, []string{"1000", "500", "0", "500"}, h.stayed())
	h.takes(shopify.OrdersCancelled, h.orderOf("kept", map[string]any{
		"created_at": "2026-10-05T09:00:00Z", "cancelled_at": h.clock.Now().Format(time.RFC3339),
		"current_total_price": "0.00",
	}))
	assert.Equal(t, []string{"1000", "0", "1000", "0"}, h.stayed())
	assert.Equal(t, cart.Purchased, h.cartOf("kept").State, "a cancelled order revives no cart")
}

func TestRefund_BeforeItsOrderAndItsCheckout(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{
		"refund, order, checkout":               {"refund", "order", "checkout"},
		"refund, checkout, order":               {"refund", "checkout", "order"},
		"order, refund, checkout":               {"order", "refund", "checkout"},
		"order, cancellation, refund, checkout": {"order", "cancelled", "refund", "checkout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, plan{store: permissive})
			want := []string{"1000", "400", "0", "600"}
			for _, what := range order {
				switch what {
				case "refund":
					h.takes(shopify.RefundsCreate, refundOf(1, "400.00"))
				case "order":
					h.takes(shopify.OrdersCreate, h.orderOf("late", nil))
				case "cancelled":
					// Within the same second.
					h.takes(shopify.OrdersCancelled, h.orderOf("late", map[string]any{
						"cancelled_at": h.clock.Now().Format(time.RFC3339Nano),
					}))
					want = []string{"1000", "0", "1000", "0"}
				case "checkout":
					h.takes(shopify.CheckoutsCreate, h.checkoutPayload("late", map[string]any{
						"created_at": h.clock.Now().Add(-time.Hour).Format(time.RFC3339Nano),
					}))
				}
			}
			assert.Equal(t, want, h.stayed())
		})
	}
}

// A later version of an order concerns the cart that it counts for, although the two are matched by the person alone.
func TestOrderUpdated_CountsForItsCartAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	person := map[string]any{"email": "one@example.com", "phone": "+919810000777"}
	h.takes(shopify.CheckoutsCreate, h.checkoutPayload("older", person))
	h.clock.Advance(time.Minute)
	h.takes(shopify.CheckoutsCreate, h.checkoutPayload("newer", person))
	h.clock.Advance(time.Minute)
	began := h.clock.Now().Format(time.RFC3339Nano)
	elsewhere := func(changes map[string]any) map[string]any {
		o := h.orderOf("elsewhere", map[string]any{"email": "one@example.com", "created_at": began})
		for name, value := range changes {
			o[name] = value
		}
		return o
	}
	h.takes(shopify.OrdersCreate, elsewhere(nil))
	require.Equal(t, cart.Purchased, h.cartOf("newer").State)
	for range 3 {
		h.clock.Advance(time.Minute)
		h.takes(shopify.OrdersUpdated, elsewhere(map[string]any{"current_total_price": "750.00"}))
	}
	assert.Equal(t, cart.Stopped, h.cartOf("older").State)
	assert.Equal(t, []string{"1000", "250", "0", "750"}, h.stayed())
}

func TestReconcile_FindsCancellationsAndRefundsThatNoWebhookTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: permissive})
	h.install()
	refunded, cancelled := h.shop.NewCheckout(shopper(1)), h.shop.NewCheckout(shopper(2))
	h.shop.PaysAtTheDoor(refunded)
	h.shop.PaysAtTheDoor(cancelled)
	h.clock.Advance(time.Minute)
	one, err := h.shop.Buy(refunded)
	require.NoError(t, err)
	two, err := h.shop.Buy(cancelled)
	require.NoError(t, err)
	h.reconcile()
	total := one.Total.Add(two.Total)
	require.Equal(t, []string{total.String(), "0", "0", total.String()}, h.stayed())
	h.clock.Advance(time.Minute)
	h.shop.Refund(one.ID, decimal.NewFromInt(100))
	h.shop.Cancel(two.ID)
	h.reconcile()
	assert.Equal(t, []string{
		total.String(), "100", two.Total.String(), one.Total.Sub(decimal.NewFromInt(100)).String(),
	}, h.stayed())
}
