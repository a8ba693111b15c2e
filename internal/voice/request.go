package voice

import (
	"regexp"
	"strings"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Request is one call to place. It carries personal data and must not be logged.
type Request struct {
	// CallID is our id of the call; providers that echo metadata name it in every callback.
	CallID uuid.UUID
	CartID uuid.UUID
	// Shop is the *.myshopify.com domain.
	Shop string
	// StoreName is how the shop calls itself to customers; empty means that templates see the domain.
	StoreName string
	// Attempt is the number of the attempt, from 1.
	Attempt int
	// Phone is the number to dial, E.164.
	Phone string
	// Country is the ISO 3166-1 alpha-2 region of Phone, or "".
	Country string
	// Checkout is the newest version of the checkout: names, items and money are read from it.
	Checkout cart.Checkout
	// StoreCurrency is the store's ISO 4217 currency; the checkout's amounts may be in another one.
	StoreCurrency string
	// Link is the recovery link with the offer's code already appended, or "".
	Link string
	// Offer is the discount to give along, its code already minted; nil means none.
	Offer *cart.Offer
	// Disclosure is what must be said first, in the customer's language; "" when nothing is configured. Providers whose
	// greeting is ours to send say it before that.
	Disclosure string
	// Priority asks the provider to take this call before others in its queue.
	Priority bool
	// Test marks a call to a number of the operator's own, with a sample cart.
	Test bool
	// CallbackURL receives the call's events; providers without per-call callbacks ignore it.
	CallbackURL string
}

// Disclosed returns the greeting with what must be said before it, unless the greeting says it already.
func (r Request) Disclosed(greeting string) string {
	greeting = strings.TrimSpace(greeting)
	if r.Disclosure == "" || strings.Contains(strings.ToLower(greeting), strings.ToLower(r.Disclosure)) {
		return greeting
	}
	return strings.TrimSpace(r.Disclosure + " " + greeting)
}

// maxName bounds a name that is spoken, in runes. Longer text is not a name.
const maxName = 60

// Names returns the customer's first and last name, fit to be spoken. It looks at the customer, then at the shipping
// and the billing address: first for a first name, then for a full name, which it splits, and last for a last name
// alone, which it returns as the first name.
func (r Request) Names() (first, last string) {
	type person struct{ first, last, full string }
	people := []person{{first: r.Checkout.Customer.FirstName, last: r.Checkout.Customer.LastName}}
	for _, a := range []*cart.Address{r.Checkout.Shipping, r.Checkout.Billing} {
		if a != nil {
			people = append(people, person{a.FirstName, a.LastName, a.Name})
		}
	}
	for _, p := range people {
		if first = Plain(p.first, maxName); first != "" {
			return first, Plain(p.last, maxName)
		}
	}
	for _, p := range people {
		if first, last, _ = strings.Cut(Plain(p.full, maxName), " "); first != "" {
			return first, last
		}
	}
	for _, p := range people {
		if first = Plain(p.last, maxName); first != "" {
			return first, ""
		}
	}
	return "", ""
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Check says whether the request can be placed with any provider at all; the error is a *RefusedError.
func (r Request) Check() error {
	if !e164.MatchString(r.Phone) {
		return &RefusedError{Kind: RefusedContent, Message: "phone: not an E.164 number such as +14155550100"}
	}
	return nil
}

// Private lists the words of the request that must not show in an error text.
func (r Request) Private() []string {
	c := r.Checkout
	words := []string{r.Phone, r.Link, r.CallbackURL, c.Email, c.Customer.Email, c.Customer.FirstName,
		c.Customer.LastName, c.URL, c.Token}
	for _, a := range []*cart.Address{c.Shipping, c.Billing} {
		if a != nil {
			words = append(words, a.Name, a.FirstName, a.LastName, a.Address1, a.Address2, a.Zip, a.Phone)
		}
	}
	for _, p := range c.Phones {
		words = append(words, p.Number)
	}
	return words
}
