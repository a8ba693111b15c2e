package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"ringback/internal/app"
)

func call(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "config.yaml", "the configuration `file`")
	about := flags.String("cart", "sample", "what the call is about; only `sample`, a cart that was made up")
	wait := flags.Duration("wait", 5*time.Minute, "how long to follow the call")
	names, err := parseAround(flags, args)
	if err != nil {
		return err
	}
	switch {
	case len(names) != 2:
		return errors.New("name one store and one number, such as acme.myshopify.com +912212345678")
	case *about != "sample":
		return fmt.Errorf("-cart %q: write sample; no other cart can be called for a test", *about)
	}
	a, err := tool(ctx, *path)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.TestCall(ctx, app.TestCall{Shop: names[0], Phone: names[1], Wait: *wait, Out: os.Stdout})
}
