package policy

import (
	"time"

	"ringback/internal/cart"
)

// Zone is the clock by which a customer's "five o'clock" is understood: the first of the zones that they may be in, the
// store's when nothing is known.
func (r *Rules) Zone(c *cart.Cart) *time.Location {
	ready, err := r.ready()
	if err != nil {
		return time.UTC
	}
	var p person
	ready.locate(c, &p)
	if len(p.zones) == 0 {
		return ready.storeZone.loc
	}
	return p.zones[0].loc
}
