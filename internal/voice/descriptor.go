package voice

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"

	"ringback/internal/config"
)

// Descriptor is all that the program knows of a voice API before a store uses it. The package of each provider makes
// one; package providers lists them.
type Descriptor struct {
	// Name is the provider's name in voice.provider, in callback URLs and in the database. It never changes.
	Name string
	// Title is the API's name in messages and documents.
	Title string
	// BaseURL is the default of voice.base_url; empty where every account has an address of its own.
	BaseURL string
	// Lines is the number of calls at once that the API documents for an assistant; 0 when it documents none.
	Lines int
	// Abilities are the most that an account can have; Provider.Abilities tells what one has.
	Abilities Abilities
	// Keys describes the keys under voice that the API needs, and all those of its own.
	Keys []config.Key
	// Settings makes an empty struct, as a pointer, for the API's own keys.
	Settings func() config.Settings

	// New makes the provider of a voice section whose required keys are there. The error names the key at fault.
	New func(config.Voice, Network) (Provider, error)
	// Parse reads a callback body, as Provider.Parse does. The insights name those of the analysis that are read.
	Parse func(body []byte, insights config.Insights) ([]Callback, error)
	// Signer makes what checks the signatures of an account's callbacks, from the settings alone; nil where none are
	// signed.
	Signer func(config.Settings) Signer
	// AccountHeader is the header in which callbacks name the account, by one of Signer.PublicKeys; empty where they do not.
	AccountHeader string
	// Onboard makes what onboards a store; the error lists every key that is missing or wrong, one a line. It is nil
	// where there is nothing that `ringback onboard` could do; NoOnboarding then says why, and what to do instead.
	Onboard      func(Brief, Network) (Onboarder, error)
	NoOnboarding string
}

// Network says how connections are made. The zero value is the ordinary network, with the system's certificates and
// the proxy that the environment names.
type Network struct {
	// Dial opens a connection in place of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// RootCAs are the certificates to trust in place of the system's.
	RootCAs *x509.CertPool
}

// Config is what the configuration must know of the provider.
func (d Descriptor) Config() config.Provider {
	return config.Provider{
		Name: d.Name, Title: d.Title, BaseURL: d.BaseURL, Lines: d.Lines, OwnRetries: d.Abilities.OwnRetries,
		Keys: d.Keys, Settings: d.Settings,
	}
}

// Open makes the provider of a store's voice section. The error names the key at fault.
func (d Descriptor) Open(cfg config.Voice, network Network) (Provider, error) {
	for _, key := range d.Config().Missing(cfg) {
		return nil, fmt.Errorf("voice.%s: missing; %s needs %s", key.Name, d.Name, key.What)
	}
	return d.New(cfg, network)
}

// SettingsOf returns the settings of a voice section as those of one provider. A section without settings has empty
// ones. The error says that they are another provider's.
func SettingsOf[T any](cfg config.Voice) (*T, error) {
	if cfg.Settings == nil {
		return new(T), nil
	}
	settings, ok := cfg.Settings.(any).(*T)
	if !ok {
		return nil, fmt.Errorf("voice.provider: the settings are not those of %s", cfg.Provider)
	}
	return settings, nil
}
