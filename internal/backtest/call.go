package backtest

import (
	"strings"
	"time"

	"ringback/internal/cart"
)

// recorded is a call of the past, after which a replayed call goes.
type recorded struct{ *cart.Call }

// refused reports whether the provider refused the call for good.
func (c recorded) refused() bool { return c.State == cart.Rejected }

func (c recorded) begun() time.Time {
	if c.SentAt != nil {
		return *c.SentAt
	}
	return c.CreatedAt
}

// ended is when the phone was last put down.
func (c recorded) ended() time.Time {
	for _, at := range []*time.Time{c.EndedAt, c.ClosedAt} {
		if at != nil && at.After(c.begun()) {
			return *at
		}
	}
	return c.begun()
}

// took is the time from the request to the moment at which nothing more was expected of the call.
func (c recorded) took() time.Duration {
	last := c.ended()
	if c.ClosedAt != nil && c.ClosedAt.After(last) {
		last = *c.ClosedAt
	}
	return last.Sub(c.begun())
}

// lastReport is the provider's report that gives a call its outcome. A lost call has none.
func lastReport(o cart.Outcome) cart.ReportKind {
	switch o {
	case cart.Completed:
		return cart.ReportHungUp
	case cart.Voicemail:
		return cart.ReportVoicemail
	case cart.Timeout:
		return cart.ReportTimeout
	case cart.NoAnswer:
		return cart.ReportNoAnswer
	case cart.Busy:
		return cart.ReportBusy
	case cart.Failed:
		return cart.ReportFailed
	case cart.Aborted:
		return cart.ReportAborted
	case cart.Skipped:
		return cart.ReportSkipped
	case cart.Invalid:
		return cart.ReportInvalid
	case cart.Lost:
		return cart.ReportOther
	}
	return ""
}

// reports are what the provider tells of a call that was sent at the given moment and goes as this one did.
func (c recorded) reports(sent time.Time) []cart.Report {
	ended := sent.Add(c.ended().Sub(c.begun()))
	var all []cart.Report
	if c.Rescheduled {
		all = append(all, cart.Report{Kind: cart.ReportRescheduled, At: sent})
	}
	for n := range c.Dials {
		// Every dial has a moment of its own.
		all = append(all, cart.Report{Kind: cart.ReportRinging, At: sent.Add(time.Duration(n) * time.Millisecond)})
	}
	if c.Answered() && c.Outcome != cart.Aborted {
		all = append(all, cart.Report{Kind: cart.ReportTalking, At: sent.Add(c.AnsweredAt.Sub(c.begun()))})
	}
	all = append(all, cart.Report{Kind: lastReport(c.Outcome), At: ended, Insights: c.said(ended)})
	switch c.Outcome {
	case cart.Completed, cart.Timeout:
		all = append(all, cart.Report{Kind: cart.ReportAnalysed, At: ended}, cart.Report{Kind: cart.ReportFinished, At: ended})
	case cart.Voicemail, cart.NoAnswer, cart.Busy, cart.Failed:
		all = append(all, cart.Report{Kind: cart.ReportFinished, At: ended})
	case cart.Aborted, cart.Skipped, cart.Lost, cart.Invalid:
	}
	return all
}

// said is what the customer said, for a call that ends at the given moment. When that is later than the time which the
// customer asked to be called at, the same distance from the end of the call is kept. A time before the end of the
// recorded call was misunderstood, and stays before the end.
func (c recorded) said(ended time.Time) cart.Insights {
	in := c.Insights
	if in.CallbackAt == nil {
		return in
	}
	at := *in.CallbackAt
	if after := at.Sub(c.ended()); after <= 0 || !at.After(ended) {
		at = ended.Add(after)
	}
	in.CallbackAt = &at
	return in
}

// gave is the offer that goes out in place of a decided single-use code: what came of that code is on record. Nil when
// nothing takes its place.
func (c recorded) gave(decided *cart.Offer) *cart.Offer {
	if c.Call == nil || c.Offer == nil || decided == nil || !decided.Unique {
		return nil
	}
	minted := c.Offer.Unique && strings.HasPrefix(c.Offer.Code, decided.Code)
	if minted || c.Offer.Code == decided.Fallback {
		return c.Offer
	}
	return nil
}
