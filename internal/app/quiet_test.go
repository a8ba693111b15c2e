package app

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLog_CountsRepeatedErrorsOfTheDatabase(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	handler := newQuiet(slog.NewTextHandler(&out, nil))
	handler.seen.now = func() time.Time { return now }
	log := slog.New(handler).With("program", "test")
	away := errors.New("read: failed to connect to `user=x database=y`: 127.0.0.1:1: dial error")
	for range 50 {
		log.Error("poll failed", "error", away)
		log.Error("other poll failed", "error", away)
	}
	log.Error("job failed", "error", errors.New("the provider said 500"))
	log.Error("job failed", "error", errors.New("the provider said 500"))
	assert.Equal(t, 1, strings.Count(out.String(), `"poll failed"`))
	assert.Equal(t, 1, strings.Count(out.String(), `"other poll failed"`))
	assert.Equal(t, 2, strings.Count(out.String(), `"job failed"`), "other errors are told each")

	now = now.Add(repeatWithin)
	log.Info("something else")
	assert.Equal(t, 1, strings.Count(out.String(), "other poll failed\" program=test error=\"read: failed to connect to `user=x database=y`: 127.0.0.1:1: dial error\" repeated=49"))
	assert.Equal(t, 2, strings.Count(out.String(), `"poll failed"`))
	log.Error("poll failed", "error", away)
	assert.Equal(t, 3, strings.Count(out.String(), `"poll failed"`), "then it is told again")
}
