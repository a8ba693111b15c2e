// Package engine is the application around the pure core: it takes webhooks and callbacks, gives out lines, places
// calls, obeys operators, asks Shopify and erases personal data. Whatever changes a cart loads it under its lock, gives
// it an event, stores what comes of it and enacts the effects, all in one transaction. Requests to a provider or to
// Shopify are made outside transactions.
//
// The methods that jobs run have the name of their job. Package jobs calls them.
package engine

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"ringback/internal/config"
	"ringback/internal/lifecycle"
	"ringback/internal/postgres"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// Store is one configured shop with everything that is made from its configuration.
type Store struct {
	Domain   string
	Config   config.Store
	Rules    lifecycle.Rules
	Provider voice.Provider
	// FormerSigners check callbacks of the accounts that the store has moved away from and kept the keys of, by their
	// provider.
	FormerSigners map[string]voice.Signer
	// Location is the store's zone.
	Location *time.Location
	// Precheck is asked before a call; nil for none.
	Precheck *Prechecker
}

// Engine changes carts. It is safe for concurrent use.
type Engine struct {
	db        *postgres.DB
	stores    map[string]*Store
	publicURL string
	retention config.Retention
	log       *slog.Logger
	metrics   *Metrics
	river     *river.Client[pgx.Tx]

	forwarding Forwarding
	endpoints  *Endpoints
	nudges     nudges
	fills      *fills

	shopify     Shopify
	connections connections

	keeper  keeper
	applier applier
	// reports and decisions change carts.
	reports, decisions changer
	handedOut          handedOut

	voiceFaults voiceFaults
	mail        Mail

	// accounts and pools are made when they are first asked for.
	accounts func() accounts
	pools    func() map[string]pool
}

// Options is what an engine is made of.
type Options struct {
	DB *postgres.DB
	// Stores are the configured shops by domain.
	Stores map[string]*Store
	// PublicURL is where callbacks reach us, without a trailing slash.
	PublicURL  string
	Retention  config.Retention
	Forwarding Forwarding
	// Endpoints are told of changes; nil for none.
	Endpoints *Endpoints
	Shopify   Shopify
	// Mail tells people of alerts; nil when nobody is to be told by mail.
	Mail    Mail
	Log     *slog.Logger
	Metrics *Metrics
}

// New makes an engine; Attach must follow before it is used.
func New(o Options) *Engine {
	if o.Forwarding.Client == nil {
		o.Forwarding.Client = &http.Client{Timeout: forwardTimeout}
	}
	if o.Endpoints == nil {
		o.Endpoints = &Endpoints{}
	}
	e := &Engine{
		db: o.DB, stores: o.Stores, publicURL: o.PublicURL, retention: o.Retention, forwarding: o.Forwarding, log: o.Log,
		metrics: o.Metrics, mail: o.Mail, shopify: o.Shopify, connections: connections{clients: map[string]connection{}},
		applier: newApplier(), endpoints: o.Endpoints, nudges: newNudges(),
	}
	e.reports.run = func(ctx context.Context, items []*changing) error { return e.inOne(ctx, e.inIntakeTx, items) }
	e.decisions.run = func(ctx context.Context, items []*changing) error { return e.inOne(ctx, e.inTx, items) }
	e.pools = sync.OnceValue(func() map[string]pool { return newPools(e.Stores()) })
	e.fills = newFills(func(assistant string) time.Duration {
		return time.Duration(e.pools()[assistant].lines) * pausePerLine
	})
	e.accounts = sync.OnceValue(func() accounts { return newAccounts(e.Stores(), e.assistantToken) })
	return e
}

// parse reads a callback in the words of a provider, which need not be the one that a store uses now.
func (e *Engine) parse(provider string, names config.Insights, body []byte) ([]voice.Callback, error) {
	return providers.Parse(provider, names, body)
}

// NoteAssistants remembers the callback URLs of whole assistants, so that they are known to processes that know none of
// their stores.
func (e *Engine) NoteAssistants(ctx context.Context) error {
	var tokens []postgres.AssistantToken
	for token, stores := range e.accounts().byToken {
		tokens = append(tokens, postgres.AssistantToken{
			Hash: hashToken(token), Provider: stores[0].Provider.Name(), Assistant: stores[0].Config.Voice.AssistantKey(),
		})
	}
	return e.db.NoteAssistantTokens(ctx, tokens)
}

// Attach gives the engine the client that it enqueues with. The client's workers hold the engine, so it comes second.
func (e *Engine) Attach(client *river.Client[pgx.Tx]) { e.river = client }

// Store returns a configured shop, or nil.
func (e *Engine) Store(domain string) *Store { return e.stores[domain] }

// knownStore returns a configured shop, or errUnknownShop.
func (e *Engine) knownStore(domain string) (*Store, error) {
	store := e.stores[domain]
	if store == nil {
		return nil, &unknownError{shop: domain, err: errUnknownShop}
	}
	return store, nil
}

// Now is the time by the engine's clock.
func (e *Engine) Now() time.Time { return e.db.Now() }

// ShopifySchedule says how often Shopify is asked for all shops.
func (e *Engine) ShopifySchedule() config.Shopify { return e.shopify.Shopify }

// Stores returns the configured shops by name.
func (e *Engine) Stores() []*Store {
	all := make([]*Store, 0, len(e.stores))
	for _, s := range e.stores {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Store) int {
		if a.Domain < b.Domain {
			return -1
		}
		return 1
	})
	return all
}
