package policy

import (
	"slices"
	"time"

	"ringback/internal/cart"
)

// phoneCaps waits until every cap allows one more call to this phone: the store's caps, and those of the jurisdictions
// that the customer may be in, including their silence after a refusal.
func (d *decider) phoneCaps() bool {
	if d.facts.Queried == nil {
		return d.later()
	}
	free := d.now
	for _, c := range d.rules.Caps.PerPhone {
		free = later(free, d.freeAt(c))
	}
	if d.rules.QuietHours != QuietOff {
		for i, p := range d.person.places {
			if d.seenRow(i) {
				continue
			}
			if p.terms == nil {
				continue
			}
			for _, c := range p.terms.caps {
				free = later(free, d.freeAt(c))
			}
			if p.terms.silence > 0 {
				free = later(free, d.afterRefusal(p.terms.silence))
			}
		}
	}
	switch {
	case free.After(d.now):
		d.say("; free at ")
		d.sayTime(free)
	case len(d.buf) == d.begun():
		d.say("none set")
	}
	d.until(&d.hard, free, cart.Cap)
	return false
}

// seenRow reports whether an earlier place has the same row: one row may cover several provinces.
func (d *decider) seenRow(i int) bool {
	return slices.ContainsFunc(d.person.places[:i], func(p place) bool { return p.row == d.person.places[i].row })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// freeAt returns the instant from which the cap allows a call, which may be past. It adds the cap's use to the trace.
func (d *decider) freeAt(c Cap) time.Time {
	d.sorted = d.sorted[:0]
	since := d.now.Add(-c.Every)
	for _, dial := range d.facts.Queried.Dials {
		if dial.At.After(since) && (c.Scope != ScopeShop || dial.Shop == d.cart.Shop) {
			d.sorted = append(d.sorted, dial.At.UnixNano())
		}
	}
	d.comma()
	d.sayInt(len(d.sorted))
	d.say(" of ")
	d.sayCount(c.Calls, "call")
	d.say(" in ")
	d.sayDuration(c.Every)
	if c.Scope == ScopeShop {
		d.say(" by this shop")
	}
	if len(d.sorted) < c.Calls {
		return time.Time{}
	}
	// The cap allows a call again once all but the newest Calls-1 calls have left its window.
	slices.Sort(d.sorted)
	return time.Unix(0, d.sorted[len(d.sorted)-c.Calls]).Add(c.Every)
}

// afterRefusal returns when the silence after the last refusal ends; the zero time when there was none.
func (d *decider) afterRefusal(silence time.Duration) time.Time {
	var refused time.Time
	for _, dial := range d.facts.Queried.Dials {
		if dial.Refused {
			refused = later(refused, dial.At)
		}
	}
	if refused.IsZero() {
		return refused
	}
	d.comma()
	d.say("refused at ")
	d.sayTime(refused)
	return refused.Add(silence)
}

// RefusalIsFinal reports whether a customer who says no may never be called again where the customer may be, and names
// the jurisdiction's row.
func RefusalIsFinal(r *Rules, c *cart.Cart, now time.Time) (key string, final bool) {
	ready, err := r.ready()
	if err != nil {
		return "", false
	}
	var p person
	ready.locate(c, &p)
	p.settle(now)
	for _, pl := range p.places {
		if pl.terms != nil && pl.terms.never {
			return pl.row.key, true
		}
	}
	return "", false
}

// comma separates the parts of a step's text.
func (d *decider) comma() {
	if begin := d.begun(); len(d.buf) > begin {
		d.say(", ")
	}
}

// dailyCap waits for the store's next day when the shop has made its calls of the day.
func (d *decider) dailyCap() bool {
	most := d.rules.Caps.DailyCalls
	if most <= 0 {
		return false
	}
	if d.facts.Queried == nil {
		return d.later()
	}
	n := d.storeZone.sameDay(d.now, d.facts.Queried.ShopCalls)
	d.sayInt(n)
	d.say(" of ")
	d.sayCount(most, "call")
	d.say(" today")
	free := d.now
	if n >= most {
		free = d.storeZone.startOfNextDay(d.now)
	}
	d.until(&d.hard, free, cart.Cap)
	return false
}

// LongestCap returns how far back the calls to a phone must be known: the longest window of the store's caps and of the
// calling-hours table, including silences after a refusal.
func LongestCap(r *Rules) time.Duration {
	var longest time.Duration
	for _, c := range r.Caps.PerPhone {
		longest = max(longest, c.Every)
	}
	if c, err := r.ready(); err == nil && r.QuietHours != QuietOff {
		longest = max(longest, c.longest)
	}
	return longest
}

// longestWindow returns the longest window of the jurisdictions' own caps.
func (c *compiled) longestWindow() time.Duration {
	var longest time.Duration
	note := func(r *row) {
		if r == nil {
			return
		}
		for _, t := range r.terms {
			longest = max(longest, t.silence)
			for _, limit := range t.caps {
				longest = max(longest, limit.Every)
			}
		}
	}
	note(c.elsewhere)
	for _, rows := range c.countries {
		note(rows.row)
		note(rows.unknownState)
		for _, r := range rows.states {
			note(r)
		}
	}
	return longest
}
