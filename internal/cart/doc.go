// Package cart holds the nouns of Ringback: a checkout, the cart that we make of it, its calls, the events that happen
// to them, and the decisions about them. It does no I/O and reads no clock.
//
// # A cart
//
//	             checkout                       wake: policy says call          line free: policy says call
//	(nothing) ────────────▶ watching ◀────────▶ waiting ────────────▶ ready ────────────▶ calling
//	                           │    an update     │  ▲                 │  ▲                │  │
//	                           │                  │  └─────────────────┘  └────────────────┘  │
//	                           │                  │   pause, cap, window    surely not placed │
//	                           │                  │                                           │
//	                           │                  │◀──────────────────────────────────────────┘
//	                           │                  │   call closed, another attempt is allowed
//	                           ▼                  ▼
//	                        stopped ──────────────────────────────▶ purchased
//	                                       an order, from any state
//
// watching, waiting and ready may change into each other at every check. A cart in waiting has a WakeAt; a cart in
// ready has a ReadyAt; a cart in calling has exactly one open call. purchased is final. stopped never leads back to a
// call, with one exception: a cart that stopped because the customer was reached goes on if a late analysis says that a
// mailbox had answered.
//
// # A call
//
//	placing ──▶ placed ──▶ ringing ──▶ talking ──▶ ended ──▶ closed(outcome)
//	  │  │        ▲          ▲           ▲           ▲          ▲
//	  │  └─▶ uncertain ──────┴───────────┴───────────┘          │
//	  │          └──── no report until the deadline ────────────┘ lost
//	  └─▶ rejected ── a report of a dial ──▶ placed
//
// A call only moves forward, and may skip states: events come late, twice and in any order. A call with SentAt is never
// sent again. rejected means that the provider did not take the call, by its own word. A later report of a dial proves
// that it did: the call then counts as an attempt.
package cart
