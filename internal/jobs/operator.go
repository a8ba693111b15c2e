package jobs

import (
	"context"
	"errors"
	"slices"

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

// CancelCart stops a cart at an operator's word, aborting the call under way. The errors are postgres.ErrNotFound and ErrSettled.
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

// Suppress keeps a person from being called, in one shop or, with shop "", in all, and stops the person's active carts. The
// phone is read with the shop's country when it is not in international form. ErrNoPerson when neither value is usable.
func (e *Engine) Suppress(ctx context.Context, shop, phone, email, source string) ([]postgres.Suppression, error) {
	person := cart.PersonWith("", []string{email}, []string{policy.Number(phone, e.countryOf(shop))})
	if person.Unknown() {
		return nil, ErrNoPerson
	}
	var made []postgres.Suppression
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		made, err = u.Tx.Suppress(ctx, shop, person, source)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids, err := e.db.CartsOfPerson(ctx, shop, person)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := e.stopSuppressed(ctx, id, source); err != nil {
			return nil, err
		}
	}
	return made, nil
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

// Unsuppress lifts a suppression, by its id or by the person and shop it is for; it reports whether there was one.
func (e *Engine) Unsuppress(ctx context.Context, id uuid.UUID, shop, phone, email string) (lifted bool, err error) {
	person := cart.PersonWith("", []string{email}, []string{policy.Number(phone, e.countryOf(shop))})
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		lifted, err = u.Tx.Unsuppress(ctx, id, shop, person)
		return err
	})
	return lifted, err
}
