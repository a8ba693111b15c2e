package intake

import (
	"errors"
	"io"
	"net/http"

	"ringback/internal/engine"
	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// maxCallback is the largest callback that is read, in bytes.
const maxCallback = 1 << 20

// callback receives a voice API's report on a call.
func (i *Intake) callback(c echo.Context) error {
	received, err := i.readBody(c, maxCallback, io.Discard)
	if err != nil {
		return err
	}
	defer received.release()
	content, err := received.bytes()
	if err != nil {
		return SendAgain(c)
	}
	r := c.Request()
	ctx, cancel := storing(r)
	defer cancel()
	taken, err := i.engine.TakeCallback(ctx, c.Param("provider"), c.Param("token"), r.Header, content)
	if errors.Is(err, engine.ErrUnsigned) {
		return problem.New(http.StatusUnauthorized, "signature", "Unauthorized",
			"No configured account has sent this: the address or the signature is wrong.")
	}
	if err != nil {
		return i.notStored(c, "callback not kept", err)
	}
	return c.JSON(http.StatusOK, map[string]any{"taken": taken})
}
