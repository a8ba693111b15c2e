package merchant

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/shopify"
	"ringback/internal/web/guard"
	"ringback/internal/web/page"
	"ringback/internal/web/problem"
	"ringback/internal/web/request"

	"github.com/labstack/echo/v4"
)

// The cookie that ties the callback of an install to the browser that began it.
const (
	installCookie = "ringback_install"
	installLife   = 10 * time.Minute
)

// beginInstall sends the merchant of a configured shop to the page at Shopify that asks for the scopes.
func (m *Merchant) beginInstall(c echo.Context) error {
	store, err := m.installable(c.QueryParams())
	if err != nil {
		return err
	}
	app := m.engine.App(store.Domain)
	if err := checkSignature(app, c.QueryParams()); err != nil {
		return err
	}
	state := shopify.NewState()
	address, err := app.AuthorizeURL(store.Domain, state)
	if err != nil {
		return err
	}
	c.SetCookie(m.ticket(store.Domain, state, m.engine.Now().Add(installLife)))
	return c.Redirect(http.StatusFound, address)
}

// ticket is the cookie of an install: the state, the shop and when it ends, sealed by us.
func (m *Merchant) ticket(shop, state string, ends time.Time) *http.Cookie {
	stamp := strconv.FormatInt(ends.Unix(), 10)
	return &http.Cookie{
		Name:     installCookie,
		Value:    strings.Join([]string{state, shop, stamp, m.sealTicket(state, shop, stamp)}, "|"),
		Path:     route.ShopifyInstall,
		MaxAge:   int(installLife.Seconds()),
		HttpOnly: true,
		Secure:   strings.HasPrefix(m.publicURL, "https://"),
		SameSite: http.SameSiteLaxMode,
	}
}

func (m *Merchant) sealTicket(state, shop, stamp string) string {
	return m.db.Token(strings.Join([]string{"install", state, shop, stamp}, "|"))
}

// readTicket returns the shop and state of the install that this browser began. They are empty when it began none, or
// too long ago.
func (m *Merchant) readTicket(c echo.Context) (shop, state string) {
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
	sealed := guard.Same(secret.Secret(m.sealTicket(state, shop, stamp)), parts[3])
	if err != nil || !sealed || m.engine.Now().Unix() > ends {
		return "", ""
	}
	return shop, state
}

// endInstall receives the merchant back from Shopify, exchanges the code and opens the app.
func (m *Merchant) endInstall(c echo.Context) error {
	wantShop, wantState := m.readTicket(c)
	if wantState == "" {
		return problem.New(http.StatusBadRequest, "install-unknown", "This install was not begun here",
			"It was begun in another browser, too long ago, or ended already: open "+route.Install+
				"?shop=your-shop.myshopify.com again.")
	}
	app := m.engine.App(wantShop)
	callback, err := app.VerifyCallback(c.QueryParams(), wantShop, wantState)
	if err != nil {
		return refusedCallback(err)
	}
	if _, err := m.installable(url.Values{"shop": {callback.Shop}}); err != nil {
		return err
	}
	// A state is valid for one callback.
	used := m.ticket("", "", time.Time{})
	used.Value, used.MaxAge = "", -1
	c.SetCookie(used)
	if err := m.engine.Install(c.Request().Context(), callback); err != nil {
		return m.failedInstall(c, err)
	}
	if address := appInAdmin(callback.Shop, app.ClientID, callback.Host); address != "" {
		return c.Redirect(http.StatusFound, address)
	}
	return page.Show(c, http.StatusOK, installedView(m.pages.Frame(c, "Installed", ""), callback.Shop))
}

// refused is the answer to an install that cannot be completed.
func refused(status int, detail string) error {
	return problem.New(status, "install-refused", "The install was refused", detail)
}

func refusedCallback(err error) error {
	status := http.StatusForbidden
	if errors.Is(err, shopify.ErrCallbackCode) || errors.Is(err, shopify.ErrCallbackStale) {
		status = http.StatusBadRequest
	}
	text := err.Error()
	return refused(status, strings.ToUpper(text[:1])+text[1:]+".")
}

// failedInstall says why Shopify gave no token.
func (m *Merchant) failedInstall(c echo.Context, err error) error {
	m.log.WarnContext(c.Request().Context(), "install failed", "error", err, "request_id", request.ID(c))
	switch {
	case errors.Is(err, shopify.ErrReinstall):
		return refused(http.StatusBadRequest,
			"Shopify does not take this code, which is good once and for a minute: start the install again.")
	case errors.Is(err, shopify.ErrClient):
		return problem.New(http.StatusBadGateway, "app-refused", "The app is not set up",
			"Shopify does not know shopify.client_id with any of shopify.client_secrets: "+
				"copy both from the app's settings and restart the server.")
	case shopify.Temporary(err):
		return problem.New(http.StatusServiceUnavailable, "shopify-away", "Shopify does not answer",
			"Start the install again in a minute.")
	}
	return err
}

// appInAdmin is the app's page in Shopify Admin. host is where Shopify says that the admin is. It is "" when host is
// unusable.
func appInAdmin(shop, clientID, host string) string {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(host, "="))
	if err != nil {
		return ""
	}
	switch at := string(raw); at {
	case "admin.shopify.com/store/" + page.ShopName(shop), shop + "/admin":
		return "https://" + at + "/apps/" + url.PathEscape(clientID)
	}
	return ""
}
