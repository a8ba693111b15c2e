// Package shop finds the shop that a request names, and says what to do about one that removed the app.
package shop

import (
	"errors"
	"net/http"

	"ringback/internal/engine"
	"ringback/internal/route"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"

	"github.com/labstack/echo/v4"
)

// Of is the configured shop in a request's path; anything else is not found.
func Of(c echo.Context, e *engine.Engine) (*engine.Store, error) {
	store := Named(e, c.Param("shop"))
	if store == nil {
		return nil, problem.NotFound("There is no shop of this name in the configuration.")
	}
	return store, nil
}

// Named is the configured shop of a domain as somebody wrote it; nil when there is none.
func Named(e *engine.Engine, text string) *engine.Store {
	domain, err := shopify.ParseShop(text)
	if err != nil {
		return nil
	}
	return e.Store(domain)
}

// NotResumed is the answer when resuming a shop failed. A shop that removed the app needs more than that.
func NotResumed(store *engine.Store, err error) error {
	if !errors.Is(err, engine.ErrUninstalled) {
		return err
	}
	return problem.New(http.StatusConflict, "shop-uninstalled", "The app is not installed",
		"The merchant removed the app, so nobody is called for this shop and resuming changed nothing. "+InstallAgain(store))
}

// InstallAgain says how a shop that removed the app comes back.
func InstallAgain(store *engine.Store) string {
	if store.Config.AdminToken.Set() {
		return "Have the merchant install the custom app again, write its new token as admin_token of " + store.Domain +
			" in the configuration and restart. Calling goes on once Shopify takes the token, which is tried at the start, " +
			"every few minutes, and at each try to resume."
	}
	return "Have the merchant install the app again, at " + route.InstallOf(store.Domain) + "."
}
