package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// holds reports whether the call holds its line.
func (s *story) holds(id uuid.UUID) bool { return s.cart.Call(id).HoldsLine }

func TestLine_IsFreeWhenTheConversationIsOver(t *testing.T) {
	t.Parallel()
	for _, over := range []cart.ReportKind{cart.ReportHungUp, cart.ReportTimeout, cart.ReportRecorded,
		cart.ReportAnalysed} {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			s, id := placedStory(t, true)
			s.hears(id, cart.ReportRinging, cart.ReportTalking)
			assert.True(t, s.holds(id))
			s.passes(time.Minute)
			fills := func(effects []lifecycle.Effect) bool { return has[lifecycle.Fill](effects) }
			assert.True(t, fills(s.does(report(id, over, s.now))), "a fill is wanted at that moment")
			assert.False(t, s.holds(id))
			assert.Equal(t, cart.Calling, s.cart.State, "the cart waits for the analysis")
			assert.False(t, fills(s.does(report(id, cart.ReportOther, s.now))), "it is freed once")
		})
	}
}

func TestLine_IsBusyWhileTheProviderMayDialAgain(t *testing.T) {
	t.Parallel()
	for name, told := range map[string][]cart.ReportKind{
		"nobody answered":     {cart.ReportRinging, cart.ReportNoAnswer},
		"the number was busy": {cart.ReportRinging, cart.ReportBusy},
		"a short conversation": {cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded,
			cart.ReportAnalysed},
		"the time ran out":      {cart.ReportRinging, cart.ReportTalking, cart.ReportTimeout},
		"an answered second":    {cart.ReportNoAnswer, cart.ReportTalking, cart.ReportHungUp},
		"only the analysis":     {cart.ReportAnalysed},
		"only the end of a try": {cart.ReportFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id := placedStory(t, false)
			s.hears(id, told...)
			assert.True(t, s.holds(id))
			s.hears(id, cart.ReportFinished)
			assert.False(t, s.holds(id))
		})
	}
}

func TestLine_IsFreeAfterAnUnansweredDialOnceNoOtherFollows(t *testing.T) {
	t.Parallel()
	s, id := placedStory(t, true)
	s.hears(id, cart.ReportRinging)
	assert.True(t, has[lifecycle.Abort](s.does(report(id, cart.ReportNoAnswer, s.now))))
	assert.True(t, s.holds(id), "the provider may dial again until it said that it will not")
	s.does(cart.AbortAnswered{CallID: id, Accepted: true})
	assert.False(t, s.holds(id))
}

func TestLine_IsTakenAgainByALaterDialOnly(t *testing.T) {
	t.Parallel()
	for _, putOff := range []bool{true, false} {
		t.Run(fmt.Sprintf("put off %t", putOff), func(t *testing.T) {
			t.Parallel()
			s, id := placedStory(t, true)
			began := s.now
			s.passes(time.Minute)
			s.hears(id, cart.ReportHungUp)
			if putOff {
				s.hears(id, cart.ReportRescheduled)
			}
			for _, late := range []cart.ReportKind{cart.ReportRinging, cart.ReportTalking} {
				s.does(report(id, late, began))
				assert.False(t, s.holds(id), "%s of the dial that is over comes late", late)
			}
			s.passes(time.Hour)
			s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportRinging, At: s.now},
				Digest: []byte("again")})
			assert.True(t, s.holds(id), "the provider dials again")
			s.passes(time.Minute)
			s.does(cart.CallReported{CallID: id, Report: cart.Report{Kind: cart.ReportHungUp, At: s.now},
				Digest: []byte("over again")})
			assert.Equal(t, putOff, s.holds(id), "one that puts calls off may do so again")
			s.hears(id, cart.ReportAnalysed, cart.ReportFinished)
			assert.False(t, s.holds(id))
		})
	}
}

// A provider that dials again by itself, several times within one call: at whatever moment of a dial, whichever of its
// reports came until then and in whatever order, the line is busy.
func TestLine_IsBusyDuringEveryDialOfAChain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, id := placedStory(t, false)
		var told []cart.Report
		at := s.now
		tell := func(k cart.ReportKind) {
			at = at.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "seconds")) * time.Second)
			told = append(told, cart.Report{Kind: k, At: at})
		}
		for range rapid.IntRange(0, 3).Draw(rt, "dials before") {
			tell(cart.ReportRinging)
			if over := rapid.SampledFrom([]cart.ReportKind{cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed,
				cart.ReportHungUp}).Draw(rt, "over"); over == cart.ReportHungUp {
				tell(cart.ReportTalking)
				tell(over)
				tell(cart.ReportRecorded)
				tell(cart.ReportAnalysed)
			} else {
				tell(over)
			}
		}
		tell(cart.ReportRinging)
		if rapid.Bool().Draw(rt, "answered") {
			tell(cart.ReportTalking)
		}
		s.now = at
		heard := rapid.Permutation(told).Draw(rt, "order")
		heard = heard[:rapid.IntRange(0, len(heard)).Draw(rt, "came")]
		for i, r := range heard {
			reported := cart.CallReported{CallID: id, Report: r, Digest: []byte{byte(i)}}
			result := lifecycle.Apply(s.cart, reported, s.rules,
				s.facts, s.now)
			s.cart = result.Cart
			require.True(rt, s.holds(id), "%v of %v", heard[:i+1], told)
		}
	})
}
