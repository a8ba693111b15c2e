package main

import (
	"context"
	"flag"
	"log/slog"
	"os"

	"ringback/internal/app"
	ringdemo "ringback/internal/demo"
)

func demo(ctx context.Context, flags *flag.FlagSet, args []string) error {
	data := flags.String("data", "data/demo", "the `folder` for the database and the configuration")
	listen := flags.String("listen", "127.0.0.1:8080", "the dashboard's `address`; a free port is taken when it is in use")
	once := flags.Bool("once", false, "end when the story is told")
	if err := parse(flags, args); err != nil {
		return err
	}
	defer app.IgnoreHangups(slog.New(slog.NewTextHandler(os.Stderr, nil)))()
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	return ringdemo.Run(ctx, ringdemo.Options{
		DataDir: *data, Listen: *listen, Once: *once, Out: os.Stdout, Log: os.Stderr, Colour: terminal,
	})
}
