package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
)

// Problem is one thing that is wrong with the rules.
type Problem struct {
	// Path is relative to the rules, such as "windows[0].from".
	Path string
	// Message names the value and the fix.
	Message string
}

// Problems returns everything that is wrong with the rules. If there is nothing, Compile accepts them.
func (r *Rules) Problems() []Problem {
	var f faults
	f.notNegative("delay", r.Delay)
	f.span("expires_after", r.ExpiresAfter, longestExpiry)
	if r.Delay > 0 && r.ExpiresAfter > 0 && r.Delay >= r.ExpiresAfter {
		f.add("expires_after", "%s is not longer than the delay of %s: every cart would expire before its first call; "+
			"write more", short(r.ExpiresAfter), short(r.Delay))
	}
	f.consent(r)
	f.eligibility(&r.Eligibility)
	f.windows(r.Windows)
	f.oneOf("timezone", r.Timezone, ZoneCustomer, ZoneStore)
	f.oneOf("quiet_hours", r.QuietHours, QuietBuiltin, QuietOff)
	f.jurisdictions(r.Jurisdictions)
	f.closed(r.Closed)
	for i, text := range r.Holidays {
		_, err := parseDate(text)
		f.err(nth("holidays", i), err)
	}
	f.attempts(&r.Attempts)
	f.caps("caps.per_phone", r.Caps.PerPhone)
	if r.Caps.DailyCalls < 0 {
		f.add("caps.daily_calls", "%d is negative; write 0 for no bound, or how many calls a day", r.Caps.DailyCalls)
	}
	f.amount("priority_above", r.PriorityAbove)
	for i := range r.Offers {
		f.offer(nth("offers", i), &r.Offers[i])
	}
	f.notNegative("offer_cooldown", r.OfferCooldown)
	f.amount("offer_budget.monthly", r.OfferBudget.Monthly)
	if !(r.Holdout >= 0 && r.Holdout <= 1) {
		f.add("holdout", "%v is not a share; write 0 to 1, such as 0.1 for ten per cent", r.Holdout)
	}
	f.notNegative("attribution", r.Attribution)
	for i := range r.Breakers {
		f.breaker(nth("breakers", i), &r.Breakers[i])
	}
	return f
}

// faults collects problems.
type faults []Problem

func (f *faults) add(path, format string, args ...any) {
	*f = append(*f, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (f *faults) err(path string, err error) {
	if err != nil {
		f.add(path, "%s", err)
	}
}

func nth(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// short writes a duration as the configuration would: "72h", not "72h0m0s".
func short(d time.Duration) string {
	var t tracer
	t.sayDuration(d)
	return string(t.buf)
}

func (f *faults) notNegative(path string, d time.Duration) {
	if d < 0 {
		f.add(path, "%s is negative; write a duration such as 45m", d)
	}
}

func (f *faults) span(path string, d, most time.Duration) {
	switch {
	case d <= 0:
		f.add(path, "%s is not a span of time; write a duration such as 72h", d)
	case d > most:
		f.add(path, "%s is too long; write at most %s", short(d), short(most))
	}
}

func (f *faults) oneOf(path, value string, options ...string) {
	if !slices.Contains(options, value) {
		last := len(options) - 1
		f.add(path, "%q is not known; write %s or %s", value, strings.Join(options[:last], ", "), options[last])
	}
}

func (f *faults) amount(path string, amount *decimal.Decimal) {
	if amount != nil && amount.IsNegative() {
		f.add(path, "%s is negative; write an amount of 0 or more", amount)
	}
}

func (f *faults) bounds(path string, low, high *decimal.Decimal) {
	f.amount(path+"min_total", low)
	f.amount(path+"max_total", high)
	if low != nil && high != nil && high.LessThan(*low) {
		f.add(path+"max_total", "%s is less than the min_total of %s: no cart would fit; write more", high, low)
	}
}

func (f *faults) consent(r *Rules) {
	const choice = "sms_marketing, marketing, attribute:<name>, tag:<name>, metafield:<namespace.key> or not_required"
	if len(r.Consent) == 0 || len(r.Consent) == 1 && r.Consent[0] == (Basis{}) {
		f.add("consent", "must be chosen: %s", choice)
		return
	}
	for i, b := range r.Consent {
		path := "consent"
		if len(r.Consent) > 1 {
			path = nth("consent", i)
		}
		kind, name, named := strings.Cut(b.Basis, ":")
		namespace, key, dotted := strings.Cut(name, ".")
		switch {
		case named && kind == kindAttribute && strings.TrimSpace(name) == "":
			f.add(path, "%q names no attribute; write one such as attribute:call_me", b.Basis)
		case named && kind == kindTag && strings.TrimSpace(name) == "":
			f.add(path, "%q names no tag; write one such as tag:calls-ok", b.Basis)
		case named && kind == kindMetafield && !(dotted && namespace != "" && key != ""):
			f.add(path, "%q names no metafield; write its namespace and key, such as metafield:custom.calls", b.Basis)
		case named && (kind == kindAttribute || kind == kindTag || kind == kindMetafield),
			b.Basis == ConsentSMS, b.Basis == ConsentMarketing, b.Basis == ConsentNotRequired:
		default:
			f.add(path, "%q is not known; write %s", b.Basis, choice)
		}
		switch {
		case b.Proves != "" && b.Proves != cart.ProvesVoice:
			f.add(path+".proves", "%q is not known; write voice, or leave it out", b.Proves)
		case b.Proves != "" && b.Basis == ConsentNotRequired:
			f.add(path+".proves", "not_required has no text that could name automated calls; leave it out")
		}
		if slices.ContainsFunc(r.Consent[:i], func(o Basis) bool { return o.Basis == b.Basis }) {
			f.add(path, "%q stands twice; write it once", b.Basis)
		}
	}
	f.notNegative("consent_max_age", r.ConsentMaxAge)
	if v := r.ConsentText.Version; v != "" && !textVersion.MatchString(v) {
		f.add("consent_text.version",
			"%q is not a version; write at most 40 letters, digits, dots and dashes, such as 2026-11", v)
	}
	if r.ConsentText.Version == "" && r.ConsentText.Text != "" {
		f.add("consent_text.version", "is missing; name the version of the text, such as 2026-11")
	}
	for i, key := range r.AcceptWeakerConsent {
		f.jurisdiction(nth("accept_weaker_consent", i), key)
	}
}

func (f *faults) eligibility(e *Eligibility) {
	const path = "eligibility."
	f.bounds(path, e.MinTotal, e.MaxTotal)
	for i, code := range e.Currencies {
		f.currency(nth(path+"currencies", i), code)
	}
	f.countries(path+"countries", e.Countries)
	f.countries(path+"exclude_countries", e.ExcludeCountries)
	for _, list := range [...]struct {
		name             string
		include, exclude []string
	}{
		{"countries", e.Countries, e.ExcludeCountries},
		{"skus", e.SKUs, e.ExcludeSKUs},
		{"products", e.Products, e.ExcludeProducts},
		{"vendors", e.Vendors, e.ExcludeVendors},
		{"customer_tags", e.CustomerTags, e.ExcludeCustomerTags},
		{"sources", e.Sources, e.ExcludeSources},
	} {
		f.texts(path+list.name, list.include)
		f.texts(path+"exclude_"+list.name, list.exclude)
		for i, text := range list.exclude {
			if text != "" && holds(list.include, text) {
				f.add(nth(path+"exclude_"+list.name, i), "%q is also asked for by %s; take it off one of the lists",
					text, list.name)
			}
		}
	}
	for _, list := range [...]struct {
		name     string
		products []string
	}{{"products", e.Products}, {"exclude_products", e.ExcludeProducts}} {
		for i, id := range list.products {
			if id != "" && digitsOf(id) != id {
				f.add(nth(path+list.name, i), "%q is not a product id; write only its number, such as 632910392", id)
			}
		}
	}
	if e.MinItems < 0 {
		f.add(path+"min_items", "%d is negative; write 0 for no bound", e.MinItems)
	}
}

func (f *faults) texts(path string, list []string) {
	for i, text := range list {
		if strings.TrimSpace(text) == "" {
			f.add(nth(path, i), "is empty; write a value or take it off the list")
		}
	}
}

func (f *faults) countries(path string, codes []string) {
	t, err := builtin()
	f.err(path, err)
	for i, code := range codes {
		if strings.TrimSpace(code) != "" && err == nil && !t.isCountry(code) {
			f.add(nth(path, i), "%q is not a country; write its ISO 3166-1 code of two capital letters, such as IN", code)
		}
	}
}

func (f *faults) currency(path, code string) {
	letters := len(code) == 3
	for _, c := range code {
		letters = letters && c >= 'A' && c <= 'Z'
	}
	if !letters {
		f.add(path, "%q is not a currency; write its ISO 4217 code of three capital letters, such as INR", code)
	}
}

func (f *faults) windows(windows []Window) {
	if len(windows) == 0 {
		f.add("windows", `holds none, so that nobody would ever be called; `+
			`write one such as {days: [mon, tue], from: "10:00", to: "19:00"}`)
	}
	for i, w := range windows {
		path := nth("windows", i)
		for j, day := range w.Days {
			if !slices.Contains(dayNames[:], day) {
				f.add(nth(path+".days", j), "%q is not a day; write mon, tue, wed, thu, fri, sat or sun", day)
			} else if slices.Contains(w.Days[:j], day) {
				f.add(nth(path+".days", j), "%q stands twice; write it once", day)
			}
		}
		from, errFrom := parseTime(w.From)
		if errFrom == nil && from == daySeconds {
			errFrom = errors.New(`"24:00" is the end of a day; write "00:00" for its beginning`)
		}
		to, errTo := parseTime(w.To)
		f.err(path+".from", errFrom)
		f.err(path+".to", errTo)
		if errFrom == nil && errTo == nil && from == to {
			f.add(path+".to", `%q is also where the window begins; for the whole day write from "00:00" to "24:00"`, w.To)
		}
	}
}

func (f *faults) jurisdictions(overrides map[string]Override) {
	for _, key := range slices.Sorted(maps.Keys(overrides)) {
		path, o := "jurisdictions."+key, overrides[key]
		f.jurisdiction(path, key)
		if o.Calls != "" {
			f.oneOf(path+".calls", o.Calls, "on", "off")
		}
		for _, day := range [...]struct {
			name  string
			texts []string
		}{{"mon_fri", o.MonFri}, {"sat", o.Sat}, {"sun", o.Sun}, {"holiday", o.Holiday}} {
			for i, text := range day.texts {
				_, err := parseSpan(text)
				f.err(nth(path+"."+day.name, i), err)
			}
		}
		for _, day := range slices.Sorted(maps.Keys(o.Days)) {
			if !slices.Contains(dayNames[:], day) {
				f.add(path+".days."+day, "%q is not a day; write mon, tue, wed, thu, fri, sat or sun", day)
			}
			for i, text := range o.Days[day] {
				_, err := parseSpan(text)
				f.err(nth(path+".days."+day, i), err)
			}
		}
		f.caps(path+".caps", o.Caps)
	}
}

// jurisdiction checks that a key is a row's or a country's.
func (f *faults) jurisdiction(path, key string) {
	t, err := builtin()
	f.err(path, err)
	if err == nil && t.row(key) == nil && !t.isCountry(key) {
		f.add(path, "%q is neither a row of the calling-hours table nor a country; "+
			"write a key such as US, US-FL, EU or DE", key)
	}
}

func (f *faults) closed(closed []Closing) {
	for i, c := range closed {
		f.jurisdiction(nth("closed", i)+".row", c.Row)
		if c.Until != "" {
			_, err := parseDate(c.Until)
			f.err(nth("closed", i)+".until", err)
		}
		if slices.ContainsFunc(closed[:i], func(o Closing) bool { return o.Row == c.Row }) {
			f.add(nth("closed", i)+".row", "%q stands twice; write it once", c.Row)
		}
	}
}

func (f *faults) attempts(a *Attempts) {
	const path = "attempts."
	if a.Max < 1 || a.Max > 20 {
		f.add(path+"max", "%d is not a number of calls to one cart; write 1 to 20", a.Max)
	}
	s := &a.Spacing
	for _, gap := range [...]struct {
		name string
		d    time.Duration
	}{
		{"no_answer", s.NoAnswer}, {"voicemail", s.Voicemail}, {"busy", s.Busy}, {"failed", s.Failed},
		{"timeout", s.Timeout}, {"lost", s.Lost},
	} {
		if gap.d < time.Second || gap.d > PlanningHorizon {
			f.add(path+"spacing."+gap.name, "%s is no time to leave between calls; write 1s to %s",
				gap.d, short(PlanningHorizon))
		}
	}
	if s.Backoff != 0 && !(s.Backoff >= 1 && s.Backoff <= 10) {
		f.add(path+"spacing.backoff", "%v is not a factor to grow by; write 1 to 10, or leave it out", s.Backoff)
	}
}

func (f *faults) caps(path string, caps []Cap) {
	for i, c := range caps {
		if c.Calls < 1 {
			f.add(nth(path, i)+".calls", "%d is not a number of calls; write 1 or more", c.Calls)
		}
		f.span(nth(path, i)+".every", c.Every, longestCap)
		if c.Scope != "" {
			f.oneOf(nth(path, i)+".scope", c.Scope, ScopeShop, ScopeAll)
		}
	}
}

// longestExpiry is longer than any store can want.
const longestExpiry = 10 * 366 * 24 * time.Hour

// longestCap bounds the windows of caps, and so how far back calls are loaded.
const longestCap = 366 * 24 * time.Hour

func (f *faults) offer(path string, o *OfferRule) {
	f.bounds(path+".when.", o.When.MinTotal, o.When.MaxTotal)
	w := &o.When
	if w.Attempt < 0 {
		f.add(path+".when.attempt", "%d is not the number of a call; write 1 for the first, or leave it out", w.Attempt)
	}
	if w.Currency != "" {
		f.currency(path+".when.currency", w.Currency)
	}
	if w.MinItems < 0 {
		f.add(path+".when.min_items", "%d is negative; write 0 for no bound", w.MinItems)
	}
	if w.MaxItems < 0 || w.MaxItems > 0 && w.MaxItems < w.MinItems {
		f.add(path+".when.max_items", "%d fits no cart; write at least the min_items of %d, or 0 for no bound",
			w.MaxItems, w.MinItems)
	}
	if w.Customer != "" {
		f.oneOf(path+".when.customer", w.Customer, CustomerFirstTime, CustomerReturning)
	}
	f.texts(path+".when.tags", w.Tags)
	if strings.TrimSpace(o.Code) == "" {
		f.add(path+".code", "is empty; write the discount code, or for a unique one the prefix it begins with")
	}
	f.oneOf(path+".type", o.Type, OfferPercentage, OfferFixed)
	hundred := decimal.NewFromInt(100)
	switch {
	case !o.Value.IsPositive():
		f.add(path+".value", "%s is no discount; write more than 0", o.Value)
	case o.Type == OfferPercentage && o.Value.GreaterThan(hundred):
		f.add(path+".value", "%s is more than a hundred per cent; write 100 or less, or type: fixed for an amount", o.Value)
	}
	if o.ApplyAs != "" {
		f.oneOf(path+".apply_as", o.ApplyAs, OfferAdditional, OfferOverride)
	}
	if o.Source != "" {
		f.oneOf(path+".source", o.Source, OfferShared, OfferUnique)
	}
	if o.Source != OfferUnique {
		if o.Fallback != "" {
			f.add(path+".fallback", "%q is for unique codes only; write source: unique or leave it out", o.Fallback)
		}
		if o.EndsAfter != 0 {
			f.add(path+".ends_after", "%s is for unique codes only; write source: unique or leave it out", short(o.EndsAfter))
		}
	}
	f.notNegative(path+".ends_after", o.EndsAfter)
}

func (f *faults) breaker(path string, b *Breaker) {
	f.oneOf(path+".on", b.On, BreakOptOuts, BreakFailures, BreakUncertain, BreakCredits)
	f.notNegative(path+".pause_for", b.PauseFor)
	if b.On == BreakCredits {
		if b.Below == nil || b.Below.IsNegative() {
			f.add(path+".below", "is missing or negative; write the balance under which the shop pauses, such as 10")
		}
		return
	}
	if b.Below != nil {
		f.add(path+".below", "%s is for credits breakers only; write above instead", b.Below)
	}
	if b.Last < 1 || b.Last > maxBreakerCalls {
		f.add(path+".last", "%d is not a number of calls to look at; write 1 to %d", b.Last, maxBreakerCalls)
	}
	if !(b.Above >= 0 && b.Above < 1) {
		f.add(path+".above", "%v is not a share that can be passed; write 0 to less than 1, such as 0.2", b.Above)
	}
}
