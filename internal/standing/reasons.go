package standing

import (
	"slices"
	"strings"
	"time"

	"ringback/internal/wording"

	"github.com/shopspring/decimal"
)

// For how long something may go on before it is told.
const (
	// leastSilence is the shortest time without a webhook that is told, silenceUnknown the time for a shop of which
	// nothing is known yet. Between them it is silenceTimes the longest usual gap.
	leastSilence   = 2 * time.Hour
	silenceUnknown = 24 * time.Hour
	silenceTimes   = 2
	// reconcileTimes is how many runs of the comparison with Shopify may be missed; leastBehind is told in any case.
	reconcileTimes = 3
	leastBehind    = 30 * time.Minute
	// signaturesFor is for how long refused webhooks are told of after the last one.
	signaturesFor = time.Hour
	// voiceFor is for how long after its last failure the voice API counts as failing.
	voiceFor = time.Hour
	// lowTimes times the limit of the breaker on credits is few credits; lowUnknown is few where there is no limit.
	lowTimes = 2
)

var lowUnknown = decimal.NewFromInt(50)

// Of says how a shop stands.
func Of(f Facts, now time.Time) Standing {
	l := list{f: &f, now: now}
	l.connection()
	l.webhooks()
	l.voice()
	l.halts()
	l.hours()
	order := Codes()
	slices.SortStableFunc(l.reasons, func(a, b Reason) int {
		return slices.Index(order, a.Code) - slices.Index(order, b.Code)
	})
	s := Standing{Status: Active, Reasons: l.reasons}
	if len(s.Reasons) > 0 {
		s.Status = s.Reasons[0].status
	}
	return s
}

// list gathers reasons.
type list struct {
	f       *Facts
	now     time.Time
	reasons []Reason
}

func (l *list) add(r Reason, status Status) {
	r.status = status
	l.reasons = append(l.reasons, r)
}

// connection looks at the install and at what is asked of Shopify.
func (l *list) connection() {
	f := l.f
	if f.UninstalledAt != nil {
		l.add(Reason{
			Code: AppRemoved, Since: f.UninstalledAt, Label: "App removed",
			Says: "The merchant removed the app. Nobody is called.", Remedy: l.connect("again"),
		}, NotConnected)
		return
	}
	if f.AccessLostAt != nil {
		l.add(Reason{
			Code: TokenDead, Since: f.AccessLostAt, Label: "Access lost",
			Says:   "Shopify refuses the token: purchases cannot be checked and missed webhooks cannot be found.",
			Remedy: l.connect("again"),
		}, Failing)
		return
	}
	if !f.HasToken {
		if f.LastWebhookAt == nil {
			l.add(Reason{
				Code: NeverConnected, Label: "Not connected",
				Says: "The shop has never been connected: there is no token and no webhook came.", Remedy: l.connect(""),
			}, NotConnected)
			return
		}
		l.add(Reason{
			Code: NoToken, Label: "No token",
			Says:   "Webhooks come, but there is no token: purchases cannot be checked and missed webhooks cannot be found.",
			Remedy: l.connect(""),
		}, Attention)
		return
	}
	if fault := f.Subscriptions; fault != nil {
		l.add(Reason{
			Code: SubscriptionsMissing, Since: &fault.Since, Label: "Subscriptions missing",
			Says:   "The webhook subscriptions could not be made: " + sentence(fault.Detail),
			Remedy: "Check server.public_url and the app's scopes. It is tried again at each start.",
		}, Failing)
	}
	l.reconcile()
}

// connect says how the shop gets a token; again is "again" for one that had one, else "".
func (l *list) connect(again string) string {
	if again != "" {
		again = " " + again
	}
	if l.f.CustomApp {
		return "Have the merchant install the custom app" + again + ", write its token as admin_token of " + l.f.Domain +
			" in the configuration and restart."
	}
	return "Have the merchant install the app" + again + ", at " + l.f.InstallURL + "."
}

func (l *list) reconcile() {
	f := l.f
	if f.ReconcileEvery <= 0 {
		return
	}
	since := f.ReconciledUntil
	if since == nil {
		since = f.ConnectedAt
	}
	behind := max(reconcileTimes*f.ReconcileEvery, leastBehind)
	if since == nil || l.now.Sub(*since) < behind {
		return
	}
	l.add(Reason{
		Code: ReconcileBehind, Since: since, Label: "Sync behind",
		Says:   "The shop has not been compared with Shopify for " + wording.Span(l.now.Sub(*since)) + ".",
		Remedy: "Look at the reconcile_shop jobs under Jobs: their last error says why.",
	}, Attention)
}

// webhooks looks at what Shopify sends.
func (l *list) webhooks() {
	f := l.f
	l.signatures()
	if l.has(AppRemoved) || l.has(NeverConnected) {
		return
	}
	silence := silenceUnknown
	if f.LongestGap > 0 {
		silence = min(max(silenceTimes*f.LongestGap, leastSilence), 3*silenceUnknown)
	}
	reason := Reason{
		Code: NoWebhooks, Since: f.LastWebhookAt, Label: "No webhooks",
		Remedy: "Check that server.public_url is reachable from outside and that the shop has the webhook subscriptions.",
	}
	if f.LastWebhookAt == nil {
		if f.ConnectedAt != nil && l.now.Sub(*f.ConnectedAt) < silence {
			return
		}
		reason.Since, reason.Says = f.ConnectedAt, "No webhook has come since the shop was connected."
		l.add(reason, Attention)
		return
	}
	if quiet := l.now.Sub(*f.LastWebhookAt); quiet >= silence {
		reason.Label += " for " + wording.Span(quiet)
		reason.Says = reason.Label + ", longer than usual for this shop."
		l.add(reason, Attention)
	}
}

// forged is how many webhooks with a wrong signature may come from a stranger, while no other webhook comes.
const forged = 2

// signatures tells of webhooks that were refused. Anybody can send such a request, so it is a failure only when several
// came and no webhook of the shop was taken since.
func (l *list) signatures() {
	f := l.f
	fault := f.Signatures
	if fault == nil || l.now.Sub(fault.Last) > signaturesFor {
		return
	}
	status := Attention
	if f.LastWebhookAt == nil || fault.Times > forged && f.LastWebhookAt.Before(fault.Since) {
		status = Failing
	}
	l.add(Reason{
		Code: SignaturesRefused, Since: &fault.Since, Label: "Webhooks refused",
		Says: wording.Count(fault.Times, "webhook was", "webhooks were") +
			" refused: the signature does not fit the secrets of this shop.",
		Remedy: "Compare client_secrets of " + f.Domain + " or shopify.client_secrets with the app's secret at Shopify.",
	}, status)
}

// voice looks at the voice account.
func (l *list) voice() {
	f := l.f
	if fault := f.Voice; fault != nil {
		status := Failing
		if l.now.Sub(fault.Last) > voiceFor {
			// Nothing was tried since.
			status = Attention
		}
		l.add(Reason{
			Code: VoiceFailing, Since: &fault.Since, Label: "Voice service failing",
			Says: "The voice API takes no calls: " + wording.Count(fault.Times, "request", "requests") +
				" failed, the last " + wording.Distance(fault.Last, l.now) + ": " + sentence(fault.Detail),
			Remedy: "Check base_url, the keys and the assistant under voice, and whether the provider has an outage.",
		}, status)
	}
	if f.Credits == nil {
		return
	}
	low := lowUnknown
	if f.Below != nil {
		low = f.Below.Mul(decimal.NewFromInt(lowTimes))
	}
	left := wording.Decimal(*f.Credits)
	switch {
	case f.Credits.Sign() <= 0:
		l.add(Reason{
			Code: NoCredits, Label: "No credits", Says: "The voice account has no credits left.",
			Remedy: "Buy credits at the provider. Calling goes on with the next call that it takes.",
		}, Failing)
	case f.Credits.LessThan(low):
		l.add(Reason{
			Code: CreditsLow, Label: "Credits low", Says: "The voice account has " + left + " credits left.",
			Remedy: "Buy credits at the provider.",
		}, Attention)
	}
}

// halts looks at the pauses.
func (l *list) halts() {
	f := l.f
	if f.BreakerAt != nil && (f.BreakerUntil == nil || f.BreakerUntil.After(l.now)) {
		l.add(Reason{
			Code: BreakerOpen, Since: f.BreakerAt, Until: f.BreakerUntil, Label: "Auto-paused",
			Says:   "The shop paused itself: " + sentence(f.BreakerReason),
			Remedy: "Look at the shop's newest calls, repair the cause, then resume calling.",
		}, Paused)
	}
	switch {
	case f.PausedInConfig:
		l.add(Reason{
			Code: PausedByHand, Label: "Paused in the configuration", Says: "The configuration says paused: true.",
			Remedy: "Remove paused: true of " + f.Domain + " and restart.",
		}, Paused)
	case f.PausedAt != nil:
		l.add(Reason{
			Code: PausedByHand, Since: f.PausedAt, Label: "Paused",
			Says: "Calling is paused, by " + f.PausedBy + ".", Remedy: "Resume calling.",
		}, Paused)
	}
}

// hours looks at what keeps calls from being made right now.
func (l *list) hours() {
	f := l.f
	if f.OpensAt == nil {
		l.add(Reason{
			Code: OutsideHours, Label: "No calling hours",
			Says: "Nobody who lives where the store is may be called within a month: " +
				"its windows and the legal hours never meet.",
			Remedy: "Look at windows, holidays and jurisdictions in the store's policy.",
		}, Attention)
		return
	}
	if f.OpensAt.After(l.now) {
		l.add(Reason{
			Code: OutsideHours, Until: f.OpensAt, Label: "Outside hours",
			Says: "It is outside the calling hours where the store is.",
		}, Active)
		return
	}
	switch {
	case f.RestsUntil.After(l.now):
		until := f.RestsUntil
		l.add(Reason{
			Code: NoFreeLines, Until: &until, Label: "Voice service busy",
			Says: wording.Resting(until, l.now),
		}, Active)
	case f.Ready > 0 && f.Lines > 0 && f.Busy >= f.Lines:
		l.add(Reason{
			Code: NoFreeLines, Label: "No free line",
			Says: wording.Count(f.Ready, "cart waits", "carts wait") + " for a line; all " +
				wording.Number(f.Lines) + " are busy.",
			Remedy: "When this lasts, raise voice.lines to what the provider allows.",
		}, Active)
	}
}

func (l *list) has(code Code) bool {
	return slices.ContainsFunc(l.reasons, func(r Reason) bool { return r.Code == code })
}

// sentence ends a text with one full stop.
func sentence(text string) string { return strings.TrimRight(text, ". ") + "." }
