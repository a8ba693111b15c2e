package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// filePrefix marks a value that is read from a file.
const filePrefix = "file:"

// maxSecretFile is the largest size of a secret file, in bytes. A larger file is surely the wrong one.
const maxSecretFile = 64 << 10

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// sources is where values may come from besides the file itself.
type sources struct {
	// env looks an environment variable up.
	env func(string) (string, bool)
	// dir is the folder that file: paths are relative to.
	dir string
}

// expand replaces ${NAME} and ${NAME:-fallback} by the environment's values, and $${ by ${. An empty variable counts
// as set for ${NAME}; ${NAME:-fallback} then takes the fallback, as a shell does. The values themselves are not
// expanded.
func (s sources) expand(text string) (string, error) {
	var out strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		if i > 0 && text[i-1] == '$' {
			out.WriteString(text[:i-1])
			out.WriteString("${")
			text = text[i+2:]
			continue
		}
		out.WriteString(text[:i])
		body, rest, closed := strings.Cut(text[i+2:], "}")
		if !closed {
			return "", errors.New("${ is not closed; add } or write $${ for the characters themselves")
		}
		value, err := s.variable(body)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = rest
	}
}

func (s sources) variable(body string) (string, error) {
	name, fallback, hasFallback := strings.Cut(body, ":-")
	if !variableName.MatchString(name) {
		return "", errors.New("${…} holds no variable name; write ${NAME}, ${NAME:-fallback}, or $${ for the " +
			"characters themselves")
	}
	value, set := s.env(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !set:
		return "", fmt.Errorf("the environment variable %s is not set; set it, or write ${%s:-fallback}", name, name)
	}
	return value, nil
}

// readFile reads a secret file without the newline at its end.
func (s sources) readFile(path string) (string, error) {
	if path == "" {
		return "", errors.New("file: names no file; write file:PATH")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	text, err := readRegular(path)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", fmt.Errorf("the file %s is empty; write the secret into it", path)
	}
	return text, nil
}

func readRegular(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("cannot read %s: it is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("cannot read the file %s: %w", path, err)
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("the file %s is larger than %d bytes; it cannot be a secret", path, maxSecretFile)
	}
	return string(text), nil
}
