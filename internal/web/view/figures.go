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
	// WonBack is what calls and offers brought, one line a currency.
	WonBack []WonBack
	// Recovered and Organic count purchases, Carts all carts.
	Recovered, Organic, Carts int
	Calls, Answered           int
	// Offers says how many offers went out, were mentioned and accepted; "" when none went out.
	Offers string
	// Arms compares the called group with the control group; "" when there are none.
	Arms string
}

// WonBack is what calls and offers brought in one currency.
type WonBack struct {
	// Net is what stayed.
	Net string
	// Gross is what was ordered, Refunded and Cancelled what did not stay. They are "" when all of it did.
	Gross, Refunded, Cancelled string
	// CashOnDelivery is the part of Net that is paid at the door; "" for none.
	CashOnDelivery string
}

// Aside says in words what did not stay and what is paid at the door; "" for neither.
func (w WonBack) Aside() string {
	var says []string
	if w.Gross != "" {
		says = append(says, w.Gross+" gross")
	}
	if w.Refunded != "" {
		says = append(says, w.Refunded+" refunded")
	}
	if w.Cancelled != "" {
		says = append(says, w.Cancelled+" cancelled")
	}
	if w.CashOnDelivery != "" {
		says = append(says, "of the net, "+w.CashOnDelivery+" cash on delivery")
	}
	return strings.Join(says, ", ")
}

func newWonBack(all, cash postgres.Sum, currency string) WonBack {
	w := WonBack{Net: wording.Money(all.Net(), currency)}
	money := func(d decimal.Decimal) string {
		if d.IsZero() {
			return ""
		}
		return wording.Money(d, currency)
	}
	w.Refunded, w.Cancelled, w.CashOnDelivery = money(all.Refunded), money(all.Cancelled), money(cash.Net())
	if w.Refunded != "" || w.Cancelled != "" {
		w.Gross = wording.Money(all.Gross, currency)
	}
	return w
}

// NewSpan makes a Span.
func NewSpan(title string, stats postgres.Stats) Span {
	v := Span{Title: title, Calls: stats.Calls, Answered: stats.Answered, Arms: compareArms(stats.Arms)}
	for _, n := range stats.Carts {
		v.Carts += n
	}
	if offered := stats.Offered(); offered > 0 {
		v.Offers = fmt.Sprintf("%s mentioned, %s accepted of %s", wording.Number(stats.Mentioned()),
			wording.Number(stats.Offers[cart.OfferAccepted]), wording.Number(offered))
	}
	all, cash := map[string]postgres.Sum{}, map[string]postgres.Sum{}
	for _, p := range stats.Purchases {
		if p.Attribution != cart.ByCall && p.Attribution != cart.ByOffer {
			v.Organic += p.Count
			continue
		}
		v.Recovered += p.Count
		sum, door := all[p.Currency], cash[p.Currency]
		sum.Add(p.Sum)
		door.Add(p.CashOnDelivery)
		all[p.Currency], cash[p.Currency] = sum, door
	}
	for _, currency := range slices.Sorted(maps.Keys(all)) {
		v.WonBack = append(v.WonBack, newWonBack(all[currency], cash[currency], currency))
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
		if a.Cancelled > 0 {
			says[i] += fmt.Sprintf(" and %s kept their order", wording.Percent(a.Purchased-a.Cancelled, a.Carts))
		}
		if len(a.Amounts) == 1 {
			amount := a.Amounts[0]
			says[i] += fmt.Sprintf(", %s net a cart", wording.Money(a.PerCart(amount), amount.Currency))
		}
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
