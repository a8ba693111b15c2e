package backtest

import (
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"ringback/internal/cart"
)

// Options say what is backtested.
type Options struct {
	// Policy is the one that is tried.
	Policy Policy
	// Against is the one that it is compared with; nil for none.
	Against Policy
	// Now is the present: what would come after it lies ahead.
	Now time.Time
	// Workers is how many carts are decided at once; 0 means as many as there are processors. It does not change the report.
	Workers int
	// Progress, if set, is told from time to time how many carts were read.
	Progress func(read int)
}

const (
	// batch is how many carts are read before those that are due are decided.
	batch = 4096
	// disorder is how much earlier a cart may have been known than one that was read before it: ids follow the clocks of several machines.
	disorder = time.Hour
	// shownDifferences is how many differences a report tells of one by one.
	shownDifferences = 20
)

// Run decides the carts, which must come in the order in which they became known, give or take an hour; one that comes later than that
// is replayed from where the others are. It fails when reading the carts does.
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
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{options: o, open: map[int]*pair{}, report: newTally(o)}
	for _, p := range []Policy{o.Policy, o.Against} {
		if p == nil {
			continue
		}
		s := &sim{policy: p}
		lanes := o.Workers
		if p.linked() {
			lanes = 1
		}
		for range lanes {
			s.lanes = append(s.lanes, newLane(p))
		}
		r.sims = append(r.sims, s)
	}
	return r
}

// take keeps a cart for the next round, unless it cannot be decided.
func (r *run) take(c *Cart) {
	r.read++
	if c.KnownAt.After(r.known) {
		r.known = c.KnownAt
	}
	if r.report.takes(c) {
		r.batch = append(r.batch, c)
	}
}

// advance gives the batch to the lanes and looks at everything that is due before until; the zero time means at everything.
func (r *run) advance(until time.Time) {
	traced := len(r.sims) > 1 && len(r.report.report.Differences) < shownDifferences
	for i, c := range r.batch {
		p := &pair{cart: c}
		for n, s := range r.sims {
			if _, is := s.policy[c.Shop]; is {
				s.laneOf(r.number+i, c.Phones[n].Number).add(r.number+i, c, c.Phones[n], traced)
				p.left++
			}
		}
		r.open[r.number+i] = p
	}
	r.number += len(r.batch)
	r.batch = r.batch[:0]

	var lanes sync.WaitGroup
	for _, s := range r.sims {
		for _, l := range s.lanes {
			lanes.Go(func() { l.advance(until) })
		}
	}
	lanes.Wait()
	r.collect()
	if r.options.Progress != nil {
		r.options.Progress(r.read)
	}
}

// laneOf gives the lane of a cart: one for each phone, so that all that is done to it is seen there.
func (s *sim) laneOf(number int, phone string) *lane {
	if len(s.lanes) == 1 {
		return s.lanes[0]
	}
	if phone == "" {
		return s.lanes[number%len(s.lanes)]
	}
	// FNV-1a
	hash := uint32(2166136261)
	for i := range len(phone) {
		hash = (hash ^ uint32(phone[i])) * 16777619
	}
	return s.lanes[hash%uint32(len(s.lanes))]
}

// collect takes the settled carts from the lanes and counts those that every policy has settled.
func (r *run) collect() {
	for n, s := range r.sims {
		for _, l := range s.lanes {
			for _, d := range l.done {
				p := r.open[d.number]
				p.outcomes[n], p.settled[n] = d.outcome, true
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
func binding(verdict string) bool {
	return verdict == cart.VerdictWait || verdict == cart.VerdictWatch || verdict == cart.VerdictStop
}
