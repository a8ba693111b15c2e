package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"ringback/internal/route"
)

// newToken makes the secret part of a callback URL.
func newToken() string {
	raw := make([]byte, 24)
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// assistantToken is the secret part of the callback URL of a provider that knows one URL per assistant instead of per
// call.
func (e *Engine) assistantToken(store *Store) string {
	return e.db.Token("assistant " + store.Config.Voice.AssistantKey())
}

// AssistantCallbackURL is the URL to register with a provider that knows one per assistant.
func (e *Engine) AssistantCallbackURL(store *Store) string {
	return e.publicURL + route.VoiceCallback(store.Provider.Name(), e.assistantToken(store))
}
