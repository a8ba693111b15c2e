package api

import (
	"context"
	"net/http"
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/web/shop"

	"github.com/labstack/echo/v4"
)

// shopJSON is whether calls are made for a shop.
type shopJSON struct {
	Shop string `json:"shop"`
	// Paused is true while an operator or the configuration pauses calling.
	Paused   bool       `json:"paused"`
	PausedAt *time.Time `json:"paused_at"`
	// PausedBy says who paused: api, dashboard, merchant or configuration. The last ends only with an edit of the
	// configuration.
	PausedBy *string `json:"paused_by"`
	// Breaker is true while the circuit breaker has paused the shop.
	Breaker       bool       `json:"breaker"`
	BreakerReason *string    `json:"breaker_reason"`
	BreakerUntil  *time.Time `json:"breaker_until"`
	UninstalledAt *time.Time `json:"uninstalled_at"`
}

// byConfiguration is in paused_by when the configuration says paused: true.
const byConfiguration = "configuration"

func shopAsJSON(row postgres.Shop, store *engine.Store, now time.Time) shopJSON {
	state := row.State(now)
	j := shopJSON{
		Shop:          row.Domain,
		Paused:        state.Paused || store.Config.Paused,
		PausedAt:      row.PausedAt,
		PausedBy:      orNull(row.PausedBy),
		Breaker:       state.Breaker,
		UninstalledAt: row.UninstalledAt,
	}
	if store.Config.Paused {
		by := byConfiguration
		j.PausedBy = &by
	}
	if state.Breaker {
		j.BreakerReason, j.BreakerUntil = orNull(row.BreakerReason), row.BreakerUntil
	}
	return j
}

func (a *API) pauseShop(c echo.Context) error { return a.pauseOrResume(c, a.engine.PauseShop) }

func (a *API) resumeShop(c echo.Context) error { return a.pauseOrResume(c, a.engine.ResumeShop) }

func (a *API) pauseOrResume(c echo.Context, do func(context.Context, string, string) (bool, error)) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	store, err := shop.Of(c, a.engine)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if _, err := do(ctx, store.Domain, source); err != nil {
		return shop.NotResumed(store, err)
	}
	row, err := a.engine.Shop(ctx, store.Domain)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shopAsJSON(row, store, a.db.Now()))
}
