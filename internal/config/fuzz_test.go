package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice/providers"

	"github.com/stretchr/testify/require"
)

// FuzzLoad holds that no text makes the loader panic, that every problem has a position inside the text, and that there is either
// a configuration or an error.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	require.NoError(f, err)
	for _, file := range append(files, exampleFile) {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, warnings, err := config.Parse("testdata/f.yml", text, config.TestEnv, providers.Config())
		var problems *config.Error
		switch {
		case err == nil:
			require.NotNil(t, cfg)
			require.NotEmpty(t, cfg.Security.EncryptionKey)
		default:
			require.ErrorAs(t, err, &problems)
			require.NotEmpty(t, problems.Problems)
			require.Nil(t, cfg)
		}
		lines := 1
		for _, b := range text {
			// YAML also breaks lines at a lone carriage return and at the three letters that end in 0x85, 0xa8 and 0xa9.
			if b == '\n' || b == '\r' || b == 0x85 || b == 0xa8 || b == 0xa9 {
				lines++
			}
		}
		check := func(p config.Problem) {
			require.NotEmpty(t, p.Message)
			require.Positive(t, p.Line)
			require.Positive(t, p.Column)
			require.LessOrEqual(t, p.Line, lines+1, "%s", p)
		}
		if problems != nil {
			for _, p := range problems.Problems {
				check(p)
			}
		}
		for _, w := range warnings {
			check(config.Problem(w))
		}
	})
}
