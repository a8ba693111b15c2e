package demo

import (
	"fmt"
	"sync"

	"ringback/internal/cart"
	"ringback/internal/sim/simvoice"

	"github.com/shopspring/decimal"
)

// person is somebody who leaves a cart behind.
type person struct {
	name, last, email, phone string
	items                    []cart.Item
	// consents says whether they ticked the box that permits a call.
	consents bool
	// on says what happens at each call to them, from the first.
	on []simvoice.Behaviour
	// about is what the story says of them.
	about string

	token string
}

// cast is everybody in the story.
type cast struct {
	seed   uint64
	people []*person

	mu      sync.Mutex
	byPhone map[string]*person
	byToken map[string]*person
}

func item(title, variant, price string, quantity int) cart.Item {
	return cart.Item{
		Title: title, VariantTitle: variant, VariantID: "44000000000001", ProductID: "7700000000001",
		Quantity: quantity, Price: decimal.RequireFromString(price),
	}
}

func newCast() *cast {
	seed := seedOf()
	c := &cast{seed: seed, byPhone: map[string]*person{}, byToken: map[string]*person{}}
	c.people = []*person{
		{
			name: "Asha", last: "Rao", email: "asha", consents: true,
			items: []cart.Item{item("Block-print kurta", "M / Indigo", "1895.00", 1)},
			about: "leaves a kurta behind; a call answers her question, and she buys. A part is refunded later.",
			on: []simvoice.Behaviour{{
				Summary:   "Asked whether the kurta runs small; was told it is true to size and wants to order.",
				Insights:  map[string]any{"interested": true, "abandon_reason": "product question", "size": "M"},
				Sentiment: "positive",
				Transcript: "agent: Hello Asha, you left a kurta in your cart. Can I help?\n" +
					"customer: I was not sure of the size. Does it run small?\nagent: It is true to size.\ncustomer: Then I take it.",
			}},
		},
		{
			name: "Rohan", last: "Mehta", email: "rohan", consents: true,
			items: []cart.Item{item("Masala chai, 500 g", "", "480.00", 2)},
			about: "comes back by himself and buys before anybody calls.",
		},
		{
			name: "Meera", last: "Iyer", email: "meera", consents: true,
			items: []cart.Item{item("Handloom bedspread", "Queen", "6400.00", 1)},
			about: "does not pick up; the second attempt brings an offer, which she takes.",
			on: []simvoice.Behaviour{
				{Dials: []simvoice.Ending{simvoice.NoAnswer}},
				{
					Summary:  "Found the price a little high; was glad of ten per cent off and will order tonight.",
					Insights: map[string]any{"interested": true, "abandon_reason": "price", "offer_mentioned": true},
					Actions:  []simvoice.Action{{Name: "create_order", Discount: "COMEBACK10"}},
				},
			},
		},
		{
			name: "Vikram", last: "Sethi", email: "vikram", consents: true,
			items: []cart.Item{item("Copper water bottle", "1 l", "1250.00", 1)},
			about: "asks not to be called again, and never is.",
			on: []simvoice.Behaviour{{
				Summary:  "Asked not to be called again.",
				Insights: map[string]any{"do_not_call": true, "abandon_reason": "just looking"},
			}},
		},
		{
			name: "Kavya", last: "Rao", email: "kavya", consents: true,
			items: []cart.Item{item("Brass oil lamp", "", "940.00", 1)},
			about: "is not there: a mailbox answers the first call, and the second one reaches her.",
			on: []simvoice.Behaviour{
				simvoice.Mailbox(),
				{
					Summary:  "Had lost the link to her cart; got it again and wants to order.",
					Insights: map[string]any{"interested": true, "voicemail": false, "abandon_reason": "technical problem"},
				},
			},
		},
		{
			name: "Priya", last: "Nair", email: "priya",
			items: []cart.Item{item("Block-print scarf", "Rust", "890.00", 1)},
			about: "gave no consent to calls, so nobody calls her.",
		},
	}
	for i, p := range c.people {
		// Every run has people of its own: an opt-out of an earlier one is for good.
		p.phone = fmt.Sprintf("+9198%08d", (seed/10+uint64(i))%100_000_000)
		p.email = fmt.Sprintf("%s.%s@example.com", p.email, p.phone[5:])
		c.byPhone[p.phone] = p
	}
	return c
}

// script is what the simulated voice API plays.
func (c *cast) script(o simvoice.Order) simvoice.Behaviour {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.byPhone[o.Phone]
	if p == nil || len(p.on) == 0 {
		return simvoice.Behaviour{}
	}
	return p.on[min(o.Nth, len(p.on))-1]
}

// shops remembers whose checkout has a token.
func (c *cast) shops(p *person, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.token = token
	c.byToken[token] = p
}

func (c *cast) ofToken(token string) *person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byToken[token]
}

func (c *cast) ofPhone(phone string) *person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byPhone[phone]
}
