package app

import (
	"io"
	"log/slog"

	"ringback/internal/config"
)

// NewLogger makes the programs' logger. Errors of the database that repeat are counted.
func NewLogger(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(newQuiet(slog.NewJSONHandler(w, opts)))
	}
	return slog.New(newQuiet(slog.NewTextHandler(w, opts)))
}
