package shopify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringback/internal/cart"
)

// Page is one page of a scan.
type Page[T any] struct {
	Items []T
	// Next continues the scan; "" after the last page.
	Next string
	// Problems are errors that came beside the data: the items may lack the fields they name.
	Problems []FieldError
}

const (
	// The pages are such that a query stays under the 1,000 points that one may cost (Shopify, "API limits").
	checkoutsPage = 7
	ordersPage    = 30
	// mostLines is how many lines of a checkout are asked for.
	mostLines = 30
)

// AbandonedCheckouts returns one page of the checkouts updated at or after since, those that were completed included.
// An empty cursor begins the scan. Shopify cannot sort them by their update, so the scan's since may only move on once
// its last page was read.
//
// GraphQL knows no token of a checkout. The result has the id, and what the recovery link tells: a cart token, for
// older links a token. Finding the cart that belongs to it is the caller's; Merge then joins what each source alone
// knows.
func (c *Client) AbandonedCheckouts(ctx context.Context, since time.Time, cursor string) (Page[cart.Checkout], error) {
	var data struct {
		Checkouts object[connection[gqlCheckout]] `json:"abandonedCheckouts"`
	}
	op := operation{
		name: "AbandonedCheckouts", text: queryAbandonedCheckouts(c.access.Version, c.access.Metafields),
		background: true, page: checkoutsPage,
	}
	problems, err := c.page(ctx, op, since, cursor, &data)
	if err != nil {
		return Page[cart.Checkout]{}, err
	}
	return pageOf(data.Checkouts.value, problems, gqlCheckout.checkout), nil
}

// Orders returns one page of the orders updated at or after since. An empty cursor begins the scan; they come oldest
// update first. The orders' checkout and cart tokens are there from version 2026-07 on; before, orders match by
// customer, email or phone.
func (c *Client) Orders(ctx context.Context, since time.Time, cursor string) (Page[cart.Order], error) {
	var data struct {
		Orders object[connection[gqlOrder]] `json:"orders"`
	}
	op := operation{name: "Orders", text: queryOrders(c.access.Version), background: true, page: ordersPage}
	problems, err := c.page(ctx, op, since, cursor, &data)
	if err != nil {
		return Page[cart.Order]{}, err
	}
	return pageOf(data.Orders.value, problems, gqlOrder.order), nil
}

// page asks for one page, and for smaller ones when Shopify finds the query too costly.
func (c *Client) page(ctx context.Context, op operation, since time.Time, cursor string, into any) ([]FieldError, error) {
	for {
		size := c.pageSize(op)
		variables := map[string]any{
			"first": size,
			"query": fmt.Sprintf("updated_at:>='%s'", since.UTC().Format(time.RFC3339)),
		}
		if cursor != "" {
			variables["after"] = cursor
		}
		problems, err := c.run(ctx, op, variables, into)
		var e *APIError
		if size == 1 || !errors.As(err, &e) || !slices.Contains(e.Codes, codeMaxCost) {
			return problems, err
		}
		c.mu.Lock()
		c.pageSizes[op.name] = size / 2
		c.mu.Unlock()
	}
}

func (c *Client) pageSize(op operation) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size, ok := c.pageSizes[op.name]; ok {
		return size
	}
	return op.page
}

// connection is a page as GraphQL gives it. A node that could not be read is null.
type connection[T any] struct {
	Nodes    list[object[T]] `json:"nodes"`
	PageInfo object[struct {
		HasNext flag `json:"hasNextPage"`
		End     text `json:"endCursor"`
	}] `json:"pageInfo"`
}

func pageOf[P, T any](c connection[P], problems []FieldError, read func(P) (T, bool)) Page[T] {
	p := Page[T]{Problems: problems}
	for _, n := range c.Nodes {
		if item, ok := read(n.value); ok {
			p.Items = append(p.Items, item)
		}
	}
	if info := c.PageInfo.value; info.HasNext.yes() {
		p.Next = string(info.End)
	}
	return p
}
