package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/secret"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// errWebhooksWait: webhooks of the shop were kept by a process that does not know it and have not been acted upon. One
// of them may say that the customer has bought, so nobody is called before they are.
var errWebhooksWait = &LaterError{In: soonestCheck, Why: "webhooks of the shop wait to be acted upon"}

// waitingEvery is how often each process looks for webhooks that wait for a shop that it knows.
const waitingEvery = 2 * time.Second

// ActOnWaitingWebhooks acts, until ctx ends, upon the webhooks that other processes kept for want of their shop.
func (e *Engine) ActOnWaitingWebhooks(ctx context.Context) {
	ticks := time.NewTicker(waitingEvery)
	defer ticks.Stop()
	for {
		if err := e.WaitingWebhooks(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "waiting webhooks were not acted upon", "error", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// WaitingWebhooks acts once upon what waits for the shops that this process knows, in the order in which it came.
func (e *Engine) WaitingWebhooks(ctx context.Context) error {
	shops, err := e.db.ShopsWaiting(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, shop := range shops {
		if e.stores[shop] != nil {
			failed = append(failed, e.waitingWebhooksOf(ctx, shop))
		}
	}
	return errors.Join(failed...)
}

func (e *Engine) waitingWebhooksOf(ctx context.Context, shop string) error {
	for {
		more, err := e.nextWaitingWebhook(ctx, shop)
		if err != nil {
			return fmt.Errorf("act upon a webhook of %s: %w", shop, err)
		}
		if !more {
			return nil
		}
	}
}

// nextWaitingWebhook acts upon the shop's oldest waiting webhook; more is false when there is none. One that cannot be
// acted upon holds up those behind it for a day.
func (e *Engine) nextWaitingWebhook(ctx context.Context, shop string) (more bool, err error) {
	var w postgres.WaitingWebhook
	err = e.actOnWaiting(ctx, shop, &w, "")
	if errors.Is(err, postgres.ErrNotFound) {
		return false, nil
	}
	if code, yes := postgres.Unstorable(err); yes {
		err = e.actOnWaiting(ctx, shop, &w, "the database cannot hold what it says (SQLSTATE "+code+")")
	} else if err != nil && !w.ReceivedAt.IsZero() && e.db.Now().Sub(w.ReceivedAt) > UnknownFor {
		e.log.ErrorContext(ctx, "a waiting webhook was given up", "shop", shop, "topic", w.Topic, "error", err)
		err = e.actOnWaiting(ctx, shop, &w, "it could not be acted upon for a day")
	}
	return err == nil, err
}

// actOnWaiting takes the oldest waiting webhook out of the line with what it brings about, or with the reason why it
// could not be used.
func (e *Engine) actOnWaiting(ctx context.Context, shop string, w *postgres.WaitingWebhook, failure string) error {
	taken := TakenNew
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		if *w, err = u.NextWaitingWebhook(ctx, shop); err != nil {
			return err
		}
		about, why := uuid.Nil, failure
		if why == "" && w.Payload != nil {
			if about, why, err = u.actOn(ctx, w); err != nil {
				return err
			}
		}
		if why != "" {
			taken = TakenUnread
		}
		if err := u.WaitingWebhookDone(ctx, *w, about, why); err != nil {
			return err
		}
		if about == uuid.Nil && w.Payload != nil {
			if err := u.leaveErasedOut(ctx, w.Kept(), deliveryOf(w), w.Payload); err != nil {
				return err
			}
		}
		waiting, err := u.WebhooksWait(ctx, shop)
		if err == nil && !waiting {
			// Ready carts were passed over meanwhile.
			u.fills[u.engine.stores[shop].Rules.Voice.Assistant] = true
		}
		return err
	})
	if err == nil {
		e.metrics.webhook(w.Topic, taken)
	}
	return err
}

// actOn lets a waiting webhook change what it is about, or says why it cannot.
func (u *unit) actOn(ctx context.Context, w *postgres.WaitingWebhook) (about uuid.UUID, why string, err error) {
	if !u.engine.sharesSecret(w.Shop) {
		return uuid.Nil, "it was signed with the app's secret, and the shop has secrets of its own", nil
	}
	act, unreadable := u.engine.read(deliveryOf(w), w.Payload)
	if unreadable != nil {
		return uuid.Nil, unreadable.Error(), nil
	}
	about, err = act(ctx, u)
	return about, "", err
}

func deliveryOf(w *postgres.WaitingWebhook) shopify.Delivery {
	return shopify.Delivery{Shop: w.Shop, Topic: w.Topic, APIVersion: w.APIVersion, TriggeredAt: w.TriggeredAt, Test: w.Test}
}

// sharesSecret reports whether a webhook that was signed with one of the app's shared secrets can be the shop's. The
// process that took a waiting webhook in knew no others.
func (e *Engine) sharesSecret(shop string) bool {
	return slices.ContainsFunc(e.shopify.SecretsOf(e.stores[shop].Config), func(s secret.Secret) bool {
		return slices.Contains(e.shopify.ClientSecrets, s)
	})
}
