// Package session logs operators in to the dashboard. A login is a session in the database and a cookie; the database
// has only the hash of the cookie's token.
package session

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/web/guard"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
)

// A session lasts at most life, and at most idle without a request.
const (
	life = 7 * 24 * time.Hour
	idle = 24 * time.Hour
)

// Options is what sessions are made of.
type Options struct {
	DB *postgres.DB
	// Password opens the dashboard. Without one it is open, and there are no sessions.
	Password secret.Secret
	// PublicURL is the address of the dashboard.
	PublicURL string
	Logger    *slog.Logger
}

// Sessions logs operators in and out. It is safe for concurrent use.
type Sessions struct {
	db       *postgres.DB
	log      *slog.Logger
	attempts *attempts
	// proof stands for the password in sessions and cookies, so that a new password ends all logins.
	proof string
	// manager is nil when there is no password.
	manager *scs.SessionManager
}

// New makes the sessions.
func New(o Options) *Sessions {
	s := &Sessions{db: o.DB, log: o.Logger}
	if !o.Password.Set() {
		return s
	}
	s.attempts = newAttempts(o.Password)
	s.proof = o.DB.Token("dashboard password " + o.Password.Reveal())
	m := scs.New()
	m.Store = pgxstore.NewWithCleanupInterval(o.DB.Pool(), 0)
	m.HashTokenInStore = true
	m.Lifetime, m.IdleTimeout = life, idle
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Name = "ringback"
	if strings.HasPrefix(o.PublicURL, "https://") {
		// The prefix makes browsers insist on https and on this very host.
		m.Cookie.Name, m.Cookie.Secure = "__Host-ringback", true
	}
	s.manager = m
	return s
}

// Needed reports whether the dashboard has a password.
func (s *Sessions) Needed() bool { return s.manager != nil }

// proofKey is where a session holds the proof of the password that it was opened with.
const proofKey = "password"

// Load is the middleware that loads the session of a request and saves it just before the answer is sent.
func (s *Sessions) Load(next echo.HandlerFunc) echo.HandlerFunc {
	if !s.Needed() {
		return next
	}
	return func(c echo.Context) error {
		token := ""
		if cookie, err := c.Cookie(s.manager.Cookie.Name); err == nil {
			token = cookie.Value
		}
		ctx, err := s.manager.Load(c.Request().Context(), token)
		if err != nil {
			return fmt.Errorf("load session: %w", err)
		}
		c.SetRequest(c.Request().WithContext(ctx))
		c.Response().Header().Add(echo.HeaderVary, "Cookie")
		c.Response().Before(func() { s.save(c) })
		return next(c)
	}
}

func (s *Sessions) save(c echo.Context) {
	ctx := c.Request().Context()
	switch s.manager.Status(ctx) {
	case scs.Modified:
		token, expiry, err := s.manager.Commit(ctx)
		if err != nil {
			s.log.ErrorContext(ctx, "session not saved", "error", err, "request_id", request.ID(c))
			return
		}
		s.manager.WriteSessionCookie(ctx, c.Response(), token, expiry)
	case scs.Destroyed:
		s.manager.WriteSessionCookie(ctx, c.Response(), "", time.Time{})
	}
}

// insideKey is set in the context of requests that passed Require.
const insideKey = "session-inside"

// Inside reports whether a request passed Require. Until then it is shown nothing of the dashboard.
func Inside(c echo.Context) bool { return c.Get(insideKey) != nil }

// LoggedIn reports whether the request's session was opened with the current password, or needs none.
func (s *Sessions) LoggedIn(c echo.Context) bool {
	if !s.Needed() {
		return true
	}
	return guard.Same(secret.Secret(s.proof), s.manager.GetString(c.Request().Context(), proofKey))
}

// Require is the middleware that sends whoever is not logged in to the login page, and from there back.
func (s *Sessions) Require(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.LoggedIn(c) {
			c.Set(insideKey, true)
			return next(c)
		}
		r := c.Request()
		if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, route.JobsAPI) {
			return problem.New(http.StatusUnauthorized, "login-needed", "Not logged in",
				"The login is over; log in again at "+route.Login+".")
		}
		target := route.Login
		if r.URL.Path != "/" {
			target += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		return c.Redirect(http.StatusSeeOther, target)
	}
}

// LogIn checks a password and opens a session when it is right.
func (s *Sessions) LogIn(c echo.Context, password string) (Verdict, error) {
	ctx := c.Request().Context()
	who := client{browser: s.knownBrowser(c.Request()), network: networkOf(c.RealIP())}
	if v := s.attempts.try(ctx, who, password, s.db.Now()); v != Right {
		return v, nil
	}
	if err := s.db.DropExpiredSessions(ctx); err != nil {
		return Right, err
	}
	// The token is new, so that one planted before the login is worth nothing.
	if err := s.manager.RenewToken(ctx); err != nil {
		return Right, err
	}
	s.manager.Put(ctx, proofKey, s.proof)
	s.remember(c, who)
	return Right, nil
}

// LogOut ends the request's session.
func (s *Sessions) LogOut(c echo.Context) error { return s.manager.Destroy(c.Request().Context()) }
