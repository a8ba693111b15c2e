// Package mihu places calls with Mihu (POST /api/v1/call of its reference "Initiate a new call").
//
// An agent of Mihu knows nothing of carts: what it is to say and to know is made from the store's templates for every
// call. Callbacks go to the webhooks that are registered for the agent and name the provider's id of the call and the
// number, but nothing of ours. Mihu documents no way to stop a queued call, no signature and no retries of its own.
package mihu

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/script"
	"ringback/internal/voice/tolerant"
	"ringback/internal/voice/wire"
)

// What an agent is told where the store's configuration says nothing. A prompt of the store's replaces the agent's
// own; this one is added to it.
const (
	defaultPrompt = `You are calling a customer of {{.Store}} who left a cart without buying. ` +
		`Ask in a friendly way whether anything kept them from ordering, help where you can and do not press. ` +
		`If they ask not to be called again, promise that and end the call.` +
		`{{with .Offer}} If they hesitate, you may offer the discount code {{.Code}}{{with .Description}} ({{.}}){{end}}.{{end}}`
	defaultAbout = `{{with .Name}}Name: {{.}}. {{end}}` +
		`Cart at {{.Store}}: {{.ItemList}}. Total: {{.Total}} {{.Currency}}.`
)

// Provider places calls with an agent of Mihu. It implements voice.Provider.
type Provider struct {
	client   *wire.Client
	base     string
	agent    string
	insights config.Insights

	overwrite               bool
	prompt, about, greeting *script.Template
}

// New makes a provider from a store's voice section. The base URL may end in /api/v1 or not. The error names the key
// at fault.
func New(cfg config.Voice, network voice.Network) (*Provider, error) {
	settings, err := voice.SettingsOf[Settings](cfg)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(strings.TrimSuffix(cfg.BaseURL, "/"), apiPath)
	header := http.Header{"Authorization": {"Bearer " + settings.Token.Reveal()}}
	client, err := wire.New(base, cfg.Timeout, header, network)
	if err != nil {
		return nil, err
	}
	p := &Provider{client: client, base: base, agent: cfg.Assistant, insights: cfg.Insights,
		overwrite: settings.Prompt != ""}
	for _, t := range []struct {
		path     string
		text     script.Text
		fallback string
		into     **script.Template
	}{
		{"voice.prompt", settings.Prompt, defaultPrompt, &p.prompt},
		{"voice.about", settings.About, defaultAbout, &p.about},
		{"voice.greeting", settings.Greeting, "", &p.greeting},
	} {
		text := string(t.text)
		if text == "" {
			text = t.fallback
		}
		if *t.into, err = script.Compile(t.path, text); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Name implements voice.Provider.
func (p *Provider) Name() string { return Name }

// Abilities implements voice.Provider.
func (p *Provider) Abilities() voice.Abilities { return voice.Abilities{} }

// call is the body of POST /api/v1/call.
type call struct {
	AgentID     string      `json:"agentId"`
	Prompt      prompt      `json:"prompt"`
	Participant participant `json:"participant"`
	Message     *message    `json:"message,omitempty"`
}

type prompt struct {
	// Overwrite is true when Content takes the place of the agent's own prompt.
	Overwrite bool   `json:"overwrite"`
	Content   string `json:"content"`
}

type participant struct {
	Number string `json:"number"`
	About  string `json:"about,omitempty"`
}

type message struct {
	Start string `json:"start"`
}

// Place implements voice.Provider with POST /api/v1/call.
func (p *Provider) Place(ctx context.Context, r voice.Request) (voice.Receipt, error) {
	if err := r.Check(); err != nil {
		return voice.Receipt{}, err
	}
	body, err := p.call(r)
	if err != nil {
		return voice.Receipt{}, &voice.RefusedError{Kind: voice.RefusedContent, Message: err.Error()}
	}
	answer, err := p.client.Place(ctx, apiPath+"/call", body, r.Private())
	if err != nil {
		return voice.Receipt{}, err
	}
	answers, err := tolerant.Decode(answer)
	if err != nil {
		return voice.Receipt{}, &voice.UncertainError{Err: fmt.Errorf("read the provider's answer: %w", err)}
	}
	for _, o := range []tolerant.Object{answers[0].Object("data"), answers[0]} {
		if id := o.Word("id", "call_id", "conversation_uuid"); id != "" {
			return voice.Receipt{ProviderCallID: id}, nil
		}
	}
	return voice.Receipt{}, &voice.UncertainError{Err: wire.ErrNoID}
}

// call fills the templates in.
func (p *Provider) call(r voice.Request) (*call, error) {
	words := script.For(r)
	content, err := p.prompt.Fill(words)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(content) == "" {
		return nil, fmt.Errorf("voice.prompt: came out empty, and Mihu takes no call without a prompt")
	}
	about, err := p.about.Fill(words)
	if err != nil {
		return nil, err
	}
	greeting, err := p.greeting.Fill(words)
	if err != nil {
		return nil, err
	}
	c := &call{
		AgentID:     p.agent,
		Prompt:      prompt{Overwrite: p.overwrite, Content: content},
		Participant: participant{Number: r.Phone, About: about},
	}
	if first := r.Disclosed(greeting); first != "" {
		c.Message = &message{Start: first}
	}
	return c, nil
}

// Abort implements voice.Provider: Mihu documents no way to stop a call that has not begun.
func (p *Provider) Abort(context.Context, string) error { return voice.ErrUnsupported }

// Update implements voice.Provider: there is nothing to update.
func (p *Provider) Update(context.Context, string, voice.Request) error { return voice.ErrUnsupported }

// Verify implements voice.Provider: Mihu documents no signature, so it accepts everything.
func (p *Provider) Verify(http.Header, []byte) error { return nil }
