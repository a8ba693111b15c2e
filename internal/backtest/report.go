package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/wording"

	"github.com/google/uuid"
)

// Report is what a backtest found. As JSON instants are RFC 3339 in UTC and absent values null.
type Report struct {
	// Carts is how many were decided; From and To are when the first and the last of them became known, null without any.
	Carts int        `json:"carts"`
	From  *time.Time `json:"from"`
	To    *time.Time `json:"to"`
	// LeftOut are the carts that could not be decided.
	LeftOut LeftOut `json:"left_out"`
	// Policy is what would come of the policy that is tried.
	Policy Result `json:"policy"`
	// Against is what comes of the one that it is compared with; null without one.
	Against *Result `json:"against"`
	// Changes counts the carts by how the policies differ on them, without those on which they agree; null without a
	// comparison.
	Changes []Change `json:"changes"`
	// Unchanged is how many carts come out the same.
	Unchanged int `json:"unchanged"`
	// Differences are the first ones, in the order of the carts.
	Differences []Difference `json:"differences"`
}

// LeftOut counts carts that could not be decided.
type LeftOut struct {
	// Erased carts have lost the data that the rules look at.
	Erased int `json:"erased"`
	// UnknownShop are the carts of shops that the policy has no rules for.
	UnknownShop int `json:"unknown_shop"`
}

// Result is what comes of a policy.
type Result struct {
	// Carts is how many the policy decided.
	Carts int `json:"carts"`
	// Called is how many carts get at least one call, Calls how many calls that makes.
	Called int `json:"called"`
	Calls  int `json:"calls"`
	// Ahead is how many of the carts are called, or given up, only after the moment of the backtest.
	Ahead int `json:"ahead"`
	// Hours counts the calls by day of the week, Monday first, and hour of the day in the store's zone.
	Hours [7][24]int `json:"hours"`
	// Offers counts the calls by the offer they give, the most frequent first; those without one stand under "".
	Offers []OfferCount `json:"offers"`
	// NotCalled counts the carts without a call by why that is, the most frequent first.
	NotCalled []ReasonCount `json:"not_called"`
}

// OfferCount is how many calls give an offer.
type OfferCount struct {
	Code  string `json:"code"`
	Calls int    `json:"calls"`
}

// ReasonCount is how many carts end for a reason.
type ReasonCount struct {
	// Action is stop, watch or wait.
	Action cart.Action `json:"action"`
	Reason cart.Reason `json:"reason"`
	Carts  int         `json:"carts"`
}

// Change is how many carts differ in one way.
type Change struct {
	Kind  Kind `json:"kind"`
	Carts int  `json:"carts"`
}

// Difference is one cart on which the policies differ.
type Difference struct {
	CartID uuid.UUID `json:"cart_id"`
	Shop   string    `json:"shop"`
	// CheckoutToken is the checkout's, by which the cart is found where its id was made up for recorded webhooks.
	CheckoutToken string `json:"checkout_token"`
	Kind          Kind   `json:"kind"`
	// Rule is the first one in the trace whose verdict differs, or which saw something else.
	Rule string `json:"rule"`
	// Was and Is are the two sides.
	Was Side `json:"was"`
	Is  Side `json:"is"`

	number int
	zone   *time.Location
}

// Side is what comes of a cart under one policy.
type Side struct {
	// CalledAt is when the first call is made; null without one.
	CalledAt *time.Time `json:"called_at"`
	Calls    int        `json:"calls"`
	// Offers are the codes given, call by call; "" for a call without one.
	Offers []string    `json:"offers"`
	Action cart.Action `json:"action"`
	Reason cart.Reason `json:"reason"`
	// Step is the rule's line in the trace; null when the rule was not looked at.
	Step *cart.Step `json:"step"`
}

// tally makes a report.
type tally struct {
	options Options
	report  Report
	results []*counter
	changes map[Kind]int
}

// counter makes a Result.
type counter struct {
	Result
	offers  map[string]int
	reasons map[ReasonCount]int
}

func newTally(o Options) *tally {
	t := &tally{options: o, changes: map[Kind]int{}}
	for _, p := range []Policy{o.Policy, o.Against} {
		if p != nil {
			t.results = append(t.results, &counter{offers: map[string]int{}, reasons: map[ReasonCount]int{}})
		}
	}
	return t
}

// takes counts a cart that was read and reports whether it can be decided.
func (t *tally) takes(c *Cart) bool {
	_, known := t.options.Policy[c.Shop]
	switch {
	case c.Erased:
		t.report.LeftOut.Erased++
		return false
	case !known:
		t.report.LeftOut.UnknownShop++
		return false
	}
	t.report.Carts++
	at := c.KnownAt().UTC()
	if t.report.From == nil || at.Before(*t.report.From) {
		t.report.From = &at
	}
	if t.report.To == nil || at.After(*t.report.To) {
		t.report.To = &at
	}
	return true
}

// count adds a cart that every policy has settled.
func (t *tally) count(number int, p *pair) {
	for i, c := range t.results {
		if p.settled[i] {
			c.add(&p.outcomes[i], t.zone(p.cart.Shop), t.options.Now)
		}
	}
	if !p.settled[0] || !p.settled[1] {
		return
	}
	is, was := &p.outcomes[0], &p.outcomes[1]
	kind, on := compare(was, is)
	if kind == "" {
		t.report.Unchanged++
		return
	}
	t.changes[kind]++
	t.show(number, p.cart, kind, on, was, is)
}

func (t *tally) zone(shop string) *time.Location { return t.options.Policy[shop].location() }

// show keeps a difference if it is among the first.
func (t *tally) show(number int, c *Cart, k Kind, on int, was, is *outcome) {
	all := t.report.Differences
	at, _ := slices.BinarySearchFunc(all, number, func(d Difference, n int) int { return cmp.Compare(d.number, n) })
	if at == shownDifferences {
		return
	}
	before, after := because(k, on, was, is)
	d := Difference{
		CartID: c.ID, Shop: c.Shop, CheckoutToken: c.Token, Kind: k, Rule: ruleOf(before, after), Was: side(was, before), Is: side(is, after),
		number: number, zone: t.zone(c.Shop),
	}
	all = slices.Insert(all, at, d)
	t.report.Differences = all[:min(len(all), shownDifferences)]
}

func side(o *outcome, s *cart.Step) Side {
	told := Side{Calls: len(o.calls), Offers: make([]string, len(o.calls)), Action: o.action, Reason: o.reason}
	for i, c := range o.calls {
		told.Offers[i] = c.Offer
	}
	if o.called() {
		at := o.calls[0].At.UTC()
		told.CalledAt = &at
	}
	if s != nil {
		own := *s
		told.Step = &own
	}
	return told
}

func (c *counter) add(o *outcome, zone *time.Location, now time.Time) {
	c.Carts++
	if o.decidedAt().After(now) {
		c.Ahead++
	}
	if !o.called() {
		c.reasons[ReasonCount{Action: o.action, Reason: o.reason}]++
		return
	}
	c.Called++
	c.Calls += len(o.calls)
	for _, made := range o.calls {
		local := made.At.In(zone)
		c.Hours[(int(local.Weekday())+6)%7][local.Hour()]++
		c.offers[made.Offer]++
	}
}

func (c *counter) finish() Result {
	c.Offers, c.NotCalled = []OfferCount{}, []ReasonCount{}
	for code, n := range c.offers {
		c.Offers = append(c.Offers, OfferCount{code, n})
	}
	slices.SortFunc(c.Offers, func(a, b OfferCount) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Code, b.Code))
	})
	for r, n := range c.reasons {
		r.Carts = n
		c.NotCalled = append(c.NotCalled, r)
	}
	slices.SortFunc(c.NotCalled, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Carts, a.Carts), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Reason, b.Reason))
	})
	return c.Result
}

func (t *tally) finish() Report {
	r := t.report
	r.Policy = t.results[0].finish()
	if len(t.results) == 1 {
		return r
	}
	against := t.results[1].finish()
	r.Against, r.Changes = &against, []Change{}
	for _, k := range kinds {
		if n := t.changes[k]; n > 0 {
			r.Changes = append(r.Changes, Change{k, n})
		}
	}
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	return r
}

// reasonSays is why carts are not called, as a sentence.
func reasonSays(r ReasonCount) string {
	if r.Reason == cart.Ordered {
		return "The customer bought before a call was due."
	}
	return wording.ReasonSentence(r.Reason)
}
