package shopify

import (
	"context"
	"errors"
	"strings"
	"time"

	"ringback/internal/cart"
)

// Completion is what Shopify says of a checkout's purchase at this instant.
type Completion struct {
	// Completed reports that the customer bought.
	Completed bool
	// At is when, as far as Shopify says; nil when it is not completed.
	At *time.Time
	// Order is the order that was made of the checkout, when Shopify showed it.
	Order *cart.Order
}

// ErrCannotAsk: the checkout has neither an id nor, for this API version, a token that can be asked for.
var ErrCannotAsk = errors.New("the checkout has no id and no token that this API version can search for")

// CheckoutCompleted asks whether the checkout was bought: by its id, and from API version 2026-07 on also by the orders
// of its token. It is made for the instant before a call. The context bounds it; the caller decides what a late or
// failed answer means.
func (c *Client) CheckoutCompleted(ctx context.Context, ref cart.Ref) (Completion, error) {
	byID := numericID(ref.ID) != ""
	byToken := searchable(ref.Token) && c.access.Version >= tokensSince
	if !byID && !byToken {
		return Completion{}, &APIError{Operation: "CheckoutCompleted", Kind: ErrCannotAsk}
	}
	variables := map[string]any{}
	if byID {
		variables["checkout"] = "gid://shopify/AbandonedCheckout/" + numericID(ref.ID)
	}
	if byToken {
		variables["orders"] = `checkout_token:"` + ref.Token + `"`
	}
	var data struct {
		Checkout object[struct {
			CompletedAt instant `json:"completedAt"`
		}] `json:"checkout"`
		Orders object[connection[gqlOrder]] `json:"orders"`
	}
	op := operation{name: "CheckoutCompleted", text: queryCompleted(c.access.Version, byID, byToken)}
	problems, err := c.run(ctx, op, variables, &data)
	if err != nil {
		return Completion{}, err
	}
	var done Completion
	if at := data.Checkout.value.CompletedAt; at.given {
		done.Completed, done.At = true, at.pointer()
	}
	for _, n := range data.Orders.value.Nodes {
		// A search term that Shopify does not know is ignored by it, and any order would come back.
		if o, ok := n.value.order(); ok && o.CheckoutToken == ref.Token {
			done.Completed, done.Order = true, &o
			if done.At == nil {
				done.At = &o.CreatedAt
			}
		}
	}
	if !done.Completed && len(problems) > 0 {
		// Half an answer must not count as "not bought".
		return Completion{}, &APIError{Operation: op.name, Codes: []string{problems[0].Code}, Message: problems[0].Message, Kind: ErrRefused}
	}
	return done, nil
}

// searchable reports whether a token can stand in quotes in a search term.
func searchable(token string) bool {
	return token != "" && !strings.ContainsAny(token, "\"\\'\n ")
}
