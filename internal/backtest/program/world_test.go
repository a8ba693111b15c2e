package program

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// world plays carts through lifecycle.Apply event by event, with customers and a provider that behave as planned. It
// looks at its facts the slow way, in all carts at once, and shares no code with the replay.
type world struct {
	rules        map[string]lifecycle.Rules
	now          time.Time
	carts        []*played
	tasks        []task
	suppressions []suppressed
	orders       []ordered
}

// The tasks of one moment, in their order.
const (
	fromOutside = iota
	fromProvider
	wakeUp
	giveLine
)

type task struct {
	at   time.Time
	rank int
	cart int
	do   func()
}

type suppressed struct {
	scope, phone, source string
	at                   time.Time
}

type ordered struct {
	shop, phone string
	cart        int
	order       cart.Order
}

// played is a cart of the world.
type played struct {
	plan   cartPlan
	number int
	cart   cart.Cart
	ledger []cart.Entry
	sent   int
	// dead are the calls that the provider has stopped.
	dead map[uuid.UUID]bool
	// ended is the cart as it was when it came to its end, nil until then.
	ended *cart.Cart
}

// cartPlan is what becomes of a cart from outside, in seconds since monday.
type cartPlan struct {
	shop    string
	person  int
	total   int64
	consent bool
	touches []int
	// bought, deleted, cancelled, forced and optedOut are -1 when they do not happen.
	bought, deleted, cancelled, forced, optedOut int
	// withCode is true when the order uses the code of the last call.
	withCode bool
	calls    []callPlan
}

// callPlan is how the provider and the customer take a call.
type callPlan struct {
	refused, rescheduled bool
	rings                int
	answers              bool
	took                 int
	outcome              cart.Outcome
	// unfinished leaves out the provider's last word.
	unfinished bool
	insights   cart.Insights
	// callback is when the customer asks to be called, in minutes after the end of the call; 0 for no time.
	callback int
}

func drawCall(t *rapid.T) callPlan {
	c := callPlan{
		refused: rapid.IntRange(0, 19).Draw(t, "refused") == 0, rescheduled: rapid.IntRange(0, 9).Draw(t, "rescheduled") == 0,
		rings: rapid.IntRange(1, 3).Draw(t, "rings"), took: rapid.IntRange(120, 1500).Draw(t, "took"),
		outcome: rapid.SampledFrom([]cart.Outcome{
			cart.NoAnswer, cart.NoAnswer, cart.Busy, cart.Failed, cart.Completed, cart.Completed, cart.Timeout, cart.Skipped, cart.Lost,
		}).Draw(t, "outcome"),
		unfinished: rapid.IntRange(0, 3).Draw(t, "unfinished") == 0,
	}
	switch c.outcome {
	case cart.Completed, cart.Timeout:
		c.answers = true
		said := rapid.IntRange(0, 9).Draw(t, "said")
		c.insights = cart.Insights{OptedOut: said == 0, Declined: said == 1, Interested: said == 2, Callback: said > 5}
		if said > 7 {
			c.callback = rapid.IntRange(-120, 3000).Draw(t, "callback")
		}
	case cart.Lost:
		c.answers = rapid.Bool().Draw(t, "answers")
	}
	return c
}

func drawPlans(t *rapid.T) []cartPlan {
	// Every event from outside has a second of its own.
	second := 0
	moment := func(name string, from, to int) int {
		second++
		return rapid.IntRange(from, to).Draw(t, name)*3600 + second
	}
	maybe := func(name string, after int) int {
		if rapid.IntRange(0, 4).Draw(t, name) > 0 {
			return -1
		}
		return after + moment(name+" after", 0, 60)
	}
	plans := make([]cartPlan, rapid.IntRange(1, 8).Draw(t, "carts"))
	for i := range plans {
		p := &plans[i]
		p.shop = rapid.SampledFrom([]string{acme, acme, bazar}).Draw(t, "shop")
		p.person = rapid.IntRange(1, 3).Draw(t, "person")
		p.total = rapid.Int64Range(500, 5000).Draw(t, "total")
		p.consent = rapid.IntRange(0, 5).Draw(t, "consent") > 0
		began := moment("began", 0, 100)
		p.touches = []int{began}
		for range rapid.IntRange(0, 2).Draw(t, "touches") {
			p.touches = append(p.touches, began+moment("touched after", 0, 40))
		}
		p.bought, p.deleted, p.cancelled = maybe("bought", began), maybe("deleted", began), maybe("cancelled", began)
		p.forced, p.optedOut = maybe("forced", began), maybe("opted out", began)
		p.withCode = rapid.Bool().Draw(t, "with code")
		for range 4 {
			p.calls = append(p.calls, drawCall(t))
		}
	}
	slices.SortFunc(plans, func(a, b cartPlan) int { return cmp.Compare(a.touches[0], b.touches[0]) })
	return plans
}

// drawPolicy draws changes of the policy of configured.
func drawPolicy(t *rapid.T) func(*policy.Rules) {
	delay := rapid.SampledFrom([]time.Duration{0, 20 * time.Minute, 3 * time.Hour}).Draw(t, "delay")
	spacing := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 5 * time.Hour}).Draw(t, "spacing")
	attempts, daily := rapid.IntRange(1, 4).Draw(t, "attempts"), rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "daily")
	perPhone, holdout := rapid.IntRange(0, 3).Draw(t, "per phone"), rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "holdout")
	always, budget := rapid.Bool().Draw(t, "always open"), rapid.SampledFrom([]int64{0, 300}).Draw(t, "budget")
	return func(r *policy.Rules) {
		r.Delay, r.Attempts.Max, r.Holdout, r.Caps = delay, attempts, holdout, policy.Caps{DailyCalls: daily}
		r.Attempts.Spacing = policy.Spacing{
			NoAnswer: spacing, Voicemail: spacing, Busy: spacing, Failed: spacing, Timeout: spacing, Lost: spacing,
		}
		r.ExpiresAfter = 12 * 24 * time.Hour
		if always {
			r.Windows = []policy.Window{{From: "00:00", To: "24:00"}}
		}
		if perPhone > 0 {
			r.Caps.PerPhone = []policy.Cap{{Calls: perPhone, Every: 24 * time.Hour}}
		}
		r.Offers = []policy.OfferRule{
			{When: policy.OfferWhen{Attempt: 2}, Code: "AGAIN10", Value: decimal.NewFromInt(10), Type: policy.OfferPercentage},
			{When: policy.OfferWhen{MinTotal: ptr(decimal.NewFromInt(2000))}, Code: "LESS100", Value: decimal.NewFromInt(100), Type: policy.OfferFixed},
		}
		r.OfferCooldown = 24 * time.Hour
		if budget > 0 {
			r.OfferBudget.Monthly = ptr(decimal.NewFromInt(budget))
		}
	}
}

func ptr[T any](v T) *T { return &v }

func newWorld(p backtest.Policy, plans []cartPlan, ours bool) *world {
	w := &world{rules: map[string]lifecycle.Rules{}, now: monday}
	for shop, s := range p {
		w.rules[shop] = lifecycle.Rules{Policy: s.Rules, Country: s.Country, Voice: lifecycle.Voice{
			Provider: "mirai", Assistant: "a", Silence: 15 * time.Minute, OurRetries: ours, CanAbort: true, CanUpdate: true,
		}}
	}
	for n, plan := range plans {
		c := &played{plan: plan, number: n, dead: map[uuid.UUID]bool{}}
		c.cart = cart.Cart{ID: id(n), Shop: plan.shop, Token: fmt.Sprintf("token-%d", n)}
		w.carts = append(w.carts, c)
		w.plan(c)
	}
	return w
}

// plan puts what is to come from outside on the agenda.
func (w *world) plan(c *played) {
	on := func(second int, do func()) {
		if second >= 0 {
			w.on(monday.Add(time.Duration(second)*time.Second), fromOutside, c, do)
		}
	}
	for _, second := range c.plan.touches {
		on(second, func() { w.apply(c, cart.CheckoutSeen{Checkout: c.checkout(w.now), Via: cart.ViaWebhook}) })
	}
	on(c.plan.bought, func() { w.buys(c) })
	on(c.plan.deleted, func() { w.apply(c, cart.CheckoutDeleted{}) })
	on(c.plan.cancelled, func() {
		if !c.cart.State.Settled() {
			w.apply(c, cart.OperatorCancelled{})
		}
	})
	on(c.plan.forced, func() { w.apply(c, cart.OperatorCalled{}) })
	on(c.plan.optedOut, func() {
		scope := c.plan.shop
		if c.number%2 == 0 {
			scope = ""
		}
		w.suppress(scope, number(c.plan.person), "api")
		for _, other := range w.carts {
			if other.plan.person == c.plan.person && (scope == "" || other.plan.shop == scope) && !other.cart.State.Settled() {
				w.apply(other, cart.OptOut{Source: "api"})
			}
		}
	})
}

func (w *world) on(at time.Time, rank int, c *played, do func()) {
	w.tasks = append(w.tasks, task{at, rank, c.number, do})
}

func (c *played) checkout(now time.Time) cart.Checkout {
	began := monday.Add(time.Duration(c.plan.touches[0]) * time.Second)
	phone := number(c.plan.person)
	return cart.Checkout{
		Token: c.cart.Token, Currency: "INR", Total: decimal.NewFromInt(c.plan.total), AcceptsSMS: &c.plan.consent, SMSPhone: phone,
		Phones:    []cart.RawPhone{{From: "shipping", Number: phone, Country: "IN"}},
		Items:     []cart.Item{{Title: "Kurta", Quantity: 1, Price: decimal.NewFromInt(c.plan.total)}},
		CreatedAt: began, UpdatedAt: now,
	}
}

// run plays until nothing more is to come.
func (w *world) run() {
	for {
		next, found := task{}, false
		consider := func(t task) {
			if !found || w.before(t, next) {
				next, found = t, true
			}
		}
		for _, t := range w.tasks {
			consider(t)
		}
		for _, c := range w.carts {
			switch {
			case c.cart.WakeAt != nil:
				consider(task{*c.cart.WakeAt, wakeUp, c.number, func() { w.apply(c, cart.Woken{}) }})
			case c.cart.State == cart.Ready:
				consider(task{w.now, giveLine, c.number, func() { w.apply(c, cart.LineFree{CallID: uuid.Must(uuid.NewV7())}) }})
			}
		}
		if !found {
			return
		}
		if next.at.After(w.now) {
			w.now = next.at
		}
		if i := slices.IndexFunc(w.tasks, func(t task) bool { return t.rank == next.rank && t.at.Equal(next.at) && t.cart == next.cart }); i >= 0 {
			next = w.tasks[i]
			w.tasks = slices.Delete(w.tasks, i, i+1)
		}
		next.do()
	}
}

func (w *world) before(a, b task) bool {
	worth := 0
	if a.rank >= wakeUp {
		worth = -w.carts[a.cart].cart.Checkout.Total.Cmp(w.carts[b.cart].cart.Checkout.Total)
	}
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank), worth, cmp.Compare(a.cart, b.cart)) < 0
}

func (w *world) apply(c *played, e cart.Event) {
	if c.cart.State == "" && e.Name() != "checkout" {
		return
	}
	var queried *policy.QueriedFacts
	switch e := e.(type) {
	case cart.Woken, cart.LineFree:
		queried = w.queried(c, uuid.Nil)
	case cart.SendBegun:
		queried = w.queried(c, e.CallID)
	}
	result := lifecycle.Apply(c.cart, e, w.rules[c.plan.shop], policy.Facts{Queried: queried}, w.now)
	c.cart = result.Cart
	for _, effect := range result.Effects {
		if r, is := effect.(lifecycle.Record); is {
			c.ledger = append(c.ledger, r.Entry)
		}
	}
	for _, effect := range result.Effects {
		w.enact(c, effect)
	}
	if c.ended == nil && c.cart.State.Settled() && c.cart.OpenCall() == nil {
		end := c.cart
		c.ended = &end
	}
}

func (w *world) enact(c *played, effect lifecycle.Effect) {
	switch f := effect.(type) {
	case lifecycle.Place:
		w.apply(c, cart.SendBegun{CallID: f.CallID, TokenHash: f.CallID[:]})
	case lifecycle.Send:
		w.dial(c, f.CallID)
	case lifecycle.Abort:
		w.on(w.now.Add(time.Second), fromProvider, c, func() {
			c.dead[f.CallID] = true
			w.apply(c, cart.AbortAnswered{CallID: f.CallID, Accepted: true})
		})
	case lifecycle.Watch:
		w.watch(c, f.CallID, f.At)
	case lifecycle.Suppress:
		w.suppress(c.cart.Shop, c.cart.Phone, f.Source)
	case lifecycle.SupersedeOlder:
		if active(c.cart.State) {
			for _, older := range w.carts {
				same := older != c && older.cart.Shop == c.cart.Shop && older.cart.Phone == c.cart.Phone
				if same && newerThan(&c.cart, &older.cart) {
					w.apply(older, cart.NewerCart{})
				}
			}
		}
	}
}

func (w *world) watch(c *played, call uuid.UUID, at time.Time) {
	w.on(at, fromProvider, c, func() {
		open := c.cart.Call(call)
		switch {
		case !open.State.Open() || open.WatchAt == nil:
		case open.WatchAt.After(w.now):
			w.watch(c, call, *open.WatchAt)
		default:
			w.apply(c, cart.CallSilent{CallID: call})
		}
	})
}

// dial plays the provider and the customer.
func (w *world) dial(c *played, call uuid.UUID) {
	p := c.plan.calls[c.sent%len(c.plan.calls)]
	c.sent++
	if p.refused {
		w.apply(c, cart.PlaceRefused{CallID: call, Invalid: true, Error: "no"})
		return
	}
	w.apply(c, cart.PlaceAccepted{CallID: call, ProviderCallID: "p-" + call.String()})
	tells := func(after int, kind cart.ReportKind, in cart.Insights) {
		at := w.now.Add(time.Duration(after) * time.Second)
		w.on(at, fromProvider, c, func() {
			if c.dead[call] {
				return
			}
			r := cart.Report{Kind: kind, At: w.now, Insights: in}
			w.apply(c, cart.CallReported{CallID: call, Report: r, Digest: fmt.Appendf(nil, "%s %s", kind, w.now)})
		})
	}
	none := cart.Insights{}
	if p.rescheduled {
		tells(1, cart.ReportRescheduled, none)
	}
	for n := range p.rings {
		tells(1+n, cart.ReportRinging, none)
	}
	if p.answers {
		tells(100, cart.ReportTalking, none)
	}
	in := p.insights
	if p.callback != 0 {
		at := w.now.Add(time.Duration(p.took)*time.Second + time.Duration(p.callback)*time.Minute)
		in.CallbackAt = &at
	}
	switch p.outcome {
	case cart.Lost:
	case cart.Completed, cart.Timeout:
		end := cart.ReportHungUp
		if p.outcome == cart.Timeout {
			end = cart.ReportTimeout
		}
		tells(p.took, end, none)
		tells(p.took+3, cart.ReportAnalysed, in)
		tells(p.took+3, cart.ReportFinished, none)
	default:
		tells(p.took, cart.ReportKind(p.outcome), none)
		if !p.unfinished && p.outcome != cart.Skipped {
			tells(p.took+2, cart.ReportFinished, none)
		}
	}
}

// buys lets the customer buy the cart; what else they left in the shop is not needed any more.
func (w *world) buys(c *played) {
	if c.cart.State == cart.Purchased {
		return
	}
	o := cart.Order{
		ID: fmt.Sprint(9000 + c.number), Total: c.cart.Checkout.Total, Currency: "INR", CreatedAt: w.now, UpdatedAt: w.now,
	}
	if last := c.cart.LastDialled(); c.plan.withCode && last != nil && last.Offer != nil {
		o.Codes = []string{last.Offer.Code}
	}
	phone := number(c.plan.person)
	w.orders = append(w.orders, ordered{c.plan.shop, phone, c.number, o})
	w.apply(c, cart.OrderSeen{Order: o, Match: cart.MatchCheckout})
	for _, other := range w.carts {
		if other != c && other.plan.shop == c.plan.shop && other.plan.person == c.plan.person {
			w.apply(other, cart.OrderSeen{Order: o, Match: cart.MatchPhone, Other: true})
		}
	}
}

func (w *world) suppress(scope, phone, source string) {
	if !slices.ContainsFunc(w.suppressions, func(s suppressed) bool { return s.scope == scope && s.phone == phone }) {
		w.suppressions = append(w.suppressions, suppressed{scope, phone, source, w.now})
	}
}

func active(s cart.State) bool { return s == cart.Waiting || s == cart.Ready || s == cart.Calling }

func newerThan(c, other *cart.Cart) bool {
	return cmp.Or(c.LastActivityAt.Compare(other.LastActivityAt), bytes.Compare(c.ID[:], other.ID[:])) > 0
}

// queried loads the facts about a cart, without the call except.
func (w *world) queried(c *played, except uuid.UUID) *policy.QueriedFacts {
	n := &policy.QueriedFacts{}
	for _, s := range w.suppressions {
		switch {
		case s.phone != c.cart.Phone:
		case s.scope == "":
			n.Suppressed = policy.ScopeAll
		case s.scope == c.cart.Shop && n.Suppressed == "":
			n.Suppressed = policy.ScopeShop
		}
	}
	for _, o := range w.orders {
		n.Ordered = n.Ordered || o.shop == c.cart.Shop && o.phone == c.cart.Phone && !o.order.CreatedAt.Before(c.cart.Checkout.CreatedAt)
	}
	for _, other := range w.carts {
		k := &other.cart
		for i := range k.Calls {
			if call := &k.Calls[i]; call.State != cart.Rejected && call.ID != except {
				w.addCall(n, c, other, call)
			}
		}
		if other == c || k.Shop != c.cart.Shop {
			continue
		}
		if k.Phone == c.cart.Phone && active(k.State) && newerThan(k, &c.cart) {
			n.NewerCart = &k.ID
		}
	}
	for _, other := range w.carts {
		n.OfferSpend = n.OfferSpend.Add(w.cost(c, other))
	}
	return n
}

func (w *world) addCall(n *policy.QueriedFacts, c, other *played, call *cart.Call) {
	at := call.CreatedAt
	if call.SentAt != nil {
		at = *call.SentAt
	}
	if other.cart.Shop == c.cart.Shop {
		n.ShopCalls = append(n.ShopCalls, at)
	}
	if call.Phone != c.cart.Phone {
		return
	}
	for range max(call.Dials, 1) {
		n.Dials = append(n.Dials, policy.Dial{At: at, Shop: other.cart.Shop, Refused: call.Insights.OptedOut || call.Insights.Declined})
	}
	if other == c {
		return
	}
	n.OpenCall = n.OpenCall || call.State.Open()
	if other.cart.Shop == c.cart.Shop && call.SentAt != nil && call.Offer != nil && call.OfferFate.Given() {
		n.OffersGiven = append(n.OffersGiven, policy.GivenOffer{At: at, Code: call.Offer.Code})
	}
}

// cost is what another cart's offer cost the cart's shop this month. The world lies within one month.
func (w *world) cost(c, other *played) decimal.Decimal {
	k := &other.cart
	if k.Shop != c.cart.Shop || k.Attribution != cart.ByOffer {
		return decimal.Decimal{}
	}
	for i := len(k.Calls) - 1; i >= 0; i-- {
		if o := k.Calls[i].Offer; o != nil {
			if o.Type == policy.OfferPercentage {
				return k.Order.Total.Mul(o.Value).Div(decimal.NewFromInt(100))
			}
			return o.Value
		}
	}
	return decimal.Decimal{}
}

// outcome is what became of a cart, as a replay tells it.
func (c *played) outcome() backtest.Outcome {
	o := backtest.Outcome{CartID: c.cart.ID, Action: cart.ActStop, Calls: []backtest.Call{}}
	if c.ended == nil {
		o.Action, o.Reason = cart.ActWatch, c.cart.Reason
	} else {
		o.Reason = c.ended.Reason
	}
	for i := range c.cart.Calls {
		if call := &c.cart.Calls[i]; call.Dialled() {
			made := backtest.Call{At: *call.SentAt, Priority: call.Priority}
			if call.Offer != nil {
				made.Offer = call.Offer.Code
			}
			o.Calls = append(o.Calls, made)
		}
	}
	return o
}
