package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"ringback/internal/app"

	"github.com/google/uuid"
)

func events(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`")
	endpoint := flags.String("endpoint", "", "the endpoint's `id`, or the beginning of it; not needed for the only one")
	kind := flags.String("type", "call.no_answer", "with test: the `type` of event")
	cartID := flags.String("cart", "", "with replay: only the events of this cart, an `id`")
	since := flags.String("since", "", "with replay: only events since an `instant` such as 2026-11-21T09:30:00Z")
	until := flags.String("until", "", "with replay: only events before an `instant`")
	failed := flags.Bool("failed", false, "with replay: only events that were given up")
	words, err := parseAround(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return errors.New("write one of: list, replay, test, on")
	}
	var do func(*app.App) error
	switch words[0] {
	case "list":
		do = func(a *app.App) error { return a.ListEndpoints(ctx, os.Stdout) }
	case "on":
		do = func(a *app.App) error { return a.SwitchEndpointOn(ctx, os.Stdout, *endpoint) }
	case "test":
		do = func(a *app.App) error { return a.TestEvent(ctx, os.Stdout, *endpoint, *kind) }
	case "replay":
		again := app.Again{Endpoint: *endpoint, FailedOnly: *failed}
		if *cartID != "" {
			if again.Cart, err = uuid.Parse(*cartID); err != nil {
				return fmt.Errorf("-cart %q is not an id", *cartID)
			}
		}
		for name, at := range map[string]struct {
			text string
			into *time.Time
		}{"since": {*since, &again.Since}, "until": {*until, &again.Until}} {
			if at.text == "" {
				continue
			}
			if *at.into, err = time.Parse(time.RFC3339, at.text); err != nil {
				return fmt.Errorf("-%s %q is not an instant; write one such as 2026-11-21T09:30:00Z", name, at.text)
			}
		}
		if *cartID == "" && *since == "" && !*failed {
			return errors.New("say what is sent again: -since, -cart or -failed")
		}
		do = func(a *app.App) error { return a.ReplayEvents(ctx, os.Stdout, again) }
	default:
		return fmt.Errorf("%q is not known; write one of: list, replay, test, on", words[0])
	}
	cfg, err := load(*path)
	if err != nil {
		return err
	}
	a, err := reader(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a)
}
