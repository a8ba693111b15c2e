package config

// Onboarding describes the brand and the agent for `ringback onboard`. Each provider checks the words that it allows.
// What is left out is empty or 0.
type Onboarding struct {
	// Brand is the store's name.
	Brand string `yaml:"brand"`
	// SupportPhone is E.164.
	SupportPhone string   `yaml:"support_phone"`
	SupportEmail string   `yaml:"support_email"`
	Trust        Trust    `yaml:"trust"`
	Policies     Policies `yaml:"policies"`
	Agent        Agent    `yaml:"agent"`
	// FAQFile holds questions and answers. Load makes it relative to the configuration file's folder.
	FAQFile  string   `yaml:"faq_file"`
	Audience Audience `yaml:"audience"`
	// MaxDuration is the longest call, in seconds; 0 leaves it to the provider.
	MaxDuration int `yaml:"max_call_seconds"`
	// Documents are https addresses that the provider reads.
	Documents []string     `yaml:"documents"`
	Analysis  AnalysisPlan `yaml:"analysis"`
}

// Trust is what makes customers trust the brand.
type Trust struct {
	// OneLiner says in a line what the brand is for.
	OneLiner string `yaml:"one_liner"`
	// Customers and Orders are how many there have been so far.
	Customers int `yaml:"customers"`
	Orders    int `yaml:"orders"`
	// Rating is 0 to 5.
	Rating float64 `yaml:"rating"`
}

// Policies are the store's promises, as the agent may tell them.
type Policies struct {
	Return   map[string]string `yaml:"return"`
	Shipping map[string]string `yaml:"shipping"`
	COD      map[string]string `yaml:"cod"`
}

// Agent is the assistant's persona.
type Agent struct {
	// AssistantName is the display name.
	AssistantName string `yaml:"assistant_name"`
	// Variant is the kind of assistant, such as abandoned_cart.
	Variant      string `yaml:"variant"`
	SystemPrompt string `yaml:"system_prompt"`
	// Name is how the agent introduces itself.
	Name string `yaml:"name"`
	// Gender is the gender of the voice, such as female.
	Gender string `yaml:"gender"`
	// Voice is one of the provider's voices.
	Voice    string `yaml:"voice"`
	Language string `yaml:"language"`
}

// Audience says whom the agent speaks to.
type Audience struct {
	// AgeGroups are words such as gen_z.
	AgeGroups []string `yaml:"age_groups"`
	// LocationTiers are words such as metro_urban.
	LocationTiers []string `yaml:"location_tiers"`
}

// AnalysisPlan adds to the insights that the policy reads.
type AnalysisPlan struct {
	SuccessCriteria string `yaml:"success_criteria"`
	Summary         string `yaml:"summary"`
}
