package policy

import (
	"time"

	"ringback/internal/cart"
)

// NextOpening returns the first instant at or after now at which somebody may be called of whom nothing is known but
// that they live in the store's country; false when there is none within SearchDays. It looks at the windows and the
// legal hours, and at nothing else.
func NextOpening(r *Rules, now time.Time) (time.Time, bool) {
	ready, err := r.ready()
	if err != nil {
		return time.Time{}, false
	}
	var b placeBuffers
	p, h := b.person(), hours{checks: b.checks[:0]}
	home := cart.Address{CountryCode: ready.store.Country}
	ready.locate(&cart.Cart{Checkout: cart.Checkout{Shipping: &home}}, &p)
	ready.hours(r, &p, &h)
	return h.next(now)
}
