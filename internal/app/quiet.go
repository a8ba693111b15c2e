package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// repeatWithin is for how long an error of the database is not logged again.
const repeatWithin = 30 * time.Second

// quiet is a log handler that logs an error of the database once and counts its repetitions: while the database is
// away, every job, request and poll fails with the same words, a dozen times a second. Other lines pass as they are.
type quiet struct {
	slog.Handler
	seen *repetitions
}

func newQuiet(h slog.Handler) *quiet {
	return &quiet{Handler: h, seen: &repetitions{now: time.Now, lines: map[string]*repetition{}}}
}

// repetitions are the lines of late, by what they say.
type repetitions struct {
	now   func() time.Time
	mu    sync.Mutex
	lines map[string]*repetition
}

// repetition is a line that was logged at an instant and left out a number of times since.
type repetition struct {
	at      time.Time
	left    int
	level   slog.Level
	message string
	failure string
}

// Handle implements slog.Handler.
func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	failure := failureOf(r)
	again, due := q.seen.note(r, failure)
	for _, d := range due {
		sum := slog.NewRecord(q.seen.now(), d.level, d.message, 0)
		sum.AddAttrs(slog.String("error", d.failure), slog.Int("repeated", d.left))
		if err := q.Handler.Handle(ctx, sum); err != nil {
			return err
		}
	}
	if again {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q *quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &quiet{Handler: q.Handler.WithAttrs(attrs), seen: q.seen}
}

// WithGroup implements slog.Handler.
func (q *quiet) WithGroup(name string) slog.Handler {
	return &quiet{Handler: q.Handler.WithGroup(name), seen: q.seen}
}

// note reports whether a line was logged just now, and returns the lines whose time is up with how often they were left
// out. failure is "" for a line that is no error of the database.
func (s *repetitions) note(r slog.Record, failure string) (again bool, due []repetition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, line := range s.lines {
		if now.Sub(line.at) < repeatWithin {
			continue
		}
		if line.left > 0 {
			due = append(due, *line)
		}
		delete(s.lines, key)
	}
	if failure == "" {
		return false, due
	}
	key := r.Message + "\x00" + failure
	if line, ok := s.lines[key]; ok {
		line.left++
		return true, due
	}
	s.lines[key] = &repetition{at: now, level: r.Level, message: r.Message, failure: failure}
	return false, due
}

// failureOf returns the error that a warning or an error tells of, when it is one of the database as a whole; else "".
func failureOf(r slog.Record) string {
	if r.Level < slog.LevelWarn {
		return ""
	}
	failure := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" || a.Key == "err" {
			failure = a.Value.String()
		}
		return failure == ""
	})
	for _, sign := range databaseAway {
		if strings.Contains(failure, sign) {
			return failure
		}
	}
	return ""
}

// databaseAway are signs of a database that cannot be reached or used at all, whatever was asked of it (PostgreSQL,
// appendix A: connection exceptions, insufficient resources, operator intervention, read-only transactions).
var databaseAway = []string{
	"failed to connect to `", "SQLSTATE 08", "SQLSTATE 53", "SQLSTATE 57P0", "SQLSTATE 25006", "closed pool", "conn closed",
	"connection refused", "unexpected EOF", "connection reset by peer",
}
