// Ringback is the operator's tool.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ringback/internal/app"
	"ringback/internal/config"
)

// command is one thing the tool does.
type command struct {
	name, args, about string
	run               func(ctx context.Context, flags *flag.FlagSet, args []string) error
}

func commands() []command {
	return []command{
		{"demo", "[flags]", "show the whole story on an embedded Postgres, with a simulated shop and voice API", demo},
		{"check", "-config FILE", "validate a configuration; exit 0 when it is good, 1 when not", check},
		{"migrate", "-config FILE", "bring the database's schema up to date", migrate},
		{"onboard", "SHOP -config FILE [-dry-run]", "make the store's workspace and assistant at the voice API, or update them", onboard},
		{
			"call", "-config FILE SHOP +NUMBER",
			"call a number of your own, listed in voice.test_numbers, with a sample cart", call,
		},
		{"replay", "[flags] FILE...", "sign recorded webhooks and post them to a server", replay},
		{"explain", "[flags] CART_ID | -shop SHOP -checkout TOKEN", "tell one cart's story from its ledger", explain},
		{"backtest", "-config NEW.yaml [flags]", "decide the past anew under a changed policy, without any call", backtest},
		{"events", "list|replay|test|on [flags]", "show and try the endpoints of events; send events again", events},
		{"jurisdictions", "[-country US] [-at DATE] [-config FILE -shop SHOP]",
			"print where and when people may be called, and by which law", printJurisdictions},
		{"bench", "[flags]", "measure on this machine how fast webhooks are taken in and calls are made", bench},
	}
}

// errSilent ends the tool with exit code 1 when everything was said already.
var errSilent = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name != args[0] {
				continue
			}
			flags := flag.NewFlagSet("ringback "+c.name, flag.ContinueOnError)
			flags.Usage = func() {
				fmt.Fprintf(flags.Output(), "ringback %s %s\n\n%s\n", c.name, c.args, c.about)
				flags.PrintDefaults()
			}
			err := c.run(ctx, flags, args[1:])
			switch {
			case err == nil, errors.Is(err, flag.ErrHelp):
				return 0
			case errors.Is(err, errSilent):
				return 1
			case errors.Is(err, errUsage):
				return 2
			}
			fmt.Fprintf(os.Stderr, "ringback %s: %v\n", c.name, err)
			return 1
		}
		if args[0] != "help" && args[0] != "-h" && args[0] != "--help" {
			fmt.Fprintf(os.Stderr, "ringback: there is no command %q\n\n", args[0])
			usage()
			return 2
		}
	}
	usage()
	return 0
}

func usage() {
	fmt.Fprint(os.Stderr, "ringback wins back abandoned carts with voice calls. Usage: ringback COMMAND\n\n")
	for _, c := range commands() {
		fmt.Fprintf(os.Stderr, "  %-13s %s\n", c.name, c.about)
	}
	fmt.Fprint(os.Stderr, "\n`ringback COMMAND -h` tells a command's flags. The server and the worker are programs of their own.\n")
}

// errUsage: the flags could not be read; the flag package has said why.
var errUsage = errors.New("usage")

// parse reads a command's flags.
func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return errUsage
	}
	return err
}

// load reads the configuration that a command names by -config.
func load(path string) (*config.Config, error) {
	cfg, _, err := app.LoadConfig(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return nil, errSilent
	}
	return cfg, nil
}

// tool opens the database of a configuration for a command.
func tool(ctx context.Context, path string) (*app.App, error) {
	cfg, err := load(path)
	if err != nil {
		return nil, err
	}
	cfg.Log.Level = "warn"
	return app.New(ctx, cfg, app.Tool, app.NewLogger(cfg.Log, os.Stderr))
}
