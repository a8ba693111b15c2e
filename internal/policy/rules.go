package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Rules is one store's policy as configured. Its yaml tags are the keys of the configuration's `policy:` section.
//
// Begin with DefaultRules, check Problems, then call Compile once. After that, Decide can use it. Compiled rules are
// safe for concurrent use as long as nobody changes them.
type Rules struct {
	// Delay is the time from the customer's last activity on the checkout to the first call.
	Delay time.Duration `yaml:"delay"`
	// ExpiresAfter is the time from the last activity until a cart expires.
	ExpiresAfter time.Duration `yaml:"expires_after"`
	// Consent is what permits a call. It has no default.
	Consent Bases `yaml:"consent"`
	// ConsentMaxAge is how long a consent lasts; 0 for no limit but the law's.
	ConsentMaxAge time.Duration `yaml:"consent_max_age"`
	// ConsentText is the text that customers agree to now.
	ConsentText ConsentText `yaml:"consent_text"`
	// AcceptWeakerConsent are countries, or rows of the calling-hours table, in which the store's consent is enough
	// although the law wants more. It is the only way round.
	AcceptWeakerConsent []string `yaml:"accept_weaker_consent"`

	Eligibility Eligibility `yaml:"eligibility"`

	// Windows are the spans of the week in which calls may start.
	Windows []Window `yaml:"windows"`
	// Timezone says whose clock the windows follow: customer or store.
	Timezone string `yaml:"timezone"`
	// QuietHours is builtin, which also keeps every call inside the calling-hours table, or off.
	QuietHours string `yaml:"quiet_hours"`
	// Jurisdictions change rows of the calling-hours table, by row key (US, US-FL, EU, …) or country code.
	Jurisdictions map[string]Override `yaml:"jurisdictions"`
	// Closed are rows in which nobody is called for now, such as a state in an emergency.
	Closed []Closing `yaml:"closed"`
	// Holidays are days without calls, as "2026-12-25".
	Holidays []string `yaml:"holidays"`

	Attempts Attempts `yaml:"attempts"`
	Caps     Caps     `yaml:"caps"`

	// PriorityAbove gives priority to calls for carts of at least this total (store's currency); nil for none.
	PriorityAbove *decimal.Decimal `yaml:"priority_above"`

	// Offers are checked in order. The first that fits goes out with the call.
	Offers []OfferRule `yaml:"offers"`
	// OfferCooldown is how long a customer gets no other offer after one; 0 for no such rule.
	OfferCooldown time.Duration `yaml:"offer_cooldown"`
	OfferBudget   OfferBudget   `yaml:"offer_budget"`
	Link          UTM           `yaml:"link"`

	// Holdout is the share of customers, 0 to 1, that is never called, so that the effect of calling can be measured.
	Holdout float64 `yaml:"holdout"`
	// HoldoutSalt decides together with the share who is held out: another salt draws other customers.
	HoldoutSalt string `yaml:"holdout_salt"`
	// Attribution is how long after an answered call a purchase is credited to it.
	Attribution time.Duration `yaml:"attribution"`

	// Breakers pause the shop automatically.
	Breakers []Breaker `yaml:"breakers"`

	compiled *compiled
}

// Eligibility says which carts are worth a call. An empty list or a nil amount sets no rule. Texts are compared without
// regard to case.
type Eligibility struct {
	// MinTotal and MaxTotal bound the cart's total, both inclusive, in the store's currency. A total in another currency
	// satisfies neither, unless Shopify also gave the total in the store's.
	MinTotal *decimal.Decimal `yaml:"min_total"`
	MaxTotal *decimal.Decimal `yaml:"max_total"`
	// Currencies are the ISO 4217 currencies that a cart may be in.
	Currencies []string `yaml:"currencies"`
	// Countries are ISO 3166-1 alpha-2: both the number's country and the delivery country, as far as known, must be among
	// them. ExcludeCountries must hold neither. A country stands for its territories as well: US for PR, GB for JE.
	Countries        []string `yaml:"countries"`
	ExcludeCountries []string `yaml:"exclude_countries"`
	// SKUs, Products (Shopify product ids) and Vendors ask for at least one such item; their Exclude lists for none.
	SKUs            []string `yaml:"skus"`
	ExcludeSKUs     []string `yaml:"exclude_skus"`
	Products        []string `yaml:"products"`
	ExcludeProducts []string `yaml:"exclude_products"`
	Vendors         []string `yaml:"vendors"`
	ExcludeVendors  []string `yaml:"exclude_vendors"`
	// CustomerTags asks for at least one such tag, ExcludeCustomerTags for none.
	CustomerTags        []string `yaml:"customer_tags"`
	ExcludeCustomerTags []string `yaml:"exclude_customer_tags"`
	// Sources are Shopify's source names, such as web or pos.
	Sources        []string `yaml:"sources"`
	ExcludeSources []string `yaml:"exclude_sources"`
	// MinItems is the least number of pieces in the cart.
	MinItems int `yaml:"min_items"`
	// ZeroTotal allows calls for carts that cost nothing.
	ZeroTotal bool `yaml:"zero_total"`
	// Test allows calls for tests: checkouts of a test gateway, and test notifications.
	Test bool `yaml:"test"`
}

// Window is a span of the week. It belongs to the day on which it starts: with from "22:00" and to "02:00", [fri] ends
// on Saturday at two.
type Window struct {
	// Days are mon, tue, wed, thu, fri, sat, sun; empty means every day.
	Days []string `yaml:"days"`
	// From and To are times of day, "HH:MM"; To may be "24:00", and may be earlier than From: the window then runs past
	// midnight.
	From string `yaml:"from"`
	To   string `yaml:"to"`
}

// Override changes one row of the calling-hours table for a store. As a plain value it is "on" or "off".
type Override struct {
	// Calls is on or off: whether people of this jurisdiction are called at all. Empty leaves it to the table.
	Calls string `yaml:"calls"`
	// MonFri, Sat, Sun and Holiday replace the hours, as "10:00-13:00"; an empty list closes the day, a missing one leaves
	// it to the table. Days does the same for single days: mon, tue, wed, thu, fri, sat, sun.
	Days    map[string][]string `yaml:"days"`
	MonFri  []string            `yaml:"mon_fri"`
	Sat     []string            `yaml:"sat"`
	Sun     []string            `yaml:"sun"`
	Holiday []string            `yaml:"holiday"`
	// Caps replace the jurisdiction's own caps per phone; an empty list lifts them.
	Caps []Cap `yaml:"caps"`
}

// setsHours reports whether the override gives any hours.
func (o *Override) setsHours() bool {
	return len(o.Days)+len(o.MonFri)+len(o.Sat)+len(o.Sun)+len(o.Holiday) > 0
}

// Closing closes a row of the calling-hours table for a time.
type Closing struct {
	// Row is the row's key, or a country.
	Row string `yaml:"row"`
	// Until is the last day without calls, by the called person's calendar, as "2026-12-05". Empty: until it is taken
	// away.
	Until string `yaml:"until"`
}

// UnmarshalText reads the short form, the row alone.
func (c *Closing) UnmarshalText(text []byte) error {
	*c = Closing{Row: string(text)}
	return nil
}

// UnmarshalText reads the short form, "on" or "off".
func (o *Override) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "on", "true":
		o.Calls = "on"
	case "off", "false":
		o.Calls = "off"
	default:
		return fmt.Errorf(
			`%q is neither on nor off; write one of them, or a mapping such as {mon_fri: ["10:00-18:00"]}`, text)
	}
	return nil
}

// Attempts says how often a cart is called and how far apart.
type Attempts struct {
	// Max is the number of calls to one cart.
	Max     int     `yaml:"max"`
	Spacing Spacing `yaml:"spacing"`
}

// Spacing is the least time between a call and the next attempt, by how the call ended.
type Spacing struct {
	NoAnswer  time.Duration `yaml:"no_answer"`
	Voicemail time.Duration `yaml:"voicemail"`
	Busy      time.Duration `yaml:"busy"`
	// Failed also spaces the attempt after a call that was aborted.
	Failed  time.Duration `yaml:"failed"`
	Timeout time.Duration `yaml:"timeout"`
	Lost    time.Duration `yaml:"lost"`
	// Backoff multiplies the spacing once for every attempt beyond the first; 0 and 1 mean no growth.
	Backoff float64 `yaml:"backoff"`
	// OtherTimeOfDay keeps the next attempt, for two days, out of the part of the day (before noon, noon to five, later)
	// that the last one was made in.
	OtherTimeOfDay bool `yaml:"other_time_of_day"`
}

// Caps bound how often people are called.
type Caps struct {
	PerPhone []Cap `yaml:"per_phone"`
	// DailyCalls bounds the shop's calls in one day of the store's zone; 0 for no bound.
	DailyCalls int `yaml:"daily_calls"`
}

// Cap is a sliding window: at most Calls calls to one phone within Every.
type Cap struct {
	Calls int           `yaml:"calls"`
	Every time.Duration `yaml:"every"`
	// Scope says whose calls count: shop, or all (every shop of the installation), which is the default.
	Scope string `yaml:"scope"`
}

// OfferRule is a discount and the carts it is for.
type OfferRule struct {
	When OfferWhen `yaml:"when"`
	// Code is the discount code; with source unique, the prefix of the codes that are minted.
	Code string `yaml:"code"`
	// Value is a percentage, or an amount in the store's currency, by Type.
	Value decimal.Decimal `yaml:"value"`
	// Type is percentage or fixed.
	Type string `yaml:"type"`
	// ApplyAs says what becomes of a code that the cart already carries: additional (the default) keeps it, override
	// replaces it.
	ApplyAs string `yaml:"apply_as"`
	// Description is what the agent may say of the offer.
	Description string `yaml:"description"`
	// Source is shared (the default: everybody gets Code) or unique (a code of one's own is minted for each call).
	Source string `yaml:"source"`
	// Fallback is the shared code to give when a unique one cannot be had; empty means no offer then.
	Fallback string `yaml:"fallback"`
	// EndsAfter is how long a unique code stays valid; 0 for a year.
	EndsAfter time.Duration `yaml:"ends_after"`
}

// OfferWhen says which carts an offer is for. What is left out does not matter.
type OfferWhen struct {
	// Attempt is the number of the call, from 1; 0 for any.
	Attempt int `yaml:"attempt"`
	// MinTotal and MaxTotal bound the cart's total, both inclusive, in Currency, else in the store's currency.
	MinTotal *decimal.Decimal `yaml:"min_total"`
	MaxTotal *decimal.Decimal `yaml:"max_total"`
	// Currency is the ISO 4217 currency the cart must be in.
	Currency string `yaml:"currency"`
	MinItems int    `yaml:"min_items"`
	// MaxItems is 0 for no bound.
	MaxItems int `yaml:"max_items"`
	// Customer is first_time or returning; a customer whose orders are not known is neither.
	Customer string `yaml:"customer"`
	// Tags asks for at least one of these customer tags.
	Tags []string `yaml:"tags"`
	// HasCode asks for a cart that already carries a discount code, or for one that does not.
	HasCode *bool `yaml:"has_code"`
}

// OfferBudget bounds what a shop gives away.
type OfferBudget struct {
	// Monthly is what offers may cost in a calendar month of the store's zone, in the store's currency; nil for no bound.
	Monthly *decimal.Decimal `yaml:"monthly"`
}

// UTM are the campaign values added to the recovery link; empty ones are not.
type UTM struct {
	Source   string `yaml:"utm_source"`
	Medium   string `yaml:"utm_medium"`
	Campaign string `yaml:"utm_campaign"`
	Content  string `yaml:"utm_content"`
	Term     string `yaml:"utm_term"`
}

// Breaker pauses the shop when too many of its last calls went wrong.
type Breaker struct {
	// On is opt_outs, failures, uncertain or credits.
	On string `yaml:"on"`
	// Last is how many of the shop's newest calls are counted. The breaker does not trip before there are so many.
	Last int `yaml:"last"`
	// Above is the share of them, 0 to 1, beyond which the shop pauses.
	Above float64 `yaml:"above"`
	// Below is the voice account's balance, in the provider's credits, under which a credits breaker trips.
	Below *decimal.Decimal `yaml:"below"`
	// PauseFor is how long the shop pauses; 0 until it is resumed by hand.
	PauseFor time.Duration `yaml:"pause_for"`
}

// Store is what the rules must know of their store.
type Store struct {
	// Shop is the *.myshopify.com domain.
	Shop string
	// Timezone is the store's IANA zone.
	Timezone string
	// Country is ISO 3166-1 alpha-2; empty when unknown.
	Country string
	// Currency is ISO 4217; empty when unknown: no total then satisfies a bound.
	Currency string
	// Prechecked is true when a system of the store's own is asked before each call. Its word counts as the check of the
	// registries that the law names.
	Prechecked bool
}

// PlanningHorizon is how far ahead a call may be planned: it bounds the times between calls and when a customer may ask
// to be called back.
const PlanningHorizon = 30 * 24 * time.Hour

// DefaultRules are the rules of a store that configures nothing but the basis of its consent, which has no default.
// They are careful: calls from ten to seven by the customer's clock, inside the calling-hours table, at most one a day
// and three in thirty days per phone over all shops, two calls a cart, no offers, and breakers on.
func DefaultRules() Rules {
	return Rules{
		Delay:        45 * time.Minute,
		ExpiresAfter: 72 * time.Hour,
		Windows:      []Window{{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "10:00", To: "19:00"}},
		Timezone:     ZoneCustomer,
		QuietHours:   QuietBuiltin,
		Attempts: Attempts{
			Max: 2,
			Spacing: Spacing{
				NoAnswer:  2 * time.Hour,
				Voicemail: 4 * time.Hour,
				Busy:      20 * time.Minute,
				Failed:    time.Hour,
				Timeout:   4 * time.Hour,
				Lost:      24 * time.Hour,
			},
		},
		Caps: Caps{PerPhone: []Cap{
			{Calls: 1, Every: 24 * time.Hour, Scope: ScopeAll},
			{Calls: 3, Every: 720 * time.Hour, Scope: ScopeAll},
		}},
		Attribution: 72 * time.Hour,
		Breakers: []Breaker{
			{On: BreakOptOuts, Last: 40, Above: 0.25},
			{On: BreakFailures, Last: 20, Above: 0.8, PauseFor: time.Hour},
			{On: BreakUncertain, Last: 20, Above: 0.5, PauseFor: time.Hour},
		},
	}
}

// The words that the rules are configured with.
const (
	ZoneCustomer = "customer"
	ZoneStore    = "store"

	QuietBuiltin = "builtin"
	QuietOff     = "off"

	ScopeShop = "shop"
	ScopeAll  = "all"

	ConsentSMS         = "sms_marketing"
	ConsentMarketing   = "marketing"
	ConsentNotRequired = "not_required"
	// ConsentAttribute is followed by the name of a checkout attribute that the store sets, ConsentTag by a tag of the
	// customer, ConsentMetafield by the namespace and the key of a metafield of the customer, as "custom.calls".
	ConsentAttribute = kindAttribute + ":"
	ConsentTag       = kindTag + ":"
	ConsentMetafield = kindMetafield + ":"

	kindAttribute = "attribute"
	kindTag       = "tag"
	kindMetafield = "metafield"

	CustomerFirstTime = "first_time"
	CustomerReturning = "returning"

	OfferPercentage = "percentage"
	OfferFixed      = "fixed"
	OfferAdditional = "additional"
	OfferOverride   = "override"
	OfferShared     = "shared"
	OfferUnique     = "unique"

	BreakOptOuts   = "opt_outs"
	BreakFailures  = "failures"
	BreakUncertain = "uncertain"
	BreakCredits   = "credits"
)
