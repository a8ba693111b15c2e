package web

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ringback/internal/engine"
	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web/guard"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// The cookie that ties the callback of an install to the browser that began it.
const (
	installCookie = "ringback_install"
	installLife   = 10 * time.Minute
)

// routeInstall answers the merchant's way through an install. It is open to everybody: who may install is decided by the configuration,
// and who it is by Shopify.
func (s *Server) routeInstall() {
	guards := []echo.MiddlewareFunc{guard.PageHeaders(guard.PagePolicy), middleware.Gzip()}
	// Both have effects, which a HEAD must not have: one sets a cookie, the other uses a code up.
	s.router.GET(route.Install, s.beginInstall, guards...)
	s.router.GET(route.InstallCallback, s.endInstall, guards...)
}

// beginInstall sends the merchant to the page at Shopify that asks for the scopes. Nothing is sent anywhere for a shop that is not
// configured.
func (s *Server) beginInstall(c echo.Context) error {
	store, err := s.installable(c.QueryParams())
	if err != nil {
		return err
	}
	app := s.engine.App(store.Domain)
	if c.QueryParams().Has("hmac") && !app.VerifyQuery(c.QueryParams()) {
		return problem.New(http.StatusForbidden, "signature", "Not signed by Shopify", "This link says that it comes from Shopify, and does not: open the app from Shopify Admin again.")
	}
	state := shopify.NewState()
	address, err := app.AuthorizeURL(store.Domain, state)
	if err != nil {
		return err
	}
	c.SetCookie(s.installTicket(store.Domain, state, s.db.Now().Add(installLife)))
	return c.Redirect(http.StatusFound, address)
}

// installable returns the configured shop that a request names.
func (s *Server) installable(q url.Values) (*engine.Store, error) {
	shops := q["shop"]
	if len(shops) != 1 {
		return nil, problem.New(http.StatusBadRequest, "shop", "Which shop?", "Add the shop to the address, once: ?shop=your-shop.myshopify.com")
	}
	shop, err := shopify.ParseShop(shops[0])
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "shop", "Which shop?", "The shop must be its *.myshopify.com domain, such as ?shop=your-shop.myshopify.com")
	}
	store := s.engine.Store(shop)
	switch {
	case store == nil:
		return nil, problem.New(http.StatusForbidden, "shop-unknown", "This shop is not served here", "Ask your agency to add the shop under stores in the configuration and to restart the server; then install again.")
	case store.Config.AdminToken.Set():
		return nil, problem.New(http.StatusConflict, "shop-connected", "There is nothing to install", "This shop is connected by an admin_token in the configuration.")
	case s.engine.App(shop).ClientID == "":
		return nil, problem.New(http.StatusServiceUnavailable, "app-unknown", "The app is not set up", "shopify.client_id is not configured: write the app's client id and restart the server.")
	}
	return store, nil
}

// installTicket is the cookie of an install: the state, the shop and when it ends, under our own seal.
func (s *Server) installTicket(shop, state string, ends time.Time) *http.Cookie {
	stamp := strconv.FormatInt(ends.Unix(), 10)
	return &http.Cookie{
		Name:     installCookie,
		Value:    strings.Join([]string{state, shop, stamp, s.sealTicket(state, shop, stamp)}, "|"),
		Path:     route.ShopifyInstall,
		MaxAge:   int(installLife.Seconds()),
		HttpOnly: true,
		Secure:   strings.HasPrefix(s.config.Server.PublicURL, "https://"),
		SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) sealTicket(state, shop, stamp string) string {
	return s.db.Token(strings.Join([]string{"install", state, shop, stamp}, "|"))
}

// readTicket returns the shop and state of the install that this browser began; empty ones when it began none, or too long ago.
func (s *Server) readTicket(c echo.Context) (shop, state string) {
	cookie, err := c.Cookie(installCookie)
	if err != nil {
		return "", ""
	}
	parts := strings.Split(cookie.Value, "|")
	if len(parts) != 4 {
		return "", ""
	}
	state, shop, stamp := parts[0], parts[1], parts[2]
	ends, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !guard.Same(secret.Secret(s.sealTicket(state, shop, stamp)), parts[3]) || s.db.Now().Unix() > ends {
		return "", ""
	}
	return shop, state
}

// endInstall takes the merchant back from Shopify, exchanges the code and opens the app.
func (s *Server) endInstall(c echo.Context) error {
	wantShop, wantState := s.readTicket(c)
	if wantState == "" {
		return problem.New(http.StatusBadRequest, "install-unknown", "This install was not begun here", "It was begun in another browser, too long ago, or ended already: open /shopify/install?shop=your-shop.myshopify.com again.")
	}
	app := s.engine.App(wantShop)
	callback, err := app.VerifyCallback(c.QueryParams(), wantShop, wantState)
	if err != nil {
		return refusedCallback(err)
	}
	if _, err := s.installable(url.Values{"shop": {callback.Shop}}); err != nil {
		return err
	}
	// A state is good for one callback.
	used := s.installTicket("", "", time.Time{})
	used.Value, used.MaxAge = "", -1
	c.SetCookie(used)
	if err := s.engine.Install(c.Request().Context(), callback); err != nil {
		return s.failedInstall(c, err)
	}
	if page := appInAdmin(callback.Shop, app.ClientID, callback.Host); page != "" {
		return c.Redirect(http.StatusFound, page)
	}
	return s.show(c, http.StatusOK, installedView(s.frame(c, "Installed", ""), callback.Shop))
}

func refusedCallback(err error) error {
	status := http.StatusForbidden
	if errors.Is(err, shopify.ErrCallbackCode) || errors.Is(err, shopify.ErrCallbackStale) {
		status = http.StatusBadRequest
	}
	text := err.Error()
	return problem.New(status, "install-refused", "The install was refused", strings.ToUpper(text[:1])+text[1:]+".")
}

// failedInstall says why no token was given.
func (s *Server) failedInstall(c echo.Context, err error) error {
	s.log.WarnContext(c.Request().Context(), "install failed", "error", err, "request_id", request.ID(c))
	switch {
	case errors.Is(err, shopify.ErrReinstall):
		return problem.New(http.StatusBadRequest, "install-refused", "The install was refused", "Shopify does not take this code, which is good once and for a minute: start the install again.")
	case errors.Is(err, shopify.ErrClient):
		return problem.New(http.StatusBadGateway, "app-refused", "The app is not set up", "Shopify does not know shopify.client_id with any of shopify.client_secrets: copy both from the app's settings and restart the server.")
	case shopify.Temporary(err):
		return problem.New(http.StatusServiceUnavailable, "shopify-away", "Shopify does not answer", "Start the install again in a minute.")
	}
	return err
}

// appInAdmin is the app's page in Shopify Admin; host is where Shopify says that the admin is. "" when it says nothing usable.
func appInAdmin(shop, clientID, host string) string {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(host, "="))
	if err != nil {
		return ""
	}
	switch at := string(raw); at {
	case "admin.shopify.com/store/" + strings.TrimSuffix(shop, ".myshopify.com"), shop + "/admin":
		return "https://" + at + "/apps/" + url.PathEscape(clientID)
	}
	return ""
}
