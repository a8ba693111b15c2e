package mihu

import (
	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice"
	"ringback/internal/voice/script"
)

// Name is the provider's name in configurations and callback URLs.
const Name = "mihu"

// apiPath is where the API is at an account's address.
const apiPath = "/api/v1"

// Descriptor describes Mihu.
func Descriptor() voice.Descriptor {
	return voice.Descriptor{
		Name: Name, Title: "Mihu",
		Keys: []config.Key{
			{Name: "base_url", What: "the account's address, such as https://acme.mihu.ai/api/v1", Required: true},
			{Name: "token", What: "the bearer token", Required: true, Kept: true},
			{Name: "assistant", What: "the agent's UUID", Required: true},
			{Name: "prompt", What: "the template of what the agent is told to do"},
			{Name: "about", What: "the template of what the agent is told of the customer"},
			{Name: "greeting", What: "the template of what the agent says first"},
		},
		Settings: func() config.Settings { return new(Settings) },
		New: func(cfg config.Voice, network voice.Network) (voice.Provider, error) {
			return New(cfg, network)
		},
		Parse: Parse,
		Onboard: func(b voice.Brief, network voice.Network) (voice.Onboarder, error) {
			return NewOnboarder(b, network)
		},
	}
}

// Settings are the keys under voice of a Mihu account.
type Settings struct {
	// Token is the bearer token.
	Token secret.Secret `yaml:"token"`
	// Prompt, About and Greeting are templates over the cart. An empty one means the default, which for Greeting is
	// none.
	Prompt   script.Text `yaml:"prompt"`
	About    script.Text `yaml:"about"`
	Greeting script.Text `yaml:"greeting"`
}

// Problems implements config.Settings.
func (s *Settings) Problems(config.Voice) []config.Finding {
	problems := s.Prompt.Problems("prompt")
	problems = append(problems, s.About.Problems("about")...)
	return append(problems, s.Greeting.Problems("greeting")...)
}
