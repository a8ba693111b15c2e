// Package api answers the JSON API. There is one file a noun. Absent values are null, instants are RFC 3339 in UTC,
// money is a decimal string.
package api

import (
	"net/http"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/web/cached"
	"ringback/internal/web/guard"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// Options is what the API is made of.
type Options struct {
	Engine *engine.Engine
	DB     *postgres.DB
	// Standings are of the configured shops.
	Standings *cached.Value[[]engine.ShopStanding]
	// Token opens the API; without one it is closed.
	Token secret.Secret
}

// API answers the requests of programs. It is safe for concurrent use.
type API struct {
	engine *engine.Engine
	db     *postgres.DB
	token  secret.Secret

	standings *cached.Value[[]engine.ShopStanding]
}

// New makes the API.
func New(o Options) *API {
	return &API{engine: o.Engine, db: o.DB, token: o.Token, standings: o.Standings}
}

// source is where a pause, a suppression or a lifting came from when the API was asked for it.
const source = "api"

// maxBody is the largest body that is read.
const maxBody = "64K"

// Route adds the addresses of the API.
func (a *API) Route(e *echo.Echo) {
	guards := []echo.MiddlewareFunc{guard.NoStore, middleware.Gzip(), middleware.BodyLimit(maxBody), guard.Bearer(a.token)}
	add := func(methods []string, path string, h echo.HandlerFunc) {
		e.Match(methods, route.API+path, h, guards...)
	}
	get := request.Reading()
	post := []string{http.MethodPost}
	add(get, "/carts", a.carts)
	add(get, "/carts/:id", a.cart)
	add(post, "/carts/:id/cancel", a.cancelCart)
	add(post, "/carts/:id/call", a.callCart)
	add(get, "/calls", a.calls)
	add(get, "/suppressions", a.suppressions)
	add(post, "/suppressions", a.suppress)
	add([]string{http.MethodDelete}, "/suppressions", a.unsuppress)
	add([]string{http.MethodDelete}, "/suppressions/:id", a.unsuppress)
	add(get, "/shops", a.shops)
	add(get, "/shops/:shop", a.shop)
	add(post, "/shops/:shop/pause", a.pauseShop)
	add(post, "/shops/:shop/resume", a.resumeShop)
	add(get, "/endpoints", a.endpoints)
	add(post, "/endpoints/:id/on", a.switchOn)
	add(post, "/endpoints/:id/test", a.testEndpoint)
	add(post, "/endpoints/:id/replay", a.replay)
	add(get, "/deliveries", a.deliveries)
	add(get, "/events/schema.json", a.eventSchema)
	add(get, "/stats", a.stats)
	add(get, "/privacy", a.privacy)
	add([]string{http.MethodGet}, "/privacy/:id", a.export)
	add([]string{http.MethodHead}, "/privacy/:id", a.exportable)
	add(post, "/privacy/:id/done", a.privacyDone)
}

// orNull gives nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
