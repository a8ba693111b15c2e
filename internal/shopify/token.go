package shopify

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ringback/internal/secret"
)

// Tokens are a shop's offline access token and what renews it. They are kept sealed, as a pair, and replaced as a pair.
type Tokens struct {
	Access secret.Secret
	// Refresh is empty for a token that never expires (a custom app's).
	Refresh secret.Secret
	// ExpiresAt and RefreshExpiresAt are UTC; zero means never.
	ExpiresAt        time.Time
	RefreshExpiresAt time.Time
	// Scopes are those that were granted.
	Scopes []string
}

// refreshAhead is how long before its end a token is renewed.
const refreshAhead = 5 * time.Minute

// Stale reports whether the access token should be renewed before it is used.
func (t Tokens) Stale(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt.Add(-refreshAhead))
}

// Missing returns those of the wanted scopes that were not granted. A write scope includes its read scope.
func (t Tokens) Missing(want []string) []string {
	var missing []string
	for _, s := range want {
		write := "write_" + strings.TrimPrefix(s, "read_")
		if !slices.Contains(t.Scopes, s) && !(strings.HasPrefix(s, "read_") && slices.Contains(t.Scopes, write)) {
			missing = append(missing, s)
		}
	}
	return missing
}

// NewState returns an unguessable state for an install.
func NewState() string {
	b := make([]byte, 24)
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// How a token call fails. A temporary failure is an error for which Temporary reports true.
var (
	// ErrReinstall: Shopify will not give tokens for this shop again until the merchant installs the app anew.
	ErrReinstall = errors.New("the shop must install the app again")
	// ErrClient: Shopify does not know the app's client id or secret: a mistake in the configuration, not the shop's.
	ErrClient = errors.New("the app's client id or secret is not accepted")
)

// Exchange turns the code of a callback into tokens, asking for an expiring pair: an access token of an hour and a
// refresh token of 90 days (Shopify, "Offline access tokens"). It fails with ErrReinstall when the code was refused.
func (a App) Exchange(ctx context.Context, shop string, code secret.Secret) (Tokens, error) {
	return a.tokenCall(ctx, shop, url.Values{"code": {code.Reveal()}, "expiring": {"1"}})
}

// Refresh renews a pair. The answer replaces both tokens; the old refresh token stays good until the new pair is used,
// so a crash before the pair is stored does no harm. It fails with ErrReinstall when the shop must install the app
// again, and with a temporary error when it may be tried again.
func (a App) Refresh(ctx context.Context, shop string, refresh secret.Secret) (Tokens, error) {
	if !refresh.Set() {
		return Tokens{}, fmt.Errorf("no refresh token is kept: %w", ErrReinstall)
	}
	return a.tokenCall(ctx, shop, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}})
}

// tokenCall tries the secrets in turn: after a rotation the newest may not be in force yet.
func (a App) tokenCall(ctx context.Context, shop string, form url.Values) (Tokens, error) {
	shop, err := ParseShop(shop)
	if err != nil {
		return Tokens{}, err
	}
	err = fmt.Errorf("no client secret is configured: %w", ErrClient)
	for _, key := range a.Secrets {
		if !key.Set() {
			continue
		}
		var t Tokens
		t, err = a.postToken(ctx, shop, key, form)
		if !errors.Is(err, ErrClient) {
			return t, err
		}
	}
	return Tokens{}, err
}

// largestToken bounds the answer of a token call, in bytes.
const largestToken = 64 << 10

func (a App) postToken(ctx context.Context, shop string, key secret.Secret, form url.Values) (Tokens, error) {
	const operation = "access_token"
	sent := url.Values{"client_id": {a.ClientID}, "client_secret": {key.Reveal()}}
	for k, v := range form {
		sent[k] = v
	}
	address := baseURL(a.BaseURL, shop) + "/admin/oauth/access_token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(sent.Encode()))
	if err != nil {
		return Tokens{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := noRedirects(a.HTTP).Do(req)
	if err != nil {
		return Tokens{}, transportError(operation, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, largestToken))
	if err != nil {
		return Tokens{}, transportError(operation, err)
	}
	if res.StatusCode != http.StatusOK {
		return Tokens{}, tokenError(operation, res, body)
	}
	return a.readTokens(body)
}

// tokenError sorts a refusal: the app's fault, the shop's, or nobody's.
func tokenError(operation string, res *http.Response, body []byte) error {
	var p struct {
		Error text `json:"error"`
	}
	_ = json.Unmarshal(body, &p)
	e := statusError(operation, res, nil)
	switch {
	case p.Error == "invalid_client" || p.Error == "application_cannot_be_found":
		e.Kind = ErrClient
	case p.Error == "invalid_grant" || p.Error == "invalid_request" || res.StatusCode == http.StatusUnauthorized:
		e.Kind = ErrReinstall
	}
	if p.Error != "" {
		e.Codes = []string{shorten(string(p.Error))}
	}
	return e
}

func (a App) readTokens(body []byte) (Tokens, error) {
	var p struct {
		Access         text  `json:"access_token"`
		Scope          words `json:"scope"`
		ExpiresIn      count `json:"expires_in"`
		Refresh        text  `json:"refresh_token"`
		RefreshSeconds count `json:"refresh_token_expires_in"`
	}
	if err := decodeObject(body, &p); err != nil {
		return Tokens{}, fmt.Errorf("access_token: %w", err)
	}
	if p.Access == "" {
		return Tokens{}, errors.New("access_token: missing in Shopify's answer")
	}
	now := a.now().UTC()
	t := Tokens{Access: secret.Secret(p.Access), Refresh: secret.Secret(p.Refresh), Scopes: p.Scope}
	if s := p.ExpiresIn.or(0); s > 0 {
		t.ExpiresAt = now.Add(time.Duration(s) * time.Second)
	}
	if s := p.RefreshSeconds.or(0); s > 0 {
		t.RefreshExpiresAt = now.Add(time.Duration(s) * time.Second)
	}
	return t, nil
}
