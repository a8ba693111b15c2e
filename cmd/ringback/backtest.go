package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ringback/internal/backtest/program"
)

func backtest(ctx context.Context, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the configuration `file` with the policy to try; also says where the carts are")
	against := flags.String("against", "", "the configuration `file` with the policy to compare with; config.yaml, if there is one, by default")
	from := flags.String("from", "", "leave out carts made before this `time`, as 2026-09-07 (UTC) or 2026-09-07T10:00:00+05:30")
	to := flags.String("to", "", "leave out carts made at or after this `time`")
	r := program.Request{Now: time.Now(), Out: os.Stdout, Err: os.Stderr, Terminal: terminal(os.Stderr)}
	flags.StringVar(&r.Shop, "shop", "", "only this shop: a `domain`; with -dir, the shop that the webhooks are of")
	flags.StringVar(&r.Dir, "dir", "", "decide the recorded webhooks in this `folder` instead of the stored carts")
	flags.BoolVar(&r.JSON, "json", false, "write JSON")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is one too many: everything is said by flags", flags.Arg(0))
	case *path == "":
		return errors.New("name the configuration to try with -config")
	case r.Dir != "" && (*from != "" || *to != ""):
		return errors.New("-from and -to are for stored carts, not for -dir")
	}
	var err error
	if r.From, err = moment("-from", *from); err != nil {
		return err
	}
	if r.To, err = moment("-to", *to); err != nil {
		return err
	}
	if r.Config, err = load(*path); err != nil {
		return err
	}
	if *against == "" {
		*against = usual(*path)
	}
	if *against == "" {
		fmt.Fprintln(os.Stderr, "There is no other policy to compare with; name one with -against.")
	} else if r.Against, err = load(*against); err != nil {
		return err
	}
	if r.Dir == "" {
		a, err := reader(ctx, r.Config)
		if err != nil {
			return err
		}
		defer a.Close()
		r.DB = a.DB
	}
	return program.Run(ctx, r)
}

// usual is the configuration that the programs read when none is named, unless it is the one that is tried or does not
// exist.
func usual(tried string) string {
	const name = "config.yaml"
	there, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if own, errOwn := os.Stat(filepath.Clean(tried)); err == nil && errOwn == nil && os.SameFile(there, own) {
		return ""
	}
	return name
}

// moment reads a day or an instant; "" is the zero time.
func moment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q: write a day such as 2026-09-07 or an instant such as 2026-09-07T10:00:00+05:30", name, text)
}

// terminal reports whether a file is one.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
