package lifecycle_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
)

// BenchmarkApply shows what an event costs that changes a cart with a call, and one that changes nothing.
func BenchmarkApply(b *testing.B) {
	s := newStory(b)
	s.does(s.checkout())
	id := s.calls()
	s.hears(id, cart.ReportRinging, cart.ReportTalking)
	s.passes(time.Minute)
	for name, e := range map[string]cart.Event{
		"report":   report(id, cart.ReportHungUp, s.now),
		"update":   s.checkout(),
		"repeated": report(id, cart.ReportTalking, s.now),
		"nothing":  cart.ConsentChanged{},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lifecycle.Apply(s.cart, e, s.rules, s.facts, s.now)
			}
		})
	}
}
