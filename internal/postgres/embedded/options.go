package embedded

import "log/slog"

// Options say where an embedded server lives.
type Options struct {
	// DataDir is the directory that holds the server's data; it is created if it does not exist.
	DataDir string
	// Logger hears of starts, stops and restarts; nil means nobody does.
	Logger *slog.Logger
	// Throwaway trades safety for speed: a crash of the machine may lose all data. For tests alone.
	Throwaway bool
}
