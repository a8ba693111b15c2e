package simshop

import (
	"encoding/json"
	"sort"
	"strconv"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// The payloads of webhooks, as version 2026-10 writes them: a checkout has no id but a name, an order no checkout_id;
// created_at is in UTC and updated_at in the shop's zone; a guest's shipping address is an empty list.

type object map[string]any

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// number writes an id as the number it is.
func number(id string) any {
	if id == "" {
		return nil
	}
	return json.Number(id)
}

func (p *Shop) local(t time.Time) string { return t.In(p.zone).Format(time.RFC3339) }

func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

func (p *Shop) localOrNull(t *time.Time) any {
	if t == nil {
		return nil
	}
	return p.local(*t)
}

func amount(d decimal.Decimal) string {
	if d.Exponent() > -2 {
		return d.StringFixed(2)
	}
	return d.String()
}

// phone returns the number that stands in the field.
func phone(phones []cart.RawPhone, from string) cart.RawPhone {
	for _, p := range phones {
		if p.From == from {
			return p
		}
	}
	return cart.RawPhone{}
}

func (p *Shop) checkoutJSON(c *checkout) object {
	o := object{
		"token": c.Token, "cart_token": nullable(c.CartToken), "name": "#" + strconv.FormatInt(c.id, 10),
		"email": nullable(c.Email), "phone": nullable(phone(c.Phones, "phone").Number), "gateway": nil,
		"buyer_accepts_marketing": flag(c.AcceptsMarketing), "buyer_accepts_sms_marketing": flag(c.AcceptsSMS),
		"sms_marketing_phone": nullable(c.SMSPhone),
		"created_at":          utc(c.CreatedAt), "updated_at": p.local(c.UpdatedAt),
		"completed_at": p.localOrNull(c.CompletedAt), "closed_at": nil,
		"landing_site": "/", "note": "", "note_attributes": noteAttributes(c.Attributes), "referring_site": "",
		"shipping_lines": []any{},
		"taxes_included": c.TaxesIncluded, "total_weight": 0, "currency": c.Currency,
		"presentment_currency": c.Currency,
		"user_id":              nil, "location_id": nil, "source_identifier": nil, "source_url": nil, "source": nil,
		"device_id":       nil,
		"customer_locale": nullable(c.Locale), "source_name": nullable(c.SourceName),
		"line_items": checkoutLines(c.Items), "tax_lines": taxLines(c.TaxLines), "discount_codes": codesJSON(c.Codes),
		"abandoned_checkout_url": c.URL,
		"total_discounts":        amount(c.Discounts), "subtotal_price": amount(c.Subtotal),
		"total_price":            amount(c.Total),
		"total_line_items_price": amount(total(c.Items, decimal.Zero)), "total_tax": "0.00", "total_duties": nil,
		"reservation_token": nil,
		"shipping_address":  []any{},
	}
	if c.Shipping != nil {
		o["shipping_address"] = address(c.Shipping)
	}
	if c.Billing != nil {
		o["billing_address"] = address(c.Billing)
	}
	if customer := customerJSON(c.Checkout); customer != nil {
		o["customer"] = customer
	}
	return o
}

func flag(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

func noteAttributes(attributes map[string]string) []any {
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	out := []any{}
	for _, name := range names {
		out = append(out, object{"name": name, "value": attributes[name]})
	}
	return out
}

func checkoutLines(items []cart.Item) []any {
	out := []any{}
	for i, item := range items {
		out = append(out, object{
			"key": strconv.Itoa(i + 1), "title": item.Title, "presentment_title": item.Title,
			"variant_title": nullable(item.VariantTitle), "presentment_variant_title": nullable(item.VariantTitle),
			"variant_id": number(item.VariantID), "product_id": number(item.ProductID), "sku": item.SKU,
			"vendor":   nullable(item.Vendor),
			"quantity": item.Quantity, "price": amount(item.Price), "variant_price": amount(item.Price),
			"line_price": amount(item.Price.Mul(decimal.NewFromInt(int64(item.Quantity)))),
			"properties": nil, "tax_lines": []any{}, "applied_discounts": []any{}, "discount_allocations": []any{},
			"gift_card": false, "grams": 0, "requires_shipping": true, "taxable": true,
			"fulfillment_service": "manual", "compare_at_price": nil,
		})
	}
	return out
}

func taxLines(lines []cart.TaxLine) []any {
	out := []any{}
	for _, t := range lines {
		out = append(out, object{"title": t.Title, "rate": json.Number(t.Rate.String()), "price": amount(t.Price),
			"channel_liable": false})
	}
	return out
}

func codesJSON(codes []cart.DiscountCode) []any {
	out := []any{}
	for _, c := range codes {
		code := object{"code": c.Code, "amount": amount(c.Amount)}
		if c.Type != "" {
			code["type"] = c.Type
		}
		out = append(out, code)
	}
	return out
}

func address(a *cart.Address) object {
	return object{
		"first_name": nullable(a.FirstName), "last_name": nullable(a.LastName), "name": a.Name, "company": nil,
		"address1": nullable(a.Address1), "address2": nullable(a.Address2), "city": nullable(a.City),
		"zip":      nullable(a.Zip),
		"province": nullable(a.Province), "province_code": nullable(a.ProvinceCode),
		"country": nullable(a.Country), "country_code": nullable(a.CountryCode), "phone": nullable(a.Phone),
		"latitude": nil, "longitude": nil,
	}
}

// customerJSON returns nil for a guest.
func customerJSON(c cart.Checkout) object {
	if c.Customer.ID == "" {
		return nil
	}
	o := object{
		"id": number(c.Customer.ID), "admin_graphql_api_id": "gid://shopify/Customer/" + c.Customer.ID,
		"email": nullable(c.Customer.Email), "phone": nullable(phone(c.Phones, "customer").Number),
		"first_name": nullable(c.Customer.FirstName), "last_name": nullable(c.Customer.LastName),
		"state": "disabled", "verified_email": true, "currency": c.Currency, "tax_exemptions": []any{}, "note": nil,
	}
	if home := phone(c.Phones, "default_address"); home.Number != "" {
		o["default_address"] = object{"phone": home.Number, "country_code": nullable(home.Country), "default": true}
	}
	return o
}

func (p *Shop) orderJSON(o *order) object {
	c := o.checkout
	lines := checkoutLines(c.Items)
	for i := range lines {
		lines[i].(object)["id"] = o.id + int64(i) + 1
		lines[i].(object)["properties"] = []any{}
	}
	codes := codesJSON(c.Codes)
	out := object{
		"id": o.id, "admin_graphql_api_id": gid("Order", o.id), "name": o.Name,
		"checkout_token": nullable(o.CheckoutToken), "cart_token": nullable(o.CartToken),
		"email": nullable(o.Email), "contact_email": nullable(o.Email),
		"phone":      nullable(phone(o.Phones, "phone").Number),
		"created_at": p.local(o.CreatedAt), "processed_at": p.local(o.CreatedAt), "updated_at": p.local(o.UpdatedAt),
		"cancelled_at": p.localOrNull(o.CancelledAt), "closed_at": nil,
		"currency": o.Currency, "presentment_currency": o.Currency,
		"total_price": amount(o.Total), "current_total_price": amount(o.current()), "subtotal_price": amount(o.Total),
		"total_tax":       "0.00",
		"total_discounts": amount(c.Discounts), "discount_codes": codes, "discount_applications": []any{},
		"financial_status": o.financialStatus(), "refunds": p.refundsJSON(o),
		"fulfillment_status": nil, "test": o.Test, "payment_gateway_names": o.gateways(),
		"note_attributes": noteAttributes(c.Attributes), "source_name": "web", "tags": "", "line_items": lines,
		"billing_address": nil, "shipping_address": nil, "buyer_accepts_marketing": flag(c.AcceptsMarketing),
	}
	if c.Shipping != nil {
		out["shipping_address"] = address(c.Shipping)
	}
	if c.Billing != nil {
		out["billing_address"] = address(c.Billing)
	}
	if customer := customerJSON(c); customer != nil {
		out["customer"] = customer
	}
	return out
}

func (o *order) financialStatus() string {
	switch refunded := o.refunded(); {
	case o.CashOnDelivery && o.CancelledAt != nil:
		return "voided"
	case o.CashOnDelivery:
		return "pending"
	case !refunded.IsPositive():
		return "paid"
	case refunded.LessThan(o.Total):
		return "partially_refunded"
	}
	return "refunded"
}

func (p *Shop) refundsJSON(o *order) []any {
	out := []any{}
	for i := range o.Refunds {
		out = append(out, p.refundJSON(o, i))
	}
	return out
}

// refundJSON is the content of refunds/create. Goods that go back into stock unpaid are a refund without transactions.
func (p *Shop) refundJSON(o *order, i int) object {
	r := o.Refunds[i]
	at := p.local(o.UpdatedAt)
	transactions := []any{}
	if r.Value.IsPositive() {
		transactions = append(transactions, object{
			"id": number(r.ID + "1"), "order_id": o.id, "kind": "refund", "gateway": o.gateways()[0], "status": "success",
			"amount": amount(r.Value), "currency": r.Currency, "created_at": at, "processed_at": at, "test": o.Test,
			"parent_id": nil, "message": nil,
		})
	}
	return object{
		"id": number(r.ID), "admin_graphql_api_id": "gid://shopify/Refund/" + r.ID, "order_id": o.id, "created_at": at,
		"processed_at": at, "note": "", "restock": true, "user_id": nil, "duties": []any{}, "order_adjustments": []any{},
		"refund_line_items": []any{}, "transactions": transactions,
	}
}
