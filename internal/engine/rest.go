package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/voice"
)

// How long an account rests that answered 429 without naming a time: doubling from the first to the last value, less up
// to half of it by chance, so that accounts and processes do not try again all at once.
const (
	firstRest = 2 * time.Second
	lastRest  = 5 * time.Minute
)

// tryFor is how long a call may take to be placed with an account that answered 429 before. Until then no other is
// tried.
const tryFor = 15 * time.Second

// AccountOf names the account that a store's calls are placed with, for all stores that share it: by its public key, or
// by the assistant where the provider's accounts have no name.
func AccountOf(s *Store) string {
	publicKey, _ := s.identity()
	if publicKey == "" {
		return s.Config.Voice.AssistantKey()
	}
	return s.Provider.Name() + "|" + s.Config.Voice.BaseURL + "|" + publicKey
}

// restAfter is the rest after an answer 429, of an account with so many of them since its last accepted call.
func restAfter(failed *voice.NotPlacedError, before postgres.Rest, now time.Time) postgres.Rest {
	rest := postgres.Rest{Refusals: before.Refusals + 1}
	wait := failed.RetryAfter
	if wait <= 0 {
		wait = firstRest
		for n := 1; n < rest.Refusals && wait < lastRest; n++ {
			wait *= 2
		}
		wait = min(wait, lastRest)
		wait -= rand.N(wait / 2)
	}
	rest.Until = now.Add(wait)
	return rest
}

// restOf is the last rest of a store's account, read once in a transaction.
func (u *unit) restOf(ctx context.Context, store *Store) (rest postgres.Rest, err error) {
	account := AccountOf(store)
	rest, known := u.rests[account]
	if !known {
		if rest, err = u.Rest(ctx, account); err != nil {
			return rest, err
		}
		u.rests[account] = rest
	}
	return rest, nil
}

// keepRest keeps what the answer to a request, err, tells of its account: that it takes no calls for now, or that it
// takes calls again. before is what was known when the request was sent. It comes last in a transaction: many carts
// share an account.
func (u *unit) keepRest(ctx context.Context, store *Store, before postgres.Rest, err error) error {
	var failed *voice.NotPlacedError
	switch {
	case err == nil && before.Refusals > 0:
		// Only one call was tried. The others follow.
		u.fills[store.Rules.Voice.Assistant] = true
		return u.EndRest(ctx, AccountOf(store))
	case errors.As(err, &failed) && failed.Throttled:
		rest := restAfter(failed, before, u.Now)
		u.engine.log.WarnContext(ctx, "the voice API takes no calls of the account for now",
			"shop", store.Domain, "provider", store.Provider.Name(), "until", rest.Until, "in_a_row", rest.Refusals)
		return u.RestAccount(ctx, AccountOf(store), rest)
	}
	return nil
}
