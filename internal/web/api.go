package web

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"ringback/internal/secret"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// apiHeaders keeps what the API answers out of caches: it holds personal data.
func apiHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// bearer lets requests through that carry the configured API token (RFC 6750).
func (s *Server) bearer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := s.config.Security.APIToken
		if !token.Set() {
			return newProblem(http.StatusForbidden, "api-closed", "The API is closed", "No token is configured: set security.api_token, restart the server, and send the token as Authorization: Bearer.")
		}
		scheme, given, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") || given == "" {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="ringback"`)
			return newProblem(http.StatusUnauthorized, "token-missing", "Unauthorized", "Send the header Authorization: Bearer <the configured security.api_token>.")
		}
		if !same(token, given) {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="ringback", error="invalid_token"`)
			return newProblem(http.StatusUnauthorized, "token-wrong", "Unauthorized", "The token is not the configured security.api_token.")
		}
		return next(c)
	}
}

// same compares in a time that tells nothing of the secret, its length included.
func same(ours secret.Secret, given string) bool {
	want, got := sha256.Sum256([]byte(ours.Reveal())), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// answer writes v as JSON.
func answer(c echo.Context, status int, v any) error {
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	c.Response().WriteHeader(status)
	encoder := json.NewEncoder(c.Response())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// readBody decodes a request's JSON body strictly: an unknown field, a wrong type or anything after the object is refused.
func readBody(c echo.Context, into any) error {
	if kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err != nil || kind != echo.MIMEApplicationJSON {
		return newProblem(http.StatusUnsupportedMediaType, "", "Unsupported Media Type", "Send a JSON object with Content-Type: application/json.")
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
		return newProblem(http.StatusBadRequest, "invalid-body", "Invalid body", "Something follows the JSON object; send the object alone.")
	}
	return nil
}

// unreadable tells a body that is too large from one that broke off.
func unreadable(err error) error {
	var status *echo.HTTPError
	var tooLarge *http.MaxBytesError
	if errors.As(err, &status) || errors.As(err, &tooLarge) {
		return err
	}
	return newProblem(http.StatusBadRequest, "invalid-body", "Invalid body", "The body broke off before its end; send it again.")
}

// badBody says what is wrong with a body without repeating it: it may hold personal data.
func badBody(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return invalid([]fieldProblem{{Field: wrongType.Field, Fix: fmt.Sprintf("write a %s in place of the %s", wrongType.Type, wrongType.Value)}})
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid([]fieldProblem{{Field: strings.Trim(name, `"`), Fix: "leave it out; it is not known"}})
	}
	return newProblem(http.StatusBadRequest, "invalid-body", "Invalid body", "The body is not a JSON object; send one such as {\"shop\": \"acme.myshopify.com\"}.")
}

// pathID reads the id in a request's path. What is no id names nothing: 404.
func pathID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return uuid.Nil, newProblem(http.StatusNotFound, "", "Not Found", "There is nothing with this id.")
	}
	return id, nil
}

// orNull gives nil for the zero value: absent values are null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
