package miraiadmin_test

import (
	"ringback/internal/config"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"
)

// account fills in what the admin endpoint needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider = miraiadmin.Name
	cfg.Workspace, cfg.Assistant = "ws-68d63c", "68c128a658cd7d0668bce78d"
	cfg.Settings = &miraiadmin.Settings{Token: "admin-bearer-token", Organization: "org-68d63c"}
	return cfg
}

// withKeys adds the pair of keys of the newer API.
func withKeys(cfg config.Voice) config.Voice {
	cfg = account(cfg)
	settings(&cfg).Pair = mirai.Pair{PublicKey: "pk_0a1b2c", PrivateKey: "sk_c2b1a0"}
	return cfg
}

// settings are those of a section that account made.
func settings(cfg *config.Voice) *miraiadmin.Settings { return cfg.Settings.(*miraiadmin.Settings) }
