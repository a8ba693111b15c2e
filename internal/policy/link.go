package policy

import (
	"net/url"
	"strings"

	"ringback/internal/cart"
)

// Link returns the recovery link as it goes out with a call. It sets `discount=` to the offer's code and adds the
// store's UTM values, replacing any that the link has. Everything else, such as Shopify's `key=`, stays. A text that
// is not an absolute http or https link is returned unchanged.
func Link(raw string, offer *cart.Offer, utm UTM) string {
	if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return raw
	}
	set := make([][2]string, 0, 6)
	if offer != nil && offer.Code != "" {
		set = append(set, [2]string{"discount", offer.Code})
	}
	for _, p := range [...][2]string{
		{"utm_source", utm.Source}, {"utm_medium", utm.Medium}, {"utm_campaign", utm.Campaign},
		{"utm_content", utm.Content}, {"utm_term", utm.Term},
	} {
		if p[1] != "" {
			set = append(set, p)
		}
	}
	if len(set) == 0 {
		return raw
	}
	rest, fragment, hasFragment := strings.Cut(raw, "#")
	base, query, _ := strings.Cut(rest, "?")
	var b strings.Builder
	b.WriteString(base)
	separator := byte('?')
	add := func(pair string) {
		b.WriteByte(separator)
		b.WriteString(pair)
		separator = '&'
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && !replaced(pair, set) {
			add(pair)
		}
	}
	for _, p := range set {
		add(p[0] + "=" + url.QueryEscape(p[1]))
	}
	if hasFragment {
		b.WriteByte('#')
		b.WriteString(fragment)
	}
	return b.String()
}

// replaced reports whether a pair of the query has the same name as one that is set.
func replaced(pair string, set [][2]string) bool {
	name, _, _ := strings.Cut(pair, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	for _, p := range set {
		if name == p[0] {
			return true
		}
	}
	return false
}
