package voicetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringback/internal/voice"
)

// matrix reads the table under a heading of docs/voice-faults.md: fault → result.
func matrix(t *testing.T, heading string) map[string]string {
	t.Helper()
	// Tests run in the folder of the provider's package, three below the repository.
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "voice-faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(raw), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/voice-faults.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 {
			continue
		}
		fault, result := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if fault == "Fault" || strings.HasPrefix(fault, "---") {
			continue
		}
		if _, twice := rows[fault]; twice {
			t.Fatalf("docs/voice-faults.md lists %q twice under %q", fault, heading)
		}
		rows[fault] = result
	}
	return rows
}

// placed says how a placement ended, in the words of the document.
func placed(err error) string {
	var failed *voice.NotPlacedError
	var refused *voice.RefusedError
	var uncertain *voice.UncertainError
	switch {
	case err == nil:
		return "placed"
	case errors.As(err, &failed) && failed.Throttled:
		return "account throttled" + after(failed.RetryAfter)
	case errors.As(err, &failed):
		return "not placed" + after(failed.RetryAfter)
	case errors.As(err, &refused):
		return "refused: " + string(refused.Kind)
	case errors.As(err, &uncertain):
		return "uncertain"
	}
	return fmt.Sprintf("an error of no known type: %T", err)
}

// aborted says how an abort ended, in the words of the document.
func aborted(err error) string {
	var tooLate *voice.AbortRefusedError
	var refused *voice.RefusedError
	var temporary *voice.TemporaryError
	switch {
	case err == nil:
		return "aborted"
	case errors.As(err, &tooLate):
		return "abort refused"
	case errors.As(err, &refused):
		return "refused: " + string(refused.Kind)
	case errors.As(err, &temporary):
		return "try again" + after(temporary.RetryAfter)
	}
	return fmt.Sprintf("an error of no known type: %T", err)
}

func after(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", not before " + d.String()
}
