package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/wording"
)

// The bounds of a voice section. They are wide, so that a demonstration may run a day in a minute.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Minute
	minSilence = time.Second
	maxLines   = 1000
	// A longer call is no sign of a mailbox.
	maxMachine = 2 * time.Minute
)

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

func (l *loader) checkVoice(s *scope, v *Voice) {
	provider, known := l.providers.find(v.Provider)
	if known {
		l.checkKeys(s, v, provider)
	} else {
		l.checkOneOf(s, "voice.provider", v.Provider, l.providers.names()...)
	}
	if v.BaseURL != "" {
		l.checkURL(s, "voice.base_url", &v.BaseURL)
		if public := l.config.Server.PublicURL; onLoopback(public) && !onLoopback(v.BaseURL) {
			l.file.warn("server.public_url", fmt.Sprintf("%q cannot be reached by the voice API, so nothing is "+
				"heard of calls; write an address that the internet reaches", public))
		}
	}
	l.checkPace(s, v)
	if known {
		l.checkProvider(s, v, provider)
	}
	l.checkOnboarding(s, v)
	for language := range v.Disclosure {
		if !languageCode.MatchString(language) {
			s.problem("voice.disclosure."+language, fmt.Sprintf("%q is not a language; write its code of two letters, such as "+
				"en or de, or default", language))
		}
	}
}

var languageCode = regexp.MustCompile(`^([a-z]{2,3}|default)$`)

// warnOfDisclosure warns where the law wants things said in the call that nobody is known to say.
func (l *loader) warnOfDisclosure(s *scope, store *Store, country string) {
	say := policy.Disclosures(&store.Policy, country)
	if len(say) == 0 {
		return
	}
	what := fmt.Sprintf("%s wants said in the call: %s", country, strings.Join(say, ", "))
	ours := slices.Contains(l.providers.keys(store.Voice.Provider), "greeting")
	switch {
	case !ours:
		s.warn("voice.disclosure", what+". The greeting is the assistant's, so Ringback cannot see whether it is said; "+
			"`ringback onboard` writes voice.disclosure into its prompt, and the insight disclosed tells how it went")
	case len(store.Voice.Disclosure) == 0:
		s.warn("voice.disclosure", what+". Write it by language, such as {en: \"This is an automated call ...\"}: "+
			"it goes before the greeting")
	}
}

// checkKeys selects the settings of the section's provider. It reports required keys that are missing and warns of
// keys that the provider does not use.
func (l *loader) checkKeys(s *scope, v *Voice, provider Provider) {
	v.Settings = v.Others[provider.Name]
	if delete(v.Others, provider.Name); len(v.Others) == 0 {
		v.Others = nil
	}
	if v.Settings == nil {
		v.Settings = provider.Settings()
	}
	if v.BaseURL == "" {
		v.BaseURL = provider.BaseURL
	}
	onboarding := l.onboarding != "" && strings.EqualFold(s.prefix, join("stores", l.onboarding))
	for _, key := range provider.Missing(*v) {
		if !onboarding || !key.Onboarded {
			s.problem("voice."+key.Name, fmt.Sprintf("is missing; %s needs %s", provider.Name, key.What))
		}
	}
	own := l.providers.keys(provider.Name)
	for _, other := range l.providers {
		settings := v.Others[other.Name]
		if settings == nil {
			continue
		}
		for _, key := range other.OwnKeys() {
			if hasValue(settings, key) && !slices.Contains(own, key) && !l.providers.kept(key) {
				s.warn("voice."+key, fmt.Sprintf("is of no use to %s; take it out", provider.Name))
			}
		}
	}
}

// checkPace checks how many calls are made and how long they are waited for.
func (l *loader) checkPace(s *scope, v *Voice) {
	if problem := rangeProblem(v.Lines, 1, maxLines); problem != "" {
		s.problem("voice.lines", problem)
	}
	if v.Timeout < minTimeout || v.Timeout > maxTimeout {
		s.problem("voice.timeout", fmt.Sprintf("%s is out of bounds; write %s to %s",
			wording.Duration(v.Timeout), wording.Duration(minTimeout), wording.Duration(maxTimeout)))
	}
	if v.Silence < minSilence {
		s.problem("voice.silence", fmt.Sprintf("%s is too short; write at least %s",
			wording.Duration(v.Silence), wording.Duration(minSilence)))
	} else if v.Silence < v.Timeout {
		s.warn("voice.silence", fmt.Sprintf("%s is shorter than timeout, %s: a call could be given up while its "+
			"request is under way",
			wording.Duration(v.Silence), wording.Duration(v.Timeout)))
	}
	l.checkOneOf(s, "voice.retries", v.Retries, "ours", "provider")
	for i, what := range v.Keep {
		l.checkOneOf(s, fmt.Sprintf("voice.keep[%d]", i), what, KeepSummary, KeepTranscript, KeepRecording)
	}
	for key, d := range map[string]time.Duration{
		"shorter_than": v.Machine.ShorterThan, "hung_up_within": v.Machine.HungUpWithin,
	} {
		if d < 0 || d > maxMachine {
			s.problem("voice.machine."+key, fmt.Sprintf("%s is out of bounds; write 0s, which turns it off, to %s",
				wording.Duration(d), wording.Duration(maxMachine)))
		}
	}
	for _, number := range v.TestNumbers {
		if policy.Number(number, "") != number {
			// The number itself is personal data.
			s.problem("voice.test_numbers", fmt.Sprintf("%s is not a phone number with its country that can be called; "+
				"write it as +912212345678", wording.Masked(number)))
		}
	}
}

// checkProvider checks the section against what its provider can do, and reports what the provider itself finds
// wrong.
func (l *loader) checkProvider(s *scope, v *Voice, provider Provider) {
	if most := provider.Lines; most > 0 && v.Lines > most && v.Lines <= maxLines {
		s.warn("voice.lines", fmt.Sprintf("%d is more than the %d calls at once that %s documents for an assistant",
			v.Lines, most, provider.Title))
	}
	if v.Retries == "provider" && !provider.OwnRetries {
		s.problem("voice.retries", fmt.Sprintf("%q leaves redialling to the provider, which %s does not do; write ours",
			v.Retries, provider.Name))
	}
	for _, found := range v.Settings.Problems(*v) {
		if found.Warning {
			s.warn("voice."+found.Key, found.Message)
		} else {
			s.problem("voice."+found.Key, found.Message)
		}
	}
}

// checkOnboarding checks what is the same for every provider. Each provider checks the words that it allows;
// `ringback onboard` reports what a provider requires.
func (l *loader) checkOnboarding(s *scope, v *Voice) {
	const at = "voice.onboarding."
	o := &v.Onboarding
	o.FAQFile = l.beside(o.FAQFile)
	if o.Trust.Rating < 0 || o.Trust.Rating > 5 {
		s.problem(at+"trust.rating", fmt.Sprintf("%g is not a rating; write 0 to 5", o.Trust.Rating))
	}
	for key, n := range map[string]int{
		"trust.customers": o.Trust.Customers, "trust.orders": o.Trust.Orders, "max_call_seconds": o.MaxDuration,
	} {
		if n < 0 {
			s.problem(at+key, fmt.Sprintf("%d is negative; write 0 or more", n))
		}
	}
	if o.SupportPhone != "" && !e164.MatchString(o.SupportPhone) {
		s.problem(at+"support_phone", "is not a phone number with its country; write it as +912212345678")
	}
	if _, err := mail.ParseAddress(o.SupportEmail); o.SupportEmail != "" && err != nil {
		s.problem(at+"support_email", "is not an email address; write one such as help@example.com")
	}
	for i, document := range o.Documents {
		if u, err := url.Parse(document); err != nil || u.Scheme != "https" || u.Host == "" {
			s.problem(fmt.Sprintf("%sdocuments[%d]", at, i), "is not an https address; the provider fetches "+
				"documents from the web")
		}
	}
}
