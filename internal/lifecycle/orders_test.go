package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sequences are what a provider tells of a call, in the order in which it happens.
func sequences(at time.Time) map[string][]cart.Report {
	seconds, callback := 45, at.Add(6*time.Hour)
	after := func(s int, r cart.Report) cart.Report {
		r.At = at.Add(time.Duration(s) * time.Second)
		r.ProviderType = fmt.Sprintf("%s at %d", r.Kind, s)
		return r
	}
	ringing := after(1, cart.Report{Kind: cart.ReportRinging, ProviderCallID: "p"})
	talking := after(9, cart.Report{Kind: cart.ReportTalking})
	hungUp := after(54, cart.Report{Kind: cart.ReportHungUp})
	recorded := after(60, cart.Report{Kind: cart.ReportRecorded, RecordingURL: "https://rec.example/1",
		DurationSeconds: &seconds})
	analysed := func(in cart.Insights) cart.Report {
		return after(70, cart.Report{Kind: cart.ReportAnalysed, Summary: "what was said", Insights: in})
	}
	finished := after(80, cart.Report{Kind: cart.ReportFinished})
	over := func(s int) cart.Report {
		return after(9+s, cart.Report{Kind: cart.ReportHungUp, DurationSeconds: &s})
	}
	return map[string][]cart.Report{
		"answered":  {ringing, talking, hungUp, recorded, analysed(cart.Insights{Interested: true}), finished},
		"opted out": {ringing, talking, hungUp, recorded, analysed(cart.Insights{OptedOut: true}), finished},
		"declined":  {ringing, talking, hungUp, analysed(cart.Insights{Declined: true}), finished},
		"callback": {ringing, talking, hungUp, recorded,
			analysed(cart.Insights{Callback: true, CallbackAt: &callback}), finished},
		"timed out": {ringing, talking, after(50, cart.Report{Kind: cart.ReportTimeout}), recorded,
			analysed(cart.Insights{}), finished},
		"timed out, ended": {ringing, talking, after(50, cart.Report{Kind: cart.ReportTimeout}), hungUp,
			analysed(cart.Insights{}), finished},
		"mailbox told": {ringing, talking, hungUp, analysed(cart.Insights{Voicemail: true}), finished},
		"mailbox told by the provider": {ringing, talking, after(30, cart.Report{Kind: cart.ReportVoicemail}),
			analysed(cart.Insights{}), finished},
		"mailbox told at the end": {ringing, talking,
			after(80, cart.Report{Kind: cart.ReportFinished, FinalStatus: cart.Voicemail})},
		"mailbox told, and interested": {ringing, talking, after(30, cart.Report{Kind: cart.ReportVoicemail}),
			analysed(cart.Insights{Voicemail: true, Interested: true}), finished},
		"mailbox inferred":               {ringing, talking, over(9), analysed(cart.Insights{}), finished},
		"short, and told to be a person": {ringing, talking, over(9), analysed(cart.Insights{Person: true}), finished},
		"short, and declined":            {ringing, talking, over(9), analysed(cart.Insights{Declined: true}), finished},
		"screened":                       {ringing, talking, hungUp, analysed(cart.Insights{Screened: true}), finished},
		"hung up at once":                {ringing, talking, over(1), analysed(cart.Insights{Person: true}), finished},
		"unanswered":                     {ringing, after(40, cart.Report{Kind: cart.ReportNoAnswer}), finished},
		"busy":                           {ringing, after(5, cart.Report{Kind: cart.ReportBusy}), finished},
		"failed":                         {after(5, cart.Report{Kind: cart.ReportFailed}), finished},
		"redialled": {ringing, after(40, cart.Report{Kind: cart.ReportNoAnswer}),
			after(300, cart.Report{Kind: cart.ReportRinging}), after(340, cart.Report{Kind: cart.ReportNoAnswer}), finished},
		"answered at last": {ringing, after(40, cart.Report{Kind: cart.ReportNoAnswer}),
			after(41, cart.Report{Kind: cart.ReportRescheduled}), talking, hungUp, analysed(cart.Insights{}), finished},
		"rescheduled": {after(1, cart.Report{Kind: cart.ReportRescheduled}), ringing, talking, hungUp,
			analysed(cart.Insights{}), finished},
		"aborted": {ringing, after(9, cart.Report{Kind: cart.ReportAborted}), finished},
		"skipped": {after(1, cart.Report{Kind: cart.ReportSkipped}), finished},
		"invalid": {after(1, cart.Report{Kind: cart.ReportInvalid}), finished},
	}
}

// ending is what must not depend on the order in which things were heard.
type ending struct {
	State      cart.State
	Reason     cart.Reason
	Attempts   int
	WakeAt     string
	CallbackAt string
	Call       cart.CallState
	Outcome    cart.Outcome
	Holds      bool
	Insights   cart.Insights
	Summary    string
	Recording  string
	Seconds    int
	Dials      int
	PickedUpAt string
	AnsweredAt string
	EndedAt    string
	Seen       string
}

func endingOf(s *story, id uuid.UUID) ending {
	call := s.cart.Call(id)
	e := ending{
		State: s.cart.State, Reason: s.cart.Reason, Attempts: s.cart.Attempts, WakeAt: text(s.cart.WakeAt),
		CallbackAt: text(s.cart.CallbackAt), Call: call.State, Outcome: call.Outcome, Holds: call.HoldsLine,
		Insights: call.Insights, Summary: call.Summary, Recording: call.RecordingURL, Dials: call.Dials,
		PickedUpAt: text(call.PickedUpAt), AnsweredAt: text(call.AnsweredAt), EndedAt: text(call.EndedAt),
		Seen: fmt.Sprint(call.Seen),
	}
	if e.Insights.CallbackAt != nil {
		e.Insights.CallbackAt = nil
	}
	if call.DurationSeconds != nil {
		e.Seconds = *call.DurationSeconds
	}
	return e
}

func text(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

// heardIn plays reports in the given order on a fresh copy of a cart whose call was just placed.
func heardIn(placed *story, id uuid.UUID, at time.Time, reports []cart.Report) ending {
	s := *placed
	s.now = at
	for _, r := range reports {
		s.does(cart.CallReported{CallID: id, Report: r, Digest: []byte(r.ProviderType)})
	}
	return endingOf(&s, id)
}

// placedStory is a cart whose only call the provider has just taken.
func placedStory(t testing.TB, ours bool) (*story, uuid.UUID) {
	s := newStory(t)
	s.rules.Voice.OurRetries = ours
	s.does(s.checkout())
	id := s.calls()
	return s, id
}

func TestReport_EveryOrderEndsAlike(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{true, false} {
		for name := range sequences(start) {
			t.Run(fmt.Sprintf("%s, our retries %t", name, ours), func(t *testing.T) {
				t.Parallel()
				placed, id := placedStory(t, ours)
				reports := sequences(placed.now)[name]
				heard := placed.now.Add(10 * time.Minute)
				want := heardIn(placed, id, heard, reports)
				require.Equal(t, cart.Closed, want.Call)
				permute(reports, func(order []cart.Report) {
					require.Equal(t, want, heardIn(placed, id, heard, order), "%v", order)
				})
			})
		}
	}
}

// permute calls visit with every order of the reports.
func permute(reports []cart.Report, visit func([]cart.Report)) {
	order := append([]cart.Report(nil), reports...)
	var swap func(int)
	swap = func(k int) {
		if k == len(order) {
			visit(order)
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			swap(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	swap(0)
}

func TestReport_DuplicatedAndShuffledReportsEndAlike(t *testing.T) {
	t.Parallel()
	names := make([]string, 0)
	for name := range sequences(start) {
		names = append(names, name)
	}
	placed, id := placedStory(t, true)
	heard := placed.now.Add(10 * time.Minute)
	all := sequences(placed.now)
	rapid.Check(t, func(t *rapid.T) {
		reports := all[rapid.SampledFrom(names).Draw(t, "sequence")]
		want := heardIn(placed, id, heard, reports)
		order := rapid.Permutation(append(append([]cart.Report(nil), reports...), reports...)).Draw(t, "order")
		if got := heardIn(placed, id, heard, order); got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestReport_BeforeTheAnswerToTheRequestEndsAlike(t *testing.T) {
	t.Parallel()
	for name := range sequences(start) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			natural, id := placedStory(t, true)
			at := natural.now.Add(10 * time.Minute)
			want := heardIn(natural, id, at, sequences(natural.now)[name])

			early := newStory(t)
			early.does(early.checkout())
			early.wakes()
			other := early.sends()
			early.now = at
			for _, r := range sequences(natural.now)[name] {
				early.does(cart.CallReported{CallID: other, Report: r, Digest: []byte(r.ProviderType)})
			}
			early.does(cart.PlaceAccepted{CallID: other, ProviderCallID: "p"})
			require.Equal(t, want, endingOf(early, other))
		})
	}
}
