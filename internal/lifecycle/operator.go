package lifecycle

import "ringback/internal/cart"

// optOut stops this cart and puts the person on the do-not-call list.
func (a *change) optOut(source string) {
	if a.cart.State == "" {
		return
	}
	a.emit(Suppress{Source: source})
	a.note("opt_out", "asked not to be called: "+source, cart.VerdictStop)
	a.stopUnlessSettled(cart.OptedOut)
}

// shopPaused withdraws calls that were not sent yet. Waiting carts are checked at their wake.
func (a *change) shopPaused(e cart.ShopPaused) {
	reason := cart.Paused
	if e.Breaker {
		reason = cart.Breaker
	}
	switch a.cart.State {
	case cart.Ready:
		a.noted = true
		a.decide()
	case cart.Calling:
		a.abortOpenCall(reason)
		if a.cart.OpenCall() == nil {
			a.noted = true
			a.decide()
		}
	case cart.Watching, cart.Waiting, cart.Purchased, cart.Stopped:
	}
}

// shopResumed checks a cart at once that waited for the end of a pause.
func (a *change) shopResumed() {
	if a.cart.State == cart.Waiting && (a.cart.Reason == cart.Paused || a.cart.Reason == cart.Breaker) {
		a.noted = true
		a.decide()
	}
}

// operatorCalled asks for a call as soon as the rules that protect the customer allow it.
func (a *change) operatorCalled() {
	switch a.cart.State {
	case cart.Watching, cart.Waiting, cart.Ready:
		a.cart.Forced = true
		a.noted = true
		a.decide()
	case cart.Calling, cart.Purchased, cart.Stopped:
	}
}

// erased marks the cart as erased. From then on forget removes its personal data after each event.
func (a *change) erased() {
	if a.cart.ErasedAt != nil || a.cart.State == "" {
		return
	}
	if !a.cart.State.Settled() {
		a.stop(cart.Redacted)
	}
	at := a.now
	a.cart.ErasedAt = &at
	a.noted = true
}

// forget removes personal data from an erased cart. Ids, totals, times and outcomes stay. It runs after every event, so
// that a late event does not bring personal data back.
func (a *change) forget() {
	c := &a.cart.Checkout
	a.cart.Checkout = cart.Checkout{
		Token:     c.Token,
		ID:        c.ID,
		Currency:  c.Currency,
		Total:     c.Total,
		Subtotal:  c.Subtotal,
		Discounts: c.Discounts,
		CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt,
	}
	a.cart.Phone, a.cart.PhoneFrom = "", ""
	if a.cart.Order != nil {
		order := *a.cart.Order
		order.Email, order.Emails, order.Phones, order.CustomerID, order.Codes = "", nil, nil, "", nil
		a.cart.Order = &order
	}
	for i := range a.cart.Calls {
		call := &a.cart.Calls[i]
		call.Phone, call.Summary, call.RecordingURL, call.Error = "", "", "", ""
		call.Analysis, call.Transcript, call.AbandonReason = nil, "", impersonal(call.AbandonReason)
		if len(call.RequiredActions) > 0 {
			call.RequiredActions = nil
		}
		if call.Offer != nil && call.Offer.Unique && call.Offer.Code != "" {
			offer := *call.Offer
			offer.Code = ""
			call.Offer = &offer
		}
	}
}
