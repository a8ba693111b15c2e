package bench

import "time"

// Tiny makes a measurement so small that its numbers mean nothing.
func (o Options) Tiny() Options {
	o.sizes = &sizes{
		repeats: 1, burst: 40, sustained: 150 * time.Millisecond, openLoop: 100 * time.Millisecond,
		yardstick: 50 * time.Millisecond, kept: 2000, fewCarts: 20, manyCarts: 50,
		dials: 3, dialEvery: 10 * time.Millisecond, lead: 100 * time.Millisecond, calls: 5,
	}
	return o
}
