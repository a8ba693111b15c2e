package engine

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"ringback/internal/cart"
	"ringback/internal/outbound"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"
)

// How events are delivered.
//
// The deliveries of one cart to one endpoint are a stream. A deliver_events job takes streams of its endpoint that are
// due, sends the events of each in their order, one after the other, and different streams side by side. A stream
// belongs to one job at a time; should the job die, it is due again after takenFor. An event that fails holds up its
// own stream alone, and is given up after a day. When many streams fail in a row, the endpoint rests, and a few are
// tried then. One that has failed for a day is switched off until an operator switches it on again.
//
// Jobs are few, whatever the number of events: at most lanes for an endpoint at a time. Whoever has stored deliveries
// asks for one; processes with workers also look at intervals for what is due.
const (
	// lanes is how many jobs send to one endpoint at a time.
	lanes = 4
	// lanePeriod is how often a lane of an endpoint may get another job while one is under way: that one may belong to a
	// process that died.
	lanePeriod = 15 * time.Second
	// streamsAtOnce is how many streams a job sends side by side, and eventsAtOnce how many events of a stream it takes.
	streamsAtOnce = 32
	eventsAtOnce  = 20
	// probes is how many streams are tried after a rest.
	probes = 3
	// takenFor is for how long a stream belongs to a job. The job begins no request later than workFor after it has taken
	// the stream.
	takenFor = 40 * time.Second
	workFor  = 15 * time.Second
	// nudgeEvery and lookEvents are how often jobs are asked for at most, and how often each process looks for what is
	// due.
	nudgeEvery = 50 * time.Millisecond
	lookEvents = time.Second

	// firstBackOff doubles with each try that fails, up to longestBackOff.
	firstBackOff   = 5 * time.Second
	longestBackOff = time.Hour
	// giveUpAfter is how long an event is tried, and how long an endpoint may fail before it is switched off.
	giveUpAfter = 24 * time.Hour
	// failsInARow is how many deliveries must fail in a row for an endpoint to rest, and longestRest how long at most.
	failsInARow = 5
	longestRest = 10 * time.Minute
)

// nudges are the endpoints that this process has stored deliveries for.
type nudges struct {
	mu        sync.Mutex
	endpoints map[string]bool
	signal    chan struct{}
}

func newNudges() nudges {
	return nudges{endpoints: map[string]bool{}, signal: make(chan struct{}, 1)}
}

// add asks for a job for each of some endpoints. It returns at once.
func (n *nudges) add(endpoints map[string]bool) {
	if len(endpoints) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for id := range endpoints {
		n.endpoints[id] = true
	}
	select {
	case n.signal <- struct{}{}:
	default:
	}
}

func (n *nudges) take() []postgres.DueEndpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	var due []postgres.DueEndpoint
	for id := range n.endpoints {
		due = append(due, postgres.DueEndpoint{ID: id, Due: 1})
	}
	clear(n.endpoints)
	return due
}

// AskForDeliveries inserts the jobs that deliver what this process has stored, until ctx ends. With look, it also finds
// what is due by itself, such as what failed before.
func (e *Engine) AskForDeliveries(ctx context.Context, look bool) {
	if !e.endpoints.any() {
		return
	}
	looks := time.NewTicker(lookEvents)
	defer looks.Stop()
	pause := time.NewTicker(nudgeEvery)
	defer pause.Stop()
	for {
		var due []postgres.DueEndpoint
		var err error
		select {
		case <-e.nudges.signal:
			due = e.nudges.take()
		case <-looks.C:
			if look {
				due, err = e.db.DueEndpoints(ctx, e.endpoints.ids(), streamsAtOnce*lanes)
			}
		case <-ctx.Done():
			return
		}
		if err == nil && len(due) > 0 {
			err = e.insertDeliveries(ctx, due)
		}
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "events wait to be delivered; they will be looked for again", "error", err)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

// insertDeliveries inserts jobs for endpoints with something to deliver: the more is due, the more lanes.
func (e *Engine) insertDeliveries(ctx context.Context, due []postgres.DueEndpoint) error {
	var jobs []river.InsertManyParams
	period := time.Now().Unix() / int64(lanePeriod.Seconds())
	for _, d := range due {
		for lane := range min((d.Due+streamsAtOnce-1)/streamsAtOnce, lanes) {
			jobs = append(jobs, river.InsertManyParams{Args: DeliverEvents{Endpoint: d.ID, Lane: lane, Period: period}})
		}
	}
	_, err := e.river.InsertMany(ctx, jobs)
	return err
}

// DeliverEvents sends what is due to an endpoint, for some seconds at most.
func (e *Engine) DeliverEvents(ctx context.Context, endpoint string) error {
	p := e.endpoints.byID[endpoint]
	if p == nil {
		// What is due stays so, for a process that knows the endpoint.
		return nil
	}
	for until := time.Now().Add(workFor); time.Now().Before(until); {
		state, err := e.db.Endpoint(ctx, endpoint)
		if err != nil {
			return err
		}
		now := e.db.Now()
		if state.OffAt != nil || state.RestUntil != nil && state.RestUntil.After(now) {
			return nil
		}
		streams := streamsAtOnce
		if state.RestUntil != nil {
			streams = probes
		}
		taken, more, err := e.db.TakeDeliveries(ctx, endpoint, now.Add(takenFor), streams, eventsAtOnce)
		if err != nil || len(taken) == 0 && !more {
			return err
		}
		delivered, err := e.sendStreams(ctx, p, taken)
		if err != nil {
			return err
		}
		if delivered && state.RestUntil != nil {
			if err := e.db.EndpointBack(ctx, endpoint, e.db.Now().Add(takenFor)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendStreams sends the events of streams, and reports whether any was taken.
func (e *Engine) sendStreams(ctx context.Context, p *Endpoint, streams [][]postgres.Delivery) (bool, error) {
	var some atomic.Bool
	var group errgroup.Group
	until := time.Now().Add(workFor)
	for _, stream := range streams {
		group.Go(func() error {
			for i := range stream {
				if time.Now().After(until) {
					return e.db.LeaveStream(ctx, &stream[i])
				}
				taken, err := e.deliver(ctx, p, &stream[i], i == len(stream)-1)
				if err != nil || !taken {
					return err
				}
				some.Store(true)
			}
			return nil
		})
	}
	err := group.Wait()
	return some.Load(), err
}

// deliver sends one event and notes what came of it. It reports whether the endpoint took it. With last, the stream is
// left afterwards.
func (e *Engine) deliver(ctx context.Context, p *Endpoint, d *postgres.Delivery, last bool) (bool, error) {
	body, err := e.bodyOf(ctx, d)
	if errors.Is(err, postgres.ErrNotFound) {
		gone := postgres.Attempt{At: e.db.Now(), Error: "there is nothing left to tell"}
		return true, e.inTx(ctx, func(ctx context.Context, u *unit) error {
			return u.NotDelivered(ctx, d, gone, true, u.Now)
		})
	}
	if err != nil {
		return false, err
	}
	began, at := time.Now(), e.db.Now()
	a := p.send(ctx, d.EventID.String(), at, body)
	if ctx.Err() != nil && a.status == 0 {
		// The process stops; nothing is known of the endpoint.
		return false, ctx.Err()
	}
	try := postgres.Attempt{At: at, Status: a.status, Error: a.wrong, Milliseconds: time.Since(began).Milliseconds()}
	if a.wrong != "" {
		return false, e.notDelivered(ctx, p, d, try, a)
	}
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		u.counts = append(u.counts, func(m *Metrics) { m.delivered(p.Host, "delivered") })
		if !a.takenOver || d.Type.OfShop() || d.Facts.Test {
			return u.Delivered(ctx, d, try, last)
		}
		c, err := u.CartForUpdate(ctx, d.Stream)
		if err != nil {
			return err
		}
		if err := u.Delivered(ctx, d, try, last); err != nil {
			return err
		}
		_, err = u.apply(ctx, c, cart.TakenOver{}, nil)
		return err
	})
	return err == nil, err
}

// notDelivered notes that a try failed, and what follows for the event and for the endpoint.
func (e *Engine) notDelivered(
	ctx context.Context, p *Endpoint, d *postgres.Delivery, try postgres.Attempt, a answer,
) error {
	var state postgres.Endpoint
	var switched, gaveUp bool
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		if d.Facts.Test {
			// It says nothing of how the endpoint takes real events, and is not sent again.
			return u.NotDelivered(ctx, d, try, true, u.Now)
		}
		off := u.Now.Add(-giveUpAfter)
		if a.status == http.StatusGone {
			// By the Standard Webhooks specification, the endpoint wants nothing any more.
			off = u.Now
		}
		rest := func(nth int) time.Time { return u.Now.Add(max(backOff(nth, longestRest), a.retryAfter)) }
		state, switched, err = u.EndpointFails(ctx, p.ID, a.wrong, failsInARow, rest, off)
		if err != nil {
			return err
		}
		gaveUp = state.OffAt == nil && d.FailingSince != nil && !d.FailingSince.After(u.Now.Add(-giveUpAfter))
		due := u.Now.Add(max(backOff(d.Tries+1, longestBackOff), a.retryAfter))
		if gaveUp {
			due = u.Now
		}
		u.counts = append(u.counts, func(m *Metrics) { m.delivered(p.Host, "failed") })
		return u.NotDelivered(ctx, d, try, gaveUp, due)
	})
	if err != nil {
		return err
	}
	if gaveUp {
		e.log.WarnContext(ctx, "an event was given up after a day", "endpoint", p.ID, "host", p.Host, "event", d.EventID,
			"type", d.Type, "why", a.wrong)
	}
	if switched {
		e.log.ErrorContext(ctx, "an endpoint was switched off; switch it on again when it works",
			"endpoint", p.ID, "host", p.Host, "failing_since", state.FailingSince, "why", a.wrong)
	}
	return nil
}

// backOff is how long to wait after the nth failure in a row, up to a bound. Chance spreads what failed together.
func backOff(nth int, longest time.Duration) time.Duration {
	wait := min(firstBackOff<<min(nth-1, 20), longest)
	return wait - time.Duration(rand.Int64N(int64(wait)/10))
}

// bodyOf makes what is sent of an event. Whatever is personal is read now, so that nothing is sent that was erased.
func (e *Engine) bodyOf(ctx context.Context, d *postgres.Delivery) ([]byte, error) {
	if d.Facts.Test {
		return json.Marshal(outbound.Sample(d.Told))
	}
	if d.Type.OfShop() {
		shop, err := e.Shop(ctx, d.Shop)
		if err != nil {
			return nil, err
		}
		var until *time.Time
		if d.Type == outbound.BreakerTripped && shop.BreakerAt != nil && shop.BreakerAt.Equal(d.At) {
			until = shop.BreakerUntil
		}
		return json.Marshal(outbound.OfWholeShop(d.Told, until))
	}
	c, err := e.db.Cart(ctx, d.Stream)
	if err != nil {
		return nil, err
	}
	var action json.RawMessage
	if d.Type == outbound.CallAction && d.CallID != uuid.Nil {
		payload, err := e.db.CallbackPayload(ctx, d.CallID, d.Digest)
		switch {
		case err == nil && json.Valid(payload):
			action = payload
		case err != nil && !errors.Is(err, postgres.ErrNotFound):
			return nil, err
		}
	}
	var utm policy.UTM
	if store := e.stores[d.Shop]; store != nil {
		utm = store.Rules.Policy.Link
	}
	return json.Marshal(outbound.OfCart(d.Told, &c.Cart, utm, action))
}
