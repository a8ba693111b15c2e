// Package onboard makes at a voice API what a store needs before its first call: at Mirai a workspace and an assistant, at Mihu
// the agent's webhook. It may be run at any time: what exists is found and updated.
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

	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/voice"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/wire"
)

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
		return fmt.Errorf("%s has no store %q; it has %s", r.File, r.Shop, strings.Join(slices.Sorted(maps.Keys(r.Config.Stores)), ", "))
	}
	switch store.Voice.Provider {
	case mirai.Name:
		return onboardMirai(ctx, r, store)
	case mihu.Name:
		return onboardMihu(ctx, r, store)
	}
	return fmt.Errorf("stores.%s.voice.provider: %s cannot be onboarded: its requests make no workspace or assistant; onboard the store with provider: mirai and its pair of keys, then write both ids into the section of %s",
		r.Shop, store.Voice.Provider, store.Voice.Provider)
}

func onboardMirai(ctx context.Context, r Request, store config.Store) error {
	brief := mirai.Brief{Voice: store.Voice, Currency: store.Currency, Timezone: store.Timezone, Slots: slots(store.Policy)}
	var unread error
	if file := store.Voice.Onboarding.FAQFile; file != "" {
		brief.FAQ, unread = readFAQ(file)
	}
	onboarder, missing := mirai.NewOnboarder(brief, wire.Network{})
	if err := errors.Join(located(r.Shop, missing), unread); err != nil {
		return err
	}
	if r.DryRun {
		steps, err := onboarder.Steps()
		if err != nil {
			return err
		}
		return show(r.Out, store.Voice.BaseURL, steps)
	}
	done, err := onboarder.Run(ctx)
	tell(r, store.Voice, done)
	if err != nil {
		return fmt.Errorf("stores.%s: %w", r.Shop, err)
	}
	return nil
}

// slots are the windows as Mirai must keep to them: on the store's clock, on any day. There are none where the windows follow the
// customer's.
func slots(rules policy.Rules) []mirai.Span {
	if rules.Timezone != policy.ZoneStore {
		return nil
	}
	spans := make([]mirai.Span, len(rules.Windows))
	for i, w := range rules.Windows {
		spans[i] = mirai.Span{From: w.From, To: w.To}
	}
	return spans
}

// located puts the store's place in the configuration before every key that is missing.
func located(shop string, missing error) error {
	if missing == nil {
		return nil
	}
	var all []string
	for line := range strings.SplitSeq(missing.Error(), "\n") {
		if line = "stores." + shop + "." + line; !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return errors.New(strings.Join(all, "\n"))
}

// tell says what was done and what belongs into the configuration. It is told after an error as well: what was made must not be
// made a second time.
func tell(r Request, v config.Voice, done mirai.Onboarded) {
	if done.Workspace == "" {
		return
	}
	if done.NewWorkspace {
		fmt.Fprintf(r.Out, "made the workspace %s\n", done.Workspace)
	}
	switch {
	case done.NewAssistant:
		fmt.Fprintf(r.Out, "made the assistant %s\n", done.Assistant)
	case done.Assistant != "":
		fmt.Fprintf(r.Out, "updated the assistant %s\n", done.Assistant)
	}
	if done.Workspace == v.Workspace && (done.Assistant == v.Assistant || done.Assistant == "") {
		return
	}
	fmt.Fprintf(r.Out, "\nPut this into %s:\n\nstores:\n  %s:\n    voice:\n      workspace: %q\n", r.File, r.Shop, done.Workspace)
	if done.Assistant != "" {
		fmt.Fprintf(r.Out, "      assistant: %q\n", done.Assistant)
	}
}

// show writes the requests out. The account's keys travel in headers, which are left out.
func show(out io.Writer, base string, steps []voice.Step) error {
	fmt.Fprintf(out, "Nothing is sent. The requests would be, with the account's keys in their headers:\n")
	for _, step := range steps {
		fmt.Fprintf(out, "\n# %s\n%s %s%s\n", step.What, step.Method, strings.TrimSuffix(base, "/"), step.Path)
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
