package voice

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// Signer checks the callbacks of one account at a provider that signs them. A Provider whose account signs implements it:
// callbacks of an account that has no name or no key are taken unsigned.
type Signer interface {
	// PublicKeys are the names by which callbacks may name the account, the present one first; empty when the account
	// has no keys. Where the API has no such names, they are the KeyIDs.
	PublicKeys() []string
	// KeyIDs name the private keys that callbacks may be signed with, the one that requests are made with first.
	KeyIDs() []string
	// Verify is Provider.Verify.
	Verify(h http.Header, body []byte) error
}

// Unsigned is used in place of a key's name where a provider signs nothing.
const Unsigned = "unsigned"

// KeyID names a private key without revealing it.
func KeyID(key string) string {
	sum := sha256.Sum256([]byte("voice key\x00" + key))
	return hex.EncodeToString(sum[:8])
}
