package standing

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Status sums up how a shop stands.
type Status string

// The statuses.
const (
	// Active: carts are called, now or as soon as the calling hours begin.
	Active Status = "active"
	// Attention: carts are called, and somebody should look at something.
	Attention Status = "attention"
	// NotConnected: the shop has not installed the app, or removed it.
	NotConnected Status = "not_connected"
	// Paused: a person, the configuration or the circuit breaker halted calling.
	Paused Status = "paused"
	// Failing: something that calls or webhooks need does not work.
	Failing Status = "failing"
)

// Statuses lists every status.
func Statuses() []Status { return []Status{Active, Attention, NotConnected, Paused, Failing} }

// Code names a reason for a status.
type Code string

// The codes, the worst first.
const (
	// NeverConnected: there is no token for the shop, and no webhook came.
	NeverConnected Code = "never_connected"
	// AppRemoved: the merchant removed the app.
	AppRemoved Code = "app_removed"
	// TokenDead: Shopify refuses the token.
	TokenDead Code = "token_dead"
	// SignaturesRefused: webhooks came whose signature does not fit the secrets.
	SignaturesRefused Code = "signatures_refused"
	// SubscriptionsMissing: the webhook subscriptions could not be made.
	SubscriptionsMissing Code = "subscriptions_missing"
	// VoiceFailing: the voice API does not take calls.
	VoiceFailing Code = "voice_failing"
	// NoCredits: the voice account has no credits left.
	NoCredits Code = "no_credits"
	// BreakerOpen: the shop paused itself because too much went wrong.
	BreakerOpen Code = "breaker_open"
	// PausedByHand: an operator, the merchant or the configuration pauses the shop.
	PausedByHand Code = "paused"
	// NoWebhooks: no webhook came for longer than usual.
	NoWebhooks Code = "no_webhooks"
	// NoToken: webhooks come, but there is no token to ask Shopify with.
	NoToken Code = "no_token"
	// ReconcileBehind: the shop was not compared with Shopify for long.
	ReconcileBehind Code = "reconcile_behind"
	// CreditsLow: few credits are left in the voice account.
	CreditsLow Code = "credits_low"
	// NoFreeLines: carts wait because every line is busy, or the voice API takes no calls for now.
	NoFreeLines Code = "no_free_lines"
	// OutsideHours: nobody may be called now.
	OutsideHours Code = "outside_hours"
	// NotConfigured: there is data of the shop, and the configuration of this process does not name it.
	NotConfigured Code = "not_configured"
)

// Codes lists every code, the worst first.
func Codes() []Code {
	return []Code{
		NeverConnected, AppRemoved, TokenDead, SignaturesRefused, SubscriptionsMissing, VoiceFailing, NoCredits, BreakerOpen,
		PausedByHand, NoWebhooks, NoToken, ReconcileBehind, CreditsLow, NoFreeLines, OutsideHours,
		NotConfigured,
	}
}

// Reason is one thing that is known of how a shop stands.
type Reason struct {
	Code Code
	// Since is when it began; nil when that is not known. Until is when it ends by itself; nil when it does not.
	Since, Until *time.Time
	// Says is one sentence for people, Remedy what to do about it; "" when nothing has to be done.
	Says, Remedy string
	// Label is a phrase of a few words, such as "Paused".
	Label string

	status Status
}

// Alerts reports whether people should be told when the reason comes up: something is wrong that nobody did on purpose
// and that no clock ends.
func (r Reason) Alerts() bool {
	switch r.Code {
	case PausedByHand, NoFreeLines, OutsideHours, AppRemoved, NotConfigured:
		return false
	case NeverConnected, TokenDead, SignaturesRefused, SubscriptionsMissing, VoiceFailing, NoCredits, BreakerOpen,
		NoWebhooks, NoToken, ReconcileBehind, CreditsLow:
		return true
	}
	return true
}

// Standing is how a shop stands.
type Standing struct {
	Status Status
	// Reasons are the worst first; none while calls are made and nothing is wrong.
	Reasons []Reason
}

// Unconfigured is how a shop stands that is not in the configuration.
func Unconfigured() Standing {
	return Standing{Status: NotConnected, Reasons: []Reason{{
		Code: NotConfigured, Label: "Not configured", status: NotConnected,
		Says: "The configuration does not name this shop.", Remedy: "Add it under stores in the configuration and restart.",
	}}}
}

// Has reports whether a code is among the reasons.
func (s Standing) Has(code Code) bool {
	return slices.ContainsFunc(s.Reasons, func(r Reason) bool { return r.Code == code })
}

// Label is a phrase of a few words for the status: that of the worst reason, "Active" without one.
func (s Standing) Label() string {
	if len(s.Reasons) == 0 {
		return "Active"
	}
	return s.Reasons[0].Label
}

// Fault is something that went wrong, each time from its beginning on.
type Fault struct {
	// Since is when it went wrong first, Last when it did so last, and Times how often.
	Since, Last time.Time
	Times       int
	// Detail is the last error, without personal data and secrets.
	Detail string
}

// Facts are what is known of a shop.
type Facts struct {
	// Domain is the shop's.
	Domain string
	// InstallURL is where the merchant installs the app. CustomApp is true for a shop with an admin_token of its own,
	// which is written in the configuration instead.
	InstallURL string
	CustomApp  bool
	// HasToken is true when there is a token for Shopify's API.
	HasToken         bool
	UninstalledAt    *time.Time
	AccessLostAt     *time.Time
	AccessLostReason string

	// LastWebhookAt is nil before the first webhook. LongestGap is the longest usual time between two; 0 when unknown.
	LastWebhookAt *time.Time
	LongestGap    time.Duration
	// ReconciledUntil is nil before the shop was compared with Shopify. ReconcileEvery is how often it is; 0 for never.
	ReconciledUntil *time.Time
	ReconcileEvery  time.Duration
	// ConnectedAt is when the app was installed or its webhooks were subscribed; nil when neither is known.
	ConnectedAt *time.Time

	PausedAt *time.Time
	PausedBy string
	// PausedInConfig is true when the configuration says paused: true.
	PausedInConfig bool
	BreakerAt      *time.Time
	BreakerUntil   *time.Time
	BreakerReason  string

	// Signatures are webhooks with a wrong signature, Subscriptions failures to make the webhook subscriptions, Voice
	// failures to place calls with the shop's account; nil when there are none.
	Signatures, Subscriptions, Voice *Fault

	// Credits is the voice account's balance; nil when it is not known. Below is the limit of the store's breaker on
	// credits; nil when it has none.
	Credits, Below *decimal.Decimal

	// Ready counts the carts that wait for a line of the shop's assistant. Busy of Lines lines are taken. RestsUntil is
	// until when the voice API takes no calls; zero when it takes them.
	Ready, Busy, Lines int
	RestsUntil         time.Time

	// OpensAt is when somebody who lives where the store is may be called next; nil when nobody may within a month.
	OpensAt *time.Time
}
