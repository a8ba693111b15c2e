package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/shopify"
	"ringback/internal/web/guard"
	"ringback/internal/web/person"
	"ringback/internal/web/problem"
	"ringback/internal/web/shop"
	"ringback/internal/wording"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// appBridge must come from Shopify's own host, as the page's first script (Shopify, "App Bridge").
const appBridge = "https://cdn.shopify.com/shopifycloud/app-bridge.js"

// embeddedPolicy is the content security policy of the page inside Shopify Admin, without its frame-ancestors, which differ by shop.
const embeddedPolicy = "default-src 'none'; script-src 'self' https://cdn.shopify.com; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; "

//go:embed static/embedded.js
var embeddedScript []byte

// embeddedScriptPath is the address of the page's own script. It changes with its content, so that browsers may keep it for ever.
var embeddedScriptPath = func() string {
	sum := sha256.Sum256(embeddedScript)
	return "/static/" + hex.EncodeToString(sum[:6]) + "/embedded.js"
}()

// routeEmbedded answers the page inside Shopify Admin. The page itself holds nothing; its content is asked for with a session token,
// which says which shop it is for. There are no cookies.
func (s *Server) routeEmbedded() {
	get(s.router, embeddedScriptPath, func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", embeddedScript)
	})
	get(s.router, route.App, s.embeddedPage, middleware.Gzip())
	guards := []echo.MiddlewareFunc{guard.NoStore, middleware.Gzip(), middleware.BodyLimit(guard.MaxFormBody), s.merchant}
	get(s.router, route.App+"/shop", s.merchantShop, guards...)
	s.router.POST(route.App+"/pause", s.merchantPause, guards...)
	s.router.POST(route.App+"/resume", s.merchantResume, guards...)
	s.router.POST(route.App+"/suppress", s.merchantSuppress, guards...)
}

// embeddedPage is where Shopify Admin opens the app. Outside of the admin's frame it sends the merchant to the install, or on to the
// admin.
func (s *Server) embeddedPage(c echo.Context) error {
	q := c.QueryParams()
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", embeddedPolicy+shopify.FrameAncestors(""))
	store, err := s.installable(q)
	if err != nil {
		return err
	}
	app := s.engine.App(store.Domain)
	if q.Has("hmac") && !app.VerifyQuery(q) {
		return problem.New(http.StatusForbidden, "signature", "Not signed by Shopify", "This link says that it comes from Shopify, and does not: open the app from Shopify Admin again.")
	}
	h.Set("Content-Security-Policy", embeddedPolicy+shopify.FrameAncestors(store.Domain))
	connected, err := s.engine.Connected(c.Request().Context(), store.Domain)
	if err != nil {
		return err
	}
	framed := q.Get("embedded") == "1" || c.Request().Header.Get("Sec-Fetch-Dest") == "iframe"
	install := route.InstallOf(store.Domain)
	switch {
	case !framed && !connected:
		return c.Redirect(http.StatusFound, install)
	case !framed:
		return c.Redirect(http.StatusFound, "https://admin.shopify.com/store/"+shopName(store.Domain)+"/apps/"+url.PathEscape(app.ClientID))
	}
	return s.show(c, http.StatusOK, embeddedView(app.ClientID, connected, install))
}

// merchantStore is set in the context of requests whose session token was checked.
const merchantStore = "merchant-store"

// merchant lets requests through that carry a good session token of a configured shop; the shop is the token's and no other.
func (s *Server) merchant(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		session, err := s.engine.App("").VerifySession(token)
		if err != nil {
			// App Bridge gets a fresh token and asks once more.
			c.Response().Header().Set("X-Shopify-Retry-Invalid-Session-Request", "1")
			return problem.New(http.StatusUnauthorized, "session", "Unauthorized", "Send a session token of Shopify's App Bridge as Authorization: Bearer.")
		}
		store := s.engine.Store(session.Shop)
		if store == nil {
			return problem.New(http.StatusForbidden, "shop-unknown", "This shop is not served here", "Ask your agency to add the shop under stores in the configuration.")
		}
		c.Set(merchantStore, store)
		return next(c)
	}
}

// How much of each list the merchant sees.
const (
	merchantCarts = 25
	merchantCalls = 15
)

// merchantDetail is what a merchant sees of their shop.
type merchantDetail struct {
	frame
	shopLine
	Summary spanSummary
	States  []stateLine
	Carts   []postgres.Cart
	Calls   []callLine
	Install string
}

func (s *Server) merchantShop(c echo.Context) error { return s.showMerchant(c, note{}) }

// showMerchant answers with the content of the merchant's page, and a line on what was just done.
func (s *Server) showMerchant(c echo.Context, said note) error {
	store := c.Get(merchantStore).(*engine.Store)
	ctx := c.Request().Context()
	v := merchantDetail{frame: s.frame(c, store.Domain, ""), Install: route.InstallOf(store.Domain)}
	v.Note = said
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
	if v.Carts, err = s.db.Carts(ctx, postgres.CartFilter{Shop: store.Domain, Limit: merchantCarts}); err != nil {
		return err
	}
	if v.Calls, err = s.callLines(ctx, v.frame, store.Domain, merchantCalls); err != nil {
		return err
	}
	v.shopLine = s.shopLines([]postgres.Shop{shop}, counts)[0]
	v.Summary = summary("Last 30 days", stats)
	v.States = stateLines(counts)
	return s.show(c, http.StatusOK, merchantView(v))
}

// sourceMerchant is where a merchant's wishes come from.
const sourceMerchant = "merchant"

func (s *Server) merchantPause(c echo.Context) error {
	store := c.Get(merchantStore).(*engine.Store)
	if _, err := s.engine.PauseShop(c.Request().Context(), store.Domain, sourceMerchant); err != nil {
		return err
	}
	return s.showMerchant(c, notes["paused"])
}

func (s *Server) merchantResume(c echo.Context) error {
	store := c.Get(merchantStore).(*engine.Store)
	if _, err := s.engine.ResumeShop(c.Request().Context(), store.Domain, sourceMerchant); err != nil {
		return shop.NotResumed(store, err)
	}
	return s.showMerchant(c, notes["resumed"])
}

// merchantSuppress keeps somebody from being called by the merchant's own shop.
func (s *Server) merchantSuppress(c echo.Context) error {
	store := c.Get(merchantStore).(*engine.Store)
	p := person.Person{Shop: store.Domain, Phone: c.FormValue("phone"), Email: c.FormValue("email")}
	if problems := p.Check(s.engine); problems != nil {
		return s.showMerchant(c, note{Text: "Not done: " + problems[0].Fix + ".", Bad: true})
	}
	if _, err := s.engine.Suppress(c.Request().Context(), store.Domain, p.Phone, p.Email, sourceMerchant); err != nil {
		return err
	}
	return s.showMerchant(c, notes["suppressed"])
}

// cartSays says where a cart stands and why, in a merchant's words.
func cartSays(c *cart.Cart) string {
	if c.Reason == "" {
		return wording.State(c.State)
	}
	return wording.State(c.State) + ": " + wording.LowerFirst(wording.Reason(c.Reason))
}
