// Package wire sends the requests of the voice providers, each on a connection of its own. When a request fails, it
// says whether a part of it may have reached the provider.
//
// That decides whether a call may be placed again. The answer must not depend on what an error looks like. So every
// connection counts what is written to it once it is ready for the request, and is sealed when the exchange has
// failed: nothing more can leave then. Connections are not reused. A request on a connection that the other side has
// closed meanwhile fails without telling whether it was read, and net/http sends some of those again by itself.
package wire
