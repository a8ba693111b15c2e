package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/labstack/echo/v4"
	"github.com/shopspring/decimal"
)

// How much of each list the overview shows.
const (
	overviewShops  = 15
	overviewCalls  = 10
	overviewEvents = 8
)

// overview is the page that tells how it is going.
type overview struct {
	frame
	Spans    []spanSummary
	Lines    lineUse
	States   []stateLine
	Outcomes []outcomeLine
	Shops    []shopLine
	// MoreShops is how many shops the list leaves out.
	MoreShops int
	Calls     []callLine
	Events    []postgres.ShopEvent
}

// spanSummary sums up what became of the carts made in a span of time.
type spanSummary struct {
	Title string
	// WonBack is the revenue owed to calls and offers, one amount a currency.
	WonBack []postgres.Purchases
	// Recovered and Organic count purchases, Carts all carts.
	Recovered, Organic, Carts int
	Calls, Answered           int
	Arms                      []postgres.Arm
}

// lineUse is how many lines calls occupy just now, of how many.
type lineUse struct{ Busy, Lines, Ready, Calling int }

// stateLine is a state with how many carts are in it, and why.
type stateLine struct {
	State   cart.State
	Count   int
	Reasons []reasonCount
}

type reasonCount struct {
	Reason cart.Reason
	Count  int
}

// outcomeLine is an outcome with its share of all calls.
type outcomeLine struct {
	Outcome cart.Outcome
	Count   int
	// Percent is the share, from 0 to 100.
	Percent float64
}

// statsOfLast sums up all shops' last span of time.
func statsOfLast(db *postgres.DB, span time.Duration) func(context.Context) (postgres.Stats, error) {
	return func(ctx context.Context) (postgres.Stats, error) {
		now := db.Now()
		return db.Stats(ctx, "", now.Add(-span), now)
	}
}

func (s *Server) overviewPage(c echo.Context) error {
	ctx := c.Request().Context()
	v := overview{frame: s.frame(c, "Overview", "overview").live(c)}
	day, err := s.day.get(ctx)
	if err != nil {
		return err
	}
	month, err := s.month.get(ctx)
	if err != nil {
		return err
	}
	counts, err := s.counts.get(ctx)
	if err != nil {
		return err
	}
	load, err := s.load.get(ctx)
	if err != nil {
		return err
	}
	shops, err := s.db.Shops(ctx)
	if err != nil {
		return err
	}
	if v.Calls, err = s.callLines(ctx, v.frame, "", overviewCalls); err != nil {
		return err
	}
	if v.Events, err = s.db.ShopEvents(ctx, "", overviewEvents); err != nil {
		return err
	}
	v.Spans = []spanSummary{summary("Last 24 hours", day), summary("Last 30 days", month)}
	v.Outcomes = outcomeLines(month)
	v.States = stateLines(counts)
	v.Lines = lineUse{Ready: load.Carts[cart.Ready], Calling: load.Carts[cart.Calling]}
	for _, a := range assistants(s.engine.Stores(), load) {
		v.Lines.Busy += a.busy
		v.Lines.Lines += a.lines
	}
	v.Shops = s.shopLines(shops, counts)
	if len(v.Shops) > overviewShops {
		v.MoreShops = len(v.Shops) - overviewShops
		v.Shops = v.Shops[:overviewShops]
	}
	return s.show(c, http.StatusOK, overviewView(v))
}

func summary(title string, stats postgres.Stats) spanSummary {
	v := spanSummary{Title: title, Calls: stats.Calls, Answered: stats.Answered, Arms: stats.Arms}
	for _, n := range stats.Carts {
		v.Carts += n
	}
	revenue := map[string]decimal.Decimal{}
	for _, p := range stats.Purchases {
		if p.Attribution != cart.ByCall && p.Attribution != cart.ByOffer {
			v.Organic += p.Count
			continue
		}
		v.Recovered += p.Count
		revenue[p.Currency] = revenue[p.Currency].Add(p.Revenue)
	}
	for currency, amount := range revenue {
		v.WonBack = append(v.WonBack, postgres.Purchases{Currency: currency, Revenue: amount})
	}
	slices.SortFunc(v.WonBack, func(a, b postgres.Purchases) int { return strings.Compare(a.Currency, b.Currency) })
	return v
}

// stateLines lists every state, those with no carts too, with its reasons, the most frequent first.
func stateLines(counts []postgres.StateCount) []stateLine {
	lines := make([]stateLine, 0, len(cart.States()))
	for _, state := range cart.States() {
		line := stateLine{State: state}
		byReason := map[cart.Reason]int{}
		for _, n := range counts {
			if n.State == state {
				line.Count += n.Count
				byReason[n.Reason] += n.Count
			}
		}
		for _, reason := range cart.Reasons() {
			if n := byReason[reason]; n > 0 {
				line.Reasons = append(line.Reasons, reasonCount{reason, n})
			}
		}
		slices.SortStableFunc(line.Reasons, func(a, b reasonCount) int { return b.Count - a.Count })
		lines = append(lines, line)
	}
	return lines
}

// outcomeLines lists the outcomes that calls had, the most frequent first.
func outcomeLines(stats postgres.Stats) []outcomeLine {
	var lines []outcomeLine
	total := 0
	for outcome, n := range stats.Outcomes {
		lines = append(lines, outcomeLine{Outcome: outcome, Count: n})
		total += n
	}
	for i := range lines {
		lines[i].Percent = float64(lines[i].Count) / float64(total) * 100
	}
	slices.SortFunc(lines, func(a, b outcomeLine) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(string(a.Outcome), string(b.Outcome))
	})
	return lines
}
