package mihu_test

import (
	"ringback/internal/config"
	"ringback/internal/voice/mihu"
)

const agent = "32d8fc98-be1e-4d32-a12e-146f397fb1cb"

// account fills in what a Mihu account needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider, cfg.Assistant = mihu.Name, agent
	cfg.Settings = &mihu.Settings{Token: "mihu-bearer-token"}
	cfg.Insights = config.Insights{
		OptedOut: "do_not_call", Declined: "not_interested", Callback: "callback_requested", CallbackAt: "callback_at",
	}
	return cfg
}

// settings are those of a section that account made.
func settings(cfg *config.Voice) *mihu.Settings { return cfg.Settings.(*mihu.Settings) }
