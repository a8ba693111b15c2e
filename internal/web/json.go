package web

import (
	"encoding/json"

	"github.com/labstack/echo/v4"
)

// plainJSON writes JSON for programs: on one line, and without the escapes that only a page needs.
type plainJSON struct{ echo.DefaultJSONSerializer }

// Serialize implements echo.JSONSerializer.
func (plainJSON) Serialize(c echo.Context, v any, _ string) error {
	encoder := json.NewEncoder(c.Response())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
