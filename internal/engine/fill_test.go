package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readyCart stores a cart that became ready at an instant, as a process does that dies right after.
func (h *house) readyCart(at time.Time, value int, change ...func(*cart.Cart)) uuid.UUID {
	h.t.Helper()
	token := uuid.NewString()
	c := postgres.Cart{Cart: cart.Cart{
		ID: uuid.Must(uuid.NewV7()), Shop: loom, Token: token, State: cart.Ready, Reason: cart.Due, ReadyAt: &at,
		Country: "IN", LastActivityAt: at.Add(-time.Hour), CreatedAt: at.Add(-time.Hour), UpdatedAt: at, Updates: 1,
		Checkout: cart.Checkout{
			Token: token, Total: decimal.NewFromInt(int64(value)), Currency: "INR",
			URL:       "https://" + loom + "/1/checkouts/ac/x/recover",
			CreatedAt: at.Add(-time.Hour), UpdatedAt: at.Add(-time.Hour),
			Items: []cart.Item{{Title: "Saree", Quantity: 1}},
		},
	}}
	c.Phone = fmt.Sprintf("+9198%08d", h.phones.Add(1))
	for _, f := range change {
		f(&c.Cart)
	}
	c.Checkout.Phones = []cart.RawPhone{{From: "phone", Number: c.Phone}}
	require.NoError(h.t, h.db.InTx(h.t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SaveCart(ctx, &c, h.assistant(), nil)
	}))
	return c.ID
}

func (h *house) assistant() string { return h.engine.Store(loom).Config.Voice.AssistantKey() }

// withLines gives the shop's assistant a number of lines.
func withLines(n int) func(*config.Store) {
	return func(s *config.Store) {
		permissive(s)
		s.Voice.Lines, s.Voice.MaxWait = n, time.Hour
	}
}

// given lists the carts that were given a line, in that order.
func (h *house) given() []uuid.UUID {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `
		SELECT cart_id
		FROM ledger
		WHERE event = 'line_free' AND to_state = 'calling'
		ORDER BY id`)
	require.NoError(h.t, err)
	defer rows.Close()
	ids := []uuid.UUID{}
	for rows.Next() {
		var id uuid.UUID
		require.NoError(h.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(h.t, rows.Err())
	return ids
}

// gives lets the processes give out lines until so many carts have one.
func (h *house) gives(n int, processes ...*engine.Engine) []uuid.UUID {
	h.t.Helper()
	for _, e := range append(processes, h.engine) {
		defer h.givesLines(e)()
	}
	enough := func() bool { return len(h.given()) >= n }
	assert.Eventually(h.t, enough, 20*time.Second, 10*time.Millisecond, "%d lines are given: %s", n, h.log)
	return h.given()
}

func TestFill_GivesLinesByWaitAndThenByValue(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: withLines(4)})
	now := h.clock.Now()
	cheap := h.readyCart(now, 100)
	dear := h.readyCart(now, 900)
	between := h.readyCart(now, 500)
	waitedLong := h.readyCart(now.Add(-2*time.Hour), 50)
	waitedLonger := h.readyCart(now.Add(-3*time.Hour), 1)
	assert.Equal(t, []uuid.UUID{waitedLonger, waitedLong, dear, between}, h.gives(4))
	assert.Zero(t, h.count(`SELECT count(*) FROM calls WHERE cart_id = $1`, cheap))
}

func TestFill_ProcessesGiveNoMoreLinesThanThereAre(t *testing.T) {
	t.Parallel()
	const lines = 33
	h := newHouse(t, plan{store: withLines(lines)})
	other, _, _ := h.process(h.pool, withLines(lines), oldKey)
	for i := range 60 {
		h.readyCart(h.clock.Now(), i)
	}
	h.gives(lines, other)
	assert.Equal(t, lines, h.count(`SELECT count(*) FROM calls WHERE holds_line`))
	assert.Equal(t, lines, h.count(`SELECT count(*) FROM river_job WHERE kind = 'place_call'`))
}

func TestFill_CartThatCannotBeReadKeepsNoOtherFromBeingCalled(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: withLines(30)})
	var all []uuid.UUID
	for i := range 25 {
		all = append(all, h.readyCart(h.clock.Now(), 100-i))
	}
	bad := all[7]
	_, err := h.pool.Exec(t.Context(), `UPDATE carts SET checkout = '[]' WHERE id = $1`, bad)
	require.NoError(t, err)
	given := h.gives(24)
	assert.Len(t, given, 24)
	assert.NotContains(t, given, bad)
	assert.Contains(t, h.log.String(), "a cart was passed over")
}

func TestFill_OnePhoneIsGivenOneLineOfABatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: func(s *config.Store) {
		withLines(10)(s)
		s.Policy.Caps.PerPhone = []policy.Cap{{Calls: 1, Every: 24 * time.Hour}}
	}})
	same := func(c *cart.Cart) { c.Phone = "+919876500000" }
	for i := range 4 {
		h.readyCart(h.clock.Now(), i, same)
	}
	h.gives(1)
	ready := func() int { return h.count(`SELECT count(*) FROM carts WHERE state = 'ready'`) }
	h.eventually("no cart is ready", func() bool { return ready() == 0 })
	assert.Len(t, h.given(), 1)
}

func TestFill_LimitOfAShopHoldsWithinABatch(t *testing.T) {
	t.Parallel()
	const limit = 3
	h := newHouse(t, plan{store: func(s *config.Store) {
		withLines(20)(s)
		s.Policy.Caps.DailyCalls = limit
	}})
	for i := range 12 {
		h.readyCart(h.clock.Now(), 1+i)
	}
	h.gives(limit)
	ready := func() int { return h.count(`SELECT count(*) FROM carts WHERE state = 'ready'`) }
	h.eventually("no cart is ready", func() bool { return ready() == 0 })
	assert.Len(t, h.given(), limit)
}

func TestFill_NeverWaitsForTheLock(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: withLines(3)})
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- h.db.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context, tx *postgres.Tx) error {
			_, _, err := tx.LockLines(ctx, h.assistant(), "")
			close(held)
			<-release
			return err
		})
	}()
	<-held
	stop := h.givesLines(h.engine)
	defer stop()
	id := h.readyCart(h.clock.Now(), 100)
	require.NoError(t, h.engine.FillLines(t.Context(), h.assistant()))
	asked := func() int {
		return h.count(`
			SELECT count(*)
			FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE '%pg_try_advisory%'`)
	}
	h.eventually("the lock was asked for", func() bool { return asked() > 0 })
	assert.Zero(t, h.count(`
		SELECT count(*)
		FROM pg_locks
		WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`))
	assert.Empty(t, h.given())
	close(release)
	require.NoError(t, <-done)
	h.eventually("the line is given after all", func() bool { return len(h.given()) == 1 })
	assert.Equal(t, []uuid.UUID{id}, h.given())
}

func TestFill_JobOfTheProgramBeforeIsDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: withLines(3)})
	id := h.readyCart(h.clock.Now(), 100)
	for _, note := range []string{h.assistant(), "late " + h.assistant()} {
		_, err := h.pool.Exec(t.Context(), `INSERT INTO fills (assistant) VALUES ($1)`, note)
		require.NoError(t, err)
	}
	require.NoError(t, h.engine.FillLines(t.Context(), h.assistant()))
	assert.Zero(t, h.count(`SELECT count(*) FROM fills`), "the program before may insert the next job")
	assert.Equal(t, []uuid.UUID{id}, h.gives(1))
}

func TestFill_AccountThatRestsIsTriedWithOneCall(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan{store: withLines(5)})
	another := func(s *config.Store) {
		withLines(5)(s)
		s.Voice.Assistant = "another"
	}
	other, _, _ := h.process(h.pool, another, oldKey)
	account := engine.AccountOf(h.engine.Store(loom))
	require.Equal(t, account, engine.AccountOf(other.Store(loom)), "two assistants of one account")
	inTx := func(do func(context.Context, *postgres.Tx) error) {
		t.Helper()
		require.NoError(t, h.db.InTx(t.Context(), do))
	}
	inTx(func(ctx context.Context, tx *postgres.Tx) error {
		return tx.RestAccount(ctx, account, postgres.Rest{Until: tx.Now.Add(time.Hour), Refusals: 1})
	})
	for i := range 4 {
		h.readyCart(h.clock.Now(), 1+i)
	}
	use := func() (give bool, rests *time.Time) {
		give, rests, err := h.db.LinesToGive(t.Context(), h.assistant(), account, 5, nil)
		require.NoError(t, err)
		return give, rests
	}
	_, rests := use()
	require.NotNil(t, rests)
	assert.Empty(t, h.gives(0))

	h.clock.Advance(time.Hour)
	give, rests := use()
	assert.True(t, give)
	assert.Nil(t, rests)
	assert.Len(t, h.gives(1), 1, "the others wait for the first one's answer")

	inTx(func(ctx context.Context, tx *postgres.Tx) error { return tx.EndRest(ctx, account) })
	h.gives(4)
}

// eventually waits for a condition.
func (h *house) eventually(what string, condition func() bool) {
	h.t.Helper()
	require.Eventually(h.t, condition, 20*time.Second, 10*time.Millisecond, "%s: %s", what, h.log)
}
