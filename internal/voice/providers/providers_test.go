package providers_test

import (
	"reflect"
	"strings"
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/providers"
	"ringback/internal/voice/voicetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folder is where a provider's package is: its name without underscores.
func folder(name string) string { return "../" + strings.ReplaceAll(name, "_", "") }

func TestProviders_Conform(t *testing.T) {
	t.Parallel()
	for _, d := range providers.All() {
		t.Run(d.Name, func(t *testing.T) { voicetest.Run(t, d, folder(d.Name)) })
	}
}

// TestProviders_SharedKeysAgree holds a key that several providers have to one type: a section is read into the settings of all.
func TestProviders_SharedKeysAgree(t *testing.T) {
	t.Parallel()
	types, kept := map[string]reflect.Type{}, map[string]bool{}
	for _, p := range providers.Config() {
		own := map[string]reflect.Type{}
		fields(reflect.TypeOf(p.Settings()).Elem(), own)
		for key, typ := range own {
			if was, shared := types[key]; shared {
				assert.Equal(t, was, typ, key)
			}
			types[key] = typ
		}
		for _, key := range p.Keys {
			if was, shared := kept[key.Name]; shared {
				assert.Equal(t, was, key.Kept, "%s: kept at one provider and not at another", key.Name)
			}
			kept[key.Name] = key.Kept
		}
	}
}

// fields notes the types of a struct's keys.
func fields(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			fields(f.Type, into)
		} else if name != "" {
			into[name] = f.Type
		}
	}
}

func TestFind_UnknownNameIsAnError(t *testing.T) {
	t.Parallel()
	_, err := providers.New(config.Voice{Provider: "mira"}, voice.Network{})
	require.ErrorContains(t, err, `voice.provider: "mira" is not known; did you mean "mirai"?`)
	_, err = providers.Parse("mira", config.Insights{}, []byte(`{"event":"x"}`))
	require.ErrorContains(t, err, "not known")
	assert.True(t, providers.MaySign("mira"), "nothing is taken unsigned from a provider that is not known")
}

func TestFormerSigners_AreThoseOfTheKeysThatAStoreKept(t *testing.T) {
	t.Parallel()
	kept := &mirai.Settings{Pair: mirai.Pair{PublicKey: "pk", PrivateKey: "sk"}}
	moved := config.Voice{Provider: "mihu", Others: map[string]config.Settings{"mirai": kept}}
	former := providers.FormerSigners(moved)
	require.Len(t, former, 1)
	assert.Equal(t, []string{"pk"}, former["mirai"].PublicKeys())

	kept.PrivateKey = ""
	assert.Empty(t, providers.FormerSigners(moved), "half a pair signs nothing")
	assert.Empty(t, providers.FormerSigners(config.Voice{Provider: "mirai", Settings: kept}))
}
