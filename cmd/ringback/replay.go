package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/secret"
)

func replay(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the server's configuration `file`, for its address and secrets")
	shop := flags.String("shop", "", "the `domain` the webhooks are for; the only configured store by default")
	url := flags.String("server", "", "the server's `address`, such as http://127.0.0.1:8080; the configured one by default")
	clientSecret := flags.String("secret", "", "sign with this client `secret` instead of the configured one")
	asRecorded := flags.Bool("as-recorded", false, "keep the recorded times instead of moving them to now")
	if err := parse(flags, args); err != nil {
		return err
	}
	files := flags.Args()
	if len(files) == 0 {
		return errors.New("name the files to replay")
	}
	r := app.Replay{URL: *url, Shop: *shop, Secret: secret.Secret(*clientSecret), AsRecorded: *asRecorded, Now: time.Now(), Out: os.Stdout}
	r.Client = &http.Client{Timeout: 10 * time.Second}
	if *url == "" || *shop == "" || *clientSecret == "" {
		cfg, err := load(*path)
		if err != nil {
			return err
		}
		if err := fill(&r, cfg); err != nil {
			return err
		}
	}
	return r.Run(ctx, files)
}

// fill takes from the configuration what the flags left open.
func fill(r *app.Replay, cfg *config.Config) error {
	if r.URL == "" {
		r.URL = "http://" + cfg.Server.Listen
	}
	if r.Shop == "" {
		if len(cfg.Stores) != 1 {
			domains := make([]string, 0, len(cfg.Stores))
			for d := range cfg.Stores {
				domains = append(domains, d)
			}
			slices.Sort(domains)
			return fmt.Errorf("say which store with -shop: %v", domains)
		}
		for d := range cfg.Stores {
			r.Shop = d
		}
	}
	r.Version = cfg.Shopify.APIVersion
	if r.Secret == "" {
		store, _ := cfg.Store(r.Shop)
		secrets := cfg.Shopify.SecretsOf(store)
		if len(secrets) == 0 {
			return fmt.Errorf("%s has no client secret to sign with", r.Shop)
		}
		r.Secret = secrets[0]
	}
	return nil
}
