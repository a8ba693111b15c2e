package shopify

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringback/internal/secret"

	goshopify "github.com/bold-commerce/go-shopify/v4"
)

// App is the app as Shopify knows it. It holds no state and is safe for concurrent use.
//
// The authorize URL and the check of the callback's hmac are go-shopify's. The token calls are ours: go-shopify knows
// neither expiring tokens nor refreshing them, and would print the client secret when debugging.
type App struct {
	ClientID string
	// Secrets are the app's client secrets: the newest first, older ones while rotating.
	Secrets secret.List
	// RedirectURL is where Shopify sends the merchant back to; it must be listed in the app's configuration.
	RedirectURL string
	// Scopes are what is asked for; empty means DefaultScopes.
	Scopes []string
	// HTTP makes the requests; nil means a client with a timeout of 15 s.
	HTTP *http.Client
	// BaseURL replaces https://{shop} in requests and redirects, for a simulated Shopify: "{shop}" in it stands for the
	// domain. No trailing slash. Empty means the real one.
	BaseURL string
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
}

// DefaultScopes are the access scopes that Ringback needs: orders and abandoned checkouts, their customers, and codes
// of its own.
func DefaultScopes() []string {
	return []string{"read_orders", "read_customers", "write_discounts"}
}

func (a App) scopes() []string {
	if len(a.Scopes) == 0 {
		return DefaultScopes()
	}
	return a.Scopes
}

func (a App) now() time.Time {
	if a.Clock != nil {
		return a.Clock()
	}
	return time.Now()
}

// baseURL is the address of a shop that was checked by ParseShop.
func baseURL(override, shop string) string {
	if override != "" {
		return strings.ReplaceAll(override, "{shop}", shop)
	}
	return "https://" + shop
}

// AuthorizeURL is the page on which the merchant grants the scopes. State must be unguessable and come back in the
// callback.
func (a App) AuthorizeURL(shop, state string) (string, error) {
	shop, err := ParseShop(shop)
	if err != nil {
		return "", err
	}
	if state == "" {
		return "", errors.New("state is empty: the callback could not be told from a forged one")
	}
	app := goshopify.App{ApiKey: a.ClientID, RedirectUrl: a.RedirectURL, Scope: strings.Join(a.scopes(), ",")}
	address, err := app.AuthorizeUrl(shop, state)
	if err != nil {
		return "", err
	}
	return strings.Replace(address, "https://"+shop, baseURL(a.BaseURL, shop), 1), nil
}

// Callback is what a checked callback of the install says.
type Callback struct {
	// Shop is the shop's domain in lower case.
	Shop string
	// Code is exchanged for tokens, once.
	Code secret.Secret
	// Host is the base64 address of the page in Shopify Admin; "" outside of it.
	Host string
}

// What VerifyCallback refuses.
var (
	ErrCallbackSignature = errors.New("the callback's hmac does not match: it was not made by Shopify, or with another client secret")
	ErrCallbackShop      = errors.New("the callback names no *.myshopify.com shop")
	ErrCallbackState     = errors.New("the callback's state is not the one that this browser was given: start the install again")
	ErrCallbackStale     = errors.New("the callback is too old: start the install again")
	ErrCallbackCode      = errors.New("the callback carries no code")
)

// callbackLife bounds the age of a callback, either way, so that a skewed clock does not stop installs.
const callbackLife = 15 * time.Minute

// VerifyCallback checks the query of the install's callback: that Shopify signed it, recently, for the shop and the
// state that the install began with. wantShop and wantState come from the merchant's browser (a signed cookie); all
// comparisons that involve a secret take constant time.
func (a App) VerifyCallback(q url.Values, wantShop, wantState string) (Callback, error) {
	if !a.VerifyQuery(q) {
		return Callback{}, ErrCallbackSignature
	}
	shop, err := ParseShop(q.Get("shop"))
	if err != nil || shop != strings.ToLower(wantShop) {
		return Callback{}, ErrCallbackShop
	}
	if wantState == "" || !equal(q.Get("state"), wantState) {
		return Callback{}, ErrCallbackState
	}
	at := unixInstant(q.Get("timestamp"))
	if age := a.now().Sub(at); at.IsZero() || age > callbackLife || age < -callbackLife {
		return Callback{}, ErrCallbackStale
	}
	code := q.Get("code")
	if code == "" {
		return Callback{}, ErrCallbackCode
	}
	return Callback{Shop: shop, Code: secret.Secret(code), Host: q.Get("host")}, nil
}

// VerifyQuery reports whether Shopify signed the query with one of the app's secrets, as it signs the callback and the
// first request of an embedded page. A parameter that stands twice, or hides another one in its value, is refused.
func (a App) VerifyQuery(q url.Values) bool {
	if q.Get("hmac") == "" {
		return false
	}
	for _, values := range q {
		// The signed message is unescaped, so that "a=1&b=2" could be two parameters or one.
		if len(values) != 1 || strings.Contains(values[0], "&") {
			return false
		}
	}
	u := &url.URL{RawQuery: q.Encode()}
	return slices.ContainsFunc(a.Secrets, func(s secret.Secret) bool {
		if !s.Set() {
			return false
		}
		ok, err := goshopify.App{ApiSecret: s.Reveal()}.VerifyAuthorizationURL(u)
		return err == nil && ok
	})
}
