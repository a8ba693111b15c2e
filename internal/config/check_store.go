package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/wording"
	"ringback/internal/zoneinfo"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

var shopDomain = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.myshopify\.com$`)

// domainProblem says what is wrong with a store's domain, which is in lower case; "" for nothing.
func domainProblem(domain string) string {
	if shopDomain.MatchString(domain) {
		return ""
	}
	return fmt.Sprintf("%q is not a Shopify domain; write the one that ends in .myshopify.com, such as "+
		"acme.myshopify.com", domain)
}

func (l *loader) checkStores() {
	for _, domain := range l.domains() {
		store := l.config.Stores[domain]
		l.checkStore(l.stores[domain], &store)
		l.config.Stores[domain] = store
	}
	l.checkSharedAssistants()
	if len(l.config.Stores) == 0 && l.defaults != nil {
		l.checkDefaultsAlone()
	}
}

// checkDefaultsAlone checks the defaults of a file without stores. It ignores missing keys: the stores that are added
// later may have them.
func (l *loader) checkDefaultsAlone() {
	kept := l.found.problems
	l.checkStore(l.defaultsScope, l.defaults)
	for _, p := range l.found.problems[len(kept):] {
		if _, _, given := find(l.defaultsScope.own, strings.TrimPrefix(p.Path, "defaults.")); given {
			kept = append(kept, p)
		}
	}
	l.found.problems = kept
}

func (l *loader) checkStore(s *scope, store *Store) {
	if problem := timezoneProblem(store.Timezone); problem != "" {
		s.problem("timezone", problem)
	}
	if problem := countryProblem(store.Country); problem != "" {
		s.problem("country", problem)
	}
	if problem := currencyProblem(store.Currency); problem != "" {
		s.problem("currency", problem)
	}
	store.Country = strings.ToUpper(store.Country)
	store.Currency = strings.ToUpper(store.Currency)
	if len(l.config.Shopify.SecretsOf(*store)) == 0 && !l.file.saidAlready("shopify.client_secrets") {
		s.problem("client_secrets", "is missing, and there is no shopify.client_secrets; write the app's client "+
			"secret, without which no webhook can be trusted")
	}
	l.checkVoice(s, &store.Voice)
	l.checkPolicy(s, store)
	l.checkPrecheck(s, store)
}

// longestNight is the longest span past midnight that a window may mean without a warning.
const longestNight = 12 * time.Hour

// checkPolicy reports what the policy finds wrong with its rules. It also warns of rules that are valid but probably
// not meant.
func (l *loader) checkPolicy(s *scope, store *Store) {
	for _, p := range store.Policy.Problems() {
		s.problem(join("policy", p.Path), p.Message)
	}
	for i, w := range store.Policy.Windows {
		if length := w.PastMidnight(); length > longestNight {
			s.warn(fmt.Sprintf("policy.windows[%d]", i),
				fmt.Sprintf("runs from %s past midnight to %s, for %s: calls could go out at night; if that is not "+
					"meant, swap from and to", w.From, w.To, wording.Duration(length)))
		}
	}
	if keep := l.config.Retention.PersonalData; keep < store.Policy.ExpiresAfter {
		s.warn("policy.expires_after", fmt.Sprintf("%s is longer than retention.personal_data, %s: numbers are "+
			"erased before their calls are over", wording.Duration(store.Policy.ExpiresAfter), wording.Duration(keep)))
	}
	for _, country := range append([]string{store.Country}, store.Policy.Eligibility.Countries...) {
		if shortfall := policy.ConsentShortfall(&store.Policy, country, store.Precheck.URL != ""); shortfall != "" {
			s.warn("policy.consent", shortfall)
		}
		l.warnOfDisclosure(s, store, country)
	}
}

func timezoneProblem(name string) string {
	const example = "write an IANA name such as Asia/Kolkata or America/New_York"
	switch name {
	case "":
		return "is missing; " + example
	case "Local":
		return `"Local" would follow the machine; ` + example
	}
	if _, err := zoneinfo.Load(name); err != nil {
		return fmt.Sprintf("%q is not a timezone; %s", name, example)
	}
	return ""
}

// countryProblem accepts the countries whose phone numbers can be read, because that is what a store's country is
// used for.
func countryProblem(country string) string {
	const example = "write two letters such as IN, US or GB (ISO 3166-1)"
	if country == "" {
		return "is missing; " + example
	}
	supported := phonenumbers.GetSupportedRegions()
	if supported[strings.ToUpper(country)] {
		return ""
	}
	if region, err := language.ParseRegion(country); err == nil && supported[region.Canonicalize().String()] {
		return fmt.Sprintf("%q is not the country's code; write %s", country, region.Canonicalize())
	}
	return fmt.Sprintf("%q is not a country's code; %s", country, example)
}

// newCurrencies are in ISO 4217 and not yet in golang.org/x/text, with the year in which they were added.
var newCurrencies = map[string]int{"SLE": 2022, "VED": 2021, "XCG": 2025, "ZWG": 2024}

func currencyProblem(code string) string {
	const example = "write three letters such as INR, USD or EUR (ISO 4217)"
	if code == "" {
		return "is missing; " + example
	}
	if _, err := currency.ParseISO(code); err != nil && newCurrencies[strings.ToUpper(code)] == 0 {
		return fmt.Sprintf("%q is not a currency's code; %s", code, example)
	}
	return ""
}

// checkSharedAssistants reports stores that share an assistant and disagree on lines or max_wait. Both belong to the
// assistant, not to a store.
func (l *loader) checkSharedAssistants() {
	first := map[string]string{}
	for _, domain := range l.domains() {
		voice := l.config.Stores[domain].Voice
		if voice.Assistant == "" {
			continue
		}
		other, shared := first[voice.AssistantKey()]
		if !shared {
			first[voice.AssistantKey()] = domain
			continue
		}
		theirs := l.config.Stores[other].Voice
		if theirs.Lines != voice.Lines {
			l.stores[domain].ownProblem("voice.lines", fmt.Sprintf("%s has %d lines and %s has %d, but they share "+
				"the assistant %s, and with it its lines; give both the same number",
				domain, voice.Lines, other, theirs.Lines, voice.Assistant))
		}
		if theirs.MaxWait != voice.MaxWait {
			l.stores[domain].ownProblem("voice.max_wait", fmt.Sprintf("%s has %s and %s has %s, but they share the "+
				"assistant %s, and with it the queue for its lines; give both the same time",
				domain, wording.Duration(voice.MaxWait), other, wording.Duration(theirs.MaxWait), voice.Assistant))
		}
	}
}

// beside resolves a path relative to the configuration file's folder.
func (l *loader) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.dir, path)
}
