package policy

import (
	"time"

	"ringback/internal/cart"

	"github.com/nyaruka/phonenumbers"
)

// PrecheckVerdict is what the store's own system says of a call that is about to be made.
type PrecheckVerdict string

// The verdicts.
const (
	PrecheckAllow PrecheckVerdict = "allow"
	PrecheckWait  PrecheckVerdict = "wait"
	PrecheckStop  PrecheckVerdict = "stop"
)

// Precheck is the answer of the store's own system, asked just before the dial.
type Precheck struct {
	Verdict PrecheckVerdict
	// Reason is a word of that system's, or why it gave no answer. It holds no personal data.
	Reason string
	// Until is when a call may be tried again after a wait; nil for after precheckAgain.
	Until   *time.Time
	AskedAt time.Time
	// Failed is true when it gave no answer that can be used. Verdict is then what the store wants done.
	Failed bool
}

// precheckAgain is how long a cart waits that is told to wait without a time, or that could not be asked about.
const precheckAgain = 15 * time.Minute

// precheck does what the store's own system said. Without an answer there is nothing to do: it is asked after a line
// was given, when every other rule has agreed.
func (d *decider) precheck() bool {
	if d.facts.Queried == nil || d.facts.Queried.Precheck == nil {
		return false
	}
	p := d.facts.Queried.Precheck
	if p.Failed {
		d.say("no answer: ", p.Reason)
	} else {
		d.say("the store's system said ", string(p.Verdict))
		if p.Reason != "" {
			d.say(" (", p.Reason, ")")
		}
		d.say(", asked at ")
		d.sayTime(p.AskedAt)
	}
	verdict := p.Verdict
	if d.needsPrecheck && p.Failed && verdict == PrecheckAllow {
		// The store would call without an answer; here the law wants one.
		d.say("; without an answer the registries count as not asked")
		verdict = PrecheckWait
	}
	switch verdict {
	case PrecheckAllow:
		d.ok()
		return false
	case PrecheckStop:
		return d.stop(cart.PrecheckStop)
	case PrecheckWait:
	}
	until := d.now.Add(precheckAgain)
	if p.Until != nil && p.Until.After(d.now) {
		until = *p.Until
	}
	if until.After(d.expires) && d.expires.After(d.now) {
		until = d.expires
	}
	return d.wait(bound{until, cart.PrecheckWait})
}

// LineType is what kind of line a number in E.164 is on, as libphonenumber sees it: mobile, fixed_line,
// fixed_line_or_mobile, voip, toll_free, premium_rate, shared_cost, personal, pager, uan, voicemail or unknown.
func LineType(phone string) string {
	n, err := phonenumbers.Parse(phone, "")
	if err != nil {
		return "unknown"
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE:
		return "mobile"
	case phonenumbers.FIXED_LINE:
		return "fixed_line"
	case phonenumbers.FIXED_LINE_OR_MOBILE:
		return "fixed_line_or_mobile"
	case phonenumbers.VOIP:
		return "voip"
	case phonenumbers.TOLL_FREE:
		return "toll_free"
	case phonenumbers.PREMIUM_RATE:
		return "premium_rate"
	case phonenumbers.SHARED_COST:
		return "shared_cost"
	case phonenumbers.PERSONAL_NUMBER:
		return "personal"
	case phonenumbers.PAGER:
		return "pager"
	case phonenumbers.UAN:
		return "uan"
	case phonenumbers.VOICEMAIL:
		return "voicemail"
	case phonenumbers.UNKNOWN:
	}
	return "unknown"
}

// Registries lists the do-not-call registries that the law of a country wants asked before a call, by the calling-hours
// table.
func Registries(country string) []string {
	t, err := builtin()
	if err != nil {
		return nil
	}
	for _, r := range t.rows {
		if (r.state == "" || r.state == anyState) && r.covers(country) && len(r.terms) > 0 {
			return r.terms[len(r.terms)-1].registries
		}
	}
	return nil
}
