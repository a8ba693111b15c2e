package web_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
)

func TestHealth_AliveAndReady(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		a := s.Send(http.MethodGet, path, nil)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
		assert.Equal(t, http.StatusOK, s.Send(http.MethodHead, path, nil).StatusCode)
	}
}

func TestReady_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	asked := 0
	s := webtest.New(t, func(o *web.Options) {
		o.Ready = func(context.Context) error {
			asked++
			return errors.New("the database does not answer: dial tcp 10.0.0.7:5432: refused")
		}
	})
	for range 3 {
		a := s.Send(http.MethodGet, "/readyz", nil)
		p := webtest.IsProblem(t, a, http.StatusServiceUnavailable)
		assert.Equal(t, "the database does not answer", p["detail"], "addresses are for the log")
		assert.NotEmpty(t, a.Header.Get("Retry-After"))
	}
	assert.Equal(t, 1, asked, "strangers cannot keep the database busy")
	assert.Contains(t, s.Log.String(), "10.0.0.7")
	assert.Equal(t, http.StatusOK, s.Send(http.MethodGet, "/healthz", nil).StatusCode, "the process is alive")
}

func TestMetrics_ShowTheLoad(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	ready := webtest.SomeCart()
	ready.State, ready.Reason, ready.WakeAt = cart.Ready, cart.Due, nil
	s.Seed(ready, webtest.SomeCart(), webtest.BoughtCart())
	webtest.CallingCart(s)
	_, err := s.Engine.PauseShop(t.Context(), webtest.Bolt, "api")
	assert.NoError(t, err)
	s.API(http.MethodGet, "/api/v1/carts/"+ready.ID.String(), nil)

	a := s.Send(http.MethodGet, "/metrics", nil)
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
		`ringback_lines_rest_seconds{assistant="meera",provider="mirai"} 0`,
		`ringback_jobs{queue="calls",state="available"} 1`,
		`ringback_http_request_seconds_count{method="GET",route="/api/v1/carts/:id",status="200"} 1`,
	} {
		assert.Contains(t, a.Text(), line+"\n")
	}
	assert.NotContains(t, a.Text(), ready.ID.String())
	assert.NotContains(t, a.Text(), "ws2", "an account's workspace is nobody's business")
}

func TestMetrics_WorkWithoutDatabase(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Pool.Close()
	a := s.Send(http.MethodGet, "/metrics", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Contains(t, a.Text(), "ringback_database_up 0\n")
	assert.NotContains(t, a.Text(), "ringback_carts{")
}
