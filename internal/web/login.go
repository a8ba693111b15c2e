package web

import (
	"fmt"
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

// How long a login lasts: at most sessionLife, and sessionIdle without a page.
const (
	sessionLife = 7 * 24 * time.Hour
	sessionIdle = 24 * time.Hour
)

// newSessions keeps logins in the database, where only the hash of a cookie's token is.
func newSessions(db *postgres.DB, publicURL string) *scs.SessionManager {
	m := scs.New()
	m.Store = pgxstore.NewWithCleanupInterval(db.Pool(), 0)
	m.HashTokenInStore = true
	m.Lifetime, m.IdleTimeout = sessionLife, sessionIdle
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Name = "ringback"
	if strings.HasPrefix(publicURL, "https://") {
		// The prefix makes browsers insist on https and on this very host.
		m.Cookie.Name, m.Cookie.Secure = "__Host-ringback", true
	}
	return m
}

// sessionKey is what a login leaves in its session: proof of the password it was made with, so that a changed one ends all logins.
const sessionKey = "password"

// session loads the login of a request and saves it just before the answer goes out.
func (s *Server) session(next echo.HandlerFunc) echo.HandlerFunc {
	if s.sessions == nil {
		return next
	}
	return func(c echo.Context) error {
		token := ""
		if cookie, err := c.Cookie(s.sessions.Cookie.Name); err == nil {
			token = cookie.Value
		}
		ctx, err := s.sessions.Load(c.Request().Context(), token)
		if err != nil {
			return fmt.Errorf("load session: %w", err)
		}
		c.SetRequest(c.Request().WithContext(ctx))
		c.Response().Header().Add(echo.HeaderVary, "Cookie")
		c.Response().Before(func() { s.saveSession(c) })
		return next(c)
	}
}

func (s *Server) saveSession(c echo.Context) {
	ctx := c.Request().Context()
	switch s.sessions.Status(ctx) {
	case scs.Modified:
		token, expiry, err := s.sessions.Commit(ctx)
		if err != nil {
			s.log.ErrorContext(ctx, "session not saved", "error", err, "request_id", request.ID(c))
			return
		}
		s.sessions.WriteSessionCookie(ctx, c.Response(), token, expiry)
	case scs.Destroyed:
		s.sessions.WriteSessionCookie(ctx, c.Response(), "", time.Time{})
	}
}

// isLoggedIn reports whether the request's session was opened with the current password.
func (s *Server) isLoggedIn(c echo.Context) bool {
	return s.sessions == nil || guard.Same(secret.Secret(s.door.proof), s.sessions.GetString(c.Request().Context(), sessionKey))
}

// loggedIn sends whoever is not logged in to the login page, and from there back.
func (s *Server) loggedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.isLoggedIn(c) {
			c.Set(inside, true)
			return next(c)
		}
		r := c.Request()
		if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, route.JobsAPI) {
			return problem.New(http.StatusUnauthorized, "login-needed", "Not logged in", "The login is over; log in again at "+route.Login+".")
		}
		target := route.Login
		if r.URL.Path != "/" {
			target += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		return c.Redirect(http.StatusSeeOther, target)
	}
}

func (s *Server) loginPage(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if s.isLoggedIn(c) {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.show(c, http.StatusOK, loginView(s.frame(c, "Log in", ""), next, ""))
}

func (s *Server) login(c echo.Context) error {
	next := safeNext(c.FormValue("next"))
	ctx := c.Request().Context()
	t := s.newcomer(c)
	switch s.door.knock(ctx, t, c.FormValue("password"), s.db.Now()) {
	case turnedAway:
		s.log.WarnContext(ctx, "too many attempts to log in", "request_id", request.ID(c))
		c.Response().Header().Set("Retry-After", "15")
		return s.show(c, http.StatusTooManyRequests, loginView(s.frame(c, "Log in", ""), next, "Too many attempts. Try again in 15 seconds."))
	case wrongPassword:
		s.log.WarnContext(ctx, "wrong dashboard password", "request_id", request.ID(c))
		return s.show(c, http.StatusUnauthorized, loginView(s.frame(c, "Log in", ""), next, "Wrong password."))
	case letIn:
	}
	if err := s.db.DropExpiredSessions(ctx); err != nil {
		return err
	}
	// A new token, so that one planted before the login is worth nothing.
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, sessionKey, s.door.proof)
	s.remember(c, t)
	return c.Redirect(http.StatusSeeOther, next)
}

func (s *Server) logout(c echo.Context) error {
	if err := s.sessions.Destroy(c.Request().Context()); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, route.Login)
}

// safeNext is the page to go to after the login: one of ours, whatever the address says.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
