// Package static serves the embedded files that pages need.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"

	"ringback/internal/route"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

//go:embed style.css icon.svg merchant.js
var files embed.FS

// A file's address changes with its content, so that browsers may cache it for ever.
type file struct {
	// Path is the file's address.
	Path    string
	kind    string
	content []byte
}

// The files.
var (
	Style = newFile("style.css", "text/css; charset=utf-8")
	Icon  = newFile("icon.svg", "image/svg+xml")
	// Merchant is the script of the merchant's page.
	Merchant = newFile("merchant.js", "text/javascript; charset=utf-8")
)

func newFile(name, kind string) file {
	// The file is embedded: it cannot be missing.
	content, _ := files.ReadFile(name)
	sum := sha256.Sum256(content)
	return file{Path: route.Static + hex.EncodeToString(sum[:6]) + "/" + name, kind: kind, content: content}
}

// Route adds the addresses of the files. They are open to everybody: the login page needs them too.
func Route(e *echo.Echo) {
	for _, f := range []file{Style, Icon, Merchant} {
		e.Match(request.Reading(), f.Path, func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
			h.Set("X-Content-Type-Options", "nosniff")
			return c.Blob(http.StatusOK, f.kind, f.content)
		})
	}
}
