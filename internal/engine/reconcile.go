package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

const (
	// scanOverlap is by how much a scan begins before the last one's beginning: Shopify's search lags behind its changes.
	scanOverlap = 15 * time.Minute
	// farthestScan bounds how far back a scan goes, however long the shop could not be asked.
	farthestScan = 30 * 24 * time.Hour
	// ScanSlice is how long one run scans; a longer scan goes on in the next.
	ScanSlice = 4 * time.Minute
)

// The parts of a scan, in order: an order finds the carts that were found just before.
const (
	scanCheckouts = "checkouts"
	scanOrders    = "orders"
)

// Reconciled says what a scan found that no webhook had told.
type Reconciled struct {
	// Checkouts and Orders count those that were missing or newer than what was known.
	Checkouts, Orders int
	// Finished is false when the scan has to go on: its time was up.
	Finished bool
}

// Reconcile pages through what changed at Shopify since the last time and feeds it to the carts as webhooks would have.
// The place reached is kept after every page; the shop counts as reconciled only after the last.
func (e *Engine) Reconcile(ctx context.Context, domain string) (Reconciled, error) {
	var found Reconciled
	store, err := e.knownStore(domain)
	if err != nil {
		return found, err
	}
	shop, err := e.db.Shop(ctx, domain)
	if err != nil {
		return found, err
	}
	if shop.UninstalledAt != nil {
		return found, ErrNotConnected
	}
	scan, err := e.db.Scan(ctx, domain)
	resumed := err == nil
	if errors.Is(err, postgres.ErrNotFound) {
		scan, err = e.newScan(store, shop), nil
	}
	if err != nil {
		return found, err
	}
	for until := time.Now().Add(ScanSlice); time.Now().Before(until); {
		done, err := e.scanPage(ctx, store, &scan, &found)
		if resumed && errors.Is(err, shopify.ErrRefused) {
			// The place may be too old to go on from.
			return found, errors.Join(err, e.db.DropScan(ctx, domain))
		}
		if err != nil {
			return found, err
		}
		if done {
			found.Finished = true
			return found, e.inTx(ctx, func(ctx context.Context, u *unit) error { return u.FinishScan(ctx, scan) })
		}
		if err := e.db.KeepScan(ctx, scan); err != nil {
			return found, err
		}
	}
	return found, nil
}

// newScan begins where the last scan began, or, the first time, as far back as a cart may still be called.
func (e *Engine) newScan(store *Store, shop postgres.Shop) postgres.Scan {
	now := e.db.Now()
	since := now.Add(-store.Rules.Policy.ExpiresAfter)
	if until := shop.ReconciledUntil; until != nil {
		since = until.Add(-scanOverlap)
	}
	if farthest := now.Add(-farthestScan); since.Before(farthest) {
		since = farthest
	}
	return postgres.Scan{Shop: store.Domain, Since: since, BeganAt: now, Part: scanCheckouts}
}

// scanPage takes in one page and moves the scan on; done is true after the last one.
func (e *Engine) scanPage(ctx context.Context, store *Store, scan *postgres.Scan, found *Reconciled) (done bool, err error) {
	var next string
	var problems []shopify.FieldError
	switch scan.Part {
	case scanCheckouts:
		page, err := asked(ctx, e, store, scan, (*shopify.Client).AbandonedCheckouts)
		if err != nil {
			return false, err
		}
		for _, co := range page.Items {
			if err := e.reconcileCheckout(ctx, store, co, &found.Checkouts); err != nil {
				return false, err
			}
		}
		next, problems = page.Next, page.Problems
	default:
		page, err := asked(ctx, e, store, scan, (*shopify.Client).Orders)
		if err != nil {
			return false, err
		}
		for _, o := range page.Items {
			if err := e.reconcileOrder(ctx, store, o, &found.Orders); err != nil {
				return false, err
			}
		}
		next, problems = page.Next, page.Problems
	}
	e.noteProblems(store, scan, problems)
	scan.Cursor = next
	if next != "" {
		return false, nil
	}
	if scan.Part == scanCheckouts {
		scan.Part = scanOrders
		return false, nil
	}
	return true, nil
}

// asked reads one page of a shop.
func asked[T any](
	ctx context.Context, e *Engine, store *Store, scan *postgres.Scan,
	read func(*shopify.Client, context.Context, time.Time, string) (shopify.Page[T], error),
) (page shopify.Page[T], err error) {
	err = e.askShopify(ctx, store.Domain, func(ctx context.Context, c *shopify.Client) error {
		page, err = read(c, ctx, scan.Since, scan.Cursor)
		return err
	})
	return page, err
}

// noteProblems looks at the errors that came beside a page's data. What is denied will be denied the next time too;
// anything else may have hidden a checkout, so the same time is scanned again.
func (e *Engine) noteProblems(store *Store, scan *postgres.Scan, problems []shopify.FieldError) {
	if len(problems) == 0 {
		return
	}
	const denied = "ACCESS_DENIED"
	if slices.ContainsFunc(problems, func(p shopify.FieldError) bool { return p.Code != denied }) {
		scan.Partial = true
	}
	e.metrics.shopify.scanProblems.WithLabelValues(store.Domain).Add(float64(len(problems)))
	e.log.Warn("Shopify left out parts of what it was asked", "shop", store.Domain, "part", scan.Part, "errors", len(problems),
		"code", problems[0].Code, "path", problems[0].Path)
}

func (e *Engine) reconcileCheckout(ctx context.Context, store *Store, co cart.Checkout, found *int) error {
	changed := false
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		changed, err = u.takeAsked(ctx, store, co)
		return err
	})
	if err != nil {
		return fmt.Errorf("take in a checkout: %w", err)
	}
	if changed {
		*found++
		e.metrics.shopify.found.WithLabelValues(store.Domain, scanCheckouts).Inc()
	}
	return nil
}

func (e *Engine) reconcileOrder(ctx context.Context, store *Store, o cart.Order, found *int) error {
	about := uuid.Nil
	err := e.inTx(ctx, func(ctx context.Context, u *unit) (err error) {
		about, err = u.takeOrder(ctx, store, o)
		return err
	})
	if err != nil {
		return fmt.Errorf("take in an order: %w", err)
	}
	if about != uuid.Nil {
		*found++
		e.metrics.shopify.found.WithLabelValues(store.Domain, scanOrders).Inc()
	}
	return nil
}

// takeAsked gives a checkout as the API told it to its cart, joined with what webhooks told, and reports whether it was
// news. A checkout of which no webhook ever told gets a cart with a stand-in for its token.
func (u *unit) takeAsked(ctx context.Context, store *Store, asked cart.Checkout) (bool, error) {
	asked.UpdatedAt = cart.Earlier(asked.UpdatedAt, u.Now)
	if err := u.LockCheckout(ctx, store.Domain, asked.Ref()); err != nil {
		return false, err
	}
	c, err := u.CartOfCheckoutForUpdate(ctx, store.Domain, asked.Ref())
	if errors.Is(err, postgres.ErrNotFound) && asked.Token != "" {
		c, err = u.CartByTokenForUpdate(ctx, store.Domain, asked.Token)
	}
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		if asked.Token == "" {
			asked.Token = postgres.StandIn(asked.ID)
		}
		c = newCart(store, asked.Token)
	case err != nil:
		return false, err
	default:
		asked = shopify.Merge(c.Checkout, asked)
		asked.Token = c.Token
	}
	return u.seeCheckout(ctx, store, c, cart.CheckoutSeen{Checkout: asked, Via: cart.ViaReconcile}, false)
}

// ReconcileShop reconciles one shop for a job. When the scan has to go on, the error is a LaterError.
func (e *Engine) ReconcileShop(ctx context.Context, shop string) error {
	found, err := e.Reconcile(ctx, shop)
	if found.Checkouts+found.Orders > 0 {
		e.log.Info("found what no webhook had told", "shop", shop, "checkouts", found.Checkouts, "orders", found.Orders)
	}
	if err == nil && !found.Finished {
		return later(time.Second, nil)
	}
	return e.settle(shop, "reconcile", err)
}

// ReconcileAll inserts a job for each connected shop, spread over half the time to the next run.
func (e *Engine) ReconcileAll(ctx context.Context) error {
	over := spread(e.shopify.ReconcileEvery, e.db.Now())
	return e.forEachConnected(ctx, over, func(shop string) river.JobArgs { return ReconcileShop{Shop: shop} })
}
