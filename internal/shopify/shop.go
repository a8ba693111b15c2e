package shopify

import (
	"fmt"
	"regexp"
	"strings"
)

// shopPattern is Shopify's own rule for a shop's domain (Shopify, "Authorization code grant", step 1).
var shopPattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com$`)

// longestShop bounds a shop's domain: a DNS label of 63 characters and the suffix.
const longestShop = 63 + len(".myshopify.com")

// ValidShop reports whether domain is a *.myshopify.com domain, in any case. Nothing is ever sent to a shop that fails
// this.
func ValidShop(domain string) bool {
	return len(domain) <= longestShop && shopPattern.MatchString(domain)
}

// ParseShop returns the domain in its normal form, lower case, or an error when it is not a *.myshopify.com domain.
func ParseShop(domain string) (string, error) {
	if !ValidShop(domain) {
		return "", fmt.Errorf("shop %.80q is not a *.myshopify.com domain", domain)
	}
	return strings.ToLower(domain), nil
}
