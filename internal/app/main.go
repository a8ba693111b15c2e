package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ringback/internal/config"
	"ringback/internal/voice/providers"
	"ringback/internal/zoneinfo"
)

// LoadConfig reads and checks a configuration file with the environment of this process. It knows every voice provider.
// What is wrong with the file's content is a *config.Error; warnings are returned with and without an error.
func LoadConfig(path string, options ...config.Option) (*config.Config, []config.Warning, error) {
	return config.Load(path, os.LookupEnv, providers.Config(), options...)
}

// Main runs a long-lived program: it reads -config, builds the app for its role and runs it until it is told to stop.
// It returns the exit code.
func Main(name string, role Role, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("config", "config.yaml", "the configuration `file`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	TuneMemory()
	cfg, warnings, err := LoadConfig(*path)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	log := NewLogger(cfg.Log, stderr)
	for _, w := range warnings {
		log.Warn(fmt.Sprint(w))
	}
	if w := zoneinfo.Warning(time.Now()); w != "" {
		log.Warn(w)
	}
	defer IgnoreHangups(log)()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a, err := New(ctx, cfg, role, log)
	if err != nil {
		fmt.Fprintln(stderr, name+":", err)
		return 1
	}
	defer a.Close()
	if err := a.Run(ctx); err != nil {
		fmt.Fprintln(stderr, name+":", err)
		return 1
	}
	return 0
}
