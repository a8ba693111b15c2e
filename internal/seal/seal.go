// Box encrypts with AES-256-GCM. The first key seals; every key opens, so that keys can be rotated.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of an encryption key in bytes (AES-256).
const KeySize = 32

// ErrOpen says that none of the keys opens a sealed value.
var ErrOpen = errors.New("sealed with a key that is not configured: list the old key after the new one in " +
	"security.encryption_key")

// Box encrypts with AES-256-GCM. The first key seals; every key opens, so that keys can be rotated.
type Box struct{ keys []cipher.AEAD }

// NewBox makes a box from keys of 32 bytes, each in base64 or hex. The first one seals.
func NewBox(keys ...string) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("no encryption key")
	}
	box := &Box{}
	for i, k := range keys {
		raw, err := ParseKey(k)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		box.keys = append(box.keys, aead)
	}
	return box, nil
}

// ParseKey reads a key of 32 bytes from base64 (standard or URL alphabet) or hex.
func ParseKey(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	if raw, err := hex.DecodeString(s); err == nil && len(raw) == KeySize {
		return raw, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding,
		base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(s); err == nil && len(raw) == KeySize {
			return raw, nil
		}
	}
	return nil, errors.New("not 32 bytes in base64 or hex: make one with `openssl rand -base64 32`")
}

// NewKey returns a fresh random key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(key)
	return key
}

// Seal encrypts plain and binds it to context: it opens only with the same context.
func (b *Box) Seal(plain []byte, context string) []byte {
	return b.keys[0].Seal(nil, nil, plain, []byte(context))
}

// Open decrypts what Seal made. current is false when a former key opened it: it should then be sealed again.
func (b *Box) Open(sealed []byte, context string) (plain []byte, current bool, err error) {
	for i, k := range b.keys {
		if plain, err := k.Open(nil, nil, sealed, []byte(context)); err == nil {
			return plain, i == 0, nil
		}
	}
	return nil, false, ErrOpen
}

// Hasher makes keyed hashes of the keys by which persons are found.
type Hasher struct{ key []byte }

// NewHasher makes a hasher from a secret key.
func NewHasher(key []byte) Hasher { return Hasher{key: key} }

// hashSize is how many bytes of the HMAC are kept: enough that no two persons get the same hash.
const hashSize = 16

// Phone hashes a number in E.164; nil for none.
func (h Hasher) Phone(e164 string) []byte { return h.sum("phone", e164) }

// Email hashes an address, whatever its case and the space around it; nil for none.
func (h Hasher) Email(address string) []byte {
	return h.sum("email", strings.ToLower(strings.TrimSpace(address)))
}

// Customer hashes the id of a customer account together with its shop, because ids are unique in a shop only; nil for
// none.
func (h Hasher) Customer(shop, id string) []byte {
	if id == "" {
		return nil
	}
	return h.sum("customer", shop+"\x00"+id)
}

// Ending hashes the last digits of a number.
func (h Hasher) Ending(digits string) []byte { return h.sum("ending", digits) }

func (h Hasher) sum(kind, value string) []byte {
	if value == "" {
		return nil
	}
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(kind))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return mac.Sum(nil)[:hashSize]
}

// Token derives an unguessable token from the key. The same purpose always gives the same token.
func (h Hasher) Token(purpose string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte("token\x00"))
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}
