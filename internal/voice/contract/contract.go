// Package contract holds the published APIs of the voice providers as schemas. The simulated provider refuses
// requests that do not follow them, and the tests of the clients check requests against them.
package contract

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

//go:embed *.yaml
var files embed.FS

// Document is one provider's published API.
type Document struct {
	doc     *openapi3.T
	options []openapi3.SchemaValidationOption
}

// Load reads the document of a provider: mirai, miraiadmin or mihu; miraionboarding is the part of Mirai that comes
// before the first call.
func Load(provider string) (*Document, error) {
	raw, err := files.ReadFile(provider + ".openapi.yaml")
	if err != nil {
		return nil, fmt.Errorf("no published API of %q", provider)
	}
	return Parse(provider+".openapi.yaml", raw)
}

// Parse reads an OpenAPI document. The name is for messages.
func Parse(name string, raw []byte) (*Document, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Document{doc: doc, options: []openapi3.SchemaValidationOption{
		openapi3.VisitAsRequest(),
		openapi3.EnableFormatValidation(),
		openapi3.WithStringFormatValidator("uri", openapi3.NewCallbackValidator(isURI)),
		openapi3.WithStringFormatValidator("email", openapi3.NewCallbackValidator(isEmail)),
		openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate)),
	}}, nil
}

func isURI(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if !u.IsAbs() || u.Host == "" || strings.ContainsAny(text, " \"<>\\^`{|}") {
		return errors.New("not an absolute URI")
	}
	return nil
}

func isEmail(text string) error {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return err
	}
	if a.Address != text || strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
		return errors.New("not a bare address")
	}
	return nil
}

// Request checks a request's path, method, headers and body.
func (d *Document) Request(r *http.Request, body []byte) error {
	op, params := d.operation(r.Method, r.URL.EscapedPath())
	if op == nil {
		return fmt.Errorf("%s %s is not published", r.Method, r.URL.EscapedPath())
	}
	for _, ref := range op.Parameters {
		p := ref.Value
		value := params[p.Name]
		if p.In == openapi3.ParameterInHeader {
			value = r.Header.Get(p.Name)
		}
		if value == "" && p.Required {
			return fmt.Errorf("%s %s: missing", p.In, p.Name)
		}
		if err := p.Schema.Value.VisitJSON(value, d.options...); err != nil {
			return fmt.Errorf("%s %s: %w", p.In, p.Name, err)
		}
	}
	if op.RequestBody == nil {
		return nil
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		return fmt.Errorf("header Content-Type: %q, not application/json", got)
	}
	return d.visit(op.RequestBody.Value.Content["application/json"].Schema, body)
}

// operation finds the operation for a path, and the values of the path's parameters.
func (d *Document) operation(method, path string) (*openapi3.Operation, map[string]string) {
	// A path without parameters goes before one with them.
	for _, exact := range []bool{true, false} {
		for pattern, item := range d.doc.Paths.Map() {
			if params, ok := match(pattern, path); ok && exact == (len(params) == 0) {
				if op := item.GetOperation(method); op != nil {
					return op, params
				}
			}
		}
	}
	return nil, nil
}

func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, part := range want {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = got[i]
		} else if part != got[i] {
			return nil, false
		}
	}
	return params, true
}

// Schema checks a JSON value against one of the document's named schemas.
func (d *Document) Schema(name string, body []byte) error {
	ref := d.doc.Components.Schemas[name]
	if ref == nil {
		return fmt.Errorf("no schema %q", name)
	}
	return d.visit(ref, body)
}

func (d *Document) visit(ref *openapi3.SchemaRef, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return ref.Value.VisitJSON(v, d.options...)
}
