package mirai

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/voice"
	"ringback/internal/voice/script"
	"ringback/internal/wording"

	"github.com/shopspring/decimal"
)

const (
	// nobody stands in for a first name, which the schema requires. It is a noun that agents of every language can
	// greet and ask for; "there" would fit a greeting only ("Am I speaking with there?").
	nobody = "Customer"
	// untitled and standard stand in for the titles that the schema requires of an item and of its variant.
	untitled = "Item"
	standard = "Default"
	// maxItems bounds how many lines of a cart an agent is told of.
	maxItems = 100
	// maxField bounds one text of the payload, in runes.
	maxField = 255
	maxURL   = 2048
)

// payloadMaker makes the payload of the assistant's variant: the store's own templates for a custom one, else
// abandoned_cart.
type payloadMaker struct{ templates map[string]*script.Template }

func newPayloadMaker(texts map[string]script.Text) (payloadMaker, error) {
	m := payloadMaker{templates: make(map[string]*script.Template, len(texts))}
	for name, text := range texts {
		t, err := script.Compile("voice.payload."+name, string(text))
		if err != nil {
			return m, err
		}
		m.templates[name] = t
	}
	return m, nil
}

// make makes the payload; the error is a *voice.RefusedError.
func (m payloadMaker) make(r voice.Request) (any, error) {
	if len(m.templates) == 0 {
		return abandonedCart(r)
	}
	words := script.For(r)
	payload := make(map[string]string, len(m.templates))
	for name, t := range m.templates {
		text, err := t.Fill(words)
		if err != nil {
			return nil, refuse(err.Error())
		}
		payload[name] = text
	}
	return payload, nil
}

// payload is AbandonedCartPayload.
type payload struct {
	ID               string           `json:"id,omitempty"`
	CheckoutURL      string           `json:"abandonedCheckoutUrl,omitempty"`
	Customer         customer         `json:"customer"`
	DiscountCodes    []string         `json:"discountCodes"`
	TotalDiscountSet priceSet         `json:"totalDiscountSet"`
	SubtotalPriceSet priceSet         `json:"subtotalPriceSet"`
	TotalPriceSet    priceSet         `json:"totalPriceSet"`
	TaxesIncluded    bool             `json:"taxesIncluded"`
	TaxLines         []taxLine        `json:"taxLines,omitempty"`
	LineItems        []lineItem       `json:"lineItems"`
	Billing          *billingAddress  `json:"billingAddress,omitempty"`
	Shipping         *shippingAddress `json:"shippingAddress,omitempty"`
}

type customer struct {
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName,omitempty"`
	// Email is nullable.
	Email *string `json:"email"`
	Phone string  `json:"phone"`
}

// priceSet is an amount in the shop's currency, which the payload does not name; empty when it is not known in that.
type priceSet struct {
	ShopMoney *shopMoney `json:"shopMoney,omitempty"`
}

type shopMoney struct {
	Amount string `json:"amount"`
}

type taxLine struct {
	Rate           json.Number `json:"rate"`
	RatePercentage json.Number `json:"ratePercentage"`
	Title          string      `json:"title,omitempty"`
	Price          string      `json:"price,omitempty"`
}

type lineItem struct {
	Title    string   `json:"title"`
	Quantity int      `json:"quantity"`
	Variant  *variant `json:"variant,omitempty"`
}

type variant struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type billingAddress struct {
	Country string `json:"country,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

type shippingAddress struct {
	Country      string `json:"country,omitempty"`
	Address1     string `json:"address1,omitempty"`
	Address2     string `json:"address2,omitempty"`
	City         string `json:"city,omitempty"`
	Province     string `json:"province,omitempty"`
	ProvinceCode string `json:"provinceCode,omitempty"`
	Zip          string `json:"zip,omitempty"`
	Phone        string `json:"phone,omitempty"`
}

// abandonedCart makes the payload of an abandoned_cart assistant. The error is a *voice.RefusedError when the cart
// cannot be described.
func abandonedCart(r voice.Request) (*payload, error) {
	c := r.Checkout
	first, last := r.Names()
	if first == "" {
		first = nobody
	}
	p := &payload{
		ID:          gid("AbandonedCheckout", c.ID),
		CheckoutURL: link(r.Link),
		Customer: customer{
			FirstName: first, LastName: last, Email: email(c.Email, c.Customer.Email), Phone: r.Phone,
		},
		DiscountCodes: codes(c.Codes),
		TaxesIncluded: c.TaxesIncluded,
		LineItems:     lineItems(c.Items),
	}
	if len(p.LineItems) == 0 {
		return nil, refuse("payload.lineItems: the cart has no items, and Mirai takes no call without one")
	}
	money, known := inShopMoney(r)
	for _, m := range []struct {
		field  string
		amount decimal.Decimal
		set    *priceSet
	}{
		{"totalDiscountSet", money.Discounts, &p.TotalDiscountSet},
		{"subtotalPriceSet", money.Subtotal, &p.SubtotalPriceSet},
		{"totalPriceSet", money.Total, &p.TotalPriceSet},
	} {
		if !known {
			continue
		}
		if !wording.Sound(m.amount) {
			return nil, refuse("payload." + m.field + ": not an amount of money")
		}
		m.set.ShopMoney = &shopMoney{Amount: wording.Amount(m.amount, money.Currency)}
	}
	p.TaxLines = taxLines(c)
	if r.StoreCurrency != "" && !strings.EqualFold(c.Currency, r.StoreCurrency) && c.Currency != "" {
		for i := range p.TaxLines {
			p.TaxLines[i].Price = ""
		}
	}
	if a := c.Billing; a != nil {
		p.Billing = orNil(billingAddress{Country: field(a.Country), Phone: field(a.Phone)})
	}
	if a := c.Shipping; a != nil {
		p.Shipping = orNil(shippingAddress{
			Country: field(a.Country), Address1: field(a.Address1), Address2: field(a.Address2), City: field(a.City),
			Province: field(a.Province), ProvinceCode: field(a.ProvinceCode), Zip: field(a.Zip), Phone: field(a.Phone),
		})
	}
	return p, nil
}

// inShopMoney is the cart's money in the shop's currency. It is false when the amounts are in another currency and
// Shopify did not tell them in the shop's: an agent would tell them as the shop's.
func inShopMoney(r voice.Request) (cart.ShopMoney, bool) {
	c := r.Checkout
	if r.StoreCurrency == "" || c.Currency == "" {
		return cart.ShopMoney{Currency: c.Currency, Total: c.Total, Subtotal: c.Subtotal, Discounts: c.Discounts}, true
	}
	return c.MoneyIn(r.StoreCurrency)
}

// orNil is nil for an empty address.
func orNil[T comparable](address T) *T {
	var empty T
	if address == empty {
		return nil
	}
	return &address
}

func field(text string) string { return voice.Plain(text, maxField) }

var numeric = regexp.MustCompile(`^[0-9]{1,20}$`)

// gid makes Shopify's global id from a numeric one, which may already stand at the end of a global id; "" when there
// is none.
func gid(kind, id string) string {
	if at := strings.LastIndexByte(id, '/'); at >= 0 {
		id = id[at+1:]
	}
	if !numeric.MatchString(id) {
		return ""
	}
	return "gid://shopify/" + kind + "/" + id
}

// link is the recovery link if it is one, with every character that a URI cannot hold (RFC 3986) escaped.
func link(text string) string {
	if text != voice.Plain(text, maxURL) {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return escape(u.String())
}

var escaped = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

// escape writes what cannot stand in a URI as it is in percent escapes; escapes that are there already stay.
func escape(uri string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;="
	var out strings.Builder
	for i := range len(uri) {
		if strings.IndexByte(plain, uri[i]) >= 0 || escaped.MatchString(uri[i:]) {
			out.WriteByte(uri[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", uri[i])
		}
	}
	return out.String()
}

var plainMail = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// email is the first of the addresses that is one, or nil.
func email(addresses ...string) *string {
	for _, a := range addresses {
		a = strings.TrimSpace(a)
		if parsed, err := mail.ParseAddress(a); err == nil && parsed.Address == a && plainMail.MatchString(a) {
			return &a
		}
	}
	return nil
}

func codes(all []cart.DiscountCode) []string {
	texts := []string{}
	for _, c := range all {
		if code := field(c.Code); code != "" && !slices.Contains(texts, code) {
			texts = append(texts, code)
		}
	}
	return texts
}

// lineItems tells the pieces that are still in the cart: a line of none was taken out.
func lineItems(items []cart.Item) []lineItem {
	var lines []lineItem
	for _, i := range items {
		if i.Quantity < 1 || len(lines) == maxItems {
			continue
		}
		line := lineItem{Title: field(i.Title), Quantity: i.Quantity}
		if line.Title == "" {
			line.Title = untitled
		}
		if id := gid("ProductVariant", i.VariantID); id != "" {
			line.Variant = &variant{ID: id, Title: field(i.VariantTitle)}
			if line.Variant.Title == "" {
				line.Variant.Title = standard
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func taxLines(c cart.Checkout) []taxLine {
	var lines []taxLine
	for _, t := range c.TaxLines {
		if !wording.Sound(t.Rate) || !wording.Sound(t.Price) || len(lines) == maxItems {
			continue
		}
		lines = append(lines, taxLine{
			Rate:           json.Number(t.Rate.String()),
			RatePercentage: json.Number(t.Rate.Shift(2).String()),
			Title:          field(t.Title),
			Price:          wording.Amount(t.Price, c.Currency),
		})
	}
	return lines
}
