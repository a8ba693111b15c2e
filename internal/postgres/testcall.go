package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestCall is a call to a number of the operator's own.
type TestCall struct {
	// Cart is the sample cart, with the call as its only one.
	Cart cart.Cart
	// By is who asked for it, such as dashboard or command.
	By string
}

// Call is the call.
func (t *TestCall) Call() *cart.Call { return &t.Cart.Calls[0] }

// ErrTestUnderWay: a test call to the number is under way.
var ErrTestUnderWay = errors.New("a test call to this number is under way")

// AddTestCall records a test call before it is made. It changes nothing and returns false when the call is known
// already. The error is ErrTestUnderWay while there is another open one to the number.
func (tx *Tx) AddTestCall(ctx context.Context, t *TestCall) (bool, error) {
	call := t.Call()
	text, err := json.Marshal(t.Cart)
	if err != nil {
		return false, fmt.Errorf("write test call: %w", err)
	}
	if err := tx.lock(ctx, "test call", call.Shop+" "+call.Phone); err != nil {
		return false, err
	}
	var known, open bool
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM test_calls WHERE id = $1),
			EXISTS (SELECT 1 FROM test_calls WHERE shop = $2 AND phone_key = $3 AND is_open)`,
		call.ID, call.Shop, tx.hasher.Phone(call.Phone)).Scan(&known, &open)
	switch {
	case err != nil:
		return false, fmt.Errorf("look for test calls: %w", err)
	case known:
		return false, nil
	case open:
		return false, ErrTestUnderWay
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO test_calls (id, shop, phone_key, made_by, provider, assistant, holds_line, is_open, created_at, cart)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		call.ID, call.Shop, tx.hasher.Phone(call.Phone), t.By, call.Provider, call.Assistant, call.HoldsLine,
		call.State.Open(), call.CreatedAt, text)
	if err != nil {
		return false, fmt.Errorf("add test call: %w", err)
	}
	return true, nil
}

// TestCallForUpdate loads a test call and locks it; ErrNotFound when there is none.
func (tx *Tx) TestCallForUpdate(ctx context.Context, id uuid.UUID) (*TestCall, error) {
	return oneTestCall(ctx, tx, `
		SELECT made_by, cart
		FROM test_calls
		WHERE id = $1
		FOR UPDATE`, id)
}

// TestCall reads a test call; ErrNotFound when there is none.
func (db *DB) TestCall(ctx context.Context, id uuid.UUID) (*TestCall, error) {
	return oneTestCall(ctx, db.pool, `
		SELECT made_by, cart
		FROM test_calls
		WHERE id = $1`, id)
}

func oneTestCall(ctx context.Context, q querier, query string, id uuid.UUID) (*TestCall, error) {
	rows, err := q.Query(ctx, query, id)
	if err != nil {
		return nil, fmt.Errorf("read test call: %w", err)
	}
	found, err := nilIfNone(pgx.CollectRows(rows, scanTestCall))
	if err != nil {
		return nil, fmt.Errorf("read test call: %w", err)
	}
	if found == nil {
		return nil, ErrNotFound
	}
	return found, nil
}

func scanTestCall(row pgx.CollectableRow) (TestCall, error) {
	var t TestCall
	var text []byte
	if err := row.Scan(&t.By, &text); err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t.Cart); err != nil {
		return t, err
	}
	if len(t.Cart.Calls) != 1 {
		return t, errors.New("a test call has one call")
	}
	return t, nil
}

// SaveTestCall stores what became of a test call.
func (tx *Tx) SaveTestCall(ctx context.Context, t *TestCall) error {
	text, err := json.Marshal(t.Cart)
	if err != nil {
		return fmt.Errorf("write test call: %w", err)
	}
	call := t.Call()
	_, err = tx.Exec(ctx, `
		UPDATE test_calls
		SET account = $2, voice_key = $3, provider_call_id = $4, token_hash = $5, holds_line = $6, is_open = $7, cart = $8
		WHERE id = $1`,
		call.ID, call.Account, call.VoiceKey, call.ProviderCallID, call.TokenHash, call.HoldsLine, call.State.Open(), text)
	if err != nil {
		return fmt.Errorf("save test call: %w", err)
	}
	return nil
}

// TestCalls lists a shop's newest test calls.
func (db *DB) TestCalls(ctx context.Context, shop string, limit int) ([]TestCall, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT made_by, cart
		FROM test_calls
		WHERE shop = $1
		ORDER BY id DESC
		LIMIT $2`, shop, limit)
	if err != nil {
		return nil, fmt.Errorf("list test calls: %w", err)
	}
	return pgx.CollectRows(rows, scanTestCall)
}

// forgetTestCalls and andTheirCallbacks stand around a condition on test_calls.
const (
	forgetTestCalls = `
		WITH gone AS (
			DELETE FROM test_calls`
	andTheirCallbacks = `
			RETURNING id
		)
		UPDATE callbacks
		SET payload = NULL
		WHERE call_id IN (SELECT id FROM gone)`
)

// ForgetTestCalls deletes the test calls made before an instant, with what was reported of them.
func (db *DB) ForgetTestCalls(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, forgetTestCalls+`
			WHERE created_at < $1`+andTheirCallbacks, before)
	if err != nil {
		return fmt.Errorf("forget test calls: %w", err)
	}
	return nil
}
