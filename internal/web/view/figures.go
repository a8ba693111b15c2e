// Package view makes the view models that the dashboard and the merchant's page share from what is stored.
package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/wording"

	"github.com/shopspring/decimal"
)

// Month is how far back most figures reach.
const Month = 30 * 24 * time.Hour

// Span sums up what became of the carts that were made in a span of time.
type Span struct {
	Title string
	// WonBack is the revenue owed to calls and offers, one amount a currency.
	WonBack []string
	// Recovered and Organic count purchases, Carts all carts.
	Recovered, Organic, Carts int
	Calls, Answered           int
	// Arms compares the called group with the control group; "" when there are none.
	Arms string
}

// NewSpan makes a Span.
func NewSpan(title string, stats postgres.Stats) Span {
	v := Span{Title: title, Calls: stats.Calls, Answered: stats.Answered, Arms: compareArms(stats.Arms)}
	for _, n := range stats.Carts {
		v.Carts += n
	}
	revenue := map[string]decimal.Decimal{}
	for _, p := range stats.Purchases {
		if p.Attribution != cart.ByCall && p.Attribution != cart.ByOffer {
			v.Organic += p.Count
			continue
		}
		v.Recovered += p.Count
		revenue[p.Currency] = revenue[p.Currency].Add(p.Revenue)
	}
	for _, currency := range slices.Sorted(maps.Keys(revenue)) {
		v.WonBack = append(v.WonBack, wording.Money(revenue[currency], currency))
	}
	return v
}

// fewCarts is the size of a group below which its share of buyers says nothing.
const fewCarts = 30

// compareArms compares the called group with the control group.
func compareArms(arms []postgres.Arm) string {
	if len(arms) == 0 {
		return ""
	}
	says := make([]string, len(arms))
	for i, a := range arms {
		who := wording.Arm(a.Arm)
		if a.Carts < fewCarts {
			says[i] = fmt.Sprintf("%s: %d of %d bought (too few to compare)", who, a.Purchased, a.Carts)
			continue
		}
		says[i] = fmt.Sprintf("%s: %s bought", who, wording.Percent(a.Purchased, a.Carts))
	}
	return strings.Join(says, ". ") + "."
}

// State is how many carts are in a state, and why.
type State struct {
	State   cart.State
	Count   int
	Reasons []ReasonCount
}

// ReasonCount is how many carts are in a state for a reason.
type ReasonCount struct {
	Reason cart.Reason
	Count  int
}

// States lists every state, also those without carts, with its reasons, the most frequent first.
func States(counts []postgres.StateCount) []State {
	states := make([]State, 0, len(cart.States()))
	for _, name := range cart.States() {
		state := State{State: name}
		byReason := map[cart.Reason]int{}
		for _, n := range counts {
			if n.State == name {
				state.Count += n.Count
				byReason[n.Reason] += n.Count
			}
		}
		for _, reason := range cart.Reasons() {
			if n := byReason[reason]; n > 0 {
				state.Reasons = append(state.Reasons, ReasonCount{reason, n})
			}
		}
		slices.SortStableFunc(state.Reasons, func(a, b ReasonCount) int { return b.Count - a.Count })
		states = append(states, state)
	}
	return states
}
