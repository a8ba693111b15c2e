package cart

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Checkout is one checkout as Shopify describes it, in a regular form: ids are strings, amounts are decimals in
// Currency, instants carry their zone, absent text is "".
type Checkout struct {
	Token string `json:"token"`
	// ID is Shopify's numeric id, from `id` or else from `name`; empty when neither was given.
	ID        string `json:"id,omitempty"`
	CartToken string `json:"cart_token,omitempty"`
	// URL is the recovery link as Shopify gave it.
	URL string `json:"url,omitempty"`

	Email string `json:"email,omitempty"`
	// Phones are all numbers found on the checkout, as typed, most trusted first.
	Phones   []RawPhone `json:"phones,omitempty"`
	Customer Customer   `json:"customer,omitzero"`
	Shipping *Address   `json:"shipping,omitempty"`
	Billing  *Address   `json:"billing,omitempty"`

	// Currency is the customer's, which may differ from the shop's (ISO 4217).
	Currency  string          `json:"currency,omitempty"`
	Total     decimal.Decimal `json:"total"`
	Subtotal  decimal.Decimal `json:"subtotal"`
	Discounts decimal.Decimal `json:"discounts"`
	// ShopMoney holds the amounts in the shop's currency, by Shopify's own rate; nil when the payload had none.
	ShopMoney     *ShopMoney     `json:"shop_money,omitempty"`
	TaxesIncluded bool           `json:"taxes_included,omitempty"`
	TaxLines      []TaxLine      `json:"tax_lines,omitempty"`
	Items         []Item         `json:"items,omitempty"`
	Codes         []DiscountCode `json:"codes,omitempty"`

	// AcceptsMarketing and AcceptsSMS are nil when the payload did not say.
	AcceptsMarketing *bool `json:"accepts_marketing,omitempty"`
	AcceptsSMS       *bool `json:"accepts_sms,omitempty"`
	// SMSPhone is the number that the SMS consent was given for, as typed.
	SMSPhone string `json:"sms_phone,omitempty"`
	// MarketingConsent and SMSConsent say when and how AcceptsMarketing and AcceptsSMS came about, as far as Shopify says.
	MarketingConsent ConsentRecord `json:"marketing_consent,omitzero"`
	SMSConsent       ConsentRecord `json:"sms_consent,omitzero"`
	// Consents are the consents of the store's policy that this checkout has, as they were when it first had them. They
	// are our record, not Shopify's.
	Consents []Consent `json:"consents,omitempty"`
	// Attributes are the store's own fields (note_attributes).
	Attributes map[string]string `json:"attributes,omitempty"`

	Locale     string `json:"locale,omitempty"`
	SourceName string `json:"source_name,omitempty"`
	// Test marks a checkout that cannot be a real sale.
	Test bool `json:"test,omitempty"`

	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	// ClosedAt is when the merchant archived the checkout.
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	// ToldAt is when Shopify sent this version. It orders versions of the same second.
	ToldAt time.Time `json:"told_at,omitzero"`
}

// Ref holds the names of a checkout. A message may tell only some of them; "" is a name that is not known.
type Ref struct {
	// Token is the checkout's token.
	Token string
	// ID is Shopify's numeric id of the checkout.
	ID string
	// CartToken is the token of the cart at the shop, which may have had several checkouts.
	CartToken string
}

// Known reports whether any of the names is known.
func (r Ref) Known() bool { return r != Ref{} }

// Ref returns the names of the checkout.
func (c Checkout) Ref() Ref { return Ref{Token: c.Token, ID: c.ID, CartToken: c.CartToken} }

// Newer reports whether c replaces old, the version known so far. Shopify rounds updated_at to the second, and
// shoppers are faster than that. Of two versions of the same second the one that was sent later counts. If that is not
// known, the one that arrives later counts, provided that it differs.
func (c Checkout) Newer(old Checkout) bool {
	if !c.UpdatedAt.Equal(old.UpdatedAt) {
		return c.UpdatedAt.After(old.UpdatedAt)
	}
	if !c.ToldAt.IsZero() && !old.ToldAt.IsZero() && !c.ToldAt.Equal(old.ToldAt) {
		return c.ToldAt.After(old.ToldAt)
	}
	old.ToldAt, old.Consents = c.ToldAt, c.Consents
	return !c.equal(&old)
}

// Earlier returns the earlier of two instants. An instant that is not set does not count.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ShopMoney holds a checkout's amounts in one currency.
type ShopMoney struct {
	Currency  string          `json:"currency"`
	Total     decimal.Decimal `json:"total"`
	Subtotal  decimal.Decimal `json:"subtotal"`
	Discounts decimal.Decimal `json:"discounts"`
}

// MoneyIn returns the checkout's amounts in a currency; false when they are not known.
func (c Checkout) MoneyIn(currency string) (ShopMoney, bool) {
	switch {
	case currency == "":
	case strings.EqualFold(c.Currency, currency):
		return ShopMoney{Currency: c.Currency, Total: c.Total, Subtotal: c.Subtotal, Discounts: c.Discounts}, true
	case c.ShopMoney != nil && strings.EqualFold(c.ShopMoney.Currency, currency):
		return *c.ShopMoney, true
	}
	return ShopMoney{}, false
}

// RawPhone is a phone number as it was typed, with the field that it comes from:
// phone, customer, shipping, billing, default_address or sms_marketing.
type RawPhone struct {
	From   string `json:"from"`
	Number string `json:"number"`
	// Country is the ISO alpha-2 country of the address that the number is part of, if any.
	Country string `json:"country,omitempty"`
}

// Customer is the buyer as Shopify knows them.
type Customer struct {
	ID        string   `json:"id,omitempty"`
	FirstName string   `json:"first_name,omitempty"`
	LastName  string   `json:"last_name,omitempty"`
	Email     string   `json:"email,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	// Metafields are those of the customer's metafields that Shopify told, by namespace and key, as "custom.calls".
	Metafields map[string]Metafield `json:"metafields,omitempty"`
	// Orders is how many orders the customer had before; nil when unknown.
	Orders *int `json:"orders,omitempty"`
}

// Address is a shipping or billing address.
type Address struct {
	FirstName    string `json:"first_name,omitempty"`
	LastName     string `json:"last_name,omitempty"`
	Name         string `json:"name,omitempty"`
	Address1     string `json:"address1,omitempty"`
	Address2     string `json:"address2,omitempty"`
	City         string `json:"city,omitempty"`
	Province     string `json:"province,omitempty"`
	ProvinceCode string `json:"province_code,omitempty"`
	Country      string `json:"country,omitempty"`
	CountryCode  string `json:"country_code,omitempty"`
	Zip          string `json:"zip,omitempty"`
	Phone        string `json:"phone,omitempty"`
}

// Item is one line of the cart.
type Item struct {
	Title        string          `json:"title"`
	VariantTitle string          `json:"variant_title,omitempty"`
	VariantID    string          `json:"variant_id,omitempty"`
	ProductID    string          `json:"product_id,omitempty"`
	SKU          string          `json:"sku,omitempty"`
	Vendor       string          `json:"vendor,omitempty"`
	Quantity     int             `json:"quantity"`
	Price        decimal.Decimal `json:"price"`
}

// TaxLine is one tax on the cart. Rate is a fraction: 0.05 is five per cent.
type TaxLine struct {
	Title string          `json:"title,omitempty"`
	Rate  decimal.Decimal `json:"rate"`
	Price decimal.Decimal `json:"price"`
}

// DiscountCode is a code already in the cart.
type DiscountCode struct {
	Code   string          `json:"code"`
	Amount decimal.Decimal `json:"amount"`
	Type   string          `json:"type,omitempty"`
}

// CustomerName is the customer's name as the agent may say it, or "".
func (c Checkout) CustomerName() string {
	first, last := c.Names()
	switch {
	case first != "" && last != "":
		return first + " " + last
	case first != "":
		return first
	}
	return last
}

// Names are the customer's first and last name, from the customer, else the shipping, else the billing address.
func (c Checkout) Names() (first, last string) {
	if c.Customer.FirstName != "" || c.Customer.LastName != "" {
		return c.Customer.FirstName, c.Customer.LastName
	}
	for _, a := range []*Address{c.Shipping, c.Billing} {
		if a == nil {
			continue
		}
		if a.FirstName != "" || a.LastName != "" {
			return a.FirstName, a.LastName
		}
		if a.Name != "" {
			return a.Name, ""
		}
	}
	return "", ""
}

// KnownEmail is the email address typed at this checkout, else the customer account's, or "".
func (c Checkout) KnownEmail() string {
	if c.Email != "" {
		return c.Email
	}
	return c.Customer.Email
}

// ItemCount is the number of pieces in the cart.
func (c Checkout) ItemCount() int {
	n := 0
	for _, i := range c.Items {
		n += i.Quantity
	}
	return n
}
