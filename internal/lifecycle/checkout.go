package lifecycle

import (
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
)

// checkoutSeen takes in a version of the checkout. An older version, or the same one again, changes nothing, but for a
// completion: wherever it is told, the customer has bought.
func (a *change) checkoutSeen(e cart.CheckoutSeen) {
	isNew := a.cart.State == ""
	if a.cart.ErasedAt != nil {
		return
	}
	known := a.cart.Checkout
	// What was kept is no newer than the last change of the cart, whatever date it bears.
	known.UpdatedAt = cart.Earlier(known.UpdatedAt, a.cart.UpdatedAt)
	if !isNew && !e.Checkout.Newer(known) {
		if e.Checkout.CompletedAt != nil {
			a.completed(*e.Checkout.CompletedAt)
		}
		return
	}
	hadPhone := a.cart.Phone
	a.takeIn(e.Checkout, isNew)
	if e.Via == cart.ViaReconcile {
		a.note("reconcile", "learned by asking Shopify: no webhook had told of it", cart.VerdictOK)
	}
	if e.Checkout.CompletedAt != nil {
		a.completed(*e.Checkout.CompletedAt)
		return
	}
	if e.Checkout.ClosedAt != nil && !a.cart.State.Settled() {
		a.note("state", "the merchant archived the checkout", cart.VerdictStop)
		a.stop(cart.Deleted)
		return
	}
	switch a.cart.State {
	case cart.Purchased, cart.Stopped:
		// Kept for matching and measuring; no late update revives a cart.
		return
	case cart.Calling:
		if !a.withdrawn() {
			a.tellProvider()
		}
		return
	case cart.Watching, cart.Waiting, cart.Ready:
	}
	a.decide()
	if isNew {
		a.noted = true
	}
	if a.cart.Phone != "" && !a.cart.State.Settled() && !idle(&a.cart) && (a.cart.Phone != hadPhone || idle(&a.was)) {
		a.then(SupersedeOlder{})
	}
}

// idle reports whether nobody shops with the cart: it is empty, or a test. Such a cart takes no other one's place.
func idle(c *cart.Cart) bool {
	return c.State == cart.Watching && (c.Reason == cart.EmptyCart || c.Reason == cart.Test)
}

// takeIn copies the checkout into the cart. Ids that an older payload told and a newer one leaves out are kept.
func (a *change) takeIn(c cart.Checkout, isNew bool) {
	old := a.cart.Checkout
	if c.ID == "" {
		c.ID = old.ID
	}
	if c.CartToken == "" {
		c.CartToken = old.CartToken
	}
	if c.Customer.ID == "" {
		c.Customer.ID = old.Customer.ID
	}
	a.cart.Checkout = c
	a.cart.Updates++
	if isNew {
		a.cart.CreatedAt = a.now
	}
	activity := c.UpdatedAt
	if activity.IsZero() || activity.After(a.now) {
		// A clock ahead of ours must not postpone the call beyond the delay.
		activity = a.now
	}
	if activity.After(a.cart.LastActivityAt) {
		a.cart.LastActivityAt = activity.UTC()
	}
	a.readPhone()
}

// phone is the number to call of a checkout.
func (r *Rules) phone(c cart.Checkout) policy.Phone {
	if r.ReadPhone != nil {
		return r.ReadPhone(c)
	}
	return policy.ReadPhone(c, r.Policy, r.Country)
}

// readPhone picks the number to call. A cart that already has a call keeps the number its customer was called at.
func (a *change) readPhone() {
	if a.cart.Attempts > 0 && a.cart.Phone != "" {
		return
	}
	p := a.rules.phone(a.cart.Checkout)
	a.cart.Phone, a.cart.PhoneFrom, a.cart.Country = p.Number, p.From, p.Country
}

// tellProvider passes a changed cart on while its call is still queued.
func (a *change) tellProvider() {
	call := a.cart.OpenCall()
	if call != nil && call.State == cart.Placed && a.rules.Voice.CanUpdate {
		a.then(Update{CallID: call.ID})
	}
}

// completed marks a checkout that says itself that it was completed; the order follows with the details.
func (a *change) completed(at time.Time) {
	if a.cart.State == cart.Purchased {
		return
	}
	a.note("order", "the checkout says it was completed", cart.VerdictStop)
	a.purchase(at, nil)
}

func (a *change) consentChanged(e cart.ConsentChanged) {
	if a.cart.State == "" || a.cart.ErasedAt != nil {
		return
	}
	c := &a.cart.Checkout
	if e.Marketing != nil {
		c.AcceptsMarketing = e.Marketing
	}
	if e.SMS != nil {
		c.AcceptsSMS = e.SMS
	}
	if e.SMSPhone != "" {
		c.SMSPhone = e.SMSPhone
	}
	switch a.cart.State {
	case cart.Watching, cart.Waiting, cart.Ready:
		a.noted = true
		a.readPhone()
		a.decide()
	case cart.Calling:
		a.withdrawn()
	case cart.Purchased, cart.Stopped:
	}
}

// withdrawn calls the call under way off when its customer has taken back the consent that it was placed with or has emptied the cart,
// or when the checkout turns out to be a test. It reports whether that was so.
func (a *change) withdrawn() bool {
	call := a.cart.OpenCall()
	if call == nil || call.Answered() {
		return false
	}
	f := a.facts
	f.Cart, f.Queried = &a.cart, nil
	d := policy.Decide(a.rules.Policy, f, a.now)
	switch {
	case d.Action != cart.ActWatch:
		return false
	case d.Reason == cart.NoConsent:
		a.note("consent", "withdrawn while a call was on its way", cart.VerdictStop)
	case d.Reason == cart.EmptyCart:
		a.note("items", "the cart was emptied while a call was on its way", cart.VerdictStop)
	case d.Reason == cart.Test:
		a.note("eligibility.test", "the checkout turned out to be a test while a call was on its way", cart.VerdictStop)
	default:
		return false
	}
	a.abortOpenCall(d.Reason)
	if a.cart.OpenCall() == nil {
		a.follow(d)
	}
	return true
}

func (a *change) newerCart() {
	if idle(&a.cart) {
		// Should somebody shop with it again, it is the newer one.
		return
	}
	switch a.cart.State {
	case cart.Watching, cart.Waiting, cart.Ready:
		a.note("one_cart_per_phone", "the same customer is active on a newer cart", cart.VerdictStop)
		a.stop(cart.Superseded)
	case cart.Calling, cart.Purchased, cart.Stopped:
	}
}

// woken is the cart's pending look.
func (a *change) woken() {
	if a.cart.State != cart.Waiting || a.cart.WakeAt == nil || a.cart.WakeAt.After(a.now) {
		return
	}
	before := a.cart.Reason
	a.decide()
	// A cart that waits for one of these is checked every few minutes. The ledger gets one entry, not one for each check.
	recurring := a.cart.Reason == cart.Paused || a.cart.Reason == cart.Breaker || a.cart.Reason == cart.OtherCall
	a.noted = !recurring || a.cart.Reason != before
}
