package policy

import (
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
)

// rule is one question that a decision asks.
type rule struct {
	// name is the rule's name in the trace.
	name string
	// check looks at the facts, adds its steps to the trace, and reports whether it has made the decision.
	check func(*decider) bool
}

// ruleTable lists the rules in the order in which they are checked. The first one that makes the decision ends it.
var ruleTable = [...]rule{
	{"policy", (*decider).prepare},
	{"state", (*decider).state},
	{"installed", (*decider).installed},
	{"eligibility.test", (*decider).test},
	{"phone", (*decider).phone},
	{"items", (*decider).items},
	{"consent", (*decider).consent},
	{"eligibility", (*decider).eligibility},
	{"jurisdiction", (*decider).jurisdiction},
	{"suppression", (*decider).suppression},
	{"other_order", (*decider).otherOrder},
	{"one_cart_per_phone", (*decider).oneCartPerPhone},
	{"attempts", (*decider).attempts},
	{"expiry", (*decider).expiry},
	{"paused", (*decider).pause},
	{"other_call", (*decider).otherCall},
	{"callback", (*decider).callback},
	{"delay", (*decider).delay},
	{"spacing", (*decider).spacing},
	{"caps.per_phone", (*decider).phoneCaps},
	{"caps.daily_calls", (*decider).dailyCap},
	{"hours", (*decider).opening},
	{"moment", (*decider).queries},
	{"precheck", (*decider).precheck},
	{"holdout", (*decider).holdout},
	{"offer", (*decider).offer},
	{"moment", (*decider).call},
}

// Decide says whether the cart may be called at now, when to ask again, or that it may never be called. It is pure: the
// same rules, facts and instant give the same answer.
//
// The rules are checked in the order of ruleTable, and each leaves its steps in the trace. A rule that no waiting can
// satisfy makes the decision at once. The rules that time will satisfy are combined: the wait ends at the earliest
// instant at which all of them are satisfied, and its reason is the one that is satisfied last. If that instant is past
// the cart's expiry, the wait ends at the expiry, because the customer may come back before that and so extend it. If
// there is no opening within SearchDays, the wait ends there, or at the expiry if that comes first.
//
// Without f.Queried the answer is never cart.ActCall. When nothing else stands against a call, it is cart.ActLook.
// Rules that have problems never lead to a call either. Rules that were not compiled are compiled for a store of which
// nothing is known.
func Decide(r *Rules, f Facts, now time.Time) cart.Decision {
	b := &buffers{}
	d := &b.decider
	d.rules, d.facts, d.cart, d.now = r, &f, f.Cart, now
	d.hard.at, d.soft.at = now, now
	d.buf, d.steps, d.sorted = b.text[:0], b.steps[:0], b.dials[:0]
	d.person, d.hours.checks = b.places.person(), b.places.checks[:0]
	for i := range ruleTable {
		d.rule = ruleTable[i].name
		if ruleTable[i].check(d) {
			break
		}
	}
	d.decision.Trace = d.finish()
	return d.decision
}

// buffers is the memory that a decision usually needs, allocated in one piece.
type buffers struct {
	decider decider
	text    [1280]byte
	steps   [32]tracedStep
	dials   [16]int64
	places  placeBuffers
}

// How long a decision waits for something whose end is not known before it checks again.
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
	// needsPrecheck is true when only the precheck's answer permits a call: registries must be clean.
	needsPrecheck bool
	// expires is when the cart expires.
	expires time.Time
	// hard is the latest instant that a rule with a known end asks to wait for. soft is the same for the rules that may
	// be satisfied sooner than they say.
	hard, soft bound
	// sorted is where instants are sorted.
	sorted []int64

	decision cart.Decision
}

// bound is an instant to wait for, and why. Its reason is "" when there is nothing to wait for.
type bound struct {
	at     time.Time
	reason cart.Reason
}

func (b *bound) raise(at time.Time, reason cart.Reason) {
	if at.After(b.at) {
		b.at, b.reason = at, reason
	}
}

// The ends of a rule: each ends the current step. Those that make the decision return true.

func (d *decider) ok()      { d.step(cart.VerdictOK) }
func (d *decider) skipped() { d.step(cart.VerdictSkipped) }

func (d *decider) stop(why cart.Reason) bool {
	d.step(cart.VerdictStop)
	d.decision = cart.Decision{Action: cart.ActStop, Reason: why, Arm: d.decision.Arm}
	return true
}

func (d *decider) watch(why cart.Reason) bool {
	d.step(cart.VerdictWatch)
	d.decision = cart.Decision{Action: cart.ActWatch, Reason: why}
	return true
}

func (d *decider) wait(b bound) bool {
	d.step(cart.VerdictWait)
	d.decision = cart.Decision{Action: cart.ActWait, Reason: b.reason, Until: b.at.UTC()}
	return true
}

// until ends a step that asks to wait until an instant, if that is still to come.
func (d *decider) until(b *bound, at time.Time, why cart.Reason) {
	if !at.After(d.now) {
		d.ok()
		return
	}
	b.raise(at, why)
	d.step(cart.VerdictWait)
}

// later ends the step of a rule whose facts are not loaded yet.
func (d *decider) later() bool {
	d.say("checked just before a call")
	d.skipped()
	return false
}

// prepare takes the compiled rules. Rules with problems allow no call.
func (d *decider) prepare() bool {
	var err error
	if d.compiled, err = d.rules.ready(); err != nil {
		d.say("the policy cannot be used: ", err.Error())
		return d.wait(bound{d.now.Add(pauseLook), cart.Paused})
	}
	return false
}

func (d *decider) state() bool {
	c := d.cart
	switch {
	case c.State == cart.Purchased || c.Order != nil || c.PurchasedAt != nil || c.Checkout.CompletedAt != nil:
		d.say("the customer has bought")
		return d.stop(cart.Ordered)
	case c.State == cart.Stopped:
		d.say("stopped: ", string(c.Reason))
		return d.stop(c.Reason)
	case c.Checkout.ClosedAt != nil:
		d.say("the merchant archived the checkout")
		return d.stop(cart.Deleted)
	case c.ErasedAt != nil:
		d.say("personal data was erased")
		return d.stop(cart.Redacted)
	}
	if c.State == "" {
		d.say("new")
	} else {
		d.say(string(c.State))
	}
	d.ok()
	return false
}

func (d *decider) installed() bool {
	if !d.facts.Shop.Uninstalled {
		return false
	}
	d.say("the merchant removed the app")
	return d.stop(cart.Uninstalled)
}

// test allows no call for a test checkout, unless the store wants test checkouts called.
func (d *decider) test() bool {
	if !d.cart.Checkout.Test || d.rules.Eligibility.Test {
		return false
	}
	d.say("a test checkout, which the store leaves out")
	return d.watch(cart.Test)
}

// items allows no call while the cart is empty.
func (d *decider) items() bool {
	if d.cart.Checkout.ItemCount() > 0 {
		return false
	}
	d.say("nothing is in the cart")
	return d.watch(cart.EmptyCart)
}

func (d *decider) phone() bool {
	if d.cart.Phone == "" {
		d.say("no number that can be called")
		return d.watch(cart.NoPhone)
	}
	d.say("phone from ", orUnknown(d.cart.PhoneFrom), ", ", orUnknown(d.cart.Country))
	d.ok()
	return false
}

func (d *decider) eligibility() bool {
	before := len(d.steps)
	if d.eligible() {
		return true
	}
	if len(d.steps) == before {
		d.begin("eligibility")
		d.say("nothing asked for")
		d.ok()
	}
	return false
}

// jurisdiction allows no call if the customer may be in a place where nobody is called.
func (d *decider) jurisdiction() bool {
	d.compiled.hours(d.rules, &d.person, &d.hours)
	if closed := d.hours.closed; closed != nil {
		d.say(closed.key, " is off unless the store turns it on")
		if closed == d.elsewhere {
			d.say("; no row of the table covers ", orUnknown(d.uncovered()))
		}
		return d.watch(cart.Ineligible)
	}
	if d.rules.QuietHours == QuietOff {
		d.say("the calling-hours table is off")
		d.skipped()
		return false
	}
	for i, p := range d.person.places {
		if d.seenRow(i) {
			continue
		}
		if i > 0 {
			d.say(", ")
		}
		d.say(p.row.key)
	}
	d.say(" of ", d.tables.version)
	for i, p := range d.person.places {
		if d.seenRow(i) {
			continue
		}
		if p.row.state == anyState {
			d.sayStatesOff(p.row)
		}
		if p.row.shut != noDay {
			d.sayShut(p.row)
		}
	}
	d.ok()
	return false
}

// uncovered returns the first country of the customer's that no row of the table covers.
func (d *decider) uncovered() string {
	for _, country := range [...]string{d.cart.Country, deliveryCountry(&d.cart.Checkout)} {
		if _, ok := d.countries[strings.ToUpper(country)]; country != "" && !ok {
			return country
		}
	}
	return ""
}

// sayStatesOff names the states of an unknown one that are off: the customer may be there.
func (d *decider) sayStatesOff(unknown *row) {
	for _, key := range d.countries[unknown.countries[0]].off {
		d.say("; may be in ", key, ", which is off")
	}
}

func (d *decider) sayShut(r *row) {
	d.say("; the store closed ", r.key)
	if r.shut != lastDay {
		d.say(" until ")
		d.buf = time.Unix(r.shut*daySeconds, 0).UTC().AppendFormat(d.buf, time.DateOnly)
	}
}

func (d *decider) suppression() bool {
	switch {
	case d.facts.Queried == nil:
		return d.later()
	case d.facts.Queried.Suppressed != "":
		d.say("suppressed for ", d.facts.Queried.Suppressed)
		return d.stop(cart.Suppressed)
	}
	d.say("none")
	d.ok()
	return false
}

func (d *decider) otherOrder() bool {
	switch {
	case d.facts.Queried == nil:
		return d.later()
	case d.facts.Queried.Ordered:
		d.say("the customer has placed another order since")
		return d.stop(cart.Superseded)
	}
	d.say("none")
	d.ok()
	return false
}

func (d *decider) oneCartPerPhone() bool {
	switch {
	case d.facts.Queried == nil:
		return d.later()
	case d.facts.Queried.NewerCart != nil:
		d.say("the same customer is active on a newer cart")
		return d.stop(cart.Superseded)
	}
	d.say("no newer cart")
	d.ok()
	return false
}

// attempts stops a cart that has had all its calls, or whose last call makes another one pointless.
func (d *decider) attempts() bool {
	last := d.cart.LastDialled()
	if last != nil && !last.State.Open() {
		switch {
		case last.Outcome == cart.Skipped || last.Outcome == cart.Invalid:
			d.say("the provider will not dial this number: ", string(last.Outcome))
			return d.stop(cart.Refused)
		case last.Insights.OptedOut:
			d.say("the customer asked not to be called")
			return d.stop(cart.OptedOut)
		case last.Insights.OptOutSuspected:
			d.say("the customer seems to have asked not to be called")
			return d.stop(cart.OptOutSuspected)
		case d.facts.Forced:
		case last.Insights.Declined:
			d.say("the customer is not interested")
			return d.stop(cart.Declined)
		case last.Insights.Unclear():
			d.say("the analysis does not tell whether the customer said no")
			return d.stop(cart.UnclearAnswer)
		case last.Outcome == cart.Completed && d.cart.CallbackAt == nil:
			d.say("the customer was spoken to")
			return d.stop(cart.Reached)
		case d.cart.CallbackAt == nil && d.spokenBefore(last):
			d.say("the customer was spoken to in an earlier call")
			return d.stop(cart.Reached)
		}
	}
	d.sayInt(d.cart.Attempts)
	d.say(" of ")
	d.sayCount(d.rules.Attempts.Max, "call")
	switch {
	case d.facts.Forced:
		d.say("; an operator asked for this one")
		d.skipped()
		return false
	case d.cart.Attempts >= d.rules.Attempts.Max:
		return d.stop(cart.Exhausted)
	}
	d.ok()
	return false
}

// spokenBefore reports whether the customer was spoken to in a call before the last one and asked for no callback. An
// analysis that comes late may say so.
func (d *decider) spokenBefore(last *cart.Call) bool {
	return slices.ContainsFunc(d.cart.Calls, func(c cart.Call) bool {
		return c.ID != last.ID && c.State == cart.Closed && c.Outcome == cart.Completed && !c.Insights.Callback
	})
}

// expiry stops a cart that had no activity for too long. A callback that the customer asked for counts as activity.
func (d *decider) expiry() bool {
	d.expires = d.active().Add(d.rules.ExpiresAfter)
	if at := d.cart.CallbackAt; at != nil {
		if at.Sub(d.now) > PlanningHorizon {
			d.say("the customer asked for a call more than ")
			d.sayDuration(PlanningHorizon)
			d.say(" from now")
			return d.stop(cart.Expired)
		}
		if later := at.Add(d.rules.ExpiresAfter); later.After(d.expires) {
			d.expires = later
		}
	}
	d.say("expires at ")
	d.sayTime(d.expires)
	if !d.now.Before(d.expires) {
		return d.stop(cart.Expired)
	}
	d.ok()
	return false
}

// active is when the customer last touched the checkout.
func (d *decider) active() time.Time {
	if d.cart.LastActivityAt.IsZero() {
		return d.cart.CreatedAt
	}
	return d.cart.LastActivityAt
}

func (d *decider) pause() bool {
	shop := &d.facts.Shop
	if shop.Paused {
		d.say("calling is halted")
		d.until(&d.soft, d.now.Add(pauseLook), cart.Paused)
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
		d.until(&d.soft, at, cart.Breaker)
		return false
	}
	d.say("no")
	d.ok()
	return false
}

// otherCall waits for the end of a call that is under way: this cart's own, once its request was sent, or another
// cart's to the same person.
func (d *decider) otherCall() bool {
	own := d.cart.OpenCall()
	switch {
	case own != nil && own.SentAt != nil:
		d.say("a call of this cart is under way")
	case d.facts.Queried == nil:
		return d.later()
	case d.facts.Queried.OpenCall:
		d.say("another call to this phone is under way")
	default:
		d.say("none")
		d.ok()
		return false
	}
	d.until(&d.soft, d.now.Add(callLook), cart.OtherCall)
	return false
}

func (d *decider) callback() bool {
	at := d.cart.CallbackAt
	switch {
	case at == nil:
		return false
	case d.facts.Forced:
		d.say("an operator asked for a call now")
		d.skipped()
		return false
	}
	d.say("the customer asked for a call at ")
	d.sayTime(*at)
	d.until(&d.hard, *at, cart.Callback)
	return false
}

func (d *decider) delay() bool {
	if d.overridden() {
		return false
	}
	at := d.active().Add(d.rules.Delay)
	d.say("last touched at ")
	d.sayTime(d.active())
	d.say(", due ")
	d.sayDuration(d.rules.Delay)
	d.say(" later")
	d.until(&d.hard, at, cart.Delay)
	return false
}

// overridden skips a rule when an operator asked for the call, or the customer for a callback. It reports whether it
// did.
func (d *decider) overridden() bool {
	switch {
	case d.facts.Forced:
		d.say("an operator asked for a call")
	case d.cart.CallbackAt != nil:
		d.say("the customer asked for a call")
	default:
		return false
	}
	d.skipped()
	return true
}

// opening combines the rules that time will satisfy: it finds the first instant at which all of them are satisfied.
func (d *decider) opening() bool {
	d.sayWhere()
	at, ok := d.hours.next(d.hard.at)
	if !ok {
		d.say("; no opening within ")
		d.sayCount(SearchDays, "day")
		end := d.hard.at.AddDate(0, 0, SearchDays)
		if d.expires.Before(end) {
			end = d.expires
		}
		return d.wait(bound{end, cart.Window})
	}
	first := d.hard
	if at.After(first.at) {
		d.say("; opens at ")
		d.sayTime(at)
		first = bound{at, cart.Window}
		d.step(cart.VerdictWait)
	} else {
		d.ok()
	}
	d.begin("moment")
	if !first.at.Before(d.expires) {
		d.say("first possible at ")
		d.sayTime(first.at)
		d.say(", which is past the expiry: it is called only if the customer comes back before that")
		if !d.hard.at.Before(d.expires) {
			first.reason = d.hard.reason
		}
		return d.wait(bound{d.expires, first.reason})
	}
	if d.soft.reason != "" {
		first = d.withSoft(first)
	}
	if !first.at.After(d.now) {
		return false
	}
	d.say("first possible at ")
	d.sayTime(first.at)
	return d.wait(first)
}

// withSoft raises the first possible instant to the soft bound, and to the next opening after that. The result is never
// past the cart's expiry: a soft bound may be lifted before it says, so it must not let a cart expire.
func (d *decider) withSoft(first bound) bound {
	b := first
	b.raise(d.soft.at, d.soft.reason)
	at, ok := d.hours.next(b.at)
	switch {
	case !ok || !at.Before(d.expires):
		return bound{d.expires, d.soft.reason}
	case at.After(b.at):
		return bound{at, cart.Window}
	}
	return b
}

// sayWhere adds to the trace by which clocks the hours are checked.
func (d *decider) sayWhere() {
	const shown = 3
	d.buf = d.hard.at.In(d.person.zones[0].loc).AppendFormat(d.buf, "Mon 15:04")
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

// queries asks for the facts that need queries, once nothing that the cart itself tells stands against a call.
func (d *decider) queries() bool {
	if d.facts.Queried != nil {
		return false
	}
	d.say("nothing in the cart rules out a call")
	d.ok()
	d.decision = cart.Decision{Action: cart.ActLook, Reason: cart.Due, Consent: d.decision.Consent}
	return true
}

// call is the last rule: every other one has agreed to a call.
func (d *decider) call() bool {
	d.decision.Action, d.decision.Reason = cart.ActCall, cart.Due
	if d.facts.Forced {
		d.decision.Reason = cart.ByOperator
	}
	if above := d.rules.PriorityAbove; above != nil {
		c := &d.cart.Checkout
		total, known := d.storeTotal(c)
		d.decision.Priority = known && total.Cmp(*above) >= 0
		d.begin("priority")
		d.say("total ")
		d.sayAmount(c.Total)
		d.say(" ", c.Currency, ", goes before others from ")
		d.sayAmount(*above)
		d.ok()
		d.begin("moment")
	}
	d.say("every rule agrees")
	d.ok()
	return true
}
