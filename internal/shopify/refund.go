package shopify

import (
	"errors"
	"strings"

	"ringback/internal/cart"
)

// refundPayload holds the fields we use of a refund.
type refundPayload struct {
	ID           id                       `json:"id"`
	GID          id                       `json:"admin_graphql_api_id"`
	OrderID      id                       `json:"order_id"`
	Transactions list[transactionPayload] `json:"transactions"`
}

// transactionPayload is a payment. Its amount is in its own currency, which in an order of several currencies is the
// customer's (Shopify, "Transaction").
type transactionPayload struct {
	Kind     text  `json:"kind"`
	Status   text  `json:"status"`
	Amount   money `json:"amount"`
	Currency text  `json:"currency"`
}

// Refund is the content of a refunds/create webhook.
type Refund struct {
	// OrderID is Shopify's numeric id of the order.
	OrderID string
	cart.Refund
}

// DecodeRefund reads the payload of refunds/create. Its amount is what was paid back; it is zero where goods were only
// put back into stock. The errors are a body that is no JSON object, and a missing id or order_id.
func DecodeRefund(body []byte) (Refund, error) {
	var p refundPayload
	if err := decodeObject(body, &p); err != nil {
		return Refund{}, err
	}
	refund, ok := p.refund()
	if !ok {
		return Refund{}, errors.New("id: missing; without it a repeated refund cannot be told from another")
	}
	if p.OrderID == "" {
		return Refund{}, errors.New("order_id: missing; without it nobody knows what was refunded")
	}
	return Refund{OrderID: string(p.OrderID), Refund: refund}, nil
}

// refund adds up the payments; false for a refund without an id. A payment that failed gave nothing back. The payments
// of a refund have one currency; one in another is left out.
func (p refundPayload) refund() (cart.Refund, bool) {
	r := cart.Refund{ID: firstOf(string(p.ID), string(p.GID))}
	for _, t := range p.Transactions {
		paid := strings.EqualFold(string(t.Status), "success") || t.Status == ""
		if !strings.EqualFold(string(t.Kind), "refund") || !paid || !t.Amount.value.IsPositive() {
			continue
		}
		code := currency(t.Currency)
		if r.Value.IsZero() {
			r.Currency = code
		}
		if code == r.Currency {
			r.Value = r.Value.Add(t.Amount.value)
		}
	}
	return r, r.ID != ""
}
