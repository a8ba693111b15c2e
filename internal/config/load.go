package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Option changes how a file is checked.
type Option func(*loader)

// ToOnboard accepts that a store lacks the keys that `ringback onboard` is about to make, such as voice.workspace and
// voice.assistant.
func ToOnboard(domain string) Option {
	return func(l *loader) { l.onboarding = strings.ToLower(domain) }
}

// Load reads and checks the configuration file at path. env looks up environment variables (os.LookupEnv); voice
// lists the voice APIs that stores may use. Everything that is wrong with the file's content is found in one run and
// returned as an *Error. Warnings are returned with and without an error.
func Load(
	path string, env func(string) (string, bool), voice []Provider, options ...Option,
) (*Config, []Warning, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return Parse(path, text, env, voice, options...)
}

// Parse is Load for a text that is already in memory. Messages name it by path, and its file: paths begin at path's
// folder.
func Parse(
	path string, text []byte, env func(string) (string, bool), voice []Provider, options ...Option,
) (*Config, []Warning, error) {
	l := loader{
		providers: voice,
		sources:   sources{env: env, dir: filepath.Dir(path)},
		found:     newFindings(path),
		config:    builtin(),
		stores:    map[string]*scope{},
	}
	for _, o := range options {
		o(&l)
	}
	root := parseTree(text, l.found)
	if len(l.found.problems) == 0 || root != nil {
		l.read(root)
		l.check()
	}
	if err := l.found.err(); err != nil {
		return nil, l.found.warned(), err
	}
	return &l.config, l.found.warned(), nil
}

// document is the content of a file: the configuration, and the defaults that are merged under its stores.
type document struct {
	Config   `yaml:",inline"`
	Defaults Store `yaml:"defaults"`
}

// loader holds the state of one run.
type loader struct {
	sources
	providers providers

	found  *findings
	config Config
	// onboarding is the store that is about to be onboarded, "" for none.
	onboarding string
	// file is the scope of everything outside stores and defaults.
	file *scope
	// defaults and its scope are nil when the file has none.
	defaults      *Store
	defaultsScope *scope
	// stores are the scopes of Config.Stores.
	stores map[string]*scope
}

// read decodes the tree: first the file's own parts, then the defaults alone, then each store merged over the
// defaults.
func (l *loader) read(root *yaml.Node) {
	l.file = &scope{found: l.found, own: root}
	if root == nil {
		return
	}
	defaultsKey, defaults := child(root, "defaults")
	storesKey, stores := child(root, "stores")
	shared := document{Config: builtin()}
	l.decode(l.file, without(root, "defaults", "stores"), &shared)
	l.config = shared.Config

	if defaultsKey != nil {
		l.defaultsScope = &scope{found: l.found, prefix: "defaults", key: defaultsKey, own: defaults}
		store := builtinStore()
		l.defaults = &store
		l.decode(l.defaultsScope, defaults, l.defaults)
	}
	switch {
	case storesKey == nil || isNull(stores):
	case stores.Kind != yaml.MappingNode:
		l.file.unreadable("stores", wrongForm(stores, "a mapping of myshopify.com domains to stores"))
	default:
		for i := 0; i+1 < len(stores.Content); i += 2 {
			l.readStore(stores.Content[i], stores.Content[i+1], defaults)
		}
	}
}

func (l *loader) readStore(key, own, defaults *yaml.Node) {
	domain := strings.ToLower(key.Value)
	s := &scope{found: l.found, prefix: join("stores", key.Value), key: key, own: own}
	if first, twice := l.stores[domain]; twice {
		l.found.problem(place{key.Line, key.Column, s.prefix},
			fmt.Sprintf("this store stands twice, in other letters; the first is on line %d", first.key.Line))
		return
	}
	l.stores[domain] = s
	if problem := domainProblem(domain); problem != "" {
		l.found.problem(place{key.Line, key.Column, s.prefix}, problem)
	}
	tree := merge(defaults, own)
	if defaults != nil {
		s.merged = tree
	}
	store := builtinStore()
	l.decode(s, tree, &store)
	l.config.Stores[domain] = store
}

func (l *loader) decode(s *scope, tree *yaml.Node, into any) {
	d := decoder{sources: l.sources, providers: l.providers, scope: s}
	d.value(tree, reflect.ValueOf(into).Elem(), "", false)
}

// domains gives the configured shops in order.
func (l *loader) domains() []string {
	return slices.Sorted(maps.Keys(l.config.Stores))
}

// without returns a mapping without some of its keys. Anything but a mapping is returned unchanged.
func without(n *yaml.Node, names ...string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return n
	}
	rest := *n
	rest.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(names, n.Content[i].Value) {
			rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &rest
}
