package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	// File is the file's path as it was given to Load.
	File string
	// Line and Column count from 1.
	Line, Column int
	// Path names the key from the top, such as "stores.acme.myshopify.com.policy.delay"; empty for the file as a whole.
	Path string
	// Message names the value and the fix. It never holds a secret.
	Message string
}

// String gives "file:line:col: path: message", the form that editors jump to.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Path, p.Message)
}

// Warning is something that is permitted and probably not meant. It has the form of a Problem.
type Warning Problem

// String gives "file:line:col: path: warning: message".
func (w Warning) String() string {
	p := Problem(w)
	p.Message = "warning: " + p.Message
	return p.String()
}

// Error holds every problem found in one run, in the file's order.
type Error struct {
	Problems []Problem
}

// Error gives one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// findings collects problems and warnings. The same finding is kept once, however many stores run into it.
type findings struct {
	file     string
	seen     map[Problem]bool
	problems []Problem
	warnings []Problem
}

func newFindings(file string) *findings {
	return &findings{file: file, seen: map[Problem]bool{}}
}

func (f *findings) problem(at place, message string) {
	f.add(&f.problems, at, message)
}

func (f *findings) warn(at place, message string) {
	f.add(&f.warnings, at, message)
}

func (f *findings) add(to *[]Problem, at place, message string) {
	p := Problem{File: f.file, Line: at.line, Column: at.column, Path: at.path, Message: message}
	if f.seen[p] {
		return
	}
	f.seen[p] = true
	*to = append(*to, p)
}

// err returns what was found as an *Error, or nil.
func (f *findings) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	return &Error{Problems: sorted(f.problems)}
}

func (f *findings) warned() []Warning {
	warnings := make([]Warning, 0, len(f.warnings))
	for _, p := range sorted(f.warnings) {
		warnings = append(warnings, Warning(p))
	}
	return warnings
}

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return problems
}
