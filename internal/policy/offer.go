package policy

import (
	"slices"
	"strings"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// offer picks the discount that goes out with the call: the first of the store's offers that fits, unless the customer
// had one recently or the month's budget is used up.
func (d *decider) offer() bool {
	if len(d.rules.Offers) == 0 {
		return false
	}
	i := 0
	for i < len(d.rules.Offers) && !d.fits(&d.rules.Offers[i]) {
		i++
	}
	if i == len(d.rules.Offers) {
		d.say("none of ")
		d.sayInt(len(d.rules.Offers))
		d.say(" fits")
		d.skipped()
		return false
	}
	rule := &d.rules.Offers[i]
	d.say("offer ")
	d.sayInt(i + 1)
	d.say(" (", rule.Code, ") fits")
	switch {
	case d.carries(rule.Code):
		d.say(", but the cart carries its code already")
		d.skipped()
	case d.cooling():
		d.say(", but the customer was given one within ")
		d.sayDuration(d.rules.OfferCooldown)
		d.skipped()
	case d.overBudget(rule):
		d.say(", but the month's budget of ")
		d.sayAmount(*d.rules.OfferBudget.Monthly)
		d.say(" does not allow it")
		d.skipped()
	default:
		d.decision.Offer = rule.offer()
		d.ok()
	}
	return false
}

// offer returns the discount of the rule.
func (o *OfferRule) offer() *cart.Offer {
	applyAs := o.ApplyAs
	if applyAs == "" {
		applyAs = OfferAdditional
	}
	return &cart.Offer{
		Code:        o.Code,
		Description: o.Description,
		Value:       o.Value,
		Type:        o.Type,
		ApplyAs:     applyAs,
		Unique:      o.Source == OfferUnique,
		Fallback:    o.Fallback,
		EndsAfter:   o.EndsAfter,
	}
}

// fits reports whether the offer is for this cart.
func (d *decider) fits(o *OfferRule) bool {
	w, c := &o.When, &d.cart.Checkout
	if w.Attempt > 0 && w.Attempt != d.cart.NextAttempt() {
		return false
	}
	if w.Currency != "" && !strings.EqualFold(w.Currency, c.Currency) {
		return false
	}
	if w.MinTotal != nil || w.MaxTotal != nil {
		total, known := c.Total, true
		if w.Currency == "" {
			total, known = d.storeTotal(c)
		}
		if !known || !within(total, w.MinTotal, w.MaxTotal) {
			return false
		}
	}
	if o.Type == OfferFixed && !d.inStoreCurrency(c) && (w.Currency == "" || !strings.EqualFold(w.Currency, c.Currency)) {
		// A fixed amount is in the store's currency and means nothing in another one.
		return false
	}
	n := c.ItemCount()
	if n < w.MinItems || w.MaxItems > 0 && n > w.MaxItems {
		return false
	}
	switch w.Customer {
	case CustomerFirstTime:
		if c.Customer.Orders == nil || *c.Customer.Orders > 0 {
			return false
		}
	case CustomerReturning:
		if c.Customer.Orders == nil || *c.Customer.Orders == 0 {
			return false
		}
	}
	if len(w.Tags) > 0 && !slices.ContainsFunc(w.Tags, func(tag string) bool { return holds(c.Customer.Tags, tag) }) {
		return false
	}
	return w.HasCode == nil || *w.HasCode == (len(c.Codes) > 0)
}

// carries reports whether the cart already has the code.
func (d *decider) carries(code string) bool {
	return slices.ContainsFunc(d.cart.Checkout.Codes, func(c cart.DiscountCode) bool {
		return strings.EqualFold(c.Code, code)
	})
}

// cooling reports whether the customer had an offer too recently for another one.
func (d *decider) cooling() bool {
	if d.rules.OfferCooldown <= 0 {
		return false
	}
	since := d.now.Add(-d.rules.OfferCooldown)
	return slices.ContainsFunc(d.facts.Queried.OffersGiven, func(g GivenOffer) bool { return g.At.After(since) })
}

// overBudget reports whether the offer would cost more, if redeemed, than is left of the month's budget. For a cart in
// another currency the cost is not known: then some of the budget must be left.
func (d *decider) overBudget(o *OfferRule) bool {
	budget := d.rules.OfferBudget.Monthly
	if budget == nil {
		return false
	}
	c := &d.cart.Checkout
	total, known := d.storeTotal(c)
	if !known || o.Type == OfferFixed && !d.inStoreCurrency(c) {
		return d.facts.Queried.OfferSpend.Cmp(*budget) >= 0
	}
	cost := o.Value
	if o.Type == OfferPercentage {
		cost = total.Mul(o.Value).Div(decimal.NewFromInt(100))
	}
	return d.facts.Queried.OfferSpend.Add(cost).Cmp(*budget) > 0
}
