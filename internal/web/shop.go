package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// shopJSON is whether calls are made for a shop.
type shopJSON struct {
	Shop string `json:"shop"`
	// Paused is true while an operator or the configuration halts calling.
	Paused   bool       `json:"paused"`
	PausedAt *time.Time `json:"paused_at"`
	// PausedBy says who paused: api, dashboard or configuration, which only an edit of the configuration lifts.
	PausedBy *string `json:"paused_by"`
	// Breaker is true while the shop has paused itself.
	Breaker       bool       `json:"breaker"`
	BreakerReason *string    `json:"breaker_reason"`
	BreakerUntil  *time.Time `json:"breaker_until"`
	UninstalledAt *time.Time `json:"uninstalled_at"`
}

// byConfiguration is who paused a shop whose configuration says paused.
const byConfiguration = "configuration"

func shopAsJSON(shop postgres.Shop, store *engine.Store, now time.Time) shopJSON {
	state := shop.State(now)
	j := shopJSON{
		Shop:          shop.Domain,
		Paused:        state.Paused || store.Config.Paused,
		PausedAt:      shop.PausedAt,
		PausedBy:      orNull(shop.PausedBy),
		Breaker:       state.Breaker,
		UninstalledAt: shop.UninstalledAt,
	}
	if store.Config.Paused {
		by := byConfiguration
		j.PausedBy = &by
	}
	if state.Breaker {
		j.BreakerReason, j.BreakerUntil = orNull(shop.BreakerReason), shop.BreakerUntil
	}
	return j
}

// askedShop finds the configured shop in a request's path; anything else is not found.
func (s *Server) askedShop(c echo.Context) (*engine.Store, error) {
	domain, err := shopify.ParseShop(c.Param("shop"))
	store := s.engine.Store(domain)
	if err != nil || store == nil {
		return nil, problem.NotFound("There is no shop of this name in the configuration.")
	}
	return store, nil
}

// shopRow reads what the database knows of a configured shop, which may be nothing yet.
func (s *Server) shopRow(ctx context.Context, domain string) (postgres.Shop, error) {
	shop, err := s.db.Shop(ctx, domain)
	if errors.Is(err, postgres.ErrNotFound) {
		return postgres.Shop{Domain: domain}, nil
	}
	return shop, err
}

func (s *Server) apiPauseShop(c echo.Context) error { return s.haltOrResume(c, s.engine.PauseShop) }

func (s *Server) apiResumeShop(c echo.Context) error { return s.haltOrResume(c, s.engine.ResumeShop) }

func (s *Server) haltOrResume(c echo.Context, do func(context.Context, string, string) (bool, error)) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	store, err := s.askedShop(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if _, err := do(ctx, store.Domain, sourceAPI); err != nil {
		return notResumed(store, err)
	}
	shop, err := s.shopRow(ctx, store.Domain)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shopAsJSON(shop, store, s.db.Now()))
}

// notResumed says what to do about a shop that resuming does not help.
func notResumed(store *engine.Store, err error) error {
	if !errors.Is(err, engine.ErrUninstalled) {
		return err
	}
	return problem.New(http.StatusConflict, "shop-uninstalled", "The app is not installed",
		"The merchant removed the app, so nobody is called for this shop and resuming changed nothing. "+installAgain(store))
}

// installAgain says how a shop that removed the app comes back.
func installAgain(store *engine.Store) string {
	if store.Config.AdminToken.Set() {
		return "Have the merchant install the custom app again, write its new token as admin_token of " + store.Domain +
			" in the configuration and restart. Calling goes on once Shopify takes the token, which is tried at the start, every few minutes, and at each try to resume."
	}
	return "Have the merchant install the app again, at " + route.InstallOf(store.Domain) + "."
}
