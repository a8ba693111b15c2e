package simvoice

import (
	"slices"
	"time"
)

// tally counts the calls on the lines.
type tally struct {
	on          map[*call]bool
	most, over  int
	undelivered int
	busy        time.Duration
	since       time.Time
}

// enter puts a call on a line, if it is on none.
func (t *tally) enter(c *call, now time.Time, lines int) {
	if t.on == nil {
		t.on = map[*call]bool{}
	}
	if t.on[c] {
		return
	}
	t.pass(now)
	t.on[c] = true
	t.most = max(t.most, len(t.on))
	if lines > 0 && len(t.on) > lines {
		t.over++
	}
}

func (t *tally) leave(c *call, now time.Time) {
	if t.on[c] {
		t.pass(now)
		delete(t.on, c)
	}
}

// pass adds the time that the lines were busy since the last change.
func (t *tally) pass(now time.Time) {
	t.busy += time.Duration(len(t.on)) * now.Sub(t.since)
	t.since = now
}

// Stats are what the lines carried up to At, in real time.
type Stats struct {
	At time.Time
	// Open is how many calls are on a line. A call that waits for a redial is; one that was postponed, or whose
	// conversation is being analysed, is not. MostOpen is the most there ever were; Over counts the calls that came when
	// all lines were taken.
	Open, MostOpen, Over int
	// Busy is the sum of the times that calls were on lines.
	Busy time.Duration
	// Undelivered counts the events that the receiver never took.
	Undelivered int
}

// Stats returns what the lines carried so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.tally.pass(now)
	return Stats{
		At: now, Open: len(s.tally.on), MostOpen: s.tally.most, Over: s.tally.over, Busy: s.tally.busy,
		Undelivered: s.tally.undelivered,
	}
}

// Utilisation is the share of the lines' time that was busy between two Stats: 0 to 1, or more when there were more
// calls than lines.
func Utilisation(from, to Stats, lines int) float64 {
	span := to.At.Sub(from.At) * time.Duration(lines)
	if span <= 0 {
		return 0
	}
	return float64(to.Busy-from.Busy) / float64(span)
}

// Record is one call as the provider saw it.
type Record struct {
	Order          Order
	ProviderCallID string
	// Status is Mirai's CallStatus; "" while the call is queued.
	Status string
	// Dials is how often the customer's phone rang.
	Dials int
	// TakenAt is when the call was placed, in real time.
	TakenAt time.Time
}

// Calls lists every call that was taken, in the order of their placement.
func (s *Server) Calls() []Record {
	s.mu.Lock()
	calls := slices.Clone(s.calls)
	s.mu.Unlock()
	records := make([]Record, len(calls))
	for i, c := range calls {
		c.mu.Lock()
		records[i] = Record{Order: c.order, ProviderCallID: c.id, Status: c.status, Dials: c.dials, TakenAt: c.taken}
		c.mu.Unlock()
	}
	return records
}

// Refusals lists the requests that were refused because something was wrong with them, as "400 what was wrong".
// Refusals that the script asked for are not among them.
func (s *Server) Refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}
