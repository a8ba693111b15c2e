package mirai

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"
	"ringback/internal/voice/wire"
	"ringback/internal/wording"
)

// Provider places calls with an assistant of Mirai. It implements voice.Provider.
type Provider struct {
	*Account
	assistant string
	insights  config.Insights
	payload   payloadMaker
}

// New makes a provider from a store's voice section. The error names the key at fault.
func New(cfg config.Voice, network voice.Network) (*Provider, error) {
	settings, err := voice.SettingsOf[Settings](cfg)
	if err != nil {
		return nil, err
	}
	account, err := NewAccount(cfg, settings.Pair, network)
	if err != nil {
		return nil, err
	}
	payload, err := newPayloadMaker(settings.Payload)
	if err != nil {
		return nil, err
	}
	return &Provider{Account: account, assistant: cfg.Assistant, insights: cfg.Insights, payload: payload}, nil
}

// Name implements voice.Provider.
func (p *Provider) Name() string { return Name }

// Abilities implements voice.Provider.
func (p *Provider) Abilities() voice.Abilities { return abilities() }

func abilities() voice.Abilities {
	return voice.Abilities{CanAbort: true, CanUpdate: true, CallbackPerCall: true, Signs: true, OwnRetries: true}
}

// initiation is the body of POST /v2/call/initiate (InitiateCallRequest).
type initiation struct {
	PhoneNumber string    `json:"phoneNumber"`
	Assistant   string    `json:"assistant"`
	Payload     any       `json:"payload"`
	CallbackURL string    `json:"callbackUrl,omitempty"`
	Priority    bool      `json:"priority,omitempty"`
	Metadata    *metadata `json:"metadata"`
}

// metadata comes back in every callback.
type metadata struct {
	CallID   string    `json:"call_id"`
	CartID   string    `json:"cart_id"`
	Shop     string    `json:"shop"`
	Attempt  int       `json:"attempt"`
	Test     bool      `json:"test,omitempty"`
	Discount *discount `json:"discount,omitempty"`
}

// discount is what the agent may offer when the customer hesitates.
type discount struct {
	Code        string      `json:"code"`
	Description string      `json:"description,omitempty"`
	Value       json.Number `json:"value"`
	// CodeType is "%tage" or "fixed".
	CodeType string `json:"codeType"`
	// ApplyAs is "additional" or "override".
	ApplyAs string `json:"applyAs"`
}

// Place implements voice.Provider with POST /v2/call/initiate.
func (p *Provider) Place(ctx context.Context, r voice.Request) (voice.Receipt, error) {
	body, err := p.initiation(r)
	if err != nil {
		return voice.Receipt{}, err
	}
	answer, err := p.client.Place(ctx, "/v2/call/initiate", body, r.Private())
	if err != nil {
		return voice.Receipt{}, err
	}
	return receipt(answer)
}

// initiation makes the request's body; the error is a *voice.RefusedError.
func (p *Provider) initiation(r voice.Request) (*initiation, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if r.CallbackURL != "" {
		if u, err := url.Parse(r.CallbackURL); err != nil || u.Host == "" {
			return nil, refuse("callbackUrl: not an absolute URL; correct server.public_url")
		}
	}
	payload, err := p.payload.make(r)
	if err != nil {
		return nil, err
	}
	b := &initiation{
		PhoneNumber: r.Phone,
		Assistant:   p.assistant,
		Payload:     payload,
		CallbackURL: r.CallbackURL,
		Priority:    r.Priority,
		Metadata: &metadata{
			CallID: r.CallID.String(), CartID: r.CartID.String(), Shop: r.Shop, Attempt: r.Attempt, Test: r.Test,
		},
	}
	if b.Metadata.Discount, err = discountOf(r); err != nil {
		return nil, err
	}
	return b, nil
}

// discountOf puts the offer into Mirai's words; nil when there is none.
func discountOf(r voice.Request) (*discount, error) {
	o := r.Offer
	if o == nil || o.Code == "" {
		return nil, nil
	}
	if !wording.Sound(o.Value) {
		return nil, refuse("metadata.discount.value: not an amount of money or a percentage")
	}
	d := &discount{
		Code: o.Code, Description: o.Description, Value: json.Number(o.Value.String()), CodeType: "fixed",
		ApplyAs: "additional",
	}
	if o.Type == "percentage" {
		d.CodeType = "%tage"
	}
	if o.ApplyAs == "override" {
		d.ApplyAs = "override"
	}
	return d, nil
}

// receipt reads the documented forms of a success: {"callId","status"} and {"success","data":{"callId","status"}}.
func receipt(body []byte) (voice.Receipt, error) {
	answers, err := tolerant.Decode(body)
	if err != nil {
		return voice.Receipt{}, &voice.UncertainError{Err: fmt.Errorf("read the provider's answer: %w", err)}
	}
	for _, o := range []tolerant.Object{answers[0], answers[0].Object("data")} {
		if id := o.Word("callId", "call_id"); id != "" {
			return voice.Receipt{ProviderCallID: id}, nil
		}
	}
	return voice.Receipt{}, &voice.UncertainError{Err: wire.ErrNoID}
}

// Update implements voice.Provider with PUT /v2/call/{id}, which Mirai takes while the call has not been dialled yet.
func (p *Provider) Update(ctx context.Context, providerCallID string, r voice.Request) error {
	// Dots alone would lead out of the path.
	if strings.Trim(providerCallID, ".") == "" {
		return refuse("the provider's id of the call is not known")
	}
	payload, err := p.payload.make(r)
	if err != nil {
		return err
	}
	path := "/v2/call/" + url.PathEscape(providerCallID)
	_, err = p.client.Ask(ctx, http.MethodPut, path, map[string]any{"payload": payload}, voice.RefusedContent,
		r.Private())
	return err
}

// Parse implements voice.Provider.
func (p *Provider) Parse(body []byte) ([]voice.Callback, error) { return Parse(body, p.insights) }

func refuse(message string) *voice.RefusedError {
	return &voice.RefusedError{Kind: voice.RefusedContent, Message: message}
}
