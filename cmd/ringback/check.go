package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"ringback/internal/app"
	"ringback/internal/zoneinfo"
)

func check(_ context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`")
	if err := parse(flags, args); err != nil {
		return err
	}
	cfg, warnings, err := app.LoadConfig(*path)
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, w)
	}
	if w := zoneinfo.Warning(time.Now()); w != "" {
		fmt.Fprintln(os.Stderr, "warning: "+w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return errSilent
	}
	if _, err := app.Stores(cfg); err != nil {
		return err
	}
	for _, says := range cfg.UnaskedRegistries() {
		fmt.Fprintln(os.Stderr, "note: "+says)
	}
	fmt.Printf("%s is good: %d %s\n", *path, len(cfg.Stores), plural(len(cfg.Stores), "store"))
	return nil
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func migrate(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`")
	if err := parse(flags, args); err != nil {
		return err
	}
	// Opening the database migrates it.
	a, err := tool(ctx, *path)
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Println("the schema is up to date")
	return nil
}
