package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// How lines are given out.
//
// A fill gives an assistant's free lines to its ready carts. Whenever a transaction made a cart ready or freed a line,
// its process wants a fill once it has committed; GiveLines runs the fills. A fill takes the assistant's lock for one
// transaction at a time and never waits for it: where another process holds it, the fill ends. That loses nothing,
// because a fill ends only after it looked, without the lock, and found no free line or no ready cart. So whoever held
// the lock sees what was committed meanwhile.
//
// What a process wanted when it died is found by the others, which look at intervals for free lines beside ready carts.
const (
	// fillers is how many assistants a process fills at a time, and so how many connections it uses for that.
	fillers = 4
	// linesAtOnce is how many lines one transaction gives out. Its carts are locked meanwhile.
	linesAtOnce = 20
	// fillTimeout bounds one fill.
	fillTimeout = 30 * time.Second
	// lookEvery is how often a process looks for free lines beside ready carts.
	lookEvery = 2 * time.Second
	// pausePerLine times the lines of an assistant is the least time between two fills of it by one process. With many
	// lines, some become free all the time, and are given out together.
	pausePerLine = 50 * time.Microsecond
	// passOver is for how long a cart is passed over that could not be given a line because of an error.
	passOver = 10 * time.Second
)

// fills are the fills that a process wants and runs, at most one at a time for an assistant.
type fills struct {
	mu    sync.Mutex
	queue []string
	// stages holds the assistants that are in the queue or being filled.
	stages map[string]fillStage
	// pause is the least time between two fills of an assistant, ended when its last one ended.
	pause func(assistant string) time.Duration
	ended map[string]time.Time
	// later holds when an assistant that rests is to be filled.
	later map[string]time.Time
	// passedOver holds carts that could not be given a line, until when they are passed over.
	passedOver map[uuid.UUID]time.Time
	// signal wakes the fillers. It holds one token for each of them, so none sleeps while there is something in the
	// queue.
	signal chan struct{}
}

// fillStage is how far a fill is.
type fillStage int

// The stages of a fill. An assistant without one is not wanted.
const (
	fillQueued fillStage = iota + 1
	fillRuns
	// fillRunsAgain: it is under way and must run again, because more was committed since it began.
	fillRunsAgain
)

func newFills(pause func(assistant string) time.Duration) *fills {
	return &fills{
		pause: pause, stages: map[string]fillStage{}, ended: map[string]time.Time{}, later: map[string]time.Time{},
		passedOver: map[uuid.UUID]time.Time{}, signal: make(chan struct{}, fillers),
	}
}

// want asks for an assistant's free lines to be given out. It returns at once.
func (f *fills) want(assistant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.stages[assistant] {
	case fillQueued, fillRunsAgain:
	case fillRuns:
		f.stages[assistant] = fillRunsAgain
	default:
		f.enqueue(assistant)
	}
}

// wantLater asks for it at an instant, in so long from now.
func (f *fills) wantLater(assistant string, at time.Time, in time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.later[assistant].Equal(at) {
		return
	}
	f.later[assistant] = at
	time.AfterFunc(in, func() { f.want(assistant) })
}

// enqueue puts an assistant in the queue, once the pause after its last fill is over. The mutex is held.
func (f *fills) enqueue(assistant string) {
	f.stages[assistant] = fillQueued
	wait := f.pause(assistant) - time.Since(f.ended[assistant])
	if wait <= 0 {
		f.push(assistant)
		return
	}
	time.AfterFunc(wait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.push(assistant)
	})
}

// push lets a filler take an assistant. The mutex is held.
func (f *fills) push(assistant string) {
	f.queue = append(f.queue, assistant)
	select {
	case f.signal <- struct{}{}:
	default:
	}
}

// next waits for an assistant to fill; false when ctx ends. done must follow.
func (f *fills) next(ctx context.Context) (assistant string, ok bool) {
	for ctx.Err() == nil {
		if assistant, ok = f.begin(); ok {
			return assistant, true
		}
		select {
		case <-f.signal:
		case <-ctx.Done():
		}
	}
	return "", false
}

func (f *fills) begin() (assistant string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return "", false
	}
	assistant, f.queue = f.queue[0], f.queue[1:]
	f.stages[assistant] = fillRuns
	return assistant, true
}

func (f *fills) done(assistant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended[assistant] = time.Now()
	if f.stages[assistant] == fillRunsAgain {
		f.enqueue(assistant)
	} else {
		delete(f.stages, assistant)
	}
}

// failed lets a cart be passed over for a while.
func (f *fills) failed(id uuid.UUID, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passedOver[id] = until
}

// skipped lists the carts that are passed over.
func (f *fills) skipped(now time.Time) []uuid.UUID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var skip []uuid.UUID
	for id, until := range f.passedOver {
		if now.Before(until) {
			skip = append(skip, id)
		} else {
			delete(f.passedOver, id)
		}
	}
	return skip
}

// pool is an assistant's lines as they are configured.
type pool struct {
	assistant string
	// account is the one that its calls are placed with.
	account string
	lines   int
	// maxWait is how long a cart may be passed over for more valuable ones.
	maxWait time.Duration
}

// newPools gathers the assistants of the stores. Stores that share one agree on its lines.
func newPools(stores []*Store) map[string]pool {
	pools := map[string]pool{}
	for _, s := range stores {
		key := s.Rules.Voice.Assistant
		if _, known := pools[key]; !known {
			v := s.Config.Voice
			pools[key] = pool{assistant: key, account: AccountOf(s), lines: v.Lines, maxWait: v.MaxWait}
		}
	}
	return pools
}

// GiveLines runs the fills that this process wants, until ctx ends. With look, it also finds those that nobody runs.
func (e *Engine) GiveLines(ctx context.Context, look bool) {
	var group errgroup.Group
	for range fillers {
		group.Go(func() error {
			for {
				assistant, ok := e.fills.next(ctx)
				if !ok {
					return nil
				}
				e.fill(ctx, assistant)
				e.fills.done(assistant)
			}
		})
	}
	if look {
		group.Go(func() error {
			e.lookForLines(ctx)
			return nil
		})
	}
	_ = group.Wait()
}

// lookForLines wants a fill of every assistant that has a free line and a ready cart, at intervals until ctx ends.
func (e *Engine) lookForLines(ctx context.Context) {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		waited, err := e.db.WaitedFor(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "free lines were not looked for", "error", err)
		}
		for _, a := range waited {
			if a.Busy < e.pools()[a.Assistant].lines {
				e.fills.want(a.Assistant)
			}
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// FillLines does what a fill_lines job of the program before asks for.
func (e *Engine) FillLines(ctx context.Context, assistant string) error {
	if err := e.db.ForgetFill(ctx, assistant); err != nil {
		return err
	}
	e.fills.want(assistant)
	return nil
}

// fill gives out an assistant's free lines and logs what goes wrong.
func (e *Engine) fill(ctx context.Context, assistant string) {
	p, known := e.pools()[assistant]
	if !known {
		// Left to a process that knows the assistant.
		return
	}
	// A process that is told to stop finishes the transaction that it is in.
	stop := ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTimeout)
	defer cancel()
	skip, most := e.fills.skipped(e.db.Now()), linesAtOnce
	for {
		select {
		case <-stop:
			return
		default:
		}
		give, rests, err := e.db.LinesToGive(ctx, assistant, p.account, p.lines, skip)
		if rests != nil {
			e.fills.wantLater(assistant, *rests, rests.Sub(e.db.Now()))
			return
		}
		var g giving
		if err == nil && give {
			g, err = e.giveLines(ctx, p, skip, most)
		}
		switch {
		case err != nil && len(g.looked) > 1:
			// One of the carts is to blame. It keeps no other from being called.
			most = 1
		case err != nil && len(g.looked) == 1 && ctx.Err() == nil:
			e.log.WarnContext(ctx, "a cart was passed over", "cart", g.looked[0], "error", err)
			e.fills.failed(g.looked[0], e.db.Now().Add(passOver))
			skip, most = append(skip, g.looked[0]), linesAtOnce
		case err != nil:
			e.log.WarnContext(ctx, "lines were not given out", "error", err)
			return
		case len(g.looked) == 0:
			return
		}
		skip = append(skip, g.left...)
	}
}

// giving is what one transaction of a fill did.
type giving struct {
	// looked are the carts that it offered a line; left are those of them that stay as they are, for example because
	// webhooks of their shop wait.
	looked, left []uuid.UUID
}

// giveLines gives free lines to ready carts in one transaction, to most of them at most. It looks at no cart when no
// line is free, no cart is ready, or another transaction gives out the assistant's lines.
func (e *Engine) giveLines(ctx context.Context, p pool, skip []uuid.UUID, most int) (giving, error) {
	var g giving
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		g = giving{}
		use, locked, err := u.LockLines(ctx, p.assistant, p.account)
		if err != nil || !locked {
			return err
		}
		free, err := u.freeLines(ctx, p, use)
		if err != nil || free <= 0 {
			return err
		}
		g.looked, err = u.NextReady(ctx, p.assistant, u.Now.Add(-p.maxWait), skip, min(free, most))
		if err != nil || len(g.looked) == 0 {
			return err
		}
		carts, err := u.LockedCarts(ctx, g.looked)
		if err != nil {
			return err
		}
		phones := make([]string, len(carts))
		for i, c := range carts {
			phones[i] = c.Phone
		}
		// No cap is passed by two shops' calls at once.
		if err := u.LockPhones(ctx, phones); err != nil {
			return err
		}
		if err := u.giveEach(ctx, carts); err != nil {
			return err
		}
		for _, c := range carts {
			if c.State == cart.Ready {
				g.left = append(g.left, c.ID)
			}
		}
		return nil
	})
	if err != nil {
		g.left = nil
	}
	return g, err
}

// giveEach offers a free line to each of some carts. What follows is stored for all of them at once, but before a cart
// is decided on whose facts depend on it.
func (u *unit) giveEach(ctx context.Context, carts []*postgres.Cart) error {
	shops := map[string]postgres.Shop{}
	for _, c := range carts {
		if _, read := shops[c.Shop]; read {
			continue
		}
		s, err := u.Shop(ctx, c.Shop)
		if err != nil {
			return err
		}
		shops[c.Shop] = s
	}
	u.deferred = newDeferred(shops)
	for _, c := range carts {
		if err := u.storeWhatMeets(ctx, c); err != nil {
			return err
		}
		if err := u.giveLine(ctx, c); err != nil {
			return fmt.Errorf("give a line to cart %s: %w", c.ID, err)
		}
	}
	return u.flush(ctx)
}

// meets names what the facts about a cart share with those about others: the keys of its person, and its shop where
// that limits calls or offers.
func (u *unit) meets(ctx context.Context, c *postgres.Cart) ([]string, error) {
	store := u.engine.stores[c.Shop]
	if store == nil {
		return nil, nil
	}
	u.tellPerson(c, &c.Cart)
	names, err := u.ReachOfCart(ctx, c)
	if rules := store.Rules.Policy; rules.Caps.DailyCalls > 0 || rules.OfferBudget.Monthly != nil {
		names = append(names, "shop "+c.Shop)
	}
	return names, err
}

// freeLines is how many lines may be given out. An account that answered 429 is tried with one call before it gets the
// others.
func (u *unit) freeLines(ctx context.Context, p pool, use postgres.LineUse) (int, error) {
	free := p.lines - use.Busy
	if use.Rest.Until.After(u.Now) {
		return 0, nil
	}
	if use.Rest.Refusals == 0 || free <= 0 {
		return free, nil
	}
	tried, err := u.PlacingSince(ctx, p.assistant, u.Now.Add(-tryFor))
	return min(free, 1-tried), err
}

// giveLine offers a free line to a ready cart.
func (u *unit) giveLine(ctx context.Context, c *postgres.Cart) error {
	if u.engine.stores[c.Shop] == nil {
		return nil
	}
	queried, err := u.queriedFacts(ctx, c, uuid.Nil)
	if errors.Is(err, errWebhooksWait) {
		// Whoever acts upon them asks for another fill.
		return nil
	}
	if err != nil {
		return err
	}
	waited := u.Now
	if c.ReadyAt != nil {
		waited = *c.ReadyAt
	}
	did, err := u.apply(ctx, c, cart.LineFree{CallID: uuid.Must(uuid.NewV7())}, queried)
	if err != nil {
		return err
	}
	if c.State == cart.Calling && did.moved {
		u.counts = append(u.counts, func(m *Metrics) { m.lineGiven(c.Shop, u.Now.Sub(waited)) })
	}
	return nil
}
