package shopify

import (
	"encoding/json"
	"slices"
)

// keptWhole is how large a payload may be that is kept as it came, in bytes.
const keptWhole = 64 << 10

// bulky are the parts of an order that nothing here reads, and that grow with the number of its lines.
var bulky = []string{"line_items", "fulfillments", "refunds", "shipping_lines", "returns", "tax_lines"}

// Kept is what is stored of a webhook's payload: all of it, but for a large order the parts that nothing reads. An
// order of 500 lines comes as one to three megabytes.
func Kept(topic string, body []byte) []byte {
	if len(body) <= keptWhole || !slices.Contains([]string{OrdersCreate, OrdersPaid, OrdersUpdated, OrdersCancelled}, topic) {
		return body
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	for _, name := range bulky {
		delete(fields, name)
	}
	kept, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return kept
}
