package script

import (
	"errors"
	"strings"
	"text/template"

	"ringback/internal/config"
)

// Text is a template in the configuration. Reading it fails when it is not a valid text/template.
type Text string

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(text []byte) error {
	if _, err := template.New("").Parse(string(text)); err != nil {
		why := strings.TrimPrefix(err.Error(), "template: :")
		return errors.New("is not a template that Go's text/template can read: " + why)
	}
	*t = Text(text)
	return nil
}

// Problems tries the template on a sample cart. The key is relative to voice.
func (t Text) Problems(key string) []config.Finding {
	path := "voice." + key
	if _, err := Compile(path, string(t)); err != nil {
		why := strings.TrimPrefix(err.Error(), path+": ")
		return []config.Finding{{Key: key, Message: "cannot be filled in: " + why}}
	}
	return nil
}
