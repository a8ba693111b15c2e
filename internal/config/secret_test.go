package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2"
	holder := Security{EncryptionKey: Secrets{hidden, ""}, APIToken: hidden}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10.3s", "%08b"} {
		for _, value := range []any{Secret(hidden), holder.EncryptionKey, holder, &holder, map[Secret]Secret{hidden: hidden}} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	asJSON, err := json.Marshal(holder)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(holder)
	require.NoError(t, err)
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).Info("config", "secret", Secret(hidden), "all", holder)
	}
	printed = append(printed, string(asJSON), string(asYAML), logged.String(), fmt.Sprint(fmt.Errorf("with %w and %v", assert.AnError, holder)))
	for _, text := range printed {
		assert.NotContains(t, text, hidden)
		assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", hidden))
	}
	assert.Equal(t, "[set] [not set]", fmt.Sprint(Secret(hidden), " ", Secret("")))
}

// TestProblemsDoNotTellSecrets puts a secret wherever one may stand, in files that are wrong.
func TestProblemsDoNotTellSecrets(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2secret"
	for _, text := range []string{
		"security: {encryption_key: hunter2secret}",
		"security: {encryption_key: {a: hunter2secret}}",
		"security: hunter2secret",
		"security: {api_token: [hunter2secret]}",
		"shopify: {client_secrets: {hunter: hunter2secret}}",
		"database: {url: 'mysql://root:hunter2secret@h/d'}",
		"database: {url: 'postgres://root:hunter2secret%zz@h/d'}",
		"database: {url: 'root:hunter2secret@h/d'}",
		"server: {public_url: 'https://root:hunter2secret@h/d'}",
		"server: {public_url: 'ftp://root:hunter2secret@h/d'}",
		"integrations: {webhook_secret: hunter2secret}",
		"stores: {a.myshopify.com: {admin_token: hunter2secret, client_secrets: [hunter2secret, ''], voice: {provider: x, token: hunter2secret, private_key: [hunter2secret]}}}",
		"security: {encryption_key: '${LEAK}', api_token: '${LEAK}${NO}'}",
	} {
		_, warnings, err := Parse("f.yml", []byte(text), func(name string) (string, bool) { return hidden, name == "LEAK" })
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), hidden)
		assert.NotContains(t, fmt.Sprint(warnings), hidden)
	}
}
