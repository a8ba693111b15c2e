package app_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A voice API that is down is told of at the first failure, and no more once it takes a call.
func TestStanding_TellsOfAVoiceAPIThatFails(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	w := newWorld(t, setup{voice: func(o *simvoice.Options) {
		o.Script = func(simvoice.Order) simvoice.Behaviour {
			if down.Load() {
				return simvoice.Behaviour{Placement: simvoice.Answer, Status: http.StatusUnauthorized}
			}
			return simvoice.Behaviour{}
		}
	}})
	has := func(code string) bool {
		status, got := w.api(http.MethodGet, "/api/v1/shops/"+acme, nil)
		require.Equal(t, http.StatusOK, status)
		return slices.ContainsFunc(got["reasons"].([]any), func(r any) bool { return r.(map[string]any)["code"] == code })
	}
	assert.False(t, has("voice_failing"))
	w.took(shopify.CheckoutsCreate, checkout("first"))
	w.eventually("the fault shows", func() bool { return has("voice_failing") })
	down.Store(false)
	status, _ := w.api(http.MethodPost, "/api/v1/shops/"+acme+"/resume", nil)
	require.Equal(t, http.StatusOK, status)
	w.took(shopify.CheckoutsCreate, checkout("second", func(c map[string]any) {
		c["phone"], c["email"] = "+919812300077", "second@example.com"
	}))
	w.eventually("the fault is over", func() bool { return !has("voice_failing") })
}
