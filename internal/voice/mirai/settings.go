package mirai

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice"
	"ringback/internal/voice/script"
)

// Name is the provider's name in configurations and callback URLs.
const Name = "mirai"

// BaseURL is Mirai's production server (Mirai Minds OpenAPI 1.1.0, servers).
const BaseURL = "https://api.voice-agents.miraiminds.co"

// Title is Mirai's name in messages.
const Title = "Mirai"

// AccountHeader is the header in which callbacks name the account: its public key.
const AccountHeader = "X-Public-Key"

// MaxLines is the most calls at once that Mirai documents for an assistant (call settings, concurrentCallCount).
const MaxLines = 10

// Descriptor describes Mirai.
func Descriptor() voice.Descriptor {
	return voice.Descriptor{
		Name: Name, Title: Title, BaseURL: BaseURL, Lines: MaxLines,
		Abilities: abilities(),
		Keys: append(PairKeys(true),
			config.Key{Name: "workspace", What: "the workspace's id", Required: true, Onboarded: true},
			config.Key{Name: "assistant", What: "the assistant's id", Required: true, Onboarded: true},
			config.Key{Name: "payload", What: "the templates of the payload, for an assistant of the custom variant"},
		),
		Settings: func() config.Settings { return new(Settings) },
		New: func(cfg config.Voice, network voice.Network) (voice.Provider, error) {
			return New(cfg, network)
		},
		Parse:  Parse,
		Signer: func(s config.Settings) voice.Signer { return NewSigner(s.(*Settings).Pair) },

		AccountHeader: AccountHeader,
		Onboard: func(b voice.Brief, network voice.Network) (voice.Onboarder, error) {
			return NewOnboarder(b, network)
		},
	}
}

// Settings are the keys under voice of a Mirai account.
type Settings struct {
	Pair `yaml:",inline"`
	// Payload makes the payload of an assistant of the custom variant. Empty means the abandoned_cart payload.
	Payload map[string]script.Text `yaml:"payload"`
}

// Pair is an account's pair of keys. The private key also signs the account's callbacks.
type Pair struct {
	PublicKey  string        `yaml:"public_key" file:"allowed"`
	PrivateKey secret.Secret `yaml:"private_key"`
	// PublicKeys and PrivateKeys are the pair's values while it is rotated, the new ones first.
	PublicKeys  []string    `yaml:"public_keys"`
	PrivateKeys secret.List `yaml:"private_keys"`
}

// PairKeys describes the keys of a Pair.
func PairKeys(required bool) []config.Key {
	return []config.Key{
		{
			Name: "public_key", Or: "public_keys", What: "the account's public key (x-public-key)",
			Required: required, Kept: true,
		},
		{
			Name: "private_key", Or: "private_keys", Required: required, Kept: true,
			What: "the account's private key (x-private-key), which also signs its callbacks",
		},
		{Name: "public_keys", What: "all public keys that callbacks may name, the new one first", Kept: true},
		{
			Name: "private_keys", What: "all private keys that callbacks may be signed with, the new one first",
			Kept: true,
		},
	}
}

// Public lists the public keys that callbacks may name. Requests are made with the first.
func (p Pair) Public() []string { return listed(p.PublicKey, p.PublicKeys) }

// Private lists the private keys that callbacks may be signed with. Requests are made with the first.
func (p Pair) Private() secret.List { return listed(p.PrivateKey, p.PrivateKeys) }

// listed lists the keys that are not empty, each once, beginning with first.
func listed[T ~string](first T, more []T) []T {
	var all []T
	for _, key := range append([]T{first}, more...) {
		if strings.TrimSpace(string(key)) != "" && !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}

// The words that Mirai's onboarding documents allow.
var (
	assistantVariants = []string{"abandoned_cart", "custom"}
	genders           = []string{"male", "female"}
	ageGroups         = []string{"gen_z", "millennials", "gen_x", "boomers"}
	locationTiers     = []string{"metro_urban", "tier1", "tier2", "tier3", "rural"}
)

// Problems implements config.Settings.
func (s *Settings) Problems(v config.Voice) []config.Finding {
	problems := OnboardingProblems(v.Onboarding)
	for _, name := range slices.Sorted(maps.Keys(s.Payload)) {
		problems = append(problems, s.Payload[name].Problems("payload."+name)...)
	}
	return problems
}

// OnboardingProblems lists the words of an onboarding section that Mirai does not take.
func OnboardingProblems(o config.Onboarding) []config.Finding {
	var problems []config.Finding
	report := func(key, message string) {
		if message != "" {
			problems = append(problems, config.Finding{Key: "onboarding." + key, Message: message})
		}
	}
	if n := utf8.RuneCountInString(o.Agent.AssistantName); n > maxName {
		report("agent.assistant_name", fmt.Sprintf("%q has %d characters; write at most %d", o.Agent.AssistantName, n,
			maxName))
	}
	if o.Agent.Variant != "" {
		report("agent.variant", config.NotOneOf(o.Agent.Variant, assistantVariants...))
	}
	if o.Agent.Gender != "" {
		report("agent.gender", config.NotOneOf(o.Agent.Gender, genders...))
	}
	for i, group := range o.Audience.AgeGroups {
		report(fmt.Sprintf("audience.age_groups[%d]", i), config.NotOneOf(group, ageGroups...))
	}
	for i, tier := range o.Audience.LocationTiers {
		report(fmt.Sprintf("audience.location_tiers[%d]", i), config.NotOneOf(tier, locationTiers...))
	}
	return problems
}
