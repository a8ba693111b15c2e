package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
)

const (
	// appliers is how many transactions apply kept webhooks at a time in a process. One computes while the other waits for
	// the database.
	appliers = 2
	// appliedTogether is about how many webhooks one transaction applies.
	appliedTogether = 256
	// applyEvery is how often each process looks for kept webhooks that nobody has told it of.
	applyEvery = 500 * time.Millisecond
	// applyWithin bounds one transaction that applies webhooks.
	applyWithin = 30 * time.Second
	// linger is how long webhooks may wait for the appliers while so many come that keeping them needs the machine: those
	// that come meanwhile about the same checkouts are applied together.
	linger = time.Second
	// shortLinger is the same while others come one by one.
	shortLinger = 100 * time.Millisecond
	// mostQueued is how many webhooks may wait to be applied, by what this process has kept, before it keeps others more
	// slowly.
	mostQueued = 10_000
	// applyTries is how often a webhook is tried that fails for a reason that may pass.
	applyTries = 5
)

// IntakeConns is how many connections the intake of a process uses at most. It has them for itself: jobs cannot use
// them up.
const IntakeConns = keepers + appliers + changers

// applier applies kept webhooks to their carts. See RunIntake.
type applier struct {
	// next is the part of the queue that the next round begins with.
	next atomic.Int64
	// work is signalled when webhooks were kept; it holds one signal for each applier.
	work chan struct{}
	mu   sync.Mutex
	// average is how many webhooks a row of the queue held lately.
	average float64
	// queued is how many webhooks this process has kept, and not seen applied, since an instant.
	queued int
	since  time.Time
	active int
	// room is closed when fewer are queued than before.
	room chan struct{}
}

func newApplier() applier {
	return applier{work: make(chan struct{}, appliers), average: 1, room: make(chan struct{})}
}

// kept tells the appliers that webhooks were kept.
func (a *applier) kept(n int) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	if a.queued == 0 {
		a.since = time.Now()
	}
	a.queued += n
	a.mu.Unlock()
	select {
	case a.work <- struct{}{}:
	default:
	}
}

// waited is how long the oldest of the webhooks has waited that this process knows of.
func (a *applier) waited() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queued == 0 {
		return 0
	}
	return time.Since(a.since)
}

// enter and leave tell how many appliers are at work. When the last one leaves, nothing is queued that this process can
// apply: another one may have applied what this one has kept.
func (a *applier) enter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active++
}

func (a *applier) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.active--; a.active == 0 {
		a.queued = 0
	}
}

// makeRoom waits while too many webhooks are queued, but not for long: the appliers may be in another process.
func (a *applier) makeRoom(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, linger)
	defer cancel()
	for {
		a.mu.Lock()
		full, room := a.queued >= mostQueued, a.room
		a.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-room:
		case <-ctx.Done():
			return
		}
	}
}

// rows is how many rows of the queue to take for about appliedTogether webhooks.
func (a *applier) rows() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(int(appliedTogether/a.average), 1)
}

// took notes that webhooks were applied.
func (a *applier) took(rows, webhooks int, oldest time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.average = a.average*0.8 + 0.2*float64(webhooks)/float64(rows)
	a.queued, a.since = max(a.queued-webhooks, 0), oldest
	close(a.room)
	a.room = make(chan struct{})
}

// RunIntake keeps webhooks, applies what any process has kept, and changes carts together, until ctx ends. What was
// kept and not applied by then is applied by another process or after the next start.
func (e *Engine) RunIntake(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { e.keeper.run(ctx, e.keepTogether) })
	group.Go(func() { e.reports.until(ctx) })
	group.Go(func() { e.decisions.until(ctx) })
	for range appliers {
		group.Go(func() { e.applyUntil(ctx) })
	}
	group.Wait()
}

// keepTogether keeps webhooks in one transaction, when there is room for them, and has them applied.
func (e *Engine) keepTogether(ctx context.Context, webhooks []postgres.IncomingWebhook) ([]bool, error) {
	e.applier.makeRoom(ctx)
	fresh, err := e.db.KeepWebhooks(ctx, webhooks)
	n := 0
	for _, is := range fresh {
		if is {
			n++
		}
	}
	e.applier.kept(n)
	return fresh, err
}

// lingers is how often it is looked whether fewer webhooks come.
const lingers = 10 * time.Millisecond

// letCome waits while others come, for as long as webhooks may wait: what is applied together costs less.
func (e *Engine) letCome(ctx context.Context) {
	ticks := time.NewTicker(lingers)
	defer ticks.Stop()
	for e.applier.waited() < e.keeper.patience() {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// applyUntil applies kept webhooks until ctx ends, whenever there are some.
func (e *Engine) applyUntil(ctx context.Context) {
	ticks := time.NewTicker(applyEvery)
	defer ticks.Stop()
	for {
		if err := e.ApplyQueued(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "kept webhooks were not applied; they will be tried again", "error", err)
		}
		select {
		case <-e.applier.work:
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// ApplyQueued applies kept webhooks until none is left that is due and that nobody else applies.
func (e *Engine) ApplyQueued(ctx context.Context) error {
	e.applier.enter()
	defer e.applier.leave()
	for first := int(e.applier.next.Add(1)); ; first++ {
		e.letCome(ctx)
		some := false
		for i := range postgres.QueueParts {
			did, err := e.applyPart(ctx, (first+i)%postgres.QueueParts)
			if err != nil {
				return err
			}
			some = some || did
		}
		if !some || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// version is what one webhook, or several that tell the same, say of a checkout.
type version struct {
	checkout cart.Checkout
	// skipped counts older webhooks that it makes superfluous.
	skipped int
}

// group are the webhooks about one checkout.
type group struct {
	store    *Store
	webhooks []postgres.QueuedWebhook
	// versions are to be applied in their order.
	versions []version
	cart     *postgres.Cart
}

func (g *group) newest() *cart.Checkout { return &g.versions[len(g.versions)-1].checkout }

func (g *group) name() postgres.CheckoutOf {
	c := g.newest()
	return postgres.CheckoutOf{Shop: g.store.Domain, Ref: c.Ref()}
}

// oneName reports whether all versions name the checkout alike.
func (g *group) oneName() bool {
	return !slices.ContainsFunc(g.versions, func(v version) bool {
		return v.checkout.CartToken != g.newest().CartToken || v.checkout.ID != g.newest().ID
	})
}

// applyPart applies kept webhooks of one part of the queue in one transaction: those about one checkout together, with
// a constant number of round trips to the database for all. What would disturb the others, such as two carts of one
// person, is put back to be applied alone. It reports whether there was anything to do.
func (e *Engine) applyPart(ctx context.Context, part int) (some bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, applyWithin)
	defer cancel()
	var taken []postgres.QueuedWebhook
	rows := e.applier.rows()
	err = e.inIntakeTx(ctx, func(ctx context.Context, u *unit) (err error) {
		switch taken, err = u.TakeQueued(ctx, part, rows); {
		case err != nil || len(taken) == 0:
			return err
		case taken[0].Alone:
			return u.applyOne(ctx, &taken[0])
		}
		return u.applyAll(ctx, taken)
	})
	switch {
	case len(taken) == 0:
		return false, err
	case err == nil:
		e.applier.took(rowsOf(taken), len(taken), taken[0].ReceivedAt)
		return true, nil
	case postgres.Disturbed(err):
		return true, err
	case errors.Is(err, errWebhooksWait):
		// What came before goes before.
		return true, e.waitingWebhooksOf(ctx, taken[0].Shop)
	case taken[0].Alone:
		return true, e.retake(ctx, part, func(ctx context.Context, u *unit, again []postgres.QueuedWebhook) error {
			return u.setAside(ctx, &again[0], err)
		})
	}
	// One of them cannot be applied. Each by itself, that one is found.
	e.log.WarnContext(ctx, "webhooks could not be applied together; each is applied alone",
		"webhooks", len(taken), "error", err)
	return true, e.retake(ctx, part, func(ctx context.Context, u *unit, again []postgres.QueuedWebhook) error {
		return u.QueueAlone(ctx, again, nil)
	})
}

// retake takes webhooks again that could not be applied.
func (e *Engine) retake(
	ctx context.Context, part int, fn func(context.Context, *unit, []postgres.QueuedWebhook) error,
) error {
	return e.inIntakeTx(ctx, func(ctx context.Context, u *unit) error {
		again, err := u.TakeQueued(ctx, part, e.applier.rows())
		if err != nil || len(again) == 0 {
			return err
		}
		return fn(ctx, u, again)
	})
}

func rowsOf(taken []postgres.QueuedWebhook) int {
	rows := 0
	for i := range taken {
		if i == 0 || taken[i].Row() != taken[i-1].Row() {
			rows++
		}
	}
	return rows
}

// applyAll applies webhooks that were taken from the queue.
func (u *unit) applyAll(ctx context.Context, taken []postgres.QueuedWebhook) (err error) {
	defer recovered(&err)
	groups, err := u.grouped(ctx, taken)
	if err != nil {
		return err
	}
	names := make([]postgres.CheckoutOf, len(groups))
	for i, g := range groups {
		names[i] = g.name()
	}
	loaded, err := u.LoadCheckouts(ctx, names)
	if err != nil {
		return err
	}
	u.deferred = newDeferred(loaded.Shops)
	var together []*group
	var alone []postgres.QueuedWebhook
	var meeting []*postgres.Cart
	var meetingNames []postgres.CheckoutOf
	seen := map[string]bool{}
	for i, g := range groups {
		g.cart = loaded.Carts[i]
		isNew := g.cart == nil
		if isNew {
			g.cart = newCart(g.store, names[i].Token)
		}
		u.tellPersonOf(g)
		keys := append(u.PersonKeys(g.cart), "id "+names[i].Shop+names[i].ID, "cart "+names[i].Shop+names[i].CartToken)
		meets := slices.ContainsFunc(keys, func(k string) bool { return seen[k] })
		for _, k := range keys {
			seen[k] = true
		}
		unnamed := names[i].ID == "" || names[i].CartToken == "" && isNew
		if meets || unnamed || loaded.StandIns[i] || loaded.Waiting[g.store.Domain] {
			alone = append(alone, g.webhooks...)
			continue
		}
		together = append(together, g)
		changed := isNew || g.cart.Checkout.CartToken != names[i].CartToken || !sameNames(&g.cart.Checkout, g.newest())
		if changed && !loaded.KeysMissing && g.oneName() {
			meeting, meetingNames = append(meeting, g.cart), append(meetingNames, names[i])
		}
	}
	if len(meeting) > 0 {
		if err := u.PrefetchPersons(ctx, meeting, meetingNames); err != nil {
			return err
		}
	}
	if len(alone) > 0 {
		if err := u.QueueAlone(ctx, alone, nil); err != nil {
			return err
		}
	}
	for _, g := range together {
		for _, v := range g.versions {
			seen := cart.CheckoutSeen{Checkout: v.checkout, Via: cart.ViaWebhook, Skipped: v.skipped}
			if _, err := u.seeCheckout(ctx, g.store, g.cart, seen, false); err != nil {
				return err
			}
		}
		if err := u.afterCheckout(ctx, g.store, g.cart, g.webhooks); err != nil {
			return err
		}
	}
	return u.flush(ctx)
}

// afterCheckout does what follows when webhooks about a cart's checkout were applied: of one that was erased nothing is
// kept, and one that is ready may have been passed over for a line because they waited.
func (u *unit) afterCheckout(
	ctx context.Context, store *Store, c *postgres.Cart, webhooks []postgres.QueuedWebhook,
) error {
	if c.ErasedAt != nil {
		return u.DropQueuedPayloads(ctx, webhooks)
	}
	if c.State == cart.Ready {
		u.fills[store.Rules.Voice.Assistant] = true
	}
	return nil
}

// tellPersonOf lets a group's cart know the keys of its person in all versions.
func (u *unit) tellPersonOf(g *group) {
	for i := range g.versions {
		u.tellPerson(g.cart, &cart.Cart{Shop: g.store.Domain, State: cart.Watching, Checkout: g.versions[i].checkout})
	}
}

// grouped brings the webhooks about one checkout together and decodes those that tell something. What cannot be used is
// noted.
func (u *unit) grouped(ctx context.Context, taken []postgres.QueuedWebhook) ([]*group, error) {
	var groups []*group
	type name struct {
		shop     string
		checkout int64
	}
	places := map[name]*group{}
	for i := range taken {
		w := &taken[i]
		if w.Payload == nil {
			// Erased meanwhile.
			continue
		}
		store := u.engine.stores[w.Shop]
		if store == nil {
			if err := u.WebhookWaits(ctx, w.Kept(), w.APIVersion, w.TriggeredAt, w.ReceivedAt, w.Test); err != nil {
				return nil, err
			}
			continue
		}
		place := name{w.Shop, w.CheckoutKey()}
		g := places[place]
		if g == nil {
			g = &group{store: store}
			places[place] = g
			groups = append(groups, g)
		}
		g.webhooks = append(g.webhooks, *w)
	}
	for _, g := range groups {
		if err := u.decode(ctx, g); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return len(g.versions) == 0 }), nil
}

// decode makes the versions of a group. A webhook that an undoubtedly newer one with the same names makes superfluous
// is only counted.
func (u *unit) decode(ctx context.Context, g *group) error {
	peeked := make([]shopify.Peeked, len(g.webhooks))
	order := make([]int, len(g.webhooks))
	for i := range g.webhooks {
		order[i] = i
		if len(g.webhooks) > 1 {
			peeked[i], _ = shopify.PeekCheckout(g.webhooks[i].Payload)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return peeked[a].UpdatedAt.Compare(peeked[b].UpdatedAt) })
	newest := peeked[order[len(order)-1]]
	skipped := 0
	for _, i := range order {
		p, w := peeked[i], &g.webhooks[i]
		older := !p.UpdatedAt.IsZero() && p.UpdatedAt.Before(newest.UpdatedAt) && newest.UpdatedAt.Before(u.Now)
		if older && p.Names == newest.Names {
			skipped++
			continue
		}
		checkout, err := decodeQueued(w)
		if err != nil {
			if err := u.unread(ctx, w, err); err != nil {
				return err
			}
			continue
		}
		checkout.UpdatedAt = cart.Earlier(checkout.UpdatedAt, u.Now)
		g.versions = append(g.versions, version{checkout: checkout, skipped: skipped})
		skipped = 0
	}
	return nil
}

// unread notes that a webhook could not be used.
func (u *unit) unread(ctx context.Context, w *postgres.QueuedWebhook, why error) error {
	topic := w.Topic
	u.counts = append(u.counts, func(m *Metrics) { m.webhook(topic, TakenUnread) })
	if err := u.WebhookFailed(ctx, w.Kept(), why.Error()); err != nil {
		return err
	}
	return u.leaveErasedOut(ctx, w.Kept(), deliveryOfQueued(w), w.Payload)
}

func deliveryOfQueued(w *postgres.QueuedWebhook) shopify.Delivery {
	return shopify.Delivery{
		Topic: w.Topic, Shop: w.Shop, APIVersion: w.APIVersion, TriggeredAt: w.TriggeredAt, Test: w.Test,
	}
}

func decodeQueued(w *postgres.QueuedWebhook) (cart.Checkout, error) {
	c, err := shopify.DecodeCheckout(w.Payload, deliveryOfQueued(w))
	c.ToldAt = w.TriggeredAt
	return c, err
}

// setAside notes why a webhook could not be applied, or puts it back to be tried again when the reason may pass.
func (u *unit) setAside(ctx context.Context, w *postgres.QueuedWebhook, failed error) error {
	why := "it could not be applied; see the log"
	code, unstorable := postgres.Unstorable(failed)
	if unstorable {
		why = fmt.Sprintf("the database cannot hold what it says (SQLSTATE %s)", code)
	} else if w.Tries+1 < applyTries {
		w.Tries++
		due := u.Now.Add(time.Second << w.Tries)
		return u.QueueAlone(ctx, []postgres.QueuedWebhook{*w}, &due)
	}
	u.engine.log.ErrorContext(ctx, "a webhook was set aside", "shop", w.Shop, "topic", w.Topic, "error", failed)
	topic := w.Topic
	u.counts = append(u.counts, func(m *Metrics) { m.webhook(topic, TakenUnread) })
	return u.WebhookFailed(ctx, w.Kept(), why)
}

// applyOne applies a webhook by itself.
func (u *unit) applyOne(ctx context.Context, w *postgres.QueuedWebhook) (err error) {
	defer recovered(&err)
	store := u.engine.stores[w.Shop]
	if store == nil {
		return u.WebhookWaits(ctx, w.Kept(), w.APIVersion, w.TriggeredAt, w.ReceivedAt, w.Test)
	}
	if w.Payload == nil {
		return nil
	}
	if waits, err := u.WebhooksWait(ctx, w.Shop); err != nil || waits {
		return cmp.Or(err, error(errWebhooksWait))
	}
	checkout, err := decodeQueued(w)
	if err != nil {
		return u.unread(ctx, w, err)
	}
	id, err := u.takeCheckout(ctx, store, checkout, cart.ViaWebhook)
	if err != nil {
		return err
	}
	c, err := u.CartForUpdate(ctx, id)
	if err != nil {
		return err
	}
	return u.afterCheckout(ctx, store, c, []postgres.QueuedWebhook{*w})
}

// recovered makes an error of a panic, so that one message that the program cannot cope with does not end it. The text
// may hold what the message says, so it is left out.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("a %T while carts were changed", r)
	}
}

// awaitInterval is how often it is looked whether webhooks were applied that are waited for.
const awaitInterval = 10 * time.Millisecond

// awaitApplied waits until the webhooks about checkouts that were kept so far are applied: what comes after them may
// depend on them.
func (e *Engine) awaitApplied(ctx context.Context) error {
	last, err := e.db.LastQueued(ctx)
	if err != nil || last.IsZero() {
		return err
	}
	ticks := time.NewTicker(awaitInterval)
	defer ticks.Stop()
	for {
		queued, err := e.db.QueuedUntil(ctx, last)
		if err != nil || !queued {
			return err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
