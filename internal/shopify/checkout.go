package shopify

import (
	"encoding/json"
	"errors"
	"strings"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// checkoutPayload holds the fields we use of a checkout, as webhooks and the REST API write them.
type checkoutPayload struct {
	ID        id   `json:"id"`
	GID       id   `json:"admin_graphql_api_id"`
	Token     text `json:"token"`
	CartToken text `json:"cart_token"`
	Name      text `json:"name"`
	URL       text `json:"abandoned_checkout_url"`

	Email    text                    `json:"email"`
	Phone    text                    `json:"phone"`
	Customer object[customerPayload] `json:"customer"`
	Shipping object[addressPayload]  `json:"shipping_address"`
	Billing  object[addressPayload]  `json:"billing_address"`

	Currency      text              `json:"currency"`
	Presentment   text              `json:"presentment_currency"`
	Total         money             `json:"total_price"`
	TotalSet      object[moneySet]  `json:"total_price_set"`
	SubtotalSet   object[moneySet]  `json:"subtotal_price_set"`
	DiscountsSet  object[moneySet]  `json:"total_discounts_set"`
	Subtotal      money             `json:"subtotal_price"`
	Discounts     money             `json:"total_discounts"`
	TaxesIncluded flag              `json:"taxes_included"`
	TaxLines      list[taxPayload]  `json:"tax_lines"`
	Items         list[itemPayload] `json:"line_items"`
	Codes         codeList          `json:"discount_codes"`

	AcceptsMarketing flag       `json:"buyer_accepts_marketing"`
	AcceptsSMS       flag       `json:"buyer_accepts_sms_marketing"`
	SMSPhone         text       `json:"sms_marketing_phone"`
	Attributes       attributes `json:"note_attributes"`

	Locale     text `json:"customer_locale"`
	SourceName text `json:"source_name"`

	Test     flag  `json:"test"`
	Gateway  text  `json:"gateway"`
	Gateways words `json:"payment_gateway_names"`

	CreatedAt   instant `json:"created_at"`
	UpdatedAt   instant `json:"updated_at"`
	CompletedAt instant `json:"completed_at"`
	ClosedAt    instant `json:"closed_at"`
}

type itemPayload struct {
	Title              text  `json:"title"`
	PresentmentTitle   text  `json:"presentment_title"`
	VariantTitle       text  `json:"variant_title"`
	PresentmentVariant text  `json:"presentment_variant_title"`
	VariantID          id    `json:"variant_id"`
	ProductID          id    `json:"product_id"`
	SKU                text  `json:"sku"`
	Vendor             text  `json:"vendor"`
	Quantity           count `json:"quantity"`
	Price              money `json:"price"`
	VariantPrice       money `json:"variant_price"`
	LinePrice          money `json:"line_price"`
}

// moneySet is one amount in the shop's currency and in the customer's.
type moneySet struct {
	Shop        object[moneyPayload] `json:"shop_money"`
	Presentment object[moneyPayload] `json:"presentment_money"`
}

type moneyPayload struct {
	Amount   money `json:"amount"`
	Currency text  `json:"currency_code"`
}

// shopMoney is what the payload tells of the shop's currency; nil when it does not tell the total in it.
func (p checkoutPayload) shopMoney() *cart.ShopMoney {
	total := p.TotalSet.value.Shop.value
	code := currency(total.Currency)
	if code == "" || !total.Amount.set {
		return nil
	}
	return &cart.ShopMoney{
		Currency: code, Total: total.Amount.value,
		Subtotal:  p.SubtotalSet.value.Shop.value.Amount.value,
		Discounts: p.DiscountsSet.value.Shop.value.Amount.value,
	}
}

type taxPayload struct {
	Title text  `json:"title"`
	Rate  money `json:"rate"`
	Price money `json:"price"`
}

type codePayload struct {
	Code   text
	Amount money
	Type   text
}

// UnmarshalJSON implements json.Unmarshaler. A code is a text, an object that names it, or an object that holds either.
func (p *codePayload) UnmarshalJSON(b []byte) error {
	*p = codePayload{}
	if len(b) == 0 || b[0] != '{' {
		return p.Code.UnmarshalJSON(b)
	}
	var fields struct {
		Code   json.RawMessage `json:"code"`
		Nested json.RawMessage `json:"discount_code"`
		Amount money           `json:"amount"`
		Type   text            `json:"type"`
	}
	read(b, &fields)
	for _, inner := range []json.RawMessage{fields.Code, fields.Nested} {
		if p.Code == "" && len(inner) > 0 {
			_ = p.UnmarshalJSON(inner)
		}
	}
	if fields.Amount.set {
		p.Amount = fields.Amount
	}
	p.Type = text(firstOf(string(fields.Type), string(p.Type)))
	return nil
}

// codeList are discount codes: a list of them, one alone, or one text with commas.
type codeList []codePayload

// UnmarshalJSON implements json.Unmarshaler.
func (l *codeList) UnmarshalJSON(b []byte) error {
	*l = nil
	var all list[codePayload]
	if len(b) > 0 && b[0] == '[' {
		_ = all.UnmarshalJSON(b)
	} else {
		var one codePayload
		_ = one.UnmarshalJSON(b)
		all = list[codePayload]{one}
	}
	for _, p := range all {
		for code := range strings.SplitSeq(string(p.Code), ",") {
			if p.Code = text(strings.TrimSpace(code)); p.Code != "" {
				*l = append(*l, p)
			}
		}
	}
	return nil
}

// DecodeCheckout reads the payload of checkouts/create or checkouts/update, or one checkout of the REST API. The fields
// that Shopify leaves out or fills oddly are absent in the result; the only errors are a body that is no JSON object
// and a missing token, which is the checkout's identity. When the payload has no updated_at, d.TriggeredAt stands in
// for it.
func DecodeCheckout(body []byte, d Delivery) (cart.Checkout, error) {
	var p checkoutPayload
	if err := decodeObject(body, &p); err != nil {
		return cart.Checkout{}, err
	}
	if p.Token == "" {
		return cart.Checkout{}, errors.New("token: missing; without it the checkout cannot be told from others")
	}
	return p.checkout(d), nil
}

// consentRecord is what the customer's record says of a consent that the checkout itself does not tell; nothing when
// the checkout does.
func consentRecord(own *bool, customer consentPayload) cart.ConsentRecord {
	if own != nil || customer.given() == nil {
		return cart.ConsentRecord{}
	}
	return customer.record()
}

func (p checkoutPayload) checkout(d Delivery) cart.Checkout {
	customer := p.Customer.value
	shipping, billing := p.Shipping.value.address(), p.Billing.value.address()
	c := cart.Checkout{
		Token: string(p.Token),
		// Payloads of 2026-04 and later have no id; the name is the id after a "#".
		ID:        firstOf(string(p.ID), string(p.GID), numericID(string(p.Name))),
		CartToken: string(p.CartToken),
		URL:       string(p.URL),
		Email:     firstOf(string(p.Email), string(customer.Email)),
		Phones:    phones(string(p.Phone), customer, shipping, billing, string(p.SMSPhone)),
		Customer:  customer.customer(),
		Shipping:  shipping,
		Billing:   billing,
		// The amounts are what the customer sees; currency is the shop's.
		Currency:         firstOf(currency(p.Presentment), currency(p.TotalSet.value.Presentment.value.Currency), currency(p.Currency)),
		Total:            firstAmount(p.Total, p.TotalSet.value.Presentment.value.Amount),
		Subtotal:         firstAmount(p.Subtotal, p.SubtotalSet.value.Presentment.value.Amount),
		Discounts:        firstAmount(p.Discounts, p.DiscountsSet.value.Presentment.value.Amount),
		ShopMoney:        p.shopMoney(),
		TaxesIncluded:    p.TaxesIncluded.yes(),
		AcceptsMarketing: firstFlag(p.AcceptsMarketing.value, customer.acceptsMarketing()),
		AcceptsSMS:       firstFlag(p.AcceptsSMS.value, customer.acceptsSMS()),
		SMSPhone:         string(p.SMSPhone),
		MarketingConsent: consentRecord(p.AcceptsMarketing.value, customer.EmailConsent.value),
		SMSConsent:       consentRecord(p.AcceptsSMS.value, customer.SMSConsent.value),
		Attributes:       p.Attributes,
		Locale:           string(p.Locale),
		SourceName:       string(p.SourceName),
		Test:             d.Test || p.Test.yes() || paidBy(p.Gateway, p.Gateways, bogusGateway),
		CreatedAt:        firstInstant(p.CreatedAt.at, p.UpdatedAt.at, d.TriggeredAt.UTC()),
		// A version is no newer than its message: one dated ahead would shut out those that come after it.
		UpdatedAt: cart.Earlier(firstInstant(p.UpdatedAt.at, d.TriggeredAt.UTC(), p.CreatedAt.at), d.TriggeredAt.UTC()),
	}
	if c.SMSPhone == "" && p.AcceptsSMS.value == nil && c.AcceptsSMS != nil && *c.AcceptsSMS {
		// The customer's own SMS consent is for the customer's own number.
		c.SMSPhone = string(customer.Phone)
	}
	if p.CompletedAt.given {
		// A completion whose time cannot be read is a completion all the same: nobody is called after buying.
		at := firstInstant(p.CompletedAt.at, c.UpdatedAt, c.CreatedAt)
		c.CompletedAt = &at
	}
	if c.ShopMoney != nil && c.ShopMoney.Currency == c.Currency {
		c.ShopMoney = nil
	}
	if p.ClosedAt.given {
		at := firstInstant(p.ClosedAt.at, c.UpdatedAt, c.CreatedAt)
		c.ClosedAt = &at
	}
	for _, i := range p.Items {
		if item, ok := i.item(); ok {
			c.Items = append(c.Items, item)
		}
	}
	// A total that is not told is not zero: free carts are not called.
	if untold := !p.Total.set && !p.TotalSet.value.Presentment.value.Amount.set; untold {
		if sum := sumOf(c.Items).Sub(c.Discounts); sum.IsPositive() {
			c.Total = sum
		}
	}
	for _, t := range p.TaxLines {
		if t.Title != "" || t.Price.set || t.Rate.set {
			c.TaxLines = append(c.TaxLines, cart.TaxLine{Title: string(t.Title), Rate: t.Rate.value, Price: t.Price.value})
		}
	}
	for _, code := range p.Codes {
		c.Codes = append(c.Codes, cart.DiscountCode{Code: string(code.Code), Amount: code.Amount.value, Type: string(code.Type)})
	}
	return c
}

// sumOf is what the items cost together.
func sumOf(items []cart.Item) decimal.Decimal {
	sum := decimal.Zero
	for _, i := range items {
		sum = sum.Add(i.Price.Mul(decimal.NewFromInt(int64(i.Quantity))))
	}
	return sum
}

// item returns the line, and false when there is nothing in it.
func (p itemPayload) item() (cart.Item, bool) {
	i := cart.Item{
		Title:        firstOf(string(p.Title), string(p.PresentmentTitle)),
		VariantTitle: firstOf(string(p.VariantTitle), string(p.PresentmentVariant)),
		VariantID:    string(p.VariantID),
		ProductID:    string(p.ProductID),
		SKU:          string(p.SKU),
		Vendor:       string(p.Vendor),
		Quantity:     p.Quantity.or(1),
		Price:        firstAmount(p.Price, p.VariantPrice),
	}
	if !p.Price.set && !p.VariantPrice.set && p.LinePrice.set && i.Quantity > 0 {
		i.Price = p.LinePrice.value.DivRound(decimal.NewFromInt(int64(i.Quantity)), 4)
	}
	return i, i.Title != "" || i.VariantID != "" || i.ProductID != "" || i.SKU != ""
}

// SplitCheckouts returns the checkouts of a REST list, {"checkouts": [...]}, each as it stands.
func SplitCheckouts(body []byte) ([][]byte, error) {
	var p struct {
		Checkouts list[json.RawMessage] `json:"checkouts"`
	}
	if err := decodeObject(body, &p); err != nil {
		return nil, err
	}
	if p.Checkouts == nil {
		return nil, errors.New("checkouts: missing or not a list")
	}
	out := make([][]byte, len(p.Checkouts))
	for i, c := range p.Checkouts {
		out[i] = c
	}
	return out, nil
}

// DecodeDeletedCheckout reads the names of the checkout from the payload of checkouts/delete, which has an id, mostly a
// cart token, and no token. It fails when there is none of the three.
func DecodeDeletedCheckout(body []byte) (cart.Ref, error) {
	var p checkoutPayload
	if err := decodeObject(body, &p); err != nil {
		return cart.Ref{}, err
	}
	ref := cart.Ref{
		Token: string(p.Token), ID: firstOf(string(p.ID), string(p.GID), numericID(string(p.Name))), CartToken: string(p.CartToken),
	}
	if !ref.Known() {
		return ref, errors.New("id, cart_token and token: all missing; the deleted checkout cannot be told from others")
	}
	return ref, nil
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func firstFlag(flags ...*bool) *bool {
	for _, f := range flags {
		if f != nil {
			return f
		}
	}
	return nil
}

// currency returns an ISO 4217 code in upper case, "" for what cannot be one.
func currency(t text) string {
	if len(t) != 3 {
		return ""
	}
	return strings.ToUpper(string(t))
}
