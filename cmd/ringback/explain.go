package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"time"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/explain/program"
)

func explain(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`")
	r := program.Request{Now: time.Now(), Out: os.Stdout}
	flags.StringVar(&r.Shop, "shop", "", "the cart's shop, with -checkout: a `domain`")
	flags.StringVar(&r.Token, "checkout", "", "the cart's checkout `token`, with -shop")
	flags.BoolVar(&r.Full, "full", false, "tell the whole phone number, the email and what was said in the calls")
	flags.BoolVar(&r.JSON, "json", false, "write JSON")
	ids, err := parseAround(flags, args)
	if err != nil {
		return err
	}
	switch len(ids) {
	case 0:
	case 1:
		r.ID = ids[0]
	default:
		return errors.New("name one cart")
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
	return program.Run(ctx, cfg, a.DB, r)
}

// parseAround reads flags that stand before and after the other arguments, which it returns.
func parseAround(flags *flag.FlagSet, args []string) ([]string, error) {
	var others []string
	for {
		if err := parse(flags, args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, flags.Arg(0)), flags.Args()[1:]
	}
}

// reader opens the database of a configuration for a command that only reads. The stores stay out of it: to open the
// database for them would bring what is stored in line with a configuration that need not be the one in force.
func reader(ctx context.Context, cfg *config.Config) (*app.App, error) {
	alone := *cfg
	alone.Stores = nil
	alone.Log.Level = "warn"
	return app.New(ctx, &alone, app.Tool, app.NewLogger(alone.Log, os.Stderr))
}
