package policy

import (
	"time"

	"ringback/internal/cart"
)

// Decide says whether the cart may be called at now, when to ask again, or that it may never be called.
func Decide(r *Rules, f Facts, now time.Time) cart.Decision {
	_ = r
	_ = f
	_ = now
	return cart.Decision{}
}
