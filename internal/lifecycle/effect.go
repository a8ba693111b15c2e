package lifecycle

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Effect is something that must happen together with a change of a cart, in the same transaction. The set is closed: the
// linter finds a switch that forgets one.
//
//sumtype:decl
type Effect interface{ effect() }

type (
	// Record appends an entry to the cart's ledger.
	Record struct{ Entry cart.Entry }

	// Wake asks for the cart's one pending look at At, in place of any other.
	Wake struct{ At time.Time }

	// Unwake drops the pending look, if there is one.
	Unwake struct{}

	// Fill asks for the assistant's free lines to be given out.
	Fill struct{ Assistant string }

	// Place asks for the call's request to be sent.
	Place struct{ CallID uuid.UUID }

	// Send permits the request of a call that is about to be sent. Without it nothing may be sent.
	Send struct{ CallID uuid.UUID }

	// Abort asks the provider to stop the call.
	Abort struct{ CallID uuid.UUID }

	// Update tells the provider of a cart that changed while its call is queued.
	Update struct{ CallID uuid.UUID }

	// Watch asks for a look at the call at At, in case nothing is heard until then.
	Watch struct {
		CallID uuid.UUID
		At     time.Time
	}

	// Suppress keeps the cart's customer from being called again: by the phone and the emails.
	Suppress struct{ Source string }

	// SupersedeOlder stops the other active carts of the same shop and person with earlier activity.
	SupersedeOlder struct{}

	// CallSettled tells that a call came to its outcome: the shop's breakers are looked at.
	CallSettled struct{ CallID uuid.UUID }

	// AccountRefused tells that the provider refused the shop's account as such.
	AccountRefused struct{ Why string }

	// Acted tells that the agent did or wants something done, for the operator's own system.
	Acted struct {
		CallID uuid.UUID
		// Digest identifies the provider's message.
		Digest []byte
	}
)

func (Record) effect()         {}
func (Wake) effect()           {}
func (Unwake) effect()         {}
func (Fill) effect()           {}
func (Place) effect()          {}
func (Send) effect()           {}
func (Abort) effect()          {}
func (Update) effect()         {}
func (Watch) effect()          {}
func (Suppress) effect()       {}
func (SupersedeOlder) effect() {}
func (CallSettled) effect()    {}
func (AccountRefused) effect() {}
func (Acted) effect()          {}
