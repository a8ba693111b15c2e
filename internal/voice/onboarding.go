package voice

import (
	"context"
	"encoding/json"

	"ringback/internal/config"
)

// Brief is what a provider is told of a store when it is onboarded.
type Brief struct {
	// Voice is the store's voice section. What `ringback onboard` is to make may be missing from it.
	Voice config.Voice
	// Currency is ISO 4217, Timezone an IANA zone: the store's.
	Currency, Timezone string
	// Slots are when the assistant may call, on the store's clock, on every day of the week. It is empty where
	// calling windows follow the customer's clock, which permits the whole day: a call that was held back until the
	// store's morning could ring in the customer's night.
	Slots []Span
	// FAQ is what the agent can answer.
	FAQ []Question
	// CallbackURL makes the address for the events of all calls of the assistant. It may open the database. Providers
	// with a callback URL for each call need none.
	CallbackURL func(context.Context) (string, error)
}

// Span is a part of the day, as "HH:MM". To may be "24:00"; a span whose To is not later than its From runs past
// midnight.
type Span struct{ From, To string }

// Question is a question with its answer.
type Question struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Onboarder makes at a provider what a store needs before its first call. It may be run again at any time: what
// exists is found and updated.
type Onboarder interface {
	// Steps are the requests of a first run. Nothing is sent.
	Steps(context.Context) ([]Step, error)
	// Run onboards the store. After an error, the result tells what was done before it.
	Run(context.Context) (Onboarded, error)
}

// Step is one request of an onboarding, as it is or would be sent. It holds no secrets: they travel in headers.
type Step struct {
	// What says what the request is for, in a few words.
	What   string
	Method string
	URL    string
	// Body is the JSON that is sent; nil for a request without one.
	Body json.RawMessage
}

// Onboarded is the result of an onboarding.
type Onboarded struct {
	// Done says what was done, such as "made the workspace ws_1", a line each.
	Done []string
	// Keys are the keys under voice that must be put into the configuration; empty when it has them.
	Keys []Assignment
}

// Assignment is a key under voice with its value.
type Assignment struct{ Key, Value string }
