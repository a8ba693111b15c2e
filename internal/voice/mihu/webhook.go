package mihu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"
)

// events are those that Ringback listens to.
var events = []string{"conversation_status", "conversation_end_report", "intent_call"}

// registration is the body that registers or changes a webhook.
type registration struct {
	URL      string   `json:"url"`
	Events   []string `json:"events"`
	IsActive bool     `json:"is_active"`
}

// Onboarder registers the webhook by which Mihu tells of an agent's calls. It implements voice.Onboarder.
type Onboarder struct {
	provider *Provider
	brief    voice.Brief
}

// NewOnboarder makes an onboarder. The error names the key at fault.
func NewOnboarder(brief voice.Brief, network voice.Network) (*Onboarder, error) {
	provider, err := New(brief.Voice, network)
	if err != nil {
		return nil, err
	}
	return &Onboarder{provider, brief}, nil
}

// Steps implements voice.Onboarder: the request that registers the webhook where none is registered yet.
func (o *Onboarder) Steps(ctx context.Context) ([]voice.Step, error) {
	callbackURL, err := o.brief.CallbackURL(ctx)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(registration{URL: callbackURL, Events: events, IsActive: true})
	if err != nil {
		return nil, err
	}
	return []voice.Step{{
		What: "register the agent's webhook", Method: http.MethodPost, URL: o.provider.base + o.provider.webhooks(),
		Body: body,
	}}, nil
}

// Run implements voice.Onboarder.
func (o *Onboarder) Run(ctx context.Context) (voice.Onboarded, error) {
	callbackURL, err := o.brief.CallbackURL(ctx)
	if err != nil {
		return voice.Onboarded{}, err
	}
	done, err := o.provider.RegisterWebhook(ctx, callbackURL)
	if err != nil {
		return voice.Onboarded{}, err
	}
	return voice.Onboarded{Done: []string{done + " the webhook of the agent " + o.brief.Voice.Assistant}}, nil
}

func (p *Provider) webhooks() string {
	return apiPath + "/agents/" + url.PathEscape(p.agent) + "/webhooks"
}

// RegisterWebhook makes Mihu send the agent's events to callbackURL. A webhook with the same URL up to the last "/"
// is ours: it is changed if it must be, so that nothing is registered twice. The result says what was done:
// registered, changed or kept.
func (p *Provider) RegisterWebhook(ctx context.Context, callbackURL string) (done string, err error) {
	u, err := url.Parse(callbackURL)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the callback URL is not absolute; correct server.public_url")
	}
	id, same, err := p.registered(ctx, callbackURL)
	if err != nil {
		return "", fmt.Errorf("list the agent's webhooks: %w", err)
	}
	body := registration{URL: callbackURL, Events: events, IsActive: true}
	switch {
	case same:
		return "kept", nil
	case id != "":
		_, err = p.client.Ask(ctx, http.MethodPatch, p.webhooks()+"/"+url.PathEscape(id), body,
			voice.RefusedAssistant, []string{callbackURL})
		done = "changed"
	default:
		_, err = p.client.Ask(ctx, http.MethodPost, p.webhooks(), body, voice.RefusedAssistant, []string{callbackURL})
		done = "registered"
	}
	if err != nil {
		return "", fmt.Errorf("register the agent's webhook: %w", err)
	}
	return done, nil
}

// registered finds our webhook. same is true when nothing about it must change.
func (p *Provider) registered(ctx context.Context, callbackURL string) (id string, same bool, err error) {
	answer, err := p.client.Ask(ctx, http.MethodGet, p.webhooks(), nil, voice.RefusedAssistant, []string{callbackURL})
	var refused *voice.RefusedError
	if errors.As(err, &refused) &&
		(refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed) {
		// Listing is not documented everywhere; registering will tell whether the agent exists.
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	answers, err := tolerant.Decode(answer)
	if err != nil {
		return "", false, nil
	}
	ours := callbackURL[:strings.LastIndexByte(callbackURL, '/')+1]
	for _, hook := range hooks(answers) {
		at := hook.URL("url")
		if !strings.HasPrefix(at, ours) {
			continue
		}
		active, known := tolerant.Flag(hook["is_active"])
		listens := hook.Texts("events")
		lacks := slices.ContainsFunc(events, func(e string) bool { return !slices.Contains(listens, e) })
		same = at == callbackURL && (active || !known) && !lacks
		return hook.Word("webhook_uuid", "uuid", "id"), same, nil
	}
	return "", false, nil
}

// hooks finds the list of webhooks in an answer: {"data": […]}, {"data": {"data": […]}} or the list alone.
func hooks(answers []tolerant.Object) []tolerant.Object {
	if data := answers[0].Object("data"); data != nil {
		answers[0] = data
	}
	list, ok := answers[0]["data"].([]any)
	if !ok {
		return answers
	}
	var all []tolerant.Object
	for _, item := range list {
		if o, ok := item.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}
