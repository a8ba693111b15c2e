package cart

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// CallState says how far a call has come. A call only moves forward; doc.go has the diagram.
type CallState string

// The states of a call.
const (
	// Placing: the attempt is recorded; its request is about to be sent, or on its way.
	Placing CallState = "placing"
	// Uncertain: the request may have reached the provider. It is never sent again.
	Uncertain CallState = "uncertain"
	// Placed: the provider gave an id.
	Placed  CallState = "placed"
	Ringing CallState = "ringing"
	Talking CallState = "talking"
	// Ended: the phone connection is over; more reports may come (the analysis, a redial).
	Ended CallState = "ended"
	// Closed: no further report is expected; Call.Outcome says how it ended.
	Closed CallState = "closed"
	// Rejected: the provider surely did not take it.
	Rejected CallState = "rejected"
)

// Open reports whether a call in this state is under way: it may still ring, or reports of it are expected.
func (s CallState) Open() bool { return s != Closed && s != Rejected }

// rank numbers the states in the order in which a call goes through them.
func (s CallState) rank() int {
	switch s {
	case Placing:
		return 1
	case Uncertain:
		return 2
	case Placed:
		return 3
	case Ringing:
		return 4
	case Talking:
		return 5
	case Ended:
		return 6
	case Closed, Rejected:
		return 7
	}
	return 0
}

// Before reports whether a call in state s may still move forward to t.
func (s CallState) Before(t CallState) bool { return s.rank() < t.rank() }

// Outcome is how a call ended.
type Outcome string

// The outcomes of a call. The zero value means that it has not ended.
const (
	Completed Outcome = "completed"
	// Voicemail: a machine answered, such as a mailbox or an assistant that screens calls. It is an attempt, and no
	// conversation.
	Voicemail Outcome = "voicemail"
	// NoAnswer: nobody picked up, or hung up at once.
	NoAnswer Outcome = "no_answer"
	Busy     Outcome = "busy"
	Failed   Outcome = "failed"
	Timeout  Outcome = "timeout"
	Aborted  Outcome = "aborted"
	// Skipped: the provider will not dial this number, for example a do-not-disturb list.
	Skipped Outcome = "skipped"
	// Lost: no report came until the deadline.
	Lost Outcome = "lost"
	// Invalid: the provider refused the request's content.
	Invalid Outcome = "invalid"
)

// Unanswered reports whether the call ended without the customer, for a reason that another call may overcome.
func (o Outcome) Unanswered() bool {
	switch o {
	case NoAnswer, Busy, Failed, Voicemail:
		return true
	case Completed, Timeout, Aborted, Skipped, Lost, Invalid:
		return false
	}
	return false
}

// Call is one attempt, as the provider sees it.
type Call struct {
	// ID is a UUIDv7 of ours. The provider may echo it as metadata.call_id.
	ID     uuid.UUID
	CartID uuid.UUID
	Shop   string
	// Attempt is the number of the attempt, from 1; unique per cart.
	Attempt int
	State   CallState
	Outcome Outcome

	Provider string
	// Account is the account at the provider that the call was placed with, as its callbacks name it (Mirai: the public
	// key); "" when it is not known or the provider's callbacks name none. VoiceKey names the private key that the
	// request was made with.
	Account  string
	VoiceKey string
	// Assistant is the key of the line pool that the call takes a line from.
	Assistant string
	// HoldsLine reports whether the call occupies one of the assistant's lines: from the moment that it gets the line
	// until its connection is over and the provider will not dial again by itself. The call may stay open longer, until
	// its analysis comes.
	HoldsLine bool
	// ProviderCallID is the provider's id, once known.
	ProviderCallID string

	// Phone is the number dialled, E.164.
	Phone    string
	Offer    *Offer
	Priority bool
	// Consent is what permitted the call; nil for calls placed before it was kept.
	Consent *Consent

	// CreatedAt is when the attempt was recorded.
	CreatedAt time.Time
	// ReadyAt is since when the cart had waited for the call's line; nil when that is not known.
	ReadyAt *time.Time
	// SentAt is when the request began; a call with SentAt is never sent again.
	SentAt *time.Time
	// PlacedAt is when the provider took the call.
	PlacedAt *time.Time
	// PickedUpAt is when somebody or something picked up. AnsweredAt is the same instant if it was the customer, as far
	// as is known; nil if it was a machine, or somebody who hung up at once.
	PickedUpAt *time.Time
	AnsweredAt *time.Time
	EndedAt    *time.Time
	ClosedAt   *time.Time
	// HeardAt is when the last report of this call came.
	HeardAt *time.Time
	// WatchAt is the deadline: if no report comes until then, the call is settled.
	WatchAt *time.Time
	// AbortAt is when an abort was asked for; AbortedAt is when the provider answered, either way.
	AbortAt     *time.Time
	AbortReason Reason
	AbortedAt   *time.Time

	// Dials is how often the provider dialled within this call, its own redials included.
	Dials int
	// DialStarts are the instants at which the provider began to dial, by its own word, oldest first. Each counts once,
	// even if several messages tell of it.
	DialStarts []time.Time
	// Redials is how often the provider says that it redialled. It counts only when DialStarts is empty.
	Redials int
	// Seen are the kinds of report that came so far. The outcome follows from this set, whatever their order.
	Seen []ReportKind
	// Digests are the SHA-256 prefixes of the provider's messages that were applied, so that none counts twice.
	Digests [][]byte
	// TokenHash is the SHA-256 of the callback token handed out with this call.
	TokenHash []byte

	// Rescheduled is true when the provider moved the call to a later time of its own choice.
	Rescheduled bool

	DurationSeconds *int
	Summary         string
	RecordingURL    string
	RequiredActions []string
	Insights        Insights
	// Analysis and Transcript are what else was told of the conversation; nil and "" for nothing. A list of calls leaves
	// the transcript out.
	Analysis   *Analysis
	Transcript string
	// AbandonReason is why the customer left the cart behind, as a label such as shipping_cost; "" when it was not told.
	AbandonReason string
	// OfferFate says what became of Offer. Calls of earlier releases have none.
	OfferFate   OfferFate
	CreditsUsed *decimal.Decimal
	// Error is the provider's message when it refused or failed.
	Error string
}

// Dialled reports whether the customer's phone rang or may have rung.
func (c *Call) Dialled() bool {
	if c.State == Rejected {
		return false
	}
	return c.SentAt != nil
}

// Answered reports whether the customer picked up and did not hang up at once.
func (c *Call) Answered() bool { return c.AnsweredAt != nil }

// Insights are what a call's analysis found, mapped from the provider's names by the store's configuration.
type Insights struct {
	OptedOut   bool       `json:"opted_out,omitempty"`
	Declined   bool       `json:"declined,omitempty"`
	Interested bool       `json:"interested,omitempty"`
	Callback   bool       `json:"callback,omitempty"`
	CallbackAt *time.Time `json:"callback_at,omitempty"`
	// OptedOutUnclear and DeclinedUnclear are true when the analysis gave an answer that is neither yes nor no.
	OptedOutUnclear bool `json:"opted_out_unclear,omitempty"`
	DeclinedUnclear bool `json:"declined_unclear,omitempty"`
	// Voicemail is true when the analysis says that a mailbox answered, Person when it says that none did. Both are
	// false when it says neither.
	Voicemail bool `json:"voicemail,omitempty"`
	Person    bool `json:"person,omitempty"`
	// Screened is true when an assistant of the phone took the call and did not put it through.
	Screened bool `json:"screened,omitempty"`
	// OptOutSuspected is true when the transcript holds words of an opt-out and the analysis does not say whether it is
	// one.
	OptOutSuspected bool `json:"opt_out_suspected,omitempty"`
	// Undisclosed is true when the analysis says that what the law wants said was not said.
	Undisclosed bool `json:"undisclosed,omitempty"`
	// OfferMentioned is true when it was told that the agent mentioned the offer, OfferUnmentioned that it did not, and
	// OfferAccepted that the customer took it.
	OfferMentioned   bool `json:"offer_mentioned,omitempty"`
	OfferUnmentioned bool `json:"offer_unmentioned,omitempty"`
	OfferAccepted    bool `json:"offer_accepted,omitempty"`
}

// Spoken reports whether the customer said something that only a person says.
func (in Insights) Spoken() bool { return in.OptedOut || in.Declined || in.Interested || in.Callback }

// Refused reports whether the customer said no, or may have.
func (in Insights) Refused() bool {
	return in.OptedOut || in.Declined || in.OptOutSuspected || in.Unclear()
}

// Unclear reports whether it is unknown if the customer said no.
func (in Insights) Unclear() bool { return in.OptedOutUnclear || in.DeclinedUnclear }

// Offer is the discount that goes out with a call.
type Offer struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
	// Value is a percentage or an amount in the cart's currency, by Type.
	Value decimal.Decimal `json:"value"`
	// Type is "percentage" or "fixed".
	Type string `json:"type"`
	// ApplyAs is "additional" or "override".
	ApplyAs string `json:"apply_as"`
	// Unique asks for a single-use code, made just before the call. Until then Code is its prefix.
	Unique bool `json:"unique,omitempty"`
	// Fallback is the code to give when no unique one can be made; "" means no offer then.
	Fallback string `json:"fallback,omitempty"`
	// EndsAfter is how long a unique code is valid, in nanoseconds; 0 for a year.
	EndsAfter time.Duration `json:"ends_after,omitempty"`
}
