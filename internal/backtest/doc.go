// Package backtest replays carts of the past under a policy, which may differ from the one that was in force, and
// reports what would have become of them. Nobody is called and nothing is stored. The package is pure: it reads no
// clock, file or database, and the same carts, policies and moment give the same report. Package program does the I/O.
//
// # One lifecycle
//
// A replay gives each cart its events in the order of time, through lifecycle.Apply, as the engine does. So a cart
// moves here exactly as it moves in the program. What is left to this package is a lane: the clock, the queue of
// events, and the facts that the policy looks at, held in memory.
//
//	             recorded events                      effects
//	Cart.Events ────────────────▶ lifecycle.Apply ──────────────▶ lane
//	                                   ▲                            │ Wake: look again at that moment
//	                                   │                            │ Fill: a line is free
//	                                   │                            │ Place, Send: the provider takes the call
//	                                   │                            │ SupersedeOlder: the older carts are told
//	                                   └────────────────────────────┘
//
// The carts share one clock, so that caps bind: a call counts toward the caps of the next call to the same phone, and
// toward the shop's, where the rules count those.
//
// # What history does not tell
//
//   - The n-th call of a cart goes as its n-th recorded call did, for as long. When there is no such record, the
//     replay of the cart ends with the call.
//   - Purchases, deletions, opt-outs, suppressions and the operator's wishes happen when they were recorded.
//   - Shops are never paused, no breaker trips, a line is always free, and the provider takes every call that it did
//     not refuse for good.
//   - What a customer said in a call is known at the end of the call.
//   - A cart that is only watched is followed until it would expire. A newer cart that comes later does not change
//     its end.
package backtest
