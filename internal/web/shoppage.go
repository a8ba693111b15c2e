package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/shop"

	"github.com/labstack/echo/v4"
)

// How much of each list a shop's page shows.
const (
	shopCalls  = 10
	shopEvents = 20
)

// shopLine is a shop in a list.
type shopLine struct {
	postgres.Shop
	// Says is whether calls are made for it, and Tone the colour of that. Halted is true when none are.
	Says, Tone string
	Halted     bool
	// Active counts the carts that may still be called, Purchased those that were bought.
	Active, Purchased int
}

// shopLines lists the shops: halted ones first, then those with the most active carts.
func (s *Server) shopLines(shops []postgres.Shop, counts []postgres.StateCount) []shopLine {
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
	lines := make([]shopLine, len(shops))
	for i, shop := range shops {
		says, tone, halted := shopSays(shop, s.engine.Store(shop.Domain), s.db.Now())
		lines[i] = shopLine{shop, says, tone, halted, active[shop.Domain], purchased[shop.Domain]}
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

// shopSays says whether calls are made for a shop.
func shopSays(shop postgres.Shop, store *engine.Store, now time.Time) (says, tone string, halted bool) {
	state := shop.State(now)
	switch {
	case store == nil:
		return "Not configured", "tone-still", true
	case state.Uninstalled:
		return "App removed", "tone-bad", true
	case store.Config.Paused:
		return "Paused in the configuration", "tone-wait", true
	case state.Paused:
		return "Paused", "tone-wait", true
	case state.Breaker:
		return "Auto-paused", "tone-bad", true
	case shop.AccessLostAt != nil:
		// Webhooks still come and calls are made, but nothing can be asked of Shopify.
		return "Needs reinstall", "tone-bad", false
	}
	return "Active", "tone-good", false
}

// shopList is the page that lists all shops.
type shopList struct {
	frame
	Shops []shopLine
}

func (s *Server) shopsPage(c echo.Context) error {
	ctx := c.Request().Context()
	shops, err := s.db.Shops(ctx)
	if err != nil {
		return err
	}
	counts, err := s.counts.get(ctx)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, shopsView(shopList{frame: s.frame(c, "Shops", "shops"), Shops: s.shopLines(shops, counts)}))
}

// shopDetail is one shop's page.
type shopDetail struct {
	frame
	shopLine
	Store   *engine.Store
	Busy    int
	Summary spanSummary
	States  []stateLine
	Calls   []callLine
	Events  []postgres.ShopEvent
}

func (s *Server) shopPage(c echo.Context) error {
	store, err := shop.Of(c, s.engine)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	v := shopDetail{frame: s.frame(c, store.Domain, "shops"), Store: store}
	shop, err := s.engine.Shop(ctx, store.Domain)
	if err != nil {
		return err
	}
	counts, err := s.db.CountCarts(ctx, store.Domain)
	if err != nil {
		return err
	}
	stats, err := s.db.Stats(ctx, store.Domain, v.Now.Add(-usualSpan), v.Now)
	if err != nil {
		return err
	}
	load, err := s.load.get(ctx)
	if err != nil {
		return err
	}
	if v.Calls, err = s.callLines(ctx, v.frame, store.Domain, shopCalls); err != nil {
		return err
	}
	if v.Events, err = s.db.ShopEvents(ctx, store.Domain, shopEvents); err != nil {
		return err
	}
	v.shopLine = s.shopLines([]postgres.Shop{shop}, counts)[0]
	v.Summary = summary("Last 30 days", stats)
	v.States = stateLines(counts)
	v.Busy = load.Busy[store.Config.Voice.AssistantKey()]
	return s.show(c, http.StatusOK, shopView(v))
}

func (s *Server) pauseShop(c echo.Context) error {
	return s.haltOrResumeByHand(c, s.engine.PauseShop, "paused")
}

func (s *Server) resumeShop(c echo.Context) error {
	return s.haltOrResumeByHand(c, s.engine.ResumeShop, "resumed")
}

func (s *Server) haltOrResumeByHand(c echo.Context, do func(context.Context, string, string) (bool, error), done string) error {
	store, err := shop.Of(c, s.engine)
	if err != nil {
		return err
	}
	changed, err := do(c.Request().Context(), store.Domain, sourceDashboard)
	if err != nil {
		return shop.NotResumed(store, err)
	}
	if !changed {
		done = "unchanged"
	}
	return backTo(c, "/shops/"+store.Domain, done)
}
