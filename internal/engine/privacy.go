package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// readCompliance decodes a privacy request.
func (e *Engine) readCompliance(d shopify.Delivery, body []byte) (action, error) {
	c, err := shopify.DecodeCompliance(body)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, u *unit) (uuid.UUID, error) {
		return uuid.Nil, u.takeCompliance(ctx, d, c)
	}, nil
}

// takeCompliance records a privacy request and has it acted upon.
func (u *unit) takeCompliance(ctx context.Context, d shopify.Delivery, c shopify.Compliance) error {
	kind := map[string]string{
		shopify.CustomersDataRequest: postgres.PrivacyDataRequest,
		shopify.CustomersRedact:      postgres.PrivacyRedactCustomer,
		shopify.ShopRedact:           postgres.PrivacyRedactShop,
	}[d.Topic]
	person := cart.PersonWith(c.CustomerID, []string{c.Email}, []string{policy.Number(c.Phone, u.engine.countryOf(d.Shop))})
	id, err := u.AskPrivacy(ctx, d.Shop, kind, d.WebhookID, person)
	if err != nil || kind == postgres.PrivacyDataRequest {
		// What is kept of a person is handed out by the operator: see Export.
		return err
	}
	return u.insert(ctx, Redact{RequestID: id}, time.Time{})
}

// countryOf is the country that a shop's phone numbers are read with; "" when the shop is not configured.
func (e *Engine) countryOf(shop string) string {
	if store := e.stores[shop]; store != nil {
		return store.Config.Country
	}
	return ""
}

// Redact acts on a privacy request: it erases a person or a shop wherever personal data is kept. Totals, the ledger
// without personal data and hashed suppressions stay.
func (e *Engine) Redact(ctx context.Context, request uuid.UUID) error {
	req, person, err := e.db.PrivacyRequest(ctx, request)
	if errors.Is(err, postgres.ErrNotFound) || err == nil && req.DoneAt != nil {
		return nil
	}
	if err != nil {
		return err
	}
	erased := 0
	if req.Kind == postgres.PrivacyRedactShop {
		erased, err = e.eraseShop(ctx, req.Shop)
	} else {
		erased, err = e.erasePerson(ctx, req.Shop, person)
	}
	if err != nil {
		return err
	}
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		return u.PrivacyDone(ctx, req.ID, erased)
	})
}

// erasePerson removes whatever is kept of a person in a shop, under every key that links it to the one that was named.
func (e *Engine) erasePerson(ctx context.Context, shop string, p cart.Person) (int, error) {
	erasure, err := e.db.ToErase(ctx, shop, e.countryOf(shop), p)
	if err != nil {
		return 0, err
	}
	for _, id := range erasure.Carts {
		c, err := e.db.Cart(ctx, id)
		if err != nil {
			return 0, err
		}
		e.db.Tell(erasure, e.personOf(policy.NewReader(), &c.Cart))
	}
	if err := e.db.RememberErased(ctx, erasure); err != nil {
		return 0, err
	}
	for _, id := range erasure.Carts {
		if err := e.erase(ctx, id); err != nil {
			return 0, err
		}
	}
	return len(erasure.Carts), e.db.ForgetPerson(ctx, erasure)
}

func (e *Engine) eraseShop(ctx context.Context, shop string) (int, error) {
	const page = 500
	erased, after := 0, uuid.Nil
	for {
		ids, err := e.db.CartsOfShop(ctx, shop, after, page)
		if err != nil {
			return 0, err
		}
		carts := make([]*postgres.Cart, len(ids))
		var everybody cart.Person
		for i, id := range ids {
			if carts[i], err = e.db.Cart(ctx, id); err != nil {
				return 0, err
			}
			everybody = everybody.With(e.personOf(policy.NewReader(), &carts[i].Cart))
		}
		if err := e.db.RememberErasedCarts(ctx, shop, carts, everybody.Numbers()); err != nil {
			return 0, err
		}
		for _, id := range ids {
			if err := e.erase(ctx, id); err != nil {
				return 0, err
			}
		}
		if err := e.db.ForgetTraces(ctx, shop, []cart.Person{everybody}); err != nil {
			return 0, err
		}
		erased += len(ids)
		if len(ids) < page {
			return erased, e.db.ForgetShop(ctx, shop)
		}
		after = ids[len(ids)-1]
	}
}

// erase removes the personal data of one cart and of what is kept beside it.
func (e *Engine) erase(ctx context.Context, id uuid.UUID) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		c, err := u.CartForUpdate(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.ForgetCart(ctx, &c.Cart); err != nil {
			return err
		}
		_, err = u.apply(ctx, c, cart.Erased{}, nil)
		return err
	})
}

// orderMemory is how long an order is remembered for checkouts that come after it, and for calls near it.
const orderMemory = 30 * 24 * time.Hour

// answeredMemory is how long the person of a data request that was exported stays known, in case the export must be
// made again.
const answeredMemory = 7 * 24 * time.Hour

// unansweredMargin is how long after its deadline a data request that nobody answered is still answerable.
const unansweredMargin = 30 * 24 * time.Hour

// erasedMemory is how long it is remembered, by keyed hashes, that a person was erased.
const erasedMemory = 365 * 24 * time.Hour

// settlingTime is how old an entry of the ledger is at least before it is taken for settled: no older one can still be
// on its way.
const settlingTime = 10 * time.Minute

// partitionsAhead is for how many days from today partitions are made: enough for some days of backups that keep
// maintenance out.
const partitionsAhead = 8

// Purge applies the retention. It does each of its parts even if another fails. A part that finds a table in use is
// left to the next run: intake must not wait behind it.
func (e *Engine) Purge(ctx context.Context) error {
	now := e.db.Now()
	// A payload does not outlive what is kept of its cart.
	payloads := now.Add(-min(e.retention.Payloads, e.retention.PersonalData))
	var failed []error
	for _, part := range []func() error{
		func() error { return e.db.MakePartitions(ctx, partitionsAhead) },
		func() error { return e.db.DropPartitions(ctx, payloads) },
		func() error { return e.db.DropWaitingWebhooks(ctx, payloads) },
		func() error { return e.db.DropDeliveries(ctx, payloads) },
		func() error { return e.db.DropOrders(ctx, now.Add(-orderMemory)) },
		func() error { return e.db.ForgetAnswered(ctx, now.Add(-answeredMemory)) },
		func() error { return e.db.ForgetUnanswered(ctx, now.Add(-unansweredMargin)) },
		func() error {
			return e.db.ForgetPrechecks(ctx, now.Add(-min(longestPrecheck, e.retention.PersonalData)))
		},
		func() error { return e.db.ForgetTestCalls(ctx, now.Add(-e.retention.PersonalData)) },
		func() error { return e.db.ForgetSuppressed(ctx, now.Add(-e.retention.PersonalData)) },
		func() error { return e.db.ForgetErased(ctx, now.Add(-erasedMemory)) },
		func() error { return e.db.ForgetLeftJobs(ctx) },
		func() error { return e.db.DropAlerts(ctx, now.Add(-alertMemory)) },
		func() error { return e.db.ScrubLedger(ctx, now.Add(-settlingTime)) },
		func() error { return e.eraseOld(ctx, now.Add(-e.retention.PersonalData)) },
		func() error { _, err := e.db.Reseal(ctx); return err },
	} {
		err := part()
		if errors.Is(err, postgres.ErrBusy) {
			e.log.Warn("maintenance waits for its next run", "error", err)
			continue
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// eraseOld removes the personal data of carts without activity since an instant.
func (e *Engine) eraseOld(ctx context.Context, before time.Time) error {
	const page = 500
	for {
		ids, err := e.db.CartsToErase(ctx, before, page)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := e.erase(ctx, id); err != nil {
				return err
			}
		}
		if len(ids) < page {
			return nil
		}
	}
}
