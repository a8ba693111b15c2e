package config

import (
	"encoding"
	"reflect"
	"strings"
)

// What the tests outside the package need of its inside: they load files that name voice providers, which import this package.
var (
	Builtin      = builtin
	BuiltinStore = builtinStore
	TestEnv      = testEnv
)

// KeyPaths lists every key that a file may hold. List items are [], and names that are free to choose are *.
func KeyPaths(voice []Provider) []string { return keyPaths(reflect.TypeFor[document](), voice, "") }

// keyPaths lists every key that a type can be given.
func keyPaths(t reflect.Type, voice []Provider, path string) []string {
	switch {
	case t.Kind() == reflect.Pointer:
		return keyPaths(t.Elem(), voice, path)
	case t == secretsType, t == decimalType:
		return []string{path}
	case t.Kind() == reflect.Slice:
		return append([]string{path}, keyPaths(t.Elem(), voice, path+"[]")[1:]...)
	case t.Kind() == reflect.Map:
		return append([]string{path}, keyPaths(t.Elem(), voice, join(path, "*"))...)
	case t.Kind() == reflect.Struct:
		paths := []string{path}
		for _, f := range fieldsOf(t) {
			paths = append(paths, keyPaths(t.FieldByIndex(f.index).Type, voice, join(path, f.name))...)
		}
		if t == voiceType {
			for _, p := range voice {
				paths = append(paths, keyPaths(reflect.TypeOf(p.Settings()).Elem(), nil, path)[1:]...)
			}
		}
		_, leaf := reflect.New(t).Interface().(encoding.TextUnmarshaler)
		if len(paths) == 1 && !leaf {
			panic("no keys in " + t.String())
		}
		return paths
	}
	return []string{path}
}

// testEnv is the environment that the files in testdata see.
func testEnv(name string) (string, bool) {
	value, set := map[string]string{
		"TEST_KEY":     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		"TEST_OLD_KEY": strings.Repeat("0a", 32),
		"TEST_FOLDER":  "secrets",
		"TEST_TOKEN":   "tok",
		"TEST_PORT":    "9999",
		"TEST_EMPTY":   "",
		"TEST_NESTED":  "${TEST_KEY}",
	}[name]
	return value, set
}
