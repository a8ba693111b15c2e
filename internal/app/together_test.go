package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statements counts the statements that a program sends to its database, without those of its job queue, and those
// among them that save carts.
type statements struct{ all, saves atomic.Int64 }

func (s *statements) count(sql string) {
	if strings.HasPrefix(sql, "-- name:") {
		return
	}
	s.all.Add(1)
	if strings.Contains(sql, "INSERT INTO carts (") {
		s.saves.Add(1)
	}
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.count(data.SQL)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.count(data.SQL)
}

func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// A call with six callbacks took about 115 statements, nine of them saves of its cart, when each change had a
// transaction of its own.
func TestCalls_OfManyCartsShareStatements(t *testing.T) {
	t.Parallel()
	const carts = 100
	counted := &statements{}
	w := newWorld(t, setup{
		store:   func(s *config.Store) { s.Voice.Lines, s.Policy.Delay = carts, 8*time.Second },
		voice:   func(o *simvoice.Options) { o.Lines, o.Speed = carts, 500 },
		options: []app.Option{app.WithTracer(counted)},
	})
	touched := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range carts {
		w.sends(shopify.CheckoutsCreate, checkout(fmt.Sprintf("many%d", i), func(c map[string]any) {
			c["created_at"], c["updated_at"] = touched, touched
		}))
	}
	w.applied()
	w.eventually("the carts fall due", func() bool {
		return w.count(`SELECT count(*) FROM carts WHERE state <> 'waiting'`) > 0
	})
	all, saves := counted.all.Load(), counted.saves.Load()
	w.eventually("all were called", func() bool {
		return w.count(`SELECT count(*) FROM carts WHERE state = 'stopped'`) == carts
	})
	all, saves = counted.all.Load()-all, counted.saves.Load()-saves
	assert.Len(t, w.voice.Calls(), carts)
	assert.Equal(t, 6*carts, w.count(`SELECT count(*) FROM callbacks`))
	t.Logf("%.1f statements and %.1f saves a call", float64(all)/carts, float64(saves)/carts)
	assert.LessOrEqual(t, all, int64(57*carts))
	assert.LessOrEqual(t, saves, int64(9*carts/2))
}

func TestCallback_ThatCannotBeStoredSpoilsNoOther(t *testing.T) {
	t.Parallel()
	w, call := quiet(t, "tok", nil)
	_, err := w.pool.Exec(t.Context(), `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NEW.type = 'call.poison' AND NEW.error IS NULL THEN
				RAISE EXCEPTION 'refused' USING ERRCODE = '22000';
			END IF;
			RETURN NEW;
		END
		$$`)
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `
		CREATE TRIGGER refuse BEFORE INSERT ON callbacks FOR EACH ROW EXECUTE FUNCTION refuse()`)
	require.NoError(t, err)
	var group sync.WaitGroup
	for i := range 30 {
		typ := fmt.Sprintf("call.other%d", i)
		if i == 7 {
			typ = "call.poison"
		}
		group.Go(func() {
			assert.Equal(t, http.StatusOK, w.calledBack(w.url, call.path(t), "pk", "sk", says(typ, nil)), typ)
		})
	}
	group.Wait()
	assert.Equal(t, 29, w.count(`SELECT count(*) FROM callbacks WHERE error IS NULL`))
	assert.Equal(t, 1, w.count(`SELECT count(*) FROM callbacks WHERE error LIKE '%SQLSTATE 22000%'`))
	assert.Equal(t, cart.Calling, w.cart("tok").State)
}
