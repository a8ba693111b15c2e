package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"ringback/internal/jurisdictions"
)

func printJurisdictions(_ context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the configuration `file`, with -shop")
	shop := flags.String("shop", "", "show the table as the store of this `domain` changes it, with -config")
	day := flags.String("at", "", "the `date` to show it at, such as 2026-12-28; today when left out")
	r := jurisdictions.Request{At: time.Now()}
	flags.StringVar(&r.Country, "country", "", "show one country or row: a `code` such as US, IN or US-FL")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *day != "" {
		at, err := time.Parse(time.DateOnly, *day)
		if err != nil {
			return fmt.Errorf("-at: %q is not a date; write one such as 2026-12-28", *day)
		}
		r.At = at
	}
	if (*shop == "") != (*path == "") {
		return errors.New("-config and -shop go together")
	}
	if *path != "" {
		cfg, err := load(*path)
		if err != nil {
			return err
		}
		store, ok := cfg.Stores[*shop]
		if !ok {
			return fmt.Errorf("-shop: %s has no store %q", *path, *shop)
		}
		r.Rules = &store.Policy
	}
	return jurisdictions.Print(os.Stdout, r)
}
