package config

import (
	"slices"
	"strings"

	"ringback/internal/secret"
)

// Store gives a shop's configuration by its myshopify domain, in any letters; false when the shop is not configured.
func (c *Config) Store(domain string) (Store, bool) {
	store, ok := c.Stores[strings.ToLower(domain)]
	return store, ok
}

// SecretsOf gives the client secrets of a store: its own when it has any, else the app's. Only these may sign its webhooks
// and sessions. The zero Store, for a shop that is not configured, has the app's.
func (s Shopify) SecretsOf(store Store) secret.List {
	if len(store.ClientSecrets) > 0 {
		return store.ClientSecrets
	}
	return s.ClientSecrets
}

// AssistantKey names the assistant among all providers and workspaces: "provider|base_url|workspace|assistant". Stores with the
// same key share one pool of lines, so it must stay the same from release to release.
func (v Voice) AssistantKey() string {
	return strings.Join([]string{v.Provider, v.BaseURL, v.Workspace, v.Assistant}, "|")
}

// CallbackKeys are the private keys that callbacks may be signed with, the one that requests are made with first.
func (v Voice) CallbackKeys() secret.List { return withFirst(v.PrivateKey, v.PrivateKeys) }

// AccountKeys are the public keys that callbacks may name, the one that requests are made with first.
func (v Voice) AccountKeys() []string { return withFirst(v.PublicKey, v.PublicKeys) }

// withFirst lists what is set, once each, beginning with first.
func withFirst[T ~string](first T, more []T) []T {
	var all []T
	for _, key := range append([]T{first}, more...) {
		if strings.TrimSpace(string(key)) != "" && !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}
