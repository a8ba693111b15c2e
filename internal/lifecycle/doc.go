// Package lifecycle holds the heart of Ringback: Apply, which says how an event changes a cart and what follows from
// it.
// It does no I/O and reads no clock. An event that comes twice, late or out of order does no harm.
//
// # What the caller does
//
// Apply computes; the caller stores and acts. For each event it loads the cart with its row locked and calls Apply.
// When Result.Changed is false there is nothing to store and nothing to do. Otherwise it works through the Result in
// this order, steps 1 to 4 in the transaction that holds the lock:
//
//  1. Store Result.Cart.
//  2. Append the entries of the Record effects to the ledger.
//  3. Enqueue a job for each effect that asks for later work (Wake, Place, Abort, Update, Watch, Acted), cancel one for
//     Unwake, and store what the others ask for (Suppress, SupersedeOlder, CallSettled, AccountRefused).
//  4. Commit.
//  5. Only now act on the outside: send a call's request, but only when the result held Send for that call. Give out
//     lines for Fill.
//
// When a step before the commit fails, nothing was stored and nothing was sent: the same event can be applied again.
// When the program dies after the commit of Send, nobody knows whether the request went out. The stored call says that
// it may have, so it is never sent again, and its Watch settles it.
package lifecycle
