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

// FormerSigner checks the callbacks of the account that a store used before it moved to a provider that signs nothing, if the store kept its
// keys; else it is nil.
func FormerSigner(cfg config.Voice) voice.Signer {
	if cfg.Provider != mihu.Name || len(cfg.AccountKeys()) == 0 || len(cfg.CallbackKeys()) == 0 {
		return nil
	}
	return mirai.NewSigner(cfg)
}

// MaySign reports whether callbacks of a provider can be signed; where they cannot, the secret in their URL is the only guard.
func MaySign(provider string) bool { return provider != mihu.Name }

// Parse reads a callback in the words of a provider, whichever the store uses now. The error says why the body holds no event, or that
// there is no such provider.
func Parse(provider string, insights config.Insights, body []byte) ([]voice.Callback, error) {
	switch provider {
	case mirai.Name, miraiadmin.Name:
		return mirai.Parse(body, insights)
	case mihu.Name:
		return mihu.Parse(body, insights)
	}
	return nil, fmt.Errorf("the provider %q is not known", provider)
}

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
