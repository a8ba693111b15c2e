package simvoice

import (
	"errors"
	"net/http"
	"time"

	"ringback/internal/secret"
)

// Options describe the simulated provider.
type Options struct {
	// PublicKey, PrivateKey, Workspace and Assistant are the one account that exists.
	PublicKey  string
	PrivateKey secret.Secret
	Workspace  string
	Assistant  string
	// Custom makes the assistant one of the custom variant: its payload may be anything.
	Custom bool
	// Lines is how many calls the assistant may have at once; 0 means any number. Stats tell when there were more.
	Lines int

	// Script decides what each call does; nil means that everybody picks up and talks.
	Script Script
	// Speed is how many simulated seconds pass in a real one; 0 means 1.
	Speed float64
	// Timing is how long the parts of a call take; zero parts take ordinary times.
	Timing Timing
	// Redials is how often the provider redials by itself after an unanswered dial.
	Redials int
	// Reschedules bounds how often a call is postponed; 0 means once.
	Reschedules int

	// Seed seeds the random choices.
	Seed uint64
	// Duplicates is the share of events that are sent twice; Disorder is the share sent after their successor.
	Duplicates, Disorder float64

	// Client sends the callbacks; nil means one of our own.
	Client *http.Client
	// Now is the clock of the events' times; nil means time.Now.
	Now func() time.Time
	// Watch is called with every event once, when it is sent; it must not block. It may be nil.
	Watch func(Event)
}

// Timing is how long the parts of a call take, in simulated time.
type Timing struct {
	// Queue is the time from the placement to the dial.
	Queue time.Duration
	// Ring is the time from the dial to its result.
	Ring time.Duration
	// Talk is the length of a conversation.
	Talk time.Duration
	// Process is the time from the end of the connection to the recording, and Analyse the time from there to the
	// analysis.
	Process, Analyse time.Duration
	// Redial is the time between two dials of the provider's own; Reschedule is how long it postpones a call.
	Redial, Reschedule time.Duration
}

// ordinary are the times of an ordinary call. The five minutes are Mirai's documented default of reAttemptPeriod.
var ordinary = Timing{
	Queue: time.Second, Ring: 12 * time.Second, Talk: 70 * time.Second, Process: 5 * time.Second,
	Analyse: 10 * time.Second, Redial: 5 * time.Minute, Reschedule: time.Hour,
}

// Event is one event as it is sent.
type Event struct {
	Order Order
	// ProviderCallID is the provider's id of the call; Type is such as "call.no-answer".
	ProviderCallID, Type string
	At                   time.Time
}

func (o *Options) complete() error {
	if o.PublicKey == "" || !o.PrivateKey.Set() || o.Workspace == "" || o.Assistant == "" {
		return errors.New("the simulated provider needs a public key, a private key, a workspace and an assistant")
	}
	if o.Script == nil {
		o.Script = func(Order) Behaviour { return Behaviour{} }
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Reschedules == 0 {
		o.Reschedules = 1
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, part := range []struct{ set, usual *time.Duration }{
		{&o.Timing.Queue, &ordinary.Queue}, {&o.Timing.Ring, &ordinary.Ring}, {&o.Timing.Talk, &ordinary.Talk},
		{&o.Timing.Process, &ordinary.Process}, {&o.Timing.Analyse, &ordinary.Analyse},
		{&o.Timing.Redial, &ordinary.Redial}, {&o.Timing.Reschedule, &ordinary.Reschedule},
	} {
		if *part.set == 0 {
			*part.set = *part.usual
		}
	}
	return nil
}
