package engine

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// Queues keep what is urgent from waiting behind what is many.
const (
	queueCalls = "calls"
	queueCarts = river.QueueDefault
	queueChore = "chores"
)

// Jobs carry ids only: whatever they need is read when they run.
type (
	// WakeCart is a cart's one pending look.
	WakeCart struct {
		CartID uuid.UUID `json:"cart_id"`
	}
	// FillLines gives an assistant's free lines to its most valuable ready carts.
	FillLines struct {
		Assistant string `json:"assistant"`
		// Late marks the job that only makes sure of what a process does by itself.
		Late bool `json:"late,omitempty"`
	}
	// PlaceCall sends one request to the provider.
	PlaceCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// AbortCall asks the provider to stop a call that must not go on.
	AbortCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// UpdateCall tells the provider of a cart that changed while its call is queued.
	UpdateCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// WatchCall settles a call that went silent.
	WatchCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// Supersede stops the older carts of the same shop and person.
	Supersede struct {
		CartID uuid.UUID `json:"cart_id"`
	}
	// StopPerson stops all carts of a person who asked not to be called, and the calls under way.
	StopPerson struct {
		// CartID is a cart of the person; zero when SuppressionID is given instead.
		CartID        uuid.UUID `json:"cart_id,omitzero"`
		SuppressionID uuid.UUID `json:"suppression_id,omitzero"`
		// Source is where the wish came from, as for cart.OptOut.
		Source string `json:"source"`
	}
	// HaltShop takes a paused or uninstalled shop's carts back from the brink.
	HaltShop struct {
		Shop string `json:"shop"`
	}
	// ResumeShop looks at the carts that waited for their shop.
	ResumeShop struct {
		Shop string `json:"shop"`
	}
	// ForwardAction tells the operator's own system what an agent did.
	ForwardAction struct {
		CallID uuid.UUID `json:"call_id"`
		// Digest names the provider's message among those kept of the call.
		Digest []byte `json:"digest"`
	}
	// Sweep looks, now and then, for whatever fell between two jobs.
	Sweep struct{}
)

// Kind implements river.JobArgs.
func (WakeCart) Kind() string      { return "wake_cart" }
func (FillLines) Kind() string     { return "fill_lines" }
func (PlaceCall) Kind() string     { return "place_call" }
func (AbortCall) Kind() string     { return "abort_call" }
func (UpdateCall) Kind() string    { return "update_call" }
func (WatchCall) Kind() string     { return "watch_call" }
func (Supersede) Kind() string     { return "supersede" }
func (StopPerson) Kind() string    { return "stop_person" }
func (HaltShop) Kind() string      { return "halt_shop" }
func (ResumeShop) Kind() string    { return "resume_shop" }
func (ForwardAction) Kind() string { return "forward_action" }
func (Sweep) Kind() string         { return "sweep" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (FillLines) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueCalls, MaxAttempts: 10}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (PlaceCall) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueCalls, MaxAttempts: 10}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (AbortCall) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueCalls, MaxAttempts: abortTries}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (UpdateCall) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueCalls, MaxAttempts: 3}
}

// InsertOpts implements river.JobArgsWithInsertOpts.
func (StopPerson) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueCalls} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (HaltShop) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueCalls} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (ForwardAction) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueChore} }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (Sweep) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChore, MaxAttempts: 1, UniqueOpts: onceAtATime}
}
