package voice

import (
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
	// Link is the recovery link with the offer's code already appended, or "".
	Link string
	// Offer is the discount to give along, its code already minted; nil means none.
	Offer *cart.Offer
	// Priority asks the provider to take this call before others in its queue.
	Priority bool
	// CallbackURL receives the call's events; providers without per-call callbacks ignore it.
	CallbackURL string
}
