package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"ringback/internal/config"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"golang.org/x/sync/singleflight"
)

// ErrNotConnected: there is no token for the shop, or Shopify refuses the one there is. The merchant must install the
// app.
var ErrNotConnected = errors.New("the shop has not installed the app")

// renewWithin bounds the renewing of a token. Whoever needs the token may give up sooner.
const renewWithin = 15 * time.Second

// Shopify is the app and how its API is reached.
type Shopify struct {
	config.Shopify
	// BaseURL replaces https://{shop}, for a simulated Shopify: "{shop}" in it stands for the domain. Empty means the real
	// one.
	BaseURL string
	// HTTP makes the requests; nil means a client with a timeout of 15 s.
	HTTP *http.Client
}

// connections are the shops' Admin APIs. Clients are kept, because each knows its shop's rate limit.
type connections struct {
	renewals singleflight.Group

	mu      sync.Mutex
	clients map[string]connection
}

type connection struct {
	token  string
	client *shopify.Client
}

// App is the app as a shop knows it.
func (e *Engine) App(domain string) shopify.App {
	var store config.Store
	if known := e.stores[domain]; known != nil {
		store = known.Config
	}
	return shopify.App{
		ClientID:    e.shopify.ClientID,
		Secrets:     e.shopify.SecretsOf(store),
		RedirectURL: e.publicURL + route.InstallCallback,
		Scopes:      e.shopify.Scopes,
		HTTP:        e.shopify.HTTP,
		BaseURL:     e.shopify.BaseURL,
		Clock:       e.db.Now,
	}
}

// Connected reports whether the shop's Admin API can be asked.
func (e *Engine) Connected(ctx context.Context, domain string) (bool, error) {
	store := e.stores[domain]
	if store == nil {
		return false, nil
	}
	if store.Config.AdminToken.Set() {
		return true, nil
	}
	_, err := e.db.ShopToken(ctx, domain)
	if errors.Is(err, postgres.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// askShopify lets ask use a shop's Admin API, with a token that is good now. One that Shopify refuses is renewed once;
// when that does not help either, the shop has lost access, which is marked for everybody to see. ErrNotConnected when
// there is no token.
func (e *Engine) askShopify(ctx context.Context, domain string, ask func(context.Context, *shopify.Client) error) error {
	token, err := e.accessToken(ctx, domain, "")
	if err != nil {
		return err
	}
	client, err := e.client(domain, token.Access)
	if err != nil {
		return err
	}
	began := e.db.Now()
	err = ask(ctx, client)
	if errors.Is(err, shopify.ErrUnauthorized) && token.Refresh != "" {
		if token, err = e.accessToken(ctx, domain, token.Access); err != nil {
			return err
		}
		if client, err = e.client(domain, token.Access); err != nil {
			return err
		}
		err = ask(ctx, client)
	}
	if errors.Is(err, shopify.ErrUnauthorized) {
		return errors.Join(err, e.loseAccess(ctx, domain, token))
	}
	if err == nil && token.Former != "" {
		return e.db.TokenWorked(ctx, domain, token)
	}
	if err == nil && e.stores[domain].Config.AdminToken.Set() {
		return e.noteAccess(ctx, domain, began)
	}
	return err
}

// accessToken returns a token for the shop, renewed when it is stale or is the one that Shopify refused.
func (e *Engine) accessToken(ctx context.Context, domain, refused string) (postgres.ShopToken, error) {
	store, err := e.knownStore(domain)
	if err != nil {
		return postgres.ShopToken{}, err
	}
	if own := store.Config.AdminToken; own.Set() {
		return postgres.ShopToken{Access: own.Reveal()}, nil
	}
	token, err := e.db.ShopToken(ctx, domain)
	if errors.Is(err, postgres.ErrNotFound) {
		return token, ErrNotConnected
	}
	if err != nil || token.Access != refused && !e.stale(token) {
		return token, err
	}
	return e.renewToken(ctx, domain, refused)
}

func (e *Engine) stale(t postgres.ShopToken) bool {
	return shopify.Tokens{ExpiresAt: t.ExpiresAt}.Stale(e.db.Now())
}

// renewToken renews a shop's token once, however many ask for it in however many processes. The renewal goes on when
// the caller has gone: the next one will need it.
func (e *Engine) renewToken(ctx context.Context, domain, refused string) (postgres.ShopToken, error) {
	done := e.connections.renewals.DoChan(domain+"\x00"+refused, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewWithin)
		defer cancel()
		var last postgres.ShopToken
		token, err := e.db.RenewToken(ctx, domain, func(ctx context.Context, t postgres.ShopToken) (postgres.ShopToken, error) {
			last = t
			if t.Access != refused && !e.stale(t) {
				return t, nil
			}
			return e.refresh(ctx, domain, t)
		})
		if errors.Is(err, shopify.ErrReinstall) {
			return token, errors.Join(err, e.loseAccess(ctx, domain, last))
		}
		if errors.Is(err, postgres.ErrNotFound) {
			return token, ErrNotConnected
		}
		return token, err
	})
	select {
	case r := <-done:
		token, _ := r.Val.(postgres.ShopToken)
		return token, r.Err
	case <-ctx.Done():
		return postgres.ShopToken{}, ctx.Err()
	}
}

// refresh asks for a new pair. When the refresh token is refused, the one before it is tried: of two processes of which
// one was killed at the wrong moment, the other's may be what Shopify goes by.
func (e *Engine) refresh(ctx context.Context, domain string, t postgres.ShopToken) (postgres.ShopToken, error) {
	app := e.App(domain)
	used := t.Refresh
	got, err := app.Refresh(ctx, domain, secret.Secret(used))
	if errors.Is(err, shopify.ErrReinstall) && t.Former != "" {
		used = t.Former
		got, err = app.Refresh(ctx, domain, secret.Secret(used))
	}
	e.metrics.shopify.renewed(err)
	if err != nil {
		if shopify.Temporary(err) && e.db.Now().Before(t.ExpiresAt) {
			// It is renewed ahead of its time: until then it is good.
			return t, nil
		}
		return t, fmt.Errorf("renew the token of %s: %w", domain, err)
	}
	renewed := asShopToken(got)
	renewed.Former = used
	if len(renewed.Scopes) == 0 {
		renewed.Scopes = t.Scopes
	}
	return renewed, nil
}

func asShopToken(t shopify.Tokens) postgres.ShopToken {
	return postgres.ShopToken{
		Access: t.Access.Reveal(), Refresh: t.Refresh.Reveal(),
		ExpiresAt: t.ExpiresAt, RefreshExpiresAt: t.RefreshExpiresAt, Scopes: t.Scopes,
	}
}

// client returns the client for a shop and token.
func (e *Engine) client(domain, token string) (*shopify.Client, error) {
	c := &e.connections
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.clients[domain]; ok && known.token == token {
		return known.client, nil
	}
	client, err := shopify.NewClient(shopify.Access{
		Shop: domain, Token: secret.Secret(token), Version: e.shopify.APIVersion,
		Metafields: e.stores[domain].metafields(),
		HTTP:       e.shopify.HTTP, BaseURL: e.shopify.BaseURL, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	c.clients[domain] = connection{token, client}
	return client, nil
}

// loseAccess marks that Shopify refuses a shop's token for good.
func (e *Engine) loseAccess(ctx context.Context, domain string, t postgres.ShopToken) error {
	access, why := t.Access, "needs reinstall: open "+route.InstallOf(domain)+" as the merchant"
	if e.stores[domain].Config.AdminToken.Set() {
		access, why = "", "the admin_token of this store is not accepted: write a new one"
	}
	lost := false
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		lost, err = u.LoseAccess(ctx, domain, access, why)
		return err
	})
	if lost {
		e.log.Error("Shopify refuses our access to a shop", "shop", domain, "do", why)
	}
	return err
}
