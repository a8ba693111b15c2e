// Package mirai places calls with Mirai Minds Voice Agents: POST /v2/call/initiate, POST /v2/call/abort and PUT
// /v2/call/{id} of its OpenAPI document 1.1.0, and the signed callbacks of their lifecycle.
//
// The document's schemas forbid fields they do not name, so the payload holds those alone; what is absent is left out
// rather than sent as null. The document has no idempotency key and no request that reads a call's state: what became
// of a call is known from its callbacks only, which is why every request carries our call id in its metadata.
package mirai
