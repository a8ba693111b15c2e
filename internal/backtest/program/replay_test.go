package program

import (
	"context"
	"fmt"
	"testing"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// keep stores what happened in a world.
func (p *past) keep(ctx context.Context, t require.TestingT, w *world) {
	_, err := p.Pool().Exec(ctx, `TRUNCATE carts, calls, ledger, orders, suppressions CASCADE`)
	require.NoError(t, err)
	does := func(fn func(tx *postgres.Tx) error) {
		require.NoError(t, p.InTx(ctx, func(_ context.Context, tx *postgres.Tx) error { return fn(tx) }))
	}
	does(func(tx *postgres.Tx) error {
		for _, c := range w.carts {
			if c.cart.State == "" {
				continue
			}
			if err := tx.SaveCart(ctx, &postgres.Cart{Cart: c.cart}, "a", nil); err != nil {
				return err
			}
			for _, e := range c.ledger {
				if err := tx.AppendLedger(ctx, e); err != nil {
					return err
				}
			}
		}
		for _, o := range w.orders {
			if _, err := tx.KeepOrder(ctx, o.shop, o.order, cart.PersonWith("", nil, []string{o.phone})); err != nil {
				return err
			}
			if err := tx.OrderTaken(ctx, o.shop, o.order.ID, w.carts[o.cart].cart.ID); err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range w.suppressions {
		p.now = s.at
		does(func(tx *postgres.Tx) error {
			_, err := tx.Suppress(ctx, s.scope, cart.PersonWith("", nil, []string{s.phone}), s.source)
			return err
		})
	}
	p.now = monday.AddDate(0, 2, 0)
}

// replayed are the outcomes of the stored carts under a policy.
func (p *past) replayed(ctx context.Context, t require.TestingT, rules backtest.Policy, workers int) map[uuid.UUID]backtest.Outcome {
	outcomes := map[uuid.UUID]backtest.Outcome{}
	o := backtest.Options{Policy: rules, Now: p.now, Workers: workers, Settled: func(o backtest.Outcome) { outcomes[o.CartID] = o }}
	_, err := backtest.Run(ahead(stored(ctx, p.DB, postgres.PastFilter{}, o)), o)
	require.NoError(t, err)
	return outcomes
}

// The histories are made by the lifecycle itself, in a world that shares no code with the replay.
func TestReplay_ThePolicyInForceGivesWhatHappened(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	rapid.Check(t, func(rt *rapid.T) {
		rules, err := policyOf(configured(drawPolicy(rt)), "")
		require.NoError(rt, err)
		w := newWorld(rules, drawPlans(rt), rapid.Bool().Draw(rt, "our retries"))
		w.run()
		p.keep(t.Context(), rt, w)
		got := p.replayed(t.Context(), rt, rules, rapid.IntRange(1, 3).Draw(rt, "workers"))
		for _, c := range w.carts {
			if c.cart.State == "" {
				continue
			}
			require.Equal(rt, c.outcome(), got[c.cart.ID], "cart %d of %s", c.number, w.history())
		}
	})
}

// history is what happened, in short.
func (w *world) history() string {
	text := ""
	for _, c := range w.carts {
		text += fmt.Sprintf("\ncart %d: %+v", c.number, c.plan)
		for _, e := range c.ledger {
			text += fmt.Sprintf("\n  %s %s %s %s %s", e.At.Format("02 15:04:05"), e.Event, e.From, e.To, e.Reason)
		}
		for _, call := range c.cart.Calls {
			text += fmt.Sprintf("\n  call %s %s", call.State, call.Outcome)
		}
	}
	return text
}
