package config

import (
	"slices"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/secret"
)

// Config is the whole configuration of an installation.
//
// A yaml tag names a key. The tag file:"allowed" permits file:PATH in place of the value, as every Secret does.
type Config struct {
	Server       Server           `yaml:"server"`
	Database     Database         `yaml:"database"`
	Worker       Worker           `yaml:"worker"`
	Security     Security         `yaml:"security"`
	Shopify      Shopify          `yaml:"shopify"`
	Retention    Retention        `yaml:"retention"`
	Integrations Integrations     `yaml:"integrations"`
	Alerts       Alerts           `yaml:"alerts"`
	Log          Log              `yaml:"log"`
	Stores       map[string]Store `yaml:"stores"`
}

// Server says where the HTTP server listens and how the world reaches it.
type Server struct {
	// Listen is a TCP address such as "127.0.0.1:8080"; port 0 picks a free one.
	Listen string `yaml:"listen"`
	// PublicURL is the address for callbacks and installs: https, except for a loopback host, without a trailing
	// slash. For a trial on one machine, both addresses may have port 0: 127.0.0.1:0 and http://127.0.0.1:0.
	PublicURL string `yaml:"public_url"`
}

// Database names the Postgres to use.
type Database struct {
	// URL is a postgres:// URL; empty means an embedded server under DataDir.
	URL string `yaml:"url" file:"allowed"`
	// DataDir holds the embedded server's files.
	DataDir string `yaml:"data_dir"`
	// MaxConns bounds the connection pool of one process.
	MaxConns int `yaml:"max_conns"`
	// PollOnly is for a URL that leads through a pooler which gives each transaction any session, such as PgBouncer in
	// transaction mode: nothing is asked of Postgres that outlives a transaction.
	PollOnly bool `yaml:"poll_only"`
}

// Worker says whether this process works jobs and how many at once.
type Worker struct {
	Enabled     bool `yaml:"enabled"`
	Concurrency int  `yaml:"concurrency"`
}

// Security holds the installation's own secrets.
type Security struct {
	// EncryptionKey seals tokens at rest and keys the hashes of phones and emails: one key, or the new one and then
	// the old ones while rotating. Each is 32 bytes in base64 or hex.
	EncryptionKey secret.List `yaml:"encryption_key"`
	// APIToken is the bearer token of the JSON API. Empty closes the API.
	APIToken secret.Secret `yaml:"api_token"`
	// DashboardPassword opens the pages. Empty leaves them open, which is permitted on a loopback listener only.
	DashboardPassword secret.Secret `yaml:"dashboard_password"`
}

// Shopify holds the app's identity at Shopify.
type Shopify struct {
	ClientID string `yaml:"client_id" file:"allowed"`
	// ClientSecrets are tried in turn for webhook signatures; the first one signs.
	ClientSecrets secret.List `yaml:"client_secrets"`
	// APIVersion pins the Admin API, such as "2026-10".
	APIVersion string `yaml:"api_version"`
	// Scopes are asked for at install; empty means those that Ringback needs.
	Scopes []string `yaml:"scopes"`
	// ReconcileEvery is a cron expression (five fields, UTC) for looking for missed webhooks.
	ReconcileEvery string `yaml:"reconcile_every"`
	// SubscriptionsEvery is a cron expression (five fields, UTC) for checking the webhook subscriptions.
	SubscriptionsEvery string `yaml:"subscriptions_every"`
}

// Retention says how long things are kept.
type Retention struct {
	// PersonalData is how long after its last activity a cart keeps names, numbers and addresses.
	PersonalData time.Duration `yaml:"personal_data"`
	// Payloads is how long the payloads of webhooks and callbacks are kept.
	Payloads time.Duration `yaml:"payloads"`
}

// Integrations are the operator's own systems.
type Integrations struct {
	// WebhookURL receives the agents' actions, signed; empty turns that off.
	WebhookURL string `yaml:"webhook_url"`
	// WebhookSecret keys the signature of what is sent to WebhookURL.
	WebhookSecret secret.Secret `yaml:"webhook_secret"`
	// Endpoints are told of what happens to carts, calls and shops.
	Endpoints []Endpoint `yaml:"endpoints"`
}

// Endpoint is an address that events are sent to.
type Endpoint struct {
	// URL is https, except for a loopback host. It may hold a secret, so it is shown nowhere.
	URL string `yaml:"url" file:"allowed"`
	// Secret keys the signatures: whsec_ and 24 to 64 bytes in base64. While it is rotated there are two, the new one
	// first; every message is signed with each.
	Secret secret.List `yaml:"secret"`
	// Events are the types that are sent; empty means all.
	Events []string `yaml:"events"`
	// Stores are the domains of the stores of which events are sent; empty means all.
	Stores []string `yaml:"stores"`
	// Private permits the host to have an address in a private network. One that is only on this machine needs no
	// permission when the URL's host says so.
	Private bool `yaml:"private"`
}

// Alerts says who is told when a shop needs attention.
type Alerts struct {
	Mail Mail `yaml:"mail"`
}

// How a mail server is spoken to.
const (
	// MailStartTLS encrypts once connected, MailTLS from the beginning, MailPlain never.
	MailStartTLS = "starttls"
	MailTLS      = "tls"
	MailPlain    = "none"
)

// Mail is the mail server that alerts are sent through. Without a host none are.
type Mail struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// TLS is starttls, tls or none; none is for a server on this machine.
	TLS      string        `yaml:"tls"`
	Username string        `yaml:"username"`
	Password secret.Secret `yaml:"password"`
	// From and To are mail addresses.
	From string   `yaml:"from"`
	To   []string `yaml:"to"`
}

// Log says how the programs log.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is text or json.
	Format string `yaml:"format"`
}

// Store is one shop's configuration, with the defaults already merged under it.
type Store struct {
	// Timezone is the store's IANA zone.
	Timezone string `yaml:"timezone"`
	// Country is the store's ISO 3166-1 alpha-2 country. A phone number is read with it when nothing else tells its
	// country.
	Country string `yaml:"country"`
	// Currency is the store's ISO 4217 currency.
	Currency string `yaml:"currency"`
	// ClientSecrets are a custom app's own; empty means the shared ones.
	ClientSecrets secret.List `yaml:"client_secrets"`
	// AdminToken is a custom app's Admin API token; empty means the one from the install.
	AdminToken secret.Secret `yaml:"admin_token"`
	// Paused halts calling for this store.
	Paused bool `yaml:"paused"`
	// PurchaseCheck is the age of a checkout's last update after which Shopify is asked about a purchase just before
	// a call. It needs access to the Admin API; 0 turns it off.
	PurchaseCheck time.Duration `yaml:"purchase_check"`
	Precheck      Precheck      `yaml:"precheck"`
	Voice         Voice         `yaml:"voice"`
	Policy        policy.Rules  `yaml:"policy"`
}

// Precheck is a system of the store's own that is asked just before each call.
type Precheck struct {
	// URL is where it is asked; empty for none. It is https, except for a loopback host.
	URL string `yaml:"url" file:"allowed"`
	// Secret keys the signatures, as for an endpoint of events.
	Secret secret.List `yaml:"secret"`
	// Private permits the host to have an address in a private network.
	Private bool `yaml:"private"`
	// Timeout bounds the question: a line waits for the answer.
	Timeout time.Duration `yaml:"timeout"`
	// OnError says what is done without an answer: PrecheckWaits or PrecheckCall.
	OnError string `yaml:"on_error"`
	// Cache is how long an answer is believed.
	Cache time.Duration `yaml:"cache"`
}

// What is done when the precheck gives no answer.
const (
	PrecheckWaits = "wait"
	PrecheckCall  = "call"
)

// Voice is a store's account at a voice API: the keys that every provider has, and the settings of the store's own.
type Voice struct {
	// Provider is the name of one of the providers that Load was given.
	Provider string `yaml:"provider"`
	// BaseURL is the API's address; https, but for a loopback host.
	BaseURL string `yaml:"base_url"`
	// Workspace is the part of the account that the assistant belongs to; empty where the API has no such thing.
	Workspace string `yaml:"workspace" file:"allowed"`
	// Assistant is the id of the assistant, which some APIs call an agent.
	Assistant string `yaml:"assistant" file:"allowed"`
	// Lines is how many calls the assistant may have at once.
	Lines int `yaml:"lines"`
	// MaxWait is the time in ready after which a cart goes before more valuable ones.
	MaxWait time.Duration `yaml:"max_wait"`
	// Timeout bounds one request. When it runs out, nobody knows whether the call was placed.
	Timeout time.Duration `yaml:"timeout"`
	// Silence is the time without a report after which a call counts as lost.
	Silence time.Duration `yaml:"silence"`
	// Retries says who redials after an unanswered call: ours or provider.
	Retries  string   `yaml:"retries"`
	Insights Insights `yaml:"insights"`
	Machine  Machine  `yaml:"machine"`
	// TestNumbers are the operator's own, in E.164. Only these are called by a test call.
	TestNumbers []string `yaml:"test_numbers"`
	// Disclosure is what must be said in every call, by language (en, de, …), or "default" for all others.
	Disclosure map[string]string `yaml:"disclosure"`
	// Keep lists what is kept of a conversation: summary, transcript, recording.
	Keep []string `yaml:"keep"`
	// Onboarding is what `ringback onboard` tells the provider.
	Onboarding Onboarding `yaml:"onboarding"`

	// Settings are the keys of the store's provider.
	Settings Settings `yaml:"-"`
	// Others are the settings of other providers for which the section has keys, by provider name.
	Others map[string]Settings `yaml:"-"`
}

// What voice.keep may list.
const (
	KeepSummary    = "summary"
	KeepTranscript = "transcript"
	KeepRecording  = "recording"
)

// Keeps reports whether something is kept of a conversation.
func (v Voice) Keeps(what string) bool { return slices.Contains(v.Keep, what) }

// Machine says when an answered call was no conversation, where neither the provider nor the analysis tells.
type Machine struct {
	// ShorterThan: a shorter call in which nothing was said counts as a mailbox's; 0 turns that off.
	ShorterThan time.Duration `yaml:"shorter_than"`
	// HungUpWithin: a call that is over within this time counts as not answered; 0 turns that off.
	HungUpWithin time.Duration `yaml:"hung_up_within"`
}

// DisclosureIn returns what must be said in a call in the language of a locale, such as de-DE: the text of that
// language, else the default one, else the English one; "" when there is none.
func (v *Voice) DisclosureIn(locale string) string {
	language, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	for _, key := range []string{language, DefaultLanguage, "en"} {
		if text := strings.TrimSpace(v.Disclosure[key]); text != "" {
			return text
		}
	}
	return ""
}

// DefaultLanguage is the key of the disclosure in all languages that have none of their own.
const DefaultLanguage = "default"

// Insights names the insights of a call's analysis that the policy reads.
type Insights struct {
	OptedOut   string `yaml:"opted_out"`
	Declined   string `yaml:"declined"`
	Interested string `yaml:"interested"`
	Callback   string `yaml:"callback"`
	CallbackAt string `yaml:"callback_at"`
	Voicemail  string `yaml:"voicemail"`
	Screened   string `yaml:"screened"`
	// Disclosed says whether what must be said was said.
	Disclosed string `yaml:"disclosed"`
	// OfferMentioned and OfferAccepted say what became of the offer that went out with the call.
	OfferMentioned string `yaml:"offer_mentioned"`
	OfferAccepted  string `yaml:"offer_accepted"`
	// Reason is why the customer left the cart behind.
	Reason string `yaml:"reason"`
}
