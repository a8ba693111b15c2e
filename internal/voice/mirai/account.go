package mirai

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"ringback/internal/config"
	"ringback/internal/secret"
	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"
	"ringback/internal/voice/wire"
)

// Account is an organization's pair of keys in one workspace: what aborting a call and checking a callback need.
// It is safe for concurrent use.
type Account struct {
	Signer
	client *wire.Client
}

// NewAccount makes an account from its pair of keys and a voice section's base_url, workspace and timeout. The error
// names the key that is missing.
func NewAccount(cfg config.Voice, pair Pair, network voice.Network) (*Account, error) {
	public, private := pair.Public(), pair.Private()
	switch {
	case len(public) == 0:
		return nil, errors.New("voice.public_key: missing; the private key is of no use without it")
	case len(private) == 0:
		return nil, errors.New("voice.private_key: missing; the public key is of no use without it")
	}
	client, err := wire.New(cfg.BaseURL, cfg.Timeout, http.Header{
		"X-Public-Key":  {public[0]},
		"X-Private-Key": {private[0].Reveal()},
		"Workspace":     {cfg.Workspace},
	}, network)
	if err != nil {
		return nil, err
	}
	return &Account{Signer: NewSigner(pair), client: client}, nil
}

// Signer checks the callbacks of an account. It implements voice.Signer.
type Signer struct {
	publicKeys  []string
	privateKeys secret.List
}

// NewSigner makes a signer from a pair of keys and its former ones. Without any, it accepts nothing.
func NewSigner(pair Pair) Signer {
	return Signer{publicKeys: pair.Public(), privateKeys: pair.Private()}
}

// PublicKeys implements voice.Signer.
func (a Signer) PublicKeys() []string { return a.publicKeys }

// KeyIDs implements voice.Signer.
func (a Signer) KeyIDs() []string {
	ids := make([]string, len(a.privateKeys))
	for i, key := range a.privateKeys {
		ids[i] = voice.KeyID(key.Reveal())
	}
	return ids
}

// Abort asks for a call to be stopped (POST /v2/call/abort). Mirai accepts this while the call is queued or between
// two dials, and then dials no more. It refuses with 400 once somebody is on the line and after the end. The errors
// are those of voice.Provider.Abort.
func (a *Account) Abort(ctx context.Context, providerCallID string) error {
	if providerCallID == "" {
		return &voice.AbortRefusedError{Message: "the provider's id of the call is not known"}
	}
	body, err := a.client.Ask(ctx, http.MethodPost, "/v2/call/abort", map[string]string{"callId": providerCallID},
		voice.RefusedContent, nil)
	var refused *voice.RefusedError
	if errors.As(err, &refused) && refused.Kind == voice.RefusedContent {
		return &voice.AbortRefusedError{Message: refused.Message}
	}
	if err != nil {
		return err
	}
	// A success status with "success": false is a refusal as well.
	if answers, err := tolerant.Decode(body); err == nil {
		if ok, known := tolerant.Flag(answers[0]["success"]); known && !ok {
			return &voice.AbortRefusedError{Message: a.client.Decline(body, nil)}
		}
	}
	return nil
}

// Verify checks a callback. x-signature must be the lowercase hex HMAC-SHA256 of the raw body under one of our
// private keys, and x-public-key, if it is there, must be one of ours. A callback without a signature counts if it
// has the provider's second documented form: x-public-key and x-private-key are both ours. The error wraps
// voice.ErrSignature and never tells what was expected.
func (a Signer) Verify(h http.Header, body []byte) error {
	signature := h.Get("x-signature")
	switch public := h.Get(AccountHeader); {
	case public == "" && signature != "":
		// The signature alone proves who sent it; the public key only says whose it is.
	case !slices.ContainsFunc(a.publicKeys, func(ours string) bool { return same(public, ours) }):
		return fmt.Errorf("%w: x-public-key is missing or not ours", voice.ErrSignature)
	}
	if signature != "" {
		if !slices.ContainsFunc(a.privateKeys, func(key secret.Secret) bool {
			return same(signature, Sign(key, body))
		}) {
			return fmt.Errorf("%w: x-signature does not fit the body", voice.ErrSignature)
		}
		return nil
	}
	if !slices.ContainsFunc(a.privateKeys, func(key secret.Secret) bool {
		return same(h.Get("x-private-key"), key.Reveal())
	}) {
		return fmt.Errorf("%w: there is no x-signature, and x-private-key is missing or not ours", voice.ErrSignature)
	}
	return nil
}

// Sign is the signature of a callback body: the lowercase hex HMAC-SHA256 under the private key.
func Sign(key secret.Secret, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// same compares in constant time; two empty values are never the same.
func same(given, ours string) bool {
	return ours != "" && subtle.ConstantTimeCompare([]byte(given), []byte(ours)) == 1
}
