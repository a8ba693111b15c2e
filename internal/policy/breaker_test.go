package policy

import (
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTrip_NamesTheBreakerAndTheEndOfThePause(t *testing.T) {
	t.Parallel()
	calls := func(bad, good int, how cart.Call) []cart.Call {
		var list []cart.Call
		for range good {
			list = append(list, cart.Call{State: cart.Closed, Outcome: cart.Completed})
		}
		for range bad {
			list = append(list, how)
		}
		return list
	}
	optedOut := cart.Call{State: cart.Closed, Outcome: cart.Completed, Insights: cart.Insights{OptedOut: true}}
	failed := cart.Call{State: cart.Closed, Outcome: cart.Failed}
	uncertain := cart.Call{State: cart.Uncertain}
	lost := cart.Call{State: cart.Closed, Outcome: cart.Lost}
	rejected := cart.Call{State: cart.Rejected}
	in := func(d time.Duration) *time.Time { at := noonInIndia.Add(d); return &at }
	for _, c := range []struct {
		name     string
		breakers []Breaker
		calls    []cart.Call
		credits  *decimal.Decimal
		trips    bool
		until    *time.Time
		why      string
	}{
		{name: "no breakers", calls: calls(10, 0, failed)},
		{name: "as many opt-outs as may be", breakers: []Breaker{{On: BreakOptOuts, Last: 10, Above: 0.2}},
			calls: calls(2, 8, optedOut)},
		{name: "more opt-outs", breakers: []Breaker{{On: BreakOptOuts, Last: 10, Above: 0.2}}, calls: calls(3, 7, optedOut),
			trips: true, why: "3 of the last 10 calls ended with an opt-out"},
		{name: "too few calls to say", breakers: []Breaker{{On: BreakOptOuts, Last: 10, Above: 0.2}},
			calls: calls(9, 0, optedOut)},
		{name: "older calls do not count", breakers: []Breaker{{On: BreakOptOuts, Last: 10, Above: 0}},
			calls: calls(9, 10, optedOut)},
		{name: "failures", breakers: []Breaker{{On: BreakFailures, Last: 4, Above: 0.5, PauseFor: time.Hour}},
			calls: calls(3, 1, failed), trips: true, until: in(time.Hour), why: "3 of the last 4 calls failed"},
		{name: "rejections are failures", breakers: []Breaker{{On: BreakFailures, Last: 4, Above: 0.5}},
			calls: calls(4, 0, rejected), trips: true},
		{name: "lost calls are failures", breakers: []Breaker{{On: BreakFailures, Last: 4, Above: 0.5}},
			calls: calls(4, 0, lost), trips: true},
		{name: "opt-outs are no failures", breakers: []Breaker{{On: BreakFailures, Last: 4, Above: 0}},
			calls: calls(4, 0, optedOut)},
		{name: "uncertain", breakers: []Breaker{{On: BreakUncertain, Last: 2, Above: 0}}, calls: calls(1, 1, uncertain),
			trips: true, why: "were uncertain"},
		{name: "lost calls were uncertain", breakers: []Breaker{{On: BreakUncertain, Last: 2, Above: 0}},
			calls: calls(1, 1, lost), trips: true},
		{name: "failures are not uncertain", breakers: []Breaker{{On: BreakUncertain, Last: 2, Above: 0}},
			calls: calls(2, 0, failed)},
		{name: "credits", breakers: []Breaker{{On: BreakCredits, Below: amount("10")}}, credits: amount("9.99"), trips: true,
			why: "9.99 credits are left"},
		{name: "enough credits", breakers: []Breaker{{On: BreakCredits, Below: amount("10")}}, credits: amount("10")},
		{name: "credits not known", breakers: []Breaker{{On: BreakCredits, Below: amount("10")}}},
		{name: "the longest pause counts", breakers: []Breaker{
			{On: BreakFailures, Last: 2, Above: 0, PauseFor: time.Hour}, {On: BreakFailures, Last: 3, Above: 0,
				PauseFor: 3 * time.Hour}, {On: BreakFailures, Last: 1, Above: 0, PauseFor: 2 * time.Hour},
		}, calls: calls(3, 0, failed), trips: true, until: in(3 * time.Hour), why: "3 of the last 3"},
		{name: "without end is longest", breakers: []Breaker{
			{On: BreakFailures, Last: 2, Above: 0}, {On: BreakFailures, Last: 3, Above: 0, PauseFor: 3 * time.Hour},
		}, calls: calls(3, 0, failed), trips: true, why: "2 of the last 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			why, until, tripped := Trip(c.breakers, c.calls, c.credits, noonInIndia)
			require.Equal(t, c.trips, tripped)
			assert.Equal(t, c.until, until)
			assert.Contains(t, why, c.why)
			assert.Equal(t, c.trips, why != "")
		})
	}
	assert.Equal(t, 40, BreakerReach(DefaultRules().Breakers))
	assert.Zero(t, BreakerReach(nil))
	assert.Equal(t, 1, BreakerReach([]Breaker{{On: BreakCredits}}))
}

func TestTrip_CountsCallsThatDidNotSayWhatMustBeSaid(t *testing.T) {
	t.Parallel()
	calls := []cart.Call{{Outcome: cart.Completed, Insights: cart.Insights{Undisclosed: true}}, {Outcome: cart.Completed}}
	_, _, tripped := Trip([]Breaker{{On: BreakFailures, Last: 2, Above: 0.4}}, calls, nil, noonInIndia)
	assert.True(t, tripped)
	_, _, tripped = Trip([]Breaker{{On: BreakFailures, Last: 2, Above: 0.5}}, calls, nil, noonInIndia)
	assert.False(t, tripped)
}
