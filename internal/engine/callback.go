package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// ErrUnsigned: a callback that no configured account has signed.
var ErrUnsigned = errors.New("not signed by a configured account")

// sender is who sent a callback, as far as its URL and its signature tell.
type sender struct {
	provider string
	// call is the one that the URL was handed out with; nil when the URL belongs to no call.
	call *postgres.CallRef
	// account is the public key of the account that signed; "" where the provider signs nothing.
	account string
	// assistant is the one that the URL was handed out for; "" when the signature alone tells who sent it.
	assistant string
}

// TakeCallback checks what a voice API sent to a callback URL, keeps it and lets it change the calls it is about. What
// cannot be read, or names no call of ours, is kept with the reason. The errors are ErrUnsigned, and others that mean
// it could not be kept, or that this process cannot judge it: the provider should send it again.
func (e *Engine) TakeCallback(ctx context.Context, provider, token string, h http.Header, body []byte) (Taken, error) {
	from, err := e.sender(ctx, provider, token, h, body)
	if err != nil {
		return "", err
	}
	callbacks, err := e.parse(from.provider, config.Insights{}, body)
	if err != nil {
		e.metrics.callback(provider, "unreadable", TakenUnread)
		return TakenUnread, e.db.KeepCallback(ctx, provider, idOf(from.call), "unreadable", body, err.Error())
	}
	taken := TakenBefore
	for i, cb := range callbacks {
		t, err := e.takeReport(ctx, from, i, cb, body)
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

// callByToken finds the call that a URL was handed out with.
func (e *Engine) callByToken(ctx context.Context, token string) (postgres.CallRef, error) {
	hash := hashToken(token)
	if ref, ok := e.handedOut.get(string(hash)); ok {
		return ref, nil
	}
	ref, err := e.db.CallByToken(ctx, hash)
	if err == nil {
		e.handedOut.put(string(hash), ref)
	}
	return ref, err
}

// handedOut are the calls of the last callbacks, by the hash of the token that their URL was handed out with. With whom
// a call was placed does not change any more.
type handedOut struct {
	mu sync.Mutex
	// young and old are the last ones and those before them. When young is full, old is forgotten.
	young, old map[string]postgres.CallRef
}

// mostHandedOut is how many calls of each age are kept in mind.
const mostHandedOut = 10_000

func (h *handedOut) get(hash string) (postgres.CallRef, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ref, ok := h.young[hash]
	if !ok {
		ref, ok = h.old[hash]
	}
	return ref, ok
}

func (h *handedOut) put(hash string, ref postgres.CallRef) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.young == nil || len(h.young) >= mostHandedOut {
		h.young, h.old = map[string]postgres.CallRef{}, h.young
	}
	h.young[hash] = ref
}

func idOf(ref *postgres.CallRef) *uuid.UUID {
	if ref == nil {
		return nil
	}
	return &ref.CallID
}

// sender finds out who calls back: the call or the assistant that the URL was handed out for, or at least an account of
// ours that signed. Nobody else's body is hashed. A URL of ours is never refused for what this process's configuration
// lacks.
func (e *Engine) sender(ctx context.Context, provider, token string, h http.Header, body []byte) (sender, error) {
	ref, err := e.callByToken(ctx, token)
	switch {
	case err == nil:
		return e.senderOfCall(provider, &ref, h, body)
	case !errors.Is(err, postgres.ErrNotFound):
		return sender{}, err
	}
	from := sender{provider: provider}
	for _, store := range e.accounts().byToken[token] {
		if store.Provider.Name() == provider {
			if store.Provider.Verify(h, body) != nil {
				return from, ErrUnsigned
			}
			from.account, _ = store.identity()
			from.assistant = store.Config.Voice.AssistantKey()
			return from, nil
		}
	}
	name := providers.AccountIn(provider, h)
	known := e.accounts().byKey[accountKey(provider, name)]
	noted, err := e.db.AssistantOfToken(ctx, hashToken(token))
	switch {
	case err == nil && noted.Provider == provider:
		// No store uses that assistant any more, or not in this configuration.
		from.assistant = noted.Assistant
		if !providers.MaySign(provider) {
			return from, nil
		}
		if known == nil {
			return from, errUnknownAccount
		}
	case err != nil && !errors.Is(err, postgres.ErrNotFound):
		return from, err
	case known == nil || name == "":
		return from, ErrUnsigned
	}
	if known.verify(h, body) != nil {
		return from, ErrUnsigned
	}
	from.account = name
	return from, nil
}

// senderOfCall checks a callback at the URL of a call of ours. Who signed is looked up by the account that the call was
// placed with, whatever the shop uses today.
func (e *Engine) senderOfCall(provider string, ref *postgres.CallRef, h http.Header, body []byte) (sender, error) {
	from := sender{provider: provider, call: ref, account: ref.Account, assistant: ref.Assistant}
	if ref.Provider != provider {
		return from, ErrUnsigned
	}
	store := e.stores[ref.Shop]
	key := ref.VoiceKey
	if key == "" && store != nil && store.Provider.Name() == provider {
		// The call was placed before that was kept: the account is the shop's.
		from.account, key = store.identity()
	}
	if key != voice.Unsigned {
		known := e.accounts().byKey[accountKey(provider, from.account)]
		switch {
		case known == nil:
			return from, errUnknownAccount
		case known.verify(h, body) == nil:
		case known.knows(key):
			return from, ErrUnsigned
		default:
			// It may be signed with the key that the call was placed with, which is not among ours.
			return from, errUnknownAccount
		}
	}
	if store == nil {
		return from, errUnknownShop
	}
	return from, nil
}

// takeReport gives one report, the nth of its body, to the call that it is about. The URL says which call that is; a
// report that names another call of the same account is believed about that one.
func (e *Engine) takeReport(ctx context.Context, from sender, n int, cb voice.Callback, body []byte) (Taken, error) {
	about, err := e.aboutCall(ctx, from, cb)
	if err != nil {
		return "", err
	}
	kind := cb.Report.ProviderType
	if about == nil {
		return TakenUnread, e.db.KeepCallback(ctx, from.provider, nil, kind, body, "it names no call of ours")
	}
	store, err := e.knownStore(about.Shop)
	if err != nil {
		return "", err
	}
	// What the call's analysis says is read by the names that its store gives it.
	if named, err := e.parse(from.provider, store.Config.Voice.Insights, body); err == nil && n < len(named) {
		cb = named[n]
	}
	if about.Test {
		return e.takeTestReport(ctx, from, about, cb, body)
	}
	taken := TakenNew
	err = e.report(ctx, about.CartID, func(ctx context.Context, u *unit, c *postgres.Cart) error {
		taken = TakenNew
		report := cb.ReportIn(e.zoneOf(store, &c.Cart), u.Now)
		did, err := u.apply(ctx, c, cart.CallReported{CallID: about.CallID, Report: report, Digest: short(cb.Digest)}, nil)
		if err != nil {
			return err
		}
		if !did.changed {
			taken = TakenBefore
			return nil
		}
		if report.CreditsLeft != nil && (from.account == "" || store.uses(from.account)) {
			u.keepCredits(store, *report.CreditsLeft)
		}
		why := ""
		if call := c.Call(about.CallID); call != nil && call.State == cart.Rejected {
			why = "the provider said that it did not take this call"
		}
		u.deferred.callbacks = append(u.deferred.callbacks, postgres.KeptCallback{
			Provider: from.provider, Cart: c, Call: about.CallID, Kind: kind, Payload: body, Failure: why,
		})
		return nil
	})
	if code, yes := postgres.Unstorable(err); yes {
		// Sent again, it would be no better.
		why := "the database cannot hold what it says (SQLSTATE " + code + ")"
		return TakenUnread, e.db.KeepCallback(ctx, from.provider, &about.CallID, kind, body, why)
	}
	return taken, err
}

// aboutCall finds the call of a report: by the URL, by our id in the echoed metadata, by the provider's id, and, where
// no id of ours is told, by the number, if one call of the assistant to it is open and no other. A report at the URL of
// a call that names no other call of the same account is about that call.
func (e *Engine) aboutCall(ctx context.Context, from sender, cb voice.Callback) (*postgres.CallRef, error) {
	if from.call != nil && (cb.CallID == uuid.Nil || cb.CallID == from.call.CallID) {
		return from.call, nil
	}
	var ways []func() (postgres.CallRef, error)
	if cb.CallID != uuid.Nil {
		ways = append(ways, func() (postgres.CallRef, error) { return e.db.CallRef(ctx, cb.CallID) })
	}
	if cb.ProviderCallID != "" {
		ways = append(ways, func() (postgres.CallRef, error) { return e.db.CallByProviderID(ctx, from.provider, cb.ProviderCallID) })
	}
	if from.call == nil && cb.CallID == uuid.Nil && cb.Phone != "" {
		ways = append(ways, func() (postgres.CallRef, error) { return e.db.OpenCallTo(ctx, e.assistantsOf(from), cb.Phone) })
	}
	for _, find := range ways {
		found, err := find()
		if err == nil && e.mayReportOn(from, &found) {
			return &found, nil
		}
		if err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return nil, err
		}
	}
	return from.call, nil
}

// assistantsOf lists the assistants whose calls a sender may speak of.
func (e *Engine) assistantsOf(from sender) []string {
	if from.assistant != "" {
		return []string{from.assistant}
	}
	if known := e.accounts().byKey[accountKey(from.provider, from.account)]; known != nil {
		return known.assistants
	}
	return nil
}

// mayReportOn reports whether a call was placed with the sender's account: nobody may report on another's calls.
func (e *Engine) mayReportOn(from sender, call *postgres.CallRef) bool {
	if call.Provider != from.provider {
		return false
	}
	if from.account == "" {
		return call.Assistant == from.assistant
	}
	if call.VoiceKey == "" {
		// The call was placed before its account was kept: it is the shop's.
		store := e.stores[call.Shop]
		return store != nil && store.uses(from.account)
	}
	known := e.accounts().byKey[accountKey(from.provider, from.account)]
	return call.Account == from.account || known != nil && known.names(call.Account)
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

// keepCredits remembers the account's balance; a breaker may be set on it. Every call of the shop tells it, so it is
// written once for all of a transaction, last.
func (u *unit) keepCredits(store *Store, left decimal.Decimal) {
	u.deferred.credits[store.Domain] = left
	u.counts = append(u.counts, func(m *Metrics) { m.credits(store.Domain, left) })
}
