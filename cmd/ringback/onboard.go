package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"ringback/internal/app"
	"ringback/internal/config"
	provider "ringback/internal/onboard"
)

func onboard(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`; voice.workspace and voice.assistant may still be missing")
	r := provider.Request{Out: os.Stdout}
	flags.BoolVar(&r.DryRun, "dry-run", false, "show the requests and send none")
	shops, err := parseAround(flags, args)
	if err != nil {
		return err
	}
	if len(shops) != 1 {
		return errors.New("name one store, such as acme.myshopify.com")
	}
	r.File, r.Shop = *path, shops[0]
	r.Config, _, err = app.LoadConfig(*path, config.ToOnboard(r.Shop))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return errSilent
	}
	r.Config.Log.Level = "warn"
	r.Log = app.NewLogger(r.Config.Log, os.Stderr)
	return provider.Run(ctx, r)
}
