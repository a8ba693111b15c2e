package onboard

import (
	"context"
	"fmt"
	"strings"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/wire"
)

// hiddenToken stands for the secret part of the callback URL, which is made with the database.
const hiddenToken = "(the token of this installation)"

// onboardMihu registers the webhook by which Mihu tells of the agent's calls.
func onboardMihu(ctx context.Context, r Request, store config.Store) error {
	provider, err := mihu.New(store.Voice, wire.Network{})
	if err != nil {
		return fmt.Errorf("stores.%s.%w", r.Shop, err)
	}
	if r.DryRun {
		step, err := provider.WebhookStep(r.Config.Server.PublicURL + "/webhooks/voice/" + provider.Name() + "/" + hiddenToken)
		if err != nil {
			return err
		}
		base := strings.TrimSuffix(strings.TrimSuffix(store.Voice.BaseURL, "/"), "/api/v1")
		return show(r.Out, base, []voice.Step{step})
	}
	address, err := callbackURL(ctx, r, store)
	if err != nil {
		return err
	}
	done, err := provider.RegisterWebhook(ctx, address)
	if err != nil {
		return fmt.Errorf("stores.%s: %w", r.Shop, err)
	}
	fmt.Fprintf(r.Out, "%s the webhook of the agent %s\n\nNothing has to be put into %s.\n", done, store.Voice.Assistant, r.File)
	return nil
}

// callbackURL is the address of the agent's webhook. Its token is made of a key that the database keeps. The stores stay out of
// the program that opens it: nothing of them is to change.
func callbackURL(ctx context.Context, r Request, store config.Store) (string, error) {
	alone := *r.Config
	alone.Stores = map[string]config.Store{r.Shop: store}
	stores, err := app.Stores(&alone)
	if err != nil {
		return "", err
	}
	alone.Stores = nil
	a, err := app.New(ctx, &alone, app.Tool, r.Log)
	if err != nil {
		return "", err
	}
	defer a.Close()
	return a.Engine.AssistantCallbackURL(stores[r.Shop]), nil
}
