package config

import (
	"strings"

	"ringback/internal/secret"
)

// Store returns the configuration of a shop by its myshopify domain, in upper or lower case; false when the shop is
// not configured.
func (c *Config) Store(domain string) (Store, bool) {
	store, ok := c.Stores[strings.ToLower(domain)]
	return store, ok
}

// SecretsOf gives the client secrets of a store: its own when it has any, else the app's. Only these may sign its
// webhooks and sessions. The zero Store, for a shop that is not configured, has the app's.
func (s Shopify) SecretsOf(store Store) secret.List {
	if len(store.ClientSecrets) > 0 {
		return store.ClientSecrets
	}
	return s.ClientSecrets
}

// AssistantKey names the assistant among all providers and workspaces: "provider|base_url|workspace|assistant".
// Stores with the same key share one pool of lines, so it must stay the same from release to release.
func (v Voice) AssistantKey() string {
	return strings.Join([]string{v.Provider, v.BaseURL, v.Workspace, v.Assistant}, "|")
}
