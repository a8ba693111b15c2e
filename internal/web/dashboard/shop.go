package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/standing"
	"ringback/internal/web/page"
	"ringback/internal/web/problem"
	"ringback/internal/web/shop"
	"ringback/internal/web/view"
	"ringback/internal/wording"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// How many entries of each list a shop's page shows.
const (
	shopCalls  = 10
	shopEvents = 20
	shopTests  = 5
)

// shopLine is a shop in a list.
type shopLine struct {
	Domain string
	standing.Standing
	// Reasons are those of the standing, with their instants by the shop's clock.
	Reasons []reasonLine
	// Active counts the carts that may still be called, Purchased those that were bought.
	Active, Purchased int
	// Credits are what is left at the voice provider; "" when the provider does not say.
	Credits string
	// LastWebhook is nil before the first webhook.
	LastWebhook *page.Moment
}

// Tone is the class of the colour of the shop's standing.
func (l *shopLine) Tone() string { return view.StandingTone(l.Standing) }

// reasonLine is one reason for how a shop stands.
type reasonLine struct {
	standing.Reason
	// Since and Until are nil where there is no such instant.
	Since, Until *page.Moment
}

// More is what a list says of a shop beside its standing: until when, where that is known.
func (l *shopLine) More() string {
	if len(l.Reasons) > 0 && l.Reasons[0].Until != nil {
		return "until " + l.Reasons[0].Until.Local()
	}
	return ""
}

func newShopLine(f page.Frame, row engine.ShopStanding) shopLine {
	line := shopLine{
		Domain:      row.Domain,
		Standing:    row.Standing,
		LastWebhook: f.InOrNil(row.Domain, row.LastWebhookAt),
	}
	for _, r := range row.Reasons {
		line.Reasons = append(line.Reasons, reasonLine{
			Reason: r, Since: f.InOrNil(row.Domain, r.Since), Until: f.InOrNil(row.Domain, r.Until),
		})
	}
	if row.CreditsLeft != nil {
		line.Credits = wording.Decimal(*row.CreditsLeft)
	}
	return line
}

// allStandings lists the configured shops, then those that are only known from the database.
func (d *Dashboard) allStandings(ctx context.Context) ([]engine.ShopStanding, error) {
	configured, err := d.standings.Get(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := d.db.Shops(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(configured)
	for _, row := range rows {
		if d.engine.Store(row.Domain) == nil {
			all = append(all, engine.ShopStanding{Shop: row, Standing: standing.Unconfigured()})
		}
	}
	return all, nil
}

// shopLines lists the shops: those that need somebody first, then those with the most active carts.
func shopLines(f page.Frame, rows []engine.ShopStanding, counts []postgres.StateCount) []shopLine {
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
		lines[i] = newShopLine(f, row)
		lines[i].Active, lines[i].Purchased = active[row.Domain], purchased[row.Domain]
	}
	slices.SortStableFunc(lines, func(a, b shopLine) int {
		switch {
		case urgency(a.Status) != urgency(b.Status):
			return urgency(a.Status) - urgency(b.Status)
		case a.Active != b.Active:
			return b.Active - a.Active
		}
		return strings.Compare(a.Domain, b.Domain)
	})
	return lines
}

// urgency is a status' place in a list: the lower, the sooner somebody should look.
func urgency(s standing.Status) int {
	switch s {
	case standing.Failing:
		return 0
	case standing.NotConnected:
		return 1
	case standing.Attention:
		return 2
	case standing.Paused:
		return 3
	case standing.Active:
		return 4
	}
	return 4
}

// shopsModel is the page that lists all shops.
type shopsModel struct {
	page.Frame
	Shops []shopLine
}

func (d *Dashboard) shopsPage(c echo.Context) error {
	ctx := c.Request().Context()
	rows, err := d.allStandings(ctx)
	if err != nil {
		return err
	}
	counts, err := d.counts.Get(ctx)
	if err != nil {
		return err
	}
	f := d.pages.Frame(c, "Shops", "shops")
	return page.Show(c, http.StatusOK, shopsView(shopsModel{Frame: f, Shops: shopLines(f, rows, counts)}))
}

// shopModel is the page of one shop.
type shopModel struct {
	page.Frame
	shopLine
	// Pause and Resume offer the one or the other; both while a breaker has paused the shop.
	Pause, Resume bool
	Summary       view.Span
	// LeftBehind are why the shop's carts were left behind, as calls told it.
	LeftBehind []shareLine

	Busy, Lines int
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
	// TestNumbers are the numbers that a test call may go to; TestID makes one call of a form that is sent twice.
	TestNumbers []string
	TestID      uuid.UUID
	Tests       []testLine
}

// testLine is a test call in the list.
type testLine struct {
	*cart.Call
	When page.Moment
	By   string
}

func (d *Dashboard) shopPage(c echo.Context) error {
	store, err := shop.Of(c, d.engine)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	f := d.pages.Frame(c, store.Domain, "shops")
	row, err := d.engine.Standing(ctx, store)
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
		Frame:      f,
		shopLine:   newShopLine(f, row),
		Pause:      row.PausedAt == nil,
		Resume:     row.PausedAt != nil || row.BreakerAt != nil,
		Summary:    view.NewSpan("Last 30 days", stats),
		LeftBehind: reasonLines(stats),
		Busy:       load.Busy[store.Config.Voice.AssistantKey()],
		Lines:      store.Config.Voice.Lines,
		Provider:   store.Config.Voice.Provider,
		Zone:       store.Location.String(),
		Country:    store.Config.Country,
		Currency:   store.Config.Currency,
		Reconciled: f.InOrNil(store.Domain, row.ReconciledUntil),
		States:     view.States(counts),
	}
	if until := load.Rests[engine.AccountOf(store)]; until.After(f.Now) {
		v.Rests = wording.Resting(until, f.Now)
	}
	if err := d.tellTests(ctx, &v, store); err != nil {
		return err
	}
	if v.Calls, err = view.NewestCalls(ctx, d.db, f, store.Domain, shopCalls); err != nil {
		return err
	}
	if v.Events, err = d.events(ctx, f, store.Domain, shopEvents); err != nil {
		return err
	}
	return page.Show(c, http.StatusOK, shopView(v))
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

// tellTests adds what a test call needs and the newest ones.
func (d *Dashboard) tellTests(ctx context.Context, v *shopModel, store *engine.Store) error {
	v.TestNumbers, v.TestID = store.Config.Voice.TestNumbers, uuid.Must(uuid.NewV7())
	tests, err := d.db.TestCalls(ctx, store.Domain, shopTests)
	if err != nil {
		return err
	}
	for i := range tests {
		call := tests[i].Call()
		v.Tests = append(v.Tests, testLine{Call: call, When: v.In(store.Domain, call.CreatedAt), By: tests[i].By})
	}
	return nil
}

// testCall makes one call with a sample cart to a number of the operator's own.
func (d *Dashboard) testCall(c echo.Context) error {
	store, err := shop.Of(c, d.engine)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(c.FormValue("id"))
	if err != nil {
		return problem.Unprocessable(problem.Field{Field: "id", Fix: "load the page again: the form has no valid id"})
	}
	ask := engine.TestCall{ID: id, Shop: store.Domain, Phone: engine.TestNumber(c.FormValue("number")), By: source}
	err = d.engine.AskTestCall(c.Request().Context(), ask, true)
	var refused *engine.TestRefusedError
	if errors.As(err, &refused) {
		return problem.New(http.StatusUnprocessableEntity, "test-call-refused", "Test call refused",
			"The number is not called: "+refused.Why+".")
	}
	if err != nil {
		return err
	}
	return backTo(c, "/shops/"+store.Domain, "test-call")
}
