package shopify

import (
	"testing"

	"ringback/internal/secret"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"token":"x"}`)
	// Computed apart from this code, with: printf '{"token":"x"}' | openssl dgst -sha256 -hmac hush -binary | base64
	const published = "T3DZcb4BxYUWGKzFSHgoGnJdqBI7ecD/Mj/bIe1uMOk="
	good := Sign("hush", body)
	assert.Equal(t, published, good)

	tests := map[string]struct {
		secrets secret.List
		body    string
		digest  string
		want    bool
	}{
		"right":                          {secret.List{"hush"}, `{"token":"x"}`, good, true},
		"old secret after a rotation":    {secret.List{"new", "hush"}, `{"token":"x"}`, good, true},
		"new secret, old one still set":  {secret.List{"hush", "old"}, `{"token":"x"}`, good, true},
		"spaces around":                  {secret.List{"hush"}, `{"token":"x"}`, " " + good + " ", true},
		"other secret":                   {secret.List{"hash"}, `{"token":"x"}`, good, false},
		"body changed by one byte":       {secret.List{"hush"}, `{"token":"y"}`, good, false},
		"body with a newline more":       {secret.List{"hush"}, "{\"token\":\"x\"}\n", good, false},
		"no secrets":                     {nil, `{"token":"x"}`, good, false},
		"no secrets, no digest":          {nil, "", "", false},
		"empty secret":                   {secret.List{""}, `{"token":"x"}`, Sign("", body), false},
		"empty secret beside a good one": {secret.List{"", "hush"}, `{"token":"x"}`, Sign("", body), false},
		"no digest":                      {secret.List{"hush"}, `{"token":"x"}`, "", false},
		"half a digest":                  {secret.List{"hush"}, `{"token":"x"}`, good[:20], false},
		"not base64":                     {secret.List{"hush"}, `{"token":"x"}`, "!!!!", false},
		"hex instead of base64":          {secret.List{"hush"}, `{"token":"x"}`, "5f2b0e00", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, signed(tt.secrets, []byte(tt.body), tt.digest))
		})
	}
}

// signed reports whether digest is that of the body under one of the secrets.
func signed(secrets secret.List, body []byte, digest string) bool {
	v := NewVerifier(secrets, digest)
	_, _ = v.Write(body)
	return v.Signed()
}

func TestVerifier_AcceptsOnlyTheSignedBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := secret.Secret(rapid.StringN(1, 40, -1).Draw(t, "secret"))
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		other := rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		digest := Sign(key, body)
		assert.True(t, signed(secret.List{key}, body, digest))
		assert.Equal(t, string(body) == string(other), signed(secret.List{key}, other, digest))
	})
}
