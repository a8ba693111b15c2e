package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/loopback"

	"github.com/labstack/echo/v4"
)

// The content security policies. Pages load nothing from other hosts, run no inline code and cannot be framed. River UI is a
// single-page application that writes style elements as it runs; only that is allowed it on top.
const (
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	riverPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
		"font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

// pageHeaders sets what browsers are told about pages.
func pageHeaders(policy string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			setPageHeaders(c.Response().Header(), policy)
			return next(c)
		}
	}
}

func setPageHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// forwardingHeaders are added by whatever passes requests on from elsewhere, besides those that begin with forwardedPrefix.
var forwardingHeaders = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Fly-Client-Ip",
	"Fastly-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For",
}

const forwardedPrefix = "X-Forwarded"

// localOnly keeps pages without a password to the machine itself. A loopback listener alone does not: a tunnel, which is
// how webhooks reach a laptop, brings the whole world to it, and a hostile site can point a name of its own at 127.0.0.1.
func (s *Server) localOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.sessions == nil && !isLocal(c.Request()) {
			return newProblem(http.StatusForbidden, "password-needed", "Not open to other machines",
				"Without a password the pages are shown to this machine only: open them at its loopback address, or set security.dashboard_password.")
		}
		return next(c)
	}
}

// localOrBearer lets requests of this machine through, and others with the API token. The dashboard's password plays no
// part: what sends it is a browser, what reads metrics is a program.
func (s *Server) localOrBearer(next echo.HandlerFunc) echo.HandlerFunc {
	withToken := s.bearer(next)
	return func(c echo.Context) error {
		if isLocal(c.Request()) {
			return next(c)
		}
		return withToken(c)
	}
}

// isLocal reports whether a request was sent on this machine, to this machine, and not passed on by a proxy.
func isLocal(r *http.Request) bool {
	for _, name := range forwardingHeaders {
		if _, sent := r.Header[name]; sent {
			return false
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, forwardedPrefix) {
			return false
		}
	}
	return loopback.Host(hostOf(r.Host)) && loopback.Host(hostOf(r.RemoteAddr))
}

// hostOf is the host of host:port or of a host alone. An IPv6 address loses its brackets.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}

// sameOrigin refuses forms that another site's page sends in the user's name.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.origins.Check(c.Request()); err != nil {
			return newProblem(http.StatusForbidden, "cross-origin", "Refused", "This came from another site's page; use the dashboard's own.")
		}
		return next(c)
	}
}

// originOf is the origin (scheme://host[:port]) of a web address; "" when it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
