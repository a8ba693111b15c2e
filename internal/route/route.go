// Package route names the addresses at which the outside reaches the program: Shopify, voice APIs, merchants,
// operators and whoever watches it. They are written into the settings of others, so none may change.
package route

import "net/url"

// Messages from other systems.
const (
	// Webhooks is what the addresses of all messages begin with.
	Webhooks = "/webhooks/"
	// ShopifyWebhooks takes the webhooks of all shops.
	ShopifyWebhooks = Webhooks + "shopify"
	voiceCallbacks  = Webhooks + "voice/"
	// VoiceCallbacks is the pattern of the addresses that VoiceCallback makes.
	VoiceCallbacks = voiceCallbacks + ":provider/:token"
)

// VoiceCallback is where a provider reports on the call, or on all calls of the assistant, that a token stands for.
func VoiceCallback(provider, token string) string { return voiceCallbacks + provider + "/" + token }

// The merchant's way through an install, and the app inside Shopify Admin.
const (
	// ShopifyInstall is what the addresses of an install begin with.
	ShopifyInstall = "/shopify"
	// Install begins the install of the shop in the query.
	Install = ShopifyInstall + "/install"
	// InstallCallback is where Shopify sends the merchant back to.
	InstallCallback = ShopifyInstall + "/callback"
	// App is the page that Shopify Admin shows in a frame.
	App = "/app"
)

// InstallOf begins the install of one shop.
func InstallOf(shop string) string { return Install + "?" + url.Values{"shop": {shop}}.Encode() }

// For programs and operators.
const (
	// API is what the addresses of the JSON API begin with.
	API = "/api/v1"
	// Login is the page that asks for the dashboard's password.
	Login = "/login"
	// Jobs is where River UI is, which must be made with this prefix.
	Jobs = "/jobs"
	// JobsAPI is what the addresses of River UI's own API begin with.
	JobsAPI = Jobs + "/api"
	// Static is what the addresses of embedded files begin with.
	Static = "/static/"
)

// For monitoring.
const (
	// Alive says that the process runs, Ready that it can do its work.
	Alive = "/healthz"
	Ready = "/readyz"
	// Metrics is for Prometheus.
	Metrics = "/metrics"
)
