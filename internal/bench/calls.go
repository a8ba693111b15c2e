package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"ringback/internal/sim/simvoice"
)

const (
	// callDelay is how long after the customer's last touch a cart of the calling shop falls due.
	callDelay = time.Minute
	// callGap lies between the carts that fall due one after the other and those that fall due at once.
	callGap = 1500 * time.Millisecond
	// callPatience bounds how long calls may take.
	callPatience = 3 * time.Minute
	// callSpeed is how many seconds of a call pass in one.
	callSpeed = 100
)

const groupCalls = "Calls, with many carts waiting"

// voice is a simulated voice API that notes when it was asked for calls.
type voice struct {
	url string
	sim *simvoice.Server
	end func()

	mu sync.Mutex
	// asked is when a call to a number was asked for first.
	asked map[string]time.Time
}

func newVoice() (*voice, error) {
	v := &voice{asked: map[string]time.Time{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	var err error
	v.sim, err = simvoice.New(simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "bench", Assistant: "bench", Lines: lines,
		Script: v.script, Speed: callSpeed,
		Client: &http.Client{Transport: transport, Timeout: 10 * time.Second},
	})
	if err != nil {
		return nil, err
	}
	address, end, err := serveHTTP(context.Background(), v.sim)
	if err != nil {
		v.sim.Close()
		return nil, err
	}
	v.url = "http://" + address
	v.end = func() {
		v.sim.Close()
		end()
		transport.CloseIdleConnections()
	}
	return v, nil
}

// close ends every call.
func (v *voice) close() { v.end() }

// script lets everybody pick up and talk.
func (v *voice) script(o simvoice.Order) simvoice.Behaviour {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, again := v.asked[o.Phone]; !again {
		v.asked[o.Phone] = now
	}
	return simvoice.Behaviour{}
}

// askedAt is when a call to a checkout's number was asked for; zero when it was not.
func (v *voice) askedAt(checkout int64) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked[fmt.Sprintf("+91%d", phoneOf(checkout))]
}

// callsWithFew and callsWithMany measure calls while few and many carts wait.
func (r *run) callsWithFew(ctx context.Context) error {
	// The carts that are copied.
	s := load{shop: waitingShop, connections: 8, webhooks: patterns, from: r.numbers(patterns)}
	if _, err := r.ours.send(ctx, s); err != nil {
		return err
	}
	if _, err := r.applied(ctx); err != nil {
		return err
	}
	return r.callsWith(ctx, "few", r.fewCarts)
}

func (r *run) callsWithMany(ctx context.Context) error {
	if err := r.callsWith(ctx, "many", r.manyCarts); err != nil {
		return err
	}
	r.report.Rows = append(r.report.Rows, r.callRows...)
	r.report.Rows = append(r.report.Rows, r.disk...)
	return nil
}

// callsWith measures how late carts are called and how many calls a second go through, with carts waiting beside them.
func (r *run) callsWith(ctx context.Context, id string, carts int) error {
	if err := r.fillCarts(ctx, carts); err != nil {
		return err
	}
	var late []time.Duration
	var rates []float64
	for i := range r.repeats {
		r.say("calls with %s carts waiting, %d of %d", grouped(float64(carts)), i+1, r.repeats)
		round, err := r.callRound(ctx)
		if err != nil {
			return err
		}
		late = append(late, round.late...)
		rates = append(rates, round.perSecond)
		r.say("  %.0f calls/s", round.perSecond)
	}
	slices.Sort(late)
	dials := &sent{latencies: late}
	waiting := grouped(float64(carts)) + " waiting"
	const note = "Calls per second: %s carts fall due at one instant; it ends with the last callback about the last one."
	r.callRows = append(r.callRows,
		Row{
			ID: "dial-" + id, Group: groupCalls, What: "from due to dialled, " + waiting, Value: float64(len(late)),
			Unit: "calls", P50: milliseconds(dials.quantile(0.5)), P99: milliseconds(dials.quantile(0.99)),
		},
		Row{
			ID: "calls-" + id, Group: groupCalls, What: "the whole lifecycle of calls, " + waiting, Value: median(rates),
			Unit: "calls/s", Note: fmt.Sprintf(note, grouped(float64(r.calls))),
		})
	return nil
}

// round is one measurement of calls.
type round struct {
	late      []time.Duration
	perSecond float64
}

// callRound lets some carts fall due one after the other, and then many at one instant.
func (r *run) callRound(ctx context.Context) (*round, error) {
	before, err := r.callsClosed(ctx)
	if err != nil {
		return nil, err
	}
	first := time.Now().Add(r.lead)
	due := func(n int64) time.Time { return first.Add(time.Duration(n) * r.dialEvery) }
	burst := due(int64(r.dials)).Add(callGap)
	single := load{
		shop: callingShop, connections: 32, webhooks: r.dials, from: r.numbers(r.dials),
		touched: func(n int64) time.Time { return due(n).Add(-callDelay) },
	}
	together := load{
		shop: callingShop, connections: 32, webhooks: r.calls, from: r.numbers(r.calls),
		touched: func(int64) time.Time { return burst.Add(-callDelay) },
	}
	for _, l := range []load{single, together} {
		if _, err := r.ours.send(ctx, l); err != nil {
			return nil, err
		}
	}
	if _, err := r.applied(ctx); err != nil {
		return nil, err
	}
	last, err := r.called(ctx, before+r.dials+r.calls, burst.Add(callPatience))
	if err != nil {
		return nil, err
	}
	result := &round{perSecond: float64(r.calls) / last.Sub(burst).Seconds()}
	for n := range int64(r.dials) {
		if at := r.voice.askedAt(single.from + n); !at.IsZero() {
			result.late = append(result.late, at.Sub(due(n)))
		}
	}
	return result, nil
}

func (r *run) callsClosed(ctx context.Context) (n int, err error) {
	err = r.pool.QueryRow(ctx, `SELECT count(*) FROM calls WHERE closed_at IS NOT NULL`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the calls: %w", err)
	}
	return n, nil
}

// calledEvery is how often it is looked how many calls are over.
const calledEvery = 100 * time.Millisecond

// called waits until a number of calls are closed, and returns when the last one was.
func (r *run) called(ctx context.Context, wanted int, patience time.Time) (last time.Time, err error) {
	for {
		n, err := r.callsClosed(ctx)
		switch {
		case err != nil:
			return time.Time{}, err
		case n >= wanted:
			err := r.pool.QueryRow(ctx, `SELECT max(closed_at) FROM calls`).Scan(&last)
			return last, err
		case time.Now().After(patience):
			return time.Time{}, fmt.Errorf("only %d of %d calls came to their end in time", n, wanted)
		}
		if wait(ctx, calledEvery); ctx.Err() != nil {
			return time.Time{}, ctx.Err()
		}
	}
}
