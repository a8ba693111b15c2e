package lifecycle

import (
	"maps"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
)

// checkoutSeen stores a newer version of the checkout. An older or repeated version changes nothing, unless it says
// that the checkout was completed: that is true whichever version says it.
func (a *change) checkoutSeen(e cart.CheckoutSeen) {
	isNew := a.cart.State == ""
	if a.cart.ErasedAt != nil {
		return
	}
	known := a.cart.Checkout
	// A version may be dated ahead of our clock. It is no newer than the cart's last change.
	known.UpdatedAt = cart.Earlier(known.UpdatedAt, a.cart.UpdatedAt)
	if !isNew && !e.Checkout.Newer(known) {
		if e.Checkout.CompletedAt != nil {
			a.completed(*e.Checkout.CompletedAt)
		}
		return
	}
	hadPhone := a.cart.Phone
	a.storeCheckout(e.Checkout, isNew)
	a.cart.Updates += e.Skipped
	if e.Via == cart.ViaReconcile {
		a.note("reconcile", "found by asking Shopify: no webhook came", cart.VerdictOK)
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
		// The checkout is stored for matching and statistics. No update reopens the cart.
		return
	case cart.Calling:
		if !a.abortIfWithdrawn() {
			a.updateProvider()
		}
		return
	case cart.Watching, cart.Waiting, cart.Ready:
	}
	a.decide()
	if isNew {
		a.noted = true
	}
	if a.cart.Phone != "" && !a.cart.State.Settled() && !idle(&a.cart) && (a.cart.Phone != hadPhone || idle(&a.before)) {
		a.emit(SupersedeOlder{})
	}
}

// idle reports whether nobody shops with the cart: it is empty, or a test. Such a cart supersedes no other one.
func idle(c *cart.Cart) bool {
	return c.State == cart.Watching && (c.Reason == cart.EmptyCart || c.Reason == cart.Test)
}

// storeCheckout copies the checkout into the cart. It keeps ids that an older version had and the new one leaves out.
func (a *change) storeCheckout(c cart.Checkout, isNew bool) {
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
		// A clock that runs ahead of ours must not delay the call for longer.
		activity = a.now
	}
	if activity.After(a.cart.LastActivityAt) {
		a.cart.LastActivityAt = activity.UTC()
	}
	a.cart.Checkout.Consents = old.Consents
	a.readPhone()
	a.readConsents()
}

// phone returns the number to call of a checkout.
func (r *Rules) phone(c cart.Checkout) policy.Phone {
	if r.ReadPhone != nil {
		return r.ReadPhone(c)
	}
	return policy.ReadPhone(c, r.Policy, r.Country)
}

// readPhone picks the number to call. A cart that was called before keeps its number.
func (a *change) readPhone() {
	if a.cart.Attempts > 0 && a.cart.Phone != "" {
		return
	}
	p := a.rules.phone(a.cart.Checkout)
	a.cart.Phone, a.cart.PhoneFrom, a.cart.Country = p.Number, p.From, p.Country
}

// readConsents remembers which consents the checkout has, since when, and under which text.
func (a *change) readConsents() {
	if !a.rules.Unknown {
		a.cart.Checkout.Consents = policy.Consents(a.rules.Policy, &a.cart, a.now)
	}
}

// updateProvider tells the provider of a changed cart while its call is still queued there.
func (a *change) updateProvider() {
	call := a.cart.OpenCall()
	if call != nil && call.State == cart.Placed && a.rules.Voice.CanUpdate {
		a.emit(Update{CallID: call.ID})
	}
}

// completed marks the cart as purchased because its checkout says so. The order with the details comes later.
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
	if e.Marketing != nil && counts(*e.Marketing, e.MarketingRecord, c.MarketingConsent) {
		c.AcceptsMarketing, c.MarketingConsent = e.Marketing, e.MarketingRecord
	}
	if e.SMS != nil && counts(*e.SMS, e.SMSRecord, c.SMSConsent) {
		c.AcceptsSMS, c.SMSConsent = e.SMS, e.SMSRecord
		if e.SMSPhone != "" {
			c.SMSPhone = e.SMSPhone
		}
	}
	if e.Tags != nil {
		c.Customer.Tags = *e.Tags
	}
	for name, m := range e.Metafields {
		if known, has := c.Customer.Metafields[name]; has && m.At.Before(known.At) {
			continue
		}
		c.Customer.Metafields = maps.Clone(c.Customer.Metafields)
		if c.Customer.Metafields == nil {
			c.Customer.Metafields = map[string]cart.Metafield{}
		}
		c.Customer.Metafields[name] = m
	}
	a.readConsents()
	switch a.cart.State {
	case cart.Watching, cart.Waiting, cart.Ready:
		a.noted = true
		a.readPhone()
		a.decide()
	case cart.Calling:
		a.abortIfWithdrawn()
	case cart.Purchased, cart.Stopped:
	}
}

// counts reports whether news of a consent replaces what is known: unless it is older. Of two at the same time, the
// withdrawal counts.
func counts(given bool, news, known cart.ConsentRecord) bool {
	if news.At.IsZero() || known.At.IsZero() {
		return true
	}
	return news.At.After(known.At) || news.At.Equal(known.At) && !given
}

// abortIfWithdrawn aborts the call under way when the customer has withdrawn the consent for it or has emptied the
// cart, or when the checkout turns out to be a test. It reports whether it did.
func (a *change) abortIfWithdrawn() bool {
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
		// If somebody shops with it again, it will be the newer one.
		return
	}
	switch a.cart.State {
	case cart.Watching, cart.Waiting, cart.Ready:
		a.note("one_cart_per_phone", "the same customer is active on a newer cart", cart.VerdictStop)
		a.stop(cart.Superseded)
	case cart.Calling, cart.Purchased, cart.Stopped:
	}
}

// woken checks a waiting cart whose wake has come.
func (a *change) woken() {
	if a.cart.State != cart.Waiting || a.cart.WakeAt == nil || a.cart.WakeAt.After(a.now) {
		return
	}
	before := a.cart.Reason
	a.decide()
	// A cart that waits for one of these is checked every few minutes. The ledger gets one entry, not one per check.
	recurring := a.cart.Reason == cart.Paused || a.cart.Reason == cart.Breaker || a.cart.Reason == cart.OtherCall
	a.noted = !recurring || a.cart.Reason != before
}
