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
)

// rejectedStory is a cart whose only call the provider said that it did not take.
func rejectedStory(t testing.TB, ours bool) (*story, uuid.UUID) {
	s := newStory(t)
	s.rules.Voice.OurRetries = ours
	s.does(s.checkout())
	for s.cart.State == cart.Waiting {
		s.wakes()
	}
	id := s.sends()
	s.does(cart.PlaceFailed{CallID: id, Error: "429"})
	require.Equal(t, cart.Rejected, s.cart.Call(id).State)
	return s, id
}

func TestRejectedCall_ReportsOfADialEndAsIfItHadBeenPlaced(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{true, false} {
		for name := range sequences(start) {
			if name == "skipped" || name == "invalid" {
				// The provider did not dial: such a call stays rejected.
				continue
			}
			t.Run(fmt.Sprintf("%s, our retries %t", name, ours), func(t *testing.T) {
				t.Parallel()
				placed, taken := placedStory(t, ours)
				rejected, id := rejectedStory(t, ours)
				heard := placed.now.Add(10 * time.Minute)
				want := heardIn(placed, taken, heard, sequences(placed.now)[name])
				permute(sequences(placed.now)[name], func(order []cart.Report) {
					require.Equal(t, want, heardIn(rejected, id, heard, order), "%v", order)
				})
			})
		}
	}
}

func TestRejectedCall_StaysRejectedWhenTheProviderDidNotDial(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"skipped", "invalid"} {
		s, id := rejectedStory(t, true)
		permute(sequences(s.now)[name], func(order []cart.Report) {
			end := heardIn(s, id, s.now, order)
			require.Equal(t, cart.Rejected, end.Call)
			require.Equal(t, cart.Waiting, end.State)
			require.Zero(t, end.Attempts)
		})
	}
}

func TestRejectedCall_OptOutCountsWhateverTheReport(t *testing.T) {
	t.Parallel()
	for _, kind := range []cart.ReportKind{cart.ReportOther, cart.ReportFinished, cart.ReportAborted, cart.ReportAnalysed,
		cart.ReportAction} {
		s, id := rejectedStory(t, true)
		effects := s.does(cart.CallReported{
			CallID: id, Digest: []byte("d"), Report: cart.Report{Kind: kind, Insights: cart.Insights{OptedOut: true}},
		})
		assert.True(t, has[lifecycle.Suppress](effects), kind)
		assert.Equal(t, cart.Stopped, s.cart.State, kind)
		assert.Equal(t, cart.OptedOut, s.cart.Reason, kind)
	}
}

func TestRejectedCall_ThatRangWithdrawsTheUnsentNewerAttempt(t *testing.T) {
	t.Parallel()
	s, first := rejectedStory(t, true)
	s.wakes()
	second := uuid.Must(uuid.NewV7())
	s.does(cart.LineFree{CallID: second})
	s.hears(first, cart.ReportRinging)
	assert.Equal(t, cart.Ringing, s.cart.Call(first).State)
	assert.Equal(t, cart.Rejected, s.cart.Call(second).State, "the customer is not dialled twice")
	assert.False(t, has[lifecycle.Send](s.does(cart.SendBegun{CallID: second, TokenHash: []byte("other")})))
	assert.Equal(t, 1, s.cart.Attempts)
}

func TestRejectedCall_ThatRangAbortsTheNewerCallAndCountsAsAnAttempt(t *testing.T) {
	t.Parallel()
	s, first := rejectedStory(t, true)
	second := s.calls()
	require.Equal(t, 1, s.cart.Call(second).Attempt)
	effects := s.does(report(first, cart.ReportRinging, s.now))
	assert.Contains(t, effects, lifecycle.Effect(lifecycle.Abort{CallID: second}))
	assert.Equal(t, 2, s.cart.Attempts)
	assert.Equal(t, 2, s.cart.Call(first).Attempt, "the number is the newer call's")
	s.does(cart.AbortAnswered{CallID: second, Accepted: true})
	s.hears(first, cart.ReportAnalysed)
	s.does(cart.CallReported{CallID: first, Digest: []byte("d"),
		Report: cart.Report{Kind: cart.ReportAnalysed, Insights: cart.Insights{OptedOut: true}}})
	assert.Equal(t, cart.OptedOut, s.cart.Reason)
}

func TestRejectedCall_ThatRangAfterANewerCallEndedIsWaitedFor(t *testing.T) {
	t.Parallel()
	s, first := rejectedStory(t, true)
	second := s.calls()
	s.hears(second, cart.ReportRinging, cart.ReportNoAnswer, cart.ReportFinished)
	require.Equal(t, cart.Waiting, s.cart.State)
	s.hears(first, cart.ReportRinging)
	assert.Equal(t, cart.Calling, s.cart.State)
	assert.Equal(t, 2, s.cart.Attempts)
	s.hears(first, cart.ReportNoAnswer, cart.ReportFinished)
	assert.Equal(t, cart.Waiting, s.cart.State)
	assert.Equal(t, 3, s.cart.NextAttempt())
}

func TestRejectedCall_ThatRangAfterThePurchaseIsAborted(t *testing.T) {
	t.Parallel()
	s, id := rejectedStory(t, true)
	s.does(cart.OrderSeen{Order: cart.Order{ID: "1", CreatedAt: s.now}, Match: cart.MatchCheckout})
	r := report(id, cart.ReportRinging, s.now)
	r.Report.ProviderCallID = "p"
	assert.Contains(t, s.does(r), lifecycle.Effect(lifecycle.Abort{CallID: id}))
	assert.Equal(t, cart.Purchased, s.cart.State)
}

func TestDials_RepeatedMessageWithAnotherBodyCountsOnce(t *testing.T) {
	t.Parallel()
	s, id := placedStory(t, false)
	rings := func(digest string, at time.Time) {
		s.does(cart.CallReported{CallID: id, Digest: []byte(digest), Report: cart.Report{Kind: cart.ReportRinging, At: at}})
	}
	first := s.now.Add(time.Second)
	for i := range 6 {
		rings(fmt.Sprint("copy ", i), first)
	}
	require.Equal(t, 1, s.cart.Call(id).Dials)
	rings("redial", first.Add(5*time.Minute))
	require.Equal(t, 2, s.cart.Call(id).Dials)
	for i := range 6 {
		rings(fmt.Sprint("late copy ", i), first)
	}
	require.Equal(t, 2, s.cart.Call(id).Dials)
}

func TestDials_WithoutTimesTheProvidersCountOfRedialsCounts(t *testing.T) {
	t.Parallel()
	reports := []cart.Report{
		{Kind: cart.ReportRinging, ProviderType: "a"}, {Kind: cart.ReportRinging, ProviderType: "b"},
		{Kind: cart.ReportFinished, ProviderType: "c", Redials: 2}, {Kind: cart.ReportNoAnswer, ProviderType: "d"},
	}
	placed, id := placedStory(t, false)
	permute(reports, func(order []cart.Report) {
		require.Equal(t, 3, heardIn(placed, id, placed.now, order).Dials)
	})
}
