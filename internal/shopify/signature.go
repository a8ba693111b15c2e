package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"ringback/internal/config"
)

// Verify reports whether digest, the value of X-Shopify-Hmac-Sha256, is the base64 HMAC-SHA256 of the raw body under
// one of the secrets. Several secrets are needed after a rotation: Shopify signs with the old one for up to an hour
// (Shopify, "Rotate or revoke client credentials"). An empty secret matches nothing, and an empty list refuses everything.
// The comparison takes the same time whatever the digest holds.
func Verify(secrets config.Secrets, body []byte, digest string) bool {
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(digest))
	if err != nil || len(got) != sha256.Size {
		return false
	}
	match := false
	for _, s := range secrets {
		if s.Set() && hmac.Equal(got, mac(s, body)) {
			match = true
		}
	}
	return match
}

// Sign returns the value of X-Shopify-Hmac-Sha256 for body, as Shopify computes it.
func Sign(secret config.Secret, body []byte) string {
	return base64.StdEncoding.EncodeToString(mac(secret, body))
}

func mac(secret config.Secret, message []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret.Reveal()))
	h.Write(message)
	return h.Sum(nil)
}
