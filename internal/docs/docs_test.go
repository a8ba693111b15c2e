// Package docs_test checks that what the documents name exists.
package docs_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(content)
}

// sources parses the Go files of the program, tests or the rest, and gives each to see.
func sources(t *testing.T, tests bool, see func(*ast.File)) {
	t.Helper()
	for _, folder := range []string{"cmd", "internal"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") != tests {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				see(file)
			}
			return err
		}))
	}
}

// documents are the texts that people read.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			texts[name] = read(t, name)
		}
	}
	require.Greater(t, len(texts), 10)
	return texts
}

var metricName = regexp.MustCompile(`^ringback_[a-z_]+[a-z]$`)

// metrics are the names of the program's metrics: the strings in the places where a metric's name stands.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	note := func(e ast.Expr) {
		literal, is := e.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return
		}
		if name, err := strconv.Unquote(literal.Value); err == nil && metricName.MatchString(name) {
			names[name] = true
		}
	}
	sources(t, false, func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, is := n.Key.(*ast.Ident); is && key.Name == "Name" {
					note(n.Value)
				}
			case *ast.CallExpr:
				if len(n.Args) > 1 {
					note(n.Args[0])
				}
			}
			return true
		})
	})
	require.Greater(t, len(names), 20)
	return names
}

var (
	mentioned = regexp.MustCompile(`\bringback_[a-z_]+[a-z]\b`)
	suffix    = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// used are the metrics that a text names.
func used(text string) map[string]bool {
	names := map[string]bool{}
	for _, name := range mentioned.FindAllString(text, -1) {
		names[suffix.ReplaceAllString(name, "")] = true
	}
	return names
}

func TestMetrics_AreAllDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(ringback_[a-z_]+)` \\|")
	for _, row := range row.FindAllStringSubmatch(read(t, "docs/monitoring.md"), -1) {
		documented[row[1]] = true
	}
	assert.Equal(t, slices.Sorted(maps.Keys(metrics(t))), slices.Sorted(maps.Keys(documented)))
}

func TestRules_NameMetricsAndHaveRunbooks(t *testing.T) {
	t.Parallel()
	known := metrics(t)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Expr        string
				Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/ringback.rules.yml")), &file))
	runbook := read(t, "docs/monitoring.md")
	count := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			count++
			for name := range used(rule.Expr) {
				assert.Contains(t, known, name, rule.Alert)
			}
			assert.Contains(t, runbook, "\n### "+rule.Alert+"\n")
			assert.Equal(t, "docs/monitoring.md#"+strings.ToLower(rule.Alert), rule.Annotations["runbook"])
		}
	}
	assert.Equal(t, count, strings.Count(runbook, "\n### "), "every entry of the runbook belongs to a rule")
}

func TestDashboard_NamesMetrics(t *testing.T) {
	t.Parallel()
	known := metrics(t)
	text := read(t, "deploy/grafana/ringback.json")
	require.True(t, json.Valid([]byte(text)))
	names := used(text)
	require.Greater(t, len(names), 10)
	for name := range names {
		assert.Contains(t, known, name)
	}
}

func TestDocuments_NameTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	sources(t, true, func(file *ast.File) {
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	})
	named := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(read(t, "docs/security.md"), -1)
	require.Greater(t, len(named), 20)
	for _, name := range named {
		assert.Contains(t, tests, name[1])
	}
}

func TestDocuments_LinkToFilesThatExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for name, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1]))
			assert.NoError(t, err, "%s links to %s", name, m[1])
		}
	}
}

// The commands of the tool that a text shows must be ones that it has.
func TestDocuments_NameCommandsThatExist(t *testing.T) {
	t.Parallel()
	commands := map[string]bool{}
	entry := regexp.MustCompile(`(?m)^\t*\{?"([a-z]+)",`)
	for _, m := range entry.FindAllStringSubmatch(read(t, "cmd/ringback/main.go"), -1) {
		commands[m[1]] = true
	}
	require.Greater(t, len(commands), 5)
	shown := regexp.MustCompile("(?m)(?:^|`|/)ringback ([a-z]+)\\b")
	for name, text := range documents(t) {
		for _, m := range shown.FindAllStringSubmatch(text, -1) {
			assert.Contains(t, commands, m[1], name)
		}
	}
}

// The routes that a text shows after a method must be ones that the server has.
func TestDocuments_NameRoutesThatExist(t *testing.T) {
	t.Parallel()
	var known strings.Builder
	sources(t, false, func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING && strings.Contains(literal.Value, "/") {
				known.WriteString(literal.Value + "\n")
			}
			return true
		})
	})
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	shown := regexp.MustCompile("`(?:GET|POST|DELETE) (?:/api/v1)?(/[a-z/{}.]+)")
	for name, text := range documents(t) {
		for _, m := range shown.FindAllStringSubmatch(text, -1) {
			path := parameter.ReplaceAllStringFunc(strings.TrimSuffix(m[1], "/"), func(p string) string {
				return ":" + strings.Trim(p, "{}")
			})
			assert.Contains(t, known.String(), strings.TrimPrefix(path, "/webhooks"), "%s names %s", name, m[1])
		}
	}
}
