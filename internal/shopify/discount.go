package shopify

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Discount asks for a code that can be used once, by one customer, for one attempt of one cart.
type Discount struct {
	CartID  uuid.UUID
	Attempt int
	// Prefix begins the code, such as COMEBACK.
	Prefix string
	// Type is "percentage" or "fixed"; Value is then per cent, or an amount in the shop's currency.
	Type     string
	Value    decimal.Decimal
	StartsAt time.Time
	EndsAt   time.Time
	// CombinesWith says whether it may be used beside other discounts.
	CombinesWith bool
}

// Minted is a code that exists in the shop.
type Minted struct {
	Code string
	// GID names it for DeactivateDiscount.
	GID string
	// EndsAt is until when it can be used, UTC: of an earlier try, when that one made it. Zero when Shopify did not say.
	EndsAt time.Time
}

// ErrCodeTaken: the shop has the code, and it is not ours.
var ErrCodeTaken = errors.New("the shop has this discount code already, and it is not Ringback's")

// letters can be told apart when read out: Crockford's base 32.
var letters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Code is the code: the prefix and eight letters that follow from the cart's id and the attempt alone, so that minting
// it twice makes one. The cart's id is random, so nobody can guess it.
func (d Discount) Code() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", d.CartID, d.Attempt))
	suffix := letters.EncodeToString(sum[:5])
	if d.Prefix == "" {
		return suffix
	}
	return d.Prefix + "-" + suffix
}

// title names the discount in the shop's admin, and tells ours from others'.
func (d Discount) title() string {
	return fmt.Sprintf("Ringback %s/%d", d.CartID, d.Attempt)
}

// check refuses what Shopify would, before it is asked.
func (d Discount) check() error {
	switch d.Type {
	case "percentage":
		if !d.Value.IsPositive() || d.Value.GreaterThan(decimal.NewFromInt(100)) {
			return fmt.Errorf("value: a percentage is above 0 and at most 100, not %s", d.Value)
		}
	case "fixed":
		if !d.Value.IsPositive() {
			return fmt.Errorf("value: an amount is above 0, not %s", d.Value)
		}
	default:
		return fmt.Errorf("type: %q is neither percentage nor fixed", d.Type)
	}
	if !d.EndsAt.After(d.StartsAt) {
		return fmt.Errorf("ends at: %s is not after the start, %s", d.EndsAt.Format(time.RFC3339), d.StartsAt.Format(time.RFC3339))
	}
	return nil
}

// input is a DiscountCodeBasicInput.
func (d Discount) input() map[string]any {
	value := map[string]any{"discountAmount": map[string]any{"amount": d.Value.String(), "appliesOnEachItem": false}}
	if d.Type == "percentage" {
		// A share, not per cent; written out as a decimal, so that no float rounds it.
		value = map[string]any{"percentage": json.Number(d.Value.Shift(-2).String())}
	}
	return map[string]any{
		"title":                  d.title(),
		"code":                   d.Code(),
		"startsAt":               d.StartsAt.UTC().Format(time.RFC3339),
		"endsAt":                 d.EndsAt.UTC().Format(time.RFC3339),
		"usageLimit":             1,
		"appliesOncePerCustomer": true,
		"context":                map[string]any{"all": "ALL"},
		"combinesWith": map[string]any{
			"orderDiscounts": d.CombinesWith, "productDiscounts": d.CombinesWith, "shippingDiscounts": d.CombinesWith,
		},
		"customerGets": map[string]any{"value": value, "items": map[string]any{"all": true}},
	}
}

type gqlDiscountNode struct {
	ID       text `json:"id"`
	Discount object[struct {
		Title  text    `json:"title"`
		Status text    `json:"status"`
		EndsAt instant `json:"endsAt"`
	}] `json:"codeDiscount"`
}

// CreateDiscount mints the code, or finds that an earlier try did. It needs the scope write_discounts. It fails with
// ErrCodeTaken when the shop has the code from elsewhere.
func (c *Client) CreateDiscount(ctx context.Context, d Discount) (Minted, error) {
	if err := d.check(); err != nil {
		return Minted{}, fmt.Errorf("discount: %w", err)
	}
	var data struct {
		Result object[struct {
			Node   object[gqlDiscountNode] `json:"codeDiscountNode"`
			Errors gqlUserErrors           `json:"userErrors"`
		}] `json:"discountCodeBasicCreate"`
	}
	op := operation{name: "CreateDiscount", text: mutationCreateDiscount}
	if err := c.change(ctx, op, map[string]any{"discount": d.input()}, &data); err != nil {
		return Minted{}, err
	}
	err := data.Result.value.Errors.first(op)
	var u *UserError
	if errors.As(err, &u) && (u.Code == "TAKEN" || strings.Contains(strings.ToLower(u.Message), "unique")) {
		return c.findDiscount(ctx, d)
	}
	if err != nil {
		return Minted{}, err
	}
	node := data.Result.value.Node.value
	if node.ID == "" {
		return Minted{}, &APIError{Operation: op.name, Kind: ErrOutage, Message: "the answer names no discount"}
	}
	return Minted{Code: d.Code(), GID: string(node.ID), EndsAt: firstInstant(node.Discount.value.EndsAt.at, d.EndsAt.UTC())}, nil
}

// findDiscount returns the discount that an earlier try made.
func (c *Client) findDiscount(ctx context.Context, d Discount) (Minted, error) {
	var data struct {
		Node object[gqlDiscountNode] `json:"codeDiscountNodeByCode"`
	}
	op := operation{name: "Discount", text: queryDiscount}
	if err := c.change(ctx, op, map[string]any{"code": d.Code()}, &data); err != nil {
		return Minted{}, err
	}
	node := data.Node.value
	if node.ID == "" || string(node.Discount.value.Title) != d.title() {
		return Minted{}, &APIError{Operation: op.name, Kind: ErrCodeTaken}
	}
	return Minted{Code: d.Code(), GID: string(node.ID), EndsAt: node.Discount.value.EndsAt.at}, nil
}

// DeactivateDiscount ends a code at once. One that is gone already is no error.
func (c *Client) DeactivateDiscount(ctx context.Context, gid string) error {
	var data struct {
		Result object[struct {
			Errors gqlUserErrors `json:"userErrors"`
		}] `json:"discountCodeDeactivate"`
	}
	op := operation{name: "DeactivateDiscount", text: mutationDeactivateDiscount}
	if err := c.change(ctx, op, map[string]any{"id": gid}, &data); err != nil {
		return err
	}
	err := data.Result.value.Errors.first(op)
	var u *UserError
	if errors.As(err, &u) && missing(u) {
		return nil
	}
	return err
}
