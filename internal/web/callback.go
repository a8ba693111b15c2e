package web

import (
	"errors"
	"io"
	"net/http"

	"ringback/internal/engine"
	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// maxCallback is the largest callback taken in, in bytes.
const maxCallback = 1 << 20

// takeCallback takes in what a voice API tells of a call.
func (s *Server) takeCallback(c echo.Context) error {
	incoming, err := s.readBody(c, maxCallback, io.Discard)
	if err != nil {
		return err
	}
	defer incoming.release()
	body, err := incoming.bytes()
	if err != nil {
		return notKept(c)
	}
	r := c.Request()
	ctx, cancel := takingIn(r)
	defer cancel()
	taken, err := s.engine.TakeCallback(ctx, c.Param("provider"), c.Param("token"), r.Header, body)
	if errors.Is(err, engine.ErrUnsigned) {
		return problem.New(http.StatusUnauthorized, "signature", "Unauthorized", "No configured account has sent this: the address or the signature is wrong.")
	}
	if err != nil {
		return s.sendAgain(c, "callback not kept", err)
	}
	return c.JSON(http.StatusOK, map[string]any{"taken": taken})
}
