package web

import (
	"fmt"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/wording"
)

// callTone is the colour class of a call.
func callTone(c *cart.Call) string {
	switch {
	case c.State == cart.Closed && c.Outcome == cart.Completed:
		return "tone-good"
	case c.State == cart.Closed && (c.Outcome == cart.NoAnswer || c.Outcome == cart.Busy || c.Outcome == cart.Timeout):
		return "tone-wait"
	case c.State == cart.Uncertain, c.State == cart.Rejected, c.State == cart.Closed && (c.Outcome == cart.Failed || c.Outcome == cart.Lost || c.Outcome == cart.Invalid):
		return "tone-bad"
	case c.State == cart.Closed:
		return "tone-still"
	}
	return "tone-live"
}

// stateTone is the colour class of a cart's state.
func stateTone(s cart.State) string {
	switch s {
	case cart.Waiting:
		return "tone-wait"
	case cart.Ready, cart.Calling:
		return "tone-live"
	case cart.Purchased:
		return "tone-good"
	case cart.Watching, cart.Stopped:
		return "tone-still"
	}
	return "tone-still"
}

// verdictTone is the colour class of a rule's verdict.
func verdictTone(verdict cart.Verdict) string {
	switch verdict {
	case cart.VerdictOK:
		return "tone-good"
	case cart.VerdictWait:
		return "tone-wait"
	case cart.VerdictStop:
		return "tone-bad"
	case cart.VerdictWatch, cart.VerdictSkipped:
		return "tone-still"
	}
	return "tone-still"
}

// customerOf is what a cart's customer is called on a page.
func customerOf(c *cart.Cart) string {
	switch {
	case c.ErasedAt != nil:
		return "Erased customer"
	case c.Checkout.CustomerName() != "":
		return c.Checkout.CustomerName()
	case c.Phone != "":
		return c.Phone
	case c.Checkout.KnownEmail() != "":
		return c.Checkout.KnownEmail()
	}
	return "Unknown customer"
}

// fewCarts is the size of a group below which its share of buyers says nothing.
const fewCarts = 30

// armsSay compares the called group with the control group.
func armsSay(arms []postgres.Arm) string {
	var says []string
	for _, a := range arms {
		who := wording.Arm(a.Arm)
		if a.Carts < fewCarts {
			says = append(says, fmt.Sprintf("%s: %d of %d bought (too few to compare)", who, a.Purchased, a.Carts))
			continue
		}
		says = append(says, fmt.Sprintf("%s: %s bought", who, wording.Percent(a.Purchased, a.Carts)))
	}
	return strings.Join(says, ". ") + "."
}
