// Package policy decides whether, when and with which offer a cart's customer is called.
//
// It is pure: Decide depends only on a store's Rules, the Facts and the instant that it is given. It does no I/O and
// reads neither a clock nor randomness. Its caches (time zones, holidays of a year, zones of an area code) follow from
// tables that are part of the program.
//
// # How a decision is made
//
// The rules are checked in the order of ruleTable. Each leaves steps in the trace that say what it saw and its verdict.
// There are four kinds:
//
//   - Rules that stop a cart for good: bought, stopped, suppressed, expired, attempts used up, held out. The answer is
//     stop.
//   - Rules that an update of the checkout may satisfy: a phone, consent, eligibility. The answer is watch.
//   - Rules that time will satisfy: delay, spacing, a callback, caps, windows, calling hours. Each names the first
//     instant that satisfies it. The wait ends at the first instant that satisfies all of them.
//   - Rules whose end is not known: a pause, another call to the same person. The cart is checked again soon.
//
// # Hours
//
// A call must be inside the store's windows and inside the hours of every jurisdiction that the customer may be in
// (calling_hours.yaml), by the clock of every zone that they may live by (zones.yaml, area_codes.yaml,
// libphonenumber). Hours are by the wall clock, also on days on which clocks change. hours.next finds the next allowed
// instant by arithmetic on the stretches of time in which a zone keeps its offset.
package policy
