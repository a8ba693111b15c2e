package lifecycle

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// How long a cart waits before an attempt is repeated that the provider surely did not take: from the first to the last
// value, doubling each time.
const (
	firstRetry = 30 * time.Second
	lastRetry  = time.Hour
)

// lineFree gives a free line to a ready cart, if the policy still says call.
func (a *change) lineFree(e cart.LineFree) {
	if a.cart.State != cart.Ready || a.cart.OpenCall() != nil {
		return
	}
	d := a.ask()
	if d.Action != cart.ActCall {
		a.noted = true
		a.follow(d)
		return
	}
	watch := a.now.Add(a.rules.Voice.Silence)
	a.cart.Calls = append(a.cart.Calls, cart.Call{
		ID:        e.CallID,
		CartID:    a.cart.ID,
		Shop:      a.cart.Shop,
		Attempt:   a.cart.NextAttempt(),
		State:     cart.Placing,
		Provider:  a.rules.Voice.Provider,
		Assistant: a.rules.Voice.Assistant,
		HoldsLine: true,
		Phone:     a.cart.Phone,
		Offer:     d.Offer,
		Priority:  d.Priority,
		Consent:   d.Consent,
		CreatedAt: a.now,
		ReadyAt:   a.cart.ReadyAt,
		WatchAt:   &watch,
	})
	a.callID = &e.CallID
	a.set(cart.Calling, a.cart.Reason)
	a.emit(Place{CallID: e.CallID})
	a.emit(Watch{CallID: e.CallID, At: watch})
}

// call finds the call that an event is about, and names it in the ledger entry.
func (a *change) call(id uuid.UUID) *cart.Call {
	call := a.cart.Call(id)
	if call != nil {
		a.callID = &call.ID
	}
	return call
}

// sendBegun is the last check before the request goes out. The effect Send permits the request.
func (a *change) sendBegun(e cart.SendBegun) {
	call := a.call(e.CallID)
	if call == nil || call.State != cart.Placing || call.SentAt != nil {
		return
	}
	if a.cart.State != cart.Calling {
		a.reject(call)
		return
	}
	d := a.ask()
	if call.Phone != a.cart.Phone {
		// The line was given after a check of another number.
		a.note("phone", "the number changed after the line was given", cart.VerdictWait)
		a.reject(call)
		a.follow(d)
		return
	}
	if d.Action != cart.ActCall {
		a.noted = true
		a.reject(call)
		a.follow(d)
		return
	}
	if call.Assistant != a.rules.Voice.Assistant {
		a.note("line", "the shop now uses another assistant", cart.VerdictWait)
		a.reject(call)
		a.follow(d)
		return
	}
	at := a.now
	call.SentAt = &at
	call.TokenHash = e.TokenHash
	call.Consent = d.Consent
	call.Provider, call.Account, call.VoiceKey = a.rules.Voice.Provider, e.Account, e.VoiceKey
	a.setOffer(call, e.Offer)
	a.extendDeadline(call)
	a.emit(Send{CallID: call.ID})
}

// setOffer records the discount that goes out with the call, when it is not the one that was decided. The code stays
// out of the trace, which outlives the erasure of the person.
func (a *change) setOffer(call *cart.Call, offer *cart.Offer) {
	switch {
	case offer == nil:
		return
	case offer.Code == "":
		call.Offer = nil
		a.note("offer", "no single-use code could be made, and the offer has no fallback", cart.VerdictSkipped)
	case offer.Unique:
		call.Offer = offer
		a.note("offer", "a single-use code was made for this call", cart.VerdictOK)
	default:
		call.Offer = offer
		a.note("offer", "no single-use code could be made: the fallback is given", cart.VerdictOK)
	}
}

// extendDeadline extends the time after which a call without reports is settled.
func (a *change) extendDeadline(call *cart.Call) {
	watch := a.now.Add(a.rules.Voice.Silence)
	if call.Rescheduled && !call.HoldsLine {
		watch = a.rescheduledDeadline(call)
	}
	if call.WatchAt != nil && watch.Before(*call.WatchAt) {
		a.emit(Watch{CallID: call.ID, At: watch})
	}
	call.WatchAt = &watch
}

// How long a rescheduled call may go without a report: rescheduledGrace after the time that the customer named, or
// rescheduledSilence from now when no time is known.
const (
	rescheduledGrace   = time.Hour
	rescheduledSilence = 24 * time.Hour
)

// rescheduledDeadline is when a call that the provider has rescheduled is settled if no report comes.
func (a *change) rescheduledDeadline(call *cart.Call) time.Time {
	if at := call.Insights.CallbackAt; at != nil && at.After(a.now) {
		return at.Add(max(rescheduledGrace, a.rules.Voice.Silence)).UTC()
	}
	return a.now.Add(max(rescheduledSilence, a.rules.Voice.Silence))
}

// reject closes an attempt that surely reached nobody. It does not count, so its number is used again.
func (a *change) reject(call *cart.Call) {
	at := a.now
	if call.SentAt == nil {
		// A token that went out stays known: if the provider took the call after all, its reports come with that token.
		call.TokenHash = nil
	}
	call.State, call.ClosedAt, call.SentAt, call.WatchAt = cart.Rejected, &at, nil, nil
	a.freeLine(call)
}

func (a *change) freeLine(call *cart.Call) {
	if !call.HoldsLine {
		return
	}
	call.HoldsLine = false
	a.emit(Fill{Assistant: call.Assistant})
}

func (a *change) placeAccepted(e cart.PlaceAccepted) {
	call := a.call(e.CallID)
	if call == nil || call.State == cart.Rejected {
		return
	}
	a.learnProviderID(call, e.ProviderCallID)
	if call.PlacedAt == nil {
		at := a.now
		call.PlacedAt = &at
	}
	if call.State.Before(cart.Placed) {
		call.State = cart.Placed
		a.extendDeadline(call)
		a.noted = true
		if call.SentAt != nil && a.before.UpdatedAt.After(*call.SentAt) && a.cart.State == cart.Calling {
			// The cart changed after the request was built.
			a.updateProvider()
		}
	}
}

// learnProviderID stores the provider's id of the call. An abort that waited for it can now be sent.
func (a *change) learnProviderID(call *cart.Call, id string) {
	if id == "" || call.ProviderCallID != "" {
		return
	}
	call.ProviderCallID = id
	if call.AbortAt != nil && call.AbortedAt == nil && call.State.Open() {
		a.emit(Abort{CallID: call.ID})
	}
}

// placeFailed closes an attempt that the provider surely did not take. The cart waits, and every rule is checked again
// before the attempt is repeated.
func (a *change) placeFailed(e cart.PlaceFailed) {
	call := a.call(e.CallID)
	if call == nil || call.State != cart.Placing {
		return
	}
	call.Error = e.Error
	a.reject(call)
	a.noted = true
	a.emit(CallSettled{CallID: call.ID})
	if a.cart.State != cart.Calling {
		return
	}
	retry := a.now.Add(a.backoff())
	if e.RetryAt != nil && e.RetryAt.After(retry) {
		retry = *e.RetryAt
	}
	a.note("provider", "did not take the call", cart.VerdictWait)
	a.wait(cart.Provider, retry)
}

// placeThrottled closes an attempt that the provider surely did not take because it takes no calls of the account for now.
// That says nothing about the cart, which keeps its place among the ready ones.
func (a *change) placeThrottled(e cart.PlaceThrottled) {
	call := a.call(e.CallID)
	if call == nil || call.State != cart.Placing {
		return
	}
	a.reject(call)
	a.note("provider", "takes no calls of the account for now; the cart keeps its place", cart.VerdictWait)
	if a.cart.State != cart.Calling {
		return
	}
	waited := call.CreatedAt
	if call.ReadyAt != nil {
		waited = *call.ReadyAt
	}
	a.set(cart.Ready, a.cart.Reason)
	a.cart.ReadyAt = &waited
}

// backoff is the time to wait after a rejected attempt. It grows with the number of rejections in a row.
func (a *change) backoff() time.Duration {
	wait := firstRetry
	for i := len(a.cart.Calls) - 2; i >= 0 && a.cart.Calls[i].State == cart.Rejected; i-- {
		if wait *= 2; wait >= lastRetry {
			return lastRetry
		}
	}
	return wait
}

func (a *change) placeRefused(e cart.PlaceRefused) {
	call := a.call(e.CallID)
	if call == nil || call.State != cart.Placing {
		return
	}
	call.Error = e.Error
	if e.Invalid {
		call.Outcome = cart.Invalid
	}
	a.reject(call)
	a.noted = true
	a.emit(CallSettled{CallID: call.ID})
	if e.Account != "" {
		a.emit(AccountRefused{Why: e.Account})
	}
	if a.cart.State != cart.Calling {
		return
	}
	if e.Account != "" {
		// The shop pauses because of this. The cart is checked again when it is resumed.
		a.note("provider", "refused the account: "+e.Account, cart.VerdictWait)
		a.wait(cart.Breaker, a.now.Add(lastRetry))
		return
	}
	a.note("provider", "refused this call for good", cart.VerdictStop)
	a.stop(cart.Refused)
}

func (a *change) placeUncertain(e cart.PlaceUncertain) {
	call := a.call(e.CallID)
	if call == nil || call.State != cart.Placing || call.SentAt == nil {
		return
	}
	call.State = cart.Uncertain
	call.Error = e.Error
	a.extendDeadline(call)
	a.note("at_most_once", "the request may have reached the provider: it is never sent again", cart.VerdictWait)
	a.emit(CallSettled{CallID: call.ID})
}

// abortOpenCall aborts the call under way, because its cart must not be called any more. A conversation is not cut off,
// except when an operator asks for it. A redial that the provider still plans is aborted too.
func (a *change) abortOpenCall(why cart.Reason) {
	call := a.cart.OpenCall()
	if call == nil || call.AbortAt != nil {
		return
	}
	a.callID = &call.ID
	if call.State == cart.Placing && call.SentAt == nil {
		call.Outcome = cart.Aborted
		call.AbortReason = why
		a.reject(call)
		return
	}
	if !mayDialAgain(call) {
		if call.State == cart.Talking && why != cart.Operator {
			a.note("abort", "the customer is on the line: the call is not cut off", cart.VerdictOK)
			return
		}
		if call.State == cart.Ended {
			return
		}
	}
	a.abort(call, why)
}

// mayDialAgain reports whether the provider may dial again within this call: it was rescheduled, or nobody answered.
func mayDialAgain(call *cart.Call) bool {
	if !call.State.Open() || hasReport(call, cart.ReportFinished) {
		return false
	}
	if call.Rescheduled && !call.HoldsLine {
		return true
	}
	return call.State == cart.Ended && endOf(call).Unanswered()
}

// abort asks the provider to stop a call, at once or as soon as the provider's id of it is known.
func (a *change) abort(call *cart.Call, why cart.Reason) {
	at := a.now
	call.AbortAt, call.AbortReason = &at, why
	if !a.rules.Voice.CanAbort {
		a.note("abort", "this provider cannot stop a call", cart.VerdictSkipped)
		return
	}
	if call.ProviderCallID != "" {
		a.emit(Abort{CallID: call.ID})
	}
}

func (a *change) abortAnswered(e cart.AbortAnswered) {
	call := a.call(e.CallID)
	if call == nil || call.AbortAt == nil || call.AbortedAt != nil {
		return
	}
	if e.GaveUp {
		// The next event may ask again.
		call.AbortAt = nil
		a.note("abort", "the provider could not be reached", cart.VerdictWait)
		return
	}
	at := a.now
	call.AbortedAt = &at
	a.noted = true
	if e.Accepted {
		addReport(call, cart.ReportAborted)
	}
	a.settle(call)
}

// callSilent settles a call that had no report until its deadline.
func (a *change) callSilent(e cart.CallSilent) {
	call := a.call(e.CallID)
	if call == nil || !call.State.Open() || call.WatchAt == nil || call.WatchAt.After(a.now) {
		return
	}
	a.noted = true
	if call.State == cart.Placing && call.SentAt == nil {
		a.reject(call)
		if a.cart.State == cart.Calling {
			a.wait(cart.Provider, a.now.Add(a.backoff()))
		}
		return
	}
	canAsk := a.rules.Voice.CanAbort && call.ProviderCallID != "" && call.AbortAt == nil
	if canAsk && !hasReport(call, cart.ReportFinished) {
		// Its state is unknown. It must not ring later.
		a.abort(call, cart.Provider)
	}
	outcome, why := a.judge(call)
	if outcome == "" {
		outcome = cart.Lost
	}
	a.close(call, outcome, why)
}
