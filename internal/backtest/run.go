package backtest

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
)

// Options say what is backtested.
type Options struct {
	// Policy is the one that is tried.
	Policy Policy
	// Against is the one that it is compared with; nil for none.
	Against Policy
	// Now is the present: what would come after it lies ahead.
	Now time.Time
	// Workers is how many carts are replayed at once, at least 1. It does not change the report.
	Workers int
	// Progress, if set, is told from time to time how many carts were read.
	Progress func(read int)
	// Settled, if set, is given the outcome of every cart under the policy that is tried, in the order in which the
	// carts come to their ends.
	Settled func(Outcome)
}

const (
	// batch is how many carts are read before those that are due are decided.
	batch = 4096
	// disorder is how much earlier a cart may have been known than one that was read before it: ids follow the clocks of
	// several machines.
	disorder = time.Hour
	// shownDifferences is how many differences a report tells of one by one.
	shownDifferences = 20
)

// Run decides the carts, which must come in the order in which they became known, give or take an hour; one that comes
// later than that is replayed from where the others are. It fails when reading the carts does.
func Run(carts iter.Seq2[*Cart, error], o Options) (Report, error) {
	r := newRun(o)
	for c, err := range carts {
		if err != nil {
			return Report{}, fmt.Errorf("read carts: %w", err)
		}
		r.take(c)
		if len(r.batch) == batch {
			r.advance(r.known.Add(-disorder))
		}
	}
	r.advance(time.Time{})
	return r.report.finish(), nil
}

// run is a backtest under way.
type run struct {
	options Options
	// sims are the policy that is tried and, if there is one, the other.
	sims   []*sim
	report *tally
	// batch are the carts that no lane has yet; number is the number of the first of them.
	batch  []*Cart
	number int
	read   int
	// known is when the newest cart became known.
	known time.Time
	// open are the carts that not every policy has settled, by number.
	open map[int]*pair
}

// pair is a cart with its outcomes, by policy.
type pair struct {
	cart     *Cart
	outcomes [2]outcome
	settled  [2]bool
	// left is how many policies have not settled it.
	left int
}

// sim replays the carts under one policy.
type sim struct {
	policy Policy
	lanes  []*lane
}

func newRun(o Options) *run {
	o.Workers = max(o.Workers, 1)
	r := &run{options: o, open: map[int]*pair{}, report: newTally(o)}
	for side, p := range []Policy{o.Policy, o.Against} {
		if p == nil {
			continue
		}
		s := &sim{policy: p}
		lanes := o.Workers
		if p.linked() {
			lanes = 1
		}
		for range lanes {
			s.lanes = append(s.lanes, newLane(p, side))
		}
		r.sims = append(r.sims, s)
	}
	return r
}

// take keeps a cart for the next round, unless it cannot be decided.
func (r *run) take(c *Cart) {
	r.read++
	if at := c.KnownAt(); at.After(r.known) {
		r.known = at
	}
	if r.report.takes(c) {
		r.batch = append(r.batch, c)
	}
}

// advance gives the batch to the lanes and looks at everything that is due before until; the zero time means at
// everything.
func (r *run) advance(until time.Time) {
	traced := len(r.sims) > 1 && len(r.report.report.Differences) < shownDifferences
	for i, c := range r.batch {
		p := &pair{cart: c}
		for n, s := range r.sims {
			if _, is := s.policy[c.Shop]; is {
				s.laneOf(r.number+i, c.Phones[n]).add(r.number+i, c, traced)
				p.left++
			}
		}
		r.open[r.number+i] = p
	}
	r.number += len(r.batch)
	r.batch = r.batch[:0]

	var lanes sync.WaitGroup
	for _, s := range r.sims {
		for _, l := range s.apart() {
			lanes.Go(func() { l.advance(until) })
		}
	}
	lanes.Wait()
	r.collect()
	if r.options.Progress != nil {
		r.options.Progress(r.read)
	}
}

// apart are the lanes, each once.
func (s *sim) apart() []*lane {
	var all []*lane
	for _, l := range s.lanes {
		if !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}

// laneOf gives the lane of a cart. A phone's carts are in one lane, so that they see each other. A cart that has more
// than one number, because the customer corrected it, makes one lane of those of its numbers.
func (s *sim) laneOf(number int, phones []policy.Phone) *lane {
	var l *lane
	for _, phone := range phones {
		if phone.Number == "" {
			continue
		}
		other := s.lanes[s.slot(phone.Number)]
		if l == nil {
			l = other
		}
		if other == l {
			continue
		}
		l.absorb(other)
		for i := range s.lanes {
			if s.lanes[i] == other {
				s.lanes[i] = l
			}
		}
	}
	if l == nil {
		return s.lanes[number%len(s.lanes)]
	}
	return l
}

// slot is the place of a phone's lane.
func (s *sim) slot(phone string) int {
	// FNV-1a
	hash := uint32(2166136261)
	for i := range len(phone) {
		hash = (hash ^ uint32(phone[i])) * 16777619
	}
	return int(hash % uint32(len(s.lanes)))
}

// collect takes the settled carts from the lanes and counts those that every policy has settled.
func (r *run) collect() {
	for n, s := range r.sims {
		for _, l := range s.apart() {
			for _, d := range l.done {
				p := r.open[d.number]
				p.outcomes[n], p.settled[n] = d.outcome, true
				if n == 0 && r.options.Settled != nil {
					r.options.Settled(d.outcome.told(p.cart.ID))
				}
				if p.left--; p.left == 0 {
					delete(r.open, d.number)
					r.report.count(d.number, p)
				}
			}
			clear(l.done)
			l.done = l.done[:0]
		}
	}
}

// binding reports whether a step's verdict kept the call from being made.
func binding(verdict cart.Verdict) bool {
	switch verdict {
	case cart.VerdictWait, cart.VerdictWatch, cart.VerdictStop:
		return true
	case cart.VerdictOK, cart.VerdictSkipped:
		return false
	}
	return false
}
