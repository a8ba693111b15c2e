package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/cached"
	"ringback/internal/web/page"
	"ringback/internal/web/view"
	"ringback/internal/wording"

	"github.com/labstack/echo/v4"
)

// How many entries of each list the overview shows.
const (
	overviewShops  = 15
	overviewCalls  = 10
	overviewEvents = 8
)

// The spans that the overview sums up.
const (
	day   = 24 * time.Hour
	month = view.Month
)

// overviewModel is the page that sums up all shops.
type overviewModel struct {
	page.Frame
	// Attention are the shops that somebody should look at, the most urgent first.
	Attention []shopLine
	Spans     []view.Span
	Lines     lineUse
	States    []view.State
	Outcomes  []shareLine
	// Reasons are why carts were left behind, as calls told it.
	Reasons []shareLine
	Shops   []shopLine
	// MoreShops is how many shops the list leaves out.
	MoreShops int
	Calls     []view.Call
	Events    []eventLine
	// EndpointsOff is how many endpoints of events were switched off.
	EndpointsOff int
}

// lineUse is how many lines calls occupy now, and of how many.
type lineUse struct {
	Busy, Lines, Ready, Calling int
	// Rests names the assistants whose provider takes no calls for now, and says when it is asked again.
	Rests []string
	// Behind says how far the carts are behind the webhooks that were kept; "" when they are not.
	Behind string
}

// shareLine is how many calls are of a kind, with their share of all.
type shareLine struct {
	Label string
	Count int
	// Percent is the share, from 0 to 100.
	Percent float64
}

// eventLine is something that happened to a shop.
type eventLine struct {
	Shop, Says, Detail string
	When               page.Moment
}

// statsOfLast sums up the last span of time of all shops.
func statsOfLast(db *postgres.DB, span time.Duration) *cached.Value[postgres.Stats] {
	return cached.New(func(ctx context.Context) (postgres.Stats, error) {
		now := db.Now()
		return db.Stats(ctx, "", now.Add(-span), now)
	})
}

func (d *Dashboard) overviewPage(c echo.Context) error {
	ctx := c.Request().Context()
	v := overviewModel{Frame: d.pages.Frame(c, "Overview", "overview").Refreshing(c)}
	lastDay, err := d.day.Get(ctx)
	if err != nil {
		return err
	}
	lastMonth, err := d.month.Get(ctx)
	if err != nil {
		return err
	}
	counts, err := d.counts.Get(ctx)
	if err != nil {
		return err
	}
	load, err := d.load.Get(ctx)
	if err != nil {
		return err
	}
	lag, err := d.lag.Get(ctx)
	if err != nil {
		return err
	}
	shops, err := d.allStandings(ctx)
	if err != nil {
		return err
	}
	if v.Calls, err = view.NewestCalls(ctx, d.db, v.Frame, "", overviewCalls); err != nil {
		return err
	}
	if v.Events, err = d.events(ctx, v.Frame, "", overviewEvents); err != nil {
		return err
	}
	if v.EndpointsOff, err = d.endpointsOff(ctx); err != nil {
		return err
	}
	v.Spans = []view.Span{view.NewSpan("Last 24 hours", lastDay), view.NewSpan("Last 30 days", lastMonth)}
	v.Outcomes, v.Reasons = outcomeLines(lastMonth), reasonLines(lastMonth)
	v.States = view.States(counts)
	v.Lines = lineUse{Ready: load.Carts[cart.Ready], Calling: load.Carts[cart.Calling], Behind: behind(lag)}
	for _, a := range view.Assistants(d.engine.Stores(), load) {
		v.Lines.Busy += a.Busy
		v.Lines.Lines += a.Lines
		if a.RestsUntil.After(v.Now) {
			v.Lines.Rests = append(v.Lines.Rests, a.Provider+" "+a.Name+": "+wording.Resting(a.RestsUntil, v.Now))
		}
	}
	v.Shops = shopLines(v.Frame, shops, counts)
	v.Attention = needAttention(v.Shops)
	if len(v.Shops) > overviewShops {
		v.MoreShops = len(v.Shops) - overviewShops
		v.Shops = v.Shops[:overviewShops]
	}
	return page.Show(c, http.StatusOK, overviewView(v))
}

// mostAttention is how many shops the overview names that somebody should look at.
const mostAttention = 20

// needAttention picks the shops that somebody should look at. A pause on purpose is not among them.
func needAttention(shops []shopLine) []shopLine {
	var list []shopLine
	for _, s := range shops {
		if len(list) < mostAttention && slices.ContainsFunc(s.Reasons, func(r reasonLine) bool { return r.Alerts() }) {
			list = append(list, s)
		}
	}
	return list
}

// shortLag is a wait that is not worth a word: webhooks are applied soon after they were kept.
const shortLag = 2 * time.Second

// behind says how far the carts are behind the webhooks that were kept.
func behind(lag postgres.IntakeLag) string {
	if lag.Oldest < shortLag {
		return ""
	}
	return wording.Count(lag.Queued, "webhook waits", "webhooks wait") + " to be applied, the oldest for " +
		wording.Span(lag.Oldest)
}

// events lists what happened to a shop, or to all with shop "", the newest first.
func (d *Dashboard) events(ctx context.Context, f page.Frame, shop string, limit int) ([]eventLine, error) {
	events, err := d.db.ShopEvents(ctx, shop, limit)
	if err != nil {
		return nil, err
	}
	lines := make([]eventLine, len(events))
	for i, e := range events {
		lines[i] = eventLine{
			Shop: e.Shop, Says: wording.LowerFirst(wording.Event(e.Event)), Detail: e.Detail, When: f.In(e.Shop, e.At),
		}
	}
	return lines, nil
}

// outcomeLines lists the outcomes that calls had, the most frequent first.
func outcomeLines(stats postgres.Stats) []shareLine {
	var lines []shareLine
	for outcome, n := range stats.Outcomes {
		lines = append(lines, shareLine{Label: wording.Outcome(outcome), Count: n})
	}
	slices.SortFunc(lines, func(a, b shareLine) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Label, b.Label))
	})
	return inPercent(lines)
}

// mostReasons is how many reasons a page lists.
const mostReasons = 8

// reasonLines lists why carts were left behind, the most frequent reason first.
func reasonLines(stats postgres.Stats) []shareLine {
	var lines []shareLine
	for _, r := range stats.AbandonReasons {
		lines = append(lines, shareLine{Label: wording.Title(r.Reason), Count: r.Calls})
	}
	lines = inPercent(lines)
	return lines[:min(len(lines), mostReasons)]
}

// inPercent fills in each line's share of all.
func inPercent(lines []shareLine) []shareLine {
	total := 0
	for _, line := range lines {
		total += line.Count
	}
	for i := range lines {
		lines[i].Percent = float64(lines[i].Count) / float64(total) * 100
	}
	return lines
}
