package shopify_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSessionTokens(t *testing.T) {
	t.Parallel()
	c := newClock()
	now := c.Now()
	app := shopify.App{ClientID: "app-id", Secrets: secret.List{"new", "hush"}, Clock: c.Now}

	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		m := jwt.MapClaims{
			"iss": "https://loom.myshopify.com/admin", "dest": "https://loom.myshopify.com", "aud": "app-id", "sub": "42", "sid": "s1",
			"exp": now.Add(time.Minute).Unix(), "nbf": now.Unix(), "iat": now.Unix(), "jti": "j",
		}
		if change != nil {
			change(m)
		}
		return m
	}
	sign := func(method jwt.SigningMethod, key any, m jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(method, m).SignedString(key)
		require.NoError(t, err)
		return s
	}
	good := func(change func(jwt.MapClaims)) string {
		return sign(jwt.SigningMethodHS256, []byte("hush"), claims(change))
	}
	set := func(name string, value any) string { return good(func(m jwt.MapClaims) { m[name] = value }) }
	unset := func(name string) string { return good(func(m jwt.MapClaims) { delete(m, name) }) }
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	parts := strings.Split(good(nil), ".")
	evil := base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(decodePart(t, parts[1]), "loom", "evil")))

	for name, tt := range map[string]struct {
		token string
		ok    bool
	}{
		"good":                             {good(nil), true},
		"by the newer secret":              {sign(jwt.SigningMethodHS256, []byte("new"), claims(nil)), true},
		"expired 9 s ago":                  {set("exp", at(-9*time.Second)), true},
		"valid in 9 s":                     {set("nbf", at(9*time.Second)), true},
		"expired 11 s ago":                 {set("exp", at(-11*time.Second)), false},
		"valid in 11 s":                    {set("nbf", at(11*time.Second)), false},
		"no exp":                           {unset("exp"), false},
		"no nbf":                           {unset("nbf"), false},
		"another app's":                    {set("aud", "other-app"), false},
		"no aud":                           {unset("aud"), false},
		"several apps'":                    {set("aud", []string{"app-id", "other-app"}), false},
		"another secret":                   {sign(jwt.SigningMethodHS256, []byte("guess"), claims(nil)), false},
		"an empty secret":                  {sign(jwt.SigningMethodHS256, []byte(""), claims(nil)), false},
		"no signature (alg none)":          {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)), false},
		"another algorithm (HS512)":        {sign(jwt.SigningMethodHS512, []byte("hush"), claims(nil)), false},
		"signature cut off":                {parts[0] + "." + parts[1] + ".", false},
		"shop changed after signing":       {parts[0] + "." + evil + "." + parts[2], false},
		"iss of another shop":              {set("iss", "https://evil.myshopify.com/admin"), false},
		"dest of another shop":             {set("dest", "https://evil.myshopify.com"), false},
		"dest that is no shop":             {set("dest", "https://evil.example"), false},
		"dest with a shop's name in front": {set("dest", "https://loom.myshopify.com.evil.example"), false},
		"dest with a user":                 {set("dest", "https://loom.myshopify.com@evil.example"), false},
		"dest over http":                   {set("dest", "http://loom.myshopify.com"), false},
		"no dest":                          {unset("dest"), false},
		"no iss":                           {unset("iss"), false},
		"iss without /admin":               {set("iss", "https://loom.myshopify.com"), false},
		"dest that is a number":            {set("dest", 5), false},
		"nothing":                          {"", false},
		"not a token":                      {"abc", false},
		"three empty parts":                {"..", false},
		"too large":                        {good(func(m jwt.MapClaims) { m["x"] = strings.Repeat("x", 5000) }), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := app.VerifySession(tt.token)
			if !tt.ok {
				require.ErrorIs(t, err, shopify.ErrSession)
				assert.Empty(t, session)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, domain, session.Shop)
			assert.Equal(t, "42", session.UserID)
			assert.Equal(t, "s1", session.SessionID)
		})
	}

	t.Run("an app without a secret accepts nothing", func(t *testing.T) {
		t.Parallel()
		for _, secrets := range []secret.List{nil, {""}} {
			bare := shopify.App{ClientID: "app-id", Secrets: secrets, Clock: c.Now}
			_, err := bare.VerifySession(sign(jwt.SigningMethodHS256, []byte(""), claims(nil)))
			require.ErrorIs(t, err, shopify.ErrSession)
		}
	})
	t.Run("an app without an id accepts nothing", func(t *testing.T) {
		t.Parallel()
		bare := shopify.App{Secrets: secret.List{"hush"}, Clock: c.Now}
		_, err := bare.VerifySession(set("aud", ""))
		require.ErrorIs(t, err, shopify.ErrSession)
	})
}

func decodePart(t *testing.T, part string) string {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	require.NoError(t, err)
	return string(raw)
}

func TestTheSimulatedSessionTokenIsGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := w.shop.SessionToken("7")
	session, err := w.app.VerifySession(token)
	require.NoError(t, err)
	assert.Equal(t, domain, session.Shop)
	w.clock.Advance(71 * time.Second)
	_, err = w.app.VerifySession(token)
	require.ErrorIs(t, err, shopify.ErrSession)
}

func TestFrameAncestors(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "frame-ancestors https://loom.myshopify.com https://admin.shopify.com", shopify.FrameAncestors("Loom.myshopify.com"))
	for _, shop := range []string{"", "evil.example", "loom.myshopify.com; script-src *", "loom.myshopify.com evil.example"} {
		assert.Equal(t, "frame-ancestors 'none'", shopify.FrameAncestors(shop))
	}
}
