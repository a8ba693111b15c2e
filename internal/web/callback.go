package web

import (
	"errors"
	"io"
	"net/http"

	"ringback/internal/engine"

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
	request := c.Request()
	ctx, cancel := takingIn(request)
	defer cancel()
	taken, err := s.engine.TakeCallback(ctx, c.Param("provider"), c.Param("token"), request.Header, body)
	if errors.Is(err, engine.ErrUnsigned) {
		return newProblem(http.StatusUnauthorized, "signature", "Unauthorized", "No configured account has sent this: the address or the signature is wrong.")
	}
	if err != nil {
		return s.sendAgain(c, "callback not kept", err)
	}
	return answer(c, http.StatusOK, map[string]any{"taken": taken})
}
