// Package wire sends the requests of the voice providers, one connection and at most one request each, and says how
// far a failed one came.
//
// Whether a call may be placed again hangs on one question: can a byte of the request have reached the provider? The
// answer must not depend on what an error looks like, so every connection counts what is written to it once it is
// ready for the request, and is sealed when the exchange has failed: from then on nothing more can leave. Connections
// are never kept for a second request, because a request on a connection that the other side has closed meanwhile
// fails in a way that tells nothing, and because net/http sends some of those again by itself.
package wire
