package static_test

import (
	"net/http"
	"regexp"
	"testing"

	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStatic_FilesAreCachedByBrowsers(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, webtest.WithPassword)
	page := s.Page("/login").Text()
	for kind, path := range map[string]string{
		"text/css; charset=utf-8": regexp.MustCompile(`/static/[0-9a-f]+/style\.css`).FindString(page),
		"image/svg+xml":           regexp.MustCompile(`/static/[0-9a-f]+/icon\.svg`).FindString(page),
	} {
		require.NotEmpty(t, path)
		a := s.Page(path)
		assert.Equal(t, http.StatusOK, a.StatusCode, "strangers need them for the login")
		assert.Equal(t, kind, a.Header.Get("Content-Type"))
		assert.Contains(t, a.Header.Get("Cache-Control"), "immutable")
		assert.NotContains(t, a.Text(), "http://127", kind)
	}
}
