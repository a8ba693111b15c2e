package backtest

import "ringback/internal/cart"

// Kind is how a cart's replay under one policy differs from that under another.
type Kind string

// The kinds of difference. A cart counts as the first that fits.
const (
	CalledNow Kind = "called_now"
	NotCalled Kind = "no_longer_called"
	Earlier   Kind = "earlier"
	Later     Kind = "later"
	// OtherOffer: called at the same time with another offer, or with one where there was none, or without.
	OtherOffer    Kind = "other_offer"
	OtherPriority Kind = "other_priority"
	MoreCalls     Kind = "more_calls"
	FewerCalls    Kind = "fewer_calls"
	// OtherEnd: the same calls, or none, but another reason to end.
	OtherEnd Kind = "other_end"
)

// kinds lists every kind, in the order of reports.
var kinds = []Kind{CalledNow, NotCalled, Earlier, Later, OtherOffer, OtherPriority, MoreCalls, FewerCalls, OtherEnd}

// says is the kind in plain words.
func (k Kind) says() string {
	switch k {
	case CalledNow:
		return "called, which was not before"
	case NotCalled:
		return "no longer called"
	case Earlier:
		return "called earlier"
	case Later:
		return "called later"
	case OtherOffer:
		return "another offer"
	case OtherPriority:
		return "another priority"
	case MoreCalls:
		return "more calls"
	case FewerCalls:
		return "fewer calls"
	case OtherEnd:
		return "ends for another reason"
	}
	return string(k)
}

// compare says how an outcome differs from what it was, "" when it does not, and on which call, from 0; on the one
// after the last that both have where it is about the rest.
func compare(was, is *outcome) (Kind, int) {
	switch {
	case is.called() && !was.called():
		return CalledNow, 0
	case !is.called() && was.called():
		return NotCalled, 0
	}
	common := min(len(was.calls), len(is.calls))
	for i := range common {
		a, b := &was.calls[i], &is.calls[i]
		switch order := b.At.Compare(a.At); {
		case order < 0:
			return Earlier, i
		case order > 0:
			return Later, i
		case b.Offer != a.Offer:
			return OtherOffer, i
		case b.Priority != a.Priority:
			return OtherPriority, i
		}
	}
	switch {
	case len(is.calls) > common:
		return MoreCalls, common
	case len(was.calls) > common:
		return FewerCalls, common
	case is.action != was.action || is.reason != was.reason:
		return OtherEnd, common
	}
	return "", 0
}

// rulesOf are the rules that alone make a kind of difference, at the very look of the call.
var rulesOf = map[Kind]string{OtherOffer: "offer", OtherPriority: "priority"}

// because finds the step that made the difference on a call, as it was and as it is; nil for a side that has no such
// step. Looks are set against each other one by one; where one side has fewer of them, its last one stands for the
// rest.
func because(k Kind, on int, was, is *outcome) (before, after *cart.Step) {
	a, b := was.looks(on), is.looks(on)
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	if rule, single := rulesOf[k]; single {
		return stepOf(a[len(a)-1], rule), stepOf(b[len(b)-1], rule)
	}
	for _, matters := range []func(a, b *cart.Step) bool{otherBinding, otherSight, otherVerdict, otherState} {
		for i := range max(len(a), len(b)) {
			if before, after, found := first(a[min(i, len(a)-1)], b[min(i, len(b)-1)], matters); found {
				return before, after
			}
		}
	}
	return nil, nil
}

// first finds the first step of either trace that differs from the other's in a way that matters.
func first(was, is []cart.Step, matters func(a, b *cart.Step) bool) (before, after *cart.Step, found bool) {
	for i := range max(len(was), len(is)) {
		if i < len(is) {
			if before = stepOf(was, is[i].Rule); matters(before, &is[i]) {
				return before, &is[i], true
			}
		}
		if i < len(was) {
			if after = stepOf(is, was[i].Rule); matters(&was[i], after) {
				return &was[i], after, true
			}
		}
	}
	return nil, nil, false
}

func stepOf(trace []cart.Step, rule string) *cart.Step {
	for i := range trace {
		if trace[i].Rule == rule {
			return &trace[i]
		}
	}
	return nil
}

// otherBinding: the verdicts differ and one of them kept the call from being made.
func otherBinding(a, b *cart.Step) bool {
	return otherState(a, b) && ruleOf(a, b) != "state"
}

// otherState is otherBinding for the cart's state as well. That one call came after a purchase and the other before
// says less than the rule that put it off.
func otherState(a, b *cart.Step) bool {
	return verdict(a) != verdict(b) && (binding(verdict(a)) || binding(verdict(b)))
}

func otherVerdict(a, b *cart.Step) bool {
	return a != nil && b != nil && a.Verdict != b.Verdict && a.Rule != "state"
}

// otherSight: the same verdict, which kept the call from being made, on something else, such as a longer delay.
func otherSight(a, b *cart.Step) bool {
	return a != nil && b != nil && a.Saw != b.Saw && binding(a.Verdict) && binding(b.Verdict)
}

func verdict(s *cart.Step) cart.Verdict {
	if s == nil {
		return ""
	}
	return s.Verdict
}

// ruleOf names the rule of a difference.
func ruleOf(before, after *cart.Step) string {
	for _, s := range []*cart.Step{after, before} {
		if s != nil {
			return s.Rule
		}
	}
	return ""
}
