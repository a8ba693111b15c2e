package engine

import (
	"errors"
	"net/http"
	"slices"

	"ringback/internal/voice"
)

// account is an account at a provider, as the callbacks to this process may name it. Stores that use it share it.
type account struct {
	signers []voice.Signer
	// assistants are the keys of the assistants that the account's stores use.
	assistants []string
}

// accounts are the voice accounts of the configured stores, by what identifies a caller.
type accounts struct {
	// byKey finds an account by provider and public key.
	byKey map[string]*account
	// byToken finds the stores of an assistant by the secret part of its callback URL.
	byToken map[string][]*Store
}

func accountKey(provider, publicKey string) string { return provider + "|" + publicKey }

// newAccounts gathers the accounts of the stores. token makes the secret part of an assistant's URL.
func newAccounts(stores []*Store, token func(*Store) string) accounts {
	all := accounts{byKey: map[string]*account{}, byToken: map[string][]*Store{}}
	for _, s := range stores {
		if signer, ok := s.Provider.(voice.Signer); ok {
			all.add(s, s.Provider.Name(), signer)
		}
		for provider, signer := range s.FormerSigners {
			all.add(s, provider, signer)
		}
		if !s.Provider.Abilities().CallbackPerCall {
			t := token(s)
			all.byToken[t] = append(all.byToken[t], s)
		}
	}
	return all
}

func (all accounts) add(s *Store, provider string, signer voice.Signer) {
	for _, name := range signer.PublicKeys() {
		a := all.byKey[accountKey(provider, name)]
		if a == nil {
			a = &account{}
			all.byKey[accountKey(provider, name)] = a
		}
		same := func(other voice.Signer) bool {
			return slices.Equal(other.KeyIDs(), signer.KeyIDs()) && slices.Equal(other.PublicKeys(), signer.PublicKeys())
		}
		if !slices.ContainsFunc(a.signers, same) {
			a.signers = append(a.signers, signer)
		}
		if key := s.Config.Voice.AssistantKey(); !slices.Contains(a.assistants[max(len(a.assistants)-1, 0):], key) {
			a.assistants = append(a.assistants, key)
		}
	}
}

// verify checks a callback once for all stores of the account.
func (a *account) verify(h http.Header, body []byte) error {
	err := errors.New("the account has no keys")
	for _, signer := range a.signers {
		if err = signer.Verify(h, body); err == nil {
			return nil
		}
	}
	return err
}

// knows reports whether a private key is among the account's.
func (a *account) knows(keyID string) bool {
	return slices.ContainsFunc(a.signers, func(s voice.Signer) bool { return slices.Contains(s.KeyIDs(), keyID) })
}

// names reports whether a public key is among those of an account that is named by any of its signers.
func (a *account) names(publicKey string) bool {
	return slices.ContainsFunc(a.signers, func(s voice.Signer) bool { return slices.Contains(s.PublicKeys(), publicKey) })
}

// identity is what a call remembers of the account that it is placed with.
func (s *Store) identity() (publicKey, keyID string) {
	signer, ok := s.Provider.(voice.Signer)
	if !ok || len(signer.PublicKeys()) == 0 || len(signer.KeyIDs()) == 0 {
		return "", voice.Unsigned
	}
	return signer.PublicKeys()[0], signer.KeyIDs()[0]
}

// uses reports whether the store's provider still acts for an account.
func (s *Store) uses(publicKey string) bool {
	signer, ok := s.Provider.(voice.Signer)
	return ok && slices.Contains(signer.PublicKeys(), publicKey)
}
