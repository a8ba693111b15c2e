package simshop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// grant is what a merchant agreed to, until the app exchanges its code.
type grant struct {
	shop   *Shop
	scopes []string
	at     time.Time
}

// token is an access token, with what renews it.
type token struct {
	shop           *Shop
	access         string
	refresh        string
	scopes         []string
	expiresAt      time.Time
	refreshExpires time.Time
	// before is the token that this one replaced. Its refresh token stays valid until this one is used.
	before  *token
	retired bool
}

// The lifetimes of codes and tokens (Shopify, "Offline access tokens").
const (
	codeLife    = time.Minute
	accessLife  = time.Hour
	refreshLife = 90 * 24 * time.Hour
)

// authorize is the page on which the merchant agrees; this merchant always does.
func (s *Shopify) authorize(w http.ResponseWriter, r *http.Request, shop *Shop) {
	q := r.URL.Query()
	redirect := q.Get("redirect_uri")
	scopes := strings.Split(q.Get("scope"), ",")
	switch {
	case q.Get("client_id") != s.cfg.ClientID:
		http.Error(w, "Oauth error application_cannot_be_found", http.StatusBadRequest)
		return
	case !slices.Contains(s.cfg.RedirectURLs, redirect):
		http.Error(w, "Oauth error invalid_request: The redirect_uri is not whitelisted", http.StatusBadRequest)
		return
	case q.Get("scope") == "" || slices.ContainsFunc(scopes, func(x string) bool {
		return !strings.HasPrefix(x, "read_") && !strings.HasPrefix(x, "write_")
	}):
		http.Error(w, "Oauth error invalid_scope", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	code := s.secret(32)
	s.grants[code] = grant{shop: shop, scopes: scopes, at: s.now()}
	s.mu.Unlock()
	http.Redirect(w, r, redirect+"?"+s.SignQuery(url.Values{
		"code": {code}, "state": {q.Get("state")}, "shop": {shop.cfg.Domain},
		"host": {base64.RawStdEncoding.EncodeToString([]byte("admin.shopify.com/store/" +
			strings.TrimSuffix(shop.cfg.Domain, ".myshopify.com")))},
		"timestamp": {strconv.FormatInt(s.now().Unix(), 10)},
	}).Encode(), http.StatusFound)
}

// SignQuery adds the hmac as Shopify does: over the sorted parameters, with the client secret.
func (s *Shopify) SignQuery(q url.Values) url.Values {
	var parts []string
	for k := range q {
		if k != "hmac" {
			parts = append(parts, k+"="+q.Get(k))
		}
	}
	sort.Strings(parts)
	h := hmac.New(sha256.New, []byte(s.cfg.ClientSecret.Reveal()))
	h.Write([]byte(strings.Join(parts, "&")))
	q.Set("hmac", hex.EncodeToString(h.Sum(nil)))
	return q
}

func oauthError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"error": code, "error_description": strings.ReplaceAll(code, "_", " "),
	})
}

// accessToken exchanges a code, or renews a token.
func (s *Shopify) accessToken(w http.ResponseWriter, r *http.Request, shop *Shop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenCalls++
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if r.PostForm.Get("client_id") != s.cfg.ClientID || r.PostForm.Get("client_secret") != s.cfg.ClientSecret.Reveal() {
		oauthError(w, http.StatusBadRequest, "invalid_client")
		return
	}
	var t *token
	if r.PostForm.Get("grant_type") == "refresh_token" {
		t = s.renew(shop, r.PostForm.Get("refresh_token"))
	} else {
		t = s.exchange(shop, r.PostForm.Get("code"), r.PostForm.Get("expiring") == "1")
	}
	if t == nil {
		oauthError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	s.tokens = append(s.tokens, t)
	answer := map[string]any{"access_token": t.access, "scope": strings.Join(t.scopes, ",")}
	if t.refresh != "" {
		answer["expires_in"] = int(accessLife.Seconds())
		answer["refresh_token"] = t.refresh
		answer["refresh_token_expires_in"] = int(t.refreshExpires.Sub(s.now()).Seconds())
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// exchange uses up a code. The caller holds the lock.
func (s *Shopify) exchange(shop *Shop, code string, expiring bool) *token {
	g, ok := s.grants[code]
	delete(s.grants, code)
	if !ok || g.shop != shop || s.now().Sub(g.at) > codeLife {
		return nil
	}
	t := &token{shop: shop, access: "shpat_" + s.secret(32), scopes: g.scopes}
	if expiring {
		t.refresh = "shprt_" + s.secret(32)
		t.expiresAt, t.refreshExpires = s.now().Add(accessLife), s.now().Add(refreshLife)
	}
	return t
}

// renew makes the successor of a token. The caller holds the lock.
func (s *Shopify) renew(shop *Shop, refresh string) *token {
	for _, old := range s.tokens {
		if refresh == "" || old.refresh != refresh || old.shop != shop {
			continue
		}
		if old.retired || !s.now().Before(old.refreshExpires) {
			return nil
		}
		s.use(old)
		return &token{
			shop: shop, access: "shpat_" + s.secret(32), refresh: "shprt_" + s.secret(32), scopes: old.scopes,
			before:    old,
			expiresAt: s.now().Add(accessLife), refreshExpires: s.now().Add(refreshLife),
		}
	}
	return nil
}

// use marks a token as used, which retires those before it. The caller holds the lock.
func (s *Shopify) use(t *token) {
	for b := t.before; b != nil && !b.retired; b = b.before {
		b.retired = true
	}
}

// authenticate returns the token of a request, or nil. The caller holds the lock.
func (s *Shopify) authenticate(shop *Shop, access string) *token {
	for _, t := range s.tokens {
		if access != "" && t.access == access && t.shop == shop &&
			(t.expiresAt.IsZero() || s.now().Before(t.expiresAt)) {
			s.use(t)
			return t
		}
	}
	return nil
}

// Install gives the app a token that never expires, as a custom app has it, and returns it.
func (p *Shop) Install(scopes ...string) string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	t := &token{shop: p, access: "shpat_" + p.sim.secret(32), scopes: scopes}
	p.sim.tokens = append(p.sim.tokens, t)
	return t.access
}

// RevokeTokens makes every token of the shop unusable, as when the merchant or Shopify revokes them.
func (p *Shop) RevokeTokens() {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.tokens = slices.DeleteFunc(p.sim.tokens, func(t *token) bool { return t.shop == p })
}

// SessionToken returns a session token for the app's embedded page, as App Bridge would get it, for a minute from now.
func (p *Shop) SessionToken(userID string) string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	now := p.sim.now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://" + p.cfg.Domain + "/admin", "dest": "https://" + p.cfg.Domain, "aud": p.sim.cfg.ClientID,
		"sub": userID, "jti": p.sim.uuid(), "sid": p.sim.uuid(),
		"exp": now.Add(time.Minute).Unix(), "nbf": now.Unix(), "iat": now.Unix(),
	}).SignedString([]byte(p.sim.cfg.ClientSecret.Reveal()))
	if err != nil {
		panic("simshop: " + err.Error())
	}
	return signed
}
