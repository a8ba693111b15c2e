package policy

import (
	"time"

	"ringback/internal/cart"
)

// Decide says whether the cart may be called at now, when to ask again, or that it may never be called. It is pure: the same
// rules, facts and instant give the same answer.
//
// The rules are looked at in a fixed order and leave their steps in the trace. Rules that no waiting can satisfy end the look at
// once. Those that time will satisfy are weighed together: a wait ends at the earliest moment at which every one of them is
// satisfied, with the one that binds last as its reason; when there is no such moment before the cart's expiry, it waits for
// that: a customer who comes back until then makes the cart young again. Only where no opening is in sight and the cart lives longer than one is looked for, the wait ends there.
//
// Without f.Near the answer is never a call but, when everything else agrees, cart.ActLook. Rules that have problems never lead
// to a call either; those that were not compiled are taken as a store's of which nothing is known.
func Decide(r *Rules, f Facts, now time.Time) cart.Decision {
	d := decider{rules: r, facts: &f, cart: f.Cart, now: now, firm: bound{at: now}, loose: bound{at: now}}
	room := &room{}
	d.buf, d.steps, d.scratch = room.text[:0], room.steps[:0], room.dials[:0]
	d.person, d.hours.checks = room.where.person(), room.where.checks[:0]
	d.look()
	d.decision.Trace = d.finish()
	return d.decision
}

// room is the memory that a decision usually needs, had in one piece.
type room struct {
	text  [1280]byte
	steps [32]tracedStep
	dials [16]int64
	where whereRoom
}

// look goes through the rules in their order, up to the one with which the decision falls.
func (d *decider) look() bool {
	return d.prepare() ||
		d.state() ||
		d.installed() ||
		d.test() ||
		d.phone() ||
		d.items() ||
		d.consent() ||
		d.eligibility() ||
		d.jurisdiction() ||
		d.suppression() ||
		d.otherOrder() ||
		d.oneCartPerPhone() ||
		d.attempts() ||
		d.expiry() ||
		d.pause() ||
		d.otherCall() ||
		d.callback() ||
		d.delay() ||
		d.spacing() ||
		d.phoneCaps() ||
		d.dailyCap() ||
		d.opening() ||
		d.near() ||
		d.holdout() ||
		d.offer() ||
		d.call()
}

// How long a decision waits for something whose end is not known before it looks again.
const (
	pauseLook = 15 * time.Minute
	callLook  = 2 * time.Minute
)

// decider is one decision being made.
type decider struct {
	tracer
	rules *Rules
	*compiled
	facts *Facts
	cart  *cart.Cart
	now   time.Time

	person person
	hours  hours
	// expires is when the cart is given up.
	expires time.Time
	// firm is the last moment that a rule whose end is known asks to wait for; loose that of the rules whose end may come sooner.
	firm, loose bound
	// scratch is where instants are sorted.
	scratch []int64

	decision cart.Decision
}

// bound is a moment to wait for, and why; its reason is "" where there is nothing to wait for.
type bound struct {
	at     time.Time
	reason cart.Reason
}

func (b *bound) raise(at time.Time, reason cart.Reason) {
	if at.After(b.at) {
		b.at, b.reason = at, reason
	}
}

// The ends of a rule: each ends the step being made; those that decide report true.

func (d *decider) ok(rule string)      { d.step(rule, cart.VerdictOK) }
func (d *decider) skipped(rule string) { d.step(rule, cart.VerdictSkipped) }

func (d *decider) stop(rule string, why cart.Reason) bool {
	d.step(rule, cart.VerdictStop)
	d.decision = cart.Decision{Action: cart.ActStop, Reason: why, Arm: d.decision.Arm}
	return true
}

func (d *decider) watch(rule string, why cart.Reason) bool {
	d.step(rule, cart.VerdictWatch)
	d.decision = cart.Decision{Action: cart.ActWatch, Reason: why}
	return true
}

func (d *decider) wait(rule string, b bound) bool {
	d.step(rule, cart.VerdictWait)
	d.decision = cart.Decision{Action: cart.ActWait, Reason: b.reason, Until: b.at.UTC()}
	return true
}

// until ends a step that asks to wait until at, if that is still to come.
func (d *decider) until(rule string, b *bound, at time.Time, why cart.Reason) {
	if !at.After(d.now) {
		d.ok(rule)
		return
	}
	b.raise(at, why)
	d.step(rule, cart.VerdictWait)
}

// later ends the step of a rule whose facts are loaded only when a call is near.
func (d *decider) later(rule string) bool {
	d.say("looked at when a call is near")
	d.skipped(rule)
	return false
}

// prepare finds what was compiled of the rules.
func (d *decider) prepare() bool {
	var err error
	if d.compiled, err = d.rules.ready(); err != nil {
		d.say("the policy cannot be used: ", err.Error())
		return d.wait("policy", bound{d.now.Add(pauseLook), cart.Paused})
	}
	return false
}

func (d *decider) state() bool {
	c := d.cart
	switch {
	case c.State == cart.Purchased || c.Order != nil || c.PurchasedAt != nil || c.Checkout.CompletedAt != nil:
		d.say("the customer has bought")
		return d.stop("state", cart.Ordered)
	case c.State == cart.Stopped:
		d.say("stopped: ", string(c.Reason))
		return d.stop("state", c.Reason)
	case c.Checkout.ClosedAt != nil:
		d.say("the merchant archived the checkout")
		return d.stop("state", cart.Deleted)
	case c.ErasedAt != nil:
		d.say("personal data was erased")
		return d.stop("state", cart.Redacted)
	}
	if c.State == "" {
		d.say("new")
	} else {
		d.say(string(c.State))
	}
	d.ok("state")
	return false
}

func (d *decider) installed() bool {
	if !d.facts.Shop.Uninstalled {
		return false
	}
	d.say("the merchant removed the app")
	return d.stop("installed", cart.Uninstalled)
}

// test leaves test checkouts alone, unless the store wants them called.
func (d *decider) test() bool {
	if !d.cart.Checkout.Test || d.rules.Eligibility.Test {
		return false
	}
	d.say("a test checkout, which the store leaves out")
	return d.watch("eligibility.test", cart.Test)
}

// items leaves a cart alone for as long as there is nothing in it.
func (d *decider) items() bool {
	if d.cart.Checkout.ItemCount() > 0 {
		return false
	}
	d.say("nothing is in the cart")
	return d.watch("items", cart.EmptyCart)
}

func (d *decider) phone() bool {
	if d.cart.Phone == "" {
		d.say("no number that can be called")
		return d.watch("phone", cart.NoPhone)
	}
	d.say("phone from ", orUnknown(d.cart.PhoneFrom), ", ", orUnknown(d.cart.Country))
	d.ok("phone")
	return false
}

func (d *decider) consent() bool {
	saw, ok := consented(d.rules.Consent, d.attribute, d.cart)
	d.say(d.rules.Consent, ": ", saw)
	if !ok {
		return d.watch("consent", cart.NoConsent)
	}
	d.ok("consent")
	return false
}

func (d *decider) eligibility() bool {
	before := len(d.steps)
	if d.eligible() {
		return true
	}
	if len(d.steps) == before {
		d.say("nothing asked for")
		d.ok("eligibility")
	}
	return false
}

// jurisdiction looks at whether people are called at all where this one may be.
func (d *decider) jurisdiction() bool {
	d.locate(d.cart, &d.person)
	d.compiled.hours(d.rules, &d.person, &d.hours)
	if d.hours.closed != nil {
		d.say(d.hours.closed.key, " is off unless the store turns it on")
		return d.watch("jurisdiction", cart.Ineligible)
	}
	if d.rules.QuietHours == QuietOff {
		d.say("the calling-hours table is off")
		d.skipped("jurisdiction")
		return false
	}
	for i, p := range d.person.places {
		if i > 0 {
			d.say(", ")
		}
		d.say(p.row.key)
	}
	d.say(" of ", d.tables.version)
	d.ok("jurisdiction")
	return false
}

func (d *decider) suppression() bool {
	switch {
	case d.facts.Near == nil:
		return d.later("suppression")
	case d.facts.Near.Suppressed != "":
		d.say("suppressed for ", d.facts.Near.Suppressed)
		return d.stop("suppression", cart.Suppressed)
	}
	d.say("none")
	d.ok("suppression")
	return false
}

func (d *decider) otherOrder() bool {
	switch {
	case d.facts.Near == nil:
		return d.later("other_order")
	case d.facts.Near.Ordered:
		d.say("the customer has bought otherwise since")
		return d.stop("other_order", cart.Superseded)
	}
	d.say("none")
	d.ok("other_order")
	return false
}

func (d *decider) oneCartPerPhone() bool {
	switch {
	case d.facts.Near == nil:
		return d.later("one_cart_per_phone")
	case d.facts.Near.NewerCart != nil:
		d.say("the same customer is active on a newer cart")
		return d.stop("one_cart_per_phone", cart.Superseded)
	}
	d.say("no newer cart")
	d.ok("one_cart_per_phone")
	return false
}

// attempts ends a cart whose calls are used up, or whose last call settled the matter.
func (d *decider) attempts() bool {
	last := d.cart.LastDialled()
	if last != nil && !last.State.Open() {
		switch {
		case last.Outcome == cart.Skipped || last.Outcome == cart.Invalid:
			d.say("the provider will not dial this number: ", string(last.Outcome))
			return d.stop("attempts", cart.Refused)
		case last.Insights.OptedOut:
			d.say("the customer asked not to be called")
			return d.stop("attempts", cart.OptedOut)
		case d.facts.Forced:
		case last.Insights.Declined:
			d.say("the customer is not interested")
			return d.stop("attempts", cart.Declined)
		case last.Insights.Unclear():
			d.say("the analysis does not tell whether the customer said no")
			return d.stop("attempts", cart.UnclearAnswer)
		case last.Outcome == cart.Completed && d.cart.CallbackAt == nil:
			d.say("the customer was spoken to")
			return d.stop("attempts", cart.Exhausted)
		}
	}
	d.sayInt(d.cart.Attempts)
	d.say(" of ")
	d.sayCount(d.rules.Attempts.Max, "call")
	switch {
	case d.facts.Forced:
		d.say("; an operator asked for this one")
		d.skipped("attempts")
		return false
	case d.cart.Attempts >= d.rules.Attempts.Max:
		return d.stop("attempts", cart.Exhausted)
	}
	d.ok("attempts")
	return false
}

// expiry gives a cart up that lay too long. A call the customer asked for counts as new activity.
func (d *decider) expiry() bool {
	d.expires = d.active().Add(d.rules.ExpiresAfter)
	if at := d.cart.CallbackAt; at != nil {
		if at.Sub(d.now) > MaxExpiry {
			d.say("the customer asked for a call more than ")
			d.sayDuration(MaxExpiry)
			d.say(" from now")
			return d.stop("expiry", cart.Expired)
		}
		if later := at.Add(d.rules.ExpiresAfter); later.After(d.expires) {
			d.expires = later
		}
	}
	d.say("expires at ")
	d.sayTime(d.expires)
	if !d.now.Before(d.expires) {
		return d.stop("expiry", cart.Expired)
	}
	d.ok("expiry")
	return false
}

// active is when the customer last touched the checkout.
func (d *decider) active() time.Time {
	if d.cart.LastActivityAt.IsZero() {
		return d.cart.CreatedAt
	}
	return d.cart.LastActivityAt
}

func (d *decider) pause() bool { //nolint:unparam // every rule says whether the decision has fallen; this one never makes it fall alone
	shop := &d.facts.Shop
	if shop.Paused {
		d.say("calling is halted")
		d.until("paused", &d.loose, d.now.Add(pauseLook), cart.Paused)
		return false
	}
	if shop.Breaker {
		at := d.now.Add(pauseLook)
		if shop.BreakerUntil != nil {
			at = *shop.BreakerUntil
			d.say("the shop paused itself until ")
			d.sayTime(at)
		} else {
			d.say("the shop paused itself until it is resumed")
		}
		d.until("paused", &d.loose, at, cart.Breaker)
		return false
	}
	d.say("no")
	d.ok("paused")
	return false
}

// otherCall waits for a call that is under way: this cart's own, once its request was sent, or another cart's to the same phone.
func (d *decider) otherCall() bool {
	own := d.cart.OpenCall()
	switch {
	case own != nil && own.SentAt != nil:
		d.say("a call of this cart is under way")
	case d.facts.Near == nil:
		return d.later("other_call")
	case d.facts.Near.OpenCall:
		d.say("another call to this phone is under way")
	default:
		d.say("none")
		d.ok("other_call")
		return false
	}
	d.until("other_call", &d.loose, d.now.Add(callLook), cart.OtherCall)
	return false
}

func (d *decider) callback() bool { //nolint:unparam // every rule says whether the decision has fallen; this one never makes it fall alone
	at := d.cart.CallbackAt
	switch {
	case at == nil:
		return false
	case d.facts.Forced:
		d.say("an operator asked for a call now")
		d.skipped("callback")
		return false
	}
	d.say("the customer asked for a call at ")
	d.sayTime(*at)
	d.until("callback", &d.firm, *at, cart.Callback)
	return false
}

func (d *decider) delay() bool { //nolint:unparam // every rule says whether the decision has fallen; this one never makes it fall alone
	if d.overridden("delay") {
		return false
	}
	at := d.active().Add(d.rules.Delay)
	d.say("last touched at ")
	d.sayTime(d.active())
	d.say(", due ")
	d.sayDuration(d.rules.Delay)
	d.say(" later")
	d.until("delay", &d.firm, at, cart.Delay)
	return false
}

// overridden ends the step of a rule that a customer's or an operator's wish passes over.
func (d *decider) overridden(rule string) bool {
	switch {
	case d.facts.Forced:
		d.say("an operator asked for a call")
	case d.cart.CallbackAt != nil:
		d.say("the customer asked for a call")
	default:
		return false
	}
	d.skipped(rule)
	return true
}

// opening weighs everything that time will satisfy: the first moment at which all of it is.
func (d *decider) opening() bool {
	d.sayWhere()
	at, ok := d.hours.next(d.firm.at)
	if !ok {
		d.say("; no opening within ")
		d.sayCount(SearchDays, "day")
		end := d.firm.at.AddDate(0, 0, SearchDays)
		if d.expires.Before(end) {
			end = d.expires
		}
		return d.wait("hours", bound{end, cart.Window})
	}
	firm := d.firm
	if at.After(firm.at) {
		d.say("; opens at ")
		d.sayTime(at)
		firm = bound{at, cart.Window}
		d.step("hours", cart.VerdictWait)
	} else {
		d.ok("hours")
	}
	if !firm.at.Before(d.expires) {
		d.say("first possible at ")
		d.sayTime(firm.at)
		d.say(", which is past the expiry: only the customer's coming back before that can lead to a call")
		if !d.firm.at.Before(d.expires) {
			firm.reason = d.firm.reason
		}
		return d.wait("moment", bound{d.expires, firm.reason})
	}
	if d.loose.reason != "" {
		firm = d.loosely(firm)
	}
	if !firm.at.After(d.now) {
		return false
	}
	d.say("first possible at ")
	d.sayTime(firm.at)
	return d.wait("moment", firm)
}

// loosely weighs in what may end sooner than it says. It never lets a cart expire before its time.
func (d *decider) loosely(firm bound) bound {
	b := firm
	b.raise(d.loose.at, d.loose.reason)
	at, ok := d.hours.next(b.at)
	switch {
	case !ok || !at.Before(d.expires):
		return bound{d.expires, d.loose.reason}
	case at.After(b.at):
		return bound{at, cart.Window}
	}
	return b
}

// sayWhere says by which clocks the hours are looked at.
func (d *decider) sayWhere() {
	const shown = 3
	d.buf = d.firm.at.In(d.person.zones[0].loc).AppendFormat(d.buf, "Mon 15:04")
	d.say(" in ")
	for i, z := range d.person.zones {
		if i == shown {
			d.say(" and ")
			d.sayInt(len(d.person.zones) - shown)
			d.say(" more")
			break
		}
		if i > 0 {
			d.say(", ")
		}
		d.say(z.name)
	}
	if d.rules.Timezone == ZoneStore {
		d.say("; windows in ", d.storeZone.name)
	}
}

// near asks for the costly facts once nothing else stands against a call.
func (d *decider) near() bool {
	if d.facts.Near != nil {
		return false
	}
	d.say("nothing told by the cart stands against a call")
	d.ok("moment")
	d.decision = cart.Decision{Action: cart.ActLook, Reason: cart.Due}
	return true
}

// call is where every rule has agreed.
func (d *decider) call() bool {
	d.decision.Action, d.decision.Reason = cart.ActCall, cart.Due
	if d.facts.Forced {
		d.decision.Reason = cart.ByOperator
	}
	if above := d.rules.PriorityAbove; above != nil {
		c := &d.cart.Checkout
		total, known := d.storeTotal(c)
		d.decision.Priority = known && total.Cmp(*above) >= 0
		d.say("total ")
		d.sayAmount(c.Total)
		d.say(" ", c.Currency, ", goes before others from ")
		d.sayAmount(*above)
		d.ok("priority")
	}
	d.say("every rule agrees")
	d.ok("moment")
	return true
}
