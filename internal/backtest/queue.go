package backtest

import "time"

// look is a moment at which a cart is looked at. Of looks at one moment the most valuable cart's comes first, as lines are given out.
type look struct {
	at     time.Time
	replay *replay
}

func (l *look) before(other *look) bool {
	if order := l.at.Compare(other.at); order != 0 {
		return order < 0
	}
	a, b := l.replay, other.replay
	if order := a.cart.Checkout.Total.Cmp(b.cart.Checkout.Total); order != 0 {
		return order > 0
	}
	return a.number < b.number
}

// queue is a binary heap of looks, the next one first.
type queue []look

func (q *queue) push(l look) {
	*q = append(*q, l)
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

func (q *queue) pop() look {
	h := *q
	first := h[0]
	last := len(h) - 1
	h[0], h[last] = h[last], look{}
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
