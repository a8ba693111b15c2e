package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxExpanded bounds the number of nodes after aliases are followed, so that a few lines of nested aliases cannot
// fill the memory. Ten thousand stores of a hundred keys each stay below it.
const maxExpanded = 4_000_000

// syntaxLine finds the line in the parser's message, which tells no column.
var syntaxLine = regexp.MustCompile(`^yaml: line (\d+): `)

// parseTree reads the one YAML document of a file and returns nil when there is none. It reports what is wrong with
// the form of the file: syntax, a second document, duplicate keys, tags, aliases that contain themselves.
func parseTree(text []byte, found *findings) *yaml.Node {
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			found.problem(syntaxProblem(err))
		}
		return nil
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		found.problem(place{line: second.Line, column: max(second.Column, 1)},
			"a second YAML document begins here; keep everything in one, without ---")
	} else if !errors.Is(err, io.EOF) {
		found.problem(syntaxProblem(err))
	}
	if len(document.Content) == 0 {
		return nil
	}
	c := cleaner{found: found, sizes: map[*yaml.Node]int{}}
	root, size := c.clean(document.Content[0], "")
	if size > maxExpanded {
		found.problem(place{line: root.Line, column: root.Column}, "the aliases (*name) of this file expand to too "+
			"much; write values out or use defaults")
		return nil
	}
	return root
}

func syntaxProblem(err error) (place, string) {
	message := err.Error()
	line := 1
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			line = max(n, 1)
		}
		message = message[len(m[0]):]
	}
	message = strings.TrimPrefix(message, "yaml: ")
	if strings.Contains(message, "cannot start any token") {
		message += " (YAML is indented with spaces, never tabs; a value that begins with @, % or ` needs quotes)"
	}
	return place{line: line, column: 1}, "not readable as YAML: " + message
}

// cleaner simplifies a tree: it follows aliases, merges merge keys (<<), and reports keys that occur twice.
type cleaner struct {
	found *findings
	// sizes holds the expanded size of every node that was cleaned; open is the size of one that is still being
	// cleaned.
	sizes map[*yaml.Node]int
}

const open = -1

func (c *cleaner) problem(at *yaml.Node, path, message string) {
	c.found.problem(place{at.Line, at.Column, path}, message)
}

// clean returns the simplified form of n and its expanded size.
func (c *cleaner) clean(n *yaml.Node, path string) (*yaml.Node, int) {
	if n.Kind == yaml.AliasNode {
		if c.sizes[n.Alias] == open {
			c.problem(n, path, fmt.Sprintf("*%s stands inside &%s itself; write the value out", n.Value, n.Value))
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}, 1
		}
		n = n.Alias
	}
	if size, done := c.sizes[n]; done {
		return n, size
	}
	c.sizes[n] = open
	size := 1
	if n.Style&yaml.TaggedStyle != 0 {
		c.problem(n, path, fmt.Sprintf("the tag %s is not needed here; leave it out", n.Tag))
	}
	switch n.Kind {
	case yaml.MappingNode:
		size += c.cleanMapping(n, path)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			cleaned, itemSize := c.clean(item, fmt.Sprintf("%s[%d]", path, i))
			n.Content[i] = cleaned
			size = min(size+itemSize, maxExpanded+1)
		}
	}
	c.sizes[n] = size
	return n, size
}

func (c *cleaner) cleanMapping(n *yaml.Node, path string) (size int) {
	var content, merges []*yaml.Node
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			c.problem(n.Content[i], path, "a key must be a plain word, not a list or a mapping")
			continue
		}
		if key.Tag == "!!merge" {
			value, valueSize := c.clean(n.Content[i+1], join(path, "<<"))
			size = min(size+valueSize, maxExpanded)
			merges = append(merges, c.mergeSources(value, join(path, "<<"))...)
			continue
		}
		if line, twice := lines[key.Value]; twice {
			c.problem(key, join(path, key.Value), fmt.Sprintf("this key stands twice; the first is on line %d", line))
			continue
		}
		lines[key.Value] = key.Line
		value, valueSize := c.clean(n.Content[i+1], join(path, key.Value))
		size = min(size+valueSize+1, maxExpanded+1)
		content = append(content, key, value)
	}
	for _, source := range merges {
		for i := 0; i+1 < len(source.Content); i += 2 {
			key := source.Content[i].Value
			if _, own := lines[key]; !own {
				lines[key] = source.Content[i].Line
				content = append(content, source.Content[i], source.Content[i+1])
			}
		}
	}
	n.Content = content
	return size
}

// mergeSources returns the mappings that a merge key names: one, or a list in which the earlier ones win.
func (c *cleaner) mergeSources(value *yaml.Node, path string) []*yaml.Node {
	sources := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		sources = value.Content
	}
	for _, source := range sources {
		if source.Kind != yaml.MappingNode {
			c.problem(value, path, "<< takes an alias of a mapping, such as *base, or a list of them")
			return nil
		}
	}
	return sources
}

// merge puts own over base. Mappings are merged key by key; any other value of own replaces that of base. Neither
// tree is changed.
func merge(base, own *yaml.Node) *yaml.Node {
	switch {
	case base == nil:
		return own
	case own == nil, isNull(own) && base.Kind == yaml.MappingNode:
		return base
	case base.Kind != yaml.MappingNode || own.Kind != yaml.MappingNode:
		return own
	}
	merged := *own
	merged.Content = make([]*yaml.Node, 0, len(base.Content)+len(own.Content))
	for i := 0; i+1 < len(own.Content); i += 2 {
		key, value := own.Content[i], own.Content[i+1]
		_, under := child(base, key.Value)
		merged.Content = append(merged.Content, key, merge(under, value))
	}
	for i := 0; i+1 < len(base.Content); i += 2 {
		if key, _ := child(own, base.Content[i].Value); key == nil {
			merged.Content = append(merged.Content, base.Content[i], base.Content[i+1])
		}
	}
	return &merged
}

// child returns a mapping's key and value by name, or nils.
func child(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// isNull reports whether n is a key without a value, or an explicit null.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// join adds a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
