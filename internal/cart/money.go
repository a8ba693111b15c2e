package cart

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Amount is money in a currency (ISO 4217).
type Amount struct {
	Value    decimal.Decimal `json:"value"`
	Currency string          `json:"currency,omitempty"`
}

// Refund is money that was given back for an order. A refund that only puts goods back into stock has no amount.
type Refund struct {
	// ID is Shopify's numeric id of the refund.
	ID string `json:"id"`
	Amount
}

// Money says what became of an order's total: Gross = Refunded + Cancelled + Net, all in the order's currency.
type Money struct {
	// Gross is the total that was ordered.
	Gross decimal.Decimal
	// Refunded is what was given back, or taken off the order later. It is zero for a cancelled order.
	Refunded decimal.Decimal
	// Cancelled is the total of a cancelled order, refunds included.
	Cancelled decimal.Decimal
	// Net is what stayed.
	Net decimal.Decimal
}

// Money returns what became of the order's total, as far as it is known.
func (o *Order) Money() Money {
	m := Money{Gross: o.Total, Refunded: o.Refunded, Cancelled: o.Cancelled}
	m.Net = m.Gross.Sub(m.Refunded).Sub(m.Cancelled)
	return m
}

// Settle computes Refunded and Cancelled from what is known of the order. Never more than the total is lost.
func (o *Order) Settle() {
	o.Refunded, o.Cancelled = decimal.Zero, decimal.Zero
	if !o.Total.IsPositive() {
		return
	}
	if o.CancelledAt != nil {
		o.Cancelled = o.Total
		return
	}
	refunded := decimal.Zero
	for _, r := range o.Refunds {
		refunded = refunded.Add(o.inOwnCurrency(r.Amount))
	}
	if o.RefundedTotal != nil {
		refunded = decimal.Max(refunded, *o.RefundedTotal)
	}
	if o.CurrentTotal != nil {
		// Goods that were returned unpaid, or removed from the order, are refunds without a payment.
		refunded = decimal.Max(refunded, o.Total.Sub(*o.CurrentTotal))
	}
	o.Refunded = decimal.Min(decimal.Max(refunded, decimal.Zero), o.Total)
}

// inOwnCurrency converts an amount in the customer's currency at the rate of the order's own totals. An amount in a
// third currency counts as nothing: the order's next version tells what it comes to.
func (o *Order) inOwnCurrency(a Amount) decimal.Decimal {
	if a.Currency == "" || o.Currency == "" || strings.EqualFold(a.Currency, o.Currency) {
		return a.Value
	}
	if p := o.Presented; p != nil && strings.EqualFold(a.Currency, p.Currency) && p.Value.IsPositive() {
		const cents = 2
		return a.Value.Mul(o.Total).DivRound(p.Value, cents)
	}
	return decimal.Zero
}

// AddRefunds adds refunds, each once by its id. Of one that is told twice the larger amount counts: at first a refund
// may tell of payments that are still pending.
func (o *Order) AddRefunds(refunds ...Refund) {
	for _, r := range refunds {
		i := slices.IndexFunc(o.Refunds, func(known Refund) bool { return known.ID == r.ID })
		switch {
		case i < 0:
			o.Refunds = append(slices.Clip(o.Refunds), r)
		case r.Value.GreaterThan(o.Refunds[i].Value):
			o.Refunds = slices.Clone(o.Refunds)
			o.Refunds[i] = r
		}
	}
}
