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

// WebhookStep is the request that registers callbackURL for the agent where nothing is registered yet.
func (p *Provider) WebhookStep(callbackURL string) (voice.Step, error) {
	body, err := json.Marshal(registration{URL: callbackURL, Events: events, IsActive: true})
	if err != nil {
		return voice.Step{}, err
	}
	return voice.Step{What: "register the agent's webhook", Method: http.MethodPost, Path: p.webhooks(), Body: body}, nil
}

func (p *Provider) webhooks() string {
	return "/api/v1/agents/" + url.PathEscape(p.agent) + "/webhooks"
}

// RegisterWebhook makes Mihu send the agent's events to callbackURL. A webhook of ours that is registered already, told by its
// URL up to the last "/", is changed if it must be; nothing is registered twice. The result says what was done: registered,
// changed or kept.
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
		_, err = p.client.Ask(ctx, http.MethodPatch, p.webhooks()+"/"+url.PathEscape(id), body, voice.RefusedAssistant, []string{callbackURL})
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

// registered finds the webhook that is ours, and whether it is just as it should be.
func (p *Provider) registered(ctx context.Context, callbackURL string) (id string, same bool, err error) {
	answer, err := p.client.Ask(ctx, http.MethodGet, p.webhooks(), nil, voice.RefusedAssistant, []string{callbackURL})
	var refused *voice.RefusedError
	if errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed) {
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
		same = at == callbackURL && (active || !known) && !slices.ContainsFunc(events, func(e string) bool { return !slices.Contains(listens, e) })
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
