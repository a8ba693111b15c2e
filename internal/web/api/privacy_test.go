package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"ringback/internal/web/webtest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrivacy_HeadHandsNothingOutAndMarksNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Seed(webtest.SomeCart())
	path := "/api/v1/privacy/" + webtest.DataRequest(s)
	for range 2 {
		a := s.API(http.MethodHead, path, nil)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Empty(t, a.Content)
		assert.Equal(t, 1, s.Count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NULL`))
	}
	assert.Equal(t, http.StatusNotFound, s.API(http.MethodHead, "/api/v1/privacy/"+uuid.NewString(), nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, s.Send(http.MethodHead, path, nil).StatusCode)

	a := s.API(http.MethodGet, path, nil)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	var export struct {
		Carts        []json.RawMessage `json:"carts"`
		Orders       []json.RawMessage `json:"orders"`
		Suppressions []json.RawMessage `json:"suppressions"`
		Lifted       []json.RawMessage `json:"lifted_suppressions"`
	}
	require.NoError(t, json.Unmarshal(a.Content, &export))
	assert.Len(t, export.Carts, 1)
	assert.NotNil(t, export.Orders)
	assert.NotNil(t, export.Suppressions)
	assert.NotNil(t, export.Lifted)
	assert.Equal(t, 1, s.Count(`SELECT count(*) FROM privacy_requests WHERE done_at IS NOT NULL`))
	assert.Equal(t, http.StatusOK, s.API(http.MethodPost, path+"/done", nil).StatusCode)
	assert.Equal(t, http.StatusConflict, s.API(http.MethodHead, path, nil).StatusCode, "nothing is left to hand out")
}
