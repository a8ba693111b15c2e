package jobs

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/voice"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// ErrUnsigned: a callback that no configured account has signed.
var ErrUnsigned = errors.New("not signed by a configured account")

// TakeCallback checks what a voice API sent to a callback URL, keeps it and lets it change the calls it is about. What
// cannot be read, or names no call of ours, is kept with the reason. The errors are ErrUnsigned, and others that mean it could
// not be kept: the provider should send it again.
func (e *Engine) TakeCallback(ctx context.Context, provider, token string, h http.Header, body []byte) (Taken, error) {
	store, ref, err := e.caller(ctx, provider, token, h, body)
	if err != nil {
		return "", err
	}
	callbacks, err := store.Provider.Parse(body)
	if err != nil {
		e.metrics.callback(provider, "unreadable", TakenUnread)
		return TakenUnread, e.db.KeepCallback(ctx, provider, idOf(ref), "unreadable", body, err.Error())
	}
	taken := TakenBefore
	for _, cb := range callbacks {
		t, err := e.takeReport(ctx, store, ref, cb, body)
		if err != nil {
			return "", err
		}
		if t != TakenBefore {
			taken = t
		}
		e.metrics.callback(provider, string(cb.Report.Kind), t)
	}
	return taken, nil
}

func idOf(ref *postgres.CallRef) *uuid.UUID {
	if ref == nil {
		return nil
	}
	return &ref.CallID
}

// caller finds out who calls back: the call that the token was handed out with, or at least an account of ours that signed.
func (e *Engine) caller(ctx context.Context, provider, token string, h http.Header, body []byte) (*Store, *postgres.CallRef, error) {
	ref, err := e.db.CallByToken(ctx, hashToken(token))
	if err != nil && !errors.Is(err, postgres.ErrNotFound) {
		return nil, nil, err
	}
	if err == nil && ref.Provider == provider {
		if store := e.stores[ref.Shop]; store != nil && store.Provider.Name() == provider {
			if store.Provider.Verify(h, body) != nil {
				return nil, nil, ErrUnsigned
			}
			return store, &ref, nil
		}
	}
	for _, store := range e.Stores() {
		if store.Provider.Name() != provider {
			continue
		}
		// Without a signature nothing but the token tells a provider from anybody else.
		if store.Provider.Abilities().Signs && store.Provider.Verify(h, body) == nil {
			return store, nil, nil
		}
		if !store.Provider.Abilities().CallbackPerCall && e.assistantToken(store) == token && store.Provider.Verify(h, body) == nil {
			return store, nil, nil
		}
	}
	return nil, nil, ErrUnsigned
}

// takeReport gives one report to the call that it is about. The token says which call that is; a report that names another
// call of the same account is believed about that one.
func (e *Engine) takeReport(ctx context.Context, store *Store, ref *postgres.CallRef, cb voice.Callback, body []byte) (Taken, error) {
	about, err := e.aboutCall(ctx, store, ref, cb)
	if err != nil {
		return "", err
	}
	kind := cb.Report.ProviderType
	if about == nil {
		return TakenUnread, e.db.KeepCallback(ctx, store.Provider.Name(), nil, kind, body, "it names no call of ours")
	}
	taken := TakenNew
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		taken = TakenNew
		c, err := u.CartForUpdate(ctx, about.CartID)
		if err != nil {
			return err
		}
		report := cb.ReportIn(e.zoneOf(store, &c.Cart), u.Now)
		did, err := u.apply(ctx, c, cart.CallReported{CallID: about.CallID, Report: report, Digest: short(cb.Digest)}, nil)
		if err != nil {
			return err
		}
		if len(did.effects) == 0 && !did.changed {
			taken = TakenBefore
			return nil
		}
		if report.CreditsLeft != nil {
			if err := u.keepCredits(ctx, store, *report.CreditsLeft); err != nil {
				return err
			}
		}
		return u.KeepCallback(ctx, store.Provider.Name(), &about.CallID, kind, body)
	})
	if code, yes := postgres.Unstorable(err); yes {
		// Sent again, it would be no better.
		why := "the database cannot hold what it says (SQLSTATE " + code + ")"
		return TakenUnread, e.db.KeepCallback(ctx, store.Provider.Name(), &about.CallID, kind, body, why)
	}
	return taken, err
}

// aboutCall finds the call of a report: by the token, by our id in the echoed metadata, by the provider's id, and, where no id of
// ours is told, by the number, if one call of the assistant to it is open and no other.
func (e *Engine) aboutCall(ctx context.Context, store *Store, ref *postgres.CallRef, cb voice.Callback) (*postgres.CallRef, error) {
	if ref != nil && (cb.CallID == uuid.Nil || cb.CallID == ref.CallID) {
		return ref, nil
	}
	if cb.CallID != uuid.Nil {
		found, err := e.db.CallRef(ctx, cb.CallID)
		if err == nil && e.sameAccount(store, found.Shop) {
			return &found, nil
		}
		if err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return nil, err
		}
	}
	if cb.ProviderCallID != "" {
		found, err := e.db.CallByProviderID(ctx, store.Provider.Name(), cb.ProviderCallID)
		if err == nil && e.sameAccount(store, found.Shop) {
			return &found, nil
		}
		if err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return nil, err
		}
	}
	if cb.CallID == uuid.Nil && cb.Phone != "" {
		found, err := e.db.OpenCallTo(ctx, store.Config.Voice.AssistantKey(), cb.Phone)
		if err == nil && e.sameAccount(store, found.Shop) {
			return &found, nil
		}
		if err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return nil, err
		}
	}
	return nil, nil
}

// sameAccount reports whether a shop's calls are made with the account that store uses: nobody may report on another's calls.
func (e *Engine) sameAccount(store *Store, shop string) bool {
	other := e.stores[shop]
	return other != nil && other.Config.Voice.AssistantKey() == store.Config.Voice.AssistantKey()
}

// zoneOf is the zone in which a customer's "five o'clock" is understood.
func (e *Engine) zoneOf(store *Store, c *cart.Cart) *time.Location {
	if zones := policy.Zones(store.Rules.Policy, c); len(zones) > 0 {
		return zones[0]
	}
	return store.Location
}

// short keeps as much of a digest as tells messages of one call apart.
func short(digest []byte) []byte {
	if len(digest) > 16 {
		return digest[:16]
	}
	return digest
}

// keepCredits remembers the account's balance; a breaker may be set on it.
func (u *unit) keepCredits(ctx context.Context, store *Store, left decimal.Decimal) error {
	if err := u.SetCredits(ctx, store.Domain, left); err != nil {
		return err
	}
	u.counts = append(u.counts, func(m *Metrics) { m.credits(store.Domain, left) })
	return nil
}
