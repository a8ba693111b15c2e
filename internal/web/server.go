package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/loopback"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/web/api"
	"ringback/internal/web/guard"
	"ringback/internal/web/intake"

	"github.com/alexedwards/scs/v2"
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
	// Ready says what keeps the program from doing its work, for /readyz. The text up to the first ": " is public, the rest is
	// logged.
	Ready  func(context.Context) error
	Logger *slog.Logger
}

// Server answers all HTTP requests of the program. It is safe for concurrent use.
type Server struct {
	engine *engine.Engine
	db     *postgres.DB
	config *config.Config
	log    *slog.Logger

	router   *echo.Echo
	metrics  *httpMetrics
	ready    *readiness
	door     *door
	sessions *scs.SessionManager
	// sameOrigin refuses forms of other sites.
	sameOrigin echo.MiddlewareFunc
	jobsUI     bool

	// What the overview counts over all shops.
	counts     *costly[[]postgres.StateCount]
	load       *costly[postgres.Load]
	day, month *costly[postgres.Stats]
}

// New builds the server. It fails when the pages would be open to other machines: without a dashboard password the configured
// listener must be on loopback.
func New(o Options) (*Server, error) {
	host, _, err := net.SplitHostPort(o.Config.Server.Listen)
	if err != nil {
		return nil, fmt.Errorf("server.listen %q: %w; write host:port", o.Config.Server.Listen, err)
	}
	if !o.Config.Security.DashboardPassword.Set() && !loopback.Host(host) {
		return nil, errors.New("security.dashboard_password is missing: server.listen is open to other machines; write a password, or listen on 127.0.0.1")
	}
	s := &Server{
		engine:  o.Engine,
		db:      o.DB,
		config:  o.Config,
		log:     o.Logger,
		metrics: newHTTPMetrics(o.Metrics),
		ready:   &readiness{check: o.Ready},
		jobsUI:  o.RiverUI != nil,
		counts:  newCostly(func(ctx context.Context) ([]postgres.StateCount, error) { return o.DB.CountCarts(ctx, "") }),
		load:    newCostly(o.DB.Load),
		day:     newCostly(statsOfLast(o.DB, 24*time.Hour)),
		month:   newCostly(statsOfLast(o.DB, usualSpan)),
	}
	if s.sameOrigin, err = guard.SameOrigin(o.Config.Server.PublicURL); err != nil {
		return nil, err
	}
	if err := o.Metrics.Register(newLoadCollector(s.load, o.Engine)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if o.Config.Security.DashboardPassword.Set() {
		s.sessions = newSessions(o.DB, o.Config.Server.PublicURL)
		s.door = newDoor(o.DB, o.Config.Security.DashboardPassword)
	}

	s.router = echo.New()
	s.router.HTTPErrorHandler = s.fail
	s.router.Logger.SetOutput(io.Discard)
	s.router.JSONSerializer = plainJSON{}
	s.router.IPExtractor = echo.ExtractIPFromXFFHeader()
	s.router.Use(s.observe, s.recoverPanic)
	s.routeHealth(o.Metrics)
	intake.New(intake.Options{
		Engine: o.Engine, Config: o.Config, NoteWebhook: o.DB.HeardFromShop, Logger: o.Logger,
	}).Route(s.router)
	api.New(api.Options{Engine: o.Engine, DB: o.DB, Token: o.Config.Security.APIToken}).Route(s.router)
	s.routeInstall()
	s.routeEmbedded()
	if err := s.routePages(o.RiverUI); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func (s *Server) routeHealth(metrics *prometheus.Registry) {
	get(s.router, route.Alive, s.healthz)
	get(s.router, route.Ready, s.readyz)
	scrape := promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelError)})
	get(s.router, route.Metrics, echo.WrapHandler(scrape), guard.LocalOrBearer(s.config.Security.APIToken))
}

func (s *Server) routePages(riverUI http.Handler) error {
	if err := routeStatic(s.router); err != nil {
		return err
	}
	outside := s.pageGuards(guard.PagePolicy)
	if s.sessions != nil {
		get(s.router, route.Login, s.loginPage, outside...)
		s.router.POST(route.Login, s.login, outside...)
		s.router.POST("/logout", s.logout, outside...)
	}
	inside := slices.Concat(outside, []echo.MiddlewareFunc{s.loggedIn})
	get(s.router, "/", s.overviewPage, inside...)
	get(s.router, "/carts", s.cartsPage, inside...)
	get(s.router, "/carts/:id", s.cartPage, inside...)
	s.router.POST("/carts/:id/call", s.callCart, inside...)
	s.router.POST("/carts/:id/cancel", s.cancelCart, inside...)
	s.router.POST("/carts/:id/suppress", s.suppressCustomer, inside...)
	get(s.router, "/calls", s.callsPage, inside...)
	get(s.router, "/suppressions", s.suppressionsPage, inside...)
	s.router.POST("/suppressions", s.suppress, inside...)
	s.router.POST("/suppressions/:id/lift", s.liftSuppression, inside...)
	get(s.router, "/shops", s.shopsPage, inside...)
	get(s.router, "/shops/:shop", s.shopPage, inside...)
	s.router.POST("/shops/:shop/pause", s.pauseShop, inside...)
	s.router.POST("/shops/:shop/resume", s.resumeShop, inside...)
	if riverUI == nil {
		return nil
	}
	ui := append(s.pageGuards(guard.RiverPolicy), s.loggedIn)
	get(s.router, route.Jobs, func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, route.Jobs+"/") }, ui...)
	s.router.Any(route.Jobs+"/*", echo.WrapHandler(riverUI), ui...)
	return nil
}

// pageGuards are what every request for a page passes, before the login.
func (s *Server) pageGuards(policy string) []echo.MiddlewareFunc {
	guards := []echo.MiddlewareFunc{guard.PageHeaders(policy), middleware.Gzip(), middleware.BodyLimit(guard.MaxFormBody)}
	if s.sessions == nil {
		guards = append(guards, guard.Local)
	}
	return append(guards, s.sameOrigin, s.session)
}

// get answers GET and, as HTTP asks for, HEAD. It is for reading alone: whatever has an effect is routed by its own method.
func get(e *echo.Echo, path string, h echo.HandlerFunc, guards ...echo.MiddlewareFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, path, h, guards...)
}
