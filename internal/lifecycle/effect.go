package lifecycle

import (
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
)

// Effect is something that must happen together with a change of a cart, in the same transaction. The set is closed:
// the linter finds a switch that forgets one.
//
//sumtype:decl
type Effect interface{ effect() }

type (
	// Record appends an entry to the cart's ledger.
	Record struct{ Entry cart.Entry }

	// Wake asks for a Woken event at At. A cart has at most one wake: this one replaces any other.
	Wake struct{ At time.Time }

	// Unwake drops the cart's wake, if it has one.
	Unwake struct{}

	// Fill asks to give out the assistant's free lines.
	Fill struct{ Assistant string }

	// Place asks to send the call's request.
	Place struct{ CallID uuid.UUID }

	// Send permits the request of the call to be sent. Without it, it must not be sent.
	Send struct{ CallID uuid.UUID }

	// Abort asks the provider to stop the call.
	Abort struct{ CallID uuid.UUID }

	// Update asks to tell the provider of a cart that changed while its call is queued there.
	Update struct{ CallID uuid.UUID }

	// Watch asks for a CallSilent event at At, in case no report of the call comes until then.
	Watch struct {
		CallID uuid.UUID
		At     time.Time
	}

	// Suppress puts the cart's customer on the do-not-call list, under the phone and the email addresses.
	Suppress struct{ Source string }

	// SupersedeOlder asks to stop the other active carts of the same shop and person with earlier activity.
	SupersedeOlder struct{}

	// CallSettled says that a call has ended or was not placed. The shop's breakers are checked.
	CallSettled struct{ CallID uuid.UUID }

	// AccountRefused says that the provider refused the shop's account, not just this call.
	AccountRefused struct{ Why string }

	// Acted says that the agent did something for the customer, or asks for it. The operator's own system is told.
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
