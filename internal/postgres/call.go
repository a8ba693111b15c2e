package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A list of calls leaves the transcripts out.
const (
	callColumns   = listedColumns + `, transcript`
	listedCall    = listedColumns + `, ''`
	listedColumns = `
	id, cart_id, shop, attempt, state, outcome, provider, assistant, holds_line, provider_call_id, token_hash, phone,
	offer, priority, created_at, ready_at, sent_at, placed_at, answered_at, ended_at, closed_at, heard_at, watch_at, abort_at,
	abort_reason, aborted_at, dials, dial_starts, redials, rescheduled, seen, digests, duration_seconds, summary,
	recording_url, required_actions, insights, credits_used, error, COALESCE(account, ''), COALESCE(voice_key, ''),
	picked_up_at, consent, analysis, abandon_reason, offer_fate`
)

func scanCall(row pgx.CollectableRow) (cart.Call, error) {
	var c cart.Call
	err := row.Scan(
		&c.ID, &c.CartID, &c.Shop, &c.Attempt, &c.State, &c.Outcome, &c.Provider, &c.Assistant, &c.HoldsLine,
		&c.ProviderCallID, &c.TokenHash, &c.Phone, &c.Offer, &c.Priority, &c.CreatedAt, &c.ReadyAt, &c.SentAt, &c.PlacedAt,
		&c.AnsweredAt, &c.EndedAt, &c.ClosedAt, &c.HeardAt, &c.WatchAt, &c.AbortAt, &c.AbortReason, &c.AbortedAt,
		&c.Dials, &c.DialStarts, &c.Redials, &c.Rescheduled, &c.Seen, &c.Digests, &c.DurationSeconds, &c.Summary,
		&c.RecordingURL, &c.RequiredActions, &c.Insights, &c.CreditsUsed, &c.Error, &c.Account, &c.VoiceKey, &c.PickedUpAt,
		&c.Consent,
		&c.Analysis, &c.AbandonReason, &c.OfferFate, &c.Transcript,
	)
	inUTC(&c.CreatedAt)
	inUTC(c.ReadyAt, c.SentAt, c.PlacedAt, c.PickedUpAt, c.AnsweredAt, c.EndedAt, c.ClosedAt, c.HeardAt, c.WatchAt)
	inUTC(c.AbortAt, c.AbortedAt)
	for i := range c.DialStarts {
		inUTC(&c.DialStarts[i])
	}
	return c, err
}

func callsOf(ctx context.Context, q querier, cartID uuid.UUID) ([]cart.Call, error) {
	rows, err := q.Query(ctx, `
		SELECT `+callColumns+`
		FROM calls
		WHERE cart_id = $1
		ORDER BY id`, cartID)
	if err != nil {
		return nil, fmt.Errorf("load calls: %w", err)
	}
	calls, err := pgx.CollectRows(rows, scanCall)
	if err != nil {
		return nil, fmt.Errorf("load calls: %w", err)
	}
	return calls, nil
}

// querier is what a pool and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// queueCalls adds the storing of the calls that are new or changed.
func (tx *Tx) queueCalls(batch *pgx.Batch, calls, before []cart.Call) {
	old := make(map[uuid.UUID]*cart.Call, len(before))
	for i := range before {
		old[before[i].ID] = &before[i]
	}
	for i := range calls {
		c := &calls[i]
		if was, ok := old[c.ID]; ok && was.Equal(c) {
			continue
		}
		batch.Queue(`
			INSERT INTO calls (
				id, cart_id, shop, attempt, state, outcome, provider, assistant, holds_line, provider_call_id, token_hash,
				phone, phone_key, offer, priority, created_at, ready_at, sent_at, placed_at, answered_at, ended_at, closed_at,
				heard_at, watch_at, abort_at, abort_reason, aborted_at, dials, dial_starts, redials, rescheduled, seen, digests,
				duration_seconds, summary, recording_url, required_actions, insights, credits_used, error, account, voice_key,
				picked_up_at, consent, analysis, transcript, abandon_reason, offer_fate
			)
			VALUES (
				@id, @cart_id, @shop, @attempt, @state, @outcome, @provider, @assistant, @holds_line, @provider_call_id,
				@token_hash, @phone, @phone_key, @offer, @priority, @created_at, @ready_at, @sent_at, @placed_at, @answered_at,
				@ended_at, @closed_at, @heard_at, @watch_at, @abort_at, @abort_reason, @aborted_at, @dials, @dial_starts, @redials,
				@rescheduled, @seen, @digests, @duration_seconds, @summary, @recording_url, @required_actions, @insights,
				@credits_used, @error, NULLIF(@account, ''), NULLIF(@voice_key, ''), @picked_up_at, @consent, @analysis,
				@transcript, @abandon_reason, @offer_fate
			)
			ON CONFLICT (id) DO UPDATE
			SET attempt = excluded.attempt,
				state = excluded.state,
				outcome = excluded.outcome,
				provider = excluded.provider,
				account = excluded.account,
				voice_key = excluded.voice_key,
				holds_line = excluded.holds_line,
				provider_call_id = excluded.provider_call_id,
				token_hash = excluded.token_hash,
				phone = excluded.phone,
				offer = excluded.offer,
				consent = excluded.consent,
				sent_at = excluded.sent_at,
				placed_at = excluded.placed_at,
				picked_up_at = excluded.picked_up_at,
				answered_at = excluded.answered_at,
				ended_at = excluded.ended_at,
				closed_at = excluded.closed_at,
				heard_at = excluded.heard_at,
				watch_at = excluded.watch_at,
				abort_at = excluded.abort_at,
				abort_reason = excluded.abort_reason,
				aborted_at = excluded.aborted_at,
				dials = excluded.dials,
				dial_starts = excluded.dial_starts,
				redials = excluded.redials,
				rescheduled = excluded.rescheduled,
				seen = excluded.seen,
				digests = excluded.digests,
				duration_seconds = excluded.duration_seconds,
				summary = excluded.summary,
				recording_url = excluded.recording_url,
				required_actions = excluded.required_actions,
				insights = excluded.insights,
				analysis = excluded.analysis,
				transcript = excluded.transcript,
				abandon_reason = excluded.abandon_reason,
				offer_fate = excluded.offer_fate,
				credits_used = excluded.credits_used,
				error = excluded.error`,
			pgx.StrictNamedArgs{
				"id": c.ID, "cart_id": c.CartID, "shop": c.Shop, "attempt": c.Attempt, "state": c.State,
				"outcome": c.Outcome, "provider": c.Provider, "assistant": c.Assistant, "holds_line": c.HoldsLine,
				"provider_call_id": c.ProviderCallID, "token_hash": c.TokenHash, "phone": c.Phone,
				"phone_key": notNil(tx.hasher.Phone(c.Phone)), "offer": c.Offer, "priority": c.Priority,
				"created_at": c.CreatedAt, "ready_at": c.ReadyAt, "sent_at": c.SentAt, "placed_at": c.PlacedAt,
				"picked_up_at": c.PickedUpAt, "answered_at": c.AnsweredAt,
				"consent":  c.Consent,
				"ended_at": c.EndedAt, "closed_at": c.ClosedAt, "heard_at": c.HeardAt, "watch_at": c.WatchAt,
				"abort_at": c.AbortAt, "abort_reason": c.AbortReason, "aborted_at": c.AbortedAt, "dials": c.Dials,
				"dial_starts": c.DialStarts, "redials": c.Redials, "account": c.Account, "voice_key": c.VoiceKey,
				"rescheduled": c.Rescheduled, "seen": orEmpty(c.Seen), "digests": orEmpty(c.Digests),
				"duration_seconds": c.DurationSeconds, "summary": c.Summary, "recording_url": c.RecordingURL,
				"required_actions": orEmpty(c.RequiredActions), "insights": c.Insights, "credits_used": c.CreditsUsed,
				"analysis": c.Analysis, "transcript": c.Transcript, "abandon_reason": c.AbandonReason, "offer_fate": c.OfferFate,
				"error": c.Error,
			})
	}
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// CallRef names a call and its cart, and whom it was placed with.
type CallRef struct {
	CallID    uuid.UUID
	CartID    uuid.UUID
	Shop      string
	Provider  string
	Assistant string
	// Account and VoiceKey are those of cart.Call.
	Account  string
	VoiceKey string
	// Test is true for a test call. It has no cart in the database: CartID is CallID.
	Test bool
}

const (
	callRefColumns = `id, cart_id, shop, provider, assistant, COALESCE(account, '') AS account,
			COALESCE(voice_key, '') AS voice_key, false AS test`
	testRefColumns = `id, id AS cart_id, shop, provider, assistant, account, voice_key, true AS test`
)

// CallByToken finds the call that a callback token was handed out with; ErrNotFound for an unknown one.
func (db *DB) CallByToken(ctx context.Context, hash []byte) (CallRef, error) {
	return db.callRef(ctx, `
		SELECT `+callRefColumns+`
		FROM calls
		WHERE token_hash = $1
		UNION ALL
		SELECT `+testRefColumns+`
		FROM test_calls
		WHERE token_hash = $1`, hash)
}

// CallRef finds a call by our id; ErrNotFound when there is none.
func (db *DB) CallRef(ctx context.Context, id uuid.UUID) (CallRef, error) {
	return db.callRef(ctx, `
		SELECT `+callRefColumns+`
		FROM calls
		WHERE id = $1
		UNION ALL
		SELECT `+testRefColumns+`
		FROM test_calls
		WHERE id = $1`, id)
}

// CallToPlace is a call that is about to be placed.
type CallToPlace struct {
	CallRef
	// LastActivityAt is when its customer was last heard of.
	LastActivityAt time.Time
	// UniqueOffer is true when its offer asks for a code of its own.
	UniqueOffer bool
}

// CallToPlace finds a call by our id; ErrNotFound when there is none.
func (db *DB) CallToPlace(ctx context.Context, id uuid.UUID) (CallToPlace, error) {
	c := CallToPlace{CallRef: CallRef{CallID: id}}
	err := db.pool.QueryRow(ctx, `
		SELECT calls.cart_id, calls.shop, carts.last_activity_at, COALESCE((calls.offer ->> 'unique')::boolean, false)
		FROM calls
		JOIN carts ON carts.id = calls.cart_id
		WHERE calls.id = $1`, id).Scan(&c.CartID, &c.Shop, &c.LastActivityAt, &c.UniqueOffer)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("find a call to place: %w", err)
	}
	return c, nil
}

// CallByProviderID finds a call by the provider's id; ErrNotFound when there is none.
func (db *DB) CallByProviderID(ctx context.Context, provider, id string) (CallRef, error) {
	return db.callRef(ctx, `
		(
			SELECT `+callRefColumns+`
			FROM calls
			WHERE provider = $1 AND provider_call_id = $2
			ORDER BY id DESC
			LIMIT 1
		)
		UNION ALL
		SELECT `+testRefColumns+`
		FROM test_calls
		WHERE provider = $1 AND provider_call_id = $2
		LIMIT 1`, provider, id)
}

// OpenCallTo finds the one call of some assistants to a phone that is still open; ErrNotFound when there is none, or
// more than one.
func (db *DB) OpenCallTo(ctx context.Context, assistants []string, phone string) (CallRef, error) {
	key := db.hasher.Phone(phone)
	if key == nil {
		return CallRef{}, ErrNotFound
	}
	return db.callRef(ctx, `
		WITH open AS (
			SELECT `+callRefColumns+`
			FROM calls
			WHERE phone_key = $1 AND assistant = ANY ($2) AND state NOT IN ('closed', 'rejected')
			UNION ALL
			SELECT `+testRefColumns+`
			FROM test_calls
			WHERE phone_key = $1 AND assistant = ANY ($2) AND is_open
		)
		SELECT id, cart_id, shop, provider, assistant, account, voice_key, test
		FROM open
		WHERE (SELECT count(*) FROM open) = 1`, key, orEmpty(assistants))
}

func (db *DB) callRef(ctx context.Context, query string, args ...any) (CallRef, error) {
	rows, err := db.pool.Query(ctx, query, args...)
	if err != nil {
		return CallRef{}, fmt.Errorf("find call: %w", err)
	}
	ref, err := nilIfNone(pgx.CollectRows(rows, pgx.RowToStructByPos[CallRef]))
	if err != nil {
		return CallRef{}, fmt.Errorf("find call: %w", err)
	}
	if ref == nil {
		return CallRef{}, ErrNotFound
	}
	return *ref, nil
}

// AssistantToken is a callback URL that was handed out for a whole assistant.
type AssistantToken struct {
	// Hash is the SHA-256 of the URL's secret part.
	Hash      []byte
	Provider  string
	Assistant string
}

// NoteAssistantTokens remembers URLs, so that they stay known when the configuration has forgotten them.
func (db *DB) NoteAssistantTokens(ctx context.Context, tokens []AssistantToken) error {
	batch := &pgx.Batch{}
	for _, t := range tokens {
		batch.Queue(`
			INSERT INTO assistant_tokens (token_hash, provider, assistant, noted_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (token_hash) DO NOTHING`, t.Hash, t.Provider, t.Assistant, db.Now())
	}
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note assistants' tokens: %w", err)
	}
	return nil
}

// AssistantOfToken finds the assistant that a URL was handed out for; ErrNotFound for an unknown one.
func (db *DB) AssistantOfToken(ctx context.Context, hash []byte) (AssistantToken, error) {
	t := AssistantToken{Hash: hash}
	err := db.pool.QueryRow(ctx, `
		SELECT provider, assistant
		FROM assistant_tokens
		WHERE token_hash = $1`, hash).Scan(&t.Provider, &t.Assistant)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("find an assistant's token: %w", err)
	}
	return t, nil
}

// LastOutcomes lists the shop's newest calls that came to an outcome, newest first, of those made since an instant when
// that is not nil. Uncertain calls are among them with an empty outcome, rejected ones with what the provider made of
// them.
func (tx *Tx) LastOutcomes(ctx context.Context, shop string, since *time.Time, limit int) ([]cart.Call, error) {
	f := newFilter()
	f.add("shop = @shop", "shop", shop)
	if since != nil {
		f.add("created_at >= @since", "since", *since)
	}
	f.args["limit"] = limit
	rows, err := tx.Query(ctx, `
		SELECT `+listedCall+`
		FROM calls
		`+f.where()+`
			AND (state IN ('closed', 'uncertain') OR state = 'rejected' AND error <> '')
		ORDER BY id DESC
		LIMIT @limit`, f.args)
	if err != nil {
		return nil, fmt.Errorf("list outcomes: %w", err)
	}
	return pgx.CollectRows(rows, scanCall)
}

// Calls lists calls, newest first, of one shop or, with shop "", of all, older than the id before.
func (db *DB) Calls(ctx context.Context, shop string, before uuid.UUID, limit int) ([]cart.Call, error) {
	f := newFilter()
	f.addIf("shop = @shop", "shop", shop)
	f.olderThan(before)
	f.args["limit"] = limit
	rows, err := db.pool.Query(ctx, `
		SELECT `+listedCall+`
		FROM calls
		`+f.where()+`
		ORDER BY id DESC
		LIMIT @limit`, f.args)
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	return pgx.CollectRows(rows, scanCall)
}
