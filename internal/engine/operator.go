package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// ErrSettled: the cart is purchased or stopped; nothing can be asked of it any more.
var ErrSettled = errors.New("the cart is settled")

// ErrCalling: a call to the cart is under way already.
var ErrCalling = errors.New("a call to this cart is under way")

// ErrNoPerson: neither a valid phone number nor an email was given.
var ErrNoPerson = errors.New("neither a valid phone number nor an email address was given")

// CancelCart stops a cart at an operator's word, aborting the call under way. The errors are postgres.ErrNotFound and
// ErrSettled.
func (e *Engine) CancelCart(ctx context.Context, id uuid.UUID) error {
	return e.operate(ctx, id, cart.OperatorCancelled{}, cart.Watching, cart.Waiting, cart.Ready, cart.Calling)
}

// CallCart asks for a call to a cart as soon as consent, hours, caps and suppressions permit it. The errors are
// postgres.ErrNotFound, ErrSettled and ErrCalling.
func (e *Engine) CallCart(ctx context.Context, id uuid.UUID) error {
	return e.operate(ctx, id, cart.OperatorCalled{}, cart.Watching, cart.Waiting, cart.Ready)
}

func (e *Engine) operate(ctx context.Context, id uuid.UUID, ev cart.Event, allowed ...cart.State) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(allowed, c.State) {
			if c.State == cart.Calling {
				return ErrCalling
			}
			return ErrSettled
		}
		_, err = u.apply(ctx, c, ev, nil)
		return err
	})
}

// Suppress keeps a person from being called, in one shop or, with shop "", in all, and stops the person's active carts.
// The phone is read with the shop's country when it is not in international form. ErrNoPerson when neither value is
// usable.
func (e *Engine) Suppress(ctx context.Context, shop, phone, email, source string) ([]postgres.Suppression, error) {
	person := cart.PersonWith("", []string{email}, []string{policy.Number(phone, e.countryOf(shop))})
	if person.Unknown() {
		return nil, ErrNoPerson
	}
	var made []postgres.Suppression
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		if made, err = u.Tx.Suppress(ctx, shop, person, source); err != nil {
			return err
		}
		for _, s := range made {
			// Should this process end before it has stopped all carts, the job does.
			if err := u.insert(ctx, StopPerson{SuppressionID: s.ID, Source: source}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ids, err := e.db.CartsOfPerson(ctx, shop, person)
	if err != nil {
		return nil, err
	}
	return made, e.stopCarts(ctx, ids, source)
}

// stopCarts tells carts that their person asked not to be called.
func (e *Engine) stopCarts(ctx context.Context, ids []uuid.UUID, source string) error {
	for _, id := range ids {
		if err := e.stopSuppressed(ctx, id, source); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) stopSuppressed(ctx context.Context, id uuid.UUID, source string) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) || err == nil && c.State.Settled() {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = u.apply(ctx, c, cart.OptOut{Source: source}, nil)
		return err
	})
}

// Unsuppress lifts a suppression, by its id or by the person and shop it is for; it reports whether there was one. It
// stays on record with who lifted it and why.
func (e *Engine) Unsuppress(ctx context.Context, id uuid.UUID, shop, phone, email string, lift postgres.Lift) (lifted bool, err error) {
	person := cart.PersonWith("", []string{email}, []string{policy.Number(phone, e.countryOf(shop))})
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		lifted, err = u.Tx.Unsuppress(ctx, id, shop, person, lift)
		return err
	})
	return lifted, err
}

// StopPerson stops the carts of a person who asked not to be called, under every key that links them, and aborts their
// open calls.
func (e *Engine) StopPerson(ctx context.Context, person StopPerson) error {
	ids, err := e.cartsToStop(ctx, person)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return e.stopCarts(ctx, ids, person.Source)
}

func (e *Engine) cartsToStop(ctx context.Context, args StopPerson) ([]uuid.UUID, error) {
	if args.CartID == uuid.Nil {
		return e.db.CartsSuppressed(ctx, args.SuppressionID)
	}
	var ids []uuid.UUID
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, args.CartID)
		if err != nil {
			return err
		}
		ids, err = u.CartsWith(ctx, c)
		return err
	})
	return ids, err
}
