// Package shopify speaks with Shopify: it checks and decodes webhooks, installs the app, and asks the Admin API.
//
// What comes in by webhook is decoded by our own tolerant types. Real payloads differ from the documented ones in
// many small ways (a shipping address that is a list, ids that are strings, money that is a number), and a cart must
// not be lost to any of them: only a payload that is no JSON object, or that does not say which checkout it is
// about, is an error.
//
// Nothing here stores anything. Tokens and cursors come in as arguments and go out as results; no error text and no
// log line holds a secret or personal data.
package shopify
