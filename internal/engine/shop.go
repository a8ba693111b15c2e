package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// Shop is what is stored of a configured shop; a new one before anything is.
func (e *Engine) Shop(ctx context.Context, domain string) (postgres.Shop, error) {
	shop, err := e.db.Shop(ctx, domain)
	if errors.Is(err, postgres.ErrNotFound) {
		return postgres.Shop{Domain: domain}, nil
	}
	return shop, err
}

// PauseShop halts calling for a shop; by says who asked. What is about to be called is taken back, calls that nobody
// has answered yet are aborted. It reports whether the shop was not paused before.
func (e *Engine) PauseShop(ctx context.Context, domain, by string) (changed bool, err error) {
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		changed, err = u.Tx.PauseShop(ctx, domain, by)
		if err != nil || !changed {
			return err
		}
		return u.insert(ctx, HaltShop{Shop: domain}, time.Time{})
	})
	return changed, err
}

// ErrUninstalled: the merchant removed the app, and nobody is called for the shop until it is installed again.
var ErrUninstalled = errors.New("the merchant removed the app")

// ResumeShop allows calling again, after a pause or a breaker. It reports whether the shop was halted. The error is
// ErrUninstalled when resuming would not help; for a custom app, Shopify is then asked whether the app is back.
func (e *Engine) ResumeShop(ctx context.Context, domain, by string) (changed bool, err error) {
	removed := false
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		changed, removed = false, false
		shop, err := u.Shop(ctx, domain)
		if err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return err
		}
		if removed = shop.UninstalledAt != nil; removed {
			if store := e.stores[domain]; store == nil || !store.Config.AdminToken.Set() {
				return nil
			}
			return u.insert(ctx, RegainAccess{Shop: domain}, time.Time{})
		}
		changed, err = u.Tx.ResumeShop(ctx, domain, by)
		if err != nil || !changed {
			return err
		}
		return u.insert(ctx, ResumeShop{Shop: domain}, time.Time{})
	})
	if err == nil && removed {
		return false, ErrUninstalled
	}
	return changed, err
}

// trip opens a shop's breaker.
func (u *unit) trip(ctx context.Context, domain, why string, until *time.Time) error {
	tripped, err := u.TripBreaker(ctx, domain, why, until)
	if err != nil || !tripped {
		return err
	}
	u.counts = append(u.counts, func(m *Metrics) { m.tripped(domain) })
	return u.insert(ctx, HaltShop{Shop: domain}, time.Time{})
}

// lookAtBreakers opens the shop's breaker when too much went wrong lately.
func (u *unit) lookAtBreakers(ctx context.Context, store *Store) error {
	breakers := store.Rules.Policy.Breakers
	reach := policy.BreakerReach(breakers)
	if reach == 0 {
		return nil
	}
	shop, err := u.Shop(ctx, store.Domain)
	if err != nil {
		return err
	}
	calls, err := u.LastOutcomes(ctx, store.Domain, shop.ResumedAt, reach)
	if err != nil {
		return err
	}
	why, until, tripped := policy.Trip(breakers, calls, shop.CreditsLeft, u.Now)
	if !tripped {
		return nil
	}
	return u.trip(ctx, store.Domain, why, until)
}

// HaltShop tells the carts of a shop that calling has stopped. Until it has, the shop's state, read under each cart's
// lock, keeps them from being called.
func (e *Engine) HaltShop(ctx context.Context, domain string) error {
	shop, err := e.db.Shop(ctx, domain)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	state := shop.State(e.db.Now())
	switch {
	case state.Uninstalled:
		return e.onCarts(ctx, shop.Domain, []cart.State{cart.Watching, cart.Waiting, cart.Ready, cart.Calling}, cart.AppUninstalled{})
	case state.Paused, state.Breaker:
		return e.onCarts(ctx, shop.Domain, []cart.State{cart.Ready, cart.Calling}, cart.ShopPaused{Breaker: !state.Paused})
	}
	return nil
}

// WakeShop checks the carts that waited for their shop to call again.
func (e *Engine) WakeShop(ctx context.Context, domain string) error {
	return e.onCarts(ctx, domain, []cart.State{cart.Waiting}, cart.ShopResumed{})
}

// onCarts gives an event to all carts of a shop that are in one of the states, one transaction each; errUnknownShop
// when the shop is not configured.
func (e *Engine) onCarts(ctx context.Context, shop string, states []cart.State, ev cart.Event) error {
	const page = 500
	if _, err := e.knownStore(shop); err != nil {
		return err
	}
	after := uuid.Nil
	for {
		ids, err := e.db.CartsIn(ctx, shop, states, after, page)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := e.onCart(ctx, id, ev); err != nil && !errors.Is(err, postgres.ErrNotFound) {
				return err
			}
		}
		if len(ids) < page {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// Supersede stops the older carts of the same shop and person.
func (e *Engine) Supersede(ctx context.Context, id uuid.UUID) error {
	var older []uuid.UUID
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		older = nil
		c, err := u.CartForUpdate(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.State == cart.Waiting || c.State == cart.Ready || c.State == cart.Calling {
			u.tellPerson(c, &c.Cart)
			older, err = u.OlderActiveCarts(ctx, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, o := range older {
		if err := e.onCart(ctx, o, cart.NewerCart{}); err != nil && !errors.Is(err, postgres.ErrNotFound) {
			return err
		}
	}
	return nil
}
