// Package request says what logs, metrics and answers call a request. They never hold its path, query or address,
// which may contain tokens and personal data.
package request

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Reading are the methods of a route that has no effect: GET and, as HTTP asks for, HEAD.
func Reading() []string { return []string{http.MethodGet, http.MethodHead} }

// ID is the request's id, which its answer carries as X-Request-Id.
func ID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// unmatched stands for the path of a request that no route takes.
const unmatched = "unmatched"

// Route is the pattern that the request's path matched.
func Route(c echo.Context) string {
	if c.Path() == "" || c.Response().Status == http.StatusNotFound && !strings.ContainsAny(c.Path(), ":*") {
		return unmatched
	}
	return c.Path()
}

// Method is the request's method, "other" for one that HTTP does not define.
func Method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
