package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"ringback/internal/route"
	"ringback/internal/web/request"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// httpMetrics times requests. Its labels are route patterns, never paths: those hold tokens and ids.
type httpMetrics struct {
	seconds *prometheus.HistogramVec
}

func newHTTPMetrics(r prometheus.Registerer) *httpMetrics {
	m := &httpMetrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ringback_http_request_seconds", Help: "Duration of HTTP requests, by method, route and status.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12),
	}, []string{"method", "route", "status"})}
	r.MustRegister(m.seconds)
	return m
}

// observe gives every request an id, measures it and writes the access log. The log holds no path, no query and no
// address: they may hold tokens and personal data.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := time.Now()
		id := uuid.Must(uuid.NewV7()).String()
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		if err := next(c); err != nil {
			// Answered here, so that the status is known below.
			c.Error(err)
		}
		took := time.Since(started)
		pattern, method, status := request.Route(c), request.Method(c.Request()), c.Response().Status
		s.metrics.seconds.WithLabelValues(method, pattern, strconv.Itoa(status)).Observe(took.Seconds())
		s.log.LogAttrs(c.Request().Context(), levelOf(pattern, status), "request",
			slog.String("method", method),
			slog.String("route", pattern),
			slog.Int("status", status),
			slog.Duration("took", took),
			slog.Int64("bytes", c.Response().Size),
			slog.String("request_id", id),
		)
		return nil
	}
}

// levelOf keeps frequent requests out of an ordinary log.
func levelOf(pattern string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case status >= http.StatusBadRequest:
		return slog.LevelInfo
	case strings.HasPrefix(pattern, route.Webhooks), strings.HasPrefix(pattern, route.Static),
		strings.HasPrefix(pattern, route.Jobs+"/"),
		pattern == route.Alive, pattern == route.Ready, pattern == route.Metrics:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recoverPanic turns a panic into an error, with its stack in the log.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if cause, ok := r.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
				panic(r)
			}
			s.log.ErrorContext(c.Request().Context(), "panic",
				"route", request.Route(c), "request_id", request.ID(c), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}()
		return next(c)
	}
}
