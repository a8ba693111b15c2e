// Package voicetest is the conformance suite of the voice providers: Run holds a provider to the contract of package
// voice, to its vendor's published API, and to every row of docs/voice-faults.md.
package voicetest
