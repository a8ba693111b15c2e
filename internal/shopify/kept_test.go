package shopify

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKept_LeavesOutTheLinesOfLargeOrdersAlone(t *testing.T) {
	t.Parallel()
	line := map[string]any{"title": "Beads", "quantity": 1, "price": "2.00", "note": strings.Repeat("x", 2300)}
	lines := make([]any, 500)
	for i := range lines {
		lines[i] = line
	}
	order := map[string]any{
		"id": 820982911946154508, "name": "#2001", "checkout_token": "big", "email": "buyer@example.com", "total_price": "1000.00", "currency": "EUR",
		"created_at": "2026-11-26T10:00:00Z", "updated_at": "2026-11-26T10:00:00Z", "line_items": lines, "fulfillments": []any{line},
	}
	body, err := json.Marshal(order)
	require.NoError(t, err)
	require.Greater(t, len(body), 1<<20)

	kept := Kept(OrdersCreate, body)
	assert.Less(t, len(kept), 1<<10)
	whole, err := DecodeOrder(body, Delivery{})
	require.NoError(t, err)
	again, err := DecodeOrder(kept, Delivery{})
	require.NoError(t, err)
	assert.Equal(t, whole, again, "what is kept says the same of the order")
	assert.Contains(t, string(kept), "820982911946154508", "ids keep their digits")

	assert.Equal(t, body, Kept(CheckoutsUpdate, body), "a cart's lines are needed")
	delete(order, "line_items")
	small, err := json.Marshal(order)
	require.NoError(t, err)
	assert.Equal(t, small, Kept(OrdersCreate, small))
	broken := bytes.Repeat([]byte("{"), keptWhole+1)
	assert.Equal(t, broken, Kept(OrdersCreate, broken), "what cannot be read is kept as it came")
}
