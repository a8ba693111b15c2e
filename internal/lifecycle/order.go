package lifecycle

import (
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
)

// orderSeen marks the cart as purchased, or stops it when its customer bought with another cart.
func (a *change) orderSeen(e cart.OrderSeen) {
	if a.cart.State == "" {
		return
	}
	if e.Other {
		if !a.cart.State.Settled() {
			a.note("order", "bought with another cart: "+e.Basis(), cart.VerdictStop)
			a.stop(cart.Superseded)
		}
		return
	}
	if a.cart.Order != nil && a.cart.Order.ID != e.Order.ID {
		// The first order is the cart's. A later one is a new purchase.
		return
	}
	if a.cart.Order != nil {
		a.orderChanged(e.Order)
		return
	}
	order := e.Order
	order.Settle()
	a.note("order", "bought: "+e.Basis(), cart.VerdictStop)
	a.noteMoney(&cart.Order{}, &order)
	a.purchase(order.CreatedAt, &order)
}

// orderChanged takes in another version of the cart's order. A cancellation and refunds stay, whichever version comes
// last. What the purchase is credited to does not change.
func (a *change) orderChanged(version cart.Order) {
	known := a.cart.Order
	order := version
	if !version.UpdatedAt.After(cart.Earlier(known.UpdatedAt, a.cart.UpdatedAt)) {
		order = *known
		order.AddRefunds(version.Refunds...)
		order.CancelledAt = firstSet(known.CancelledAt, version.CancelledAt)
	} else {
		order.Refunds = nil
		order.AddRefunds(known.Refunds...)
		order.AddRefunds(version.Refunds...)
		order.CancelledAt = firstSet(version.CancelledAt, known.CancelledAt)
		order.CurrentTotal = firstSet(version.CurrentTotal, known.CurrentTotal)
		order.RefundedTotal = firstSet(version.RefundedTotal, known.RefundedTotal)
		order.Presented = firstSet(version.Presented, known.Presented)
		order.CashOnDelivery = version.CashOnDelivery || known.CashOnDelivery
	}
	a.settleOrder(order)
}

// orderRefunded adds a refund to the cart's order.
func (a *change) orderRefunded(e cart.OrderRefunded) {
	if a.cart.Order == nil || a.cart.Order.ID != e.OrderID {
		return
	}
	order := *a.cart.Order
	order.AddRefunds(e.Refund)
	a.settleOrder(order)
}

// settleOrder replaces the cart's order by a newer version and says in the ledger how much of it stayed, when that
// changed.
func (a *change) settleOrder(order cart.Order) {
	order.Settle()
	a.noteMoney(a.cart.Order, &order)
	a.cart.Order = &order
}

// noteMoney notes what a version of an order has lost since the one before.
func (a *change) noteMoney(before, after *cart.Order) {
	total := after.Total.String() + " " + after.Currency
	if before.CancelledAt == nil && after.CancelledAt != nil {
		a.note("order", "cancelled: none of "+total+" stayed", cart.VerdictOK)
	} else if !before.Refunded.Equal(after.Refunded) {
		a.note("order", "refunded: "+after.Refunded.String()+" of "+total, cart.VerdictOK)
	}
}

func firstSet[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// purchase marks the cart as purchased, credits the purchase and aborts any call.
func (a *change) purchase(at time.Time, order *cart.Order) {
	first := a.cart.State != cart.Purchased
	if order != nil {
		a.cart.Order = order
	}
	if a.cart.PurchasedAt == nil || order != nil {
		utc := at.UTC()
		a.cart.PurchasedAt = &utc
	}
	a.cart.Attribution = a.attribute()
	a.cart.Forced = false
	a.set(cart.Purchased, cart.Ordered)
	if first {
		a.abortOpenCall(cart.Ordered)
	}
}

// attribute says what the purchase is credited to: an offer that the order redeemed, a call that was answered within
// the attribution window before it, or neither.
func (a *change) attribute() cart.Attribution {
	bought := *a.cart.PurchasedAt
	result := cart.Organic
	for i := range a.cart.Calls {
		call := &a.cart.Calls[i]
		if !call.Dialled() {
			continue
		}
		if a.redeemed(call, bought) {
			return cart.ByOffer
		}
		if call.SentAt.After(bought) {
			continue
		}
		if call.Answered() && !call.AnsweredAt.After(bought) && bought.Sub(*call.AnsweredAt) <= a.rules.Policy.Attribution {
			result = cart.ByCall
		}
	}
	return result
}

// redeems reports whether the cart's order used the offer's code.
func (a *change) redeems(offer *cart.Offer) bool {
	return a.cart.Order != nil && offer != nil && slices.ContainsFunc(a.cart.Order.Codes, func(code string) bool {
		return strings.EqualFold(code, offer.Code)
	})
}
