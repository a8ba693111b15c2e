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
		read := map[uuid.UUID][2]policy.Phone{}
		numbers := func(c *cart.Cart) []string {
			phones := backtest.ReadPhones(c.Shop, c.Checkout, o.Policy, o.Against)
			read[c.ID] = phones
			return distinct(c.Phone, phones[0].Number, phones[1].Number)
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
func distinct(numbers ...string) []string {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if numbers[0] == "" {
		numbers = numbers[1:]
	}
	return numbers
}

// pastOf makes of a stored cart what is replayed at the numbers that were read from it.
func pastOf(p *postgres.PastCart, phones [2]policy.Phone) *backtest.Cart {
	c := &backtest.Cart{
		ID: p.ID, Shop: p.Shop, Checkout: p.Checkout, Phones: phones,
		KnownAt: p.CreatedAt, TouchedAt: touched(p), BoughtAt: p.BoughtAt(), OrderedAt: p.OrderedAt, Erased: p.ErasedAt != nil,
	}
	c.Checkout.Codes = ownCodes(p)
	if p.Order != nil {
		c.Order = backtest.Order{Codes: p.Order.Codes, Total: p.Order.Total}
	}
	if p.Ended != nil {
		c.Ended = &backtest.Ending{At: p.Ended.At, Reason: p.Ended.Reason}
	}
	for _, s := range p.Suppressions {
		c.Suppressions = append(c.Suppressions, backtest.Suppression{Phone: s.Phone, All: s.All, At: s.At})
	}
	for _, d := range p.Dials {
		for range d.Times {
			c.Dials = append(c.Dials, backtest.Dial{Phone: d.Phone, Dial: d.Dial})
		}
	}
	for i := range p.Calls {
		if call := &p.Calls[i]; call.State == cart.Closed && call.Dialled() {
			c.Calls = append(c.Calls, attemptOf(call))
		}
	}
	return c
}

// ownCodes are the discount codes that the customer brought along, without those that a call gave: they came into the checkout after it.
func ownCodes(p *postgres.PastCart) []cart.DiscountCode {
	var own []cart.DiscountCode
	for _, code := range p.Checkout.Codes {
		if !slices.ContainsFunc(p.Calls, func(c cart.Call) bool { return c.Offer != nil && strings.EqualFold(c.Offer.Code, code.Code) }) {
			own = append(own, code)
		}
	}
	return own
}

func attemptOf(call *cart.Call) backtest.Attempt {
	a := backtest.Attempt{Outcome: call.Outcome, Answered: call.Answered(), Dials: call.Dials, Insights: call.Insights, EndedAt: *call.SentAt}
	if call.EndedAt != nil {
		a.EndedAt = *call.EndedAt
		a.Took = call.EndedAt.Sub(*call.SentAt)
	}
	return a
}

// touched is when the customer last touched the checkout before they were called or bought. A cart keeps its newest touch only; where that
// came with the purchase or after a call, the ledger tells of the one before.
func touched(p *postgres.PastCart) time.Time {
	event, is := p.FirstEvent()
	if !is || p.LastActivityAt.Before(event) {
		return p.LastActivityAt
	}
	for i := len(p.Looks) - 1; i >= 0; i-- {
		if p.Looks[i].At.After(event) {
			continue
		}
		if at, ok := lastTouch(p.Looks[i].Delay); ok {
			return at
		}
	}
	return p.LastActivityAt
}

// lastTouch reads when the customer had touched the checkout from what the rule about the delay saw, such as "last touched at
// 2026-09-07T05:00:00Z, due 45m later".
func lastTouch(saw string) (time.Time, bool) {
	_, rest, found := strings.Cut(saw, "last touched at ")
	if !found {
		return time.Time{}, false
	}
	text, _, _ := strings.Cut(rest, ",")
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}
