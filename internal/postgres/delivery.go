package postgres

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ringback/internal/outbound"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// DeliveryState says how far a delivery is.
type DeliveryState string

// The states of a delivery.
const (
	// DeliveryPending: it has yet to be sent, or to be sent again.
	DeliveryPending DeliveryState = "pending"
	// DeliveryDone: the endpoint took it.
	DeliveryDone DeliveryState = "delivered"
	// DeliveryFailed: it was given up.
	DeliveryFailed DeliveryState = "failed"
)

// DeliveryStates lists every state.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliveryDone, DeliveryFailed}
}

// Delivery is an event on its way to one endpoint.
type Delivery struct {
	outbound.Told
	// Stream is the cart's id; for an event about a shop, an id that stands for the shop.
	Stream uuid.UUID
	// Endpoint is the endpoint's id.
	Endpoint string
	// EventID is the id that the endpoint gets the event under: a UUIDv7, in whose order a list of deliveries is.
	EventID uuid.UUID

	State DeliveryState
	// DueAt is when a pending one is sent at the earliest.
	DueAt time.Time
	Tries int
	// FailingSince is when the first try failed.
	FailingSince *time.Time
	DoneAt       *time.Time
	Attempts     []Attempt
}

// Attempt is one try to deliver an event.
type Attempt struct {
	At time.Time `json:"at"`
	// Status is the HTTP status of the answer; 0 when there was none.
	Status int `json:"status"`
	// Error says what was wrong; "" when the endpoint took the event.
	Error string `json:"error,omitempty"`
	// Milliseconds is how long it took.
	Milliseconds int64 `json:"milliseconds"`
}

// mostAttempts is how many tries are listed of a delivery: the newest ones.
const mostAttempts = 50

const deliveryColumns = `
	stream, endpoint, seq, event_id, shop, type, call_id, digest, at, facts, state, due_at, tries, failing_since, done_at,
	attempts`

func scanDelivery(row pgx.CollectableRow) (Delivery, error) {
	var d Delivery
	var call *uuid.UUID
	err := row.Scan(
		&d.Stream, &d.Endpoint, &d.Sequence, &d.EventID, &d.Shop, &d.Type, &call, &d.Digest, &d.At, &d.Facts, &d.State,
		&d.DueAt, &d.Tries, &d.FailingSince, &d.DoneAt, &d.Attempts,
	)
	if call != nil {
		d.CallID = *call
	}
	inUTC(&d.At, &d.DueAt)
	inUTC(d.FailingSince, d.DoneAt, d.Facts.WakeAt)
	return d, err
}

// queueDeliveries adds the storing of new deliveries to a batch. They are due at once unless their DueAt says
// otherwise.
func (tx *Tx) queueDeliveries(batch *pgx.Batch, deliveries []Delivery) error {
	n := len(deliveries)
	if n == 0 {
		return nil
	}
	streams, endpoints, seqs, ids := make([]uuid.UUID, n), make([]string, n), make([]int, n), make([]uuid.UUID, n)
	shops, types, calls, digests := make([]string, n), make([]string, n), make([]*uuid.UUID, n), make([][]byte, n)
	facts, dues := make([]string, n), make([]time.Time, n)
	for i := range deliveries {
		d := &deliveries[i]
		streams[i], endpoints[i], seqs[i], ids[i] = d.Stream, d.Endpoint, d.Sequence, d.EventID
		shops[i], types[i], digests[i] = d.Shop, string(d.Type), d.Digest
		if d.CallID != uuid.Nil {
			calls[i] = &d.CallID
		}
		raw, err := json.Marshal(d.Facts)
		if err != nil {
			return fmt.Errorf("store deliveries: %w", err)
		}
		facts[i], dues[i] = string(raw), d.DueAt
		if d.DueAt.IsZero() {
			dues[i] = tx.Now
		}
	}
	batch.Queue(`
		INSERT INTO deliveries (stream, endpoint, seq, event_id, shop, type, call_id, digest, at, facts, due_at)
		SELECT stream, endpoint, seq, event_id, shop, type, call_id, digest, $11, facts::jsonb, due_at
		FROM unnest(
			$1::uuid[], $2::text[], $3::integer[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::bytea[], $9::text[],
			$10::timestamptz[]
		) AS x (stream, endpoint, seq, event_id, shop, type, call_id, digest, facts, due_at)`,
		streams, endpoints, seqs, ids, shops, types, calls, digests, facts, dues, tx.Now)
	return nil
}

// CountShopEvent numbers a new event of a shop.
func (tx *Tx) CountShopEvent(ctx context.Context, domain string) (seq int, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE shops
		SET events = events + 1
		WHERE domain = $1
		RETURNING events`, domain).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("number an event of a shop: %w", err)
	}
	return seq, nil
}

// pendingHeads are the earliest pending deliveries of some streams to an endpoint that no other transaction has locked.
const pendingHeads = `
	SELECT stream, due_at
	FROM deliveries AS d
	WHERE endpoint = $1
		AND stream = ANY ($2)
		AND state = 'pending'
		AND NOT EXISTS (
			SELECT 1
			FROM deliveries AS earlier
			WHERE earlier.stream = d.stream
				AND earlier.endpoint = d.endpoint
				AND earlier.seq < d.seq
				AND earlier.state = 'pending'
		)
	FOR UPDATE SKIP LOCKED`

// TakeDeliveries takes streams of an endpoint that are due, at most limit of them, and returns the pending deliveries
// of each in their order, at most perStream of them. Nobody else takes these streams until the instant until, or until
// the taker tells that it is done with them. more is true when there are probably others that are due.
func (db *DB) TakeDeliveries(
	ctx context.Context, endpoint string, until time.Time, limit, perStream int,
) (taken [][]Delivery, more bool, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		taken, more = nil, false
		rows, err := tx.Query(ctx, `
			SELECT stream
			FROM deliveries
			WHERE endpoint = $1 AND state = 'pending' AND due_at <= $2
			ORDER BY due_at
			LIMIT $3`, endpoint, tx.Now, limit*perStream)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil || len(found) == 0 {
			return err
		}
		streams := make([]uuid.UUID, 0, limit)
		for _, stream := range found {
			if len(streams) < limit && !slices.Contains(streams, stream) {
				streams = append(streams, stream)
			}
		}
		rows, err = tx.Query(ctx, pendingHeads, endpoint, streams)
		if err != nil {
			return err
		}
		var due, waiting []uuid.UUID
		var untils []time.Time
		var stream uuid.UUID
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&stream, &at}, func() error {
			if at.After(tx.Now) {
				waiting, untils = append(waiting, stream), append(untils, at)
			} else {
				due = append(due, stream)
			}
			return nil
		})
		if err != nil {
			return err
		}
		more = len(waiting) > 0 || len(due) == limit
		batch := &pgx.Batch{}
		if len(waiting) > 0 {
			// Events that came while an earlier one waits to be sent again are not looked at before that.
			batch.Queue(`
				UPDATE deliveries
				SET due_at = x.due_at
				FROM unnest($2::uuid[], $3::timestamptz[]) AS x (stream, due_at)
				WHERE endpoint = $1 AND deliveries.stream = x.stream AND state = 'pending' AND deliveries.due_at < x.due_at`,
				endpoint, waiting, untils)
		}
		if len(due) > 0 {
			batch.Queue(`
				UPDATE deliveries
				SET due_at = $3
				WHERE endpoint = $1 AND stream = ANY ($2) AND state = 'pending'`, endpoint, due, until)
			batch.Queue(`
				SELECT `+deliveryColumns+`
				FROM (
					SELECT `+deliveryColumns+`, row_number() OVER (PARTITION BY stream ORDER BY seq) AS place
					FROM deliveries
					WHERE endpoint = $1 AND stream = ANY ($2) AND state = 'pending'
				) AS numbered
				WHERE place <= $3
				ORDER BY stream, seq`, endpoint, due, perStream).
				Query(func(rows pgx.Rows) error {
					list, err := pgx.CollectRows(rows, scanDelivery)
					for _, d := range list {
						if n := len(taken); n == 0 || taken[n-1][0].Stream != d.Stream {
							taken = append(taken, nil)
						}
						taken[len(taken)-1] = append(taken[len(taken)-1], d)
					}
					return err
				})
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, false, fmt.Errorf("take deliveries: %w", err)
	}
	return taken, more, nil
}

// finished notes the last try of a delivery and what came of it.
const finished = `
	UPDATE deliveries
	SET state = $4,
		done_at = CASE WHEN $4 = 'pending' THEN NULL ELSE $5::timestamptz END,
		tries = tries + 1,
		failing_since = CASE WHEN $4 = 'delivered' THEN failing_since ELSE COALESCE(failing_since, $5::timestamptz) END,
		attempts = CASE WHEN jsonb_array_length(attempts) < $7 THEN attempts ELSE attempts - 0 END || $6::jsonb
	WHERE endpoint = $1 AND stream = $2 AND seq = $3 AND state = 'pending'`

// Delivered notes that an endpoint took a delivery. With leave, the taker is done with the stream.
func (tx *Tx) Delivered(ctx context.Context, d *Delivery, a Attempt, leave bool) error {
	batch := &pgx.Batch{}
	batch.Queue(finished, d.Endpoint, d.Stream, d.Sequence, DeliveryDone, tx.Now, a, mostAttempts)
	if leave {
		queueDue(batch, d, tx.Now)
	}
	batch.Queue(`
		UPDATE endpoints
		SET fails = 0, failing_since = NULL, failed_why = '', rests = 0, rest_until = NULL, delivered_at = $2
		WHERE id = $1 AND (fails > 0 OR delivered_at IS NULL OR delivered_at < $3)`,
		d.Endpoint, tx.Now, tx.Now.Add(-time.Minute))
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note a delivery: %w", err)
	}
	return nil
}

// NotDelivered notes that a try failed. The stream is due again at an instant. With giveUp, the delivery is given up,
// and the stream goes on without it.
func (tx *Tx) NotDelivered(ctx context.Context, d *Delivery, a Attempt, giveUp bool, due time.Time) error {
	state := DeliveryPending
	if giveUp {
		state = DeliveryFailed
	}
	batch := &pgx.Batch{}
	batch.Queue(finished, d.Endpoint, d.Stream, d.Sequence, state, tx.Now, a, mostAttempts)
	queueDue(batch, d, due)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note a failed delivery: %w", err)
	}
	return nil
}

// queueDue lets a stream be due at an instant.
func queueDue(batch *pgx.Batch, d *Delivery, due time.Time) {
	batch.Queue(`
		UPDATE deliveries
		SET due_at = $3
		WHERE endpoint = $1 AND stream = $2 AND state = 'pending'`, d.Endpoint, d.Stream, due)
}

// LeaveStream lets the rest of a stream that was taken be due now.
func (db *DB) LeaveStream(ctx context.Context, d *Delivery) error {
	batch := &pgx.Batch{}
	queueDue(batch, d, db.Now())
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("leave a stream: %w", err)
	}
	return nil
}

// DropDeliveries drops the deliveries of events that were made before an instant, whatever became of them.
func (db *DB) DropDeliveries(ctx context.Context, before time.Time) error {
	err := db.inPages(ctx, `
		DELETE FROM deliveries
		WHERE ctid = ANY (ARRAY(
			SELECT d.ctid
			FROM endpoints AS e
			CROSS JOIN LATERAL (
				SELECT ctid
				FROM deliveries
				WHERE endpoint = e.id AND event_id < $1
				LIMIT $2
			) AS d
			LIMIT $2
		))`, firstIDAt(before))
	if err != nil {
		return fmt.Errorf("drop deliveries: %w", err)
	}
	return nil
}

// EventIDAt makes the id of the nth event of a transaction: a UUIDv7 of the transaction's moment, in whose order the
// events happened.
func EventIDAt(at time.Time, nth int) uuid.UUID {
	id := uuid.New()
	first := firstIDAt(at)
	copy(id[:9], first[:9])
	binary.BigEndian.PutUint16(id[9:], uint16(nth))
	return id
}

// firstIDAt is the least UUIDv7 of an instant, to a microsecond (RFC 9562, section 6.2, method 3).
func firstIDAt(at time.Time) uuid.UUID {
	const version, variant = 0x7000, 0x80
	var id uuid.UUID
	micros := at.UnixMicro()
	binary.BigEndian.PutUint64(id[:8], uint64(micros/1000)<<16|version|uint64(micros%1000)<<2)
	id[8] = variant
	return id
}

// DeliveryFilter narrows a list of deliveries; zero values do not.
type DeliveryFilter struct {
	// Stream is a cart's id.
	Stream   uuid.UUID
	Endpoint string
	State    DeliveryState
	// Before is the id of the event of the last delivery of the page before.
	Before uuid.UUID
	Limit  int
}

// Deliveries lists deliveries, those of the newest events first.
func (db *DB) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	where := newFilter()
	if f.Stream != uuid.Nil {
		where.add("stream = @stream", "stream", f.Stream)
	}
	where.addIf("endpoint = @endpoint", "endpoint", f.Endpoint)
	where.addIf("state = @state", "state", string(f.State))
	if f.Before != uuid.Nil {
		where.add("event_id < @before", "before", f.Before)
	}
	where.args["limit"] = f.Limit
	rows, err := db.pool.Query(ctx, `
		SELECT `+deliveryColumns+`
		FROM deliveries
		`+where.where()+`
		ORDER BY event_id DESC, endpoint
		LIMIT @limit`, where.args)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return pgx.CollectRows(rows, scanDelivery)
}

// PendingDeliveries counts the deliveries that wait for an endpoint, up to most.
func (db *DB) PendingDeliveries(ctx context.Context, endpoint string, most int) (n int, err error) {
	err = db.pool.QueryRow(ctx, `
		SELECT count(*)
		FROM (
			SELECT 1
			FROM deliveries
			WHERE endpoint = $1 AND state = 'pending'
			LIMIT $2
		) AS pending`, endpoint, most).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	return n, nil
}

// ReplayFilter says which deliveries are sent again; zero values do not narrow them.
type ReplayFilter struct {
	Endpoint string
	// Stream is a cart's id.
	Stream uuid.UUID
	// Since and Until bound when the events happened; Until is not included.
	Since, Until time.Time
	// FailedOnly leaves out what was delivered.
	FailedOnly bool
}

// ReplayDeliveries makes deliveries pending again, except those of test events. It returns how many, and to which
// endpoints.
func (tx *Tx) ReplayDeliveries(ctx context.Context, r ReplayFilter) (n int, endpoints []string, err error) {
	f := newFilter()
	f.addIf("endpoint = @endpoint", "endpoint", r.Endpoint)
	if r.Stream != uuid.Nil {
		f.add("stream = @stream", "stream", r.Stream)
	}
	if !r.Since.IsZero() {
		f.add("event_id >= @since", "since", firstIDAt(r.Since))
	}
	if !r.Until.IsZero() {
		f.add("event_id < @until", "until", firstIDAt(r.Until))
	}
	states := []string{string(DeliveryFailed)}
	if !r.FailedOnly {
		states = append(states, string(DeliveryDone))
	}
	f.add("state = ANY (@states) AND facts ->> 'test' IS NULL", "states", states)
	f.args["now"] = tx.Now
	rows, err := tx.Query(ctx, `
		WITH again AS (
			UPDATE deliveries
			SET state = 'pending', due_at = @now, tries = 0, failing_since = NULL, done_at = NULL
			`+f.where()+`
			RETURNING endpoint
		)
		SELECT endpoint, count(*)
		FROM again
		GROUP BY endpoint`, f.args)
	if err != nil {
		return 0, nil, fmt.Errorf("replay deliveries: %w", err)
	}
	var endpoint string
	var count int
	_, err = pgx.ForEachRow(rows, []any{&endpoint, &count}, func() error {
		n, endpoints = n+count, append(endpoints, endpoint)
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("replay deliveries: %w", err)
	}
	return n, endpoints, nil
}
