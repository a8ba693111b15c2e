package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/wording"
)

// The bounds of a precheck. A line waits for its answer.
const (
	minPrecheckTimeout = 50 * time.Millisecond
	maxPrecheckTimeout = 5 * time.Second
	maxPrecheckCache   = 30 * 24 * time.Hour
)

// checkPrecheck checks the system that is asked before a call.
func (l *loader) checkPrecheck(s *scope, store *Store) {
	p := &store.Precheck
	l.checkOneOf(s, "precheck.on_error", p.OnError, PrecheckWaits, PrecheckCall)
	if p.Timeout < minPrecheckTimeout || p.Timeout > maxPrecheckTimeout {
		s.problem("precheck.timeout", fmt.Sprintf("%s is out of bounds; write %s to %s", wording.Duration(p.Timeout),
			wording.Duration(minPrecheckTimeout), wording.Duration(maxPrecheckTimeout)))
	}
	if p.Cache < 0 || p.Cache > maxPrecheckCache {
		s.problem("precheck.cache", fmt.Sprintf("%s is out of bounds; write 0s to %s", wording.Duration(p.Cache),
			wording.Duration(maxPrecheckCache)))
	}
	if p.URL != "" {
		if problem := endpointProblem(p.URL, p.Private); problem != "" {
			s.problem("precheck.url", problem)
		}
		l.checkEndpointSecrets(join(s.prefix, "precheck.secret"), &Endpoint{Secret: p.Secret})
		return
	}
	if len(p.Secret) > 0 {
		s.problem("precheck.url", "is missing, but precheck has a secret; write the address that is asked")
	}
}

// UnaskedRegistries says, one sentence a store and country, which do-not-call registries the law wants asked before a
// call that nothing asks.
func (c *Config) UnaskedRegistries() []string {
	var says []string
	for _, domain := range slices.Sorted(maps.Keys(c.Stores)) {
		store := c.Stores[domain]
		if store.Precheck.URL != "" {
			continue
		}
		var said []string
		for _, country := range append([]string{store.Country}, store.Policy.Eligibility.Countries...) {
			country = strings.ToUpper(country)
			names := policy.Registries(country)
			if len(names) == 0 || slices.Contains(said, country) {
				continue
			}
			said = append(said, country)
			says = append(says, fmt.Sprintf("stores.%s: nothing asks the registries that the law of %s wants asked before "+
				"a call: %s; write a precheck that asks them", domain, country, strings.Join(names, ", ")))
		}
	}
	return says
}
