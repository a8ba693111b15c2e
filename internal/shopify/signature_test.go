package shopify

import (
	"testing"

	"ringback/internal/config"

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
		secrets config.Secrets
		body    string
		digest  string
		want    bool
	}{
		"right":                          {config.Secrets{"hush"}, `{"token":"x"}`, good, true},
		"old secret after a rotation":    {config.Secrets{"new", "hush"}, `{"token":"x"}`, good, true},
		"new secret, old one still set":  {config.Secrets{"hush", "old"}, `{"token":"x"}`, good, true},
		"spaces around":                  {config.Secrets{"hush"}, `{"token":"x"}`, " " + good + " ", true},
		"other secret":                   {config.Secrets{"hash"}, `{"token":"x"}`, good, false},
		"body changed by one byte":       {config.Secrets{"hush"}, `{"token":"y"}`, good, false},
		"body with a newline more":       {config.Secrets{"hush"}, "{\"token\":\"x\"}\n", good, false},
		"no secrets":                     {nil, `{"token":"x"}`, good, false},
		"no secrets, no digest":          {nil, "", "", false},
		"empty secret":                   {config.Secrets{""}, `{"token":"x"}`, Sign("", body), false},
		"empty secret beside a good one": {config.Secrets{"", "hush"}, `{"token":"x"}`, Sign("", body), false},
		"no digest":                      {config.Secrets{"hush"}, `{"token":"x"}`, "", false},
		"half a digest":                  {config.Secrets{"hush"}, `{"token":"x"}`, good[:20], false},
		"not base64":                     {config.Secrets{"hush"}, `{"token":"x"}`, "!!!!", false},
		"hex instead of base64":          {config.Secrets{"hush"}, `{"token":"x"}`, "5f2b0e00", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, Verify(tt.secrets, []byte(tt.body), tt.digest))
		})
	}
}

func TestOnlyTheSignedBytesVerify(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := config.Secret(rapid.StringN(1, 40, -1).Draw(t, "secret"))
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		other := rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		digest := Sign(secret, body)
		assert.True(t, Verify(config.Secrets{secret}, body, digest))
		assert.Equal(t, string(body) == string(other), Verify(config.Secrets{secret}, other, digest))
	})
}
