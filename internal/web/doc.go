// Package web puts the rooms that answer HTTP requests into one server. Each room is a package:
//
//   - intake receives webhooks and callbacks; their signatures are the only guard.
//   - api is the JSON API, behind a bearer token.
//   - dashboard has the operator's pages, behind a login, with forms of the same origin and a strict content policy.
//   - merchant has the install of the app and, behind Shopify's session tokens, the merchant's page in Shopify Admin.
//
// Rooms do not know each other. What they share is in packages that know no room: guard and session decide who gets
// in, param, person and shop read what a request names, page and view make what pages have in common, problem writes
// what went wrong, static serves files. Health checks, metrics, the access log and River UI's place are here.
//
// A handler returns whatever goes wrong as an error. It becomes an answer in one place, errors.go.
package web
