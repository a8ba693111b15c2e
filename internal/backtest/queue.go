package backtest

import "time"

// stepKind is what a replay does next.
type stepKind int

// The steps, in the order in which they are taken at one moment: whatever is known by then comes before a look, and
// every look before lines are given out.
const (
	stepEvent stepKind = iota
	stepCallEnds
	stepWake
	stepLine
	// stepGiveUp: nothing more is expected of a cart that is only watched.
	stepGiveUp
	stepNone
)

// step is a moment at which something happens to a cart.
type step struct {
	at     time.Time
	kind   stepKind
	replay *replay
}

// before orders the steps. Of the lines given out at one moment the most valuable cart's comes first.
func (s *step) before(other *step) bool {
	if order := s.at.Compare(other.at); order != 0 {
		return order < 0
	}
	if s.kind != other.kind {
		return s.kind < other.kind
	}
	a, b := s.replay, other.replay
	if s.kind == stepLine {
		if order := a.cart.Checkout.Total.Cmp(b.cart.Checkout.Total); order != 0 {
			return order > 0
		}
	}
	return a.number < b.number
}

// queue is a binary heap of steps, the next one first.
type queue []step

func (q *queue) push(s step) {
	*q = append(*q, s)
	h := *q
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (q *queue) pop() step {
	h := *q
	first := h[0]
	last := len(h) - 1
	h[0], h[last] = h[last], step{}
	h = h[:last]
	*q = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
