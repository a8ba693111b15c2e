package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/voice"

	"github.com/google/uuid"
)

// noCall is the id of no call.
var noCall = uuid.Nil

// placement is what a permitted request needs.
type placement struct {
	store   *Store
	request voice.Request
	// rest is the account's last rest, if no call was accepted since.
	rest postgres.Rest
}

// PlaceCall sends the request of a call, at most once. First the cart is checked again under its lock and the sending
// is recorded; only then is anything sent; then the answer is recorded, even when the program is told to stop
// meanwhile. A run that finds the sending already recorded does not know what came of it, and records that.
func (e *Engine) PlaceCall(ctx context.Context, callID uuid.UUID) error {
	ctx = context.WithoutCancel(ctx)
	found, err := e.db.CallToPlace(ctx, callID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ref := found.CallRef
	var last lastWords
	store := e.stores[ref.Shop]
	if store != nil && (store.Precheck != nil || found.UniqueOffer || e.asksForPurchase(store, found.LastActivityAt)) {
		if last, err = e.lastWord(ctx, store, ref); err != nil {
			return err
		}
	}
	token := newToken()
	p, err := e.beginSending(ctx, ref, token, last)
	if err != nil || p == nil {
		return err
	}
	started := time.Now()
	sending, cancel := context.WithTimeout(ctx, p.store.Config.Voice.Timeout)
	defer cancel()
	receipt, err := p.store.Provider.Place(sending, p.request)
	e.metrics.placed(p.store, time.Since(started), err)
	return e.record(ctx, ref, e.answer(callID, receipt, err), func(ctx context.Context, u *unit) error {
		if failed := u.keepVoiceFault(ctx, p.store, err); failed != nil {
			return failed
		}
		return u.keepRest(ctx, p.store, p.rest, err)
	})
}

// lastWords are what was asked just before a call goes out.
type lastWords struct {
	// offer is given in place of the decided one; nil changes nothing.
	offer *cart.Offer
	// precheck is what the store's own system said; nil when it was not asked.
	precheck *policy.Precheck
}

// lastWord asks what must be known before a call goes out: Shopify, whether the customer has bought meanwhile; the
// store's own system, whether it may go out; and Shopify again for a code of the customer's own. It asks before any
// lock is taken.
func (e *Engine) lastWord(ctx context.Context, store *Store, ref postgres.CallRef) (lastWords, error) {
	var last lastWords
	c, err := e.db.Cart(ctx, ref.CartID)
	if err != nil {
		return last, err
	}
	call := c.Call(ref.CallID)
	if call == nil || c.State != cart.Calling || call.State != cart.Placing || call.SentAt != nil {
		return last, nil
	}
	if rest, err := e.db.Rest(ctx, AccountOf(store)); err != nil || rest.Until.After(e.db.Now()) {
		return last, err
	}
	if err := e.checkPurchase(ctx, store, c); err != nil {
		return last, err
	}
	if last.precheck, err = e.precheck(ctx, store, c, call); err != nil {
		return last, err
	}
	if last.precheck == nil || last.precheck.Verdict == policy.PrecheckAllow {
		last.offer = e.offerFor(ctx, c, call)
	}
	return last, nil
}

// beginSending records that the request is about to be sent, or returns nil when it must not be.
func (e *Engine) beginSending(
	ctx context.Context, ref postgres.CallRef, token string, last lastWords,
) (*placement, error) {
	var p *placement
	// refused is why nothing is decided here and now. It is this cart's alone: others share the transaction.
	var refused error
	err := e.decide(ctx, ref.CartID, func(ctx context.Context, u *unit, c *postgres.Cart) error {
		p, refused = nil, nil
		call := c.Call(ref.CallID)
		if call == nil || call.State != cart.Placing {
			return nil
		}
		var store *Store
		if store, refused = e.knownStore(c.Shop); refused != nil {
			return nil
		}
		if call.SentAt != nil {
			_, err := u.apply(ctx, c, cart.PlaceUncertain{CallID: call.ID, Error: "the program stopped between the request and its answer"}, nil)
			return err
		}
		rest, err := u.restOf(ctx, store)
		if err != nil {
			return err
		}
		if rest.Until.After(u.Now) {
			_, err := u.apply(ctx, c, cart.PlaceThrottled{CallID: call.ID}, nil)
			return err
		}
		queried, err := u.queriedFacts(ctx, c, call.ID)
		if errors.Is(err, errWebhooksWait) {
			refused = err
			return nil
		}
		if err != nil {
			return err
		}
		if store.Precheck != nil && last.precheck == nil {
			// Whatever kept it from being asked is over.
			refused = later(soonestCheck, nil)
			return nil
		}
		queried.Precheck = last.precheck
		hash := hashToken(token)
		begun := cart.SendBegun{CallID: call.ID, TokenHash: hash, Offer: last.offer}
		begun.Account, begun.VoiceKey = store.identity()
		did, err := u.apply(ctx, c, begun, queried)
		if err != nil || !did.sends(call.ID) {
			return err
		}
		p = &placement{store: store, request: e.request(store, c, c.Call(call.ID), token), rest: rest}
		return nil
	})
	return p, cmp.Or(err, refused)
}

// request builds what the provider is asked.
func (e *Engine) request(store *Store, c *postgres.Cart, call *cart.Call, token string) voice.Request {
	return voice.Request{
		CallID:        call.ID,
		CartID:        c.ID,
		Shop:          c.Shop,
		StoreName:     store.Config.Voice.Onboarding.Brand,
		Attempt:       call.Attempt,
		Phone:         call.Phone,
		Country:       c.Country,
		Checkout:      c.Checkout,
		StoreCurrency: store.Config.Currency,
		Link:          policy.Link(c.Checkout.URL, call.Offer, store.Rules.Policy.Link),
		Offer:         call.Offer,
		Disclosure:    store.Config.Voice.DisclosureIn(c.Checkout.Locale),
		Priority:      call.Priority,
		CallbackURL:   e.publicURL + route.VoiceCallback(store.Provider.Name(), token),
	}
}

// answer says what the provider's answer means for the cart.
func (e *Engine) answer(callID uuid.UUID, receipt voice.Receipt, err error) cart.Event {
	var failed *voice.NotPlacedError
	var refused *voice.RefusedError
	switch {
	case err == nil:
		return cart.PlaceAccepted{CallID: callID, ProviderCallID: receipt.ProviderCallID}
	case errors.As(err, &failed) && failed.Throttled:
		return cart.PlaceThrottled{CallID: callID}
	case errors.As(err, &failed):
		event := cart.PlaceFailed{CallID: callID, Error: err.Error()}
		if failed.RetryAfter > 0 {
			at := e.db.Now().Add(failed.RetryAfter)
			event.RetryAt = &at
		}
		return event
	case errors.As(err, &refused):
		account := refused.Account()
		return cart.PlaceRefused{CallID: callID, Error: err.Error(), Account: account, Invalid: account == ""}
	}
	return cart.PlaceUncertain{CallID: callID, Error: err.Error()}
}

// recordTries bounds how long the answer to a request is tried to be recorded while the database is away. When that
// fails the call stays as sent and is settled by its callbacks or its silence.
const recordTries = 20

// record gives an event about a call to its cart, and does what many carts share last in the same transaction.
func (e *Engine) record(
	ctx context.Context, ref postgres.CallRef, ev cart.Event, last ...func(context.Context, *unit) error,
) error {
	give := func() error {
		return e.report(ctx, ref.CartID, func(ctx context.Context, u *unit, c *postgres.Cart) error {
			if _, err := u.apply(ctx, c, ev, nil); err != nil {
				return err
			}
			for _, do := range last {
				u.deferred.last = append(u.deferred.last, func(ctx context.Context) error { return do(ctx, u) })
			}
			return nil
		})
	}
	if ref.Test {
		give = func() error { return e.recordTest(ctx, ref.CallID, ev, last...) }
	}
	var err error
	for try := range recordTries {
		if err = give(); err == nil || errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(time.Duration(try+1)*100*time.Millisecond, time.Second)):
		}
	}
	return fmt.Errorf("record %s: %w", ev.Name(), err)
}
