package miraiadmin_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/miraiadmin"
	"ringback/internal/voice/voicetest"
	"ringback/internal/voice/wire"
)

// account fills in what the admin endpoint needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider = "mirai_admin"
	cfg.Token, cfg.Workspace, cfg.Organization, cfg.Assistant = "admin-bearer-token", "ws-68d63c", "org-68d63c", "68c128a658cd7d0668bce78d"
	return cfg
}

// withKeys adds the key pair of the newer API.
func withKeys(cfg config.Voice) config.Voice {
	cfg = account(cfg)
	cfg.PublicKey, cfg.PrivateKey = "pk_0a1b2c", "sk_c2b1a0"
	return cfg
}

func subject(fill func(config.Voice) config.Voice, abilities voice.Abilities, secrets ...string) voicetest.Subject {
	return voicetest.Subject{
		New: func(cfg config.Voice, network wire.Network) (voice.Provider, error) {
			return miraiadmin.New(fill(cfg), network)
		},
		Document: "miraiadmin",
		Successes: []string{
			`{"success":true,"message":"Call initiated successfully","data":{"call_id":"call-1","status":"queued"}}`,
			`{"call_id":"call-1"}`,
		},
		WithoutID: `{"success":true,"message":"Call initiated successfully","data":{"status":"queued"}}`,
		Secrets:   append([]string{"admin-bearer-token"}, secrets...),
		Abilities: abilities,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	voicetest.Run(t, subject(account, voice.Abilities{OwnRetries: true}))
}

func TestConformanceWithKeys(t *testing.T) {
	t.Parallel()
	voicetest.Run(t, subject(withKeys, voice.Abilities{CanAbort: true, Signs: true, OwnRetries: true}, "sk_c2b1a0"))
}
