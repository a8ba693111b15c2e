package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice/providers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocuments_NameKeysThatExist looks at what stands in the documents like `voice.lines`: a key of the configuration,
// in full or from a store's section on.
func TestDocuments_NameKeysThatExist(t *testing.T) {
	t.Parallel()
	var known []string
	sections := map[string]bool{}
	for _, path := range config.KeyPaths(providers.Config()) {
		path = strings.ReplaceAll(strings.TrimPrefix(path, "."), "[]", "")
		known = append(known, path)
		if first, _, nested := strings.Cut(strings.TrimPrefix(path, "stores.*."), "."); nested {
			sections[first] = true
		}
	}
	require.Contains(t, sections, "voice")
	key := regexp.MustCompile("`([a-z_]+)((?:\\.[a-z_]+)+)`")
	found := 0
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, m := range key.FindAllStringSubmatch(string(text), -1) {
				if !sections[m[1]] || slices.Contains([]string{".toml", ".yaml"}, filepath.Ext(m[2])) {
					continue
				}
				found++
				name := m[1] + m[2]
				assert.True(t, slices.Contains(known, name) || slices.Contains(known, "stores.*."+name), "%s names %s", path, name)
			}
		}
	}
	assert.Greater(t, found, 20)
}
