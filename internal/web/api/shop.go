package api

import (
	"context"
	"net/http"
	"time"

	"ringback/internal/engine"
	"ringback/internal/standing"
	"ringback/internal/web/param"
	"ringback/internal/web/shop"

	"github.com/labstack/echo/v4"
)

// shopJSON is how a shop stands.
type shopJSON struct {
	Shop string `json:"shop"`
	// Status is active, attention, not_connected, paused or failing.
	Status  standing.Status `json:"status"`
	Reasons []reasonJSON    `json:"reasons"`
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
	LastWebhookAt *time.Time `json:"last_webhook_at"`
	// ReconciledUntil is up to when the shop was compared with Shopify.
	ReconciledUntil *time.Time `json:"reconciled_until"`
	// Credits is what is left in the voice account, where the provider tells it.
	Credits *string `json:"credits"`
}

// reasonJSON is one reason for a shop's status.
type reasonJSON struct {
	Code  standing.Code `json:"code"`
	Since *time.Time    `json:"since"`
	Until *time.Time    `json:"until"`
	Says  string        `json:"says"`
	// Remedy is what to do about it; null when nothing has to be done.
	Remedy *string `json:"remedy"`
}

// byConfiguration is in paused_by when the configuration says paused: true.
const byConfiguration = "configuration"

func shopAsJSON(row engine.ShopStanding, store *engine.Store, now time.Time) shopJSON {
	state := row.State(now)
	j := shopJSON{
		Shop:          row.Domain,
		Status:        row.Status,
		Reasons:       []reasonJSON{},
		Paused:        state.Paused || store.Config.Paused,
		PausedAt:      row.PausedAt,
		PausedBy:      orNull(row.PausedBy),
		Breaker:       state.Breaker,
		UninstalledAt: row.UninstalledAt,
		LastWebhookAt: row.LastWebhookAt, ReconciledUntil: row.ReconciledUntil,
	}
	for _, r := range row.Reasons {
		j.Reasons = append(j.Reasons, reasonJSON{
			Code: r.Code, Since: r.Since, Until: r.Until, Says: r.Says, Remedy: orNull(r.Remedy),
		})
	}
	if row.CreditsLeft != nil {
		left := row.CreditsLeft.String()
		j.Credits = &left
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
	return a.showShop(c, store)
}

func (a *API) showShop(c echo.Context, store *engine.Store) error {
	row, err := a.engine.Standing(c.Request().Context(), store)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shopAsJSON(row, store, a.db.Now()))
}

// shop says how one shop stands.
func (a *API) shop(c echo.Context) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	store, err := shop.Of(c, a.engine)
	if err != nil {
		return err
	}
	return a.showShop(c, store)
}

// shops says how every configured shop stands, by name.
func (a *API) shops(c echo.Context) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	rows, err := a.standings.Get(c.Request().Context())
	if err != nil {
		return err
	}
	list, now := []shopJSON{}, a.db.Now()
	for _, row := range rows {
		list = append(list, shopAsJSON(row, a.engine.Store(row.Domain), now))
	}
	return c.JSON(http.StatusOK, map[string]any{"shops": list})
}
