package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/loopback"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/web/api"
	"ringback/internal/web/cached"
	"ringback/internal/web/dashboard"
	"ringback/internal/web/guard"
	"ringback/internal/web/intake"
	"ringback/internal/web/merchant"
	"ringback/internal/web/page"
	"ringback/internal/web/request"
	"ringback/internal/web/session"
	"ringback/internal/web/static"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options is what a server is made of. All but RiverUI and Ready are needed.
type Options struct {
	Engine *engine.Engine
	DB     *postgres.DB
	Config *config.Config
	// Metrics is shown at /metrics; the server adds its own to it.
	Metrics *prometheus.Registry
	// RiverUI is shown under /jobs/, behind the dashboard's login. It must have been made with the prefix "/jobs".
	RiverUI http.Handler
	// Ready says, for /readyz, what keeps the program from doing its work. The text up to the first ": " is public;
	// all of it is logged.
	Ready  func(context.Context) error
	Logger *slog.Logger
}

// Server answers all HTTP requests of the program. It is safe for concurrent use.
type Server struct {
	log     *slog.Logger
	router  *echo.Echo
	metrics *httpMetrics
	ready   *readiness
	pages   *page.Maker
	// lag is how far the carts are behind the kept webhooks.
	lag *cached.Value[postgres.IntakeLag]
}

// New builds the server. It fails when the pages would be open to other machines: without a dashboard password the
// configured listener must be on loopback.
func New(o Options) (*Server, error) {
	security, public := o.Config.Security, o.Config.Server.PublicURL
	host, _, err := net.SplitHostPort(o.Config.Server.Listen)
	if err != nil {
		return nil, fmt.Errorf("server.listen %q: %w; write host:port", o.Config.Server.Listen, err)
	}
	if !security.DashboardPassword.Set() && !loopback.Host(host) {
		return nil, errors.New("security.dashboard_password is missing: server.listen is open to other machines; " +
			"write a password, or listen on 127.0.0.1")
	}
	sameOrigin, err := guard.SameOrigin(public)
	if err != nil {
		return nil, err
	}
	sessions := session.New(session.Options{
		DB: o.DB, Password: security.DashboardPassword, PublicURL: public, Logger: o.Logger,
	})
	counts := cached.New(func(ctx context.Context) ([]postgres.StateCount, error) { return o.DB.CountCarts(ctx, "") })
	load, lag := cached.New(o.DB.Load), cached.New(o.DB.IntakeLag)
	standings := cached.New(o.Engine.Standings)
	if err := o.Metrics.Register(newLoadCollector(load, cached.New(o.DB.Jobs), standings, o.Engine)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s := &Server{
		log:     o.Logger,
		router:  echo.New(),
		metrics: newHTTPMetrics(o.Metrics),
		ready:   &readiness{check: o.Ready},
		lag:     lag,
		pages:   &page.Maker{Engine: o.Engine, Logout: sessions.Needed(), Jobs: o.RiverUI != nil},
	}
	s.router.HTTPErrorHandler = s.fail
	s.router.Logger.SetOutput(io.Discard)
	s.router.JSONSerializer = plainJSON{}
	s.router.IPExtractor = echo.ExtractIPFromXFFHeader()
	s.router.Use(s.observe, s.recoverPanic)

	// Every request for an operator's page passes these, before the login.
	pageGuards := func(policy string) []echo.MiddlewareFunc {
		guards := []echo.MiddlewareFunc{guard.PageHeaders(policy), middleware.Gzip(), middleware.BodyLimit(guard.MaxFormBody)}
		if !sessions.Needed() {
			guards = append(guards, guard.Local)
		}
		return append(guards, sameOrigin, sessions.Load)
	}
	s.routeHealth(o.Metrics, guard.LocalOrBearer(security.APIToken))
	static.Route(s.router)
	intake.New(intake.Options{
		Engine: o.Engine, Config: o.Config, NoteWebhook: o.DB.HeardFromShop, Logger: o.Logger,
	}).Route(s.router)
	api.New(api.Options{Engine: o.Engine, DB: o.DB, Standings: standings, Token: security.APIToken}).Route(s.router)
	merchant.New(merchant.Options{
		Engine: o.Engine, DB: o.DB, Pages: s.pages, PublicURL: public, Logger: o.Logger,
	}).Route(s.router)
	dashboard.New(dashboard.Options{
		Engine: o.Engine, DB: o.DB, Pages: s.pages, Sessions: sessions, Counts: counts, Load: load, Lag: lag,
		Standings: standings, Logger: o.Logger,
	}).Route(s.router, pageGuards(guard.PagePolicy))
	if o.RiverUI != nil {
		s.routeJobs(o.RiverUI, append(pageGuards(guard.RiverPolicy), sessions.Require))
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func (s *Server) routeHealth(metrics *prometheus.Registry, scraper echo.MiddlewareFunc) {
	s.router.Match(request.Reading(), route.Alive, s.healthz)
	s.router.Match(request.Reading(), route.Ready, s.readyz)
	failures := slog.NewLogLogger(s.log.Handler(), slog.LevelError)
	scrape := promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorLog: failures})
	s.router.Match(request.Reading(), route.Metrics, echo.WrapHandler(scrape), scraper)
}

func (s *Server) routeJobs(riverUI http.Handler, guards []echo.MiddlewareFunc) {
	s.router.Match(request.Reading(), route.Jobs, func(c echo.Context) error {
		return c.Redirect(http.StatusMovedPermanently, route.Jobs+"/")
	}, guards...)
	s.router.Any(route.Jobs+"/*", echo.WrapHandler(riverUI), guards...)
}
