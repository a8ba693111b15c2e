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
	// Actions are what the agent does while it talks.
	Actions []Action
}

// Action is something that the agent does for the customer.
type Action struct {
	Name, Reason string
	Payload      any
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
