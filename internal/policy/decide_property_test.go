package policy

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/zoneinfo"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// question is everything that a decision depends on.
type question struct {
	rules Rules
	store Store
	facts Facts
	now   time.Time
}

func (q *question) decide() cart.Decision { return Decide(&q.rules, q.facts, q.now) }

// mayCall reports whether nothing stands against a call, as far as the facts went.
func mayCall(d cart.Decision) bool { return d.Action == cart.ActCall || d.Action == cart.ActLook }

// seldom is true about once in fifty times: rapid draws small numbers far more often than large ones.
func seldom(t *rapid.T, label string) bool { return rapid.IntRange(0, 31).Draw(t, label) == 21 }

func drawHours(t *rapid.T, label string, low, high int) time.Duration {
	return time.Duration(rapid.IntRange(low*4, high*4).Draw(t, label)) * 15 * time.Minute
}

func drawQuestion(t *rapid.T) *question {
	q := &question{store: rapid.SampledFrom(stores).Draw(t, "store")}
	from := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	q.now = from.Add(time.Duration(rapid.Int64Range(0, 365*24*3600).Draw(t, "now")) * time.Second)
	if rapid.Bool().Draw(t, "office hours") {
		// Where most carts can be called.
		q.now = time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 14,
			rapid.IntRange(4, 16).Draw(t, "hour"), 10, 0, 0, time.UTC)
	}
	q.rules = drawRules(t, q.now)
	require.Empty(t, q.rules.Problems())
	require.NoError(t, q.rules.Compile(q.store))
	q.facts = drawFacts(t, q)
	return q
}

func drawRules(t *rapid.T, now time.Time) Rules {
	r := DefaultRules()
	r.Consent = rapid.SampledFrom([]Bases{On(ConsentNotRequired), On(ConsentNotRequired), On(ConsentNotRequired),
		On(ConsentSMS), On(ConsentMarketing), On("attribute:call"), {{"attribute:call", "voice"}},
		{{ConsentSMS, ""}, {"attribute:call", "voice"}}}).Draw(t, "consent")
	if rapid.IntRange(0, 4).Draw(t, "strict") > 0 {
		r.AcceptWeakerConsent = allRows()
	}
	r.Delay = drawHours(t, "delay", 0, 5)
	r.ExpiresAfter = drawHours(t, "expires", 6, 24*9) + 48*time.Hour
	switch rapid.SampledFrom([]string{"always", "default", "always", "drawn"}).Draw(t, "windows") {
	case "always":
		r.Windows = []Window{{From: "00:00", To: "24:00"}}
	case "drawn":
		r.Windows = drawWindows(t)
	}
	r.Timezone = rapid.SampledFrom([]string{ZoneCustomer, ZoneStore}).Draw(t, "timezone")
	r.QuietHours = rapid.SampledFrom([]string{QuietBuiltin, QuietOff, QuietBuiltin}).Draw(t, "quiet")
	if seldom(t, "holiday") {
		r.Holidays = []string{now.Format(time.DateOnly)}
	}
	if rapid.Bool().Draw(t, "AE on") {
		r.Jurisdictions = map[string]Override{"AE": {Calls: "on"}}
	}
	if seldom(t, "min total") {
		r.Eligibility.MinTotal = amount("1000")
	}
	if seldom(t, "countries") {
		r.Eligibility.Countries = []string{"IN", "US"}
	}
	r.Attempts.Max = rapid.SampledFrom([]int{3, 4, 3, 2, 1}).Draw(t, "max")
	r.Attempts.Spacing.Backoff = rapid.SampledFrom([]float64{0, 1, 1.5, 3}).Draw(t, "backoff")
	r.Attempts.Spacing.OtherTimeOfDay = seldom(t, "other time of day")
	r.Caps.PerPhone = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Cap {
		return Cap{
			Calls: rapid.IntRange(1, 4).Draw(t, "calls"),
			Every: drawHours(t, "every", 1, 24*8),
			Scope: rapid.SampledFrom([]string{"", ScopeAll, ScopeShop}).Draw(t, "scope"),
		}
	}), 0, 3).Draw(t, "caps")
	r.Caps.DailyCalls = rapid.SampledFrom([]int{0, 0, 2, 5}).Draw(t, "daily")
	r.Holdout = rapid.SampledFrom([]float64{0, 0, 0.3}).Draw(t, "holdout")
	r.OfferCooldown = rapid.SampledFrom([]time.Duration{0, 72 * time.Hour}).Draw(t, "cooldown")
	r.Offers = rapid.SampledFrom([][]OfferRule{nil, {
		{When: OfferWhen{Attempt: 2}, Code: "SECOND", Value: decimal.NewFromInt(10), Type: OfferPercentage},
		{When: OfferWhen{MinTotal: amount("1000")}, Code: "LARGE", Value: decimal.NewFromInt(100), Type: OfferFixed},
	}}).Draw(t, "offers")
	return r
}

// secrets stand in the drawn carts; no trace may hold one.
var secrets = []string{"Zebedee", "zebedee@example.com", "12 Hidden Lane", "yes-secretly", "tag-of-a-person"}

func drawFacts(t *rapid.T, q *question) Facts {
	c := drawPerson(t)
	c.State = rapid.SampledFrom([]cart.State{"", cart.Watching, cart.Waiting, cart.Waiting, cart.Ready,
		cart.Ready}).Draw(t, "state")
	if seldom(t, "settled") {
		c.State = rapid.SampledFrom([]cart.State{cart.Purchased, cart.Stopped}).Draw(t, "settled state")
		c.Reason = cart.Expired
	}
	if seldom(t, "no phone") {
		c.Phone = ""
	}
	if seldom(t, "completed") {
		c.Checkout.CompletedAt = &q.now
	}
	c.LastActivityAt = q.now.Add(-drawHours(t, "since activity", 0, 24*4))
	yes := rapid.Custom(func(t *rapid.T) *bool {
		v := rapid.SampledFrom([]string{"yes", "yes", "yes", "yes", "yes", "yes", "no", ""}).Draw(t, "answer")
		if v == "" {
			return nil
		}
		b := v == "yes"
		return &b
	})
	k := &c.Checkout
	k.AcceptsSMS, k.AcceptsMarketing = yes.Draw(t, "sms"), yes.Draw(t, "marketing")
	k.Attributes = map[string]string{"call": rapid.SampledFrom([]string{"yes", "yes", "true", "no", "",
		secrets[3]}).Draw(t, "attribute")}
	k.Currency = rapid.SampledFrom([]string{q.store.Currency, q.store.Currency, "EUR"}).Draw(t, "currency")
	k.Total = decimal.New(rapid.Int64Range(1, 300000).Draw(t, "total"), -2)
	k.Email, k.Customer.FirstName, k.Customer.Tags = secrets[1], secrets[0], []string{secrets[4]}
	if k.Shipping != nil {
		k.Shipping.Address1 = secrets[2]
	}
	drawCalls(t, q, c)
	if seldom(t, "callback") {
		at := q.now.Add(drawHours(t, "callback in", -24, 72))
		c.CallbackAt = &at
	}
	f := Facts{Cart: c, Forced: seldom(t, "forced")}
	f.Shop.Paused, f.Shop.Breaker, f.Shop.Uninstalled = seldom(t, "paused"), seldom(t, "breaker"), seldom(t, "uninstalled")
	if rapid.Bool().Draw(t, "breaker ends") {
		at := q.now.Add(drawHours(t, "breaker until", -2, 10))
		f.Shop.BreakerUntil = &at
	}
	if rapid.IntRange(0, 3).Draw(t, "queried") > 0 {
		f.Queried = drawQueried(t, q, c)
	}
	return f
}

func drawCalls(t *rapid.T, q *question, c *cart.Cart) {
	n := rapid.IntRange(0, 2).Draw(t, "attempts")
	at := q.now
	for i := range n {
		at = at.Add(-drawHours(t, "call ago", 0, 40))
		sent, ended := at, at.Add(time.Minute)
		c.Calls = append(c.Calls, cart.Call{
			ID: uuid.Must(uuid.NewV7()), Attempt: n - i, State: cart.Closed, SentAt: &sent, EndedAt: &ended, CreatedAt: sent,
			Outcome: rapid.SampledFrom([]cart.Outcome{
				cart.NoAnswer, cart.NoAnswer, cart.Busy, cart.NoAnswer, cart.Failed, cart.Timeout, cart.Lost, cart.Aborted, cart.Busy, cart.Completed,
			}).Draw(t, "outcome"),
		})
	}
	slices.Reverse(c.Calls)
	c.Attempts = n
	if n > 0 {
		c.Arm = cart.ArmCall
	}
	if seldom(t, "under way") {
		sent := q.now.Add(-time.Minute)
		c.Calls = append(c.Calls,
			cart.Call{ID: uuid.Must(uuid.NewV7()), Attempt: n + 1, State: cart.Placed, SentAt: &sent, CreatedAt: sent})
		c.Attempts++
	}
}

func drawQueried(t *rapid.T, q *question, c *cart.Cart) *QueriedFacts {
	queried := &QueriedFacts{Ordered: seldom(t, "ordered"), OpenCall: seldom(t, "open call")}
	if seldom(t, "suppressed") {
		queried.Suppressed = rapid.SampledFrom([]string{"shop", "all"}).Draw(t, "scope")
	}
	if seldom(t, "newer cart") {
		id := uuid.Must(uuid.NewV7())
		queried.NewerCart = &id
	}
	for _, call := range c.Calls {
		queried.Dials = append(queried.Dials, Dial{At: *call.SentAt, Shop: c.Shop})
	}
	for range rapid.IntRange(0, 4).Draw(t, "other dials") {
		queried.Dials = append(queried.Dials, Dial{
			At:      q.now.Add(-drawHours(t, "dial ago", 0, 24*10)),
			Shop:    rapid.SampledFrom([]string{testShop, "other.myshopify.com"}).Draw(t, "dial shop"),
			Refused: seldom(t, "refused"),
		})
	}
	for range rapid.IntRange(0, 5).Draw(t, "shop calls") {
		queried.ShopCalls = append(queried.ShopCalls, q.now.Add(-drawHours(t, "shop call ago", 0, 25)))
	}
	if seldom(t, "offered") {
		queried.OffersGiven = []GivenOffer{{At: q.now.Add(-drawHours(t, "offered ago", 0, 100))}}
	}
	return queried
}

func TestDecide_CallsNobodyAgainstARule(t *testing.T) {
	t.Parallel()
	calls := 0
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		d := q.decide()
		if !mayCall(d) {
			return
		}
		c, f, r := q.facts.Cart, &q.facts, &q.rules
		o := newOracle(r, c)
		if !o.allows(q.now) {
			t.Fatalf("called at %s, outside the hours", q.now)
		}
		if c.State.Settled() || c.Checkout.CompletedAt != nil || c.Phone == "" || f.Shop.Uninstalled || f.Shop.Paused {
			t.Fatalf("called a cart that is %q, or of a shop that is paused or gone", c.State)
		}
		if f.Shop.Breaker && (f.Shop.BreakerUntil == nil || f.Shop.BreakerUntil.After(q.now)) {
			t.Fatal("called while the shop paused itself")
		}
		accepted := func(b *bool) bool { return b != nil && *b }
		proved, holds := false, false
		for _, b := range r.Consent {
			said := b.Basis == ConsentNotRequired || b.Basis == ConsentSMS && accepted(c.Checkout.AcceptsSMS) ||
				b.Basis == ConsentMarketing && accepted(c.Checkout.AcceptsMarketing) ||
				b.Basis == "attribute:call" && slices.Contains([]string{"yes", "true"}, c.Checkout.Attributes["call"])
			proved, holds = proved || said && b.Proves == cart.ProvesVoice, holds || said
		}
		require.True(t, holds, "called without the store's consent")
		require.NotNil(t, d.Consent)
		for _, p := range o.person.places {
			day, err := parseDate(q.now.In(o.person.zones[0].loc).Format(time.DateOnly))
			require.NoError(t, err)
			if k := p.row.on(day); k != nil && len(r.AcceptWeakerConsent) == 0 && !slices.Contains(k.consent, NeedsNone) {
				require.True(t, proved && slices.Contains(k.consent, NeedsVoice), "called in %s without the law's consent",
					p.row.key)
			}
		}
		if c.OpenCall() != nil {
			t.Fatal("called twice at once")
		}
		if !f.Forced && c.Attempts >= r.Attempts.Max {
			t.Fatal("called more often than attempts.max")
		}
		if d.Action != cart.ActCall {
			require.Nil(t, f.Queried, "asked for facts that were there")
			return
		}
		calls++
		queried := f.Queried
		require.NotNil(t, queried, "called without the facts that need queries")
		if queried.Suppressed != "" || queried.Ordered || queried.NewerCart != nil || queried.OpenCall {
			t.Fatalf("called against the facts: %+v", queried)
		}
		belowCaps(t, q, o)
	})
	// A property of calls says nothing if none was made.
	assert.Greater(t, calls, 20)
}

// belowCaps checks that one more call at now keeps every cap, counting the plain way.
func belowCaps(t *rapid.T, q *question, o *oracle) {
	queried, r := q.facts.Queried, &q.rules
	caps := slices.Clone(r.Caps.PerPhone)
	if r.QuietHours != QuietOff {
		for _, p := range o.person.places {
			day, err := parseDate(q.now.In(o.person.zones[0].loc).Format(time.DateOnly))
			require.NoError(t, err)
			terms := p.row.on(day)
			if terms == nil {
				continue
			}
			caps = append(caps, terms.caps...)
			for _, dial := range queried.Dials {
				if dial.Refused && terms.silence > 0 && q.now.Sub(dial.At) < terms.silence {
					t.Fatal("called within the silence after a refusal")
				}
			}
		}
	}
	for _, c := range caps {
		n := 1
		for _, dial := range queried.Dials {
			if q.now.Sub(dial.At) < c.Every && (c.Scope != ScopeShop || dial.Shop == q.facts.Cart.Shop) {
				n++
			}
		}
		if n > c.Calls {
			t.Fatalf("the call would be one too many for %+v", c)
		}
	}
	if most := r.Caps.DailyCalls; most > 0 {
		loc, err := zoneinfo.Load(q.store.Timezone)
		require.NoError(t, err)
		n := 1
		for _, at := range queried.ShopCalls {
			if at.In(loc).Format(time.DateOnly) == q.now.In(loc).Format(time.DateOnly) {
				n++
			}
		}
		if n > most {
			t.Fatal("the call would be one too many for the shop's day")
		}
	}
}

// unsure are the reasons to wait whose end is not known: the wait only says when to look again.
func unsure(r cart.Reason) bool {
	return r == cart.Paused || r == cart.Breaker || r == cart.OtherCall
}

func TestDecide_WaitEndsAtTheEarliestAllowedInstant(t *testing.T) {
	t.Parallel()
	waits := map[cart.Reason]int{}
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		d := q.decide()
		if d.Action != cart.ActWait {
			require.True(t, d.Until.IsZero())
			return
		}
		waits[d.Reason]++
		require.True(t, d.Until.After(q.now), "a wait until %s, asked at %s", d.Until, q.now)
		later := *q
		gap := d.Until.Sub(q.now)
		for range 5 {
			later.now = q.now.Add(time.Duration(rapid.Int64Range(0, int64(gap)-1).Draw(t, "between")))
			if mayCall(later.decide()) {
				t.Fatalf("%s was allowed, before %s", later.now, d.Until)
			}
		}
		// The last minutes before it are where an early opening would be.
		for _, before := range []time.Duration{1, time.Second, time.Minute, time.Hour} {
			if later.now = d.Until.Add(-before); !later.now.Before(q.now) && mayCall(later.decide()) {
				t.Fatalf("%s was allowed, before %s", later.now, d.Until)
			}
		}
		later.now = d.Until
		again := later.decide()
		halted := q.facts.Shop.Paused || q.facts.Shop.Breaker || q.facts.Cart.OpenCall() != nil || q.facts.Queried != nil &&
			q.facts.Queried.OpenCall
		switch {
		case unsure(d.Reason) || halted:
			require.NotEqual(t, cart.ActWatch, again.Action)
		case again.Action == cart.ActStop:
			// A wait that no opening ends before the expiry lasts until then, and not a moment less.
			require.Contains(t, []cart.Reason{cart.Holdout, cart.Expired}, again.Reason, "the wait for %s ended in %s",
				d.Reason, again.Reason)
			if later.now = d.Until.Add(-1); again.Reason == cart.Expired {
				require.NotEqual(t, cart.Expired, later.decide().Reason)
			}
		default:
			require.True(t, mayCall(again), "the wait for %s ended in a wait for %s", d.Reason, again.Reason)
		}
	})
	for _, r := range []cart.Reason{cart.Delay, cart.Window, cart.Spacing, cart.Cap} {
		assert.Positive(t, waits[r], "no wait for %s was drawn", r)
	}
}

func TestDecide_SameFactsGiveTheSameDecision(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		first := q.decide()
		require.Equal(t, first, q.decide())
		// The order in which facts were loaded is not a fact, and neither is which process compiled the rules.
		if queried := q.facts.Queried; queried != nil {
			shuffled := *queried
			shuffled.Dials, shuffled.ShopCalls = slices.Clone(queried.Dials), slices.Clone(queried.ShopCalls)
			source := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
			source.Shuffle(len(shuffled.Dials), func(i, j int) {
				shuffled.Dials[i], shuffled.Dials[j] = shuffled.Dials[j], shuffled.Dials[i]
			})
			source.Shuffle(len(shuffled.ShopCalls), func(i, j int) {
				shuffled.ShopCalls[i], shuffled.ShopCalls[j] = shuffled.ShopCalls[j], shuffled.ShopCalls[i]
			})
			q.facts.Queried = &shuffled
		}
		require.NoError(t, q.rules.Compile(q.store))
		require.Equal(t, first, q.decide())
	})
}

// restrictions each ask for more, or tell of something that stands against a call.
var restrictions = map[string]func(q *question){
	"longer delay":   func(q *question) { q.rules.Delay += time.Hour },
	"shorter expiry": func(q *question) { q.rules.ExpiresAfter -= 20 * time.Minute },
	"consent": func(q *question) {
		if q.rules.Consent.First() == ConsentNotRequired {
			q.rules.Consent = On(ConsentSMS)
		}
	},
	"minimum":           func(q *question) { q.rules.Eligibility.MinTotal = amount("2000") },
	"maximum":           func(q *question) { q.rules.Eligibility.MaxTotal = amount("2500") },
	"excluded country":  func(q *question) { q.rules.Eligibility.ExcludeCountries = []string{"IN"} },
	"countries":         func(q *question) { q.rules.Eligibility.Countries = []string{"US"} },
	"items":             func(q *question) { q.rules.Eligibility.MinItems = 1 },
	"fewer windows":     func(q *question) { q.rules.Windows = q.rules.Windows[:1] },
	"shorter window":    func(q *question) { q.rules.Windows = []Window{narrower(q.rules.Windows[0])} },
	"holiday":           func(q *question) { q.rules.Holidays = append(q.rules.Holidays, q.now.Format(time.DateOnly)) },
	"calling hours":     func(q *question) { q.rules.QuietHours = QuietBuiltin },
	"jurisdiction off":  func(q *question) { q.rules.Jurisdictions = map[string]Override{"US": {Calls: "off"}} },
	"fewer attempts":    func(q *question) { q.rules.Attempts.Max = 1 },
	"wider spacing":     func(q *question) { q.rules.Attempts.Spacing.NoAnswer *= 3; q.rules.Attempts.Spacing.Busy *= 9 },
	"backoff":           func(q *question) { q.rules.Attempts.Spacing.Backoff = 5 },
	"other time of day": func(q *question) { q.rules.Attempts.Spacing.OtherTimeOfDay = true },
	"another cap": func(q *question) {
		q.rules.Caps.PerPhone = append(slices.Clone(q.rules.Caps.PerPhone), Cap{Calls: 1, Every: 24 * time.Hour})
	},
	"daily calls":    func(q *question) { q.rules.Caps.DailyCalls = 1 },
	"larger holdout": func(q *question) { q.rules.Holdout = max(q.rules.Holdout, 0.6) },
	// A pause without an end is checked again soon: it may end sooner than a breaker's whose end is known.
	"pause": func(q *question) {
		if !q.facts.Shop.Breaker {
			q.facts.Shop.Paused = true
		}
	},
	"breaker": func(q *question) {
		if !q.facts.Shop.Breaker {
			q.facts.Shop.Breaker, q.facts.Shop.BreakerUntil = true, nil
		}
	},
	"uninstalled": func(q *question) { q.facts.Shop.Uninstalled = true },
	"purchase":    func(q *question) { q.facts.Cart.PurchasedAt = &q.now },
	"withdrawn": func(q *question) {
		no := false
		q.facts.Cart.Checkout.AcceptsSMS, q.facts.Cart.Checkout.AcceptsMarketing = &no, &no
	},
	"suppression": func(q *question) { q.nearly(func(n *QueriedFacts) { n.Suppressed = "all" }) },
	"other order": func(q *question) { q.nearly(func(n *QueriedFacts) { n.Ordered = true }) },
	"newer cart":  func(q *question) { q.nearly(func(n *QueriedFacts) { n.NewerCart = &uuid.Max }) },
	"open call":   func(q *question) { q.nearly(func(n *QueriedFacts) { n.OpenCall = true }) },
	"another dial": func(q *question) {
		q.nearly(func(n *QueriedFacts) { n.Dials = append(n.Dials, Dial{At: q.now.Add(-time.Hour), Shop: testShop}) })
	},
	"refusal": func(q *question) {
		q.nearly(func(n *QueriedFacts) { n.Dials = append(n.Dials, Dial{At: q.now.Add(-time.Hour), Refused: true}) })
	},
	"another call of the shop": func(q *question) {
		q.nearly(func(n *QueriedFacts) { n.ShopCalls = append(n.ShopCalls, q.now.Add(-time.Minute)) })
	},
}

// nearly changes the facts that need queries, if they were loaded.
func (q *question) nearly(change func(*QueriedFacts)) {
	if q.facts.Queried != nil {
		change(q.facts.Queried)
	}
}

// narrower gives a window that lies in the first half hour of the given one.
func narrower(w Window) Window {
	from, err := time.Parse("15:04", w.From)
	if err != nil {
		panic(err)
	}
	to := from.Add(10 * time.Minute)
	if clock := to.Format("15:04"); to.Day() == from.Day() && (w.To == "24:00" || w.To < w.From || clock < w.To) {
		w.To = clock
	}
	return w
}

func TestDecide_RestrictionNeverLeadsToACall(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, len(restrictions))
	for name := range restrictions {
		names = append(names, name)
	}
	slices.Sort(names)
	prevented := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		before := q.decide()
		name := rapid.SampledFrom(names).Draw(t, "restriction")
		restrictions[name](q)
		if len(q.rules.Problems()) > 0 {
			return
		}
		require.NoError(t, q.rules.Compile(q.store))
		after := q.decide()
		if !mayCall(before) && mayCall(after) {
			t.Fatalf("%s turned %s for %s into %s", name, before.Action, before.Reason, after.Action)
		}
		if before.Action == cart.ActWait && after.Action == cart.ActWait && !unsure(before.Reason) && !q.endsAt(after.Until) {
			require.False(t, after.Until.Before(before.Until), "%s made the wait for %s shorter", name, before.Reason)
		}
		if mayCall(before) && !mayCall(after) {
			prevented[name]++
		}
	})
	assert.Greater(t, len(prevented), 10, "too few restrictions had an effect: %v", prevented)
}

// endsAt reports whether the cart expires at a moment: a wait until then leads to no call.
func (q *question) endsAt(at time.Time) bool {
	later := *q
	later.now = at
	return later.decide().Reason == cart.Expired
}

func TestDecide_TraceExplainsEveryDecision(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		d := q.decide()
		require.True(t, d.Reason.Valid(), "reason %q", d.Reason)
		require.NotEmpty(t, d.Trace)
		require.Equal(t, d.Action == cart.ActWait, !d.Until.IsZero())
		if d.Action != cart.ActCall {
			require.Nil(t, d.Offer)
			require.False(t, d.Priority)
		}
		last := d.Trace[len(d.Trace)-1]
		require.Equal(t, map[cart.Action]cart.Verdict{
			cart.ActCall: cart.VerdictOK, cart.ActLook: cart.VerdictOK, cart.ActWait: cart.VerdictWait,
			cart.ActWatch: cart.VerdictWatch, cart.ActStop: cart.VerdictStop,
		}[d.Action], last.Verdict)
		phone := strings.TrimPrefix(q.facts.Cart.Phone, "+")
		for _, s := range d.Trace {
			require.NotEmpty(t, s.Rule)
			require.NotEmpty(t, s.Saw, s.Rule)

			line := fmt.Sprint(s)
			for _, secret := range secrets {
				require.NotContains(t, line, secret)
			}
			if phone != "" {
				require.NotContains(t, line, phone)
				require.NotContains(t, line, phone[len(phone)-7:])
			}
		}
	})
}
