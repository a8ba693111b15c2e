// Package guard decides which requests get through: those of this machine, of the API token's owner, of our own pages.
package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/loopback"
	"ringback/internal/secret"
	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// MaxFormBody is the largest form that is read.
const MaxFormBody = "64K"

// Same compares in a time that reveals nothing of the secret, not even its length.
func Same(want secret.Secret, given string) bool {
	a, b := sha256.Sum256([]byte(want.Reveal())), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Bearer lets requests through that carry the API token (RFC 6750).
func Bearer(token secret.Secret) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !token.Set() {
				return problem.New(http.StatusForbidden, "api-closed", "The API is closed",
					"No token is configured: set security.api_token, restart the server, and send the token as Authorization: Bearer.")
			}
			challenge := func(text string) { c.Response().Header().Set(echo.HeaderWWWAuthenticate, text) }
			scheme, given, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
			if !strings.EqualFold(scheme, "Bearer") || given == "" {
				challenge(`Bearer realm="ringback"`)
				return problem.New(http.StatusUnauthorized, "token-missing", "Unauthorized",
					"Send the header Authorization: Bearer <the configured security.api_token>.")
			}
			if !Same(token, given) {
				challenge(`Bearer realm="ringback", error="invalid_token"`)
				return problem.New(http.StatusUnauthorized, "token-wrong", "Unauthorized",
					"The token is not the configured security.api_token.")
			}
			return next(c)
		}
	}
}

// Local lets only requests of this machine through. It guards pages without a password, for which a loopback listener
// is not enough: a tunnel, which is how webhooks reach a laptop, passes requests of everybody on to it, and a hostile
// site can resolve a name of its own to 127.0.0.1.
func Local(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isLocal(c.Request()) {
			return problem.New(http.StatusForbidden, "password-needed", "Not open to other machines",
				"Without a password the pages are shown to this machine only: open them at its loopback address, "+
					"or set security.dashboard_password.")
		}
		return next(c)
	}
}

// LocalOrBearer lets requests of this machine through, and others with the API token.
func LocalOrBearer(token secret.Secret) echo.MiddlewareFunc {
	bearer := Bearer(token)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		withToken := bearer(next)
		return func(c echo.Context) error {
			if isLocal(c.Request()) {
				return next(c)
			}
			return withToken(c)
		}
	}
}

// forwardingHeaders are added by proxies and tunnels, besides those that begin with forwardedPrefix.
var forwardingHeaders = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip",
	"Fly-Client-Ip", "Fastly-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For",
}

const forwardedPrefix = "X-Forwarded"

// isLocal reports whether a request was sent on this machine, to this machine, and not forwarded by a proxy.
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

// SameOrigin refuses forms that another site's page sends in the user's name. Pages at publicURL count as our own: a
// proxy may change the host.
func SameOrigin(publicURL string) (echo.MiddlewareFunc, error) {
	origins := http.NewCrossOriginProtection()
	if origin := originOf(publicURL); origin != "" {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("server.public_url: %w", err)
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := origins.Check(c.Request()); err != nil {
				return problem.New(http.StatusForbidden, "cross-origin", "Refused",
					"This came from another site's page; use the dashboard's own.")
			}
			return next(c)
		}
	}, nil
}

// originOf is the origin (scheme://host[:port]) of a web address; "" when it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
