package engine

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Queues keep what is urgent from waiting behind what is many.
const (
	QueueCalls  = "calls"
	QueueCarts  = river.QueueDefault
	QueueChores = "chores"
	// QueueEvents holds what waits for others' endpoints.
	QueueEvents = "events"
)

// AbortTries is how often the provider is asked to stop a call before it is left to its own end.
const AbortTries = 8

// Arguments carry ids only: a job reads what it needs when it runs.
type (
	// WakeCart is a cart's one pending check.
	WakeCart struct {
		CartID uuid.UUID `json:"cart_id"`
	}
	// FillLines is the job with which the program before gives out an assistant's lines. This one inserts none.
	FillLines struct {
		Assistant string `json:"assistant"`
	}
	// PlaceCall sends one request to the provider.
	PlaceCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// PlaceTestCall sends the request of a test call.
	PlaceTestCall struct {
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
	// WatchCall settles a call of which nothing is reported any more.
	WatchCall struct {
		CallID uuid.UUID `json:"call_id"`
	}
	// CountCarts counts what was there before sums were kept.
	CountCarts struct{}
	// Supersede stops the older carts of the same shop and person.
	Supersede struct {
		CartID uuid.UUID `json:"cart_id"`
	}
	// StopPerson stops all carts of a person who asked not to be called, and their open calls.
	StopPerson struct {
		// CartID is a cart of the person; zero when SuppressionID is given instead.
		CartID        uuid.UUID `json:"cart_id,omitzero"`
		SuppressionID uuid.UUID `json:"suppression_id,omitzero"`
		// Source is where the wish came from, as for cart.OptOut.
		Source string `json:"source"`
	}
	// HaltShop takes the carts of a paused or uninstalled shop back before they are called.
	HaltShop struct {
		Shop string `json:"shop"`
	}
	// ResumeShop checks the carts that waited for their shop.
	ResumeShop struct {
		Shop string `json:"shop"`
	}
	// ForwardAction tells the operator's own system what an agent did.
	ForwardAction struct {
		CallID uuid.UUID `json:"call_id"`
		// Digest names the provider's message among those kept of the call.
		Digest []byte `json:"digest"`
	}
	// MailAlert tells people by mail that an alert came up or is over.
	MailAlert struct {
		AlertID int64 `json:"alert_id"`
		// Resolved is true for the mail that says that it is over.
		Resolved bool `json:"resolved"`
	}
	// DeliverEvents sends what is due to an endpoint.
	DeliverEvents struct {
		Endpoint string `json:"endpoint"`
		// Lane and Period tell the jobs of an endpoint apart.
		Lane   int   `json:"lane"`
		Period int64 `json:"period"`
	}
	// TestEndpoint sends a test event, the only one of its stream.
	TestEndpoint struct {
		Endpoint string    `json:"endpoint"`
		Stream   uuid.UUID `json:"stream"`
	}
	// Redact acts on a privacy request.
	Redact struct {
		RequestID uuid.UUID `json:"request_id"`
	}
	// Purge drops what is older than its retention and makes partitions for the days to come.
	Purge struct{}
	// Sweep finds, at intervals, what no job takes care of any more.
	Sweep struct{}
	// FillPersonKeys lets carts and orders of earlier versions be found by all keys of their person.
	FillPersonKeys struct{}
	// EndDiscounts deactivates single-use codes that ended unused.
	EndDiscounts struct{}
	// ReconcileShop finds the checkouts and orders of a shop whose webhooks never came.
	ReconcileShop struct {
		Shop string `json:"shop"`
	}
	// ReconcileAll does so for every connected shop.
	ReconcileAll struct{}
	// EnsureSubscriptions makes a shop's webhook subscriptions what they should be.
	EnsureSubscriptions struct {
		Shop string `json:"shop"`
	}
	// EnsureAllSubscriptions does so for every connected shop.
	EnsureAllSubscriptions struct{}
	// RegainAccess asks Shopify whether it takes the admin_token of shops that lost access or removed their custom app.
	RegainAccess struct {
		// Shop is empty for all of them.
		Shop string `json:"shop,omitempty"`
	}
)

// Kind implements river.JobArgs.
func (WakeCart) Kind() string               { return "wake_cart" }
func (FillLines) Kind() string              { return "fill_lines" }
func (PlaceCall) Kind() string              { return "place_call" }
func (PlaceTestCall) Kind() string          { return "place_test_call" }
func (AbortCall) Kind() string              { return "abort_call" }
func (UpdateCall) Kind() string             { return "update_call" }
func (WatchCall) Kind() string              { return "watch_call" }
func (Supersede) Kind() string              { return "supersede" }
func (CountCarts) Kind() string             { return "count_carts" }
func (StopPerson) Kind() string             { return "stop_person" }
func (HaltShop) Kind() string               { return "halt_shop" }
func (ResumeShop) Kind() string             { return "resume_shop" }
func (ForwardAction) Kind() string          { return "forward_action" }
func (MailAlert) Kind() string              { return "mail_alert" }
func (DeliverEvents) Kind() string          { return "deliver_events" }
func (TestEndpoint) Kind() string           { return "test_endpoint" }
func (Redact) Kind() string                 { return "redact" }
func (Purge) Kind() string                  { return "purge" }
func (Sweep) Kind() string                  { return "sweep" }
func (FillPersonKeys) Kind() string         { return "fill_person_keys" }
func (EndDiscounts) Kind() string           { return "end_discounts" }
func (ReconcileShop) Kind() string          { return "reconcile_shop" }
func (ReconcileAll) Kind() string           { return "reconcile_all" }
func (EnsureSubscriptions) Kind() string    { return "ensure_subscriptions" }
func (EnsureAllSubscriptions) Kind() string { return "ensure_all_subscriptions" }
func (RegainAccess) Kind() string           { return "regain_access" }

// onceAtATime keeps a second job with the same arguments out while the first has not finished. A finished one is in
// nobody's way.
var onceAtATime = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
	rivertype.JobStateScheduled,
}}

// call is how a job about calls is inserted, chore how one is that nobody waits for, and errand a chore that is
// pointless twice.
func call(tries int) river.InsertOpts { return river.InsertOpts{Queue: QueueCalls, MaxAttempts: tries} }
func chore() river.InsertOpts         { return river.InsertOpts{Queue: QueueChores} }
func errand(tries int) river.InsertOpts {
	return river.InsertOpts{Queue: QueueChores, MaxAttempts: tries, UniqueOpts: onceAtATime}
}

// InsertOpts implements river.JobArgsWithInsertOpts. WakeCart, WatchCall and Supersede go to the default queue.
func (PlaceCall) InsertOpts() river.InsertOpts     { return call(10) }
func (PlaceTestCall) InsertOpts() river.InsertOpts { return call(3) }
func (AbortCall) InsertOpts() river.InsertOpts     { return call(AbortTries) }
func (UpdateCall) InsertOpts() river.InsertOpts    { return call(3) }
func (StopPerson) InsertOpts() river.InsertOpts    { return call(0) }
func (HaltShop) InsertOpts() river.InsertOpts      { return call(0) }
func (ForwardAction) InsertOpts() river.InsertOpts { return chore() }
func (MailAlert) InsertOpts() river.InsertOpts     { return errand(8) }
func (DeliverEvents) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueEvents, MaxAttempts: 1, UniqueOpts: onceAtATime}
}
func (TestEndpoint) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueEvents, MaxAttempts: 3}
}
func (Redact) InsertOpts() river.InsertOpts                 { return chore() }
func (Sweep) InsertOpts() river.InsertOpts                  { return errand(1) }
func (Purge) InsertOpts() river.InsertOpts                  { return errand(3) }
func (FillPersonKeys) InsertOpts() river.InsertOpts         { return errand(3) }
func (CountCarts) InsertOpts() river.InsertOpts             { return errand(3) }
func (EndDiscounts) InsertOpts() river.InsertOpts           { return errand(1) }
func (ReconcileShop) InsertOpts() river.InsertOpts          { return errand(3) }
func (ReconcileAll) InsertOpts() river.InsertOpts           { return errand(3) }
func (EnsureSubscriptions) InsertOpts() river.InsertOpts    { return errand(3) }
func (EnsureAllSubscriptions) InsertOpts() river.InsertOpts { return errand(3) }
func (RegainAccess) InsertOpts() river.InsertOpts           { return errand(1) }
