// Package dashboard answers the operator's pages. There is one file a noun, with its template beside it. Handlers
// read, ask the engine or the database, and show a view model; they decide nothing.
package dashboard

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/web/cached"
	"ringback/internal/web/page"
	"ringback/internal/web/param"
	"ringback/internal/web/request"
	"ringback/internal/web/session"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Options is what the dashboard is made of.
type Options struct {
	Engine   *engine.Engine
	DB       *postgres.DB
	Pages    *page.Maker
	Sessions *session.Sessions
	// Counts and Load are of all shops.
	Counts *cached.Value[[]postgres.StateCount]
	Load   *cached.Value[postgres.Load]
	// Lag is how far the carts are behind the webhooks that were kept.
	Lag *cached.Value[postgres.IntakeLag]
	// Standings are of the configured shops.
	Standings *cached.Value[[]engine.ShopStanding]
	Logger    *slog.Logger
}

// Dashboard answers the requests of operators. It is safe for concurrent use.
type Dashboard struct {
	engine   *engine.Engine
	db       *postgres.DB
	pages    *page.Maker
	sessions *session.Sessions
	log      *slog.Logger

	counts *cached.Value[[]postgres.StateCount]
	load   *cached.Value[postgres.Load]
	lag    *cached.Value[postgres.IntakeLag]

	standings *cached.Value[[]engine.ShopStanding]
	// day and month sum up the last 24 hours and the last 30 days of all shops.
	day, month *cached.Value[postgres.Stats]
}

// New makes the dashboard.
func New(o Options) *Dashboard {
	return &Dashboard{
		engine: o.Engine, db: o.DB, pages: o.Pages, sessions: o.Sessions, log: o.Logger,
		counts: o.Counts, load: o.Load, lag: o.Lag, standings: o.Standings,
		day: statsOfLast(o.DB, day), month: statsOfLast(o.DB, month),
	}
}

// Route adds the addresses of the pages. The guards are those of every request for a page, before the login.
func (d *Dashboard) Route(e *echo.Echo, guards []echo.MiddlewareFunc) {
	if d.sessions.Needed() {
		e.Match(request.Reading(), route.Login, d.loginPage, guards...)
		e.POST(route.Login, d.logIn, guards...)
		e.POST("/logout", d.logOut, guards...)
	}
	inside := slices.Concat(guards, []echo.MiddlewareFunc{d.sessions.Require})
	get := func(path string, h echo.HandlerFunc) { e.Match(request.Reading(), path, h, inside...) }
	post := func(path string, h echo.HandlerFunc) { e.POST(path, h, inside...) }
	get("/", d.overviewPage)
	get("/carts", d.cartsPage)
	get("/carts/:id", d.cartPage)
	post("/carts/:id/call", d.callCart)
	post("/carts/:id/cancel", d.cancelCart)
	post("/carts/:id/suppress", d.suppressCustomer)
	get("/calls", d.callsPage)
	get("/suppressions", d.suppressionsPage)
	post("/suppressions", d.suppress)
	post("/suppressions/:id/lift", d.liftSuppression)
	get("/endpoints", d.endpointsPage)
	post("/endpoints/:id/on", d.switchEndpointOn)
	post("/endpoints/:id/test", d.testEndpoint)
	get("/shops", d.shopsPage)
	get("/shops/:shop", d.shopPage)
	get("/shops/:shop/hours", d.hoursPage)
	post("/shops/:shop/pause", d.pauseShop)
	post("/shops/:shop/resume", d.resumeShop)
	post("/shops/:shop/test-call", d.testCall)
}

// source is where a pause, a suppression or a lifting came from when an operator asked for it on a page.
const source = "dashboard"

// backTo sends a browser on after a form, with the word of a note on what was done.
func backTo(c echo.Context, path, note string) error {
	return c.Redirect(http.StatusSeeOther, path+"?note="+note)
}

// filterForm is what a list is narrowed to, and what it could be.
type filterForm struct {
	Shop   string
	State  cart.State
	Reason cart.Reason
	Shops  []string
}

// any reports whether the list is narrowed at all.
func (f filterForm) any() bool { return f.Shop != "" || f.State != "" || f.Reason != "" }

// mostOptions is how many shops fit a menu. When there are more, the name is typed.
const mostOptions = 40

// shops are the domains of the configured shops.
func (d *Dashboard) shops() []string {
	stores := d.engine.Stores()
	list := make([]string, len(stores))
	for i, s := range stores {
		list[i] = s.Domain
	}
	return list
}

// links are the addresses of the first and of the next page of a list, "" when there is none to go to.
type links struct{ First, Older string }

// pageOf cuts a list that was queried with one entry too many, and links to the pages around it. before is the cursor
// of this page.
func pageOf[T any](c echo.Context, list []T, before uuid.UUID, id func(T) uuid.UUID) ([]T, links) {
	list, next := param.Page(list, param.UsualLimit, id)
	q := c.QueryParams()
	q.Del("note")
	q.Del("cursor")
	var l links
	if before != uuid.Nil {
		l.First = page.Address(c.Path(), q)
	}
	if next != "" {
		q.Set("cursor", next)
		l.Older = page.Address(c.Path(), q)
	}
	return list, l
}

func cartPath(id uuid.UUID) string { return "/carts/" + id.String() }

// cartsAt is the address of the list of carts that are in a state for a reason.
func cartsAt(shop string, state cart.State, reason cart.Reason) string {
	return page.Address("/carts", url.Values{"shop": {shop}, "state": {string(state)}, "reason": {string(reason)}})
}
