package providers_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice/providers"
	"ringback/internal/voice/wire"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNew(t *testing.T) {
	t.Parallel()
	cfg := config.Voice{
		BaseURL: "https://voice.example", PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Organization: "org", Token: "token", Assistant: "a",
	}
	for _, name := range []string{"mirai", "mirai_admin", "mihu"} {
		cfg.Provider = name
		p, err := providers.New(cfg, wire.Network{})
		require.NoError(t, err)
		assert.Equal(t, name, p.Name())
	}
	cfg.Provider = "mira"
	_, err := providers.New(cfg, wire.Network{})
	require.ErrorContains(t, err, `voice.provider: "mira"`)
}
