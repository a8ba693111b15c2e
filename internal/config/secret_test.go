package config_test

import (
	"fmt"
	"testing"

	"ringback/internal/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLoad_ProblemsDoNotTellSecrets puts a secret wherever one may stand, in files that are wrong.
func TestLoad_ProblemsDoNotTellSecrets(t *testing.T) {
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
		_, warnings, err := config.Parse("f.yml", []byte(text), func(name string) (string, bool) { return hidden, name == "LEAK" }, vendors())
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), hidden)
		assert.NotContains(t, fmt.Sprint(warnings), hidden)
	}
}
