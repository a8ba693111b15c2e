package mirai_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/voicetest"
	"ringback/internal/voice/wire"
)

const (
	publicKey  = "pk_0a1b2c3d4e5f"
	privateKey = "sk_f5e4d3c2b1a0"
	workspace  = "68d63c242cd956c2bb41cd3a"
)

// account fills in what a Mirai account needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider = "mirai"
	cfg.PublicKey, cfg.PrivateKey = publicKey, privateKey
	cfg.Workspace, cfg.Assistant = workspace, "assistant_123"
	cfg.Insights = config.Insights{
		OptedOut: "do_not_call", Declined: "not_interested", Interested: "interested",
		Callback: "callback_requested", CallbackAt: "callback_at",
	}
	return cfg
}

func TestConformance(t *testing.T) {
	t.Parallel()
	voicetest.Run(t, voicetest.Subject{
		New: func(cfg config.Voice, network wire.Network) (voice.Provider, error) {
			return mirai.New(account(cfg), network)
		},
		Document: "mirai",
		Successes: []string{
			`{"callId":"call-1","status":"initiate"}`,
			`{"success":true,"data":{"callId":"call-1","status":"queued"}}`,
		},
		WithoutID: `{"success":true,"data":{"status":"queued"}}`,
		Secrets:   []string{privateKey, publicKey},
		Abilities: voice.Abilities{CanAbort: true, CanUpdate: true, CallbackPerCall: true, Signs: true, OwnRetries: true},
	})
}
