package merchant

import (
	"net/http"
	"net/url"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/shopify"
	"ringback/internal/standing"
	"ringback/internal/web/page"
	"ringback/internal/web/person"
	"ringback/internal/web/shop"
	"ringback/internal/web/view"
	"ringback/internal/wording"

	"github.com/labstack/echo/v4"
)

// appBridge is Shopify's script. It must come from Shopify's own host and be the page's first script (Shopify, "App
// Bridge").
const appBridge = "https://cdn.shopify.com/shopifycloud/app-bridge.js"

// framedPolicy is the content security policy of the page inside Shopify Admin, without its frame-ancestors, which
// differ by shop.
const framedPolicy = "default-src 'none'; script-src 'self' https://cdn.shopify.com; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "

// appPage is where Shopify Admin opens the app. Outside of the admin's frame it sends the merchant to the install, or
// to the admin.
func (m *Merchant) appPage(c echo.Context) error {
	q := c.QueryParams()
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", framedPolicy+shopify.FrameAncestors(""))
	store, err := m.installable(q)
	if err != nil {
		return err
	}
	app := m.engine.App(store.Domain)
	if err := checkSignature(app, q); err != nil {
		return err
	}
	h.Set("Content-Security-Policy", framedPolicy+shopify.FrameAncestors(store.Domain))
	connected, err := m.engine.Connected(c.Request().Context(), store.Domain)
	if err != nil {
		return err
	}
	framed := q.Get("embedded") == "1" || c.Request().Header.Get("Sec-Fetch-Dest") == "iframe"
	install := route.InstallOf(store.Domain)
	switch {
	case !framed && !connected:
		return c.Redirect(http.StatusFound, install)
	case !framed:
		admin := "https://admin.shopify.com/store/" + page.ShopName(store.Domain) + "/apps/" + url.PathEscape(app.ClientID)
		return c.Redirect(http.StatusFound, admin)
	}
	return page.Show(c, http.StatusOK, appView(app.ClientID, connected, install))
}

// How many entries of each list the merchant sees.
const (
	cartsShown = 25
	callsShown = 15
)

// shopModel is what a merchant sees of their shop.
type shopModel struct {
	Name string
	Note page.Note
	standing.Standing
	// AccessLost is true when Shopify refuses our token; Install is where that is mended.
	AccessLost bool
	Install    string
	// Pause and Resume offer the one or the other.
	Pause, Resume bool
	Summary       view.Span
	States        []view.State
	Carts         []cartModel
	Calls         []callModel
}

// cartModel is a cart in the list.
type cartModel struct{ Customer, Total, State, Activity string }

// callModel is a call in the list.
type callModel struct{ Customer, When, Outcome, Summary string }

func (m *Merchant) shop(c echo.Context) error { return m.showShop(c, page.Note{}) }

// showShop answers with the content of the merchant's page, and a note on what was just done.
func (m *Merchant) showShop(c echo.Context, note page.Note) error {
	store := storeOf(c)
	ctx := c.Request().Context()
	f := m.pages.Frame(c, store.Domain, "")
	row, err := m.engine.Standing(ctx, store)
	if err != nil {
		return err
	}
	counts, err := m.db.CountCarts(ctx, store.Domain)
	if err != nil {
		return err
	}
	stats, err := m.db.Stats(ctx, store.Domain, f.Now.Add(-view.Month), f.Now)
	if err != nil {
		return err
	}
	carts, err := m.db.Carts(ctx, postgres.CartFilter{Shop: store.Domain, Limit: cartsShown})
	if err != nil {
		return err
	}
	calls, err := view.NewestCalls(ctx, m.db, f, store.Domain, callsShown)
	if err != nil {
		return err
	}
	v := shopModel{
		Name:       page.ShopName(store.Domain),
		Note:       note,
		Standing:   row.Standing,
		AccessLost: row.AccessLostAt != nil,
		Install:    route.InstallOf(store.Domain),
		Resume:     row.PausedAt != nil || row.BreakerAt != nil,
		Summary:    view.NewSpan("Last 30 days", stats),
		States:     view.States(counts),
	}
	v.Pause = !v.Resume && !v.Has(standing.AppRemoved) && !v.Has(standing.PausedByHand)
	for i := range carts {
		k := &carts[i].Cart
		v.Carts = append(v.Carts, cartModel{
			Customer: k.Checkout.CustomerName(), Total: wording.Money(k.Checkout.Total, k.Checkout.Currency),
			State: stateAndReason(k), Activity: f.In(store.Domain, k.LastActivityAt).Local(),
		})
	}
	for i := range calls {
		call := &calls[i]
		v.Calls = append(v.Calls, callModel{
			Customer: call.Customer, When: call.When.Local(), Outcome: wording.Call(&call.Call), Summary: call.Summary,
		})
	}
	return page.Show(c, http.StatusOK, shopView(v))
}

// stateAndReason says in which state a cart is and why.
func stateAndReason(c *cart.Cart) string {
	if c.Reason == "" {
		return wording.State(c.State)
	}
	return wording.State(c.State) + ": " + wording.LowerFirst(wording.Reason(c.Reason))
}

// source is where a pause or a suppression came from when the merchant asked for it.
const source = "merchant"

func (m *Merchant) pause(c echo.Context) error {
	if _, err := m.engine.PauseShop(c.Request().Context(), storeOf(c).Domain, source); err != nil {
		return err
	}
	return m.showShop(c, page.NoteOf("paused"))
}

func (m *Merchant) resume(c echo.Context) error {
	store := storeOf(c)
	if _, err := m.engine.ResumeShop(c.Request().Context(), store.Domain, source); err != nil {
		return shop.NotResumed(store, err)
	}
	return m.showShop(c, page.NoteOf("resumed"))
}

// suppress keeps a person from being called for the merchant's own shop.
func (m *Merchant) suppress(c echo.Context) error {
	p := person.Person{Shop: storeOf(c).Domain, Phone: c.FormValue("phone"), Email: c.FormValue("email")}
	if problems := p.Check(m.engine); problems != nil {
		return m.showShop(c, page.Note{Text: "Not done: " + problems[0].Fix + ".", Bad: true})
	}
	if _, err := m.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, source); err != nil {
		return err
	}
	return m.showShop(c, page.NoteOf("suppressed"))
}
