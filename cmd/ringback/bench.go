package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	ringbench "ringback/internal/bench"
)

func bench(ctx context.Context, flags *flag.FlagSet, args []string) error {
	o := ringbench.Options{Progress: os.Stderr}
	flags.StringVar(&o.DatabaseURL, "database", "",
		"measure in this Postgres, in two databases that are made there and dropped at the end; a `URL`")
	flags.StringVar(&o.Dir, "data", "data/bench",
		"the `folder` for a Postgres that is started for this run and removed at the end; up to 12 GB, on a disk")
	flags.BoolVar(&o.Quick, "quick", false, "measure less: about a minute, not a quarter of an hour")
	asJSON := flags.Bool("json", false, "write JSON")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is one too many: everything is said by flags", flags.Arg(0))
	}
	report, err := ringbench.Run(ctx, o)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "Stopped. Nothing is left behind.")
		return errSilent
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return report.JSON(os.Stdout)
	}
	return report.Table(os.Stdout)
}
