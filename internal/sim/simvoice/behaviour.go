package simvoice

import (
	"encoding/json"
	"time"
)

// Placement is the answer to the request that places a call.
type Placement string

// The ways in which a placement can go.
const (
	// Accept takes the call and says so.
	Accept Placement = ""
	// Answer answers with Behaviour.Status and takes no call.
	Answer Placement = "answer"
	// Hang takes no call and says nothing until the client gives up.
	Hang Placement = "hang"
	// Drop takes no call and drops the connection.
	Drop Placement = "drop"
	// Lose takes the call and drops the connection before saying so.
	Lose Placement = "lose"
	// HangAndTake takes the call and says nothing until the client gives up.
	HangAndTake Placement = "hang_and_take"
	// Garble takes the call and answers with something that cannot be read.
	Garble Placement = "garble"
)

// Ending is how one dial ends.
type Ending string

// The endings of a dial.
const (
	Talks       Ending = "talks"
	NoAnswer    Ending = "no-answer"
	Busy        Ending = "busy"
	Failed      Ending = "failed"
	TimesOut    Ending = "timeout"
	Invalid     Ending = "validation-failed"
	Skipped     Ending = "skip"
	Rescheduled Ending = "rescheduled"
	// Silent: nothing more is reported.
	Silent Ending = "silent"
)

// Behaviour is what a call does.
type Behaviour struct {
	Placement Placement
	// Status and RetryAfter are the answer's when Placement is Answer; RetryAfter is in seconds, 0 for none.
	Status     int
	RetryAfter int

	// Dials are how the provider's dials end, in order; the last one is repeated. Empty means that the customer picks
	// up and talks.
	Dials []Ending
	// Talk is how long the customer talks, in simulated time; 0 means the ordinary length.
	Talk time.Duration

	// Summary, Insights and RequiredActions are what the analysis of a conversation finds.
	Summary         string
	Insights        map[string]any
	RequiredActions []string
	// Sentiment and Transcript are "" when the API tells none.
	Sentiment, Transcript string
	// Actions are what the agent does while it talks.
	Actions []Action
	// Late is a second analysis, sent some time after the last event; nil for none.
	Late *Late
}

// Late is an analysis that corrects an earlier one.
type Late struct {
	// After is the simulated time from the last event.
	After    time.Duration
	Summary  string
	Insights map[string]any
}

// Action is something that the agent does for the customer.
type Action struct {
	Name, Reason string
	// Discount is the code that the agent gives along with an order; "" for none.
	Discount string
	Payload  any
}

// Mailbox is a call that a mailbox answers. The analysis says so.
func Mailbox() Behaviour {
	return Behaviour{
		Talk: 20 * time.Second, Summary: "A mailbox answered; nobody was spoken to.",
		Insights: map[string]any{"voicemail": true},
	}
}

// QuietMailbox is a call that a mailbox answers and that is soon over. The analysis does not tell a mailbox from a
// person.
func QuietMailbox() Behaviour {
	return Behaviour{Talk: 9 * time.Second, Summary: "The call ended early.", Insights: map[string]any{}}
}

// Screened is a call that an assistant of the phone takes and does not put through.
func Screened() Behaviour {
	return Behaviour{
		Talk: 15 * time.Second, Summary: "The phone's assistant asked who is calling and did not put the call through.",
		Insights: map[string]any{"screened": true},
	}
}

// HangsUp is a call whose customer picks up and hangs up at once.
func HangsUp() Behaviour {
	return Behaviour{
		Talk: time.Second, Summary: "The customer hung up at once.", Insights: map[string]any{"voicemail": false},
	}
}

// MailboxToldLate is a call that first looks like a conversation. A late analysis says that a mailbox answered.
func MailboxToldLate(after time.Duration) Behaviour {
	late := Mailbox()
	return Behaviour{
		Talk: late.Talk, Insights: map[string]any{},
		Late: &Late{After: after, Summary: late.Summary, Insights: late.Insights},
	}
}

// PersonToldLate is a call that first looks like a mailbox's. A late analysis says that the customer was spoken to.
func PersonToldLate(after time.Duration) Behaviour {
	b := QuietMailbox()
	b.Late = &Late{
		After: after, Summary: "The customer was in a hurry and will order tonight.",
		Insights: map[string]any{"voicemail": false, "interested": true},
	}
	return b
}

// Script decides what each call does.
type Script func(Order) Behaviour

// Order is the request for one call.
type Order struct {
	Phone    string
	Priority bool
	// CallID, CartID, Shop and Attempt are from the metadata; absent ones are zero.
	CallID  string `json:"call_id"`
	CartID  string `json:"cart_id"`
	Shop    string `json:"shop"`
	Attempt int    `json:"attempt"`
	Test    bool   `json:"test"`
	// Nth counts the calls to this phone, from 1.
	Nth int
	// Payload is the payload for the agent.
	Payload json.RawMessage
}

// ending is how the nth dial (from 0) of a call ends.
func (b Behaviour) ending(n int) Ending {
	if len(b.Dials) == 0 {
		return Talks
	}
	return b.Dials[min(n, len(b.Dials)-1)]
}

// ByPhone is a script that looks up the phone number. For other numbers the customer picks up and talks.
func ByPhone(behaviours map[string]Behaviour) Script {
	return func(o Order) Behaviour { return behaviours[o.Phone] }
}
