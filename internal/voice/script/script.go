package script

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"ringback/internal/cart"
	"ringback/internal/voice"
	"ringback/internal/wording"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

const (
	// maxText bounds what one template makes, in runes.
	maxText = 16 << 10
	// maxItems bounds how many items of a cart a template sees.
	maxItems = 100
	// maxField bounds one text of the cart, in runes.
	maxField = 255
)

// Words is what a template sees. Missing text is "". Text that customers typed is on one line, without control
// characters.
type Words struct {
	// FirstName and LastName are the customer's; Name is both.
	FirstName, LastName, Name string
	// Phone is E.164.
	Phone, Email string
	// Store is how the shop calls itself, else its domain; Shop is the domain.
	Store, Shop string
	// Total, Subtotal and Discounts are amounts with the currency's decimals, such as "1895.00".
	Total, Subtotal, Discounts string
	// Currency is ISO 4217.
	Currency string
	// Items are the cart's lines; ItemCount is the number of pieces; ItemList says them in words: "2 × Tea (Green),
	// Cup".
	Items     []Item
	ItemCount int
	ItemList  string
	// Codes are the discount codes already in the cart.
	Codes []string
	// Link leads back to the cart, with the offer's code.
	Link string
	// Offer is the discount to give along, or nil.
	Offer *Offer
	// Attempt is the number of the call, from 1.
	Attempt int
	// City, Province and CountryName are the shipping address's; Country is the phone's ISO 3166-1 alpha-2 region.
	City, Province, CountryName, Country string
	// Locale is the customer's language as Shopify names it, such as "en-IN".
	Locale string
	// Attributes are the store's own fields of the cart: {{index .Attributes "gift"}}.
	Attributes map[string]string
	// CallID, CartID and CheckoutID are the ids of the call, of our cart and of Shopify's checkout.
	CallID, CartID, CheckoutID string
}

// Item is one line of the cart.
type Item struct {
	Title, Variant, SKU string
	Quantity            int
	// Price is one piece's, such as "499.00".
	Price string
}

// Offer is the discount to give along.
type Offer struct {
	Code, Description string
	// Value is a percentage such as "10" or an amount such as "150.00"; Type is percentage or fixed.
	Value, Type string
}

// For is what a template sees of the request.
func For(r voice.Request) Words {
	c := r.Checkout
	first, last := r.Names()
	w := Words{
		FirstName: first, LastName: last, Name: strings.TrimSpace(first + " " + last),
		Phone: r.Phone, Email: field(c.Email),
		Store: field(r.StoreName), Shop: r.Shop,
		Total: amount(c.Total, c.Currency), Subtotal: amount(c.Subtotal, c.Currency),
		Discounts: amount(c.Discounts, c.Currency),
		Currency:  c.Currency,
		ItemCount: c.ItemCount(),
		Link:      r.Link,
		Attempt:   r.Attempt,
		Country:   r.Country, Locale: field(c.Locale),
		Attributes: map[string]string{},
		CallID:     r.CallID.String(), CartID: r.CartID.String(), CheckoutID: c.ID,
	}
	if w.Store == "" {
		w.Store = r.Shop
	}
	for _, code := range c.Codes {
		w.Codes = append(w.Codes, field(code.Code))
	}
	if a := c.Shipping; a != nil {
		w.City, w.Province, w.CountryName = field(a.City), field(a.Province), field(a.Country)
	}
	for key, value := range c.Attributes {
		w.Attributes[key] = field(value)
	}
	if o := r.Offer; o != nil && o.Code != "" {
		w.Offer = &Offer{Code: o.Code, Description: o.Description, Type: o.Type, Value: value(o, c.Currency)}
	}
	w.addItems(c)
	return w
}

// value writes the offer's worth: money in its currency, a percentage as it is.
func value(o *cart.Offer, currency string) string {
	if o.Type == "fixed" {
		return amount(o.Value, currency)
	}
	if !wording.Sound(o.Value) {
		return ""
	}
	return o.Value.String()
}

func (w *Words) addItems(c cart.Checkout) {
	var list []string
	for _, i := range c.Items[:min(len(c.Items), maxItems)] {
		item := Item{Title: field(i.Title), Variant: field(i.VariantTitle), SKU: field(i.SKU), Quantity: i.Quantity,
			Price: amount(i.Price, c.Currency)}
		w.Items = append(w.Items, item)
		text := item.Title
		if item.Variant != "" {
			text += " (" + item.Variant + ")"
		}
		if item.Quantity > 1 {
			text = strconv.Itoa(item.Quantity) + " × " + text
		}
		list = append(list, text)
	}
	w.ItemList = strings.Join(list, ", ")
}

func field(text string) string { return voice.Plain(text, maxField) }

func amount(d decimal.Decimal, currency string) string {
	if !wording.Sound(d) {
		return ""
	}
	return wording.Amount(d, currency)
}

// Template is one text of the configuration, ready to be filled in.
type Template struct {
	path string
	t    *template.Template
}

// Compile reads a template and tries it on a sample cart, so that a field that does not exist is found before a call
// needs it. Errors name the template by path, such as "voice.prompt". An empty text makes an empty template.
func Compile(path, text string) (*Template, error) {
	t, err := template.New(path).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	made := &Template{path: path, t: t}
	for _, r := range samples() {
		if _, err := made.Fill(For(r)); err != nil {
			return nil, fmt.Errorf("%w; a template has %s, and must do without what a cart may lack", err, fields())
		}
	}
	return made, nil
}

// fields lists what a template can ask for.
func fields() string {
	var names []string
	for f := range reflect.TypeFor[Words]().Fields() {
		names = append(names, "."+f.Name)
	}
	return strings.Join(names, " ")
}

// Fill makes the text for one call. The error names the template and holds nothing of the cart.
func (t *Template) Fill(w Words) (string, error) {
	var b strings.Builder
	if err := t.t.Execute(&b, w); err != nil {
		return "", fmt.Errorf("%s: %w", t.path, err)
	}
	if utf8.RuneCountInString(b.String()) > maxText {
		return "", fmt.Errorf("%s: makes more than %d characters; shorten it", t.path, maxText)
	}
	return strings.ToValidUTF8(strings.ReplaceAll(b.String(), "\x00", ""), ""), nil
}

// samples are a bare and a full cart to try templates on.
func samples() []voice.Request {
	bare := voice.Request{Shop: "example.myshopify.com", Attempt: 1, Phone: "+14155550100",
		Checkout: cart.Checkout{Currency: "USD"}}
	full := bare
	full.CallID, full.CartID = uuid.Max, uuid.Max
	full.StoreName, full.Country, full.Link = "Example", "US", "https://example.com/recover"
	full.Offer = &cart.Offer{Code: "TEN", Description: "ten percent off", Value: decimal.NewFromInt(10),
		Type: "percentage"}
	full.Checkout = cart.Checkout{
		ID: "1", Email: "ann@example.com", Currency: "USD", Locale: "en-US",
		Customer: cart.Customer{FirstName: "Ann", LastName: "Lee"},
		Shipping: &cart.Address{City: "Reno", Province: "Nevada", Country: "United States"},
		Items: []cart.Item{{Title: "Tea", VariantTitle: "Green", SKU: "T-1", Quantity: 2,
			Price: decimal.NewFromInt(5)}},
		Codes: []cart.DiscountCode{{Code: "HELLO"}},
		Total: decimal.NewFromInt(10), Subtotal: decimal.NewFromInt(10),
		CreatedAt: time.Unix(0, 0).UTC(), UpdatedAt: time.Unix(0, 0).UTC(),
	}
	return []voice.Request{bare, full}
}
