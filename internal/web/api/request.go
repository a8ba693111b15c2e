package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"ringback/internal/web/param"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// readBody decodes a request's JSON body strictly: an unknown field, a wrong type or anything after the object is
// refused.
func readBody(c echo.Context, into any) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationJSON {
		return problem.New(http.StatusUnsupportedMediaType, "", "Unsupported Media Type",
			"Send a JSON object with Content-Type: application/json.")
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return unreadable(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return badBody(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return invalidBody("Something follows the JSON object; send the object alone.")
	}
	return nil
}

// unreadable is the answer to a body that is too large or broke off.
func unreadable(err error) error {
	var status *echo.HTTPError
	var tooLarge *http.MaxBytesError
	if errors.As(err, &status) || errors.As(err, &tooLarge) {
		return err
	}
	return invalidBody("The body broke off before its end; send it again.")
}

// badBody says what is wrong with a body without repeating it: it may hold personal data.
func badBody(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return problem.Invalid(problem.Field{
			Field: wrongType.Field, Fix: fmt.Sprintf("write a %s in place of the %s", wrongType.Type, wrongType.Value),
		})
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return problem.Invalid(problem.Field{Field: strings.Trim(name, `"`), Fix: "leave it out; it is not known"})
	}
	return invalidBody(`The body is not a JSON object; send one such as {"shop": "acme.myshopify.com"}.`)
}

// onlyID reads the id in the path of a request that takes no parameters.
func onlyID(c echo.Context) (uuid.UUID, error) {
	if err := param.ReadQuery(c).Err(); err != nil {
		return uuid.Nil, err
	}
	return param.ID(c)
}

func invalidBody(detail string) error {
	return problem.New(http.StatusBadRequest, "invalid-body", "Invalid body", detail)
}
