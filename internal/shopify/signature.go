package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"

	"ringback/internal/secret"
)

// Verifier checks a body's signature while the body comes in. Several secrets are needed after a rotation: Shopify
// signs with the old one for up to an hour (Shopify, "Rotate or revoke client credentials"). An empty secret matches
// nothing, and an empty list refuses everything. The comparison takes the same time whatever the digest holds.
type Verifier struct {
	want []byte
	macs []hash.Hash
}

// NewVerifier begins to check a body against digest, the value of X-Shopify-Hmac-Sha256.
func NewVerifier(secrets secret.List, digest string) *Verifier {
	v := &Verifier{}
	want, err := base64.StdEncoding.DecodeString(strings.TrimSpace(digest))
	if err != nil || len(want) != sha256.Size {
		return v
	}
	v.want = want
	for _, s := range secrets {
		if s.Set() {
			v.macs = append(v.macs, hmac.New(sha256.New, []byte(s.Reveal())))
		}
	}
	return v
}

// Write takes in the next bytes of the body. It never fails.
func (v *Verifier) Write(p []byte) (int, error) {
	for _, m := range v.macs {
		m.Write(p)
	}
	return len(p), nil
}

// Signed reports whether the body that was written bears the signature.
func (v *Verifier) Signed() bool {
	signed := false
	for _, m := range v.macs {
		if hmac.Equal(v.want, m.Sum(nil)) {
			signed = true
		}
	}
	return signed
}

// Sign returns the value of X-Shopify-Hmac-Sha256 for body, as Shopify computes it.
func Sign(key secret.Secret, body []byte) string {
	return base64.StdEncoding.EncodeToString(mac(key, body))
}

func mac(key secret.Secret, message []byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write(message)
	return h.Sum(nil)
}
