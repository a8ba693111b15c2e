package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is a position in the file.
type place struct {
	line, column int
	path         string
}

// scope is a part of the file that is decoded as one value: the whole file, the defaults, or one store merged over
// the defaults. It turns paths relative to that part into places.
type scope struct {
	found *findings
	// prefix is the part's own path: "", "defaults" or "stores.<domain>".
	prefix string
	// key is where the part begins; nil for the file itself.
	key *yaml.Node
	// own is what the file says here.
	own *yaml.Node
	// merged is own with the defaults under it; nil where there are none. A key of merged that own lacks comes from
	// the defaults.
	merged *yaml.Node
	// failed holds the relative paths whose value could not be read. Nothing more is reported about them.
	failed []string
}

// at returns the place of the value at a relative path, or of its key when atKey is set. A value that comes from the
// defaults is placed there. When the file lacks the path, the place is that of the nearest key around it.
func (s *scope) at(path string, atKey bool) place {
	key, value, exact := find(s.own, path)
	full := s.full(path)
	if !exact {
		if sharedKey, sharedValue, shared := find(s.merged, path); shared {
			key, value, exact, full = sharedKey, sharedValue, true, join("defaults", path)
		}
	}
	switch {
	case exact && value != nil && !atKey && !isNull(value):
		return place{value.Line, value.Column, full}
	case key != nil:
		return place{key.Line, key.Column, full}
	case s.key != nil:
		return place{s.key.Line, s.key.Column, full}
	case s.own != nil:
		return place{s.own.Line, s.own.Column, full}
	}
	return place{1, 1, full}
}

// ownPlace is at, but never places a value in the defaults: the problem is this store's, not that of all stores.
func (s *scope) ownPlace(path string) place {
	alone := *s
	alone.merged = nil
	return alone.at(path, false)
}

func (s *scope) full(path string) string {
	switch {
	case path == "":
		return s.prefix
	case strings.HasPrefix(path, "["):
		return s.prefix + path
	}
	return join(s.prefix, path)
}

// unreadable reports a value that cannot be read at all.
func (s *scope) unreadable(path, message string) {
	s.failed = append(s.failed, path)
	s.found.problem(s.at(path, false), message)
}

// unknown reports a key that may not stand here.
func (s *scope) unknown(path, message string) {
	s.found.problem(s.at(path, true), message)
}

// unknownKey reports a key that its mapping does not have. known are the keys that it has; home is the path at which
// the key belongs, or "".
func (s *scope) unknownKey(path, name string, known []string, home string) {
	switch meant := nearest(name, known); {
	case home != "":
		s.unknown(path, fmt.Sprintf("unknown key; it belongs further in, as %s", home))
	case meant != "":
		// The misspelt key was meant as this one, which is therefore not missing.
		s.failed = append(s.failed, strings.TrimSuffix(path, name)+meant)
		s.unknown(path, fmt.Sprintf("unknown key; did you mean %q?", meant))
	default:
		s.unknown(path, "unknown key; the keys here are "+strings.Join(known, ", "))
	}
}

// problem reports a value that is wrong or missing.
func (s *scope) problem(path, message string) {
	if !s.saidAlready(path) {
		s.found.problem(s.at(path, false), message)
	}
}

// ownProblem is problem, but never places it in the defaults: it is about this store alone.
func (s *scope) ownProblem(path, message string) {
	if !s.saidAlready(path) {
		s.found.problem(s.ownPlace(path), message)
	}
}

func (s *scope) warn(path, message string) {
	if !s.saidAlready(path) {
		s.found.warn(s.at(path, false), message)
	}
}

// saidAlready reports whether path, a part of it or something around it could not be read.
func (s *scope) saidAlready(path string) bool {
	for _, failed := range s.failed {
		if within(path, failed) || within(failed, path) {
			return true
		}
	}
	return false
}

// within reports whether path is outer or a part of it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// find follows a path such as "windows[0].from" and returns the key and value at its end. When the tree lacks the
// path, exact is false and key is the last one found. Keys may contain dots: the longest key that matches is taken.
func find(n *yaml.Node, path string) (key, value *yaml.Node, exact bool) {
	for n != nil && path != "" {
		path = strings.TrimPrefix(path, ".")
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			var name string
			for i := 0; i+1 < len(n.Content); i += 2 {
				candidate := n.Content[i].Value
				if candidate != "" && within(path, candidate) && len(candidate) > len(name) {
					name, key, next = candidate, n.Content[i], n.Content[i+1]
				}
			}
			path = path[len(name):]
		case yaml.SequenceNode:
			end := strings.IndexByte(path, ']')
			if !strings.HasPrefix(path, "[") || end < 0 {
				return key, nil, false
			}
			i, err := strconv.Atoi(path[1:end])
			if err != nil || i < 0 || i >= len(n.Content) {
				return key, nil, false
			}
			key, next, path = n.Content[i], n.Content[i], path[end+1:]
		}
		if next == nil {
			return key, nil, false
		}
		n = next
	}
	return key, n, n != nil
}
