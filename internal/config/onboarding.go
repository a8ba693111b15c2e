package config

// Onboarding describes the brand and the agent for `ringback onboard`. Fields follow the provider's own
// onboarding documents.
type Onboarding struct {
	Brand        string       `yaml:"brand"`
	SupportPhone string       `yaml:"support_phone"`
	SupportEmail string       `yaml:"support_email"`
	Trust        Trust        `yaml:"trust"`
	Policies     Policies     `yaml:"policies"`
	Agent        Agent        `yaml:"agent"`
	FAQFile      string       `yaml:"faq_file"`
	Audience     Audience     `yaml:"audience"`
	MaxDuration  int          `yaml:"max_call_seconds"`
	Documents    []string     `yaml:"documents"`
	Analysis     AnalysisPlan `yaml:"analysis"`
}

// Trust is what makes the brand believable.
type Trust struct {
	OneLiner  string  `yaml:"one_liner"`
	Customers int     `yaml:"customers"`
	Orders    int     `yaml:"orders"`
	Rating    float64 `yaml:"rating"`
}

// Policies are the store's promises, as the agent may tell them.
type Policies struct {
	Return   map[string]string `yaml:"return"`
	Shipping map[string]string `yaml:"shipping"`
	COD      map[string]string `yaml:"cod"`
}

// Agent is the assistant's persona.
type Agent struct {
	// AssistantName is the display name, at most 40 characters.
	AssistantName string `yaml:"assistant_name"`
	// Variant is abandoned_cart or custom.
	Variant      string `yaml:"variant"`
	SystemPrompt string `yaml:"system_prompt"`
	Name         string `yaml:"name"`
	Gender       string `yaml:"gender"`
	Voice        string `yaml:"voice"`
	Language     string `yaml:"language"`
}

// Audience says whom the agent speaks to.
type Audience struct {
	AgeGroups     []string `yaml:"age_groups"`
	LocationTiers []string `yaml:"location_tiers"`
}

// AnalysisPlan adds to the insights that the policy reads.
type AnalysisPlan struct {
	SuccessCriteria string `yaml:"success_criteria"`
	Summary         string `yaml:"summary"`
}
