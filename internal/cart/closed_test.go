package cart_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What loops over a closed list must see every member. Switches over one are held by the linter.
func TestLists_HoldEveryConstantOfTheirType(t *testing.T) {
	t.Parallel()
	declared := constants(t)
	assert.Equal(t, declared["Reason"], asTexts(cart.Reasons()))
	assert.Equal(t, declared["State"], asTexts(cart.States()))
	for _, s := range cart.States() {
		assert.True(t, s.Valid(), s)
	}
	for _, r := range cart.Reasons() {
		assert.True(t, r.Valid(), r)
	}
	assert.False(t, cart.State("").Valid())
	assert.False(t, cart.Reason("").Valid())
}

func asTexts[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}

// constants returns the constants of the package by their type, in the order of the source.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := map[string][]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			gen, is := d.(*ast.GenDecl)
			if !is || gen.Tok != token.CONST {
				continue
			}
			for _, s := range gen.Specs {
				spec := s.(*ast.ValueSpec)
				typ, typed := spec.Type.(*ast.Ident)
				if !typed {
					continue
				}
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				found[typ.Name] = append(found[typ.Name], value)
			}
		}
	}
	return found
}
