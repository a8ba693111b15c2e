// Package web is the program's face: the endpoints for Shopify and the voice APIs, the JSON API, the dashboard and the
// health checks.
//
// There is one file a noun, with what the API and the pages do with it. Handlers read, ask jobs.Engine or postgres.DB and
// show; they decide nothing. Whatever goes wrong is returned as an error and becomes an answer in one place, problem.go.
//
// Routes come in groups that share their guards: webhooks (signatures only), the API (bearer token), the pages (login,
// same-origin forms, strict content policy) and River UI (as the pages, with a content policy that it can live with).
package web
