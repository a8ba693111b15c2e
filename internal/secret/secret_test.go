package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ringback/internal/secret"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// holder is a struct with secrets, as a configuration is.
type holder struct {
	Keys  secret.List   `yaml:"keys"`
	Token secret.Secret `yaml:"token"`
}

func TestSecret_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2"
	h := holder{Keys: secret.List{hidden, ""}, Token: hidden}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10.3s", "%08b"} {
		for _, value := range []any{
			secret.Secret(hidden), h.Keys, h, &h, map[secret.Secret]secret.Secret{hidden: hidden},
		} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	asJSON, err := json.Marshal(h)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(h)
	require.NoError(t, err)
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).Info("config", "secret", secret.Secret(hidden), "all", h)
	}
	printed = append(printed, string(asJSON), string(asYAML), logged.String())
	printed = append(printed, fmt.Sprint(fmt.Errorf("with %w and %v", assert.AnError, h)))
	for _, text := range printed {
		assert.NotContains(t, text, hidden)
		assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", hidden))
	}
	assert.Equal(t, "[set] [not set]", fmt.Sprint(secret.Secret(hidden), " ", secret.Secret("")))
}
