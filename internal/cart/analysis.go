package cart

import (
	"encoding/json"
	"slices"
	"strings"
)

// Analysis is what a provider told of a conversation besides what the policy reads. It may hold personal data.
type Analysis struct {
	// Success says whether the call reached its aim; nil when that was not told.
	Success *bool `json:"success,omitempty"`
	// Sentiment is the provider's word for the customer's mood.
	Sentiment string `json:"sentiment,omitempty"`
	// Findings are all insights that were told, by name, those included that the policy reads.
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is one insight of a call's analysis.
type Finding struct {
	// Name is the insight's name at the provider.
	Name string `json:"name"`
	// Value is what was told, as compact JSON, so that its type is kept.
	Value string `json:"value"`
}

// Text writes the value for people: a text as it is, a yes or no in words, anything else as JSON.
func (f Finding) Text() string {
	var value any
	if err := json.Unmarshal([]byte(f.Value), &value); err != nil {
		return f.Value
	}
	switch value := value.(type) {
	case string:
		return value
	case bool:
		if value {
			return "yes"
		}
		return "no"
	}
	return f.Value
}

// With returns the analysis with what another report of the call tells. A later value of an insight replaces an earlier
// one.
func (a *Analysis) With(later Analysis) *Analysis {
	if later.Success == nil && later.Sentiment == "" && len(later.Findings) == 0 {
		return a
	}
	all := Analysis{}
	if a != nil {
		all = *a
		all.Findings = slices.Clone(a.Findings)
	}
	if later.Success != nil {
		all.Success = later.Success
	}
	if later.Sentiment != "" {
		all.Sentiment = later.Sentiment
	}
	for _, f := range later.Findings {
		i := slices.IndexFunc(all.Findings, func(old Finding) bool { return old.Name == f.Name })
		if i < 0 {
			all.Findings = append(all.Findings, f)
		} else {
			all.Findings[i] = f
		}
	}
	slices.SortFunc(all.Findings, func(a, b Finding) int { return strings.Compare(a.Name, b.Name) })
	return &all
}

// OfferFate is what became of the offer that went out with a call.
type OfferFate string

// The fates of an offer. The zero value means that none went out.
const (
	// OfferSent: it is not known whether the agent mentioned the offer.
	OfferSent OfferFate = "sent"
	// OfferUnmentioned: the agent did not mention it.
	OfferUnmentioned OfferFate = "unmentioned"
	// OfferMentioned: the agent mentioned it.
	OfferMentioned OfferFate = "mentioned"
	// OfferAccepted: the customer took it, in the call or with the order.
	OfferAccepted OfferFate = "accepted"
)

// Given reports whether the customer was told of the offer, as far as is known.
func (f OfferFate) Given() bool { return f != OfferUnmentioned }

// AbandonReasons lists the reasons for which carts are left behind that an assistant is asked to tell apart. A store's
// own assistant may tell others.
func AbandonReasons() []string {
	return []string{
		"price", "shipping_cost", "just_looking", "payment_problem", "delivery_time", "product_question", "trust",
		"technical_problem", "bought_elsewhere", "no_longer_needed", "other",
	}
}
