// Package simvoice is a simulated voice API that speaks Mirai's protocol over real HTTP. It checks keys and holds
// every request to the published schema. A script decides what each call does; the call runs in compressed time and
// reports itself with signed events. The demo and the tests use it in place of the real API.
//
// # A call's life
//
//	queued ─▶ initiate ─▶ in-progress ─▶ ended ─▶ completed ─▶ end-of-call ─▶ lifecycle-ended
//	               │            └─▶ timeout ───────┘               └─▶ rescheduled ─▶ initiate …
//	               ├─▶ no-answer │ busy │ failed ─▶ (redials, unless aborted) ─▶ lifecycle-ended
//	               └─▶ validation-failed │ skip ─▶ lifecycle-ended
//
// A late analysis may follow the last event and correct the first one.
//
// Before its first call the account can be onboarded: Server.Assistants tells what was made.
//
// An abort is accepted while the call is queued, dialling, or between two dials, and refused with 400 otherwise.
package simvoice
