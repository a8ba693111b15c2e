package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/web/intake"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

// problemOf says what an error means to the client; known is false for errors that are our own fault.
func problemOf(err error) (p *problem.Error, known bool) {
	var statusError *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.Is(err, postgres.ErrNotFound):
		return problem.NoSuchID(), true
	case errors.Is(err, engine.ErrSettled):
		return problem.New(http.StatusConflict, "cart-settled", "The cart is closed",
			"It was purchased or stopped; no further action is possible."), true
	case errors.Is(err, engine.ErrCalling):
		return problem.New(http.StatusConflict, "cart-calling", "A call is under way",
			"This cart is being called right now; ask again when the call is over."), true
	case errors.Is(err, engine.ErrNotExportable):
		return problem.New(http.StatusConflict, "not-exportable", "Nothing to export",
			"This request asks for erasure, or whom it was about is forgotten already."), true
	case errors.As(err, &tooLarge):
		return problem.TooLarge(), true
	case errors.As(err, &statusError):
		return problem.OfStatus(statusError.Code), statusError.Code < http.StatusInternalServerError
	}
	return problem.New(http.StatusInternalServerError, "", "Internal Server Error",
		"Something went wrong on our side; the log has it under this request's X-Request-Id."), false
}

// fail answers a request that ended in an error: with a page where a person looks, else with a problem document. An
// error that is our own fault is logged under the request's id; one that is the client's is not.
func (s *Server) fail(err error, c echo.Context) {
	ctx := c.Request().Context()
	p, known := problemOf(err)
	if !known && !errors.Is(err, context.Canceled) {
		s.log.ErrorContext(ctx, "request failed", "route", request.Route(c), "request_id", request.ID(c), "error", err)
	}
	if c.Response().Committed {
		return
	}
	if !known && strings.HasPrefix(request.Route(c), route.Webhooks) {
		// The sender is not at fault and can send it again.
		p = intake.SendAgain(c)
	}
	if wantsPage(c.Request()) {
		err = s.pages.ShowError(c, p)
	} else {
		err = p.Write(c)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "answer not sent", "route", request.Route(c), "request_id", request.ID(c), "error", err)
	}
}

// wantsPage reports whether a browser asks for an address where pages are.
func wantsPage(r *http.Request) bool {
	for _, prefix := range []string{
		route.API + "/", route.Webhooks, route.Alive, route.Ready, route.Metrics, route.JobsAPI,
	} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
