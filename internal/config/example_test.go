package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/secret"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"
	"ringback/internal/voice/providers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

const exampleFile = "../../config.example.yaml"

// optionalKey is a line of the example that is put to use by taking its # away; prose has a space after the #.
var optionalKey = regexp.MustCompile(`(?m)^( *)#([^ #\n])`)

func exampleEnv(name string) (string, bool) {
	if name == "DATABASE_URL" || name == "SHOPIFY_CLIENT_ID" {
		return "", false
	}
	if name == "RINGBACK_ENCRYPTION_KEY" {
		return config.TestEnv("TEST_KEY")
	}
	return "value-of-" + strings.ToLower(name), true
}

func readExample(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	return text
}

func TestExample_ShowsTheDefaults(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := config.Parse(exampleFile, readExample(t), exampleEnv, providers.Config())
	require.NoError(t, err)
	assert.Empty(t, warnings)

	want := config.Builtin()
	want.Server.PublicURL = cfg.Server.PublicURL
	want.Security = cfg.Security
	want.Shopify.ClientSecrets = cfg.Shopify.ClientSecrets
	want.Stores = cfg.Stores
	assert.Equal(t, &want, cfg)

	store, ok := cfg.Store("acme.myshopify.com")
	require.True(t, ok)
	wantStore := config.BuiltinStore()
	wantStore.Timezone, wantStore.Country, wantStore.Currency = "Asia/Kolkata", "IN", "INR"
	wantStore.ClientSecrets = secret.List{}
	wantStore.Voice.Provider = "mirai"
	wantStore.Voice.BaseURL = mirai.BaseURL
	pair := mirai.Pair{PublicKey: "value-of-mirai_public_key", PrivateKey: "value-of-mirai_private_key"}
	wantStore.Voice.Settings = &mirai.Settings{Pair: pair}
	wantStore.Voice.Others = map[string]config.Settings{"mirai_admin": &miraiadmin.Settings{Pair: pair}}
	wantStore.Voice.Workspace = "value-of-mirai_workspace"
	wantStore.Voice.Assistant = "value-of-mirai_assistant"
	wantStore.Policy.Consent = policy.Bases{{Basis: "attribute:automated_calls", Proves: cart.ProvesVoice}}
	assert.Equal(t, wantStore, store)
}

// TestExample_NamesEveryKey takes the # off the optional keys: the file must still load, and hold every key that there is with the
// providers that it shows.
func TestExample_NamesEveryKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/secrets", 0o700))
	for _, name := range []string{"webhook", "smtp", "globex-admin-token", "mirai-admin-token"} {
		require.NoError(t, os.WriteFile(dir+"/secrets/"+name, []byte("a long enough secret\n"), 0o600))
	}
	crm := []byte("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
	require.NoError(t, os.WriteFile(dir+"/secrets/crm", crm, 0o600))
	text := optionalKey.ReplaceAll(readExample(t), []byte("$1$2"))
	_, warnings, err := config.Parse(dir+"/config.yaml", text, exampleEnv, providers.Config())
	require.NoError(t, err)
	for _, w := range warnings {
		assert.Regexp(t, `voice\.payload: warning|globex.*voice\.disclosure: warning`, w.String(),
			"only acme's payload, shown beside the other variant, and what globex's assistant says may be warned of")
	}

	var root yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &root))
	there := map[string]bool{}
	collectPaths(root.Content[0], "", there)
	var shown []config.Provider
	for _, p := range providers.Config() {
		if strings.Contains(string(text), "provider: "+p.Name+"\n") {
			shown = append(shown, p)
		}
	}
	require.NotEmpty(t, shown)
	for _, path := range config.KeyPaths(shown) {
		if !strings.HasPrefix(path, "defaults.") {
			assert.True(t, there[path], "config.example.yaml does not show %s", path)
		}
	}
}

// collectPaths notes every key of a tree; list items are [], and the names of stores and other free keys are notes of their own.
func collectPaths(n *yaml.Node, path string, into map[string]bool) {
	into[path] = true
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			collectPaths(n.Content[i+1], below(path, n.Content[i].Value), into)
			collectPaths(n.Content[i+1], below(path, "*"), into)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			collectPaths(item, path+"[]", into)
		}
	}
}

func below(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// TestExample_DamageIsReported puts something else in place of any one value of the full example. Whatever it is, the loader
// either takes it or says where it stands.
func TestExample_DamageIsReported(t *testing.T) {
	t.Parallel()
	text := optionalKey.ReplaceAll(readExample(t), []byte("$1$2"))
	rapid.Check(t, func(t *rapid.T) {
		var document yaml.Node
		require.NoError(t, yaml.Unmarshal(text, &document))
		var values []*yaml.Node
		collectValues(document.Content[0], &values)
		damaged := rapid.SampledFrom(values).Draw(t, "value")
		*damaged = rapid.SampledFrom([]yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"},
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: ""},
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: "nonsense"},
			{Kind: yaml.ScalarNode, Tag: "!!int", Value: "-1"},
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: "${NO_SUCH_VARIABLE"},
			{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: ""}, {Kind: yaml.MappingNode}}},
			{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "nonsense"}, {Kind: yaml.ScalarNode, Tag: "!!str", Value: "x"}}},
		}).Draw(t, "damage")
		damagedText, err := yaml.Marshal(&document)
		require.NoError(t, err)

		lines := strings.Count(string(damagedText), "\n") + 1
		_, _, err = config.Parse("testdata/f.yml", damagedText, exampleEnv, providers.Config())
		var problems *config.Error
		require.ErrorAs(t, err, &problems, "the secret files are not there")
		for _, p := range problems.Problems {
			require.NotEmpty(t, p.Message)
			require.NotEmpty(t, p.Path)
			require.Positive(t, p.Column)
			require.Positive(t, p.Line)
			require.LessOrEqual(t, p.Line, lines)
		}
	})
}

func collectValues(n *yaml.Node, into *[]*yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			*into = append(*into, n.Content[i])
			collectValues(n.Content[i], into)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			*into = append(*into, item)
			collectValues(item, into)
		}
	}
}
