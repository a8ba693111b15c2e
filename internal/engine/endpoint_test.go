package engine

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTakenOver(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{
		`{"suppress": true}`: true, ` {"handled":true,"suppress":false} `: true,
		`{"handled": "true"}`: false, `{"Handled": true}`: false, `[{"handled": true}]`: false, `{"handled": true`: false,
		`{"a": {"handled": true}}`: false, "": false, "ok": false, "null": false,
	} {
		assert.Equal(t, want, takenOver([]byte(content)), content)
	}
}

// FuzzTakenOver reads any answer without a panic, and none as a takeover that does not name one.
func FuzzTakenOver(f *testing.F) {
	for _, seed := range []string{
		`{"suppress": true}`, `{"handled": 1e999}`, `{"handled": true, "handled": false}`, "\xff", "[[[[",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if takenOver(content) && !bytes.Contains(content, []byte("true")) {
			t.Errorf("%q", content)
		}
	})
}
