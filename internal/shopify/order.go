package shopify

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"ringback/internal/cart"
)

// orderPayload holds the fields we use of an order.
type orderPayload struct {
	ID            id   `json:"id"`
	GID           id   `json:"admin_graphql_api_id"`
	Name          text `json:"name"`
	CheckoutToken text `json:"checkout_token"`
	CartToken     text `json:"cart_token"`

	Email        text                    `json:"email"`
	ContactEmail text                    `json:"contact_email"`
	Phone        text                    `json:"phone"`
	Customer     object[customerPayload] `json:"customer"`
	Shipping     object[addressPayload]  `json:"shipping_address"`
	Billing      object[addressPayload]  `json:"billing_address"`

	Total       money               `json:"total_price"`
	TotalSet    object[moneySet]    `json:"total_price_set"`
	Current     money               `json:"current_total_price"`
	Refunds     list[refundPayload] `json:"refunds"`
	refunded    money
	Currency    text     `json:"currency"`
	Presentment text     `json:"presentment_currency"`
	Codes       codeList `json:"discount_codes"`
	// Applications name a code even where discount_codes is missing.
	Applications codeList `json:"discount_applications"`

	SourceName text `json:"source_name"`

	Test     flag  `json:"test"`
	Gateway  text  `json:"gateway"`
	Gateways words `json:"payment_gateway_names"`

	CreatedAt   instant `json:"created_at"`
	ProcessedAt instant `json:"processed_at"`
	UpdatedAt   instant `json:"updated_at"`
	CancelledAt instant `json:"cancelled_at"`
}

// bogusGateway is in the name of Shopify's test gateway: "bogus", "Bogus Gateway" or "(for testing) Bogus Gateway".
const bogusGateway = "bogus"

// DecodeOrder reads the payload of orders/create, orders/paid, orders/updated or orders/cancelled. The only errors are
// a body that is no JSON object and a missing id. When the payload has no updated_at, d.TriggeredAt stands in for it.
func DecodeOrder(body []byte, d Delivery) (cart.Order, error) {
	var p orderPayload
	if err := decodeObject(body, &p); err != nil {
		return cart.Order{}, err
	}
	if p.ID == "" && p.GID == "" {
		return cart.Order{}, errors.New("id: missing; without it the order cannot be told from others")
	}
	return p.order(d), nil
}

func (p orderPayload) order(d Delivery) cart.Order {
	customer := p.Customer.value
	shipping, billing := p.Shipping.value.address(), p.Billing.value.address()
	triggered := d.TriggeredAt.UTC()
	o := cart.Order{
		ID:            firstOf(string(p.ID), string(p.GID)),
		Name:          string(p.Name),
		CheckoutToken: string(p.CheckoutToken),
		CartToken:     string(p.CartToken),
		CustomerID:    customer.id(),
		Email:         firstOf(string(p.Email), string(p.ContactEmail), string(customer.Email)),
		Emails:        otherEmails(p.Email, p.ContactEmail, customer.Email),
		Phones:        phones(string(p.Phone), customer, shipping, billing, ""),
		Country:       firstCountry(shipping, billing, customer.DefaultAddress.value.address()),
		Total:         firstAmount(p.Total, p.Current),
		Currency:      firstOf(currency(p.Currency), currency(p.Presentment)),
		Codes:         codes(p.Codes, p.Applications),
		CreatedAt:     firstInstant(p.CreatedAt.at, p.ProcessedAt.at, p.UpdatedAt.at, triggered),
		UpdatedAt:     cart.Earlier(firstInstant(p.UpdatedAt.at, triggered, p.CreatedAt.at, p.ProcessedAt.at), triggered),
		CancelledAt:   p.CancelledAt.pointer(),
		SourceName:    string(p.SourceName),
		Test:          d.Test || p.Test.yes() || paidBy(p.Gateway, p.Gateways, bogusGateway),

		CashOnDelivery: paidBy(p.Gateway, p.Gateways, cashGateways...),
		CurrentTotal:   p.Current.pointer(),
		RefundedTotal:  p.refunded.pointer(),
	}
	if seen := p.TotalSet.value.Presentment.value; seen.Amount.set {
		if code := currency(seen.Currency); code != "" && code != o.Currency {
			o.Presented = &cart.Amount{Value: seen.Amount.value, Currency: code}
		}
	}
	for _, r := range p.Refunds[:min(len(p.Refunds), mostRefunds)] {
		if refund, ok := r.refund(); ok {
			o.AddRefunds(refund)
		}
	}
	return o
}

// mostRefunds bounds the refunds that are read of one order.
const mostRefunds = 500

// cashGateways are in the names of payment methods that are paid at the door: Shopify's "Cash on Delivery (COD)", its
// older handle cash_on_delivery, and what apps write, such as "cod" or "GoKwik COD".
var cashGateways = []string{"cod", "cash on delivery", "cashondelivery"}

// paidBy reports whether the name of one of the gateways holds one of some words.
func paidBy(gateway text, gateways words, names ...string) bool {
	return slices.ContainsFunc(append(slices.Clone(gateways), string(gateway)), func(g string) bool {
		words := strings.FieldsFunc(strings.ToLower(g), func(r rune) bool { return !unicode.IsLetter(r) })
		name := " " + strings.Join(words, " ") + " "
		return slices.ContainsFunc(names, func(w string) bool { return strings.Contains(name, " "+w+" ") })
	})
}

// codes are the discount codes of an order, each once, as typed.
func codes(lists ...codeList) []string {
	var out []string
	for _, l := range lists {
		for _, c := range l {
			if code := string(c.Code); !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	return out
}

// otherEmails are the addresses that were given beside the first, each once.
func otherEmails(given ...text) []string {
	var all []string
	for _, e := range given {
		if address := string(e); address != "" && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	if len(all) < 2 {
		return nil
	}
	return all[1:]
}

func firstCountry(addresses ...*cart.Address) string {
	for _, a := range addresses {
		if a != nil && a.CountryCode != "" {
			return a.CountryCode
		}
	}
	return ""
}
