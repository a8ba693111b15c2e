package policy

import (
	"slices"
	"strings"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// eligible checks whether the cart is worth a call. Only rules that the store has set leave a step.
func (d *decider) eligible() bool {
	e, c := &d.rules.Eligibility, &d.cart.Checkout
	return d.eligibleTotal(e, c) || d.eligibleCountry(e, c) || d.eligibleItems(e, c) || d.eligibleCustomer(e, c)
}

func (d *decider) eligibleTotal(e *Eligibility, c *cart.Checkout) bool {
	if !e.ZeroTotal && !c.Total.IsPositive() {
		d.begin("eligibility.zero_total")
		d.say("the cart costs nothing")
		return d.watch(cart.Ineligible)
	}
	if len(e.Currencies) > 0 {
		d.begin("eligibility.currency")
		d.say(c.Currency)
		if !holds(e.Currencies, c.Currency) {
			return d.watch(cart.Ineligible)
		}
		d.ok()
	}
	if e.MinTotal == nil && e.MaxTotal == nil {
		return false
	}
	d.begin("eligibility.total")
	d.say("total ")
	d.sayAmount(c.Total)
	d.say(" ", c.Currency)
	d.sayBounds(e.MinTotal, e.MaxTotal)
	total, known := d.storeTotal(c)
	if !known {
		d.say("; the bounds are in ", d.store.Currency)
		return d.watch(cart.Ineligible)
	}
	if !d.inStoreCurrency(c) {
		d.say("; ")
		d.sayAmount(total)
		d.say(" ", d.store.Currency, " by Shopify's rate")
	}
	if !within(total, e.MinTotal, e.MaxTotal) {
		return d.watch(cart.Ineligible)
	}
	d.ok()
	return false
}

// storeTotal returns the cart's total in the store's currency; false when it is not known.
func (d *decider) storeTotal(c *cart.Checkout) (decimal.Decimal, bool) {
	m, known := c.MoneyIn(d.store.Currency)
	return m.Total, known
}

// inStoreCurrency reports whether the cart's amounts are in the store's currency.
func (d *decider) inStoreCurrency(c *cart.Checkout) bool {
	return d.store.Currency != "" && strings.EqualFold(c.Currency, d.store.Currency)
}

func (d *decider) sayBounds(low, high *decimal.Decimal) {
	if low != nil {
		d.say(", min ")
		d.sayAmount(*low)
	}
	if high != nil {
		d.say(", max ")
		d.sayAmount(*high)
	}
}

// within reports whether the amount lies between two bounds, both inclusive; nil means none.
func within(amount decimal.Decimal, low, high *decimal.Decimal) bool {
	return (low == nil || amount.Cmp(*low) >= 0) && (high == nil || amount.Cmp(*high) <= 0)
}

func (d *decider) eligibleCountry(e *Eligibility, c *cart.Checkout) bool {
	if len(e.Countries)+len(e.ExcludeCountries) == 0 {
		return false
	}
	d.begin("eligibility.country")
	number, delivery := d.cart.Country, deliveryCountry(c)
	d.say("number of ", orUnknown(number), ", delivered to ", orUnknown(delivery))
	known := false
	for _, country := range [...]string{number, delivery} {
		if country == "" {
			continue
		}
		known = true
		if len(e.Countries) > 0 && !holdsCountry(e.Countries, country) || holdsCountry(e.ExcludeCountries, country) {
			return d.watch(cart.Ineligible)
		}
	}
	if !known && len(e.Countries) > 0 {
		return d.watch(cart.Ineligible)
	}
	d.ok()
	return false
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func (d *decider) eligibleItems(e *Eligibility, c *cart.Checkout) bool {
	if e.MinItems > 0 {
		d.begin("eligibility.min_items")
		n := c.ItemCount()
		d.sayCount(n, "piece")
		d.say(", min ")
		d.sayInt(e.MinItems)
		if n < e.MinItems {
			return d.watch(cart.Ineligible)
		}
		d.ok()
	}
	return d.eligibleItem("eligibility.skus", e.SKUs, e.ExcludeSKUs, func(i *cart.Item) string { return i.SKU }) ||
		d.eligibleItem("eligibility.products", e.Products, e.ExcludeProducts,
			func(i *cart.Item) string { return i.ProductID }) ||
		d.eligibleItem("eligibility.vendors", e.Vendors, e.ExcludeVendors, func(i *cart.Item) string { return i.Vendor })
}

// eligibleItem checks that at least one item is on the one list, and none is on the other.
func (d *decider) eligibleItem(rule string, include, exclude []string, of func(*cart.Item) string) bool {
	if len(include)+len(exclude) == 0 {
		return false
	}
	d.begin(rule)
	items, wanted := d.cart.Checkout.Items, 0
	for i := range items {
		value := of(&items[i])
		if holds(exclude, value) {
			d.say("holds ", value, ", which is excluded")
			return d.watch(cart.Ineligible)
		}
		if holds(include, value) {
			wanted++
		}
	}
	if len(include) > 0 {
		d.sayCount(wanted, "item")
		d.say(" on the list")
		if wanted == 0 {
			return d.watch(cart.Ineligible)
		}
	} else {
		d.say("none excluded")
	}
	d.ok()
	return false
}

func (d *decider) eligibleCustomer(e *Eligibility, c *cart.Checkout) bool {
	// A tag may be personal data. The trace shows only tags from the store's configuration.
	return d.eligibleText("eligibility.customer_tags", "tag", e.CustomerTags, e.ExcludeCustomerTags, c.Customer.Tags) ||
		d.eligibleText("eligibility.sources", "source", e.Sources, e.ExcludeSources, []string{c.SourceName})
}

func (d *decider) eligibleText(rule, what string, include, exclude, values []string) bool {
	if len(include)+len(exclude) == 0 {
		return false
	}
	d.begin(rule)
	for _, text := range exclude {
		if holds(values, text) {
			d.say(what, " ", text, " is excluded")
			return d.watch(cart.Ineligible)
		}
	}
	if len(include) > 0 && !slices.ContainsFunc(include, func(text string) bool { return holds(values, text) }) {
		d.say("no ", what, " of those asked for")
		return d.watch(cart.Ineligible)
	}
	if len(include) > 0 {
		d.say("a ", what, " of those asked for")
	} else {
		d.say("no excluded ", what)
	}
	d.ok()
	return false
}

// holds reports whether the list has the text, in upper or lower case.
func holds(list []string, text string) bool {
	for _, entry := range list {
		if entry == text || strings.EqualFold(strings.TrimSpace(entry), strings.TrimSpace(text)) {
			return true
		}
	}
	return false
}
