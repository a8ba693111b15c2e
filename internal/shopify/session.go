package shopify

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Session is what a checked session token says: who uses the embedded page, of which shop.
type Session struct {
	// Shop is the shop's domain in lower case; nothing else says which shop the request is for.
	Shop string
	// UserID is Shopify's id of the merchant's user, SessionID that of the browser session.
	UserID    string
	SessionID string
	ExpiresAt time.Time
}

// ErrSession is the kind of every refusal of a session token.
var ErrSession = errors.New("the session token is not good")

const (
	// sessionSkew is how far Shopify's clock may be from ours.
	sessionSkew = 10 * time.Second
	// longestSession bounds a session token, in bytes; Shopify's have about 500.
	longestSession = 4096
)

// VerifySession checks the session token of an embedded page: HS256 under one of the app's secrets, exp and nbf present
// and right within 10 s, made for this app (aud), and the same shop in iss and dest (Shopify, "About session tokens").
func (a App) VerifySession(token string) (Session, error) {
	if token == "" || len(token) > longestSession {
		return Session{}, fmt.Errorf("%w: it has %d bytes", ErrSession, len(token))
	}
	if a.ClientID == "" {
		return Session{}, fmt.Errorf("%w: no client id is configured", ErrSession)
	}
	keys := jwt.VerificationKeySet{}
	for _, s := range a.Secrets {
		if s.Set() {
			keys.Keys = append(keys.Keys, []byte(s.Reveal()))
		}
	}
	if len(keys.Keys) == 0 {
		return Session{}, fmt.Errorf("%w: no client secret is configured", ErrSession)
	}
	var claims struct {
		jwt.RegisteredClaims
		Dest string `json:"dest"`
		SID  string `json:"sid"`
	}
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return keys, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithAudience(a.ClientID),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithLeeway(sessionSkew),
		jwt.WithTimeFunc(a.now),
		jwt.WithStrictDecoding(),
	)
	if err != nil {
		return Session{}, fmt.Errorf("%w: %w", ErrSession, err)
	}
	if len(claims.Audience) != 1 {
		return Session{}, fmt.Errorf("%w: aud names %d apps", ErrSession, len(claims.Audience))
	}
	shop, err := shopOfURL(claims.Dest, "")
	if err != nil {
		return Session{}, fmt.Errorf("%w: dest: %w", ErrSession, err)
	}
	issuer, err := shopOfURL(claims.Issuer, "/admin")
	if err != nil {
		return Session{}, fmt.Errorf("%w: iss: %w", ErrSession, err)
	}
	if issuer != shop {
		return Session{}, fmt.Errorf("%w: iss and dest name different shops", ErrSession)
	}
	return Session{Shop: shop, UserID: claims.Subject, SessionID: claims.SID, ExpiresAt: claims.ExpiresAt.UTC()}, nil
}

// shopOfURL returns the shop of https://{shop}{path}.
func shopOfURL(address, path string) (string, error) {
	host, ok := strings.CutPrefix(address, "https://")
	if !ok {
		return "", errors.New("not an https address")
	}
	host, ok = strings.CutSuffix(host, path)
	if !ok {
		return "", fmt.Errorf("does not end in %s", path)
	}
	return ParseShop(host)
}

// FrameAncestors is the Content-Security-Policy of an embedded page: only this shop's admin may frame it. Without a
// valid shop nobody may (Shopify, "Set up iframe protection").
func FrameAncestors(shop string) string {
	shop, err := ParseShop(shop)
	if err != nil {
		return "frame-ancestors 'none'"
	}
	return "frame-ancestors https://" + shop + " https://admin.shopify.com"
}
