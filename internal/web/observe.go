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

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// unmatched stands for the path of a request that no route takes: what a stranger asks for is neither logged nor a label.
const unmatched = "unmatched"

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

// observe gives every request an id, measures it and writes the access log. The log holds no path, no query and no address:
// they may hold tokens and personal data.
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
		route, status := routeOf(c), c.Response().Status
		s.metrics.seconds.WithLabelValues(methodOf(c.Request()), route, strconv.Itoa(status)).Observe(took.Seconds())
		s.log.LogAttrs(c.Request().Context(), levelOf(route, status), "request",
			slog.String("method", methodOf(c.Request())),
			slog.String("route", route),
			slog.Int("status", status),
			slog.Duration("took", took),
			slog.Int64("bytes", c.Response().Size),
			slog.String("request_id", id),
		)
		return nil
	}
}

func routeOf(c echo.Context) string {
	if c.Path() == "" || c.Response().Status == http.StatusNotFound && !strings.ContainsAny(c.Path(), ":*") {
		return unmatched
	}
	return c.Path()
}

func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// levelOf keeps what comes by the thousand out of an ordinary log.
func levelOf(route string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case status >= http.StatusBadRequest:
		return slog.LevelInfo
	case strings.HasPrefix(route, "/webhooks/"), strings.HasPrefix(route, "/static/"), strings.HasPrefix(route, "/jobs/"),
		route == "/healthz", route == "/readyz", route == "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

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
			s.log.ErrorContext(c.Request().Context(), "panic", "route", routeOf(c), "request_id", requestID(c), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}()
		return next(c)
	}
}
