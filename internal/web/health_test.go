package web_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/web"

	"github.com/stretchr/testify/assert"
)

func TestHealthIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		a := s.send(http.MethodGet, path, nil)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
		assert.Equal(t, http.StatusOK, s.send(http.MethodHead, path, nil).StatusCode)
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	asked := 0
	s := newSite(t, func(o *web.Options) {
		o.Ready = func(context.Context) error {
			asked++
			return errors.New("the database does not answer: dial tcp 10.0.0.7:5432: refused")
		}
	})
	for range 3 {
		a := s.send(http.MethodGet, "/readyz", nil)
		p := isProblem(t, a, http.StatusServiceUnavailable)
		assert.Equal(t, "the database does not answer", p["detail"], "addresses are for the log")
		assert.NotEmpty(t, a.Header.Get("Retry-After"))
	}
	assert.Equal(t, 1, asked, "strangers cannot keep the database busy")
	assert.Contains(t, s.log.String(), "10.0.0.7")
	assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/healthz", nil).StatusCode, "the process is alive")
}

func TestMetricsTellTheLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ready := someCart()
	ready.State, ready.Reason, ready.WakeAt = cart.Ready, cart.Due, nil
	s.seed(ready, someCart(), boughtCart())
	callingCart(s)
	_, err := s.engine.PauseShop(t.Context(), bolt, "api")
	assert.NoError(t, err)
	s.api(http.MethodGet, "/api/v1/carts/"+ready.ID.String(), nil)

	a := s.send(http.MethodGet, "/metrics", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	for _, line := range []string{
		`ringback_database_up 1`,
		`ringback_carts{state="ready"} 1`,
		`ringback_carts{state="waiting"} 1`,
		`ringback_carts{state="watching"} 0`,
		`ringback_carts{state="purchased"} 1`,
		`ringback_ready_carts{assistant="meera",provider="mirai"} 1`,
		`ringback_ready_carts{assistant="sam",provider="mirai"} 0`,
		`ringback_lines{assistant="meera",provider="mirai"} 5`,
		`ringback_lines_busy{assistant="meera",provider="mirai"} 1`,
		`ringback_lines_busy{assistant="sam",provider="mirai"} 0`,
		`ringback_jobs{queue="calls",state="available"} 1`,
		`ringback_http_request_seconds_count{method="GET",route="/api/v1/carts/:id",status="200"} 1`,
	} {
		assert.Contains(t, a.text(), line+"\n")
	}
	assert.NotContains(t, a.text(), ready.ID.String())
	assert.NotContains(t, a.text(), "ws2", "an account's workspace is nobody's business")
}

func TestMetricsWorkWithoutADatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pool.Close()
	a := s.send(http.MethodGet, "/metrics", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Contains(t, a.text(), "ringback_database_up 0\n")
	assert.NotContains(t, a.text(), "ringback_carts{")
}
