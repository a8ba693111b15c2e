package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"

	"ringback/internal/route"

	"github.com/labstack/echo/v4"
)

//go:embed static/style.css static/icon.svg
var staticFiles embed.FS

// The addresses of the files that pages need. They change with their content, so that browsers may keep them for ever.
var (
	stylePath = staticPath("style.css")
	iconPath  = staticPath("icon.svg")
)

func staticPath(name string) string {
	// The file is embedded: it cannot be missing.
	content, _ := staticFiles.ReadFile("static/" + name)
	sum := sha256.Sum256(content)
	return route.Static + hex.EncodeToString(sum[:6]) + "/" + name
}

// routeStatic serves the embedded files, to anybody: the login page needs them too.
func routeStatic(e *echo.Echo) error {
	for name, file := range map[string]struct{ path, kind string }{
		"style.css": {stylePath, "text/css; charset=utf-8"},
		"icon.svg":  {iconPath, "image/svg+xml"},
	} {
		content, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return fmt.Errorf("read the embedded files: %w", err)
		}
		get(e, file.path, func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
			h.Set("X-Content-Type-Options", "nosniff")
			return c.Blob(http.StatusOK, file.kind, content)
		})
	}
	return nil
}
