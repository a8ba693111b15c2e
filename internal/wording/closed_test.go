package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEvent_EveryEventOfACartHasALabel(t *testing.T) {
	t.Parallel()
	names := eventNames(t)
	assert.Greater(t, len(names), 30)
	for _, name := range names {
		assert.Contains(t, events, name)
	}
}

// eventNames reads the names of all events from the source: what the Name methods return, and "call." with each kind of
// report.
func eventNames(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../cart/event.go", nil, 0)
	require.NoError(t, err)
	var names []string
	add := func(prefix string, value ast.Expr) {
		literal, is := value.(*ast.BasicLit)
		if !is {
			return
		}
		name, err := strconv.Unquote(literal.Value)
		require.NoError(t, err)
		names = append(names, prefix+name)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "Name" {
				add("", n.Body.List[0].(*ast.ReturnStmt).Results[0])
			}
		case *ast.ValueSpec:
			if typ, is := n.Type.(*ast.Ident); is && typ.Name == "ReportKind" {
				add("call.", n.Values[0])
			}
		}
		return true
	})
	return names
}

// step finds a rule's name in the policy's table of rules and in the calls that name a step of a trace.
var step = regexp.MustCompile(`\b(?:begin|note|eligible\w+)\("([a-z_.]+)"|^\t\{"([a-z_.]+)", \(\*decider\)`)

func TestRule_EveryRuleOfATraceHasALabel(t *testing.T) {
	t.Parallel()
	var found int
	for _, folder := range []string{"../policy", "../lifecycle"} {
		files, err := filepath.Glob(folder + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for line := range strings.SplitSeq(string(source), "\n") {
				for _, m := range step.FindAllStringSubmatch(line, -1) {
					assert.Contains(t, rules, m[1]+m[2], file)
					found++
				}
			}
		}
	}
	assert.Greater(t, found, 40)
}
