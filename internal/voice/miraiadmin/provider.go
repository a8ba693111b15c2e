// Package miraiadmin places calls with Mirai's older endpoint, POST /v1/admin/assistant/call (its guide "Make a Call").
//
// That endpoint takes an assistant and a number and nothing else: no cart, no metadata and no callback URL. Callbacks
// go to the one URL that is set for the assistant at Mirai and name only the provider's id of the call. Stopping a
// call and checking a callback's signature need the key pair of the newer API: without it the account can do neither.
package miraiadmin

import (
	"context"
	"fmt"
	"net/http"

	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/tolerant"
	"ringback/internal/voice/wire"
)

// Name is the provider's name in configurations and callback URLs.
const Name = "mirai_admin"

// Descriptor describes the older endpoint.
func Descriptor() voice.Descriptor {
	return voice.Descriptor{
		Name: Name, Title: mirai.Title, BaseURL: mirai.BaseURL, Lines: mirai.MaxLines,
		Abilities: voice.Abilities{CanAbort: true, Signs: true, OwnRetries: true},
		Keys: append([]config.Key{
			{Name: "token", What: "the bearer token", Required: true, Kept: true},
			{Name: "workspace", What: "the workspace's id", Required: true},
			{Name: "organization", What: "the organization's id", Required: true, Kept: true},
			{Name: "assistant", What: "the assistant's id", Required: true},
		}, mirai.PairKeys(false)...),
		Settings: func() config.Settings { return new(Settings) },
		New: func(cfg config.Voice, network voice.Network) (voice.Provider, error) {
			return New(cfg, network)
		},
		Parse:  mirai.Parse,
		Signer: func(s config.Settings) voice.Signer { return mirai.NewSigner(s.(*Settings).Pair) },

		AccountHeader: mirai.AccountHeader,
		NoOnboarding: "its requests make no workspace or assistant; onboard the store with provider: mirai and its " +
			"pair of keys, then write both ids into the section of mirai_admin",
	}
}

// Settings are the keys under voice of an account at the older endpoint.
type Settings struct {
	Token        secret.Secret `yaml:"token"`
	Organization string        `yaml:"organization" file:"allowed"`
	// Pair is the pair of keys of the newer API. Without it calls cannot be aborted, and callbacks cannot be checked.
	mirai.Pair `yaml:",inline"`
}

// Problems implements config.Settings.
func (s *Settings) Problems(v config.Voice) []config.Finding {
	problems := mirai.OnboardingProblems(v.Onboarding)
	switch public, private := len(s.Public()) > 0, len(s.Private()) > 0; {
	case public && !private:
		problems = append(problems, config.Finding{
			Key: "private_key", Message: "is missing; public_key is of no use without it: give both keys or neither",
		})
	case private && !public:
		problems = append(problems, config.Finding{
			Key: "public_key", Message: "is missing; private_key is of no use without it: give both keys or neither",
		})
	case !public && v.Retries == "ours":
		problems = append(problems, config.Finding{
			Key: "retries", Warning: true, Message: "without public_key and private_key the provider's own redials " +
				"cannot be called off: set its retryProtocol to none, or give the keys",
		})
	}
	return problems
}

// Provider places calls through the admin endpoint. It implements voice.Provider.
type Provider struct {
	client    *wire.Client
	assistant string
	insights  config.Insights
	// keys is nil without a pair of keys.
	keys *mirai.Account
}

// New makes a provider from a store's voice section. The error names the key at fault.
func New(cfg config.Voice, network voice.Network) (*Provider, error) {
	settings, err := voice.SettingsOf[Settings](cfg)
	if err != nil {
		return nil, err
	}
	client, err := wire.New(cfg.BaseURL, cfg.Timeout, http.Header{
		"Authorization": {"Bearer " + settings.Token.Reveal()},
		"Workspace":     {cfg.Workspace},
		"Organization":  {settings.Organization},
	}, network)
	if err != nil {
		return nil, err
	}
	p := &Provider{client: client, assistant: cfg.Assistant, insights: cfg.Insights}
	if len(settings.Public()) > 0 || len(settings.Private()) > 0 {
		if p.keys, err = mirai.NewAccount(cfg, settings.Pair, network); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Name implements voice.Provider.
func (p *Provider) Name() string { return Name }

// Abilities implements voice.Provider.
func (p *Provider) Abilities() voice.Abilities {
	return voice.Abilities{CanAbort: p.keys != nil, Signs: p.keys != nil, OwnRetries: true}
}

// Place implements voice.Provider with POST /v1/admin/assistant/call. The cart, the offer and the callback URL do not
// travel: there is no field for them.
func (p *Provider) Place(ctx context.Context, r voice.Request) (voice.Receipt, error) {
	if err := r.Check(); err != nil {
		return voice.Receipt{}, err
	}
	body := map[string]string{"assistant_id": p.assistant, "to_number": r.Phone}
	answer, err := p.client.Place(ctx, "/v1/admin/assistant/call", body, r.Private())
	if err != nil {
		return voice.Receipt{}, err
	}
	answers, err := tolerant.Decode(answer)
	if err != nil {
		return voice.Receipt{}, &voice.UncertainError{Err: fmt.Errorf("read the provider's answer: %w", err)}
	}
	for _, o := range []tolerant.Object{answers[0].Object("data"), answers[0]} {
		if id := o.Word("call_id", "callId"); id != "" {
			return voice.Receipt{ProviderCallID: id}, nil
		}
	}
	return voice.Receipt{}, &voice.UncertainError{Err: wire.ErrNoID}
}

// Abort implements voice.Provider with the newer API's POST /v2/call/abort, if the account has its keys.
func (p *Provider) Abort(ctx context.Context, providerCallID string) error {
	if p.keys == nil {
		return voice.ErrUnsupported
	}
	return p.keys.Abort(ctx, providerCallID)
}

// Update implements voice.Provider: there is nothing to update.
func (p *Provider) Update(context.Context, string, voice.Request) error { return voice.ErrUnsupported }

// PublicKeys implements voice.Signer.
func (p *Provider) PublicKeys() []string {
	if p.keys == nil {
		return nil
	}
	return p.keys.PublicKeys()
}

// KeyIDs implements voice.Signer.
func (p *Provider) KeyIDs() []string {
	if p.keys == nil {
		return nil
	}
	return p.keys.KeyIDs()
}

// Verify implements voice.Provider. Without the key pair it accepts everything.
func (p *Provider) Verify(h http.Header, body []byte) error {
	if p.keys == nil {
		return nil
	}
	return p.keys.Verify(h, body)
}

// Parse implements voice.Provider.
func (p *Provider) Parse(body []byte) ([]voice.Callback, error) { return mirai.Parse(body, p.insights) }
