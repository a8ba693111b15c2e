package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"ringback/internal/loopback"
	"ringback/internal/outbound"
)

// checkEndpoints checks where events are sent to.
func (l *loader) checkEndpoints() {
	first := map[string]int{}
	for i := range l.config.Integrations.Endpoints {
		endpoint := &l.config.Integrations.Endpoints[i]
		path := fmt.Sprintf("integrations.endpoints[%d]", i)
		if at, twice := first[endpoint.URL]; twice && endpoint.URL != "" {
			l.file.problem(path+".url", fmt.Sprintf("is the same as that of endpoints[%d]; write one endpoint with the "+
				"events and stores of both", at))
		} else if problem := endpointProblem(endpoint.URL, endpoint.Private); problem != "" {
			l.file.problem(path+".url", problem)
		} else {
			first[endpoint.URL] = i
		}
		l.checkEndpointSecrets(path+".secret", endpoint)
		for n, event := range endpoint.Events {
			if problem := NotOneOf(event, eventTypes()...); problem != "" {
				l.file.problem(fmt.Sprintf("%s.events[%d]", path, n), problem)
			}
		}
		for n, store := range endpoint.Stores {
			endpoint.Stores[n] = strings.ToLower(store)
			if problem := l.storeProblem(endpoint.Stores[n]); problem != "" {
				l.file.problem(fmt.Sprintf("%s.stores[%d]", path, n), problem)
			}
		}
	}
}

func eventTypes() []string {
	var names []string
	for _, t := range outbound.Types() {
		names = append(names, string(t))
	}
	return names
}

// endpointProblem says what is wrong with the address of an endpoint. What follows the host may be secret and is not
// shown.
func endpointProblem(address string, private bool) string {
	const example = "write one such as https://crm.example.com/ringback"
	if address == "" {
		return "is missing; " + example
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Opaque != "", u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return fmt.Sprintf("%sis not an absolute http or https address; %s", shownStart(address), example)
	case !portInRange(u.Port()):
		return fmt.Sprintf("the port %q is not a number from 1 to 65535", u.Port())
	case u.User != nil:
		return "must not hold a user or password; take the part before @ away"
	case u.Fragment != "":
		return "must not hold a fragment; take the part from # away"
	case loopback.Host(u.Hostname()):
		return ""
	case u.Scheme == "http":
		return fmt.Sprintf("%q must be https; only a loopback host such as 127.0.0.1 may be http", "http://"+u.Host)
	}
	address = u.Hostname()
	if ip, err := netip.ParseAddr(address); err == nil && !private && !loopback.Public(ip) {
		return fmt.Sprintf("%q is not a public address; write private: true beside it when it is in your own network",
			address)
	}
	return ""
}

// shownStart is what may be shown of an address that cannot be read: what comes before its path, in quotes and with a
// space after it. It is empty when a password may be in it.
func shownStart(address string) string {
	if strings.Contains(address, "@") {
		return ""
	}
	scheme, rest, full := strings.Cut(address, "://")
	if !full {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		rest = rest[:at]
	}
	return fmt.Sprintf("%q ", scheme+rest)
}

// The least and the most bytes of a secret, by the Standard Webhooks specification.
const (
	shortestEndpointSecret = 24
	longestEndpointSecret  = 64
)

func (l *loader) checkEndpointSecrets(path string, endpoint *Endpoint) {
	const example = `make one with: echo "whsec_$(openssl rand -base64 32)"`
	if len(endpoint.Secret) == 0 {
		l.file.problem(path, "is missing; what is sent is signed with it: "+example)
	}
	for i, secret := range endpoint.Secret {
		at := path
		if len(endpoint.Secret) > 1 {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		coded, prefixed := strings.CutPrefix(secret.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(coded)
		switch {
		case !prefixed:
			l.file.problem(at, "does not begin with whsec_; "+example)
		case err != nil:
			l.file.problem(at, "is not base64 after whsec_; "+example)
		case len(raw) < shortestEndpointSecret || len(raw) > longestEndpointSecret:
			l.file.problem(at, fmt.Sprintf("holds %d bytes; it must hold %d to %d: %s",
				len(raw), shortestEndpointSecret, longestEndpointSecret, example))
		}
	}
}

// storeProblem says what is wrong with a store's domain outside the section stores.
func (l *loader) storeProblem(domain string) string {
	if _, known := l.config.Stores[domain]; known {
		return ""
	}
	domains := slices.Sorted(maps.Keys(l.config.Stores))
	if meant := nearest(domain, domains); meant != "" {
		return fmt.Sprintf("%q is not among the stores; did you mean %q?", domain, meant)
	}
	return fmt.Sprintf("%q is not among the stores; write the domain of one of them, or add it under stores", domain)
}
