package mirai

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/script"
)

// maxName is Mirai's bound on an assistant's name, in characters.
const maxName = 40

// workspaceRequest is the body of POST /v2/workspace/onboard/shopify.
type workspaceRequest struct {
	Name            string          `json:"name"`
	CurrencyCode    string          `json:"currencyCode"`
	Timezone        string          `json:"timezone"`
	SupportContacts supportContacts `json:"supportContacts"`
	TrustSignals    trustSignals    `json:"trustSignals"`
	// PolicyFramework and its three parts are required in one of Mirai's documents and optional in another: they are
	// always sent.
	PolicyFramework policyFramework `json:"policyFramework"`
}

type supportContacts struct {
	PhoneNumber string `json:"phoneNumber"`
	Email       string `json:"email,omitempty"`
}

type trustSignals struct {
	OneLiner  string  `json:"valuePropositionOneLiner"`
	Customers int     `json:"customersTillDate,omitempty"`
	Orders    int     `json:"totalOrdersFulfilled,omitempty"`
	Rating    float64 `json:"storeRating,omitempty"`
}

type policyFramework struct {
	Return   map[string]any `json:"returnPolicy"`
	Shipping map[string]any `json:"shippingPolicy"`
	COD      map[string]any `json:"codPolicy"`
}

func newWorkspaceRequest(b voice.Brief) workspaceRequest {
	o := b.Voice.Onboarding
	return workspaceRequest{
		Name: o.Brand, CurrencyCode: b.Currency, Timezone: b.Timezone,
		SupportContacts: supportContacts{PhoneNumber: o.SupportPhone, Email: o.SupportEmail},
		TrustSignals: trustSignals{
			OneLiner: o.Trust.OneLiner, Customers: o.Trust.Customers, Orders: o.Trust.Orders, Rating: o.Trust.Rating,
		},
		PolicyFramework: policyFramework{
			Return: promises(o.Policies.Return), Shipping: promises(o.Policies.Shipping), COD: promises(o.Policies.COD),
		},
	}
}

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$`)

// promises turns a policy of the configuration into Mirai's: keys may be written with underscores,
// "additional_fee.amount" is nested, and numbers and yes or no are sent as such.
func promises(from map[string]string) map[string]any {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(from)) {
		value := any(from[key])
		switch text := strings.TrimSpace(from[key]); {
		case number.MatchString(text):
			value = json.Number(text)
		case text == "true" || text == "false":
			value = text == "true"
		}
		at := out
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, ok := at[camel(part)].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[camel(part)] = inner
			}
			at = inner
		}
		at[camel(parts[len(parts)-1])] = value
	}
	return out
}

// camel writes window_days as windowDays.
func camel(key string) string {
	words := strings.Split(key, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// assistantRequest is the body of POST /v1/admin/assistant/create.
type assistantRequest struct {
	Name          string         `json:"name"`
	Variant       variantRequest `json:"variant"`
	Agent         agentRequest   `json:"agent"`
	ICPContext    icpContext     `json:"icpContext"`
	CallSettings  callSettings   `json:"callSettings"`
	AnalysisPlan  analysisPlan   `json:"analysisPlan"`
	KnowledgeBase *knowledgeBase `json:"knowledgeBase,omitempty"`
}

type variantRequest struct {
	// Type cannot be changed once the assistant exists.
	Type   string         `json:"type,omitempty"`
	Config map[string]any `json:"config,omitempty"`
}

type agentRequest struct {
	Identity struct {
		Name   string `json:"name"`
		Gender string `json:"gender"`
		Voice  string `json:"voice"`
	} `json:"identity"`
	SystemPrompt string `json:"systemPrompt,omitempty"`
}

type icpContext struct {
	Language      string   `json:"language"`
	AgeGroups     []string `json:"targetAgeGroups,omitempty"`
	LocationTiers []string `json:"locationTiers,omitempty"`
}

type callSettings struct {
	Slots           []slot        `json:"slots"`
	MaxCallDuration int           `json:"maxCallDuration,omitempty"`
	ConcurrentCalls int           `json:"concurrentCallCount"`
	RetryProtocol   retryProtocol `json:"retryProtocol"`
}

type slot struct {
	StartTime string `json:"startTime"`
	EndTime   string `json:"endTime"`
}

type retryProtocol struct {
	NoPickup      int `json:"maxAttemptsNoPickup"`
	LowEngagement int `json:"maxAttemptsLowEngagement"`
	// Period is in seconds.
	Period      int `json:"reAttemptPeriod"`
	Reschedules int `json:"maxRescheduleCount"`
}

type analysisPlan struct {
	Success  string             `json:"successCriteriaPlan"`
	Summary  string             `json:"summaryPlan"`
	Insights map[string]insight `json:"callInsightPlan"`
}

type insight struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Required    bool   `json:"required"`
	// Enum are the values that may be told; none for any.
	Enum []string `json:"enum,omitempty"`
}

type knowledgeBase struct {
	FAQ       []voice.Question `json:"faq,omitempty"`
	Documents []document       `json:"documents,omitempty"`
}

type document struct {
	URL   string `json:"url"`
	Title string `json:"title"`
	Type  string `json:"type"`
}

func newAssistantRequest(b voice.Brief, payload map[string]script.Text) (assistantRequest, error) {
	o := b.Voice.Onboarding
	var problems []error
	a := assistantRequest{
		Name: o.Agent.AssistantName,
		ICPContext: icpContext{
			Language: o.Agent.Language, AgeGroups: o.Audience.AgeGroups, LocationTiers: o.Audience.LocationTiers,
		},
		CallSettings: callSettings{
			MaxCallDuration: o.MaxDuration,
			ConcurrentCalls: min(max(b.Voice.Lines, 1), MaxLines),
			RetryProtocol:   retriesOf(b.Voice.Retries),
		},
		AnalysisPlan: analysisOf(o.Analysis, b.Voice.Insights),
	}
	if a.Name == "" {
		a.Name = o.Brand + " cart recovery"
	}
	if runes := []rune(a.Name); len(runes) > maxName {
		a.Name = string(runes[:maxName])
	}
	a.Agent.Identity.Name, a.Agent.Identity.Gender, a.Agent.Identity.Voice = o.Agent.Name, o.Agent.Gender, o.Agent.Voice
	a.Variant = variantOf(o, payload)
	a.Agent.SystemPrompt = o.Agent.SystemPrompt
	var err error
	if a.CallSettings.Slots, err = slotsOf(b.Slots); err != nil {
		problems = append(problems, err)
	}
	if len(b.FAQ) > 0 || len(o.Documents) > 0 {
		a.KnowledgeBase = &knowledgeBase{FAQ: b.FAQ}
		for i, address := range o.Documents {
			d, err := documentOf(address)
			if err != nil {
				problems = append(problems, fmt.Errorf("voice.onboarding.documents[%d]: %w", i, err))
			}
			a.KnowledgeBase.Documents = append(a.KnowledgeBase.Documents, d)
		}
	}
	return a, errors.Join(problems...)
}

// update is the body of PUT /v1/admin/assistant/update/{id}: all but the variant's type, which cannot be changed.
func (a assistantRequest) update() assistantRequest {
	a.Variant.Type = ""
	return a
}

// variantOf configures the variant. Mirai's documents disagree on where a custom one's prompt belongs
// (agent.systemPrompt or variant.config.systemPrompt), so it stands in both places.
func variantOf(o config.Onboarding, payload map[string]script.Text) variantRequest {
	if o.Agent.Variant != "custom" {
		mode := "online"
		if o.Policies.COD["enabled"] == "true" {
			mode = "both"
		}
		plan := map[string]any{"paymentPlan": map[string]any{"mode": mode}}
		return variantRequest{Type: "abandoned_cart", Config: map[string]any{"abandoned_cart": plan}}
	}
	inputs := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(payload)) {
		inputs = append(inputs, map[string]any{"name": name, "type": "string", "isRequired": false})
	}
	return variantRequest{Type: "custom", Config: map[string]any{
		"systemPrompt": o.Agent.SystemPrompt, "inputSchema": inputs,
	}}
}

// retriesOf turns the provider's redialling off where we redial, and else gives it its documented defaults.
func retriesOf(retries string) retryProtocol {
	if retries == "provider" {
		return retryProtocol{NoPickup: 2, LowEngagement: 1, Period: 300, Reschedules: 1}
	}
	return retryProtocol{Period: 300}
}

// analysisOf asks for the insights that the policy reads, by the names that the store gives them.
func analysisOf(plan config.AnalysisPlan, names config.Insights) analysisPlan {
	p := analysisPlan{Success: plan.SuccessCriteria, Summary: plan.Summary, Insights: map[string]insight{}}
	if p.Success == "" {
		p.Success = "Return true only if the customer clearly said that they will complete the order, or completed " +
			"it during the call; otherwise return false."
	}
	if p.Summary == "" {
		p.Summary = "Say in two or three sentences why the customer had not bought, what they asked for, and how " +
			"the call ended."
	}
	if names.Reason != "" {
		p.Insights[names.Reason] = insight{
			Type: "string", Enum: cart.AbandonReasons(), Description: "Why the customer had not completed the purchase, as " +
				"far as they said so. Leave it empty if they did not.",
		}
	}
	for _, want := range []struct {
		name, typ, description string
		required               bool
	}{
		{names.OptedOut, "boolean", "True only if the customer asked, in whatever words, not to be called " +
			"again.", true},
		{names.Declined, "boolean", "True only if the customer made clear that they do not want to buy what is in " +
			"the cart.", true},
		{names.Interested, "boolean", "True only if the customer showed that they want to buy.", false},
		{names.Callback, "boolean", "True only if the customer asked to be called at another time.", true},
		{names.CallbackAt, "string", "When the customer wants to be called, as ISO 8601 with the offset of the " +
			"customer's time zone, such as 2026-03-05T18:30:00+05:30. Leave it empty if they named no time.", false},
		{names.Voicemail, "boolean", "True if a mailbox, an answering machine or a recorded announcement answered and " +
			"no person spoke; false if a person spoke.", true},
		{names.Screened, "boolean", "True only if an assistant of the phone took the call, asked who is calling or " +
			"why, and no person came on the line.", false},
		{names.Disclosed, "boolean", "False if the agent did not say, at the beginning, that it is an automated voice, for " +
			"whom it calls, and what else its prompt tells it to say first. Otherwise true.", false},
		{names.OfferMentioned, "boolean", "True if you told the customer of the additional discount; false if you did " +
			"not.", false},
		{names.OfferAccepted, "boolean", "True only if the customer took the additional discount.", false},
	} {
		if want.name != "" {
			p.Insights[want.name] = insight{Type: want.typ, Description: want.description, Required: want.required}
		}
	}
	return p
}

var documentTypes = map[string]string{
	".pdf": "pdf", ".txt": "txt", ".docx": "docx", ".md": "markdown", ".markdown": "markdown",
}

// documentOf names a document after its address.
func documentOf(address string) (document, error) {
	name, _, _ := strings.Cut(path.Base(address), "?")
	ext := strings.ToLower(path.Ext(name))
	typ, ok := documentTypes[ext]
	if !ok {
		return document{}, fmt.Errorf("%q does not end in .pdf, .txt, .docx or .md, which are what Mirai reads", name)
	}
	return document{URL: address, Title: strings.TrimSuffix(name, path.Ext(name)), Type: typ}, nil
}

// minutesPerDay is where a day ends on a clock; Mirai's slots end a minute before.
const minutesPerDay = 24 * 60

// slotsOf merges the spans into Mirai's slots, which know neither weekdays nor nights: a span past midnight becomes
// two.
func slotsOf(spans []voice.Span) ([]slot, error) {
	if len(spans) == 0 {
		spans = []voice.Span{{From: "00:00", To: "24:00"}}
	}
	type stretch struct{ from, to int }
	var all []stretch
	for i, s := range spans {
		from, err1 := minutes(s.From)
		to, err2 := minutes(s.To)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("slot %d: %w", i+1, err)
		}
		if from < to {
			all = append(all, stretch{from, to})
			continue
		}
		all = append(all, stretch{from, minutesPerDay})
		if to > 0 {
			all = append(all, stretch{0, to})
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return a.from - b.from })
	merged := all[:1]
	for _, s := range all[1:] {
		last := &merged[len(merged)-1]
		if s.from <= last.to {
			last.to = max(last.to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	var slots []slot
	for _, s := range merged {
		slots = append(slots, slot{StartTime: clock(s.from), EndTime: clock(min(s.to, minutesPerDay-1))})
	}
	return slots, nil
}

func minutes(text string) (int, error) {
	if text == "24:00" {
		return minutesPerDay, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day such as 09:30", text)
	}
	return at.Hour()*60 + at.Minute(), nil
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
