// Package secret holds values that must not be shown.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that never shows itself: formatted, marshalled or logged it says only whether it is set.
type Secret string

// List is an ordered list of secrets; in YAML a single one may stand alone.
type List []Secret

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Set reports whether there is a secret.
func (s Secret) Set() bool { return s != "" }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return "[not set]"
	}
	return "[set]"
}

// Format implements fmt.Formatter: no verb, not even a wrong one, shows more than String.
func (s Secret) Format(state fmt.State, _ rune) {
	// fmt keeps what is written in memory: this cannot fail.
	_, _ = io.WriteString(state, s.String())
}

// GoString implements fmt.GoStringer, so that %#v tells no more than %v.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
