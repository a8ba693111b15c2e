// Package policy decides whether, when and with which offer a cart's customer is called.
//
// It is pure: Decide looks at a store's Rules, at the Facts it is given and at the instant it is asked about, and at
// nothing else. It does no I/O and reads no clock and no randomness; what it remembers (time zones, holidays of a
// year, the zones of an area code) follows from tables that are part of the program.
//
// # How a decision falls
//
// The rules are looked at in the order that decider.look gives, and each leaves a step that says what it saw and what
// it made of that. There are four kinds:
//
//   - Rules that end it for good: bought, stopped, suppressed, expired, attempts used up, held out. The answer is stop.
//   - Rules that an update of the checkout may satisfy: a phone, consent, eligibility. The answer is watch.
//   - Rules that time will satisfy: delay, spacing, a callback, caps, windows, calling hours. Each gives the first moment that would do
//     for it, and the wait ends at the first moment that does for all of them.
//   - Rules whose end nobody knows: a pause, another call to the same phone. The answer is to look again before long.
//
// # Hours
//
// A call must be inside the store's windows and inside the hours of every jurisdiction that the customer may be in
// (calling_hours.yaml), by the clock of every zone that they may live by (zones.yaml, area_codes.yaml,
// libphonenumber). Hours mean the wall clock: what a clock on the customer's wall shows must be allowed, on the days
// on which clocks change too. hours.next finds the next such moment by arithmetic on the stretches of time in which a
// zone keeps its offset.
package policy
