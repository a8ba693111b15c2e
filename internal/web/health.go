package web

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// healthz answers while the process is alive.
func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether the program can do its work, and what is missing when it cannot. It also tells how far the
// carts are behind the webhooks that were kept.
func (s *Server) readyz(c echo.Context) error {
	err := s.ready.ask(c.Request().Context())
	if err == nil {
		answer := map[string]any{"status": "ready"}
		if lag, err := s.lag.Get(c.Request().Context()); err == nil {
			answer["intake_queued_webhooks"], answer["intake_lag_seconds"] = lag.Queued, lag.Oldest.Seconds()
		}
		return c.JSON(http.StatusOK, answer)
	}
	s.log.WarnContext(c.Request().Context(), "not ready", "error", err)
	what, _, _ := strings.Cut(err.Error(), ": ")
	c.Response().Header().Set("Retry-After", "5")
	return problem.New(http.StatusServiceUnavailable, "not-ready", "Not ready", what)
}

// An answer to whether the program is ready is kept for readyHolds. Finding it may take readyWithin.
const (
	readyHolds  = time.Second
	readyWithin = 5 * time.Second
)

// readiness keeps the last answer, so that requests of strangers do not keep the database busy.
type readiness struct {
	check func(context.Context) error
	mu    sync.Mutex
	until time.Time
	last  error
}

func (r *readiness) ask(ctx context.Context) error {
	if r.check == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.last
	}
	// The client may hang up; the answer is for all who wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWithin)
	defer cancel()
	r.last = r.check(ctx)
	r.until = time.Now().Add(readyHolds)
	return r.last
}
