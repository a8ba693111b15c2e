// Package providers makes the voice provider that a store's configuration names.
package providers

import (
	"fmt"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"
	"ringback/internal/voice/wire"
)

// New makes the provider of a store's voice section. Templates are tried on a made-up cart, so a provider that was made does not
// fail on them later. The error names the key at fault.
func New(cfg config.Voice, network wire.Network) (voice.Provider, error) {
	switch cfg.Provider {
	case mirai.Name:
		return mirai.New(cfg, network)
	case miraiadmin.Name:
		return miraiadmin.New(cfg, network)
	case mihu.Name:
		return mihu.New(cfg, network)
	}
	return nil, fmt.Errorf("voice.provider: %q is not known; choose mirai, mirai_admin or mihu", cfg.Provider)
}
