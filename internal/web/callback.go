package web

import (
	"errors"
	"net/http"

	"ringback/internal/jobs"

	"github.com/labstack/echo/v4"
)

// takeCallback takes in what a voice API tells of a call.
func (s *Server) takeCallback(c echo.Context) error {
	body, err := rawBody(c)
	if err != nil {
		return err
	}
	request := c.Request()
	ctx, cancel := takingIn(request)
	defer cancel()
	taken, err := s.engine.TakeCallback(ctx, c.Param("provider"), c.Param("token"), request.Header, body)
	if errors.Is(err, jobs.ErrUnsigned) {
		return newProblem(http.StatusUnauthorized, "signature", "Unauthorized", "No configured account has sent this: the address or the signature is wrong.")
	}
	if err != nil {
		return s.sendAgain(c, "callback not kept", err)
	}
	return answer(c, http.StatusOK, map[string]any{"taken": taken})
}
