package lifecycle

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
)

// defaultCallback is how long after a call a customer is called back who asked for that without naming a time.
const defaultCallback = 24 * time.Hour

// mostDials bounds the dials that one call records. No provider dials nearly as often.
const mostDials = 50

// callReported applies a provider's report of a call. Reports come twice, late and in any order, so the call's state
// and outcome follow from the set of all reports so far, never from the latest one alone.
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
		// The agent's own words stay out of the trace, which outlives the erasure of the person.
		a.note("action", actionName(r.Action), cart.VerdictOK)
		a.emit(Acted{CallID: call.ID, Digest: e.Digest})
	}
	if !hasReport(call, r.Kind) || r.Kind == cart.ReportRinging {
		a.noted = true
	}
	if r.CallbackUnread {
		a.note("callback", "the time that the customer asked for cannot be read: the default is used", cart.VerdictWait)
	}
	addReport(call, r.Kind)
	for _, k := range implied(r.FinalStatus) {
		addReport(call, k)
	}
	countDials(call, r)
	a.keepTimes(call, r)
	reopened := false
	if call.State == cart.Rejected {
		if !provesDial(call) {
			a.actOnAnswer(call)
			return
		}
		reopened = true
		a.undoRejection(call)
	}
	if call.State.Open() {
		a.advance(call, r)
		a.extendDeadline(call)
	}
	a.actOnAnswer(call)
	if a.cart.State.Settled() && (reopened || mayDialAgain(call)) {
		a.abortOpenCall(a.cart.Reason)
	}
	a.settle(call)
	if credited := a.cart.Attribution; a.cart.State == cart.Purchased && credited != cart.ByOffer {
		// The order may have come before the report of the call that led to it.
		a.cart.Attribution = a.attribute()
		a.noted = a.noted || a.cart.Attribution != credited
	}
}

// implied returns the report that the call's final status stands for and that should have come before it.
func implied(final cart.Outcome) []cart.ReportKind {
	switch final {
	case cart.Completed:
		return []cart.ReportKind{cart.ReportHungUp}
	case cart.Voicemail:
		return []cart.ReportKind{cart.ReportVoicemail}
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
		// No provider reports this: we decide it.
	}
	return nil
}

// keepTimes records when the call was picked up, which is the earliest time that any report tells, and when the last
// dial ended, which is the latest.
func (a *change) keepTimes(call *cart.Call, r cart.Report) {
	at := r.At
	if at.IsZero() || at.After(a.now) {
		at = a.now
	}
	at = at.UTC()
	if call.PickedUpAt == nil {
		// An earlier release stored only one of the two.
		call.PickedUpAt = call.AnsweredAt
	}
	if pickedUp(r.Kind) && (call.PickedUpAt == nil || at.Before(*call.PickedUpAt)) {
		call.PickedUpAt = &at
	}
	if endsDial(r.Kind) && (call.EndedAt == nil || at.After(*call.EndedAt)) {
		call.EndedAt = &at
	}
	if call.PlacedAt == nil && call.State != cart.Rejected {
		now := a.now
		call.PlacedAt = &now
	}
}

// countDials counts how often the provider has dialled. Each instant at which a dial began counts once, even if several
// messages tell of it. When no message tells an instant, the provider's own count of redials is used.
func countDials(call *cart.Call, r cart.Report) {
	if r.Kind == cart.ReportRinging && !r.At.IsZero() {
		// The database stores microseconds.
		at := r.At.UTC().Truncate(time.Microsecond)
		i, known := slices.BinarySearchFunc(call.DialStarts, at, time.Time.Compare)
		if !known && len(call.DialStarts) < mostDials {
			call.DialStarts = slices.Insert(slices.Clone(call.DialStarts), i, at)
		}
	}
	call.Redials = max(call.Redials, r.Redials)
	dials := len(call.DialStarts)
	if dials == 0 && hasReport(call, cart.ReportRinging) {
		dials = 1 + call.Redials
	}
	call.Dials = max(call.Dials, dials)
}

// provesDial reports whether the reports of a rejected call prove that the provider took it after all: only a call that
// was or will be dialled has such reports.
func provesDial(call *cart.Call) bool {
	return slices.ContainsFunc(call.Seen, func(k cart.ReportKind) bool {
		switch k {
		case cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed,
			cart.ReportTimeout, cart.ReportVoicemail, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed,
			cart.ReportRescheduled, cart.ReportAction:
			return true
		case cart.ReportFinished, cart.ReportInvalid, cart.ReportSkipped, cart.ReportAborted, cart.ReportOther:
			return false
		}
		return false
	})
}

// undoRejection reopens a rejected call that the provider took after all. It counts as an attempt, and the cart gets no
// other call until it is over.
func (a *change) undoRejection(call *cart.Call) {
	sent := call.CreatedAt
	call.State, call.Outcome, call.ClosedAt, call.SentAt = cart.Placed, "", nil, &sent
	if slices.ContainsFunc(call.Seen, endsCall) {
		call.State = cart.Ended
	}
	call.HoldsLine = true
	watch := a.now.Add(a.rules.Voice.Silence)
	call.WatchAt = &watch
	a.emit(Watch{CallID: call.ID, At: watch})
	a.note("at_most_once", "the provider took this call after all", cart.VerdictOK)
	other := a.otherOpenCall(call)
	switch {
	case other == nil:
	case other.State == cart.Placing && other.SentAt == nil:
		a.reject(other)
	default:
		// A cart has at most one call under way. This one is closed; its further reports still count.
		at := a.now
		call.State, call.Outcome, call.ClosedAt, call.WatchAt = cart.Closed, cart.Lost, &at, nil
		if outcome, _ := a.judge(call); outcome != "" {
			call.Outcome = outcome
		}
		call.HoldsLine = false
		if other.AbortAt == nil && !other.Answered() {
			a.abort(other, cart.Provider)
		}
	}
	a.renumber(call)
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

// renumber gives a reopened call a new attempt number if the attempt was repeated meanwhile.
func (a *change) renumber(call *cart.Call) {
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

// keepDetails copies what the report adds, and keeps what earlier ones told. An opt-out or a no counts even after the
// customer's data was erased.
func (a *change) keepDetails(call *cart.Call, r cart.Report) {
	in := &call.Insights
	in.OptedOut = in.OptedOut || r.Insights.OptedOut
	in.Declined = in.Declined || r.Insights.Declined
	in.OptedOutUnclear = in.OptedOutUnclear || r.Insights.OptedOutUnclear
	in.DeclinedUnclear = in.DeclinedUnclear || r.Insights.DeclinedUnclear
	if r.Insights.Voicemail || r.Insights.Person {
		// A later analysis corrects an earlier one.
		in.Voicemail, in.Person = r.Insights.Voicemail, r.Insights.Person
	}
	in.Screened = in.Screened || r.Insights.Screened
	in.Undisclosed = in.Undisclosed || r.Insights.Undisclosed
	if r.Insights.OfferMentioned || r.Insights.OfferUnmentioned {
		in.OfferMentioned, in.OfferUnmentioned = r.Insights.OfferMentioned, r.Insights.OfferUnmentioned
	}
	gave := r.Discount != nil && call.Offer != nil &&
		(*r.Discount == "" || strings.EqualFold(*r.Discount, call.Offer.Code))
	in.OfferAccepted = in.OfferAccepted || r.Insights.OfferAccepted || gave
	if label := reasonLabel(r.AbandonReason); label != "" {
		call.AbandonReason = label
	}
	in.OptOutSuspected = in.OptOutSuspected || r.Insights.OptOutSuspected
	if r.DurationSeconds != nil && (call.DurationSeconds == nil || *r.DurationSeconds > *call.DurationSeconds) {
		call.DurationSeconds = r.DurationSeconds
	}
	if r.CreditsUsed != nil {
		call.CreditsUsed = r.CreditsUsed
	}
	if a.cart.ErasedAt != nil {
		return
	}
	a.keepSaid(call, r)
	in.Interested = in.Interested || r.Insights.Interested
	in.Callback = in.Callback || r.Insights.Callback || r.Insights.CallbackAt != nil
	if r.Insights.CallbackAt != nil {
		in.CallbackAt = r.Insights.CallbackAt
	}
}

// advance moves an open call forward to the state that the report tells.
func (a *change) advance(call *cart.Call, r cart.Report) {
	to := cart.Placed
	switch {
	case r.Kind == cart.ReportRinging:
		to = cart.Ringing
	case r.Kind == cart.ReportTalking:
		to = cart.Talking
	case endsCall(r.Kind):
		to = cart.Ended
	}
	switch {
	case r.Kind == cart.ReportRescheduled:
		// The provider will call at a later time of its own choice. The line is free until then.
		call.Rescheduled = true
		a.freeLine(call)
	case !call.HoldsLine && dialsAgain(call, r):
		call.HoldsLine = true
	}
	if call.State.Before(to) {
		call.State = to
	}
}

// dialsAgain reports whether a report tells of a new dial since the line was freed: the first dial of a call that was
// rescheduled before it rang, or one that began after the last one ended. A late report of an earlier dial is neither.
func dialsAgain(call *cart.Call, r cart.Report) bool {
	switch {
	case r.Kind != cart.ReportRinging && r.Kind != cart.ReportTalking:
		return false
	case call.State != cart.Ended:
		return call.Rescheduled && r.Kind == cart.ReportRinging
	}
	return call.EndedAt != nil && r.At.After(*call.EndedAt)
}

// disconnected reports whether a conversation is over and no other dial will follow. The line is then free, although
// the analysis is still to come. While the provider may dial again by itself, the line stays busy.
func (a *change) disconnected(call *cart.Call) bool {
	if !a.rules.Voice.OurRetries || call.Rescheduled {
		return false
	}
	dials := call.DialStarts
	if call.EndedAt == nil {
		// The report of the end is missing; another report shows that there was an end. It may be an earlier dial's.
		return len(dials) < 2
	}
	return len(dials) == 0 || !dials[len(dials)-1].After(*call.EndedAt)
}

// pickedUp reports whether only a call that somebody or something picked up has such a report.
func pickedUp(k cart.ReportKind) bool {
	switch k {
	case cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportTimeout,
		cart.ReportVoicemail:
		return true
	case cart.ReportRinging, cart.ReportFinished, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed,
		cart.ReportInvalid, cart.ReportSkipped, cart.ReportRescheduled, cart.ReportAborted, cart.ReportAction,
		cart.ReportOther:
		return false
	}
	return false
}

// endsDial reports whether the report tells of the end of a dial, and not of something that only follows it.
func endsDial(k cart.ReportKind) bool {
	return endsCall(k) && k != cart.ReportRecorded && k != cart.ReportAnalysed && k != cart.ReportFinished
}

// endsCall reports whether the phone connection is over after such a report.
func endsCall(k cart.ReportKind) bool {
	switch k {
	case cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished, cart.ReportTimeout,
		cart.ReportVoicemail, cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportInvalid, cart.ReportSkipped,
		cart.ReportAborted:
		return true
	case cart.ReportRinging, cart.ReportTalking, cart.ReportRescheduled, cart.ReportAction, cart.ReportOther:
		return false
	}
	return false
}

// actOnAnswer acts on what the customer said at once, without waiting for the call's other reports.
func (a *change) actOnAnswer(call *cart.Call) {
	in := call.Insights
	before := a.before.Call(call.ID)
	if in.OptedOut && !before.Insights.OptedOut {
		a.emit(Suppress{Source: "call"})
		a.note("said", "asked not to be called again", cart.VerdictStop)
	}
	if in.Declined && !in.OptedOut && !before.Insights.Declined && !a.rules.Unknown {
		if key, final := policy.RefusalIsFinal(a.rules.Policy, &a.cart, a.now); final {
			a.emit(Suppress{Source: "call"})
			a.note("said", "said no, which is for good in "+key, cart.VerdictStop)
		}
	}
	if in.OptOutSuspected && !in.OptedOut && !before.Insights.OptOutSuspected {
		a.emit(Suppress{Source: "suspected"})
		a.note("said", "words of an opt-out; an operator decides whether they are one", cart.VerdictStop)
	}
	var said cart.Reason
	switch {
	case in.OptedOut:
		said = cart.OptedOut
	case in.OptOutSuspected:
		said = cart.OptOutSuspected
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
var answers = []cart.Reason{
	cart.Exhausted, cart.Reached, cart.UnclearAnswer, cart.Declined, cart.OptOutSuspected, cart.OptedOut,
}

// outweighs reports whether what the customer said replaces the reason for which the cart stopped. It does when that
// reason is a weaker answer.
func outweighs(said, stopped cart.Reason) bool {
	before := slices.Index(answers, stopped)
	return before >= 0 && before < slices.Index(answers, said)
}

func hasReport(call *cart.Call, k cart.ReportKind) bool { return slices.Contains(call.Seen, k) }

func addReport(call *cart.Call, k cart.ReportKind) {
	if !hasReport(call, k) {
		call.Seen = append(slices.Clip(call.Seen), k)
		slices.Sort(call.Seen)
	}
}

// endOf derives from the set of reports how the call ended, whoever picked up; "" while that is open. A connection
// outweighs an unanswered dial before it. Any end that the provider reports outweighs our abort of its redials. A
// connection that ended by itself outweighs a timeout, so that the customer is not called again.
func endOf(call *cart.Call) cart.Outcome {
	switch {
	case hasReport(call, cart.ReportHungUp):
		return cart.Completed
	case hasReport(call, cart.ReportTimeout):
		return cart.Timeout
	case hasReport(call, cart.ReportRecorded), hasReport(call, cart.ReportAnalysed):
		return cart.Completed
	case hasReport(call, cart.ReportVoicemail):
		return cart.Voicemail
	case hasReport(call, cart.ReportSkipped):
		return cart.Skipped
	case hasReport(call, cart.ReportInvalid):
		return cart.Invalid
	case hasReport(call, cart.ReportBusy):
		return cart.Busy
	case hasReport(call, cart.ReportNoAnswer):
		return cart.NoAnswer
	case hasReport(call, cart.ReportFailed):
		return cart.Failed
	case hasReport(call, cart.ReportTalking) &&
		(hasReport(call, cart.ReportFinished) || hasReport(call, cart.ReportAborted)):
		// No conversation is cut off: an abort after one is of the redial that would have followed.
		return cart.Completed
	case hasReport(call, cart.ReportAborted):
		return cart.Aborted
	}
	return ""
}

// settle closes the call when no further report is expected, and decides what its cart does next.
func (a *change) settle(call *cart.Call) {
	outcome, why := a.judge(call)
	if !call.State.Open() {
		a.correct(call, outcome, why)
		return
	}
	if outcome == "" {
		return
	}
	// A rescheduled call that was aborted has no further reports.
	finished := hasReport(call, cart.ReportFinished) ||
		hasReport(call, cart.ReportRescheduled) && hasReport(call, cart.ReportAborted)
	switch end := endOf(call); end {
	case cart.Completed, cart.Timeout, cart.Voicemail:
		if a.disconnected(call) {
			a.freeLine(call)
		}
		if !finished {
			return
		}
		complete := hasReport(call, cart.ReportAnalysed) &&
			(hasReport(call, cart.ReportHungUp) || end == cart.Timeout)
		if !complete && !hasReport(call, cart.ReportVoicemail) {
			// The line is free. A missing report may still say that the customer opted out, or that the time ran out.
			a.freeLine(call)
			grace := a.now.Add(analysisGrace)
			if call.WatchAt == nil || grace.Before(*call.WatchAt) {
				call.WatchAt = &grace
				a.emit(Watch{CallID: call.ID, At: grace})
			}
			return
		}
	case cart.NoAnswer, cart.Busy, cart.Failed:
		if !finished && !a.redialsEnded(call) {
			return
		}
	case cart.Skipped, cart.Invalid, cart.Aborted, cart.Lost:
	}
	a.close(call, outcome, why)
}

// redialsEnded reports whether the provider will surely not dial again after an unanswered call. When we call again
// ourselves, it asks the provider not to.
func (a *change) redialsEnded(call *cart.Call) bool {
	if hasReport(call, cart.ReportAborted) {
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

// close ends the call with its outcome, and decides what a cart in calling does next. why is that of judge.
func (a *change) close(call *cart.Call, outcome cart.Outcome, why string) {
	at := a.now
	call.State, call.Outcome, call.ClosedAt, call.WatchAt = cart.Closed, outcome, &at, nil
	if call.EndedAt == nil {
		call.EndedAt = &at
	}
	a.freeLine(call)
	a.noted = true
	a.noteMachine(why)
	a.emit(CallSettled{CallID: call.ID})
	if a.cart.State == cart.Calling {
		a.afterCall(call)
	}
}

// noteMachine says in the ledger why a call that was picked up was no conversation.
func (a *change) noteMachine(why string) {
	if why != "" {
		a.note("outcome", why+"; it counts as an attempt", cart.VerdictOK)
	}
}

// correct changes the outcome of a closed call after a late report: a lost call was answered after all, our abort came
// too late for a redial, or the analysis says that it was a mailbox, or that it was not.
func (a *change) correct(call *cart.Call, outcome cart.Outcome, why string) {
	was := a.before.Call(call.ID)
	later := call.EndedAt != nil && was.EndedAt != nil && call.EndedAt.After(*was.EndedAt)
	if outcome == "" || outcome == call.Outcome && !later {
		return
	}
	call.Outcome = outcome
	a.noted = true
	a.noteMachine(why)
	last := a.cart.LastDialled()
	newest := last != nil && last.ID == call.ID
	switch a.cart.State {
	case cart.Waiting, cart.Ready:
		if newest {
			a.afterCall(call)
		} else if outcome == cart.Completed {
			a.decide()
		}
	case cart.Calling:
		other := a.otherOpenCall(call)
		reached := outcome == cart.Completed && was.Outcome != cart.Completed && !call.Insights.Callback
		if reached && other != nil && other.PickedUpAt == nil && !a.cart.Forced {
			a.note("outcome", "the customer was spoken to in an earlier call", cart.VerdictStop)
			a.stop(cart.Reached)
		}
	case cart.Stopped:
		if newest && why != "" && a.mayGoOn() {
			// As after any other attempt that reached nobody.
			a.set(cart.Calling, a.cart.Reason)
			a.afterCall(call)
		}
	case cart.Watching, cart.Purchased:
	}
}

// afterCall decides what a cart does next whose call is over.
func (a *change) afterCall(call *cart.Call) {
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
			// A time before the end of the call is a mistake of the analysis: nobody asks to be called again at once.
			at = *in.CallbackAt
		}
		at = at.UTC()
		a.cart.CallbackAt = &at
	case call.Outcome == cart.Lost && call.Answered():
		a.note("outcome", "answered, then no further report came", cart.VerdictStop)
		a.stop(cart.Reached)
		return
	}
	a.decide()
}

// calledBack reports whether the provider has already made the call that the customer asked for: some reschedule such
// calls by themselves.
func (a *change) calledBack(call *cart.Call) bool {
	at := call.Insights.CallbackAt
	return call.Rescheduled && (at == nil || !at.After(a.now))
}
