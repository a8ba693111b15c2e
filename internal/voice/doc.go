// Package voice says what Ringback asks of a voice API: place a call, abort it, and tell what became of it.
//
// # Stages
//
// A request to place a call can fail before, while or after the provider takes it, and only the stage decides what may
// follow. Place therefore returns one of three errors:
//
//	not placed   *NotPlacedError   nothing reached the provider, or it declined for now: the attempt may be repeated
//	refused      *RefusedError     the provider answered that it will not take this call: never again as it stands
//	uncertain    *UncertainError   the provider may have taken it: never sent again, its callbacks settle it
//
// docs/voice-faults.md lists which fault leads to which error; the conformance suite in voicetest holds every
// provider to it.
//
// The providers live in the packages below this one; package providers makes one from a store's configuration.
package voice
