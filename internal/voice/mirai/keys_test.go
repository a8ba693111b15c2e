package mirai_test

import (
	"fmt"
	"testing"

	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice/mirai"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPair_OneKeyAloneOrAListWithTheNewOneFirst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keys string
		public     []string
		private    secret.List
	}{
		{"a pair", "public_key: p, private_key: k", []string{"p"}, secret.List{"k"}},
		{"lists beside the pair", "public_key: p2, public_keys: [p2, p], private_key: k2, private_keys: [k2, k]", []string{"p2", "p"}, secret.List{"k2", "k"}},
		{"lists in its place", "public_keys: [p2, p], private_keys: [k2, k]", []string{"p2", "p"}, secret.List{"k2", "k"}},
		{"a former private key", "public_key: p, private_key: k2, private_keys: k", []string{"p"}, secret.List{"k2", "k"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Appendf(nil, keysConfig, test.keys)
			env := func(string) (string, bool) { return "", false }
			cfg, _, err := config.Parse("keys.yaml", text, env, []config.Provider{mirai.Descriptor().Config()})
			require.NoError(t, err)
			settings := cfg.Stores["a.myshopify.com"].Voice.Settings.(*mirai.Settings)
			assert.Equal(t, test.public, settings.Public())
			assert.Equal(t, test.private, settings.Private())
		})
	}
}

const keysConfig = `
server: {public_url: "https://calls.example.com"}
security: {encryption_key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
shopify: {client_id: id, client_secrets: [shh]}
stores:
  a.myshopify.com:
    timezone: Asia/Kolkata
    country: IN
    currency: INR
    voice: {provider: mirai, workspace: w, assistant: a, %s}
    policy: {consent: sms_marketing, accept_weaker_consent: [IN]}
`
