package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vendors are the voice APIs that the files in testdata name. A provider that is added changes no message about them.
func vendors() []config.Provider {
	return []config.Provider{mirai.Descriptor().Config(), miraiadmin.Descriptor().Config(), mihu.Descriptor().Config()}
}

func load(t *testing.T, name string) *config.Config {
	t.Helper()
	cfg, warnings, err := config.Load(filepath.Join("testdata", name), config.TestEnv, vendors())
	require.NoError(t, err)
	require.Empty(t, warnings)
	return cfg
}

// TestLoad_BadFileGivesTheMessagesBesideIt holds every bad_*.yml to the messages in the .err file beside it.
func TestLoad_BadFileGivesTheMessagesBesideIt(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad_*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yml") + ".err")
			require.NoError(t, err)
			cfg, _, err := config.Load(file, config.TestEnv, vendors())
			require.Error(t, err)
			assert.Nil(t, cfg)
			assert.Equal(t, strings.TrimSpace(string(want)), strings.ReplaceAll(err.Error(), "testdata/", ""))
		})
	}
}

func TestLoad_TenMistakesGiveTenMessagesAtTheirLines(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load("testdata/bad_ten.yml", config.TestEnv, vendors())
	var problems *config.Error
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.Problems, 10)
	var lines []int
	for _, p := range problems.Problems {
		lines = append(lines, p.Line)
	}
	assert.Equal(t, []int{2, 3, 4, 6, 7, 9, 10, 13, 15, 20}, lines)
}

func TestLoad_MinimalFileGetsTheBuiltInValues(t *testing.T) {
	t.Parallel()
	cfg := load(t, "good_minimal.yml")
	want := config.Builtin()
	want.Security.EncryptionKey = cfg.Security.EncryptionKey
	assert.Equal(t, &want, cfg)
	assert.Equal(t, "127.0.0.1:8080", cfg.Server.Listen)
	assert.Equal(t, 100, cfg.Worker.Concurrency)
	assert.Equal(t, 720*time.Hour, cfg.Retention.PersonalData)
}

func TestLoad_StoreIsReadOverTheBuiltInValues(t *testing.T) {
	t.Parallel()
	cfg := load(t, "good_store.yml")
	assert.Equal(t, "https://calls.example.com", cfg.Server.PublicURL)
	assert.Equal(t, secret.List{"new", "old"}, cfg.Shopify.ClientSecrets)

	store, ok := cfg.Store("ACME.myshopify.com")
	require.True(t, ok)
	assert.Equal(t, "IN", store.Country)
	assert.Equal(t, "INR", store.Currency)
	assert.Equal(t, "pk_from_a_file", store.Voice.Settings.(*mirai.Settings).PublicKey)
	assert.Equal(t, "sk_from_a_file", store.Voice.Settings.(*mirai.Settings).PrivateKey.Reveal())
	assert.Equal(t, "12345", store.Voice.Assistant)
	assert.Equal(t, 5, store.Voice.Lines)
	assert.Equal(t, 15*time.Second, store.Voice.Timeout)
	assert.Equal(t, "callback_requested", store.Voice.Insights.Callback)
	assert.Equal(t, "mirai|https://api.voice-agents.miraiminds.co|w1|12345", store.Voice.AssistantKey())

	_, ok = cfg.Store("other.myshopify.com")
	assert.False(t, ok)
}

func TestLoad_DefaultsAreMergedUnderEveryStore(t *testing.T) {
	t.Parallel()
	cfg := load(t, "good_defaults.yml")
	require.Len(t, cfg.Stores, 4)
	require.Len(t, cfg.Security.EncryptionKey, 2)

	one := cfg.Stores["one.myshopify.com"]
	assert.Equal(t, "DE", one.Country)
	assert.Equal(t, secret.List{"shared-1", "shared-2"}, one.ClientSecrets)
	assert.Equal(t, 3, one.Voice.Lines)
	assert.Equal(t, "https://acme.mihu.ai/api/v1", one.Voice.BaseURL)
	assert.Equal(t, "tok", one.Voice.Settings.(*mihu.Settings).Token.Reveal())
	assert.Equal(t, 36*time.Hour, one.Policy.Delay)
	assert.Equal(t, "never_again", one.Voice.Insights.OptedOut, "a mapping merges key by key")
	assert.Equal(t, "no_thanks", one.Voice.Insights.Declined)
	assert.Equal(t, "callback_at", one.Voice.Insights.CallbackAt)

	two := cfg.Stores["two.myshopify.com"]
	assert.Equal(t, "AT", two.Country)
	assert.Equal(t, secret.List{"own"}, two.ClientSecrets, "a list replaces")
	assert.Equal(t, 7, two.Voice.Lines)
	assert.Equal(t, 10*time.Minute, two.Policy.Delay)

	three := cfg.Stores["three.myshopify.com"]
	assert.Equal(t, 36*time.Hour, three.Policy.Delay, "a key without a value leaves the defaults")
	four := cfg.Stores["four.myshopify.com"]
	assert.Equal(t, "a4", four.Voice.Assistant)
	assert.Equal(t, 30*time.Second, four.Voice.Timeout, "a merge key brings the anchor's keys")
	assert.Equal(t, 3, four.Voice.Lines)
}

func TestLoad_VariablesAreExpanded(t *testing.T) {
	t.Parallel()
	cfg := load(t, "good_expansion.yml")
	assert.Equal(t, "127.0.0.1:9999", cfg.Server.Listen)
	assert.Equal(t, "postgres://ringback:p%24@localhost/", cfg.Database.URL)
	assert.Empty(t, cfg.Database.DataDir, "set but empty counts as set")
	assert.False(t, cfg.Worker.Enabled)
	assert.Equal(t, 7, cfg.Worker.Concurrency, "a fallback also stands in for an empty variable")
	assert.Equal(t, "costs $5, ${X} or ${TEST_KEY}", cfg.Security.APIToken.Reveal(), "what comes from the environment is not expanded again")
}

func TestLoad_MissingFileIsNamed(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load("testdata/none.yml", config.TestEnv, vendors())
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "testdata/none.yml")
}
