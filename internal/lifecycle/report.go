package lifecycle

import (
	"bytes"
	"slices"
	"time"

	"ringback/internal/cart"
)

// defaultCallback is when a customer who asked to be called later, without saying when, is called again.
const defaultCallback = 24 * time.Hour

// mostDials bounds the dials that one call remembers. No provider dials anywhere near as often.
const mostDials = 50

// callReported takes in what the provider told of a call. Reports come twice, late and in any order, so the call's
// state and outcome are computed from the set of what was heard, never from the latest word alone.
func (a *change) callReported(e cart.CallReported) {
	call := a.call(e.CallID)
	if call == nil {
		return
	}
	if len(e.Digest) > 0 {
		if slices.ContainsFunc(call.Digests, func(d []byte) bool { return bytes.Equal(d, e.Digest) }) {
			return
		}
		call.Digests = append(slices.Clip(call.Digests), e.Digest)
	}
	r := e.Report
	at := a.now
	call.HeardAt = &at
	a.learnProviderID(call, r.ProviderCallID)
	a.keepDetails(call, r)
	if r.Kind == cart.ReportAction {
		// The agent's own words stay out of the trace, which outlives the person.
		a.note("action", actionName(r.Action), cart.VerdictOK)
		a.then(Acted{CallID: call.ID, Digest: e.Digest})
	}
	if !has(call, r.Kind) || r.Kind == cart.ReportRinging {
		a.noted = true
	}
	if r.CallbackUnread {
		a.note("callback", "the time that the customer asked for cannot be read: the usual one is taken", cart.VerdictWait)
	}
	see(call, r.Kind)
	for _, k := range implied(r.FinalStatus) {
		see(call, k)
	}
	countDials(call, r)
	a.keepTimes(call, r)
	revived := false
	if call.State == cart.Rejected {
		if !lived(call) {
			a.heed(call)
			return
		}
		revived = true
		a.revive(call)
	}
	if call.State.Open() {
		a.advance(call, r)
		a.heard(call)
	}
	a.heed(call)
	if a.cart.State.Settled() && (revived || mayDialAgain(call)) {
		a.abortOpenCall(a.cart.Reason)
	}
	a.settle(call)
	if owed := a.cart.Attribution; a.cart.State == cart.Purchased && owed != cart.ByOffer {
		// The order may have come before word of the call that led to it.
		a.cart.Attribution = a.attribute()
		a.noted = a.noted || a.cart.Attribution != owed
	}
}

// implied translates the provider's final word into the report that should have come before it.
func implied(final cart.Outcome) []cart.ReportKind {
	switch final {
	case cart.Completed:
		return []cart.ReportKind{cart.ReportHungUp}
	case cart.Timeout:
		return []cart.ReportKind{cart.ReportTimeout}
	case cart.NoAnswer:
		return []cart.ReportKind{cart.ReportNoAnswer}
	case cart.Busy:
		return []cart.ReportKind{cart.ReportBusy}
	case cart.Failed:
		return []cart.ReportKind{cart.ReportFailed}
	case cart.Skipped:
		return []cart.ReportKind{cart.ReportSkipped}
	case cart.Invalid:
		return []cart.ReportKind{cart.ReportInvalid}
	case cart.Aborted:
		return []cart.ReportKind{cart.ReportAborted}
	case cart.Lost:
		// Only we say so.
	}
	return nil
}

// keepTimes remembers when the customer picked up, the earliest that any report tells, and when the phone was last put
// down, the latest of them.
func (a *change) keepTimes(call *cart.Call, r cart.Report) {
	at := r.At
	if at.IsZero() || at.After(a.now) {
		at = a.now
	}
	at = at.UTC()
	if answered(r.Kind) && (call.AnsweredAt == nil || at.Before(*call.AnsweredAt)) {
		call.AnsweredAt = &at
	}
	if putDown(r.Kind) && (call.EndedAt == nil || at.After(*call.EndedAt)) {
		call.EndedAt = &at
	}
	if call.PlacedAt == nil && call.State != cart.Rejected {
		now := a.now
		call.PlacedAt = &now
	}
}

// countDials derives how often the provider has dialled. Each instant at which a dial began counts once, however many messages tell
// of it. Where no instants are told, the provider's own count of its redials is believed.
func countDials(call *cart.Call, r cart.Report) {
	if r.Kind == cart.ReportRinging && !r.At.IsZero() {
		// The database keeps microseconds.
		at := r.At.UTC().Truncate(time.Microsecond)
		if i, told := slices.BinarySearchFunc(call.DialStarts, at, time.Time.Compare); !told && len(call.DialStarts) < mostDials {
			call.DialStarts = slices.Insert(slices.Clone(call.DialStarts), i, at)
		}
	}
	call.Redials = max(call.Redials, r.Redials)
	dials := len(call.DialStarts)
	if dials == 0 && has(call, cart.ReportRinging) {
		dials = 1 + call.Redials
	}
	call.Dials = max(call.Dials, dials)
}

// lived reports whether a call that counted as rejected was taken by the provider after all: only a call that was dialled, or is
// about to be, gives such reports.
func lived(call *cart.Call) bool {
	return slices.ContainsFunc(call.Seen, func(k cart.ReportKind) bool {
		switch k {
		case cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed,
			cart.ReportTimeout, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportRescheduled,
			cart.ReportAction:
			return true
		case cart.ReportFinished, cart.ReportInvalid, cart.ReportSkipped, cart.ReportAborted, cart.ReportOther:
			return false
		}
		return false
	})
}

// revive takes back that the provider rejected a call. The call was dialled: it counts as an attempt, and its cart is not called
// again meanwhile.
func (a *change) revive(call *cart.Call) {
	sent := call.CreatedAt
	call.State, call.Outcome, call.ClosedAt, call.SentAt = cart.Placed, "", nil, &sent
	if slices.ContainsFunc(call.Seen, ends) {
		call.State = cart.Ended
	}
	call.HoldsLine = true
	watch := a.now.Add(a.rules.Voice.Silence)
	call.WatchAt = &watch
	a.then(Watch{CallID: call.ID, At: watch})
	a.note("at_most_once", "the provider took this call after all", cart.VerdictOK)
	other := a.otherOpenCall(call)
	switch {
	case other == nil:
	case other.State == cart.Placing && other.SentAt == nil:
		a.reject(other)
	default:
		// A cart has one call under way. This one goes on being heard of as one that is over.
		at := a.now
		call.State, call.Outcome, call.ClosedAt, call.WatchAt = cart.Closed, cart.Lost, &at, nil
		if outcome := outcomeOf(call); outcome != "" {
			call.Outcome = outcome
		}
		call.HoldsLine = false
		if other.AbortAt == nil && !other.Answered() {
			a.abort(other, cart.Provider)
		}
	}
	a.numberAnew(call)
	if call.State.Open() && !a.cart.State.Settled() {
		a.set(cart.Calling, cart.Due)
	}
}

func (a *change) otherOpenCall(call *cart.Call) *cart.Call {
	for i := range a.cart.Calls {
		if other := &a.cart.Calls[i]; other.ID != call.ID && other.State.Open() {
			return other
		}
	}
	return nil
}

// numberAnew gives a revived call a number of its own when the attempt was made again meanwhile.
func (a *change) numberAnew(call *cart.Call) {
	highest, taken := call.Attempt, false
	for i := range a.cart.Calls {
		other := &a.cart.Calls[i]
		if other.ID == call.ID || other.State == cart.Rejected {
			continue
		}
		highest = max(highest, other.Attempt)
		taken = taken || other.Attempt == call.Attempt
	}
	if taken {
		call.Attempt = highest + 1
	}
}

// keepDetails copies what the report adds, never losing what an earlier one told. What the customer asked for counts even when
// their data was erased meanwhile.
func (a *change) keepDetails(call *cart.Call, r cart.Report) {
	in := &call.Insights
	in.OptedOut = in.OptedOut || r.Insights.OptedOut
	in.Declined = in.Declined || r.Insights.Declined
	in.OptedOutUnclear = in.OptedOutUnclear || r.Insights.OptedOutUnclear
	in.DeclinedUnclear = in.DeclinedUnclear || r.Insights.DeclinedUnclear
	if r.DurationSeconds != nil && (call.DurationSeconds == nil || *r.DurationSeconds > *call.DurationSeconds) {
		call.DurationSeconds = r.DurationSeconds
	}
	if r.CreditsUsed != nil {
		call.CreditsUsed = r.CreditsUsed
	}
	if a.cart.ErasedAt != nil {
		return
	}
	if r.Summary != "" {
		call.Summary = r.Summary
	}
	if r.RecordingURL != "" {
		call.RecordingURL = r.RecordingURL
	}
	if len(r.RequiredActions) > 0 {
		call.RequiredActions = r.RequiredActions
	}
	in.Interested = in.Interested || r.Insights.Interested
	in.Callback = in.Callback || r.Insights.Callback || r.Insights.CallbackAt != nil
	if r.Insights.CallbackAt != nil {
		in.CallbackAt = r.Insights.CallbackAt
	}
}

// advance moves an open call forward to where the report says it is.
func (a *change) advance(call *cart.Call, r cart.Report) {
	to := cart.Placed
	switch {
	case r.Kind == cart.ReportRinging:
		to = cart.Ringing
	case r.Kind == cart.ReportTalking:
		to = cart.Talking
	case ends(r.Kind):
		to = cart.Ended
	}
	switch {
	case r.Kind == cart.ReportRescheduled:
		// The provider keeps the cart and calls at a time of its own: the line is free until then.
		call.Rescheduled = true
		a.freeLine(call)
	case r.Kind == cart.ReportRinging && call.Rescheduled && !call.HoldsLine && call.State != cart.Ended:
		call.HoldsLine = true
	}
	if call.State.Before(to) {
		call.State = to
	}
}

// answered tells the reports that only a call somebody picked up can give.
func answered(k cart.ReportKind) bool {
	switch k {
	case cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportTimeout:
		return true
	case cart.ReportRinging, cart.ReportFinished, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed,
		cart.ReportInvalid, cart.ReportSkipped, cart.ReportRescheduled, cart.ReportAborted, cart.ReportAction,
		cart.ReportOther:
		return false
	}
	return false
}

// putDown tells the reports of the end of one dial; those that only follow it later are not among them.
func putDown(k cart.ReportKind) bool {
	return ends(k) && k != cart.ReportRecorded && k != cart.ReportAnalysed && k != cart.ReportFinished
}

// ends tells the reports after which the phone connection is over.
func ends(k cart.ReportKind) bool {
	switch k {
	case cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished, cart.ReportTimeout,
		cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportInvalid, cart.ReportSkipped,
		cart.ReportAborted:
		return true
	case cart.ReportRinging, cart.ReportTalking, cart.ReportRescheduled, cart.ReportAction, cart.ReportOther:
		return false
	}
	return false
}

// heed acts at once on what the customer said, whatever else is still to come of the call.
func (a *change) heed(call *cart.Call) {
	in := call.Insights
	before := a.was.Call(call.ID)
	if in.OptedOut && !before.Insights.OptedOut {
		a.then(Suppress{Source: "call"})
		a.note("said", "asked not to be called again", cart.VerdictStop)
	}
	var said cart.Reason
	switch {
	case in.OptedOut:
		said = cart.OptedOut
	case in.Declined:
		said = cart.Declined
	case in.Unclear():
		said = cart.UnclearAnswer
	default:
		return
	}
	switch {
	case !a.cart.State.Settled():
		if said == cart.Declined {
			a.note("said", "is not interested", cart.VerdictStop)
		} else if said == cart.UnclearAnswer {
			a.note("said", "the analysis is neither a yes nor a no", cart.VerdictStop)
		}
		a.stop(said)
	case a.cart.State == cart.Stopped && outweighs(said, a.cart.Reason):
		a.set(cart.Stopped, said)
	}
}

// answers are the reasons for which a conversation ends a cart, weakest first.
var answers = []cart.Reason{cart.Exhausted, cart.UnclearAnswer, cart.Declined, cart.OptedOut}

// outweighs reports whether what the customer said takes the place of the reason for which the cart stopped: when that
// was a weaker answer. A reason of another kind stays.
func outweighs(said, stopped cart.Reason) bool {
	before := slices.Index(answers, stopped)
	return before >= 0 && before < slices.Index(answers, said)
}

func has(call *cart.Call, k cart.ReportKind) bool { return slices.Contains(call.Seen, k) }

func see(call *cart.Call, k cart.ReportKind) {
	if !has(call, k) {
		call.Seen = append(slices.Clip(call.Seen), k)
		slices.Sort(call.Seen)
	}
}

// outcomeOf derives how the call ended from the set of reports, "" while that is open. A conversation outweighs an
// unanswered dial before it, any end of the provider's outweighs our abort of its redials, and a connection that ended by itself
// outweighs a timeout: the customer is then not called again.
func outcomeOf(call *cart.Call) cart.Outcome {
	switch {
	case has(call, cart.ReportHungUp):
		return cart.Completed
	case has(call, cart.ReportTimeout):
		return cart.Timeout
	case has(call, cart.ReportRecorded), has(call, cart.ReportAnalysed):
		return cart.Completed
	case has(call, cart.ReportSkipped):
		return cart.Skipped
	case has(call, cart.ReportInvalid):
		return cart.Invalid
	case has(call, cart.ReportBusy):
		return cart.Busy
	case has(call, cart.ReportNoAnswer):
		return cart.NoAnswer
	case has(call, cart.ReportFailed):
		return cart.Failed
	case has(call, cart.ReportTalking) && (has(call, cart.ReportFinished) || has(call, cart.ReportAborted)):
		// Nobody is cut off: what was aborted after a conversation is the dial that would have followed.
		return cart.Completed
	case has(call, cart.ReportAborted):
		return cart.Aborted
	}
	return ""
}

// settle closes the call when nothing more is to be expected of it, and moves its cart on.
func (a *change) settle(call *cart.Call) {
	outcome := outcomeOf(call)
	if !call.State.Open() {
		a.correct(call, outcome)
		return
	}
	if outcome == "" {
		return
	}
	// Of a call that was put off, nothing more comes once that is called off.
	finished := has(call, cart.ReportFinished) || has(call, cart.ReportRescheduled) && has(call, cart.ReportAborted)
	switch outcome {
	case cart.Completed, cart.Timeout:
		if !finished {
			return
		}
		if !has(call, cart.ReportAnalysed) || !has(call, cart.ReportHungUp) && outcome != cart.Timeout {
			// The line is free; what is missing may still say that the customer opted out, or that time ran out.
			a.freeLine(call)
			grace := a.now.Add(analysisGrace)
			if call.WatchAt == nil || grace.Before(*call.WatchAt) {
				call.WatchAt = &grace
				a.then(Watch{CallID: call.ID, At: grace})
			}
			return
		}
	case cart.NoAnswer, cart.Busy, cart.Failed:
		if !finished && !a.chainEnded(call) {
			return
		}
	case cart.Skipped, cart.Invalid, cart.Aborted, cart.Lost:
	}
	a.close(call, outcome)
}

// chainEnded reports whether the provider will surely not dial again after an unanswered call, and asks for that
// where it is ours to ask.
func (a *change) chainEnded(call *cart.Call) bool {
	if has(call, cart.ReportAborted) {
		return true
	}
	if !a.rules.Voice.OurRetries {
		return false
	}
	if !a.rules.Voice.CanAbort || call.AbortedAt != nil {
		return true
	}
	if call.AbortAt == nil {
		a.abort(call, cart.Spacing)
	}
	return false
}

// close ends the call with its outcome; a cart that was calling goes on.
func (a *change) close(call *cart.Call, outcome cart.Outcome) {
	at := a.now
	call.State, call.Outcome, call.ClosedAt, call.WatchAt = cart.Closed, outcome, &at, nil
	if call.EndedAt == nil {
		call.EndedAt = &at
	}
	a.freeLine(call)
	a.noted = true
	a.then(CallSettled{CallID: call.ID})
	if a.cart.State == cart.Calling {
		a.goOn(call)
	}
}

// correct lets late word of a closed call be heard: a call given up as lost that was answered after all, a redial that
// our abort came too late for.
func (a *change) correct(call *cart.Call, outcome cart.Outcome) {
	was := a.was.Call(call.ID)
	later := call.EndedAt != nil && was.EndedAt != nil && call.EndedAt.After(*was.EndedAt)
	if outcome == "" || outcome == call.Outcome && !later {
		return
	}
	call.Outcome = outcome
	a.noted = true
	if last := a.cart.LastDialled(); last != nil && last.ID == call.ID && (a.cart.State == cart.Waiting || a.cart.State == cart.Ready) {
		a.goOn(call)
	}
}

// goOn decides what becomes of a cart whose call is over.
func (a *change) goOn(call *cart.Call) {
	a.cart.Attempts = dialled(a.cart.Calls)
	a.cart.Forced = false
	a.cart.CallbackAt = nil
	in := call.Insights
	switch {
	case call.Outcome == cart.Skipped, call.Outcome == cart.Invalid:
		a.note("outcome", "the provider will not dial this number: "+string(call.Outcome), cart.VerdictStop)
		a.stop(cart.Refused)
		return
	case in.Callback && !a.calledBack(call):
		at := call.EndedAt.Add(defaultCallback)
		if in.CallbackAt != nil && in.CallbackAt.After(*call.EndedAt) {
			// A time before the end of the call was misunderstood: nobody asks to be called again at once.
			at = *in.CallbackAt
		}
		at = at.UTC()
		a.cart.CallbackAt = &at
	case call.Outcome == cart.Lost && call.Answered():
		a.note("outcome", "answered, then not heard of again", cart.VerdictStop)
		a.stop(cart.Exhausted)
		return
	}
	a.decide()
}

// calledBack reports whether the provider, which puts such calls off by itself, has made the call that the customer asked for.
func (a *change) calledBack(call *cart.Call) bool {
	at := call.Insights.CallbackAt
	return call.Rescheduled && (at == nil || !at.After(a.now))
}
