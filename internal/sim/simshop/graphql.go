package simshop

import (
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"

	"ringback/internal/shopify"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

//go:embed schema-2026-07.graphql
var schemaText2026July string

var (
	schema2026 = sync.OnceValue(func() *ast.Schema {
		return gqlparser.MustLoadSchema(&ast.Source{Name: "2026-01", Input: schemaText})
	})
	schema2026July = sync.OnceValue(func() *ast.Schema {
		return gqlparser.MustLoadSchema(&ast.Source{Name: "2026-07", Input: schemaText + schemaText2026July})
	})
	supported = []string{"2026-01", "2026-04", "2026-07", "2026-10"}
)

// largestCost is what one query may cost.
const largestCost = 1000

// graphql answers one request to the Admin API.
func (s *Shopify) graphql(w http.ResponseWriter, r *http.Request, shop *Shop, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(supported, version) {
		// Shopify serves the oldest supported version instead, and says so in the header only.
		version = supported[0]
	}
	w.Header().Set(shopify.HeaderAPIVersion, version)
	w.Header().Set("Content-Type", "application/json")
	if s.failing > 0 {
		s.failing--
		w.WriteHeader(s.failStatus)
		fmt.Fprint(w, `{"errors":"simulated failure"}`)
		return
	}
	t := s.authenticate(shop, r.Header.Get("X-Shopify-Access-Token"))
	if t == nil {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`)
		return
	}
	var body struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &body) != nil || body.Query == "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"errors":{"query":"Required parameter missing or invalid"}}`)
		return
	}
	_ = json.NewEncoder(w).Encode(s.answer(shop, t, version, body.Query, body.OperationName, body.Variables))
}

type gqlError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path,omitempty"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

func coded(code, message string, path ...any) gqlError {
	return gqlError{Message: message, Path: path, Extensions: map[string]any{"code": code}}
}

// answer checks and runs a query. The caller holds the lock.
func (s *Shopify) answer(shop *Shop, t *token, version, text, name string, given map[string]any) object {
	schema := schema2026()
	if version >= "2026-07" {
		schema = schema2026July()
	}
	query, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if len(errs) > 0 {
		return refusal(errs)
	}
	op := query.Operations.ForName(name)
	if op == nil {
		return object{"errors": []gqlError{coded("undefinedOperation", "No operation named "+name)}}
	}
	variables, err := validator.VariableValues(schema, op, given)
	if err != nil {
		return object{"errors": []gqlError{coded("INVALID_VARIABLE", err.Error())}}
	}
	x := &execution{shop: shop, token: t, variables: variables}
	cost := x.cost(op.SelectionSet)
	if op.Operation == ast.Mutation {
		cost = 10
	}
	if cost > largestCost {
		return object{
			"errors": []gqlError{coded("MAX_COST_EXCEEDED", fmt.Sprintf(
				"Query cost is %v, which exceeds the single query max cost limit (%d).", cost, largestCost))},
			"extensions": object{"cost": object{"requestedQueryCost": cost, "actualQueryCost": nil}},
		}
	}
	if !shop.spend(cost) {
		return object{
			"errors":     []gqlError{coded("THROTTLED", "Throttled")},
			"extensions": object{"cost": shop.costStatus(cost, nil)},
		}
	}
	data := x.root(op)
	// The points for objects that were not there are refunded.
	actual := min(x.objects, cost)
	if op.Operation == ast.Mutation {
		actual = cost
	}
	shop.points += cost - actual
	out := object{"data": data, "extensions": object{"cost": shop.costStatus(cost, actual)}}
	if len(x.errors) > 0 {
		out["errors"] = x.errors
	}
	return out
}

func refusal(errs gqlerror.List) object {
	var out []gqlError
	for _, e := range errs {
		out = append(out, coded("undefinedField", e.Message))
	}
	return object{"errors": out}
}

// refill adds the points that have accrued since the last call. The caller holds the lock.
func (p *Shop) refill() {
	now := p.sim.now()
	p.points = min(p.sim.cfg.Points, p.points+now.Sub(p.pointsAt).Seconds()*p.sim.cfg.Rate)
	p.pointsAt = now
}

func (p *Shop) spend(cost float64) bool {
	p.refill()
	if p.points < cost {
		return false
	}
	p.points -= cost
	return true
}

func (p *Shop) costStatus(requested float64, actual any) object {
	return object{
		"requestedQueryCost": requested, "actualQueryCost": actual,
		"throttleStatus": object{
			"maximumAvailable": p.sim.cfg.Points, "currentlyAvailable": math.Floor(p.points),
			"restoreRate": p.sim.cfg.Rate,
		},
	}
}

// DrainPoints uses up the shop's query points, as another part of the app would have.
func (p *Shop) DrainPoints() {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.refill()
	p.points = 0
}

// execution is one query being run.
type execution struct {
	shop      *Shop
	token     *token
	variables map[string]any
	errors    []gqlError
	// objects counts the returned objects, for the actual cost.
	objects float64
}

// cost is computed as Shopify does: 1 for an object; for a connection, 2 and its size times the cost of its items.
func (x *execution) cost(set ast.SelectionSet) float64 {
	sum := 0.0
	for _, sel := range set {
		switch f := sel.(type) {
		case *ast.FragmentSpread:
			sum += x.cost(f.Definition.SelectionSet)
		case *ast.InlineFragment:
			sum += x.cost(f.SelectionSet)
		case *ast.Field:
			switch {
			case len(f.SelectionSet) == 0 || f.Name == "pageInfo":
			case strings.HasSuffix(f.Definition.Type.Name(), "Connection"):
				first, _ := asInt(f.ArgumentMap(x.variables)["first"])
				sum += 2 + float64(first)*x.cost(f.SelectionSet)
			default:
				sum += 1 + x.cost(f.SelectionSet)
			}
		}
	}
	return sum
}

func asInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), true
	case json.Number:
		i, err := n.Int64()
		return int(i), err == nil
	}
	return 0, false
}

// root runs the fields of the operation.
func (x *execution) root(op *ast.OperationDefinition) object {
	out := object{}
	for _, f := range fields(op.SelectionSet, "") {
		path := []any{f.Alias}
		value, problem := x.resolve(f.Name, f.ArgumentMap(x.variables))
		if problem != nil {
			problem.Path = path
			x.errors = append(x.errors, *problem)
			out[f.Alias] = nil
			continue
		}
		out[f.Alias] = x.project(f, value, path)
	}
	return out
}

// fields flattens fragments; kind is the object's type, "" at the root.
func fields(set ast.SelectionSet, kind string) []*ast.Field {
	var out []*ast.Field
	for _, sel := range set {
		switch f := sel.(type) {
		case *ast.Field:
			out = append(out, f)
		case *ast.FragmentSpread:
			if applies(f.Definition.TypeCondition, kind) {
				out = append(out, fields(f.Definition.SelectionSet, kind)...)
			}
		case *ast.InlineFragment:
			if applies(f.TypeCondition, kind) {
				out = append(out, fields(f.SelectionSet, kind)...)
			}
		}
	}
	return out
}

func applies(condition, kind string) bool { return condition == "" || kind == "" || condition == kind }

// project picks the requested fields out of a value: an object, a list of objects, or a scalar.
func (x *execution) project(f *ast.Field, value any, path []any) any {
	switch v := value.(type) {
	case object:
		if v == nil {
			return nil
		}
		kind, _ := v["__typename"].(string)
		if kind == "Customer" && !slices.Contains(x.token.scopes, "read_customers") &&
			!slices.Contains(x.token.scopes, "write_customers") {
			x.errors = append(x.errors, coded("ACCESS_DENIED", "Access denied for customer field. Required access: "+
				"`read_customers` access scope.", path...))
			return nil
		}
		x.objects++
		out := object{}
		for _, inner := range fields(f.SelectionSet, kind) {
			if inner.Name == "__typename" {
				out[inner.Alias] = kind
				continue
			}
			out[inner.Alias] = x.project(inner, v[inner.Name], append(slices.Clone(path), inner.Alias))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = x.project(f, item, append(slices.Clone(path), i))
		}
		return out
	}
	return value
}
