package policy

import (
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProblems_NameTheValueAndTheFix(t *testing.T) {
	t.Parallel()
	ten := OfferRule{Code: "TEN", Value: decimal.NewFromInt(10), Type: OfferPercentage}
	offer := func(change func(*OfferRule)) func(*Rules) {
		return func(r *Rules) {
			o := ten
			change(&o)
			r.Offers = []OfferRule{ten, o}
		}
	}
	for _, c := range []struct {
		change        func(*Rules)
		path, message string
	}{
		{func(r *Rules) { r.Consent = nil }, "consent",
			"must be chosen: sms_marketing, marketing, attribute:<name>, tag:<name>, metafield:<namespace.key> or not_required"},
		{func(r *Rules) { r.Consent = On("email") }, "consent", `"email" is not known`},
		{func(r *Rules) { r.Consent = On("attribute: ") }, "consent", "names no attribute"},
		{func(r *Rules) { r.Consent = On("tag:") }, "consent", "names no tag"},
		{func(r *Rules) { r.Consent = On("metafield:calls") }, "consent", "names no metafield"},
		{func(r *Rules) { r.Consent = Bases{{ConsentSMS, "sms"}} }, "consent.proves", `"sms" is not known; write voice`},
		{func(r *Rules) { r.Consent = Bases{{ConsentNotRequired, "voice"}} }, "consent.proves", "has no text"},
		{func(r *Rules) { r.Consent = Bases{{ConsentSMS, ""}, {"sms", ""}} }, "consent[1]", `"sms" is not known`},
		{func(r *Rules) { r.Consent = Bases{{ConsentSMS, ""}, {ConsentSMS, "voice"}} }, "consent[1]", "stands twice"},
		{func(r *Rules) { r.ConsentMaxAge = -time.Hour }, "consent_max_age", "negative"},
		{func(r *Rules) { r.ConsentText.Version = "a version" }, "consent_text.version", "not a version"},
		{func(r *Rules) { r.ConsentText.Text = "Call me" }, "consent_text.version", "is missing"},
		{func(r *Rules) { r.AcceptWeakerConsent = []string{"Britain"} }, "accept_weaker_consent[0]", "neither a row"},
		{func(r *Rules) { r.Delay = -time.Second }, "delay", "negative"},
		{func(r *Rules) { r.ExpiresAfter = 0 }, "expires_after", "not a span of time"},
		{func(r *Rules) { r.ExpiresAfter = 99999 * time.Hour }, "expires_after", "99999h is too long; write at most 87840h"},
		{func(r *Rules) { r.Delay = 72 * time.Hour }, "expires_after", "72h is not longer than the delay of 72h"},
		{func(r *Rules) { r.Eligibility.MinTotal = amount("-1") }, "eligibility.min_total", "-1 is negative"},
		{func(r *Rules) { r.Eligibility.MinTotal, r.Eligibility.MaxTotal = amount("5"), amount("4") },
			"eligibility.max_total", "4 is less than the min_total of 5"},
		{func(r *Rules) { r.Eligibility.Currencies = []string{"INR", "rupees"} }, "eligibility.currencies[1]",
			`"rupees" is not a currency`},
		{func(r *Rules) { r.Eligibility.Countries = []string{"India"} }, "eligibility.countries[0]",
			`"India" is not a country`},
		{func(r *Rules) { r.Eligibility.ExcludeCountries = []string{"in"} }, "eligibility.exclude_countries[0]",
			"two capital letters"},
		{func(r *Rules) { r.Eligibility.SKUs = []string{"a", " "} }, "eligibility.skus[1]", "is empty"},
		{func(r *Rules) {
			r.Eligibility.CustomerTags, r.Eligibility.ExcludeCustomerTags = []string{"VIP"}, []string{"x", "vip"}
		}, "eligibility.exclude_customer_tags[1]", `"vip" is also asked for by customer_tags`},
		{func(r *Rules) { r.Eligibility.Products = []string{"gid://shopify/Product/1"} }, "eligibility.products[0]",
			"write only its number"},
		{func(r *Rules) { r.Eligibility.MinItems = -1 }, "eligibility.min_items", "-1 is negative"},
		{func(r *Rules) { r.Windows = nil }, "windows", "nobody would ever be called"},
		{func(r *Rules) { r.Windows[0].Days = []string{"mon", "Tuesday"} }, "windows[0].days[1]",
			`"Tuesday" is not a day; write mon, tue`},
		{func(r *Rules) { r.Windows[0].Days = []string{"mon", "mon"} }, "windows[0].days[1]", "stands twice"},
		{func(r *Rules) { r.Windows[0].From = "9am" }, "windows[0].from", `"9am" is not a time of day`},
		{func(r *Rules) { r.Windows[0].From = "24:00" }, "windows[0].from", "the end of a day"},
		{func(r *Rules) { r.Windows[0].To = "25:00" }, "windows[0].to", `"25:00" is not a time of day`},
		{func(r *Rules) { r.Windows[0].To = "24:30" }, "windows[0].to", `at most "24:00"`},
		{func(r *Rules) { r.Windows[0].To = "19:60" }, "windows[0].to", "not a time of day"},
		{func(r *Rules) { r.Windows[0].To = "" }, "windows[0].to", "not a time of day"},
		{func(r *Rules) { r.Windows[0].To = "10:00" }, "windows[0].to", "also where the window begins"},
		{func(r *Rules) { r.Timezone = "Asia/Kolkata" }, "timezone", `"Asia/Kolkata" is not known; write customer or store`},
		{func(r *Rules) { r.QuietHours = "on" }, "quiet_hours", "write builtin or off"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"Emirates": {Calls: "on"}} }, "jurisdictions.Emirates",
			"neither a row of the calling-hours table nor a country"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Calls: "maybe"}} }, "jurisdictions.AE.calls",
			"write on or off"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Sat: []string{"10:00"}}} }, "jurisdictions.AE.sat[0]",
			"not a span of the day"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {MonFri: []string{"18:00-10:00"}}} },
			"jurisdictions.AE.mon_fri[0]", "ends before it begins"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Sun: []string{"10:00-x"}}} },
			"jurisdictions.AE.sun[0]", "not a time of day"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Holiday: []string{"x-10:00"}}} },
			"jurisdictions.AE.holiday[0]", "not a time of day"},
		{func(r *Rules) { r.Jurisdictions = map[string]Override{"AE": {Caps: []Cap{{Calls: 1}}}} },
			"jurisdictions.AE.caps[0].every", "not a span of time"},
		{func(r *Rules) {
			r.Jurisdictions = map[string]Override{"SA": {Days: map[string][]string{"Friday": {"10:00-12:00"}}}}
		}, "jurisdictions.SA.days.Friday", "is not a day"},
		{func(r *Rules) {
			r.Jurisdictions = map[string]Override{"SA": {Days: map[string][]string{"fri": {"10:00"}}}}
		},
			"jurisdictions.SA.days.fri[0]", "not a span of the day"},
		{func(r *Rules) { r.Closed = []Closing{{Row: "Louisiana"}} }, "closed[0].row", "neither a row"},
		{func(r *Rules) { r.Closed = []Closing{{Row: "US-LA"}, {Row: "US-LA"}} }, "closed[1].row", "stands twice"},
		{func(r *Rules) { r.Closed = []Closing{{Row: "US-LA", Until: "soon"}} }, "closed[0].until", "not a date"},
		{func(r *Rules) { r.Holidays = []string{"2026-12-25", "25.12."} }, "holidays[1]", `"25.12." is not a date`},
		{func(r *Rules) { r.Attempts.Max = 0 }, "attempts.max", "write 1 to 20"},
		{func(r *Rules) { r.Attempts.Max = 21 }, "attempts.max", "21"},
		{func(r *Rules) { r.Attempts.Spacing.Busy = 0 }, "attempts.spacing.busy", "0s is no time to leave between calls"},
		{func(r *Rules) { r.Attempts.Spacing.Lost = 721 * time.Hour }, "attempts.spacing.lost", "write 1s to 720h"},
		{func(r *Rules) { r.Attempts.Spacing.Backoff = 0.5 }, "attempts.spacing.backoff", "0.5 is not a factor"},
		{func(r *Rules) { r.Attempts.Spacing.Backoff = math.NaN() }, "attempts.spacing.backoff", "not a factor"},
		{func(r *Rules) { r.Caps.PerPhone = []Cap{{Calls: 0, Every: time.Hour}} }, "caps.per_phone[0].calls",
			"0 is not a number of calls"},
		{func(r *Rules) { r.Caps.PerPhone = []Cap{{Calls: 1, Every: 367 * 24 * time.Hour}} }, "caps.per_phone[0].every",
			"too long"},
		{func(r *Rules) { r.Caps.PerPhone = []Cap{{Calls: 1, Every: time.Hour, Scope: "world"}} }, "caps.per_phone[0].scope",
			"write shop or all"},
		{func(r *Rules) { r.Caps.DailyCalls = -1 }, "caps.daily_calls", "-1 is negative"},
		{func(r *Rules) { r.PriorityAbove = amount("-1") }, "priority_above", "negative"},
		{offer(func(o *OfferRule) { o.Code = " " }), "offers[1].code", "is empty"},
		{offer(func(o *OfferRule) { o.Type = "percent" }), "offers[1].type", "write percentage or fixed"},
		{offer(func(o *OfferRule) { o.Value = decimal.Zero }), "offers[1].value", "0 is no discount"},
		{offer(func(o *OfferRule) { o.Value = decimal.NewFromInt(101) }), "offers[1].value", "more than a hundred per cent"},
		{offer(func(o *OfferRule) { o.ApplyAs = "replace" }), "offers[1].apply_as", "write additional or override"},
		{offer(func(o *OfferRule) { o.Source = "shopify" }), "offers[1].source", "write shared or unique"},
		{offer(func(o *OfferRule) { o.Fallback = "X" }), "offers[1].fallback", "for unique codes only"},
		{offer(func(o *OfferRule) { o.EndsAfter = time.Hour }), "offers[1].ends_after", "1h is for unique codes only"},
		{offer(func(o *OfferRule) { o.Source, o.EndsAfter = OfferUnique, -time.Hour }), "offers[1].ends_after", "negative"},
		{offer(func(o *OfferRule) { o.When.Attempt = -1 }), "offers[1].when.attempt", "-1 is not the number of a call"},
		{offer(func(o *OfferRule) { o.When.Currency = "€" }), "offers[1].when.currency", "not a currency"},
		{offer(func(o *OfferRule) { o.When.MinTotal, o.When.MaxTotal = amount("5"), amount("4") }),
			"offers[1].when.max_total", "no cart would fit"},
		{offer(func(o *OfferRule) { o.When.MinItems = -1 }), "offers[1].when.min_items", "negative"},
		{offer(func(o *OfferRule) { o.When.MinItems, o.When.MaxItems = 3, 2 }), "offers[1].when.max_items", "2 fits no cart"},
		{offer(func(o *OfferRule) { o.When.Customer = "new" }), "offers[1].when.customer", "write first_time or returning"},
		{offer(func(o *OfferRule) { o.When.Tags = []string{""} }), "offers[1].when.tags[0]", "is empty"},
		{func(r *Rules) { r.OfferCooldown = -1 }, "offer_cooldown", "negative"},
		{func(r *Rules) { r.OfferBudget.Monthly = amount("-1") }, "offer_budget.monthly", "negative"},
		{func(r *Rules) { r.Holdout = 10 }, "holdout", "10 is not a share; write 0 to 1"},
		{func(r *Rules) { r.Holdout = math.NaN() }, "holdout", "not a share"},
		{func(r *Rules) { r.Attribution = -1 }, "attribution", "negative"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: "complaints", Last: 1}} }, "breakers[0].on",
			"write opt_outs, failures, uncertain or credits"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: BreakFailures}} }, "breakers[0].last", "0 is not a number of calls"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: BreakFailures, Last: 10, Above: 1}} }, "breakers[0].above",
			"1 is not a share that can be passed"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: BreakFailures, Last: 10, PauseFor: -1}} }, "breakers[0].pause_for",
			"negative"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: BreakFailures, Last: 10, Below: amount("1")}} }, "breakers[0].below",
			"for credits breakers only"},
		{func(r *Rules) { r.Breakers = []Breaker{{On: BreakCredits}} }, "breakers[0].below", "is missing"},
	} {
		t.Run(c.path+" "+c.message, func(t *testing.T) {
			t.Parallel()
			r := DefaultRules()
			r.Consent, r.AcceptWeakerConsent = On(ConsentNotRequired), allRows()
			c.change(&r)
			problems := r.Problems()
			require.Len(t, problems, 1, "%v", problems)
			assert.Equal(t, c.path, problems[0].Path)
			assert.Contains(t, problems[0].Message, c.message)
			assert.ErrorContains(t, r.Compile(testStore), c.path)
		})
	}
}

func TestDefaultRules_LackOnlyTheConsent(t *testing.T) {
	t.Parallel()
	r := DefaultRules()
	assert.Equal(t, []Problem{{"consent", "must be chosen: sms_marketing, marketing, attribute:<name>, tag:<name>, " +
		"metafield:<namespace.key> or not_required"}},
		r.Problems())
	full := fullRules()
	assert.Empty(t, full.Problems())
}

func TestOverride_ReadsItsShortForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"on": "on", "ON": "on", "true": "on", "off": "off", "false": "off"} {
		var o Override
		require.NoError(t, o.UnmarshalText([]byte(text)))
		assert.Equal(t, Override{Calls: want}, o)
	}
	var o Override
	assert.ErrorContains(t, o.UnmarshalText([]byte("yes please")), `"yes please" is neither on nor off`)
}

// The keys are the configuration's contract: a renamed field would be an unknown key in every store's file.
func TestRules_HaveTheKeysOfTheConfiguration(t *testing.T) {
	t.Parallel()
	const file = `
delay: 45m
expires_after: 72h
consent: [sms_marketing, {basis: "attribute:call_me", proves: voice}]
consent_max_age: 8760h
consent_text: {version: "2026-11", text: You may call me with an automated voice.}
accept_weaker_consent: [GB]
eligibility: {exclude_skus: [], exclude_customer_tags: [], countries: [IN], min_items: 1, test: true}
windows:
  - {days: [mon, tue, wed, thu, fri], from: "10:00", to: "19:00"}
timezone: customer
quiet_hours: builtin
jurisdictions: {AE: {calls: "on", mon_fri: ["10:00-12:00"], sat: [], caps: [{calls: 1, every: 24h}]}}
closed: [US-LA, {row: US-NY, until: "2026-12-05"}]
holidays: ["2026-12-25"]
attempts: {max: 3, spacing: {no_answer: 2h, busy: 20m, failed: 1h, timeout: 4h, lost: 24h, backoff: 2, other_time_of_day: true}}
caps: {per_phone: [{calls: 1, every: 24h}, {calls: 3, every: 720h, scope: shop}], daily_calls: 500}
offers:
  - {when: {attempt: 2, customer: returning, tags: [vip], has_code: false, min_items: 1, max_items: 3, currency: INR}, code: COMEBACK10, type: percentage, apply_as: additional, description: ten, source: unique, fallback: TEN, ends_after: 48h}
offer_cooldown: 720h
link: {utm_source: a, utm_medium: b, utm_campaign: c, utm_content: d, utm_term: e}
holdout: 0.10
holdout_salt: spring
attribution: 72h
breakers: [{on: opt_outs, last: 50, above: 0.1, pause_for: 1h}]
`
	var r Rules
	require.NoError(t, strictly([]byte(file), &r))
	assert.Equal(t, 20*time.Minute, r.Attempts.Spacing.Busy)
	assert.Equal(t, []Cap{{Calls: 1, Every: 24 * time.Hour}, {Calls: 3, Every: 720 * time.Hour, Scope: ScopeShop}},
		r.Caps.PerPhone)
	assert.Equal(t, "on", r.Jurisdictions["AE"].Calls)
	assert.Equal(t, Bases{{ConsentSMS, ""}, {"attribute:call_me", "voice"}}, r.Consent)
	assert.Equal(t, []Closing{{Row: "US-LA"}, {Row: "US-NY", Until: "2026-12-05"}}, r.Closed)
	assert.Equal(t, UTM{"a", "b", "c", "d", "e"}, r.Link)
}
