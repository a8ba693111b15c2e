// Package providers lists the voice APIs that a store can use.
package providers

import (
	"fmt"
	"net/http"
	"slices"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"
)

// All lists the providers. This is the only place that names them all.
func All() []voice.Descriptor {
	return []voice.Descriptor{
		mirai.Descriptor(),
		miraiadmin.Descriptor(),
		mihu.Descriptor(),
	}
}

// Config is what the configuration must know of the providers.
func Config() []config.Provider {
	var all []config.Provider
	for _, d := range All() {
		all = append(all, d.Config())
	}
	return all
}

// Find returns the provider of a name. The error says that there is none.
func Find(name string) (voice.Descriptor, error) {
	all := All()
	if i := slices.IndexFunc(all, func(d voice.Descriptor) bool { return d.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	return voice.Descriptor{}, fmt.Errorf("voice.provider: %s", config.NotOneOf(name, names...))
}

// New makes the provider of a store's voice section. Templates are tried on a sample cart, so that they do not fail
// later. The error names the key at fault.
func New(cfg config.Voice, network voice.Network) (voice.Provider, error) {
	d, err := Find(cfg.Provider)
	if err != nil {
		return nil, err
	}
	return d.Open(cfg, network)
}

// FormerSigners check the callbacks of accounts that a store has left and kept the keys of. They are listed by the
// name of the account's provider.
func FormerSigners(cfg config.Voice) map[string]voice.Signer {
	former := map[string]voice.Signer{}
	for _, d := range All() {
		settings := cfg.Others[d.Name]
		if settings == nil || d.Signer == nil || d.Name == cfg.Provider {
			continue
		}
		if signer := d.Signer(settings); len(signer.PublicKeys()) > 0 && len(signer.KeyIDs()) > 0 {
			former[d.Name] = signer
		}
	}
	return former
}

// MaySign reports whether callbacks of a provider can be signed. Where they cannot, the secret in their URL is the
// only guard.
func MaySign(provider string) bool {
	d, err := Find(provider)
	return err != nil || d.Abilities.Signs
}

// AccountIn is the name by which a callback's headers name the account that signed it; "" for none.
func AccountIn(provider string, h http.Header) string {
	d, err := Find(provider)
	if err != nil || d.AccountHeader == "" {
		return ""
	}
	return h.Get(d.AccountHeader)
}

// Parse reads a callback of a provider, which need not be the one that the store uses now. The error says why the
// body holds no event, or that there is no such provider.
func Parse(provider string, insights config.Insights, body []byte) ([]voice.Callback, error) {
	d, err := Find(provider)
	if err != nil {
		return nil, err
	}
	return d.Parse(body, insights)
}
