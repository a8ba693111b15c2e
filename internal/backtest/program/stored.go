package program

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// stored reads the carts of the database.
func stored(ctx context.Context, db *postgres.DB, f postgres.PastFilter, o backtest.Options) iter.Seq2[[]*backtest.Cart, error] {
	return func(yield func([]*backtest.Cart, error) bool) {
		read := map[uuid.UUID][2][]policy.Phone{}
		numbers := func(c *cart.Cart) []string {
			phones := backtest.ReadPhones(c.Shop, []cart.Checkout{c.Checkout}, o.Policy, o.Against)
			read[c.ID] = phones
			numbers := []string{c.Phone}
			for _, p := range slices.Concat(phones[0], phones[1]) {
				numbers = append(numbers, p.Number)
			}
			return distinct(numbers)
		}
		for batch, err := range db.PastCarts(ctx, f, numbers) {
			if err != nil {
				yield(nil, err)
				return
			}
			carts := make([]*backtest.Cart, len(batch))
			for i := range batch {
				carts[i] = pastOf(&batch[i], read[batch[i].ID])
			}
			clear(read)
			if !yield(carts, nil) {
				return
			}
		}
	}
}

// ahead reads the next batch while the one before is being decided.
func ahead(batches iter.Seq2[[]*backtest.Cart, error]) iter.Seq2[*backtest.Cart, error] {
	type read struct {
		carts []*backtest.Cart
		err   error
	}
	return func(yield func(*backtest.Cart, error) bool) {
		next, quit := make(chan read, 2), make(chan struct{})
		defer func() {
			close(quit)
			// Nobody reads from the database any more once this returns.
			for range next {
			}
		}()
		go func() {
			defer close(next)
			for carts, err := range batches {
				select {
				case <-quit:
					return
				default:
				}
				select {
				case next <- read{carts, err}:
				case <-quit:
					return
				}
			}
		}()
		for batch := range next {
			if batch.err != nil {
				yield(nil, batch.err)
				return
			}
			for _, c := range batch.carts {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// distinct gives the numbers that there are, each once.
func distinct(numbers []string) []string {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if numbers[0] == "" {
		numbers = numbers[1:]
	}
	return numbers
}

// pastOf makes a replay's cart of a stored one. phones are what was read from its checkout.
func pastOf(p *postgres.PastCart, phones [2][]policy.Phone) *backtest.Cart {
	c := &backtest.Cart{
		ID: p.ID, Shop: p.Shop, Token: p.Token, OrderedAt: p.OrderedAt, Erased: p.ErasedAt != nil,
	}
	if c.Erased {
		return c
	}
	turns := turnsOf(p)
	touched := touches(p, turns)
	c.Events = eventsOf(p, touched)
	if p.Updates > len(touched) {
		c.Touched = unknownTouches(p, touched, turns)
	}
	for side := range phones {
		// Every version of the checkout has the same numbers.
		c.Phones[side] = slices.Repeat(phones[side], len(touched))
	}
	for _, s := range p.Suppressions {
		c.Suppressions = append(c.Suppressions, backtest.Suppression{Phone: s.Phone, All: s.All, At: s.At})
	}
	for _, d := range p.Dials {
		for range d.Times {
			c.Dials = append(c.Dials, backtest.Dial{Phone: d.Phone, Dial: d.Dial})
		}
	}
	for _, call := range p.Calls {
		refused := call.State == cart.Rejected && call.Outcome == cart.Invalid
		if call.State == cart.Closed && call.Dialled() || refused {
			c.Calls = append(c.Calls, call)
		}
	}
	return c
}

// eventsOf are what came to the cart from outside, oldest first.
func eventsOf(p *postgres.PastCart, touched []time.Time) []backtest.Event {
	// The database keeps the newest version of a checkout, which stands for the earlier ones.
	version := p.Checkout
	version.Codes, version.CompletedAt, version.ToldAt = ownCodes(p), nil, time.Time{}
	var events []backtest.Event
	for _, at := range touched {
		version.UpdatedAt = at
		events = append(events, backtest.Event{At: at, Event: cart.CheckoutSeen{Checkout: version, Via: cart.ViaWebhook}})
	}
	if at := p.BoughtAt(); at != nil {
		order := cart.Order{CreatedAt: *at, UpdatedAt: *at}
		if p.Order != nil {
			order.ID, order.Codes, order.Total = p.Order.ID, p.Order.Codes, p.Order.Total
		}
		events = append(events, backtest.Event{At: *at, Event: cart.OrderSeen{Order: order, Match: cart.MatchCheckout}})
	}
	for _, e := range p.Events {
		events = append(events, backtest.Event{At: e.At, Event: e.Event})
	}
	for i := range events {
		if events[i].At.Before(p.CreatedAt) {
			// Nothing happens to a cart before it is known.
			events[i].At = p.CreatedAt
		}
	}
	slices.SortStableFunc(events, func(a, b backtest.Event) int { return a.At.Compare(b.At) })
	return events
}

// unknownTouches are the times in which there may have been touches that are not known, in order. Each lasts from the
// turn before: before a known touch there may always have been others. Before something else there was one if the
// customer came back after it and the look that was due after the last known touch never came.
func unknownTouches(p *postgres.PastCart, touched, turns []time.Time) []backtest.Span {
	before := func(end time.Time) backtest.Span {
		span := backtest.Span{From: p.CreatedAt, To: end}
		for _, turn := range turns {
			if turn.Before(end) {
				span.From = turn
			}
		}
		return span
	}
	var spans []backtest.Span
	for _, at := range touched {
		spans = append(spans, before(at))
	}
	others := slices.Clone(turns)
	for _, e := range p.Events {
		others = append(others, e.At)
	}
	for _, at := range others {
		span := before(at)
		seen, is := lastSeen(p, at)
		// A look at the turn itself led to it; after it no look need have been due.
		follows := seen.look.After(span.From) || span.From.Equal(p.CreatedAt)
		if is && follows && seen.look.Before(at) && seen.due.Before(at) && !p.LastActivityAt.Before(at) {
			spans = append(spans, span)
		}
	}
	slices.SortFunc(spans, func(a, b backtest.Span) int { return a.To.Compare(b.To) })
	return spans
}

// ownCodes are the discount codes that the customer brought along, without those that a call gave: they came into the
// checkout after the call.
func ownCodes(p *postgres.PastCart) []cart.DiscountCode {
	var own []cart.DiscountCode
	for _, code := range p.Checkout.Codes {
		given := func(c cart.Call) bool { return c.Offer != nil && strings.EqualFold(c.Offer.Code, code.Code) }
		if !slices.ContainsFunc(p.Calls, given) {
			own = append(own, code)
		}
	}
	return own
}

// touches are when the customer touched the checkout, oldest first, as far as that is known: the first time, the last
// time before each turn, and the newest time unless it came with the purchase. A cart keeps its newest touch only; the
// ledger tells of those before it, in whole seconds.
func touches(p *postgres.PastCart, turns []time.Time) []time.Time {
	newest, bought := p.LastActivityAt, p.BoughtAt()
	var all []time.Time
	keep := func(at time.Time) {
		second := at.Truncate(time.Second)
		if !slices.ContainsFunc(all, func(other time.Time) bool { return other.Truncate(time.Second).Equal(second) }) {
			all = append(all, at)
		}
	}
	seen, is := lastSeen(p, p.CreatedAt)
	switch {
	case newest.Before(p.CreatedAt):
		keep(newest)
	case is:
		keep(seen.touch)
	default:
		keep(p.CreatedAt)
	}
	for _, turn := range turns {
		if !newest.Before(turn) {
			if seen, is := lastSeen(p, turn); is {
				keep(seen.touch)
			}
		}
	}
	if bought == nil || newest.Before(*bought) {
		keep(newest)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// turnsOf are the moments of the cart's calls, of its stop and of its purchase, oldest first.
func turnsOf(p *postgres.PastCart) []time.Time {
	var all []time.Time
	for i := range p.Calls {
		if call := &p.Calls[i]; call.Dialled() {
			all = append(all, call.CreatedAt)
		}
	}
	if i := slices.IndexFunc(p.Looks, func(l postgres.PastLook) bool { return l.Stops }); i >= 0 {
		all = append(all, p.Looks[i].At)
	}
	if bought := p.BoughtAt(); bought != nil {
		all = append(all, *bought)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// sighting is what a look of the past told of the customer's last touch.
type sighting struct {
	look, touch time.Time
	// due is when the store's delay after the touch was over.
	due time.Time
}

// lastSeen is the newest sighting by the given moment; false when the ledger tells of none.
func lastSeen(p *postgres.PastCart, by time.Time) (sighting, bool) {
	for i := len(p.Looks) - 1; i >= 0; i-- {
		look := &p.Looks[i]
		if look.At.After(by) {
			continue
		}
		if at, delay, ok := touchSeen(look.Delay); ok {
			return sighting{look.At, at, at.Add(delay)}, true
		}
	}
	return sighting{}, false
}

// touchSeen reads when the customer had touched the checkout, and the store's delay, from what the rule about the delay
// saw, such as "last touched at 2026-09-07T05:00:00Z, due 45m later".
func touchSeen(saw string) (at time.Time, delay time.Duration, ok bool) {
	_, rest, found := strings.Cut(saw, "last touched at ")
	if !found {
		return time.Time{}, 0, false
	}
	text, rest, _ := strings.Cut(rest, ", due ")
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, 0, false
	}
	text, _, _ = strings.Cut(rest, " later")
	delay, err = time.ParseDuration(text)
	return at, delay, err == nil
}
