// Package merchant answers a shop's merchant: the install of the app, and its page inside Shopify Admin.
package merchant

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/shopify"
	"ringback/internal/web/guard"
	"ringback/internal/web/page"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// Options is what the merchant's room is made of.
type Options struct {
	Engine *engine.Engine
	DB     *postgres.DB
	Pages  *page.Maker
	// PublicURL is the address that merchants use.
	PublicURL string
	Logger    *slog.Logger
}

// Merchant answers the requests of merchants. It is safe for concurrent use.
type Merchant struct {
	engine    *engine.Engine
	db        *postgres.DB
	pages     *page.Maker
	publicURL string
	log       *slog.Logger
}

// New makes the room.
func New(o Options) *Merchant {
	return &Merchant{engine: o.Engine, db: o.DB, pages: o.Pages, publicURL: o.PublicURL, log: o.Logger}
}

// Route adds the addresses of the room. Those of an install are open to everybody: the configuration decides which
// shops may install, and Shopify says which shop it is. The app's page itself holds nothing. Its script asks for the
// content with a session token, which says which shop it is for; there are no cookies.
func (m *Merchant) Route(e *echo.Echo) {
	install := []echo.MiddlewareFunc{guard.PageHeaders(guard.PagePolicy), middleware.Gzip()}
	// Both have effects, which a HEAD must not have: one sets a cookie, the other uses a code up.
	e.GET(route.Install, m.beginInstall, install...)
	e.GET(route.InstallCallback, m.endInstall, install...)

	e.Match(request.Reading(), route.App, m.appPage, middleware.Gzip())
	session := []echo.MiddlewareFunc{
		guard.NoStore, middleware.Gzip(), middleware.BodyLimit(guard.MaxFormBody), m.requireSession,
	}
	e.Match(request.Reading(), route.App+"/shop", m.shop, session...)
	e.POST(route.App+"/pause", m.pause, session...)
	e.POST(route.App+"/resume", m.resume, session...)
	e.POST(route.App+"/suppress", m.suppress, session...)
}

// storeKey is set in the context of requests whose session token was checked.
const storeKey = "merchant-store"

// requireSession lets requests through that carry a valid session token of a configured shop. They are about that
// shop and no other.
func (m *Merchant) requireSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		session, err := m.engine.App("").VerifySession(token)
		if err != nil {
			// App Bridge gets a fresh token and sends the request once more.
			c.Response().Header().Set("X-Shopify-Retry-Invalid-Session-Request", "1")
			return problem.New(http.StatusUnauthorized, "session", "Unauthorized",
				"Send a session token of Shopify's App Bridge as Authorization: Bearer.")
		}
		store := m.engine.Store(session.Shop)
		if store == nil {
			return shopUnknown("Ask your agency to add the shop under stores in the configuration.")
		}
		c.Set(storeKey, store)
		return next(c)
	}
}

// storeOf is the store of a request that passed requireSession.
func storeOf(c echo.Context) *engine.Store { return c.Get(storeKey).(*engine.Store) }

func shopUnknown(detail string) error {
	return problem.New(http.StatusForbidden, "shop-unknown", "This shop is not served here", detail)
}

// checkSignature refuses a link that claims to come from Shopify and does not.
func checkSignature(app shopify.App, q url.Values) error {
	if !q.Has("hmac") || app.VerifyQuery(q) {
		return nil
	}
	return problem.New(http.StatusForbidden, "signature", "Not signed by Shopify",
		"This link says that it comes from Shopify, and does not: open the app from Shopify Admin again.")
}

// installable is the configured shop that a query names, if the app can be installed in it.
func (m *Merchant) installable(q url.Values) (*engine.Store, error) {
	which := func(detail string) error { return problem.New(http.StatusBadRequest, "shop", "Which shop?", detail) }
	shops := q["shop"]
	if len(shops) != 1 {
		return nil, which("Add the shop to the address, once: ?shop=your-shop.myshopify.com")
	}
	shop, err := shopify.ParseShop(shops[0])
	if err != nil {
		return nil, which("The shop must be its *.myshopify.com domain, such as ?shop=your-shop.myshopify.com")
	}
	store := m.engine.Store(shop)
	switch {
	case store == nil:
		return nil, shopUnknown("Ask your agency to add the shop under stores in the configuration " +
			"and to restart the server; then install again.")
	case store.Config.AdminToken.Set():
		return nil, problem.New(http.StatusConflict, "shop-connected", "There is nothing to install",
			"This shop is connected by an admin_token in the configuration.")
	case m.engine.App(shop).ClientID == "":
		return nil, problem.New(http.StatusServiceUnavailable, "app-unknown", "The app is not set up",
			"shopify.client_id is not configured: write the app's client id and restart the server.")
	}
	return store, nil
}
