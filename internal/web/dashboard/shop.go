package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/page"
	"ringback/internal/web/shop"
	"ringback/internal/web/view"
	"ringback/internal/wording"

	"github.com/labstack/echo/v4"
)

// How many entries of each list a shop's page shows.
const (
	shopCalls  = 10
	shopEvents = 20
)

// shopLine is a shop in a list.
type shopLine struct {
	Domain string
	view.Standing
	// Why is the reason of the circuit breaker; "" when it is closed.
	Why string
	// Active counts the carts that may still be called, Purchased those that were bought.
	Active, Purchased int
	// Credits are what is left at the voice provider; "" when the provider does not say.
	Credits string
	// LastWebhook is nil before the first webhook.
	LastWebhook *page.Moment
}

func (d *Dashboard) shopLine(f page.Frame, row postgres.Shop) shopLine {
	line := shopLine{
		Domain:      row.Domain,
		Standing:    view.StandingOf(row, d.engine.Store(row.Domain), f.Now),
		LastWebhook: f.InOrNil(row.Domain, row.LastWebhookAt),
	}
	if row.BreakerAt != nil {
		line.Why = row.BreakerReason
	}
	if row.CreditsLeft != nil {
		line.Credits = wording.Decimal(*row.CreditsLeft)
	}
	return line
}

// shopLines lists the shops: halted ones first, then those with the most active carts.
func (d *Dashboard) shopLines(f page.Frame, rows []postgres.Shop, counts []postgres.StateCount) []shopLine {
	active, purchased := map[string]int{}, map[string]int{}
	for _, n := range counts {
		switch n.State {
		case cart.Waiting, cart.Ready, cart.Calling:
			active[n.Shop] += n.Count
		case cart.Purchased:
			purchased[n.Shop] += n.Count
		case cart.Watching, cart.Stopped:
		}
	}
	lines := make([]shopLine, len(rows))
	for i, row := range rows {
		lines[i] = d.shopLine(f, row)
		lines[i].Active, lines[i].Purchased = active[row.Domain], purchased[row.Domain]
	}
	slices.SortStableFunc(lines, func(a, b shopLine) int {
		switch {
		case a.Halted && !b.Halted:
			return -1
		case b.Halted && !a.Halted:
			return 1
		case a.Active != b.Active:
			return b.Active - a.Active
		}
		return strings.Compare(a.Domain, b.Domain)
	})
	return lines
}

// shopsModel is the page that lists all shops.
type shopsModel struct {
	page.Frame
	Shops []shopLine
}

func (d *Dashboard) shopsPage(c echo.Context) error {
	ctx := c.Request().Context()
	rows, err := d.db.Shops(ctx)
	if err != nil {
		return err
	}
	counts, err := d.counts.Get(ctx)
	if err != nil {
		return err
	}
	f := d.pages.Frame(c, "Shops", "shops")
	return page.Show(c, http.StatusOK, shopsView(shopsModel{Frame: f, Shops: d.shopLines(f, rows, counts)}))
}

// shopModel is the page of one shop.
type shopModel struct {
	page.Frame
	shopLine
	// Paused says since when and by whom the shop is paused, Until when the circuit breaker closes, Lost since when
	// and why Shopify refuses us; each is "" when it is not so.
	Paused, Until, Lost string
	// Broken is true while the circuit breaker is open.
	Broken bool
	// Pause and Resume offer the one or the other; both while a breaker has paused the shop.
	Pause, Resume bool
	// ByConfiguration is true when the configuration says paused: true.
	ByConfiguration bool
	Summary         view.Span
	Busy, Lines     int
	// Rests says when the provider is asked again that takes no calls for now; "" when it takes calls.
	Rests    string
	Provider string
	Zone     string
	Country  string
	Currency string
	// Reconciled is up to when the shop was compared with Shopify; nil before the first time.
	Reconciled *page.Moment
	States     []view.State
	Calls      []view.Call
	Events     []eventLine
}

func (d *Dashboard) shopPage(c echo.Context) error {
	store, err := shop.Of(c, d.engine)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	f := d.pages.Frame(c, store.Domain, "shops")
	row, err := d.engine.Shop(ctx, store.Domain)
	if err != nil {
		return err
	}
	counts, err := d.db.CountCarts(ctx, store.Domain)
	if err != nil {
		return err
	}
	stats, err := d.db.Stats(ctx, store.Domain, f.Now.Add(-month), f.Now)
	if err != nil {
		return err
	}
	load, err := d.load.Get(ctx)
	if err != nil {
		return err
	}
	v := shopModel{
		Frame:           f,
		shopLine:        d.shopLine(f, row),
		Broken:          row.BreakerAt != nil,
		Pause:           row.PausedAt == nil,
		Resume:          row.PausedAt != nil || row.BreakerAt != nil,
		ByConfiguration: store.Config.Paused,
		Summary:         view.NewSpan("Last 30 days", stats),
		Busy:            load.Busy[store.Config.Voice.AssistantKey()],
		Lines:           store.Config.Voice.Lines,
		Provider:        store.Config.Voice.Provider,
		Zone:            store.Location.String(),
		Country:         store.Config.Country,
		Currency:        store.Config.Currency,
		Reconciled:      f.InOrNil(store.Domain, row.ReconciledUntil),
		States:          view.States(counts),
	}
	if until := load.Rests[engine.AccountOf(store)]; until.After(f.Now) {
		v.Rests = wording.Resting(until, f.Now)
	}
	v.tellHalts(row, store)
	if v.Calls, err = view.NewestCalls(ctx, d.db, f, store.Domain, shopCalls); err != nil {
		return err
	}
	if v.Events, err = d.events(ctx, f, store.Domain, shopEvents); err != nil {
		return err
	}
	return page.Show(c, http.StatusOK, shopView(v))
}

// tellHalts says since when a shop is halted, and why.
func (v *shopModel) tellHalts(row postgres.Shop, store *engine.Store) {
	local := func(at *time.Time) string { return v.In(row.Domain, *at).Local() }
	if row.PausedAt != nil {
		v.Paused = "since " + local(row.PausedAt) + ", by " + row.PausedBy
	}
	if row.BreakerAt != nil && row.BreakerUntil != nil {
		v.Until = "until " + local(row.BreakerUntil)
	}
	switch {
	case row.UninstalledAt != nil:
		v.Lost = "since " + local(row.UninstalledAt) + ". " + shop.InstallAgain(store)
	case row.AccessLostAt != nil:
		v.Lost = "since " + local(row.AccessLostAt) + ": " + row.AccessLostReason
	}
}

func (d *Dashboard) pauseShop(c echo.Context) error {
	return d.pauseOrResume(c, d.engine.PauseShop, "paused")
}

func (d *Dashboard) resumeShop(c echo.Context) error {
	return d.pauseOrResume(c, d.engine.ResumeShop, "resumed")
}

func (d *Dashboard) pauseOrResume(
	c echo.Context, do func(ctx context.Context, domain, by string) (bool, error), done string,
) error {
	store, err := shop.Of(c, d.engine)
	if err != nil {
		return err
	}
	changed, err := do(c.Request().Context(), store.Domain, source)
	if err != nil {
		return shop.NotResumed(store, err)
	}
	if !changed {
		done = "unchanged"
	}
	return backTo(c, "/shops/"+store.Domain, done)
}
