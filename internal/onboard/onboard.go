// Package onboard makes at a voice API what a store needs before its first call, such as a workspace, an assistant or
// a webhook. The provider's package knows what that is. Onboarding may be repeated at any time: what exists is found
// and updated.
package onboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"
)

// hiddenToken stands for the secret part of a callback URL, which only the database knows.
const hiddenToken = "(the token of this installation)"

// Request is what is asked for on the command line.
type Request struct {
	// File is the configuration's path, for messages; Config is what it holds, read with config.ToOnboard.
	File   string
	Config *config.Config
	// Shop is the store's *.myshopify.com domain.
	Shop string
	// DryRun shows the requests and sends none.
	DryRun bool
	// Out is what the operator reads.
	Out io.Writer
	Log *slog.Logger
}

// Run onboards the store. The error lists every key of the configuration that is missing or wrong.
func Run(ctx context.Context, r Request) error {
	r.Shop = strings.ToLower(r.Shop)
	store, known := r.Config.Stores[r.Shop]
	if !known {
		return fmt.Errorf("%s has no store %q; it has %s", r.File, r.Shop,
			strings.Join(slices.Sorted(maps.Keys(r.Config.Stores)), ", "))
	}
	provider, err := providers.Find(store.Voice.Provider)
	if err != nil {
		return located(r.Shop, err)
	}
	if provider.Onboard == nil {
		return located(r.Shop, fmt.Errorf("voice.provider: %s cannot be onboarded: %s", provider.Name,
			provider.NoOnboarding))
	}
	brief, unread := r.brief(store)
	onboarder, missing := provider.Onboard(brief, voice.Network{})
	if err := errors.Join(located(r.Shop, missing), unread); err != nil {
		return err
	}
	if r.DryRun {
		steps, err := onboarder.Steps(ctx)
		if err != nil {
			return err
		}
		return show(r.Out, steps)
	}
	done, err := onboarder.Run(ctx)
	report(r, done)
	if err != nil {
		return fmt.Errorf("stores.%s: %w", r.Shop, err)
	}
	return nil
}

// brief is what the provider is told of the store. The error says what is wrong with the file of questions.
func (r Request) brief(store config.Store) (voice.Brief, error) {
	brief := voice.Brief{
		Voice: store.Voice, Currency: store.Currency, Timezone: store.Timezone, Slots: slots(store.Policy),
		CallbackURL: func(ctx context.Context) (string, error) { return callbackURL(ctx, r, store) },
	}
	brief.Voice.Onboarding.Agent.SystemPrompt = withDisclosure(brief.Voice.Onboarding.Agent.SystemPrompt,
		store.Voice.Disclosure)
	var err error
	if file := store.Voice.Onboarding.FAQFile; file != "" {
		brief.FAQ, err = readFAQ(file)
	}
	return brief, err
}

// withDisclosure adds to an assistant's prompt what it must say at the beginning of every call.
func withDisclosure(prompt string, disclosure map[string]string) string {
	if len(disclosure) == 0 {
		return prompt
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(prompt))
	b.WriteString("\n\nBegin every call with these words, in the language of the call, before anything else:\n")
	for _, language := range slices.Sorted(maps.Keys(disclosure)) {
		fmt.Fprintf(&b, "- %s: %s\n", language, strings.TrimSpace(disclosure[language]))
	}
	return strings.TrimSpace(b.String())
}

// slots are the calling windows as an assistant must keep to them: on the store's clock, on every day of the week.
// There are none where the windows follow the customer's clock.
func slots(rules policy.Rules) []voice.Span {
	if rules.Timezone != policy.ZoneStore {
		return nil
	}
	spans := make([]voice.Span, len(rules.Windows))
	for i, w := range rules.Windows {
		spans[i] = voice.Span{From: w.From, To: w.To}
	}
	return spans
}

// callbackURL is the address for the events of all calls of the store's assistant. Its token is derived from a key in
// the database. The database is opened without the stores, so that nothing about them changes.
func callbackURL(ctx context.Context, r Request, store config.Store) (string, error) {
	if r.DryRun {
		return r.Config.Server.PublicURL + "/webhooks/voice/" + store.Voice.Provider + "/" + hiddenToken, nil
	}
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

// located puts the store's path in the configuration before every line of an error.
func located(shop string, err error) error {
	if err == nil {
		return nil
	}
	var all []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = "stores." + shop + "." + line; !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return errors.New(strings.Join(all, "\n"))
}

// report prints what was done and what must be put into the configuration. It does so after an error as well, so that
// nothing is made twice.
func report(r Request, done voice.Onboarded) {
	for _, line := range done.Done {
		fmt.Fprintln(r.Out, line)
	}
	if len(done.Keys) == 0 {
		return
	}
	fmt.Fprintf(r.Out, "\nPut this into %s:\n\nstores:\n  %s:\n    voice:\n", r.File, r.Shop)
	for _, key := range done.Keys {
		fmt.Fprintf(r.Out, "      %s: %q\n", key.Key, key.Value)
	}
}

// show prints the requests without their headers, which hold the account's keys.
func show(out io.Writer, steps []voice.Step) error {
	fmt.Fprintf(out, "Nothing is sent. The requests would be, with the account's keys in their headers:\n")
	for _, step := range steps {
		fmt.Fprintf(out, "\n# %s\n%s %s\n", step.What, step.Method, step.URL)
		if step.Body == nil {
			continue
		}
		pretty := json.NewEncoder(out)
		pretty.SetIndent("", "  ")
		pretty.SetEscapeHTML(false)
		if err := pretty.Encode(step.Body); err != nil {
			return err
		}
	}
	return nil
}
