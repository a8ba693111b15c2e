package shopify

import "encoding/json"

// keptWhole is how large a payload may be that is kept as it came, in bytes.
const keptWhole = 64 << 10

// bulky are the parts of an order, and bulkyRefund those of a refund, that nothing here reads and that grow with the
// number of its lines.
var (
	bulky       = []string{"line_items", "fulfillments", "shipping_lines", "returns", "tax_lines"}
	bulkyRefund = []string{"refund_line_items", "order_adjustments", "refund_shipping_lines", "duties"}
)

// Kept is what is stored of a webhook's payload: all of it, but for a large order or refund the parts that nothing
// reads. An order of 500 lines comes as one to three megabytes.
func Kept(topic string, body []byte) []byte {
	if len(body) <= keptWhole {
		return body
	}
	var fields map[string]json.RawMessage
	switch topic {
	case OrdersCreate, OrdersPaid, OrdersUpdated, OrdersCancelled:
		if json.Unmarshal(body, &fields) != nil {
			return body
		}
		without(fields, bulky)
		var refunds []map[string]json.RawMessage
		if json.Unmarshal(fields["refunds"], &refunds) == nil {
			for _, r := range refunds {
				without(r, bulkyRefund)
			}
			// What was just decoded can be encoded.
			fields["refunds"], _ = json.Marshal(refunds)
		}
	case RefundsCreate:
		if json.Unmarshal(body, &fields) != nil {
			return body
		}
		without(fields, bulkyRefund)
	default:
		return body
	}
	kept, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return kept
}

func without(fields map[string]json.RawMessage, names []string) {
	for _, name := range names {
		delete(fields, name)
	}
}
