package mirai_test

import (
	"ringback/internal/config"
	"ringback/internal/voice/mirai"
)

const (
	publicKey  = "pk_0a1b2c3d4e5f"
	privateKey = "sk_f5e4d3c2b1a0"
	workspace  = "68d63c242cd956c2bb41cd3a"
)

// account fills in what a Mirai account needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider = mirai.Name
	cfg.Workspace, cfg.Assistant = workspace, "assistant_123"
	cfg.Settings = &mirai.Settings{Pair: mirai.Pair{PublicKey: publicKey, PrivateKey: privateKey}}
	cfg.Insights = config.Insights{
		OptedOut: "do_not_call", Declined: "not_interested", Interested: "interested",
		Callback: "callback_requested", CallbackAt: "callback_at",
	}
	return cfg
}

// settings are those of a section that account made.
func settings(cfg *config.Voice) *mirai.Settings { return cfg.Settings.(*mirai.Settings) }
