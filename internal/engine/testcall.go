package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/voice"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// TestRefusedError says why a test call is not made.
type TestRefusedError struct{ Why string }

// Error implements error.
func (e *TestRefusedError) Error() string { return e.Why }

const (
	// sendTestWithin is how long a test call may wait for being sent. Nobody expects it to ring later.
	sendTestWithin = time.Minute
	// lineTries and lineTriesEvery bound how long a test call waits for others to give out the assistant's lines.
	lineTries      = 40
	lineTriesEvery = 50 * time.Millisecond
)

// TestCall is what a test call is asked for with.
type TestCall struct {
	// ID makes it one call, however often it is asked for.
	ID   uuid.UUID
	Shop string
	// Phone must be one of the store's voice.test_numbers.
	Phone string
	// By is who asks, such as dashboard.
	By string
}

// AskTestCall records a test call and takes a line for it. A job sends it, or with PlaceTestCall whoever asked.
// Consent, calling hours, caps and a pause do not apply to a number of one's own; the do-not-call list, the assistant's
// lines and the provider's limits do. The error is a *TestRefusedError when it must not be made.
func (e *Engine) AskTestCall(ctx context.Context, ask TestCall, byJob bool) error {
	store, err := e.knownStore(ask.Shop)
	if err != nil {
		return err
	}
	if err := e.mayTest(ctx, store, ask.Phone); err != nil {
		return err
	}
	for try := 1; ; try++ {
		busy := false
		err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
			busy, err = u.addTestCall(ctx, store, ask, byJob)
			return err
		})
		if err != nil || !busy {
			return err
		}
		if try == lineTries {
			return &TestRefusedError{Why: "the assistant's lines are being given out: try again"}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lineTriesEvery):
		}
	}
}

// mayTest reports whether a number may be called for a test.
func (e *Engine) mayTest(ctx context.Context, store *Store, phone string) error {
	listed := store.Config.Voice.TestNumbers
	switch {
	case len(listed) == 0:
		return &TestRefusedError{Why: "no number may be called for a test: list your own under voice.test_numbers of " +
			store.Domain}
	case !slices.Contains(listed, phone):
		return &TestRefusedError{Why: "the number is not among voice.test_numbers of " + store.Domain +
			": only numbers of your own that are listed there are called"}
	}
	suppressed, _, err := e.db.SuppressionsOfPerson(ctx, store.Domain, cart.PersonWith("", nil, []string{phone}))
	if err != nil {
		return err
	}
	if len(suppressed) > 0 {
		return &TestRefusedError{Why: "the number is on the do-not-call list: lift the suppression first"}
	}
	return nil
}

// addTestCall takes a line for a test call and records it. busy is true while another transaction gives out the
// assistant's lines.
func (u *unit) addTestCall(ctx context.Context, store *Store, ask TestCall, byJob bool) (busy bool, err error) {
	rules := store.Rules.Voice
	use, locked, err := u.LockLines(ctx, rules.Assistant, AccountOf(store))
	switch {
	case err != nil:
		return false, err
	case !locked:
		return true, nil
	}
	watch := u.Now.Add(sendTestWithin)
	t := &postgres.TestCall{By: ask.By, Cart: sampleCart(store, ask, u.Now)}
	t.Cart.Calls = []cart.Call{{
		ID: ask.ID, CartID: ask.ID, Shop: ask.Shop, Attempt: 1, State: cart.Placing, Provider: rules.Provider,
		Assistant: rules.Assistant, HoldsLine: true, Phone: ask.Phone, CreatedAt: u.Now, WatchAt: &watch,
	}}
	fresh, err := u.AddTestCall(ctx, t)
	switch {
	case errors.Is(err, postgres.ErrTestUnderWay):
		return false, &TestRefusedError{Why: "a test call to this number is under way"}
	case err != nil || !fresh:
		return false, err
	case use.Rest.Until.After(u.Now):
		return false, &TestRefusedError{Why: "the voice API takes no calls of this account until " +
			use.Rest.Until.Format(time.RFC3339)}
	case use.Busy >= store.Config.Voice.Lines:
		return false, &TestRefusedError{Why: fmt.Sprintf("all lines of the assistant are busy (%d of %d): try again",
			use.Busy, store.Config.Voice.Lines)}
	}
	if err := u.insert(ctx, WatchCall{CallID: ask.ID}, watch); err != nil || !byJob {
		return false, err
	}
	return false, u.insert(ctx, PlaceTestCall{CallID: ask.ID}, time.Time{})
}

// sampleCart is what a test call is about.
func sampleCart(store *Store, ask TestCall, now time.Time) cart.Cart {
	price := decimal.NewFromInt(1000)
	c := cart.Cart{
		ID: ask.ID, Shop: ask.Shop, Token: "test-" + ask.ID.String(), State: cart.Calling, Reason: cart.ByOperator,
		Phone: ask.Phone, LastActivityAt: now, CreatedAt: now, UpdatedAt: now,
		Checkout: cart.Checkout{
			Token: "test-" + ask.ID.String(), URL: "https://" + ask.Shop + "/cart", Test: true,
			Customer: cart.Customer{FirstName: "Test", LastName: "Customer"}, Currency: store.Config.Currency,
			Total: price, Subtotal: price, CreatedAt: now, UpdatedAt: now,
			Items:  []cart.Item{{Title: "Sample product", VariantID: "1", ProductID: "1", Quantity: 1, Price: price}},
			Phones: []cart.RawPhone{{From: "phone", Number: ask.Phone}},
		},
	}
	c.Country = policy.ReadPhone(c.Checkout, store.Rules.Policy, store.Config.Country).Country
	return c
}

// PlaceTestCall sends the request of a test call, at most once, as PlaceCall does for a cart's call.
func (e *Engine) PlaceTestCall(ctx context.Context, id uuid.UUID) error {
	ctx = context.WithoutCancel(ctx)
	var p *placement
	token := newToken()
	err := e.onTestCall(ctx, id, func(ctx context.Context, u *unit, store *Store, t *postgres.TestCall) error {
		p = nil
		call := t.Call()
		switch {
		case call.State != cart.Placing || call.WatchAt == nil:
			return nil
		case call.SentAt != nil:
			return u.applyTest(ctx, store, t, cart.PlaceUncertain{
				CallID: id, Error: "the program stopped between the request and its answer",
			})
		case call.WatchAt.Before(u.Now):
			return u.applyTest(ctx, store, t, cart.CallSilent{CallID: id})
		}
		rest, err := u.Rest(ctx, AccountOf(store))
		if err != nil {
			return err
		}
		sent, watch := u.Now, u.Now.Add(store.Rules.Voice.Silence)
		call.SentAt, call.WatchAt, call.TokenHash = &sent, &watch, hashToken(token)
		call.Account, call.VoiceKey = store.identity()
		if err := u.insert(ctx, WatchCall{CallID: id}, watch); err != nil {
			return err
		}
		request := e.request(store, &postgres.Cart{Cart: t.Cart}, call, token)
		request.Test = true
		p = &placement{store: store, request: request, rest: rest}
		return u.SaveTestCall(ctx, t)
	})
	if err != nil || p == nil {
		return err
	}
	sending, cancel := context.WithTimeout(ctx, p.store.Config.Voice.Timeout)
	defer cancel()
	receipt, err := p.store.Provider.Place(sending, p.request)
	ref := postgres.CallRef{CallID: id, Test: true}
	return e.record(ctx, ref, e.answer(id, receipt, err), func(ctx context.Context, u *unit) error {
		return u.keepRest(ctx, p.store, p.rest, err)
	})
}

// onTestCall does something with a locked test call.
func (e *Engine) onTestCall(
	ctx context.Context, id uuid.UUID, do func(context.Context, *unit, *Store, *postgres.TestCall) error,
) error {
	return e.inTx(ctx, func(ctx context.Context, u *unit) error {
		t, err := u.TestCallForUpdate(ctx, id)
		if err != nil {
			return err
		}
		store, err := e.knownStore(t.Cart.Shop)
		if err != nil {
			return err
		}
		return do(ctx, u, store, t)
	})
}

// applyTest gives an event to a test call. What is about the call itself follows; nothing else does: there is no
// customer, no ledger and no further attempt.
func (u *unit) applyTest(ctx context.Context, store *Store, t *postgres.TestCall, ev cart.Event) error {
	result := lifecycle.Apply(t.Cart, ev, store.Rules, policy.Facts{}, u.Now)
	if !result.Changed {
		return nil
	}
	t.Cart = result.Cart
	for _, effect := range result.Effects {
		if err := u.enactTest(ctx, effect); err != nil {
			return err
		}
	}
	return u.SaveTestCall(ctx, t)
}

func (u *unit) enactTest(ctx context.Context, effect lifecycle.Effect) error {
	switch f := effect.(type) {
	case lifecycle.Fill:
		u.fills[f.Assistant] = true
	case lifecycle.Watch:
		return u.insert(ctx, WatchCall{CallID: f.CallID}, f.At)
	case lifecycle.Abort:
		return u.insert(ctx, AbortCall{CallID: f.CallID}, time.Time{})
	case lifecycle.Record, lifecycle.Wake, lifecycle.Unwake, lifecycle.Place, lifecycle.Send, lifecycle.Update,
		lifecycle.Suppress, lifecycle.SupersedeOlder, lifecycle.CallSettled, lifecycle.AccountRefused, lifecycle.Acted:
	}
	return nil
}

// recordTest gives an event to a test call, and does what belongs to it in the same transaction.
func (e *Engine) recordTest(
	ctx context.Context, id uuid.UUID, ev cart.Event, also ...func(context.Context, *unit) error,
) error {
	return e.onTestCall(ctx, id, func(ctx context.Context, u *unit, store *Store, t *postgres.TestCall) error {
		if err := u.applyTest(ctx, store, t, ev); err != nil {
			return err
		}
		for _, do := range also {
			if err := do(ctx, u); err != nil {
				return err
			}
		}
		return nil
	})
}

// watchTestCall settles a test call of which nothing was reported until its deadline, as WatchCall does.
func (e *Engine) watchTestCall(ctx context.Context, id uuid.UUID) error {
	var sleep time.Duration
	err := e.onTestCall(ctx, id, func(ctx context.Context, u *unit, store *Store, t *postgres.TestCall) error {
		sleep = 0
		call := t.Call()
		if !call.State.Open() || call.WatchAt == nil {
			return nil
		}
		if call.WatchAt.After(u.Now) {
			sleep = call.WatchAt.Sub(u.Now)
			return nil
		}
		return u.applyTest(ctx, store, t, cart.CallSilent{CallID: id})
	})
	return later(sleep, err)
}

// takeTestReport gives a report to a test call and keeps it.
func (e *Engine) takeTestReport(
	ctx context.Context, from sender, about *postgres.CallRef, cb voice.Callback, body []byte,
) (Taken, error) {
	taken := TakenNew
	err := e.onTestCall(ctx, about.CallID, func(ctx context.Context, u *unit, store *Store, t *postgres.TestCall) error {
		taken = TakenBefore
		before := t.Cart
		report := cb.ReportIn(e.zoneOf(store, &t.Cart), u.Now)
		err := u.applyTest(ctx, store, t, cart.CallReported{CallID: about.CallID, Report: report, Digest: short(cb.Digest)})
		if err != nil || t.Cart.Equal(&before) {
			return err
		}
		taken = TakenNew
		return u.KeepCallback(ctx, from.provider, &about.CallID, cb.Report.ProviderType, body, "")
	})
	return taken, err
}

// TestNumber reads a number as an operator types it.
func TestNumber(typed string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(strings.TrimSpace(typed))
}
