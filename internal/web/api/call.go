package api

import (
	"encoding/json"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/web/param"
	"ringback/internal/wording"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// callJSON is a call of a cart.
type callJSON struct {
	ID              uuid.UUID      `json:"id"`
	Attempt         int            `json:"attempt"`
	State           cart.CallState `json:"state"`
	Outcome         *cart.Outcome  `json:"outcome"`
	Provider        string         `json:"provider"`
	ProviderCallID  *string        `json:"provider_call_id"`
	Offer           *offerJSON     `json:"offer"`
	Consent         *consentJSON   `json:"consent"`
	PlacedAt        *time.Time     `json:"placed_at"`
	ClosedAt        *time.Time     `json:"closed_at"`
	DurationSeconds *int           `json:"duration_seconds"`
	Summary         *string        `json:"summary"`
	RecordingURL    *string        `json:"recording_url"`
	AnsweredAt      *time.Time     `json:"answered_at"`
	// Success and Sentiment are the analysis's words; null when it has none.
	Success         *bool    `json:"success"`
	Sentiment       *string  `json:"sentiment"`
	RequiredActions []string `json:"required_actions"`
	// Insights are all that the analysis told, by name, with the types that it gave them.
	Insights      map[string]json.RawMessage `json:"insights"`
	AbandonReason *string                    `json:"abandon_reason"`
	// Transcript is null in a list of calls.
	Transcript *string `json:"transcript"`
}

// listedCallJSON is a call in a list, with the cart and the shop that it belongs to.
type listedCallJSON struct {
	callJSON
	CartID    uuid.UUID `json:"cart_id"`
	Shop      string    `json:"shop"`
	CreatedAt time.Time `json:"created_at"`
}

// offerJSON is the discount that a call offered.
type offerJSON struct {
	Code        string  `json:"code"`
	Description *string `json:"description"`
	// Value is a percentage or an amount in the cart's currency, as a decimal string.
	Value   string `json:"value"`
	Type    string `json:"type"`
	ApplyAs string `json:"apply_as"`
	// Mentioned says whether the agent mentioned the offer, and Accepted whether the customer took it; null when that is
	// not known.
	Mentioned *bool `json:"mentioned"`
	Accepted  *bool `json:"accepted"`
}

// fate says whether an offer was mentioned and accepted.
func fate(f cart.OfferFate) (mentioned, accepted *bool) {
	yes, no := true, false
	switch f {
	case cart.OfferAccepted:
		return &yes, &yes
	case cart.OfferMentioned:
		return &yes, &no
	case cart.OfferUnmentioned:
		return &no, &no
	case cart.OfferSent:
	}
	return nil, nil
}

// consentJSON is what permitted a call.
type consentJSON struct {
	Basis       string     `json:"basis"`
	Value       *string    `json:"value"`
	Proves      *string    `json:"proves"`
	At          *time.Time `json:"at"`
	Source      *string    `json:"source"`
	OptIn       *string    `json:"opt_in"`
	TextVersion *string    `json:"text_version"`
	// Weaker is true when the law wants more, and the store accepts less in writing.
	Weaker bool `json:"weaker"`
}

func callAsJSON(c *cart.Call) callJSON {
	j := callJSON{
		ID:              c.ID,
		Attempt:         c.Attempt,
		State:           c.State,
		Outcome:         orNull(c.Outcome),
		Provider:        c.Provider,
		ProviderCallID:  orNull(c.ProviderCallID),
		PlacedAt:        c.PlacedAt,
		ClosedAt:        c.ClosedAt,
		DurationSeconds: c.DurationSeconds,
		Summary:         orNull(c.Summary),
		RecordingURL:    orNull(c.RecordingURL),
		AnsweredAt:      c.AnsweredAt,
		RequiredActions: append([]string{}, c.RequiredActions...),
		Insights:        map[string]json.RawMessage{},
		AbandonReason:   orNull(c.AbandonReason),
		Transcript:      orNull(c.Transcript),
	}
	if a := c.Analysis; a != nil {
		j.Success, j.Sentiment = a.Success, orNull(a.Sentiment)
		for _, f := range a.Findings {
			j.Insights[f.Name] = json.RawMessage(f.Value)
		}
	}
	if k := c.Consent; k != nil {
		j.Consent = &consentJSON{
			Basis: k.Basis, Value: orNull(k.Value), Proves: orNull(k.Proves), At: k.At, Source: orNull(k.Source),
			OptIn: orNull(k.OptIn), TextVersion: orNull(k.TextVersion), Weaker: k.Weaker,
		}
	}
	if o := c.Offer; o != nil {
		j.Offer = &offerJSON{
			Code: o.Code, Description: orNull(o.Description), Value: wording.Digits(o.Value), Type: o.Type, ApplyAs: o.ApplyAs,
		}
		j.Offer.Mentioned, j.Offer.Accepted = fate(c.OfferFate)
	}
	return j
}

func callsAsJSON(calls []cart.Call) []callJSON {
	list := make([]callJSON, len(calls))
	for i := range calls {
		list[i] = callAsJSON(&calls[i])
	}
	return list
}

func (a *API) calls(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "cursor", "limit")
	shop, before, limit := q.Shop(), q.Cursor(), q.Limit()
	if err := q.Err(); err != nil {
		return err
	}
	calls, err := a.db.Calls(c.Request().Context(), shop, before, limit+1)
	if err != nil {
		return err
	}
	calls, next := param.Page(calls, limit, func(c cart.Call) uuid.UUID { return c.ID })
	list := make([]listedCallJSON, len(calls))
	for i := range calls {
		call := &calls[i]
		list[i] = listedCallJSON{callJSON: callAsJSON(call), CartID: call.CartID, Shop: call.Shop, CreatedAt: call.CreatedAt}
	}
	return c.JSON(http.StatusOK, struct {
		Calls      []listedCallJSON `json:"calls"`
		NextCursor string           `json:"next_cursor"`
	}{list, next})
}
