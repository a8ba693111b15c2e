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
	if a.cart.Order != nil && !e.Order.UpdatedAt.After(cart.Earlier(a.cart.Order.UpdatedAt, a.cart.UpdatedAt)) {
		return
	}
	order := e.Order
	if a.cart.ErasedAt != nil {
		order.Email, order.Phones = "", nil
	}
	if a.cart.Order == nil {
		a.note("order", "bought: "+e.Basis(), cart.VerdictStop)
	}
	a.purchase(order.CreatedAt, &order)
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
		// Nobody knows a single-use code before its call. Shopify rounds to whole seconds, so the order may seem earlier.
		before := call.SentAt.After(bought)
		if a.redeems(call.Offer) && (call.Offer.Unique || !before) {
			return cart.ByOffer
		}
		if before {
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
