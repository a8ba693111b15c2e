package voicetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/contract"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Sample is what the suite must know of a provider: testdata/conformance.yaml in the provider's folder.
type Sample struct {
	// API is the path of the published API, an OpenAPI document, relative to the file.
	API string `yaml:"api"`
	// Accounts are voice sections for each kind of account, by a name for messages. The provider's name is left out.
	Accounts map[string]Account `yaml:"accounts"`
	// Successes are the documented answers to a placement, each naming the call "call-1"; WithoutID names none.
	Successes []string `yaml:"successes"`
	WithoutID string   `yaml:"without_id"`
}

// Account is one kind of account.
type Account struct {
	Voice map[string]any `yaml:"voice"`
	// Secrets must never show.
	Secrets []string `yaml:"secrets"`
	// Abilities are what the account can do: abort, update, callback_per_call, signs and own_retries.
	Abilities []string `yaml:"abilities"`
}

// ReadSample reads the sample of a provider's folder and its published API.
func ReadSample(t *testing.T, folder string) (Sample, *contract.Document) {
	t.Helper()
	file := filepath.Join(folder, "testdata", "conformance.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err, "every provider has this file")
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var sample Sample
	require.NoError(t, decoder.Decode(&sample), file)
	require.NotEmpty(t, sample.Accounts, file)
	require.NotEmpty(t, sample.Successes, file)
	api, err := os.ReadFile(filepath.Join(filepath.Dir(file), sample.API))
	require.NoError(t, err)
	doc, err := contract.Parse(sample.API, api)
	require.NoError(t, err)
	return sample, doc
}

// has says what an account can do, in the words of Account.Abilities.
func has(a voice.Abilities) []string {
	words := []string{}
	for _, can := range []struct {
		word string
		yes  bool
	}{
		{"abort", a.CanAbort}, {"update", a.CanUpdate}, {"callback_per_call", a.CallbackPerCall}, {"signs", a.Signs},
		{"own_retries", a.OwnRetries},
	} {
		if can.yes {
			words = append(words, can.word)
		}
	}
	return words
}

// load reads a configuration with one store of the given voice section.
func load(t *testing.T, d voice.Descriptor, section map[string]any) (config.Voice, error) {
	t.Helper()
	const shop = "acme.myshopify.com"
	keys := map[string]any{"provider": d.Name}
	for key, value := range section {
		keys[key] = value
	}
	text, err := yaml.Marshal(map[string]any{
		"server":   map[string]any{"public_url": "https://calls.example.com"},
		"security": map[string]any{"encryption_key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
		"shopify":  map[string]any{"client_secrets": "s"},
		"stores": map[string]any{shop: map[string]any{
			"timezone": "Asia/Kolkata", "country": "IN", "currency": "INR", "voice": keys,
			"policy": map[string]any{"consent": "not_required", "accept_weaker_consent": []string{"IN"}},
		}},
	})
	require.NoError(t, err)
	env := func(string) (string, bool) { return "", false }
	cfg, _, err := config.Parse("config.yaml", text, env, []config.Provider{d.Config()})
	if err != nil {
		return config.Voice{}, err
	}
	return cfg.Stores[shop].Voice, nil
}
